"""Seeding: the cards that the flood client expects, quickly, once, and to the end."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.postgres import reference, seeding
from adapters.postgres.audit import audit
from adapters.postgres.connecting import connection
from adapters.postgres.errors import MigrationError, SeedingError
from adapters.postgres.loading import load
from adapters.postgres.seeding import CardNumbers, Seeded, seed
from switch.tokens import Tokens, is_card_number, luhn_digit

BAZAAR = Path(__file__).parents[3] / "examples" / "bazaar"
PROGRAMME = (BAZAAR / "programmes" / "bazaar.yaml").read_text(encoding="utf-8")


@given(st.integers(0, 10**9 - 1))
def test_card_numbers_are_bin_serial_and_luhn_digit(serial: int) -> None:
    digits = f"603799{serial:09d}"
    assert CardNumbers().number(serial) == digits + luhn_digit(digits)
    assert is_card_number(CardNumbers().number(serial))


def test_the_first_card_numbers() -> None:
    assert [CardNumbers().number(serial) for serial in range(3)] == [
        "6037990000000006",
        "6037990000000014",
        "6037990000000022",
    ]


@pytest.mark.integration
async def test_cards_and_terminals_are_there_and_active(fresh_database_url: str, token_key: bytes) -> None:
    made = await seed(fresh_database_url, token_key, cards=1_000, terminals=12, programme_text=PROGRAMME)
    assert made == Seeded(cards=1_000, terminals=12)
    tokens = Tokens(token_key, 64)
    async with connection(fresh_database_url) as opened:
        directory = await reference.load(opened)
        rows = {(row["shard"], row["id"]): row for row in await opened.fetch("SELECT * FROM account")}
        assert "fillfactor=90" in await opened.fetchval("SELECT reloptions FROM pg_class WHERE relname = 'account'")
    for serial in range(1_000):
        number = CardNumbers().number(serial)
        token = tokens.card(number)
        row = rows[token.shard, token.id]
        assert (row["token_low"], row["last_four"]) == (token.low, number[-4:])
        assert (row["status"], row["card_status"], row["programme"], row["version"]) == (0, 0, 1, 0)
        assert (row["points"], row["lots"], row["member"], row["card_expires_on"]) == (0, b"", None, None)
    for code in ("T0000001", "T0000012"):
        terminal = directory.terminal("581672", code)
        assert terminal is not None
        assert (terminal.merchant_code, terminal.status, terminal.programme_name) == (
            "M00000000000001",
            0,
            "bazaar",
        )
    assert directory.terminal("581672", "T0000013") is None
    assert all(finding.sound for finding in await audit(fresh_database_url))


@pytest.mark.integration
async def test_again_only_what_is_missing_is_added(
    fresh_database_url: str, token_key: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seeding, "CHUNK_CARDS", 70)
    await load(fresh_database_url, token_key, BAZAAR)
    assert await seed(fresh_database_url, token_key, cards=100, terminals=5) == Seeded(90, 3)
    assert await seed(fresh_database_url, token_key, cards=100, terminals=5) == Seeded(0, 0)
    assert await seed(fresh_database_url, token_key, cards=250, terminals=6) == Seeded(150, 1)
    assert await seed(fresh_database_url, token_key, cards=10, terminals=0) == Seeded(0, 0)
    async with connection(fresh_database_url) as opened:
        # The example's cards 999999991 and 999999992 are there beside the seeded ones.
        assert await opened.fetchval("SELECT count(*) FROM account") == 252
        assert await opened.fetchval("SELECT count(*) FROM member") == 8


@pytest.mark.integration
async def test_a_broken_run_is_finished_by_the_next(
    fresh_database_url: str, token_key: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seeding, "CHUNK_CARDS", 100)

    class PulledPlug(Exception):
        pass

    def pull(what: str, done: int, _of: int) -> None:
        if what == "cards" and done == 200:
            raise PulledPlug

    with pytest.raises(PulledPlug):
        await seed(fresh_database_url, token_key, cards=500, terminals=1, programme_text=PROGRAMME, report=pull)
    assert await seed(fresh_database_url, token_key, cards=500, terminals=1) == Seeded(300, 0)


@pytest.mark.integration
async def test_two_at_once_make_each_card_once(fresh_database_url: str, token_key: bytes) -> None:
    await load(fresh_database_url, token_key, BAZAAR)
    made = await asyncio.gather(*(seed(fresh_database_url, token_key, cards=300, terminals=9) for _ in range(2)))
    assert sorted((one.cards, one.terminals) for one in made) == [(0, 0), (290, 7)]


@pytest.mark.integration
async def test_progress_is_told(fresh_database_url: str, token_key: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seeding, "CHUNK_CARDS", 40)
    told: list[tuple[str, int, int]] = []
    await seed(
        fresh_database_url, token_key, cards=100, terminals=2, programme_text=PROGRAMME,
        report=lambda *step: told.append(step),
    )  # fmt: skip
    assert told == [
        ("terminals", 0, 2),
        ("terminals", 2, 2),
        ("cards", 0, 100),
        ("cards", 40, 100),
        ("cards", 80, 100),
        ("cards", 100, 100),
    ]


@pytest.mark.integration
async def test_without_the_programme_it_says_what_to_do(fresh_database_url: str, token_key: bytes) -> None:
    with pytest.raises(SeedingError, match="loyalty-switch load examples/bazaar"):
        await seed(fresh_database_url, token_key, cards=1, terminals=1)
    async with connection(fresh_database_url) as opened:
        assert await opened.fetchval("SELECT count(*) FROM institution") == 0


@pytest.mark.integration
@pytest.mark.parametrize(
    ("text", "said"),
    [("hello", "is refused"), (PROGRAMME.replace("bazaar", "other"), "holds other, but cards are seeded")],
)
async def test_another_file_is_refused(fresh_database_url: str, token_key: bytes, text: str, said: str) -> None:
    with pytest.raises(SeedingError, match=said):
        await seed(fresh_database_url, token_key, cards=1, terminals=1, programme_text=text)


@pytest.mark.integration
async def test_another_khatam_is_not_touched(fresh_database_url: str, token_key: bytes) -> None:
    async with connection(fresh_database_url) as opened:
        await opened.execute(
            "INSERT INTO institution (code, name, title, kind, timezone) VALUES ('1', 'KHATAM', 'x', 'bank', 'UTC')"
        )
    with pytest.raises(SeedingError, match="whose code is not 581672"):
        await seed(fresh_database_url, token_key, cards=1, terminals=1)


@pytest.mark.integration
async def test_without_a_schema_it_says_what_to_do(empty_database_url: str, token_key: bytes) -> None:
    with pytest.raises(MigrationError, match="loyalty-switch migrate"):
        await seed(empty_database_url, token_key, cards=1, terminals=1)


@pytest.mark.parametrize(("cards", "terminals"), [(-1, 0), (10**9 + 1, 0), (0, -1), (0, 10_000_000)])
async def test_impossible_numbers_are_refused(cards: int, terminals: int, token_key: bytes) -> None:
    with pytest.raises(SeedingError, match="must be 0 to"):
        await seed("postgresql://nowhere", token_key, cards=cards, terminals=terminals)
