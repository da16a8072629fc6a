"""Members leave while tills go on selling: the ledger keeps its sums, and of who was erased nothing is left."""

import asyncio
import datetime as dt
import itertools
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from adapters.cli import app
from adapters.postgres.explaining import explain
from adapters.postgres.loading import load
from protocol import tlv
from protocol.codes import ProcessingCode
from switch.tokens import Tokens
from tests.conftest import TOKEN_KEY
from tests.wire.jobs import tally_of
from tests.wire.running import RunningSwitch, Till, card, changed, message, original_of
from tests.wire.stories import Reply, Story, told

pytestmark = pytest.mark.integration

PROGRAMME = """
programme: bazaar
owner: KHATAM
currency: 364
timezone: Asia/Tehran
point: {value: 100, expires: 24 months}
hold: {lives: 20 days}
rules:
  - id: base
    then: {points: {per: 100000}}
  - id: cashback
    when: amount >= 5000000
    then: {credit: 1%}
  - id: nowruz
    then: {ticket: {draw: nowruz, per: 500000}}
"""
SHARDS = 64
LATER = 10
"""Days that lead from the story, which begins some days ago, beyond the moment of an erasure."""


@pytest.fixture(scope="module")
def story(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    # The house's clock is the wall's: what the story tells must have been sent before.
    begins = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=5)
    with told(database_url, tmp_path_factory.mktemp("story"), PROGRAMME, first_day=begins, seeded=80) as running:
        yield running


def mobile(number: int) -> str:
    return f"0912333{number:04d}"


def enrol(story: Story, serial: int | None, number: int, **tags: str) -> Reply:
    shown = {} if serial is not None else {"de2": ""}
    text = tlv.build({"MB": mobile(number), **tags}.items())
    return story.ask("0200", ProcessingCode.ENROLMENT, pan=card(serial or 0), amount=0, de48=text, **shown)


def by_mobile(story: Story, amount: int, number: int) -> Reply:
    return story.buy(amount, de2="", de48=f"MB011{mobile(number)}")


def run(story: Story, *arguments: object, typed: str = "") -> Result:
    environment = {"DATABASE_URL": story.url, "LOYALTY_TOKEN_KEY": TOKEN_KEY.hex(), "LOYALTY_USER": ""}
    return CliRunner().invoke(app, ["member", *map(str, arguments)], input=f"{typed}\n", env=environment)


def erased(story: Story, typed: str, *more: str) -> None:
    asked = run(story, "erase", "bazaar", "--as", "sara", *more, typed=typed)
    assert asked.exit_code == 0, asked.output
    number = asked.stdout.split()[1]
    own = run(story, "erase", "--approve", number, "--as", "sara")
    assert own.exit_code == 2
    assert "somebody else must approve it" in own.stderr
    done = run(story, "erase", "--approve", number, "--as", "reza")
    assert (done.exit_code, done.stdout) == (0, "The member is erased.\n"), done.output
    again = run(story, "erase", "--approve", number, "--as", "reza")
    assert again.exit_code == 2
    assert "was done at" in again.stderr


def account(story: Story, pan: str) -> dict[str, object]:
    token = Tokens(TOKEN_KEY, SHARDS).card(pan)
    (row,) = story.rows("SELECT * FROM account WHERE shard = $1 AND id = $2", token.shard, token.id)
    return dict(row)


def test_a_membership_ends_and_what_is_left_is_written_off(story: Story) -> None:
    enrol(story, 1, 1, NA="Sara", BD="19900101")
    assert story.buy(6_000_000, card(1)).credit == 60_000
    refused = run(story, "end", "bazaar", "--as", "sara", typed=card(1))
    assert refused.exit_code == 2
    assert "60000 of credit is left" in refused.stderr
    ended = run(story, "end", "bazaar", "--as", "sara", "--forfeit-credit", typed=card(1))
    assert (ended.exit_code, ended.stdout) == (0, "The membership has ended.\n"), ended.output
    kept = account(story, card(1))
    assert (kept["status"], kept["points"], kept["credit"], kept["lots"]) == (2, 0, 0, b"")
    legs = story.rows(
        "SELECT leg, debit, credit, amount FROM leg WHERE (shard, account) = ($1, $2) ORDER BY seq, leg",
        kept["shard"], kept["id"],
    )  # fmt: skip
    assert [tuple(leg) for leg in legs] == [
        ("credit_granted", "merchant funding", "member credit", 60_000),
        ("points_earned", "programme issue", "member points", 60),
        ("credit_spent", "member credit", "programme breakage", 60_000),
        ("points_expired", "member points", "programme breakage", 60),
    ]
    (row,) = story.rows("SELECT asked, terminal, rrn FROM journal WHERE processing_code = 930000")
    assert (row["asked"], row["terminal"]) == ("BY004sara", 0)
    (told_why,) = asyncio.run(explain(story.url, row["rrn"]))
    assert (told_why.merchant_name, told_why.points_after, told_why.credit_after) == ("the house", 0, 0)
    # A switch that had the account in hand knows it at once.
    assert story.buy(100_000, card(1)).code == "78"
    assert by_mobile(story, 100_000, 1).code == "78"
    assert enrol(story, 2, 1).reason == f"mobile has card {card(1)[-4:]}"
    again = run(story, "end", "bazaar", "--as", "sara", typed=card(1))
    assert again.exit_code == 2
    assert "membership has ended" in again.stderr
    shown = run(story, "show", "bazaar", typed=mobile(1))
    assert "account closed" in shown.stdout
    assert "known: mobile, name, birth date" in shown.stdout
    assert "no request waits" in run(story, "requests").stdout


def test_what_was_under_way_at_a_till_is_still_taken(story: Story) -> None:
    enrol(story, 3, 3)
    bought = story.buy(1_000_000, card(3))
    assert run(story, "end", "bazaar", "--as", "sara", typed=card(3)).exit_code == 0
    repeated = story.till.ask(changed(bought.sent, "0201"))
    assert repeated.fields == bought.heard.fields
    assert story.undo(bought, card(3)).code == "00"
    assert account(story, card(3))["points"] == 0


def traces(story: Story, *words: str) -> list[str]:
    """Tables in which a word still stands, in whatever column."""
    tables = ("account", "card", "member", "referral", "journal", "member_request", "draw_ticket", "account_opening")
    return [
        f"{table}: {word}"
        for table in tables
        for word in words
        if story.rows(f"SELECT 1 FROM {table} AS t WHERE t::text LIKE '%' || $1 || '%' LIMIT 1", word)
    ]


def test_who_is_erased_leaves_sums_and_nothing_else(story: Story) -> None:
    last_four = card(10)[-4:]
    code = enrol(story, 10, 10, NA="Parvaneh", BD="19610203", GE="F", ED="Doctor", RE="Zahedan").all("RC")[0]
    brought = enrol(story, 11, 11, RF=code)
    assert brought.code == "00"
    link = story.ask("0200", ProcessingCode.CARD_LINK, pan=card(10), amount=0, de103=card(12))
    assert link.code == "00"
    bought = [story.buy(1_000_000, card(10)), story.buy(2_000_000, card(12)), by_mobile(story, 3_000_000, 10)]
    assert bought[-1].points == 60
    token = Tokens(TOKEN_KEY, SHARDS).card(card(10))
    words = (mobile(10)[1:], "Parvaneh", "1961-02-03", "19610203", "Doctor", "Zahedan", str(token.id))
    assert len(traces(story, *words)) >= len(words)
    sums = "SELECT sum(points_earned) AS earned, sum(points_earned - points_expired) AS points FROM journal"
    before = tuple(story.rows(sums)[0])

    erased(story, mobile(10))
    assert traces(story, *words) == []
    digits = [last_four, card(12)[-4:], mobile(10)[-4:]]
    assert not story.rows("SELECT 1 FROM journal WHERE card_last_four = ANY ($1::text[])", digits)
    assert not story.rows("SELECT 1 FROM account WHERE last_four IN ($1, $2)", last_four, card(12)[-4:])
    assert not story.rows("SELECT 1 FROM referral WHERE code = $1", code)
    after = tuple(story.rows(sums)[0])
    assert after == (before[0], before[1] - 60)
    (member,) = story.rows("SELECT * FROM member WHERE erased_at IS NOT NULL")
    told_of = {name for name, value in dict(member).items() if value not in (None, [], 0, False)}
    assert told_of == {"shard", "id", "joined_at", "erased_at"}
    (kept,) = story.rows("SELECT * FROM account WHERE (shard, id) = ($1, $2)", member["shard"], member["id"])
    assert (kept["status"], kept["points"], kept["born"], kept["flags"]) == (2, 0, 0, 0)
    (friend,) = story.rows("SELECT referrer_shard, referrer FROM member WHERE mobile LIKE $1", f"%{mobile(11)[1:]}")
    assert tuple(friend) == (member["shard"], member["id"])
    (row,) = story.rows("SELECT asked, points_expired FROM journal WHERE processing_code = 940000 AND rc = '00'")
    assert tuple(row) == ("BY004saraAP004reza", 60)

    # No card leads there any more; the one that was linked stays closed, the mobile is free.
    assert story.buy(100_000, card(10)).code == "14"
    assert story.buy(100_000, card(12)).code == "78"
    assert by_mobile(story, 100_000, 10).code == "14"
    # A repeat by the card gets its first reply, though nobody has the card any more.
    assert story.till.ask(changed(bought[0].sent, "0201")).fields == bought[0].heard.fields
    assert enrol(story, 13, 10).code == "00"
    assert by_mobile(story.after(LATER), 100_000, 10).points == 1
    story.after(-LATER)


def holds(story: Story, pan: str) -> tuple[Reply, Reply]:
    """A hold of 40 points and one of 50,000 of credit, both live by the wall's clock, which is the house's."""
    points = story.ask("0100", "006000", pan=pan, amount=4_000)
    credit = story.ask("0100", "006500", pan=pan, amount=50_000)
    assert (points.code, credit.code, credit.all("HD")) == ("00", "00", ["40/50000"])
    return points, credit


def test_a_membership_ends_while_tills_hold_points_and_credit(story: Story) -> None:
    enrol(story, 30, 30)
    assert story.buy(6_000_000, card(30)).points == 60
    of_points, of_credit = holds(story, card(30))
    ended = run(story, "end", "bazaar", "--as", "sara", "--forfeit-credit", typed=card(30))
    assert (ended.exit_code, ended.stdout) == (0, "The membership has ended.\n"), ended.output
    kept = account(story, card(30))
    assert (kept["points"], kept["credit"], kept["reserves"]) == (0, 0, b"")
    (row,) = story.rows(
        "SELECT points_expired, credit_spent, length(reserves_moved) / 32 AS ended FROM journal"
        " WHERE processing_code = 930000 AND (shard, account) = ($1, $2)",
        kept["shard"], kept["id"],
    )  # fmt: skip
    assert tuple(row) == (60, 60_000, 2)
    # The till that comes to complete is told that the card is closed; what it sold already is taken, paid by nothing.
    completion = {"pan": card(30), "amount": 4_000, "de90": original_of(of_points.sent)}
    assert story.ask("0200", "006000", **completion).code == "78"
    sold = story.ask("0220", "006000", **completion)
    assert (sold.code, sold.redeemed, sold.to_pay, sold.points) == ("00", 0, 4_000, 0)
    # A till that gives up releases nothing more, and a repeat hears the first reply.
    released = story.undo(of_credit, card(30))
    assert (released.code, released.credit, released.all("HD")) == ("00", 0, [])
    assert story.till.ask(changed(of_points.sent, "0101")).fields == of_points.heard.fields
    assert story.ask("0100", "006000", pan=card(30), amount=100).code == "78"
    after = account(story, card(30))
    assert (after["points"], after["credit"], after["reserves"]) == (0, 0, b"")


def test_who_is_erased_leaves_no_hold_behind(story: Story) -> None:
    enrol(story, 31, 31)
    story.buy(6_000_000, card(31))
    of_points, of_credit = holds(story, card(31))
    key = int(of_points.sent.fields[7]) * 10**6 + int(of_points.sent.fields[11])
    held = "SELECT 1 FROM account CROSS JOIN reserves_of(reserves) AS r WHERE r.key = $1"
    assert story.rows(held, key)
    erased(story, card(31), "--forfeit-credit")
    assert not story.rows(held, key)
    completion = {"pan": card(31), "amount": 4_000, "de90": original_of(of_points.sent)}
    assert story.ask("0200", "006000", **completion).code == "14"
    assert story.ask("0220", "006000", **completion).code == "14"
    assert story.undo(of_credit, card(31)).code == "14"
    assert story.till.ask(changed(of_points.sent, "0101")).fields == of_points.heard.fields


@pytest.mark.parametrize(("first", "then"), [(20, 21), (None, 22), (23, None), (None, None)])
def test_a_repeat_by_the_mobile_does_not_count_for_whoever_has_it_next(
    story: Story, first: int | None, then: int | None
) -> None:
    number = 200 + 2 * (first or 0) + (then or 0)
    enrol(story, first, number)
    bought = by_mobile(story, 1_000_000, number)
    assert bought.earned == 10
    erased(story, mobile(number))
    assert by_mobile(story, 100_000, number).code == "14"
    story.after(LATER)
    assert enrol(story, then, number).code == "00"
    with RunningSwitch(story.url).with_arguments("--clock", "message") as forgetful, forgetful.till() as till:
        # A switch that has its memory tells the first reply; one that was started since knows no such card of then,
        # or finds the first one's row.
        assert story.till.ask(bought.sent).fields == bought.heard.fields
        for sent in (changed(bought.sent, "0201"), bought.sent):
            heard = till.ask(sent)
            assert heard.fields == bought.heard.fields if first is None else heard.fields[39] == "14"
    assert by_mobile(story, 100_000, number).points == 1
    story.after(-LATER)


def test_a_switch_goes_on_selling_while_members_are_erased(story: Story) -> None:
    enrol(story, 40, 40)
    enrol(story, 41, 41)
    story.buy(500_000, card(40))
    erased(story, card(40))
    assert story.buy(500_000, card(41)).code == "00"
    shown = run(story, "show", "bazaar", typed=card(41))
    assert "5 points, 0 of credit, 1 visits" in shown.stdout


@dataclass
class Seller:
    """Sells to one card, asks for its balance, by card and by mobile, until told to stop."""

    port: int
    day: dt.date
    serial: int
    codes: Counter[str] = field(default_factory=Counter)
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        with Till(self.port) as till:
            for stan in itertools.count(100_000 + self.serial * 10_000):
                if self.stop.is_set():
                    return
                shown = {} if stan % 2 else {"de2": "", "de48": f"MB011{mobile(self.serial)}"}
                mti, code = (("0100", "310000"), ("0200", "000000"))[stan // 2 % 2]
                sent = message(mti, code, pan=card(self.serial), stan=stan, de7=f"{self.day:%m%d}083000", **shown)
                self.codes[str(till.ask(sent).fields[39])] += 1


def test_messages_under_way_meet_an_erasure(story: Story) -> None:
    """Some are decided before it and written after it; the audit at the story's end finds no trace of that."""
    for serial in (70, 71, 72):
        enrol(story, serial, serial)
    with RunningSwitch(story.url).with_arguments("--clock", "message") as switch:
        sellers = [Seller(switch.port, story.today, serial) for serial in (70, 71, 72)]
        threads = [threading.Thread(target=seller.run) for seller in sellers]
        for thread in threads:
            thread.start()
        for seller in sellers:
            erased(story, card(seller.serial))
        for seller, thread in zip(sellers, threads, strict=True):
            seller.stop.set()
            thread.join(timeout=30)
            assert not thread.is_alive()
            assert set(seller.codes) == {"00", "14"}


@pytest.mark.parametrize(
    ("arguments", "typed", "reason"),
    [
        (("end", "bazaar", "--as", "sara"), "6037990099999999", "neither a card number nor a mobile"),
        (("end", "bazaar", "--as", "sara"), "09129999999", "knows no such card or mobile"),
        (("end", "nothing", "--as", "sara"), card(50), "there is no programme nothing"),
        (("end", "bazaar", "--as", " "), card(50), "a user is 1 to 64"),
        (("erase", "bazaar", "--as", "sara"), card(50), "nobody is enrolled with this card"),
        (("erase", "--approve", "99999", "--as", "sara"), "", "there is no request 99999"),
        (("withdraw", "99999"), "", "no request 99999 waits"),
        (("show", "bazaar"), "", "neither a card number nor a mobile"),
    ],
)
def test_what_is_refused_moves_nothing(story: Story, arguments: tuple[str, ...], typed: str, reason: str) -> None:
    refused = run(story, *arguments, typed=typed)
    assert refused.exit_code == 2
    assert reason in refused.stderr
    assert not typed or typed not in refused.output
    assert "no request waits" in run(story, "requests").stdout


def test_a_request_is_shown_and_taken_back(story: Story) -> None:
    enrol(story, 60, 60)
    number = run(story, "erase", "bazaar", "--as", "sara", typed=card(60)).stdout.split()[1]
    assert f"request {number}: erasure in bazaar, asked for by sara" in run(story, "requests").stdout
    again = run(story, "erase", "bazaar", "--as", "reza", typed=mobile(60))
    assert again.exit_code == 2
    assert "a request for this member already" in again.stderr
    assert run(story, "withdraw", number).exit_code == 0
    assert story.buy(100_000, card(60)).code == "00"


def test_a_member_who_is_loaded_with_such_a_mobile_does_not_know_what_was_before(story: Story, tmp_path: Path) -> None:
    enrol(story, 65, 65)
    bought = by_mobile(story, 1_000_000, 65)
    assert bought.earned == 10
    erased(story, card(65))
    (tmp_path / "cards.csv").write_text(f"pan,programme,mobile\n{card(90)},bazaar,{mobile(65)}\n", encoding="utf-8")
    assert asyncio.run(load(story.url, TOKEN_KEY, tmp_path)).cards == 1
    with RunningSwitch(story.url).with_arguments("--clock", "message") as forgetful, forgetful.till() as till:
        assert till.ask(changed(bought.sent, "0201")).fields[39] == "14"
    assert by_mobile(story.after(LATER), 100_000, 65).points == 1
    story.after(-LATER)


def test_a_card_that_is_loaded_again_is_a_blank_one(story: Story, tmp_path: Path) -> None:
    enrol(story, 66, 96)
    bought = story.buy(1_000_000, card(66))
    erased(story, card(66))
    (tmp_path / "cards.csv").write_text(f"pan,programme\n{card(66)},bazaar\n", encoding="utf-8")
    assert asyncio.run(load(story.url, TOKEN_KEY, tmp_path)).cards == 1
    with RunningSwitch(story.url).with_arguments("--clock", "message") as forgetful, forgetful.till() as till:
        assert till.ask(changed(bought.sent, "0201")).fields == bought.heard.fields
    assert story.buy(100_000, card(66)).points == 1
    assert enrol(story, 66, 97).code == "00"


def test_without_a_live_programme_nobody_leaves(story: Story) -> None:
    enrol(story, 67, 67)
    story.rows("UPDATE programme_version SET state = 'retired' RETURNING 1")
    try:
        refused = run(story, "end", "bazaar", "--as", "sara", typed=card(67))
        assert refused.exit_code == 2
        assert "programme bazaar is not live" in refused.stderr
        assert "no request waits" in run(story, "requests").stdout
    finally:
        story.rows("UPDATE programme_version SET state = 'live' RETURNING 1")
    assert run(story, "end", "bazaar", "--as", "sara", "--number", card(67)).exit_code == 0


def test_a_till_ends_no_membership(story: Story) -> None:
    for code in ("930000", "940000"):
        assert story.ask("0200", code, pan=card(61), amount=0).code == "12"


def test_a_forgotten_mobile_is_anybody_s_again(fresh_database_url: str, tmp_path: Path) -> None:
    today = dt.datetime.now(dt.UTC).date()
    with told(fresh_database_url, tmp_path, PROGRAMME, first_day=today - dt.timedelta(days=1)) as story:
        enrol(story, None, 1)
        assert by_mobile(story, 1_000_000, 1).points == 10
        erased(story, mobile(1))
        assert tally_of(story.url, today + dt.timedelta(days=183), "forgotten-mobiles").done == 0
        # Two years, as a leap day may have been on the way.
        story.walk_to(today + dt.timedelta(days=2 * 366))
        assert tally_of(story.url, story.today, "forgotten-mobiles").done == 1
        assert not story.rows("SELECT 1 FROM forgotten_mobile")
        # Whoever has the mobile next is like any other member, and has nothing of before.
        assert enrol(story, None, 1).code == "00"
        assert by_mobile(story, 300_000, 1).points == 3
        assert not story.rows("SELECT 1 FROM card WHERE since IS NOT NULL")
