"""Budgets worked out by hand, for the compiled kernel and its reference alike."""

from types import ModuleType

import pytest

from cext import _kernel
from cext.programme_table import NO_CAP, TARGET_FALSE, Effect, Fact, Opcode
from cext.reference import kernel as reference
from tests.cext.kernel_cases import BASE, account, original, pack_counters, request, rule, unpack_counters, whole_table

PURCHASE, REDEMPTION, CREDIT_PURCHASE, REFUND, REVERSAL = range(1, 6)
SLOT = 7
BUDGET = (Effect.BUDGET, 0, 1, NO_CAP, SLOT)
TEN_PER_CENT = (Effect.DISCOUNT_RATE, 1, 10, NO_CAP)


@pytest.fixture(params=[_kernel, reference], ids=["compiled", "reference"])
def kernel(request: pytest.FixtureRequest) -> ModuleType:
    return request.param


def drawn(decision):
    return {slot: count for slot, _, count in unpack_counters(decision.counters_moved)}.get(SLOT, 0)


def buy(kernel, effects, amount, left, **changes):
    programme = kernel.Programme(whole_table([rule(effects=effects)]))
    return kernel.decide(programme, account(kernel), request(kernel, PURCHASE, amount, budgets=left, **changes))


def test_a_gift_is_drawn(kernel):
    decision = buy(kernel, [TEN_PER_CENT, BUDGET], 50_000, (8_000,))
    assert (decision.discount, drawn(decision), decision.rule_list) == (5_000, 5_000, [0])


def test_a_gift_is_at_most_what_is_left(kernel):
    decision = buy(kernel, [TEN_PER_CENT, BUDGET], 50_000, (3_000,))
    assert (decision.discount, drawn(decision), decision.rule_list) == (3_000, 3_000, [0])


@pytest.mark.parametrize("left", [(), (0,), (-5,)])
def test_a_rule_whose_budget_is_empty_does_not_fire(kernel, left):
    decision = buy(kernel, [TEN_PER_CENT, BUDGET], 50_000, left)
    assert (decision.rc, decision.discount, decision.counters_moved, decision.rule_list) == ("00", 0, b"", [])


def test_what_other_rules_make_of_its_points_is_not_drawn(kernel):
    table = whole_table([rule(effects=[BASE, BUDGET]), rule(effects=[(Effect.MULTIPLY, 3, 1, NO_CAP)])])
    decision = kernel.decide(
        kernel.Programme(table), account(kernel), request(kernel, PURCHASE, 400_000, budgets=(100,))
    )
    assert (decision.points_earned, drawn(decision)) == (12, 4)


def test_what_all_discounts_together_leave_room_for_is_drawn(kernel):
    half = (Effect.DISCOUNT_RATE, 1, 2, NO_CAP)
    table = whole_table([rule(effects=[half]), rule(effects=[half, BUDGET])], header=(364, 100, 24, 0, 3, 5))
    decision = kernel.decide(
        kernel.Programme(table), account(kernel), request(kernel, PURCHASE, 1_000, budgets=(9_999,))
    )
    assert (decision.discount, drawn(decision)) == (600, 100)


def test_an_empty_budget_leaves_the_group_to_the_next_rule(kernel):
    table = whole_table(
        [
            rule(effects=[TEN_PER_CENT, BUDGET], group=1),
            rule(effects=[(Effect.DISCOUNT_AMOUNT, 7, 1, NO_CAP)], group=1),
        ]
    )
    decision = kernel.decide(kernel.Programme(table), account(kernel), request(kernel, PURCHASE, 1_000, budgets=(0,)))
    assert (decision.discount, decision.rule_list) == (7, [1])


def test_a_reversal_and_a_refund_give_back(kernel):
    programme = kernel.Programme(whole_table([rule(effects=[TEN_PER_CENT, BUDGET])]))
    member = account(kernel)
    bought = kernel.decide(programme, member, request(kernel, PURCHASE, 50_000, budgets=(8_000,)))
    part = kernel.decide(
        programme, member, request(kernel, REFUND, 10_000, original=original(kernel, PURCHASE, 50_000, bought))
    )
    assert (part.discount, drawn(part)) == (-1_000, -1_000)
    rest = kernel.decide(
        programme,
        member,
        request(kernel, REVERSAL, 50_000, original=original(kernel, PURCHASE, 50_000, bought, (10_000, part))),
    )
    assert (rest.discount, drawn(rest)) == (-4_000, -4_000)
    assert member.counters == b""


CHOSEN = [(Opcode.FACT_EQ, Fact.REWARD, 1, TARGET_FALSE)]


def choose(kernel, left, *, limits=(), counters=b"", advice=False):
    effects = [(Effect.PRICE, 10, 1, NO_CAP), (Effect.DISCOUNT_AMOUNT, 500, 1, NO_CAP), BUDGET]
    programme = kernel.Programme(whole_table([rule(CHOSEN, effects, limits=limits)]))
    member = account(kernel, (270, 100), counters=counters)
    asked = request(kernel, PURCHASE, 9_000, budgets=left, reward=1, advice=advice)
    return kernel.decide(programme, member, asked), member


def test_a_reward_is_given_in_full_or_refused(kernel):
    given, member = choose(kernel, (500,))
    assert (given.rc, given.discount, drawn(given), member.points) == ("00", 500, 500, 90)
    for left in ((0,), (499,)):
        refused, member = choose(kernel, left)
        assert (refused.rc, refused.changed, member.points) == ("05", False, 100)


def test_a_reward_whose_budget_is_empty_is_not_called_used_up_by_the_member(kernel):
    limit = [(9, 0, 1)]
    used = pack_counters((9, 0, 1))
    assert choose(kernel, (500,), limits=limit, counters=used)[0].rc == "65"
    assert choose(kernel, (0,), limits=limit, counters=used)[0].rc == "05"


def test_an_advice_takes_what_is_left(kernel):
    taken, member = choose(kernel, (499,), advice=True)
    assert (taken.rc, taken.discount, drawn(taken), member.points) == ("00", 499, 499, 90)


def test_a_table_whose_budgets_are_mixed_up_is_refused(kernel):
    other_slot = (Effect.BUDGET, 0, 1, NO_CAP, SLOT + 1)
    other_budget = (Effect.BUDGET, 1, 1, NO_CAP, SLOT)
    stamp = (Effect.COUNTER_FIXED, 1, 1, NO_CAP, SLOT)
    for effects in ([BUDGET, other_slot], [BUDGET, BUDGET]):
        with pytest.raises(ValueError, match="budget"):
            kernel.Programme(whole_table([rule(effects=effects)]))
    for other in (other_slot, other_budget, stamp):
        with pytest.raises(ValueError, match="budget"):
            kernel.Programme(whole_table([rule(effects=[BUDGET]), rule(effects=[other])]))
