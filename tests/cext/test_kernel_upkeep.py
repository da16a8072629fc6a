"""Upkeep and gifts worked out by hand, for the compiled kernel and its reference alike."""

from types import ModuleType

import pytest

from cext import _kernel
from cext.programme_table import BALANCE_MAX, LEG_MAX, Period
from cext.reference import kernel as reference
from tests.cext.kernel_cases import (
    BASE,
    EARN_MONTH,
    MONTH,
    TODAY,
    account,
    grant,
    original,
    pack,
    pack_counters,
    pack_grants,
    request,
    rule,
    state_of,
    table,
    unpack_counters,
    unpack_grants,
    whole_table,
)

REFUND, REVERSAL, UPKEEP, GIFT = 4, 5, 10, 11


@pytest.fixture(params=[_kernel, reference], ids=["compiled", "reference"])
def kernel(request: pytest.FixtureRequest) -> ModuleType:
    return request.param


def run(kernel, programme, member, kind, **changes):
    return kernel.decide(kernel.Programme(programme), member, request(kernel, kind, 0, **{"currency": 0} | changes))


LIMITED = whole_table(
    [rule(effects=[BASE], limits=[(21, Period.DAY, 1), (22, Period.MONTH, 9), (23, Period.LIFE, 9)])],
    grants=[grant(31), grant(32)],
)


def test_upkeep_writes_off_what_has_lapsed(kernel):
    member = account(kernel, (MONTH - 2, 3), (MONTH - 1, 4), (MONTH, 5), credit=8, visits=2, spend=9, last_visit=7)
    before = state_of(member)
    decision = run(kernel, LIMITED, member, UPKEEP)
    assert (decision.rc, decision.points_expired, decision.points_balance, decision.to_pay) == ("00", 7, 5, 0)
    assert (decision.credit_balance, decision.rule_list, decision.changed) == (8, [], True)
    assert decision.lots_moved == pack((MONTH - 2, -3), (MONTH - 1, -4))
    assert state_of(member) == before | {"points": 5, "lots": pack((MONTH, 5))}


def test_upkeep_drops_limits_and_offers_that_are_over_and_nothing_else(kernel):
    counters = [(11, 0, 4), (21, TODAY - 1, 1), (22, MONTH, 2), (23, 0, 3), (99, 5, 6)]
    member = account(
        kernel,
        counters=pack_counters(*counters),
        grants=pack_grants((31, TODAY - 1, 0, 5), (32, TODAY, 1), (40, TODAY - 9, 1)),
    )
    decision = run(kernel, LIMITED, member, UPKEEP)
    assert (decision.rc, decision.changed, decision.counters_moved, decision.grants_moved) == ("00", True, b"", b"")
    assert unpack_counters(member.counters) == [counters[0], *counters[2:]]
    assert unpack_grants(member.grants) == [(32, TODAY, 1)]


def test_upkeep_of_an_account_in_order_changes_nothing(kernel):
    member = account(kernel, (MONTH, 5), grants=pack_grants((32, TODAY, 1)), counters=pack_counters((22, MONTH, 2)))
    before = state_of(member)
    assert run(kernel, LIMITED, member, UPKEEP).changed is False
    assert state_of(member) == before


def test_a_gift_of_points_and_credit(kernel):
    member = account(kernel, (MONTH - 1, 4), credit=1, tier_points=6, visits=2)
    before = state_of(member)
    decision = run(kernel, table(BASE, tiers=((0, 5, 2, 1),)), member, GIFT, points_wanted=50, credit_wanted=70)
    assert (decision.rc, decision.points_earned, decision.credit_granted, decision.points_expired) == ("00", 50, 70, 4)
    assert (decision.points_balance, decision.credit_balance, decision.discount, decision.to_pay) == (50, 71, 0, 0)
    assert state_of(member) == before | {"points": 50, "credit": 71, "lots": pack((EARN_MONTH, 50))}


def test_a_gift_pays_what_is_owed_first(kernel):
    member = account(kernel, (-1, -20))
    run(kernel, table(BASE, deficit=True), member, GIFT, points_wanted=50)
    assert member.lot_list == [(EARN_MONTH, 30)]


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"points_wanted": 0, "credit_wanted": 0},
        {"points_wanted": -5},
        {"points_wanted": LEG_MAX + 1},
        {"credit_wanted": LEG_MAX + 1},
        {"points_wanted": 2**63 - 1, "credit_wanted": 2**63 - 1},
    ],
)
def test_a_gift_of_nothing_or_of_too_much(kernel, wanted):
    member = account(kernel, (MONTH, 5))
    before = state_of(member)
    assert run(kernel, table(BASE), member, GIFT, **wanted).rc == "13"
    assert state_of(member) == before


def test_a_gift_beyond_what_an_account_holds(kernel):
    member = account(kernel, credit=BALANCE_MAX)
    assert run(kernel, table(BASE), member, GIFT, credit_wanted=1).rc == "13"


@pytest.mark.parametrize("kind", [UPKEEP, GIFT])
def test_a_blocked_account_is_refused_unless_it_is_an_advice(kernel, kind):
    member = account(kernel, (MONTH - 1, 5), status=1)
    assert run(kernel, table(BASE), member, kind, points_wanted=5).rc == "78"
    assert run(kernel, table(BASE), member, kind, points_wanted=5, advice=True).rc == "00"


@pytest.mark.parametrize("kind", [UPKEEP, GIFT])
@pytest.mark.parametrize("undoing", [REFUND, REVERSAL])
def test_neither_can_be_undone(kernel, kind, undoing):
    member = account(kernel)
    decision = run(kernel, table(BASE), member, GIFT, points_wanted=50)
    named = original(kernel, kind, 0, decision)
    assert run(kernel, table(BASE), member, undoing, currency=364, original=named).rc == "12"
