"""Quotes and holds over the wire: what is told beforehand comes true, and what one till holds no other one spends."""

import asyncio
import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.postgres.explaining import explain
from protocol.codes import ProcessingCode
from tests.wire.conftest import BAZAAR
from tests.wire.jobs import run_on
from tests.wire.running import card, changed, message, original_of
from tests.wire.stories import Reply, Story, told

pytestmark = pytest.mark.integration

START = dt.date(2027, 1, 3)
BASE = (BAZAAR / "programmes" / "bazaar.yaml").read_text()
RULES = """
programme: bazaar
owner: KHATAM
currency: 364
timezone: Asia/Tehran
point: {value: 100, expires: 24 months}
hold: {lives: 30 minutes}
rules:
  - {id: base, then: {points: {per: 100000}}}
  - {id: back, then: {credit: 10%, cap: 5000}}
  - {id: once, uses: {life: 1}, then: {discount: 20%}}
  - {id: cut, then: {stamp: {key: cut, need: 10, reward: {points: 5}}}}
  - {id: draw, then: {ticket: {draw: nowruz, per: 500000}}}
"""
SECOND_TILL = {"de41": "T0000002", "de42": "M00000000000002"}


@pytest.fixture
def story(fresh_database_url: str, tmp_path: Path) -> Iterator[Story]:
    with told(fresh_database_url, tmp_path, BASE, first_day=START) as running:
        yield running


@pytest.fixture
def rich_story(fresh_database_url: str, tmp_path: Path) -> Iterator[Story]:
    with told(fresh_database_url, tmp_path, RULES, first_day=START) as running:
        yield running


def clock(minute: int) -> dt.time:
    """So many minutes after noon."""
    return dt.time(12 + minute // 60, minute % 60)


def hold(story: Story, amount: int, minute: int = 0, *, code: str = "006000", **more: str) -> Reply:
    return story.ask("0100", code, pan=card(0), amount=amount, at=clock(minute), **more)


def complete(story: Story, held: Reply, amount: int, minute: int = 0, *, mti: str = "0200", **more: str) -> Reply:
    named = {"de90": original_of(held.sent)} | more
    return story.ask(mti, "006000", pan=card(0), amount=amount, at=clock(minute), **named)


def redeem(story: Story, points: int, minute: int = 0, **more: str) -> Reply:
    wish = f"PT{len(str(points)):03d}{points}"
    return story.ask("0200", "006000", pan=card(0), amount=points * 100, at=clock(minute), de48=wish, **more)


def test_a_hold_and_its_completion(story: Story) -> None:
    story.buy(10_000_000)
    held = hold(story, 6_000)
    # What may be spent goes down at once, and DE4 comes back as it was asked.
    assert (held.code, held.points, held.all("HD"), held.to_pay) == ("00", 40, ["60/0"], 6_000)
    assert (story.balance().points, story.balance().all("HD")) == (40, ["60/0"])
    assert redeem(story, 41).code == "51"
    assert redeem(story, 10).points == 30
    # The completion may spend what was held and what there is beside it.
    done = complete(story, held, 8_000, 5)
    assert (done.code, done.number("PR"), done.to_pay, done.points, done.all("HD")) == ("00", 80, 0, 10, [])
    # It is completed once: named again, there are but the ten points that are left.
    again = complete(story, held, 5_000, 6)
    assert (again.code, again.number("PR"), again.to_pay) == ("00", 10, 4_000)


def test_a_hold_is_gone_whatever_was_used_of_it(story: Story) -> None:
    story.buy(10_000_000)
    held = hold(story, 10_000)
    assert held.points == 0
    done = complete(story, held, 2_000, 1)
    assert (done.number("PR"), done.points, done.all("HD")) == (20, 80, [])
    # A reversal of it gives the points back, and not the hold.
    undone = story.undo(done)
    assert (undone.code, undone.points, undone.all("HD")) == ("00", 100, [])


def test_a_completion_that_is_declined_leaves_the_hold(story: Story) -> None:
    story.buy(10_000_000)
    held = hold(story, 10_000)
    assert complete(story, held, 20_000, 1, de48="PT003101").code == "51"
    assert story.balance().all("HD") == ["100/0"]
    assert complete(story, held, 10_000, 2).number("PR") == 100


def test_a_hold_times_out_by_itself(story: Story) -> None:
    story.buy(10_000_000)
    held = hold(story, 10_000)
    # Fifteen minutes: to the second it is there, and then it is over, without anybody doing anything.
    assert redeem(story, 1, 15).code == "51"
    assert redeem(story, 30, 16).code == "00"
    # The till that comes too late gets what there is.
    late = complete(story, held, 10_000, 17)
    assert (late.code, late.number("PR"), late.to_pay) == ("00", 70, 3_000)


def test_the_programme_says_how_long_a_hold_lives(rich_story: Story) -> None:
    rich_story.buy(10_000_000)
    hold(rich_story, 5_000)
    assert rich_story.ask("0100", "310000", pan=card(0), amount=0, at=clock(30)).all("HD") == ["50/0"]
    assert rich_story.ask("0100", "310000", pan=card(0), amount=0, at=clock(31)).all("HD") == []


def test_a_reversal_releases_a_hold(story: Story) -> None:
    story.buy(10_000_000)
    held = hold(story, 10_000)
    released = story.undo(held)
    assert (released.code, released.points, released.all("HD")) == ("00", 100, [])
    # A second one hears the same, and the completion finds no hold.
    assert story.ask("0420", "000000", pan=card(0), amount=0, de90=original_of(held.sent)).code == "00"
    assert redeem(story, 90).code == "00"
    assert complete(story, held, 10_000, 2).number("PR") == 10


def test_two_tills_want_the_same_points(story: Story) -> None:
    story.buy(10_000_000)
    first = hold(story, 8_000)
    second = hold(story, 8_000, de41=SECOND_TILL["de41"], de42=SECOND_TILL["de42"])
    assert (first.code, second.code, second.reason) == ("00", "51", "too few points or credit")
    # The second till's customer is the first till's: with the rest it may do as it likes.
    assert hold(story, 2_000, **SECOND_TILL).code == "00"
    assert complete(story, first, 8_000, 1).number("PR") == 80
    assert story.balance().all("HD") == ["20/0"]


def test_two_tills_with_the_same_key_have_a_hold_each(story: Story) -> None:
    story.buy(10_000_000)
    first = hold(story, 3_000)
    twin = changed(first.sent, **SECOND_TILL)
    assert story.till.ask(twin).fields[39] == "00"
    assert story.balance().all("HD") == ["60/0"]
    assert story.undo(first).all("HD") == ["30/0"]


def test_a_repeat_of_a_hold_hears_the_first_reply_and_holds_nothing(story: Story) -> None:
    story.buy(10_000_000)
    held = hold(story, 10_000)
    again = story.till.ask(changed(held.sent, "0101"))
    assert again.fields == held.heard.fields
    assert story.balance().all("HD") == ["100/0"]


def test_a_reversal_that_overtakes_its_hold(story: Story) -> None:
    story.buy(10_000_000)
    moment = dt.datetime.combine(START, dt.time(8, 30), tzinfo=dt.UTC)
    late = message("0100", "006000", pan=card(0), amount=1_000, stan=900_000, de7=f"{moment:%m%d%H%M%S}")
    assert story.ask("0400", "006000", pan=card(0), amount=0, de90=original_of(late)).code == "00"
    assert story.till.ask(late).fields[39] == "12"
    assert story.balance().all("HD") == []


def test_credit_is_held_and_completed(rich_story: Story) -> None:
    story = rich_story
    assert story.buy(100_000).credit == 5_000
    held = hold(story, 3_000, code="006500")
    assert (held.code, held.credit, held.all("HD")) == ("00", 2_000, ["0/3000"])
    assert story.ask("0200", "006500", pan=card(0), amount=9_000, de48="CR0042001").code == "51"
    done = story.ask("0200", "006500", pan=card(0), amount=4_000, de90=original_of(held.sent))
    assert (done.code, done.number("CS"), done.to_pay) == ("00", 4_000, 0)
    # DE48 says how much, if it is not all of DE4.
    assert hold(story, 9_000, code="006500", de48="CR003900").all("HD") == ["0/900"]


def test_points_that_are_held_are_neither_given_away_nor_turned_into_credit(story: Story) -> None:
    story.buy(10_000_000)
    held = hold(story, 9_000)
    for code, to in ((ProcessingCode.POINTS_TRANSFER, {"de103": card(2)}), (ProcessingCode.POINTS_TO_CREDIT, {})):
        assert story.ask("0200", code, pan=card(0), amount=0, de48="PT00211", **to).code == "51"
        moved = story.ask("0200", code, pan=card(0), amount=0, de48="PT0015", **to)
        assert moved.code == "00"
    assert (moved.points, story.balance().all("HD"), story.balance(card(2)).points) == (0, ["90/0"], 5)
    assert complete(story, held, 9_000, 1).number("PR") == 90


def test_what_is_wrong_with_a_hold(story: Story) -> None:
    story.buy(10_000_000)
    assert hold(story, 10_000, de4="").reason == "DE4 is missing"
    assert hold(story, 99).code == "13"
    assert hold(story, 10_000, de49="840").code == "12"
    assert hold(story, 10_000, de48="PT0010").code == "13"
    assert hold(story, 10_000, de48="PT003101").code == "51"
    assert hold(story, 10_000, code="006500").code == "51"
    held = [hold(story, 100) for _ in range(8)]
    assert [reply.code for reply in held] == ["00"] * 8
    ninth = hold(story, 100)
    assert (ninth.code, ninth.reason) == ("65", "too many holds")
    assert story.balance().all("HD") == ["8/0"]


def test_what_a_completion_may_name(story: Story) -> None:
    story.buy(10_000_000)
    held = hold(story, 10_000)
    quoted = story.ask("0100", "000000", pan=card(0), amount=5_000)
    nowhere = original_of(changed(held.sent, de11="777777"))
    # A request that names nothing is told so; an advice has happened already.
    assert complete(story, held, 1_000, 1, de90=nowhere).code == "25"
    advice = complete(story, held, 1_000, 1, mti="0220", de90=nowhere)
    assert (advice.code, advice.number("PR")) == ("00", 0)
    assert complete(story, held, 1_000, 1, de90="0100" + "9" * 38).code == "30"
    # A quote holds nothing, and neither does another member's hold.
    assert complete(story, quoted, 1_000, 1).code == "51"
    other = story.ask("0200", "006000", pan=card(2), amount=1_000, de90=original_of(held.sent))
    assert other.code == "25"
    assert complete(story, held, 10_000, 2, mti="0220").number("PR") == 100


def test_a_quote_tells_what_the_purchase_then_does(rich_story: Story) -> None:
    story = rich_story
    # Seven of the eight points are wished for.
    story.buy(1_000_000, card(1))
    wish = {"pan": card(1), "amount": 1_500_000, "de48": "PT0017"}
    quoted = story.ask("0100", "000000", **wish)
    before = story.rows("SELECT * FROM account WHERE points > 0")
    same = ("PE", "PR", "CG", "CS", "DS", "GA", "OF")
    assert quoted.code == "00"
    assert (quoted.number("PE"), quoted.number("PR"), quoted.points, quoted.all("TK")) == (14, 7, 8, ["nowruz:1"])
    assert story.till.ask(changed(quoted.sent, "0101")).fields == quoted.heard.fields
    assert story.rows("SELECT * FROM account WHERE points > 0") == before
    bought = story.ask("0200", "000000", **wish)
    assert [bought.all(tag) for tag in same] == [quoted.all(tag) for tag in same]
    assert bought.to_pay == quoted.to_pay == 1_499_300
    (row,) = story.rows("SELECT * FROM journal WHERE mti = 100 AND processing_code = 0")
    assert (row["points_earned"], row["points_redeemed"], row["credit_granted"], row["lots_moved"]) == (0, 0, 0, None)
    # A reversal of it undoes nothing.
    assert story.undo(quoted, card(1)).points == bought.points


def test_a_quote_uses_nothing_up(rich_story: Story) -> None:
    for _ in range(3):
        quoted = rich_story.ask("0100", "000000", pan=card(3), amount=100_000)
        assert (quoted.discount, quoted.to_pay) == (20_000, 80_000)
    assert rich_story.buy(100_000, card(3)).discount == 20_000
    assert rich_story.ask("0100", "000000", pan=card(3), amount=100_000).discount == 0


def test_what_is_wrong_with_a_quote(story: Story) -> None:
    assert story.ask("0100", "000000", pan=card(0), amount=0).code == "13"
    assert story.ask("0100", "000000", pan=card(0), amount=100, de49="840").code == "12"
    assert story.ask("0100", "000000", pan=card(0), amount=100, de48="PT0011").code == "51"
    assert story.ask("0100", "000000", pan="6037990009999999", amount=100).code == "14"
    basket = story.ask("0100", "000000", pan=card(0), amount=100, de63="LI012A1;paper;1;99")
    assert basket.code == "13"


def test_a_reward_is_not_paid_with_held_points(fresh_database_url: str, tmp_path: Path) -> None:
    rewards = "rewards:\n  - {code: PURSE, points: 50, then: {credit: 25000}}\n"
    with told(fresh_database_url, tmp_path, BASE + rewards, first_day=START) as story:
        story.buy(10_000_000)
        held = hold(story, 6_000)
        wish = {"pan": card(0), "amount": 100_000, "de48": "RW005PURSE"}
        assert [story.ask(mti, "000000", **wish).code for mti in ("0100", "0200")] == ["51", "51"]
        # Named, the hold may pay for it.
        quoted = story.ask("0100", "000000", **(wish | {"pan": card(2)}))
        bought = story.ask("0200", "000000", at=clock(1), de90=original_of(held.sent), **wish)
        assert (quoted.code, bought.code, bought.number("PR"), bought.points) == ("51", "00", 50, 51)


def test_a_hold_and_a_release_choose_no_reward(fresh_database_url: str, tmp_path: Path) -> None:
    rewards = "rewards:\n  - {code: PURSE, points: 50, then: {credit: 25000}}\n"
    with told(fresh_database_url, tmp_path, BASE + rewards, first_day=START) as story:
        story.buy(10_000_000)
        before = story.rows("SELECT * FROM account WHERE points > 0")
        for code in ("006000", "006500"):
            refused = hold(story, 1_000, code=code, de48="RW005PURSE")
            assert (refused.code, refused.reason) == ("30", "RW goes with a purchase")
        assert story.rows("SELECT * FROM account WHERE points > 0") == before
        assert not story.rows("SELECT 1 FROM journal WHERE mti = 100 AND processing_code IN (6000, 6500)")
        # A quote is a purchase to come: it takes the reward as one does, and the till that releases may say RW again.
        quoted = story.ask("0100", "000000", pan=card(0), amount=100_000, de48="RW005PURSE")
        assert (quoted.code, quoted.redeemed, quoted.granted, quoted.points) == ("00", 50, 25_000, 100)
        held = hold(story, 6_000)
        named = original_of(held.sent)
        released = story.ask("0400", "006000", pan=card(0), amount=0, de90=named, de48="RW005PURSE")
        assert (released.code, released.redeemed, released.points) == ("00", 0, 100)


def test_movements_tell_purchases_and_not_what_was_held(story: Story) -> None:
    story.buy(10_000_000)
    story.ask("0100", "000000", pan=card(0), amount=100_000)
    held, released = hold(story, 1_000), hold(story, 2_000)
    assert story.undo(released).code == "00"
    assert complete(story, held, 3_000, 1).code == "00"
    statement = story.ask("0100", "380000", pan=card(0), amount=0)
    assert statement.all("MV") == ["20270103;006000;3000;-30;0", "20270103;000000;10000000;100;0"]
    assert statement.all("FR") == ["base"]


def test_a_purchase_between_holds_is_explained(story: Story) -> None:
    story.buy(10_000_000)
    hold(story, 9_000)
    released = hold(story, 500)
    refused = redeem(story, 20)
    story.undo(released)
    bought = redeem(story, 10, 1)
    assert (refused.code, bought.code) == ("51", "00")
    for reply, note in ((refused, ""), (bought, "")):
        (entry,) = asyncio.run(explain(story.url, str(reply.heard.fields[37]), date=story.today))
        assert entry.why.note == note
        assert [rule.id for rule in entry.why.rules] == ["base"]


def test_a_job_drops_what_is_over_and_needs_not(story: Story) -> None:
    story.buy(10_000_000)
    hold(story, 10_000)
    run_on(story.url, START + dt.timedelta(days=1), "upkeep")
    (row,) = story.rows("SELECT points, length(reserves) AS bytes FROM account WHERE points > 0")
    assert (row["points"], row["bytes"]) == (100, 0)
