"""Tiers, events and the facts about a member worked out by hand, for the compiled kernel and its reference alike."""

from datetime import date, timedelta
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cext import _kernel
from cext.programme_table import NO_CAP, TARGET_FALSE, Effect, Fact, Opcode, Period, TierBasis
from cext.reference import kernel as reference
from tests.cext.kernel_cases import (
    BASE,
    EARN_MONTH,
    MONTH,
    TODAY,
    account,
    grant,
    original,
    pack_grants,
    request,
    rule,
    state_of,
    table,
    unpack_counters,
    unpack_grants,
    whole_table,
)

PURCHASE, REDEMPTION, CREDIT_PURCHASE, REFUND, REVERSAL, INQUIRY, EVENT = range(1, 8)
SILVER = (TierBasis.TIER_POINTS, 10, 5, 4)
GOLD = (TierBasis.TIER_POINTS, 50, 3, 2)


@pytest.fixture(params=[_kernel, reference], ids=["compiled", "reference"])
def kernel(request: pytest.FixtureRequest) -> ModuleType:
    return request.param


def run(kernel, programme, member, kind, amount, **changes):
    return kernel.decide(kernel.Programme(programme), member, request(kernel, kind, amount, **changes))


def test_a_tier_is_entered_at_its_threshold_and_multiplies_from_the_next_message(kernel):
    programme = table(BASE, (Effect.POINTS_FIXED, 1, 1, NO_CAP), tiers=(SILVER, GOLD))
    member = account(kernel)
    decisions = [run(kernel, programme, member, PURCHASE, 900_000) for _ in range(2)]
    # 9 and a fixed one reach silver; 9 x 5/4 = 11.25 then, and the fixed one which no tier multiplies.
    assert [(one.points_earned, one.tier_after) for one in decisions] == [(10, 1), (12, 1)]
    assert (member.tier, member.tier_points) == (1, 22)
    assert run(kernel, programme, member, PURCHASE, 10_000_000).tier_after == member.tier == 2
    assert run(kernel, programme, member, PURCHASE, 100_000).points_earned == 2


def test_a_tier_multiplies_after_the_rules(kernel):
    programme = table(BASE, (Effect.MULTIPLY, 3, 2, NO_CAP), tiers=(SILVER,))
    assert run(kernel, programme, account(kernel, tier=1), PURCHASE, 300_000).points_earned == 5


@pytest.mark.parametrize("tier", [0, 2, -1, 9])
def test_a_tier_that_the_programme_does_not_know_multiplies_nothing(kernel, tier):
    member = account(kernel, tier=tier)
    decision = run(kernel, table(BASE, tiers=(SILVER,)), member, PURCHASE, 400_000)
    assert (decision.points_earned, decision.tier_after, member.tier) == (4, tier, tier)


def test_a_lower_tier_is_never_entered(kernel):
    member = account(kernel, tier=2, tier_points=0)
    assert run(kernel, table(BASE, tiers=(SILVER, GOLD)), member, PURCHASE, 1_000_000).tier_after == 2


@pytest.mark.parametrize(
    ("basis", "threshold", "tier"),
    [
        (TierBasis.SPEND, 5_000, 1),
        (TierBasis.SPEND, 5_001, 0),
        (TierBasis.VISITS, 4, 1),
        (TierBasis.VISITS, 5, 0),
    ],
)
def test_spend_and_visits_count_with_this_message(kernel, basis, threshold, tier):
    member = account(kernel, visits=3, spend=4_000)
    assert run(kernel, table(tiers=((basis, threshold, 1, 1),)), member, PURCHASE, 1_000).tier_after == tier


def test_a_rule_may_set_a_tier(kernel):
    programme = table((Effect.TIER_SET, 2, 1, NO_CAP), tiers=(SILVER, GOLD))
    member = account(kernel)
    assert run(kernel, programme, member, PURCHASE, 1).tier_after == member.tier == 2
    assert run(kernel, table((Effect.TIER_SET, 1, 1, NO_CAP), tiers=(SILVER,)), member, PURCHASE, 1).tier_after == 2


def test_without_tiers_nothing_counts_for_one(kernel):
    member = account(kernel, tier=1, tier_points=7)
    assert run(kernel, table(BASE), member, PURCHASE, 900_000).tier_after == 1
    assert (member.tier, member.tier_points) == (1, 7)


def test_a_reversal_takes_the_points_but_not_the_tier(kernel):
    programme = table(BASE, tiers=(SILVER,))
    member = account(kernel, tier_points=3)
    bought = run(kernel, programme, member, PURCHASE, 1_000_000)
    undone = run(kernel, programme, member, REVERSAL, 1_000_000, original=original(kernel, PURCHASE, 1_000_000, bought))
    assert (undone.tier_after, member.tier, member.tier_points) == (1, 1, 3)


def test_an_undo_takes_no_more_tier_points_than_there_are(kernel):
    programme = table(BASE, tiers=(GOLD,))
    member = account(kernel)
    bought = run(kernel, programme, member, PURCHASE, 1_000_000)
    member.tier_points = 4
    refund = run(kernel, programme, member, REFUND, 1_000_000, original=original(kernel, PURCHASE, 1_000_000, bought))
    assert (refund.points_earned, member.tier_points) == (-10, 0)


CHECK_IN = whole_table(
    [
        rule(
            [(Opcode.FACT_EQ, Fact.EVENT, 3, TARGET_FALSE)],
            [
                (Effect.POINTS_FIXED, 50, 1, NO_CAP),
                BASE,
                (Effect.CREDIT_AMOUNT, 7, 1, NO_CAP),
                (Effect.CREDIT_RATE, 1, 5, NO_CAP),
                (Effect.DISCOUNT_AMOUNT, 9, 1, NO_CAP),
                (Effect.FREE_ITEM, 0, 1, NO_CAP),
                (Effect.COUNTER_FIXED, 2, 1, NO_CAP, 5),
                (Effect.COUNTER_PER, 1, 1, NO_CAP, 6),
            ],
            occasion=1,
            limits=[(7, Period.DAY, 1)],
        ),
        rule(effects=[BASE]),
    ],
    grants=[grant(31)],
    tiers=[SILVER],
)


def test_an_event_fires_the_rules_for_it(kernel):
    member = account(kernel, (MONTH - 1, 4), visits=2, spend=70, first_visit=1, last_visit=2)
    decision = run(kernel, CHECK_IN, member, EVENT, 0, event=3, currency=0)
    assert (decision.rc, decision.rule_list, decision.points_earned, decision.credit_granted) == ("00", [0], 50, 7)
    assert (decision.discount, decision.to_pay, decision.points_expired, decision.tier_after) == (0, 0, 4, 1)
    assert unpack_counters(decision.counters_moved) == [(5, 0, 2), (7, TODAY, 1)]
    assert (member.visits, member.spend, member.last_visit, member.grants) == (2, 70, 2, b"")
    assert member.lot_list == [(EARN_MONTH, 50)]
    before = state_of(member)
    again = run(kernel, CHECK_IN, member, EVENT, 0, event=3)
    assert (again.rc, again.rule_list, again.changed, again.points_balance) == ("00", [], False, 50)
    assert state_of(member) == before


@pytest.mark.parametrize("programme", [CHECK_IN, table(BASE)])
def test_an_event_that_no_rule_knows_moves_nothing(kernel, programme):
    member = account(kernel, (MONTH - 1, 4), grants=pack_grants((31, TODAY - 1, 0)))
    before = state_of(member)
    decision = run(kernel, programme, member, EVENT, 1_000, event=4, points_wanted=9)
    assert (decision.rc, decision.rule_list, decision.changed, decision.to_pay) == ("00", [], False, 0)
    assert state_of(member) == before


def test_an_amount_means_nothing_to_an_event(kernel):
    code = [(Opcode.FACT_EQ, Fact.AMOUNT, 0, TARGET_FALSE)]
    programme = whole_table([rule(code, [BASE], occasion=1)])
    member = account(kernel, (MONTH, 9), credit=9)
    decision = run(kernel, programme, member, EVENT, 1_000_000, points_wanted=99, credit_wanted=99)
    assert (decision.rc, decision.rule_list, decision.changed) == ("00", [0], False)


def test_a_blocked_account_has_no_event(kernel):
    decision = run(kernel, CHECK_IN, account(kernel, status=1), EVENT, 5, event=3)
    assert (decision.rc, decision.to_pay) == ("78", 0)


def test_a_purchase_does_not_fire_an_event_s_rules(kernel):
    assert run(kernel, CHECK_IN, account(kernel), PURCHASE, 1_000, event=3).rule_list == [1]


def test_an_event_may_use_a_grant(kernel):
    programme = whole_table([rule(occasion=1, grant=1)], grants=[grant(31)])
    member = account(kernel, grants=pack_grants((31, TODAY, 0)))
    decision = run(kernel, programme, member, EVENT, 0)
    assert decision.changed
    assert unpack_grants(decision.grants_moved) == unpack_grants(member.grants) == [(31, TODAY, 1)]


@pytest.mark.parametrize("amount", [0, 5_000])
def test_an_event_may_be_reversed_but_not_refunded(kernel, amount):
    member = account(kernel, visits=4, spend=9)
    before = state_of(member)
    happened = run(kernel, CHECK_IN, member, EVENT, amount, event=3)
    named = original(kernel, EVENT, amount, happened)
    assert run(kernel, CHECK_IN, member, REFUND, 1, original=named).rc == "12"
    undone = run(kernel, CHECK_IN, member, REVERSAL, amount, original=named, replacement_amount=1)
    assert (undone.rc, undone.points_earned, undone.credit_granted, undone.tier_after) == ("00", -50, -7, 1)
    assert state_of(member) == before | {"tier": 1}


def fires(kernel, code, born, day):
    programme = whole_table([rule(code)])
    return run(kernel, programme, account(kernel, born=born), PURCHASE, 1, local_day=day).rule_list == [0]


def day(*ymd):
    return (date(*ymd) - date(1970, 1, 1)).days


BIRTHDAYS = [
    # born, on → age, days to the birthday
    (19800315, (2024, 3, 15), 44, 0),
    (19800315, (2024, 3, 14), 43, 1),
    (19800315, (2024, 3, 16), 44, 364),
    (19800101, (2023, 12, 31), 43, 1),
    (20000229, (2023, 2, 28), 22, 1),
    (20000229, (2023, 3, 1), 23, 0),
    (20000229, (2024, 2, 28), 23, 1),
    (20000229, (2024, 2, 29), 24, 0),
    (20240229, (2024, 2, 29), 0, 0),
    (19000301, (2100, 2, 28), 199, 1),
]


@pytest.mark.parametrize(("born", "on", "age", "days"), BIRTHDAYS)
def test_age_and_birthday(kernel, born, on, age, days):
    for fact, value in ((Fact.AGE, age), (Fact.DAYS_TO_BIRTHDAY, days)):
        required = (Opcode.REQUIRE, fact, 0, TARGET_FALSE)
        assert fires(kernel, [required, (Opcode.FACT_EQ, fact, value, TARGET_FALSE)], born, day(*on))


@pytest.mark.parametrize("born", [0, -19800315, 19801301, 19800001, 19800230, 19810229, 20240316, 100000101, 2**62])
@pytest.mark.parametrize("fact", [Fact.AGE, Fact.DAYS_TO_BIRTHDAY])
def test_what_is_no_date_or_still_to_come_is_not_known(kernel, born, fact):
    assert not fires(kernel, [(Opcode.REQUIRE, fact, 0, TARGET_FALSE)], born, day(2024, 3, 15))
    assert fires(kernel, [(Opcode.REQUIRE, fact, 0, TARGET_FALSE)], 20240315, day(2024, 3, 15))


@settings(max_examples=300, deadline=None)
@given(st.dates(), st.dates(date(1970, 1, 1), date(9908, 12, 31)))
def test_both_know_the_calendar(born, today):
    required = [(Opcode.REQUIRE, fact, 0, TARGET_FALSE) for fact in (Fact.AGE, Fact.DAYS_TO_BIRTHDAY)]
    values = [[(Opcode.PUSH_FACT, fact, 0, 0)] for fact in (Fact.AGE, Fact.DAYS_TO_BIRTHDAY)]
    programme = whole_table([], grants=[grant(31, required, 1, values)])
    for kernel in (_kernel, reference):
        member = account(kernel, born=born.year * 10_000 + born.month * 100 + born.day)
        run(kernel, programme, member, PURCHASE, 1, local_day=day(today.year, today.month, today.day))
        if born > today:
            assert member.grants == b""
            continue
        ((_, _, _, age, days),) = unpack_grants(member.grants)
        had_it = (today.month, today.day) >= (born.month, born.day)
        coming = today + timedelta(days)
        assert age == today.year - born.year - (not had_it)
        assert (coming.month, coming.day) in {(born.month, born.day), (3, 1)}
        assert 0 <= days <= 366


def test_club_and_event_are_facts(kernel):
    code = [(Opcode.FACT_EQ, Fact.CLUB, 8, TARGET_FALSE), (Opcode.FACT_EQ, Fact.EVENT, 3, TARGET_FALSE)]
    programme = whole_table([rule(code)])
    assert run(kernel, programme, account(kernel, club=8), PURCHASE, 1, event=3).rule_list == [0]
    assert run(kernel, programme, account(kernel, club=7), PURCHASE, 1, event=3).rule_list == []


def test_a_copy_has_all_of_it(kernel):
    member = account(kernel, club=3, born=19800315, grants=pack_grants((31, TODAY, 0)), tier_points=4)
    assert state_of(member.copy()) == state_of(member)


def test_a_basket_holds_numbers_that_fit(kernel):
    for name in ("quantities", "free_prices"):
        assert getattr(request(kernel, PURCHASE, 1, **{name: (2**63 - 1, 0)}), name) == (2**63 - 1, 0)
        with pytest.raises(OverflowError):
            request(kernel, PURCHASE, 1, **{name: (2**63,)})
        with pytest.raises(TypeError):
            request(kernel, PURCHASE, 1, **{name: ("1",)})
        with pytest.raises(ValueError, match="at most 256"):
            request(kernel, PURCHASE, 1, **{name: (0,) * 257})
