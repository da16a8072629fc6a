"""Points that are pending until nothing can be returned any more, over the wire with their numbers."""

import asyncio
import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.postgres.audit import audit
from tests.wire.jobs import tally_of
from tests.wire.running import card
from tests.wire.stories import AT_A_PRINTER, Reply, Story, told

pytestmark = pytest.mark.integration

START = dt.date(2027, 1, 3)
PROGRAMME = """
programme: bazaar
owner: KHATAM
currency: 364
timezone: Asia/Tehran
point: {value: 100, expires: 24 months, pending: 14 days}
rules:
  - {id: base, then: {points: {per: 100000}}}
  - {id: checkin, when: event == "checkin", then: {points: 50}}
"""


@pytest.fixture
def story(fresh_database_url: str, tmp_path: Path) -> Iterator[Story]:
    with told(fresh_database_url, tmp_path, PROGRAMME, first_day=START) as running:
        yield running


def redeem(story: Story, points: int) -> Reply:
    wish = f"PT{len(str(points)):03d}{points}"
    return story.ask("0200", "006000", pan=card(0), amount=points * 100, de48=wish)


def test_what_is_bought_may_be_returned_for_fourteen_days_and_then_its_points_be_spent(story: Story) -> None:
    bought = story.buy(10_000_000)
    assert (bought.earned, bought.points, bought.number("PP")) == (100, 0, 100)
    later = story.after(3).buy(2_000_000)
    assert (later.points, later.number("PP")) == (0, 120)
    assert redeem(story, 1).code == "51"
    # A part comes back within the window: half of the points that were still pending are gone.
    returned = story.after(4).refund(bought, 5_000_000)
    assert (returned.code, returned.points, returned.number("PP")) == ("00", 0, 70)
    # On the fourteenth day it still is pending, the next day it is not; what came three days later waits on.
    story.walk_to(START + dt.timedelta(days=13))
    assert (redeem(story, 1).code, story.balance().number("PP")) == ("51", 70)
    story.after(1)
    assert (story.balance().points, story.balance().number("PP")) == (50, 20)
    assert redeem(story, 51).code == "51"
    spent = redeem(story, 50)
    assert (spent.code, spent.points, spent.number("PP")) == ("00", 0, 20)
    story.after(3)
    assert (story.balance().points, story.balance().all("PP")) == (20, [])


def test_a_full_reversal_leaves_nothing_pending(story: Story) -> None:
    first = story.buy(1_000_000)
    second = story.buy(2_000_000)
    assert second.number("PP") == 30
    assert story.undo(second).number("PP") == 10
    refund = story.refund(first, 1_000_000)
    assert (refund.points, refund.all("PP")) == (0, [])
    # The refund is taken back: what it took is pending again.
    again = story.undo(refund)
    assert (again.points, again.number("PP")) == (0, 10)
    story.after(14)
    assert story.balance().points == 10


def test_a_refund_after_the_window_takes_points_that_may_be_spent(story: Story) -> None:
    bought = story.buy(1_000_000)
    story.after(20).buy(300_000)
    returned = story.refund(bought, 400_000)
    assert (returned.points, returned.number("PP")) == (6, 3)


def test_points_of_an_event_are_not_pending(story: Story) -> None:
    happened = story.ask("0200", "950000", pan=card(0), amount=0, de48="EV007checkin")
    assert (happened.points, happened.all("PP")) == (50, [])


def test_pending_points_are_not_given_away(story: Story) -> None:
    story.buy(1_000_000)

    def give() -> str:
        return story.ask("0200", "400000", pan=card(0), amount=0, de48="PT00210", de103=card(2)).code

    assert give() == "51"
    story.after(14)
    assert give() == "00"
    # What is given is given: at the receiver's it may be spent at once.
    assert (story.balance(card(2)).points, story.balance(card(2)).all("PP")) == (10, [])


def test_an_offer_to_hold_what_is_pending_is_declined(story: Story) -> None:
    story.buy(1_000_000)
    assert story.ask("0100", "006000", pan=card(0), amount=1_000).code == "51"
    story.after(14)
    held = story.ask("0100", "006000", pan=card(0), amount=1_000)
    bought = story.buy(500_000)
    assert (held.points, bought.points, bought.number("PP"), bought.all("HD")) == (0, 0, 5, ["10/0"])


def test_the_receipt_tells_what_is_pending(story: Story) -> None:
    bought = story.buy(1_000_000, **AT_A_PRINTER, de48="LG002en")
    assert {"Points earned: 10", "Points balance: 0", "Points pending: 10"} <= set(bought.all("MS"))
    persian = story.buy(1_000_000, **AT_A_PRINTER, de48="LG002fa")
    assert "امتیاز در انتظار: ۲۰" in persian.all("MS")


def kept(story: Story) -> tuple[int, list[tuple[int, int]], list[tuple[int, int, int]]]:
    """Of the account that buys: its points, lots (month, points) and reserves (key, until, points)."""
    (row,) = story.rows("SELECT points, lots, reserves FROM account WHERE visits > 0")
    lots = story.rows("SELECT month, points FROM lots_of($1) ORDER BY month", row["lots"])
    reserves = story.rows("SELECT key, until, points FROM reserves_of($1) ORDER BY key, until", row["reserves"])
    return row["points"], [tuple(lot) for lot in lots], [tuple(reserve) for reserve in reserves]


def sound(story: Story) -> bool:
    return all(finding.sound for finding in asyncio.run(audit(story.url)))


def test_the_job_ends_what_is_pending_and_leaves_the_lots(story: Story) -> None:
    story.buy(10_000_000)
    story.after(3).buy(2_000_000)
    points, lots, pending = kept(story)
    assert (points, len(lots), [reserve[2] for reserve in pending]) == (120, 1, [100, 20])
    story.walk_to(START + dt.timedelta(days=13))
    assert tally_of(story.url, story.today, "upkeep").due == 0
    # The first window is over: nobody comes, and the second one waits on.
    story.after(1)
    tally = tally_of(story.url, story.today, "upkeep")
    assert (tally.due, tally.done) == (1, 1)
    assert kept(story) == (120, lots, pending[1:])
    assert sound(story)
    assert (story.balance().points, story.balance().number("PP")) == (100, 20)
    story.after(3)
    assert tally_of(story.url, story.today, "upkeep").done == 1
    assert kept(story) == (120, lots, [])
    assert tally_of(story.url, story.today, "upkeep").due == 0
    # Nothing was issued by it, and what is active has the month in which it was earned.
    moved = story.rows("SELECT sum(points_earned + points_expired + abs(points_adjusted)) FROM journal WHERE mti = 220")
    assert [tuple(row) for row in moved] == [(0,)]
    assert redeem(story, 120).code == "00"


SHORT = PROGRAMME.replace("expires: 24 months, pending: 14 days", "expires: 1 month, pending: 31 days")


def test_points_that_lapse_while_they_are_pending_are_gone(fresh_database_url: str, tmp_path: Path) -> None:
    with told(fresh_database_url, tmp_path, SHORT, first_day=dt.date(2027, 1, 31)) as story:
        story.buy(1_000_000)
        story.after(1).buy(500_000)
        # January's points end with February; on 3 March they would have been active.
        story.walk_to(dt.date(2027, 2, 28))
        assert tally_of(story.url, story.today, "upkeep").due == 0
        story.after(1)
        assert tally_of(story.url, story.today, "upkeep").done == 1
        points, lots, pending = kept(story)
        assert (points, [lot[1] for lot in lots], [reserve[2] for reserve in pending]) == (5, [5], [5])
        assert sound(story)
        story.walk_to(dt.date(2027, 3, 4))
        assert tally_of(story.url, story.today, "upkeep").done == 1
        assert kept(story) == (5, lots, [])
        assert story.balance().points == 5
        story.walk_to(dt.date(2027, 4, 1))
        assert tally_of(story.url, story.today, "upkeep").done == 1
        assert kept(story) == (0, [], [])
