"""Tier years worked out by hand, for the compiled kernel and its reference alike: up at once, down after the grace."""

from datetime import date
from types import ModuleType

import pytest

from cext import _kernel
from cext.programme_table import NO_CAP, Effect, Fact, Opcode, TierBasis
from cext.reference import kernel as reference
from tests.cext.kernel_cases import BASE, account, original, request, rule, state_of, whole_table

PURCHASE, REFUND, REVERSAL, EVENT, UPKEEP = 1, 4, 5, 7, 10
SILVER = (TierBasis.TIER_POINTS, 10, 2, 1)
GOLD = (TierBasis.TIER_POINTS, 50, 3, 1)
CHEAP = ((TierBasis.TIER_POINTS, 10, 1, 1), (TierBasis.TIER_POINTS, 11, 1, 1))
TEN, SIXTY = 1_000_000, 6_000_000


@pytest.fixture(params=[_kernel, reference], ids=["compiled", "reference"])
def kernel(request: pytest.FixtureRequest) -> ModuleType:
    return request.param


class Life:
    """A member of a programme whose tier year begins in a month, from one day to another."""

    def __init__(self, kernel, *rules, month=1, grace=60, tiers=(SILVER, GOLD), **changes) -> None:
        self.kernel = kernel
        header = (364, 100, 24, 0, 1, 1, 0, month, grace)
        self.programme = kernel.Programme(whole_table(rules or [rule(effects=[BASE])], header=header, tiers=tiers))
        self.member = account(kernel, **changes)

    def tell(self, day: str, kind: int, amount: int = 0, **changes):
        on = date.fromisoformat(day)
        calendar = {"local_day": (on - date(1970, 1, 1)).days, "local_month": (on.year - 2000) * 12 + on.month - 1}
        return self.kernel.decide(self.programme, self.member, request(self.kernel, kind, amount, **calendar | changes))

    def buy(self, day: str, amount: int = 1):
        return self.tell(day, PURCHASE, amount)

    @property
    def standing(self):
        m = self.member
        return m.tier, m.tier_points, m.tier_year, m.tier_kept


def test_up_at_once_kept_for_the_next_year_and_down_after_the_grace(kernel):
    life = Life(kernel)
    assert life.buy("2024-05-01", SIXTY).tier_after == 2
    assert life.standing == (2, 60, 2024, 2)
    # The next year is gold's, as the last one came to it; its points begin again.
    assert life.buy("2025-07-01", TEN).points_earned == 30
    assert life.standing == (2, 30, 2025, 2)
    # 2025 came to silver: gold goes on for sixty days.
    assert life.buy("2026-03-01", TEN).points_earned == 30
    assert life.standing == (2, 30, 2026, 1)
    assert life.buy("2026-03-02", 100_000).points_earned == 2
    assert life.standing == (1, 32, 2026, 1)
    assert life.buy("2026-06-01", TEN).tier_after == 2


def test_who_comes_while_there_are_no_tier_years_keeps_the_tier_for_the_first_year_there_is(kernel):
    yearly, for_life = Life(kernel), Life(kernel, month=0, grace=0, tiers=CHEAP)
    assert yearly.buy("2024-05-01", TEN).tier_after == 1
    # What takes eleven points for life takes fifty once there are years again, in the middle of one.
    for_life.member = yearly.member
    assert for_life.buy("2024-06-01", 100_000).tier_after == 2
    assert yearly.buy("2024-07-01").tier_after == 2
    assert yearly.buy("2025-02-01").tier_after == 2
    assert yearly.buy("2025-07-01").tier_after == 1


def test_what_is_earned_again_within_the_grace_is_kept(kernel):
    life = Life(kernel, tier=2, tier_kept=2, tier_year=2024, tier_points=3)
    assert life.buy("2025-02-01", SIXTY).tier_after == 2
    assert life.standing == (2, 180, 2025, 2)
    assert life.buy("2025-09-01").tier_after == 2


def test_a_missed_year_was_empty(kernel):
    life = Life(kernel, tier=2, tier_kept=2, tier_year=2023, tier_points=500)
    assert life.buy("2025-02-01").tier_after == 2
    assert life.standing == (2, 0, 2025, 0)
    assert life.buy("2025-12-31").tier_after == 0


@pytest.mark.parametrize(("day", "year"), [("2025-03-20", 2024), ("2025-08-31", 2024), ("2025-09-01", 2025)])
def test_a_year_is_named_by_when_it_begins(kernel, day, year):
    life = Life(kernel, month=9)
    life.buy(day)
    assert life.member.tier_year == year


def test_who_is_met_in_the_first_year_keeps_the_tier_for_the_rest_of_it(kernel):
    life = Life(kernel, tier=2, tier_points=4)
    assert life.buy("2025-11-01").tier_after == 2
    assert life.standing == (2, 4, 2025, 2)
    life.buy("2026-01-01")
    assert life.standing == (2, 0, 2026, 0)


def test_a_tier_that_a_rule_sets_lasts_to_the_end_of_its_year(kernel):
    by_event = rule([(Opcode.FACT_EQ, Fact.EVENT, 1, -1)], [(Effect.TIER_SET, 2, 1, NO_CAP)], occasion=1)
    life = Life(kernel, by_event, rule(effects=[BASE]), grace=0)
    assert life.tell("2025-04-01", EVENT, event=1).tier_after == 2
    assert life.buy("2025-12-31").tier_after == 2
    assert life.buy("2026-01-01").tier_after == 0


@pytest.mark.parametrize("basis", [TierBasis.SPEND, TierBasis.VISITS])
def test_spend_and_visits_are_for_life(kernel, basis):
    life = Life(kernel, tiers=[(basis, 2, 1, 1)], grace=0, visits=1, spend=1, tier_year=2020)
    assert life.buy("2025-04-01").tier_after == 1
    assert life.buy("2029-04-01").tier_after == 1


def test_rules_see_the_tier_that_is_in_force(kernel):
    gold_only = rule([(Opcode.FACT_EQ, Fact.TIER, 2, -1)], [(Effect.POINTS_FIXED, 7, 1, NO_CAP)])
    life = Life(kernel, gold_only, tier=2, tier_kept=0, tier_year=2025)
    assert life.buy("2025-03-01").rule_list == [0]
    assert life.buy("2025-03-02").rule_list == []


def undo_of(life, amount, decision, month, named=PURCHASE):
    return {"original": original(life.kernel, named, amount, decision, local_month=month)}


def test_undoing_last_year_leaves_this_year_alone(kernel):
    life = Life(kernel)
    bought = life.buy("2025-12-01", SIXTY)
    life.buy("2026-01-05", TEN)
    before = life.standing
    undone = life.tell("2026-01-06", REVERSAL, SIXTY, **undo_of(life, SIXTY, bought, 311))
    assert (undone.points_earned, undone.tier_after) == (-60, 2)
    assert life.standing == before == (2, 30, 2026, 2)


def test_a_refund_of_last_year_that_is_undone_brings_nothing_into_this_year(kernel):
    life = Life(kernel)
    bought = life.buy("2025-12-01", SIXTY)
    life.buy("2026-01-05", TEN)
    refund = life.tell("2026-01-06", REFUND, SIXTY, **undo_of(life, SIXTY, bought, 311))
    again = life.tell("2026-01-07", REVERSAL, SIXTY, **undo_of(life, SIXTY, refund, 311, named=REFUND))
    assert (refund.points_earned, again.points_earned, life.member.tier_points) == (-60, 60, 30)


def test_undoing_before_the_year_is_turned_counts_in_the_old_one(kernel):
    life = Life(kernel)
    bought = life.buy("2025-12-01", SIXTY)
    life.tell("2026-01-01", REVERSAL, SIXTY, **undo_of(life, SIXTY, bought, 311))
    assert life.standing == (2, 0, 2025, 2)
    life.buy("2026-04-01")
    assert life.standing == (0, 0, 2026, 0)


@pytest.mark.parametrize("changes", [{"month": 0}, {"tiers": ()}])
def test_without_tier_years_nothing_turns(kernel, changes):
    life = Life(kernel, tier=1, tier_points=3, **changes)
    life.buy("2025-04-01")
    assert life.standing == (1, 3, 0, 0)


def test_a_message_from_before_the_year_changes_no_year(kernel):
    life = Life(kernel, tier=2, tier_kept=1, tier_year=2026, tier_points=4)
    life.buy("2025-12-31", TEN)
    assert life.standing == (2, 34, 2026, 1)


def test_a_decline_turns_nothing(kernel):
    life = Life(kernel, tier=2, tier_year=2020)
    before = state_of(life.member)
    assert life.tell("2025-04-01", 2, TEN, points_wanted=9).rc == "51"
    assert state_of(life.member) == before


def test_upkeep_ends_a_year_without_a_visit(kernel):
    life = Life(kernel, tier=2, tier_kept=2, tier_year=2024, tier_points=12)
    decision = life.tell("2025-01-01", UPKEEP)
    assert (decision.rc, decision.changed, decision.tier_after) == ("00", True, 2)
    assert life.standing == (2, 0, 2025, 1)
    assert life.tell("2025-03-01", UPKEEP).changed is False
    assert life.tell("2025-03-02", UPKEEP).tier_after == 1
