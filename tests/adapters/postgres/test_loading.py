"""`load`: whole or not at all, as often as wanted, and every complaint names its place and no card."""

# ruff: noqa: E501  # a row of a table reads best as one line

import contextlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.postgres import load_files, reference
from adapters.postgres.audit import audit
from adapters.postgres.connecting import Connection, connection
from adapters.postgres.errors import LoadingError, TokenKeyError
from adapters.postgres.loading import Loaded, load, read_directory
from adapters.postgres.seeding import CardNumbers
from switch.member_data import INCOMPLETE, NAME_UNKNOWN
from switch.receipts import Printer
from switch.referral import code_of
from switch.tokens import Tokens

BAZAAR = Path(__file__).parents[3] / "examples" / "bazaar"
NOTHING = Loaded(0, 0, 0, 0, 0, ())
PAN = "6037990000000006"
INSTITUTIONS = """
institutions:
  - {code: "581672", name: KHATAM, title: Khatam Bank, kind: bank, timezone: Asia/Tehran,
     merchants: [{code: M00000000000001, name: Bazaar, category: grocery}]}
"""
PROGRAMME = """
programme: bazaar
owner: KHATAM
currency: 364
timezone: Asia/Tehran
point: {value: 100, expires: 24 months}
rules:
  - id: base
    then: {points: {per: 100000}}
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """The smallest directory in which a card can be."""
    (tmp_path / "programmes").mkdir()
    write(tmp_path, "institutions.yaml", INSTITUTIONS)
    write(tmp_path, "terminals.csv", "acquirer,code,merchant\n581672,T0000001,M00000000000001\n")
    write(tmp_path, "programmes/bazaar.yaml", PROGRAMME)
    write(tmp_path, "cards.csv", f"pan,programme,mobile,name\n{PAN},bazaar,09120000000,Sara\n")
    return tmp_path


def write(directory: Path, name: str, text: str | bytes) -> None:
    path = directory / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())


def problems_of(directory: Path) -> tuple[str, ...]:
    with pytest.raises(LoadingError) as refused:
        read_directory(directory)
    return refused.value.problems


async def account_of(opened: Connection, key: bytes, pan: str) -> dict[str, object]:
    token = Tokens(key, 64).card(pan)
    row = await opened.fetchrow("SELECT * FROM account WHERE shard = $1 AND id = $2", token.shard, token.id)
    assert row is not None
    assert row["token_low"] == token.low
    return dict(row)


@pytest.mark.integration
async def test_the_example_loads_and_is_sound(fresh_database_url: str, token_key: bytes) -> None:
    assert await load(fresh_database_url, token_key, BAZAAR) == Loaded(3, 4, 6, 1, 12, ())
    assert [finding.check.name for finding in await audit(fresh_database_url) if not finding.sound] == []
    numbers = CardNumbers()
    async with connection(fresh_database_url) as opened:
        directory = await reference.load(opened)
        terminal = directory.terminal("581672", "T0000001")
        assert terminal is not None
        assert (terminal.merchant_code, terminal.programme_name) == ("M00000000000001", "bazaar")
        sara = await account_of(opened, token_key, numbers.number(0))
        assert (sara["last_four"], sara["status"], sara["card_status"], sara["points"]) == ("0006", 0, 0, 0)
        ali = await account_of(opened, token_key, numbers.number(3))
        assert (ali["points"], ali["lots"]) == (5000, bytes.fromhex("015a0000000000001388"))
        assert (await account_of(opened, token_key, numbers.number(999999991)))["card_status"] == 1
        mobile = Tokens(token_key, 64).mobile("bazaar", "09120000009")
        card = await opened.fetchrow("SELECT * FROM card WHERE shard = $1 AND token = $2", mobile.shard, mobile.bytes)
        assert card is not None
        nargess = await account_of(opened, token_key, numbers.number(9))
        assert (card["account_shard"], card["account"], card["kind"]) == (nargess["shard"], nargess["id"], 5)
        assert await opened.fetchval("SELECT name FROM member WHERE mobile = '+989120000009'") == "نرگس شریفی"


@pytest.mark.integration
@pytest.mark.parametrize("others", [(), ("bazaar",)], ids=["alone", "beside bazaar"])
async def test_the_full_example_loads(fresh_database_url: str, token_key: bytes, others: tuple[str, ...]) -> None:
    for name in others:
        await load(fresh_database_url, token_key, BAZAAR.parent / name)
    full = BAZAAR.parent / "bazaar-full"
    assert (await load(fresh_database_url, token_key, full)).cards == 3
    assert await load(fresh_database_url, token_key, full) == NOTHING
    async with connection(fresh_database_url) as opened:
        directory = await reference.load(opened)
    programme = next(each for each in directory.programmes if each.name == "bazaar_full")
    assert len(programme.participants) == 4
    assert ("ticket", "nowruz") in programme.slots
    terminal = directory.terminal("581672", "G0000001")
    assert terminal is not None
    assert terminal.receipt_language == "fa"


async def test_no_card_number_is_kept_anywhere(fresh_database_url: str, token_key: bytes, directory: Path) -> None:
    await load(fresh_database_url, token_key, directory)
    async with connection(fresh_database_url) as opened:
        for table in ("account", "card", "member", "account_opening", "setting"):
            text = str(await opened.fetchval(f"SELECT string_agg(t::text, ' ') FROM {table} AS t"))
            assert PAN not in text
            assert PAN[6:15] not in text


@pytest.mark.integration
async def test_loading_again_changes_nothing(fresh_database_url: str, token_key: bytes) -> None:
    await load(fresh_database_url, token_key, BAZAAR)
    async with connection(fresh_database_url) as opened:
        before = (
            await opened.fetch("SELECT a, a.ctid, xmin FROM account AS a ORDER BY id"),
            await reference.version(opened),
        )
        assert await load(fresh_database_url, token_key, BAZAAR) == NOTHING
        after = (
            await opened.fetch("SELECT a, a.ctid, xmin FROM account AS a ORDER BY id"),
            await reference.version(opened),
        )
    assert before == after


@pytest.mark.integration
async def test_who_has_not_told_all_is_marked_until_it_is_told(
    fresh_database_url: str, token_key: bytes, directory: Path
) -> None:
    async def flags() -> object:
        async with connection(fresh_database_url) as opened:
            return (await account_of(opened, token_key, PAN))["flags"]

    marks = []
    for columns, values in (("mobile", "09120000001"), ("name", "Sara"), ("birth_date", "1988-03-21")):
        write(directory, "cards.csv", f"pan,programme,{columns}\n{PAN},bazaar,{values}\n")
        await load(fresh_database_url, token_key, directory)
        marks.append(await flags())
    assert marks == [INCOMPLETE | NAME_UNKNOWN, INCOMPLETE, 0]


@pytest.mark.integration
async def test_what_differs_is_changed(fresh_database_url: str, token_key: bytes, directory: Path) -> None:
    await load(fresh_database_url, token_key, directory)
    write(
        directory,
        "institutions.yaml",
        INSTITUTIONS.replace("Khatam Bank", "Khatam").replace("grocery", "food"),
    )
    write(directory, "terminals.csv", "acquirer,code,merchant,status\n581672,T0000001,M00000000000001,blocked\n")
    write(
        directory, "cards.csv",
        f"pan,programme,mobile,region,status,expires\n{PAN},bazaar,09120000001,Shiraz,blocked,2030-01-31\n",
    )  # fmt: skip
    assert await load(fresh_database_url, token_key, directory) == Loaded(1, 1, 1, 0, 1, ())
    async with connection(fresh_database_url) as opened:
        account = await account_of(opened, token_key, PAN)
        assert (account["card_status"], account["version"], str(account["card_expires_on"])) == (
            1,
            1,
            "2030-01-31",
        )
        member = await opened.fetchrow("SELECT mobile, name, region FROM member")
        assert member is not None
        assert tuple(member) == ("+989120000001", "Sara", "Shiraz"), "what a line leaves out stays"
        token = Tokens(token_key, 64).mobile("bazaar", "09120000001").bytes
        assert [row["token"] for row in await opened.fetch("SELECT token FROM card")] == [token]
        assert (await reference.load(opened)).identify("category", "food")


@pytest.mark.integration
async def test_points_come_along_once(fresh_database_url: str, token_key: bytes, directory: Path) -> None:
    write(
        directory, "cards.csv", f"pan,programme,points,points_expire,credit\n{PAN},bazaar,70,2030-01,500\n"
    )  # fmt: skip
    await load(fresh_database_url, token_key, directory)
    write(directory, "cards.csv", f"pan,programme,points,points_expire\n{PAN},bazaar,90,2030-01\n")
    assert (await load(fresh_database_url, token_key, directory)).cards == 0
    async with connection(fresh_database_url) as opened:
        account = await account_of(opened, token_key, PAN)
    assert (account["points"], account["credit"]) == (70, 500)
    assert all(finding.sound for finding in await audit(fresh_database_url))


@pytest.mark.integration
async def test_a_seeded_card_gets_its_member(fresh_database_url: str, token_key: bytes, directory: Path) -> None:
    write(directory, "cards.csv", f"pan,programme\n{PAN},bazaar\n")
    await load(fresh_database_url, token_key, directory)
    write(directory, "cards.csv", f"pan,programme,name\n{PAN},bazaar,Sara\n")
    assert (await load(fresh_database_url, token_key, directory)).cards == 1
    async with connection(fresh_database_url) as opened:
        account = await account_of(opened, token_key, PAN)
        assert account["member"] == account["id"]
        assert await opened.fetchval("SELECT name FROM member WHERE id = $1", account["member"]) == "Sara"


@pytest.mark.integration
async def test_what_rules_look_at_of_a_member_stands_in_the_account(
    fresh_database_url: str, token_key: bytes, directory: Path
) -> None:
    async with connection(fresh_database_url) as opened:
        for birth_date, born in (("1990-03-21", 19900321), ("", 19900321), ("1991-01-02", 19910102)):
            write(directory, "cards.csv", f"pan,programme,birth_date\n{PAN},bazaar,{birth_date}\n")
            await load(fresh_database_url, token_key, directory)
            assert (await account_of(opened, token_key, PAN))["born"] == born
        assert (await account_of(opened, token_key, PAN))["version"] == 1


async def test_every_member_gets_a_referral_code_once(fresh_database_url: str, token_key: bytes) -> None:
    await load(fresh_database_url, token_key, BAZAAR)
    await load(fresh_database_url, token_key, BAZAAR)
    async with connection(fresh_database_url) as opened:
        members = await opened.fetch("SELECT shard, id FROM member ORDER BY shard, id")
        kept = await opened.fetch("SELECT member_shard, member, shard, code FROM referral ORDER BY 1, 2")
    tokens = Tokens(token_key, 64)
    assert [tuple(row) for row in kept] == [(*member, *code_of(tokens, tuple(member))) for member in members]


async def test_a_card_that_was_linked_at_a_till_may_stand_in_the_file_again(
    fresh_database_url: str, token_key: bytes, directory: Path
) -> None:
    blank = "6037990000000014"
    write(directory, "cards.csv", f"pan,programme,status,name\n{PAN},bazaar,active,Sara\n{blank},bazaar,active,\n")
    await load(fresh_database_url, token_key, directory)
    tokens = Tokens(token_key, 64)
    token, own = tokens.card(blank), tokens.card(PAN)
    async with connection(fresh_database_url) as opened:
        await opened.execute(
            "INSERT INTO card (shard, token, account_shard, account, programme, kind) VALUES ($1, $2, $3, $4, 1, 1)",
            token.shard,
            token.bytes,
            own.shard,
            own.id,
        )
        await opened.execute("UPDATE account SET status = 2 WHERE shard = $1 AND id = $2", token.shard, token.id)
        assert await load(fresh_database_url, token_key, directory) == NOTHING
        write(directory, "cards.csv", f"pan,programme,status\n{blank},bazaar,blocked\n")
        await load(fresh_database_url, token_key, directory)
        assert await opened.fetchval("SELECT status FROM card") == 1
    write(directory, "cards.csv", f"pan,programme,name\n{blank},bazaar,Mina\n")
    with pytest.raises(LoadingError, match="further card"):
        await load(fresh_database_url, token_key, directory)
    assert all(finding.sound for finding in await audit(fresh_database_url))


async def test_terminals_bring_their_printers(fresh_database_url: str, token_key: bytes, directory: Path) -> None:
    async with connection(fresh_database_url) as opened:

        async def printers() -> list[tuple[str | None, Printer]]:
            directory = await reference.load(opened)
            return [(t.receipt_language, t.printer) for t in directory.terminals]

        await load(fresh_database_url, token_key, directory)
        assert await printers() == [(None, Printer(32, "persian", False))]
        write(
            directory,
            "terminals.csv",
            "acquirer,code,merchant,receipt_language,receipt_width,receipt_digits,receipt_mark\n"
            "581672,T0000001,M00000000000001,fa,40,latin,true\n",
        )
        assert (await load(fresh_database_url, token_key, directory)).terminals == 1
        assert await printers() == [("fa", Printer(40, "latin", True))]
        assert await load(fresh_database_url, token_key, directory) == NOTHING


async def test_a_live_programme_stays_as_it_is(fresh_database_url: str, token_key: bytes, directory: Path) -> None:
    await load(fresh_database_url, token_key, directory)
    write(directory, "programmes/bazaar.yaml", PROGRAMME.replace("100000", "50000"))
    loaded = await load(fresh_database_url, token_key, directory)
    assert loaded.programmes == 0
    assert "programme bazaar is live with another text" in loaded.notes[0]
    async with connection(fresh_database_url) as opened:
        assert "per: 100000" in (await reference.load(opened)).programmes[0].source


@pytest.mark.integration
@pytest.mark.parametrize(
    ("file", "text", "complaint"),
    [
        ("terminals.csv", "acquirer,code,merchant\n581672,T0000001,M00000000000009\n", "terminals.csv:2: institution 581672 has no merchant"),
        ("terminals.csv", "acquirer,code,merchant\n999999,T0000001,M00000000000001\n", "terminals.csv:2: institution 999999 has no"),
        ("merchants.csv", "acquirer,code,name,category\n999999,M00000000000002,x,y\n", "merchants.csv:2: there is no institution 999999"),
        ("merchants.csv", "acquirer,code,name,category\n581672,M00000000000001,x,y\n", "merchants.csv:2: this merchant stands in institutions.yaml"),
        ("cards.csv", f"pan,programme\n\n{PAN},nowhere\n", "cards.csv:3: there is no such programme"),
        ("programmes/bazaar.yaml", PROGRAMME.replace("KHATAM", "NOBODY"), "programmes/bazaar.yaml: programme bazaar names what is not there: institution NOBODY"),
        ("programmes/bazaar.yaml", PROGRAMME.replace("id: base", "id: base\n    when: merchant == 'M00000000000009'"), "merchant M00000000000009"),
    ],
)  # fmt: skip
async def test_what_points_nowhere_is_refused_and_nothing_is_kept(
    fresh_database_url: str, token_key: bytes, directory: Path, file: str, text: str, complaint: str
) -> None:
    write(directory, file, text)
    with pytest.raises(LoadingError, match=complaint):
        await load(fresh_database_url, token_key, directory)
    async with connection(fresh_database_url) as opened:
        assert await opened.fetchval("SELECT count(*) FROM institution") == 0
        assert await reference.version(opened) == 1


@pytest.mark.integration
async def test_a_card_stays_in_its_programme(fresh_database_url: str, token_key: bytes, directory: Path) -> None:
    await load(fresh_database_url, token_key, directory)
    write(directory, "programmes/other.yaml", PROGRAMME.replace("bazaar", "other"))
    write(directory, "cards.csv", f"pan,programme\n{PAN},other\n")
    with pytest.raises(LoadingError, match=r"cards.csv:2: this card is in another programme"):
        await load(fresh_database_url, token_key, directory)


@pytest.mark.integration
async def test_a_mobile_stays_with_its_card(fresh_database_url: str, token_key: bytes, directory: Path) -> None:
    await load(fresh_database_url, token_key, directory)
    write(directory, "cards.csv", "serial,programme,mobile\n5,bazaar,+989120000000\n")
    with pytest.raises(LoadingError, match=r"cards.csv:2: this mobile belongs to another card"):
        await load(fresh_database_url, token_key, directory)


@pytest.mark.integration
async def test_a_further_card_cannot_be_a_first_one(fresh_database_url: str, token_key: bytes, directory: Path) -> None:
    await load(fresh_database_url, token_key, directory)
    number = CardNumbers().number(8)
    token = Tokens(token_key, 64).card(number)
    async with connection(fresh_database_url) as opened:
        await opened.execute(
            """INSERT INTO card (shard, token, account_shard, account, programme, kind)
               SELECT $1, $2, shard, id, programme, 1 FROM account""",
            token.shard,
            token.bytes,
        )
    write(directory, "cards.csv", f"pan,programme\n{number},bazaar\n")
    with pytest.raises(LoadingError, match=r"cards.csv:2: this card is a further card"):
        await load(fresh_database_url, token_key, directory)


@pytest.mark.integration
async def test_a_wrong_key_loads_nothing(fresh_database_url: str, token_key: bytes, directory: Path) -> None:
    await load(fresh_database_url, token_key, directory)
    with pytest.raises(TokenKeyError):
        await load(fresh_database_url, bytes(32), directory)


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("cards.csv", "", "cards.csv:1: is empty"),
        ("cards.csv", "pan,programme,colour\n", "cards.csv:1: the heading names 1 unknown columns"),
        ("cards.csv", "pan,pan\n", "cards.csv:1: the heading names a column twice"),
        ("cards.csv", f"pan,programme\n{PAN}\n", "cards.csv:2: has 1 fields, the heading has 2"),
        ("cards.csv", f"pan,programme\n{PAN},bazaar,x\n", "cards.csv:2: has 3 fields"),
        ("cards.csv", "pan,programme\n6037990000000007,bazaar\n", "cards.csv:2: pan is no card number"),
        ("cards.csv", f"pan,serial,programme\n{PAN},0,bazaar\n", "cards.csv:2: a card has either a pan or a serial"),
        ("cards.csv", "programme\nbazaar\n", "cards.csv:2: a card has either a pan or a serial"),
        ("cards.csv", "serial,programme\n1000000000,bazaar\n", "cards.csv:2: serial must be less than"),
        ("cards.csv", f"pan,programme,mobile\n{PAN},bazaar,02188776655\n", "cards.csv:2: mobile an Iranian mobile has ten digits"),
        ("cards.csv", f"pan,programme,expires\n{PAN},bazaar,2030-02-30\n", "cards.csv:2: expires must be a date"),
        ("cards.csv", f"pan,programme,expires\n{PAN},bazaar,1893456000\n", "cards.csv:2: expires must be a date"),
        ("cards.csv", f"pan,programme,status\n{PAN},bazaar,sleeping\n", "cards.csv:2: status must be 'active', 'blocked' or 'closed'"),
        ("cards.csv", f"pan,programme,points\n{PAN},bazaar,5\n", "cards.csv:2: points and points_expire go together"),
        ("cards.csv", f"pan,programme,points,points_expire\n{PAN},bazaar,-5,2030-01\n", "cards.csv:2: points must be"),
        ("cards.csv", f"pan,programme,points,points_expire\n{PAN},bazaar,5,2030-13\n", "cards.csv:2: points_expire must be a month"),
        ("cards.csv", f"pan,programme\n{PAN},bazaar\n6037 9900 0000 0006,bazaar\n", "cards.csv:3: this card stands in line 2"),
        ("cards.csv", f"pan,serial,programme\n{PAN},,bazaar\n,0,bazaar\n", "cards.csv:3: this card stands in line 2"),
        ("cards.csv", "serial,programme,mobile\n1,b,09120000001\n2,b,+98 912 000 0001\n", "cards.csv:3: this mobile stands in line 2"),
        ("cards.csv", f'pan,programme,name\n{PAN},bazaar,"Sara\n', "cards.csv:2: is not CSV"),
        ("cards.csv", f"pan,programme,name\n{PAN},bazaar,{'x' * 1001}\n", "cards.csv:2: has a field of more than 1000"),
        ("cards.csv", b"pan,programme\n\0", "cards.csv:2: holds a NUL byte"),
        ("cards.csv", b"pan,programme\n\n\xff\xfe", "cards.csv:3: is not UTF-8"),
        ("terminals.csv", "acquirer,code,merchant\n581672,T1,M00000000000001\n", "terminals.csv:2: code must be exactly 8"),
        ("terminals.csv", "acquirer,code,merchant\n581672,T0000001,M1\n", "terminals.csv:2: merchant must be exactly 15"),
        ("terminals.csv", "acquirer,code,merchant\nKHATAM,T0000001,M00000000000001\n", "terminals.csv:2: acquirer must be at most 11 digits"),
        ("terminals.csv", "acquirer,code,merchant,receipt_width\n581672,T0000001,M00000000000001,8\n", "terminals.csv:2: receipt_width must be"),
        ("terminals.csv", "acquirer,code,merchant,receipt_language\n581672,T0000001,M00000000000001,de\n", "terminals.csv:2: receipt_language must match"),
        ("terminals.csv", "code,merchant\nT0000001,M00000000000001\n", "terminals.csv:2: acquirer is missing"),
        ("institutions.yaml", "", "institutions.yaml"),
        ("institutions.yaml", "institutions: [", "institutions.yaml:1: not valid YAML"),
        ("institutions.yaml", "institutions: &a [*a]", "institutions.yaml:1:"),
        ("institutions.yaml", INSTITUTIONS.replace('"581672"', "581672"), "institutions.yaml:3: institutions.0.code must be text; put it in quotes"),
        ("institutions.yaml", INSTITUTIONS.replace("kind: bank", "kind: circus"), "institutions.yaml:3: institutions.0.kind must match"),
        ("institutions.yaml", INSTITUTIONS.replace("kind: bank, ", ""), "institutions.yaml:3: institutions.0.kind is missing"),
        ("institutions.yaml", INSTITUTIONS.replace("Asia/Tehran", "Asia/Atlantis"), "institutions.yaml:3: institutions.0.timezone must be an IANA"),
        ("institutions.yaml", INSTITUTIONS.replace("title:", "colour: red, title:"), "institutions.yaml:3: institutions.0.colour is not known here"),
        ("institutions.yaml", INSTITUTIONS.replace("M00000000000001", "M1"), "institutions.yaml:4: institutions.0.merchants.0.code must be exactly 15"),
        ("institutions.yaml", INSTITUTIONS + INSTITUTIONS.split("\n", 2)[2], "institutions.yaml: this institution's code stands there twice"),
        ("programmes/bazaar.yaml", PROGRAMME.replace("points:", "pionts:"), "programmes/bazaar.yaml:9: rules"),
        ("programmes/copy.yaml", PROGRAMME, "programmes/copy.yaml: programme bazaar stands in another file"),
        ("card.csv", "pan\n", "card.csv: is no file that is loaded"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_refused_with_its_place(directory: Path, name: str, text: str, complaint: str) -> None:
    write(directory, name, text)
    found = problems_of(directory)
    assert any(problem.startswith(complaint) for problem in found), found
    assert all(PAN not in problem and "6037990000000007" not in problem for problem in found)
    assert all("Sara" not in problem and "0912000" not in problem for problem in found)


def test_every_problem_is_told_up_to_a_bound(directory: Path) -> None:
    write(directory, "cards.csv", "pan,programme\n" + "1,bazaar\n" * 5)
    write(directory, "terminals.csv", "acquirer,code,merchant\n581672,T1,M00000000000001\n")
    assert len(problems_of(directory)) == 6
    write(directory, "cards.csv", "pan,programme\n" + "1,bazaar\n" * 5_000)
    found = problems_of(directory)
    assert len(found) == load_files.PROBLEMS_MAX + 1
    assert "the rest was not looked at" in found[-1]


def test_a_file_too_big_is_not_even_read(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load_files, "CSV_BYTES_MAX", 10)
    assert any("cards.csv: is too big" in problem for problem in problems_of(directory))


def test_a_directory_without_files_is_refused(tmp_path: Path) -> None:
    assert "holds nothing to load" in problems_of(tmp_path)[0]


def test_a_file_that_cannot_be_read_is_refused(directory: Path) -> None:
    (directory / "cards.csv").unlink()
    (directory / "cards.csv").mkdir()
    assert any("cards.csv: cannot be read: Is a directory" in problem for problem in problems_of(directory))


def test_formulas_and_persian_and_blanks_are_just_text(directory: Path) -> None:
    write(
        directory, "cards.csv",
        "\ufeffserial , programme,name\r\n1,bazaar,=HYPERLINK(\"http://x\")\r\n\r\n 2 ,bazaar,\"شریفی، نرگس\"\r\n",
    )  # fmt: skip
    rows = read_directory(directory).cards
    assert [(row.line, row.entry.serial, row.entry.name) for row in rows] == [
        (2, 1, '=HYPERLINK("http://x")'),
        (4, 2, "شریفی، نرگس"),
    ]


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(content=st.binary(max_size=300) | st.text(max_size=200).map(str.encode), name=st.sampled_from(
    ["cards.csv", "terminals.csv", "merchants.csv", "institutions.yaml", "programmes/bazaar.yaml"]
))  # fmt: skip
def test_any_bytes_are_read_or_refused(tmp_path: Path, content: bytes, name: str) -> None:
    write(tmp_path, name, content)
    with contextlib.suppress(LoadingError):
        read_directory(tmp_path)


def test_the_example_is_whole() -> None:
    files = read_directory(BAZAAR)
    assert {row.entry.programme for row in files.cards} == {"bazaar"}
