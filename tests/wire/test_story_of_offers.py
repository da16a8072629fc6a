"""The two customers and their two offers, each made to one person, beside the flat festival discount.

One customer comes every ten days and spends 500,000 rial; the other every 45 days and spends 5,000,000. Nobody chose
them: the offers find them by how they behave. The first is asked for a bigger basket, the second to come back sooner.
"""

import asyncio
import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.postgres.explaining import explain
from protocol.tlv import build
from tests.wire.running import card, original_of
from tests.wire.stories import Reply, Story, told

pytestmark = pytest.mark.integration

PROGRAMME = """
programme: bazaar
owner: KHATAM
currency: 364
timezone: Asia/Tehran
point: {value: 100, expires: 24 months}
rules:
  - id: base
    then: {points: {per: 100000}}
  - id: bigger_basket
    grant: {if: visits >= 5 and mean_gap <= 15, set: {goal: 4 * mean_amount}, lives: 30 days}
    when: amount >= grant.goal
    then: {credit: 20%, cap: 1000000}
  - id: come_sooner
    grant: {if: visits >= 5 and mean_gap >= 30, set: {within: 20}, lives: 20 days}
    when: days_since_last < grant.within
    then: {credit: 20%, cap: 2000000}
  - id: festival            # for everybody, in its ten days
    when: today >= "2027-05-01" and today < "2027-05-11"
    then: {discount: 40%}
"""
FREQUENT, RARE, NEW = card(1), card(2), card(3)
START = dt.date(2027, 1, 3)


@pytest.fixture
def story(fresh_database_url: str, tmp_path: Path) -> Iterator[Story]:
    with told(fresh_database_url, tmp_path, PROGRAMME, first_day=START) as begun:
        yield begun


def five_visits(story: Story, pan: str, *, amount: int, gap_days: int) -> None:
    """The habit that earns the offer; none of these purchases gets any credit."""
    for visit in range(5):
        if visit:
            story.after(gap_days)
        reply = story.buy(amount, pan)
        assert (reply.code, reply.granted, reply.credit) == ("00", 0, 0)


def test_who_comes_often_is_asked_for_a_bigger_basket(story: Story) -> None:
    five_visits(story, FREQUENT, amount=500_000, gap_days=10)
    # The goal was frozen at the fifth visit: four times the mean of 500,000.
    below = story.after(10).buy(1_999_999, FREQUENT)
    assert (below.granted, below.all("OF")) == (0, [])
    # The mean has grown to 750,000 since; the goal has not.
    reached = story.after(5).buy(2_000_000, FREQUENT)
    assert (reached.granted, reached.credit, reached.all("OF")) == (400_000, 400_000, ["bigger_basket"])
    # Once: within the offer's thirty days it is not made again.
    again = story.after(5).buy(20_000_000, FREQUENT)
    assert (again.granted, again.credit) == (0, 400_000)


def test_the_credit_of_the_bigger_basket_has_a_cap(story: Story) -> None:
    five_visits(story, FREQUENT, amount=500_000, gap_days=10)
    assert story.after(1).buy(50_000_000, FREQUENT).granted == 1_000_000


def test_the_offer_of_the_bigger_basket_ends_after_thirty_days(story: Story) -> None:
    five_visits(story, FREQUENT, amount=500_000, gap_days=10)
    assert story.after(31).buy(2_000_000, FREQUENT).granted == 0


def test_on_its_last_day_the_offer_still_holds(story: Story) -> None:
    five_visits(story, FREQUENT, amount=500_000, gap_days=10)
    assert story.after(30).buy(2_000_000, FREQUENT).granted == 400_000


def test_who_comes_rarely_is_asked_to_come_back_sooner(story: Story) -> None:
    five_visits(story, RARE, amount=5_000_000, gap_days=45)
    reply = story.after(19).buy(5_000_000, RARE)
    assert (reply.granted, reply.all("OF")) == (1_000_000, ["come_sooner"])
    assert story.after(1).buy(5_000_000, RARE).granted == 0


def test_who_comes_back_on_the_twentieth_day_is_too_late(story: Story) -> None:
    five_visits(story, RARE, amount=5_000_000, gap_days=45)
    assert story.after(20).buy(5_000_000, RARE).granted == 0


def test_each_gets_the_own_offer_and_a_stranger_none(story: Story) -> None:
    for visit in range(5):
        story.buy(500_000, FREQUENT)
        if visit % 4 == 0:
            story.buy(5_000_000, RARE)
        story.after(10)
    assert story.buy(2_000_000, NEW).granted == 0
    # Two visits forty days apart are no habit yet.
    assert story.buy(5_000_000, RARE).granted == 0
    assert story.buy(2_000_000, FREQUENT).granted == 400_000


def test_a_reversal_takes_the_credit_back_and_the_offer_is_open_again(story: Story) -> None:
    five_visits(story, FREQUENT, amount=500_000, gap_days=10)
    reached = story.after(5).buy(2_000_000, FREQUENT)
    assert reached.granted == 400_000
    undone = story.undo(reached, FREQUENT)
    assert (undone.granted, undone.credit) == (-400_000, 0)
    assert story.after(1).buy(2_000_000, FREQUENT).granted == 400_000


def test_the_festival_is_for_everybody_in_its_ten_days(story: Story) -> None:
    story.walk_to(dt.date(2027, 4, 30))
    assert story.buy(1_000_000, NEW).discount == 0
    first = story.after(1).buy(1_000_000, NEW)
    assert (first.discount, first.to_pay, first.earned) == (400_000, 600_000, 6)
    assert story.after(9).buy(1_000_000, RARE).discount == 400_000
    assert story.after(1).buy(1_000_000, FREQUENT).discount == 0


def test_an_auditor_is_told_why(story: Story) -> None:
    five_visits(story, FREQUENT, amount=500_000, gap_days=10)
    reached = story.after(5).buy(2_000_000, FREQUENT)
    (fifth, sixth) = sorted(
        (entry for row in story.rows("SELECT rrn FROM journal WHERE grants_moved IS NOT NULL")
         for entry in asyncio.run(explain(story.url, row["rrn"]))),
        key=lambda entry: entry.decided_at,
    )  # fmt: skip
    assert fifth.offers == (("bigger_basket", "made, open until 2027-03-14"),)
    assert sixth.offers == (("bigger_basket", "used, was open until 2027-03-14"),)
    assert sixth.rules == ("base", "bigger_basket")
    assert ("credit_granted", reached.granted) in sixth.legs


def test_a_reversal_of_the_visit_that_made_the_offer_takes_the_offer(story: Story) -> None:
    for _ in range(4):
        story.buy(500_000, FREQUENT)
        story.after(10)
    fifth = story.buy(500_000, FREQUENT)
    story.undo(fifth, FREQUENT)
    assert story.after(1).buy(2_000_000, FREQUENT).granted == 0


def claim(story: Story, amount: int, pan: str, *names: str, mti: str = "0200", **more: str) -> Reply:
    return story.ask(mti, "000000", pan=pan, amount=amount, de48=build([("OF", name) for name in names]), **more)


def test_a_till_that_claims_an_offer_gets_it_or_a_no_that_moves_nothing(story: Story) -> None:
    five_visits(story, FREQUENT, amount=500_000, gap_days=10)
    story.after(5)
    visits = story.rows("SELECT visits, points, grants FROM account WHERE visits = 5")
    for names, reason in [
        (["bigger_baskets"], "OF is no offer here"),
        (["bigger_basket", "come_sooner"], "OF does not apply now"),
        (["festival"], "OF does not apply now"),
    ]:
        refused = claim(story, 1_999_999, FREQUENT, *names)
        assert (refused.code, refused.reason, refused.granted, refused.all("OF")) == ("05", reason, 0, [])
    assert story.rows("SELECT visits, points, grants FROM account WHERE visits = 5") == visits
    quoted = claim(story, 2_000_000, FREQUENT, "bigger_basket", mti="0100")
    assert (quoted.code, quoted.granted) == ("00", 400_000)
    reached = claim(story, 2_000_000, FREQUENT, "base", "bigger_basket")
    assert (reached.code, reached.granted, reached.all("OF")) == ("00", 400_000, ["bigger_basket"])
    again = claim(story, 2_000_000, FREQUENT, "bigger_basket")
    assert (again.code, again.reason) == ("05", "OF was used already")
    assert claim(story, 1_000_000, NEW, "bigger_basket").reason == "OF is not open to you"


def test_an_offer_that_has_ended_is_refused_by_name(story: Story) -> None:
    five_visits(story, FREQUENT, amount=500_000, gap_days=10)
    late = claim(story.after(31), 2_000_000, FREQUENT, "bigger_basket")
    assert (late.code, late.reason, late.granted) == ("05", "OF has ended", 0)
    # What has happened is taken, with what it brings.
    told = claim(story, 2_000_000, FREQUENT, "bigger_basket", mti="0220")
    assert (told.code, told.granted, told.earned) == ("00", 0, 20)


def test_a_claim_goes_with_a_purchase(story: Story) -> None:
    bought = claim(story, 1_000_000, NEW, "base")
    for code, names, reason in [
        ("006000", ["base"], "DE48 OF needs a purchase"),
        ("000000", ["a b"], "DE48 OF is not a name"),
        ("000000", ["base", "base"], "DE48 has one OF twice"),
    ]:
        shown = build([("PT", "1"), *(("OF", name) for name in names)])
        refused = story.ask("0100", code, pan=NEW, amount=1_000, de48=shown)
        assert (refused.code, refused.reason) == ("30", reason)
    # Whoever takes a purchase back may send its DE48 once more.
    named = original_of(bought.sent)
    undone = story.ask("0400", "000000", pan=NEW, amount=0, de90=named, de48=build([("OF", "come_sooner")]))
    assert (undone.code, undone.earned) == ("00", -10)
