"""Stamps, tickets, uses and their limits worked out by hand, for the compiled kernel and its reference alike."""

from types import ModuleType

import pytest

from cext import _kernel
from cext.programme_table import (
    BALANCE_MAX,
    COUNTERS_MAX,
    FACTS_MAX,
    NO_CAP,
    Effect,
    Lookup,
    Opcode,
    Period,
)
from cext.reference import kernel as reference
from tests.cext.kernel_cases import (
    MONTH,
    TODAY,
    account,
    original,
    pack_counters,
    request,
    rule,
    state_of,
    table,
    unpack_counters,
    whole_table,
)

PURCHASE, REDEMPTION, CREDIT_PURCHASE, REFUND, REVERSAL, INQUIRY, EVENT = range(1, 8)
CUT, DRAW, USES = 5, 6, 7
STAMP = (Effect.COUNTER_FIXED, 1, 1, NO_CAP, CUT)


@pytest.fixture(params=[_kernel, reference], ids=["compiled", "reference"])
def kernel(request: pytest.FixtureRequest) -> ModuleType:
    return request.param


def run(kernel, programme, member, kind, amount, **changes):
    return kernel.decide(kernel.Programme(programme), member, request(kernel, kind, amount, **changes))


def counters_of(member):
    return unpack_counters(member.counters)


def limited(period, most, *effects, group=0):
    return rule(effects=effects, limits=[(USES, period, most)], group=group)


def test_the_tenth_visit_is_free_and_takes_the_stamps(kernel):
    """The barber: stamps are counted, and one rule of an exclusive group takes ten away and gives the cut."""
    code = [(Opcode.FACT_GE, FACTS_MAX, 10, -1)]
    reward = [(Effect.COUNTER_FIXED, -10, 1, NO_CAP, CUT), (Effect.FREE_ITEM, 0, 1, NO_CAP, 0)]
    programme = whole_table(
        [rule(code, reward, group=1), rule(effects=[STAMP], group=1)], lookups=[(Lookup.COUNTER, CUT, Period.LIFE)]
    )
    member = account(kernel)
    paid = [run(kernel, programme, member, PURCHASE, 700).to_pay for _ in range(11)]
    assert paid == [700] * 10 + [0]
    assert counters_of(member) == []
    eleventh = run(kernel, programme, member, PURCHASE, 700)
    assert (eleventh.rule_list, unpack_counters(eleventh.counters_moved)) == ([1], [(CUT, 0, 1)])


@pytest.mark.parametrize(
    ("changes", "discount"),
    [
        ({}, 1_000),
        ({"has_basket": True}, 0),
        ({"has_basket": True, "free_prices": (80,)}, 0),
        ({"has_basket": True, "free_prices": (80, 300)}, 300),
        ({"free_prices": (80, 2_000)}, 1_000),
        ({"free_prices": (80, -5)}, 0),
    ],
)
def test_a_free_item_is_the_basket_s_or_without_one_all(kernel, changes, discount):
    programme = table((Effect.FREE_ITEM, 1, 1, NO_CAP))
    assert run(kernel, programme, account(kernel), PURCHASE, 1_000, **changes).discount == discount


def test_a_free_item_is_capped(kernel):
    assert run(kernel, table((Effect.FREE_ITEM, 0, 1, 60)), account(kernel), PURCHASE, 1_000).discount == 60


@pytest.mark.parametrize(("most", "discount"), [((1, 1), 1_000), ((1, 3), 333), ((0, 1), 0), ((7, 8), 875)])
def test_all_discounts_together_are_at_most_the_programme_s_share(kernel, most, discount):
    effects = [
        (Effect.DISCOUNT_RATE, 1, 2, NO_CAP),
        (Effect.DISCOUNT_AMOUNT, 400, 1, NO_CAP),
        (Effect.FREE_ITEM, 0, 1, 500),
    ]
    decision = run(kernel, table(*effects, most_discount=most), account(kernel), PURCHASE, 1_000)
    assert (decision.discount, decision.to_pay) == (discount, 1_000 - discount)


@pytest.mark.parametrize(("n", "cap", "tickets"), [(1, NO_CAP, 3), (2, NO_CAP, 6), (2, 5, 5), (0, NO_CAP, 0)])
def test_tickets_count_what_is_really_paid(kernel, n, cap, tickets):
    programme = table((Effect.DISCOUNT_AMOUNT, 400, 1, NO_CAP), (Effect.COUNTER_PER, n, 500, cap, DRAW))
    member = account(kernel)
    decision = run(kernel, programme, member, PURCHASE, 2_000)
    expected = [(DRAW, 0, tickets)] if tickets else []
    assert counters_of(member) == unpack_counters(decision.counters_moved) == expected


def test_a_counter_does_not_fall_below_zero(kernel):
    programme = table((Effect.COUNTER_FIXED, -10, 1, NO_CAP, CUT), STAMP)
    member = account(kernel, counters=pack_counters((CUT, 0, 4)))
    decision = run(kernel, programme, member, PURCHASE, 1)
    assert counters_of(member) == [(CUT, 0, 1)]
    assert unpack_counters(decision.counters_moved) == [(CUT, 0, -3)]


PERIODS = [
    # period → the number kept, and a message of the next period
    (Period.LIFE, 0, None),
    (Period.YEAR, MONTH // 12, {"local_month": MONTH + 12, "local_day": TODAY + 365}),
    (Period.MONTH, MONTH, {"local_month": MONTH + 1, "local_day": TODAY + 30}),
    (Period.DAY, TODAY, {"local_day": TODAY + 1}),
]


@pytest.mark.parametrize(("period", "number", "later"), PERIODS)
def test_a_limit_holds_within_its_period(kernel, period, number, later):
    programme = whole_table([limited(period, 2)])
    member = account(kernel)
    fired = [run(kernel, programme, member, PURCHASE, 1).rule_list for _ in range(3)]
    assert fired == [[0], [0], []]
    assert counters_of(member) == [(USES, number, 2)]
    if later is not None:
        decision = run(kernel, programme, member, PURCHASE, 1, **later)
        assert (decision.rule_list, len(counters_of(member))) == ([0], 1)
        assert counters_of(member)[0] == unpack_counters(decision.counters_moved)[0] != (USES, number, 1)


def test_a_late_message_counts_in_the_later_period(kernel):
    programme = whole_table([limited(Period.DAY, 2)])
    member = account(kernel)
    days = [TODAY, TODAY - 1, TODAY - 1, TODAY]
    fired = [run(kernel, programme, member, PURCHASE, 1, advice=True, local_day=day).rule_list for day in days]
    assert fired == [[0], [0], [], []]
    assert counters_of(member) == [(USES, TODAY, 2)]


def test_rules_that_share_a_limit_see_each_other(kernel):
    programme = whole_table([limited(Period.DAY, 1), limited(Period.DAY, 1)])
    assert run(kernel, programme, account(kernel), PURCHASE, 1).rule_list == [0]


def test_a_rule_at_its_limit_leaves_its_group_to_the_next(kernel):
    programme = whole_table([limited(Period.LIFE, 1, group=1), rule(group=1)])
    member = account(kernel)
    assert [run(kernel, programme, member, PURCHASE, 1).rule_list for _ in range(2)] == [[0], [1]]


def test_a_condition_sees_the_counter_before_the_message(kernel):
    code = [(Opcode.FACT_EQ, FACTS_MAX, 1, -1)]
    programme = whole_table(
        [limited(Period.DAY, 9), rule(code), rule([(Opcode.FACT_EQ, FACTS_MAX + 1, 7, -1)])],
        lookups=[(Lookup.COUNTER, USES, Period.DAY), (Lookup.QUANTITY, 1, 0)],
    )
    member = account(kernel)
    assert run(kernel, programme, member, PURCHASE, 1, quantities=(7,)).rule_list == [0]
    assert run(kernel, programme, member, PURCHASE, 1, quantities=(0, 7)).rule_list == [0, 1, 2]
    assert run(kernel, programme, member, PURCHASE, 1, local_day=TODAY + 1).rule_list == [0]


def test_a_decline_changes_no_counter(kernel):
    programme = whole_table([limited(Period.DAY, 2, STAMP)])
    member = account(kernel, counters=pack_counters((CUT, 0, 3)))
    before = state_of(member)
    decision = run(kernel, programme, member, REDEMPTION, 1_000)
    assert (decision.rc, decision.counters_moved) == ("51", b"")
    assert state_of(member) == before


CROWD = [(slot, 0, 1) for slot in range(100, 100 + COUNTERS_MAX)]


def test_a_counter_that_finds_no_room_declines(kernel):
    member = account(kernel, counters=pack_counters(*CROWD))
    before = state_of(member)
    assert run(kernel, table(STAMP), member, PURCHASE, 1).rc == "13"
    assert state_of(member) == before
    taken = (Effect.COUNTER_FIXED, -1, 1, NO_CAP, 100)
    assert run(kernel, table(STAMP, taken), member, PURCHASE, 1).rc == "00"
    assert counters_of(member) == [(CUT, 0, 1), *CROWD[1:]]


def test_uses_of_past_periods_make_room(kernel):
    code = [(Opcode.FACT_GT, 0, 5, -1)]
    programme = whole_table([rule(code, limits=[(USES, Period.DAY, 1)]), rule(effects=[STAMP])])
    member = account(kernel, counters=pack_counters((USES, TODAY - 1, 1), *CROWD[1:]))
    assert run(kernel, programme, member, PURCHASE, 1).rc == "00"
    assert counters_of(member) == [(CUT, 0, 1), *CROWD[1:]]
    today = account(kernel, counters=pack_counters((USES, TODAY, 1), *CROWD[1:]))
    assert run(kernel, programme, today, PURCHASE, 1).rc == "13"


def test_a_counter_that_grows_too_large_declines(kernel):
    member = account(kernel, counters=pack_counters((CUT, 0, BALANCE_MAX)))
    assert run(kernel, table(STAMP), member, PURCHASE, 1).rc == "13"
    many = (Effect.COUNTER_PER, 10**9, 1, NO_CAP, DRAW)
    assert run(kernel, table(many), account(kernel), PURCHASE, 10**12 - 1).rc == "13"
    assert counters_of(member) == [(CUT, 0, BALANCE_MAX)]


def test_partial_refunds_undo_counters_in_proportion(kernel):
    programme = whole_table([limited(Period.DAY, 5, (Effect.COUNTER_PER, 1, 100, NO_CAP, DRAW))])
    member = account(kernel, counters=pack_counters((DRAW, 0, 7)))
    bought = run(kernel, programme, member, PURCHASE, 1_000)
    done = []
    for part in (333, 333, 334):
        named = original(kernel, PURCHASE, 1_000, bought, *done)
        done.append((part, run(kernel, programme, member, REFUND, part, original=named)))
    assert [unpack_counters(refund.counters_moved) for _, refund in done] == [
        [(DRAW, 0, -3)],
        [(DRAW, 0, -3)],
        [(DRAW, 0, -4), (USES, TODAY, -1)],
    ]
    assert counters_of(member) == [(DRAW, 0, 7)]


def test_a_reversal_gives_back_what_a_reward_took(kernel):
    programme = table((Effect.COUNTER_FIXED, -10, 1, NO_CAP, CUT))
    member = account(kernel, counters=pack_counters((CUT, 0, 10)))
    before = state_of(member)
    bought = run(kernel, programme, member, PURCHASE, 900)
    assert counters_of(member) == []
    undone = run(kernel, programme, member, REVERSAL, 900, original=original(kernel, PURCHASE, 900, bought))
    assert unpack_counters(undone.counters_moved) == [(CUT, 0, 10)]
    assert state_of(member) == before


def test_a_reversed_refund_counts_again(kernel):
    member = account(kernel)
    bought = run(kernel, table(STAMP), member, PURCHASE, 900)
    after = state_of(member)
    refund = run(kernel, table(STAMP), member, REFUND, 900, original=original(kernel, PURCHASE, 900, bought))
    assert counters_of(member) == []
    named = original(kernel, REFUND, 900, refund)
    assert run(kernel, table(STAMP), member, REVERSAL, 900, original=named).rc == "00"
    assert state_of(member) == after


def test_uses_of_another_day_are_not_undone(kernel):
    programme = whole_table([limited(Period.DAY, 1)])
    member = account(kernel)
    bought = run(kernel, programme, member, PURCHASE, 900)
    run(kernel, programme, member, PURCHASE, 900, local_day=TODAY + 1)
    named = original(kernel, PURCHASE, 900, bought)
    undone = run(kernel, programme, member, REVERSAL, 900, original=named, local_day=TODAY + 1)
    assert (undone.rc, undone.counters_moved) == ("00", b"")
    assert counters_of(member) == [(USES, TODAY + 1, 1)]


def test_an_undo_takes_no_more_than_is_left(kernel):
    member = account(kernel)
    bought = run(kernel, table((Effect.COUNTER_FIXED, 5, 1, NO_CAP, CUT)), member, PURCHASE, 900)
    run(kernel, table((Effect.COUNTER_FIXED, -3, 1, NO_CAP, CUT)), member, PURCHASE, 1)
    named = original(kernel, PURCHASE, 900, bought)
    undone = run(kernel, table(), member, REVERSAL, 900, original=named)
    assert unpack_counters(undone.counters_moved) == [(CUT, 0, -2)]
    assert member.counters == b""


@pytest.mark.parametrize(
    "counters",
    [
        b"1",
        pack_counters((2, 0, 1), (1, 0, 1)),
        pack_counters((1, 0, 1), (1, 0, 1)),
        pack_counters((0, 0, 1)),
        pack_counters((4_096, 0, 1)),
        pack_counters((1, 0, 0)),
        pack_counters((1, 0, -1)),
        pack_counters((1, -1, 1)),
        pack_counters((1, 0, BALANCE_MAX + 1)),
        pack_counters(*[(slot, 0, 1) for slot in range(1, COUNTERS_MAX + 2)]),
    ],
)
def test_counters_that_no_decision_leaves_are_refused(kernel, counters):
    with pytest.raises(ValueError, match="counter"):
        account(kernel, counters=counters)


def test_an_original_refuses_broken_counters(kernel):
    moved = pack_counters((1, 0, 1))
    for changes in (
        {"counters_moved": b"1"},
        {"refunded_counters": b"1"},
        {"counters_moved": moved * 129},
        {"counters_moved": pack_counters((0, 0, 1))},
        {"refunded_counters": pack_counters((1, 0, -BALANCE_MAX - 1))},
    ):
        with pytest.raises(ValueError, match="counter"):
            original(kernel, PURCHASE, 1, kernel.Decision("00"), **changes)
    many = original(
        kernel, PURCHASE, 1, kernel.Decision("00"), counters_moved=moved * 128, refunded_counters=moved * 500
    )
    assert (len(many.counters_moved), len(many.refunded_counters)) == (128 * 14, 500 * 14)
