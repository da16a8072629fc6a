"""Refunds and reversals worked out by hand, for the compiled kernel and its reference alike."""

from types import ModuleType

import pytest

from cext import _kernel
from cext.programme_table import NO_CAP, Effect
from cext.reference import kernel as reference
from tests.cext.kernel_cases import (
    BASE,
    EARN_MONTH,
    MONTH,
    account,
    original,
    pack,
    request,
    state_of,
    table,
    unpack,
)

PURCHASE, REDEMPTION, CREDIT_PURCHASE, REFUND, REVERSAL, INQUIRY = range(1, 7)


@pytest.fixture(params=[_kernel, reference], ids=["compiled", "reference"])
def kernel(request: pytest.FixtureRequest) -> ModuleType:
    return request.param


def run(kernel, programme, member, kind, amount, **changes):
    return kernel.decide(kernel.Programme(programme), member, request(kernel, kind, amount, **changes))


def buy(kernel, programme, member, amount, kind=PURCHASE, **changes):
    decision = run(kernel, programme, member, kind, amount, **changes)
    assert decision.rc == "00"
    return decision


def test_partial_refunds_add_up_to_the_whole(kernel):
    programme = table(BASE, (Effect.CREDIT_RATE, 1, 10, NO_CAP), (Effect.DISCOUNT_RATE, 1, 7, NO_CAP))
    member = account(kernel, (MONTH, 1_000), (MONTH + 9, 500), credit=33)
    before = state_of(member)
    bought = buy(kernel, programme, member, 1_000_001, kind=REDEMPTION, points_wanted=1_300)
    done = []
    for part in (1, 333_333, 333_333, 333_333, 1):
        named = original(kernel, REDEMPTION, 1_000_001, bought, *done)
        done.append((part, run(kernel, programme, member, REFUND, part, original=named)))
        assert done[-1][1].rc == "00"
    for leg in ("points_earned", "points_redeemed", "credit_granted", "credit_spent", "discount"):
        assert sum(getattr(refund, leg) for _, refund in done) == -getattr(bought, leg)
    assert sum(refund.to_pay for _, refund in done) == bought.to_pay
    assert (member.points, member.credit, member.lots) == (before["points"], before["credit"], before["lots"])
    assert (member.visits, member.spend) == (1, 0)


def test_a_third_gives_a_third_and_what_was_taken_last_comes_back_first(kernel):
    member = account(kernel, (MONTH, 100), (MONTH + 5, 200))
    bought = buy(kernel, table(BASE), member, 320_000, kind=REDEMPTION, points_wanted=200)
    assert (bought.to_pay, bought.points_earned) == (300_000, 3)
    refund = run(
        kernel,
        table(BASE),
        member,
        REFUND,
        106_667,
        original=original(kernel, REDEMPTION, 320_000, bought),
    )
    # 106,667 / 320,000: 66.7 points back, 1.0 clawed back, 100,000.3 in money.
    assert (refund.points_redeemed, refund.points_earned, refund.to_pay) == (-66, -1, 100_000)
    assert unpack(refund.lots_moved) == [(MONTH + 5, 66), (EARN_MONTH, -1)]
    assert refund.points_balance == member.points == 300 - 200 + 3 + 66 - 1


def test_lots_that_lapsed_meanwhile_come_back_and_expire_at_once(kernel):
    member = account(kernel, (MONTH, 100))
    bought = buy(kernel, table(), member, 10_000, kind=REDEMPTION)
    named = original(kernel, REDEMPTION, 10_000, bought)
    refund = run(kernel, table(), member, REFUND, 10_000, original=named, local_month=MONTH + 1)
    assert (refund.points_redeemed, refund.points_expired, refund.points_balance) == (-100, 100, 0)
    assert unpack(refund.lots_moved) == [(MONTH, -100), (MONTH, 100)]
    assert member.lot_list == []


def test_claw_back_takes_the_lot_earned_first_then_what_expires_first(kernel):
    member = account(kernel, (MONTH, 4), (MONTH + 1, 5))
    bought = buy(kernel, table(BASE), member, 1_000_000)
    assert member.lot_list == [(MONTH, 4), (MONTH + 1, 5), (EARN_MONTH, 10)]
    buy(kernel, table(), member, 1_200, kind=REDEMPTION, points_wanted=12)
    assert member.lot_list == [(EARN_MONTH, 7)]
    member.lots = pack((MONTH + 1, 5), (EARN_MONTH, 7))
    member.points = 12
    refund = run(kernel, table(BASE), member, REFUND, 1_000_000, original=original(kernel, PURCHASE, 1_000_000, bought))
    assert unpack(refund.lots_moved) == [(MONTH + 1, -3), (EARN_MONTH, -7)]
    assert member.lot_list == [(MONTH + 1, 2)]


@pytest.mark.parametrize(("deficit", "clawed", "lots"), [(False, 4, []), (True, 10, [(-1, -6)])])
def test_points_that_are_spent_already_are_owed_or_let_go(kernel, deficit, clawed, lots):
    member = account(kernel)
    bought = buy(kernel, table(BASE), member, 1_000_000)
    buy(kernel, table(), member, 600, kind=REDEMPTION, points_wanted=6)
    named = original(kernel, PURCHASE, 1_000_000, bought)
    refund = run(kernel, table(BASE, deficit=deficit), member, REFUND, 1_000_000, original=named)
    assert (refund.rc, refund.points_earned, member.lot_list) == ("00", -clawed, lots)
    assert refund.points_balance == member.points == 4 - clawed


@pytest.mark.parametrize(("deficit", "clawed"), [(False, 30), (True, 100)])
def test_credit_that_is_spent_already_is_owed_or_let_go(kernel, deficit, clawed):
    programme = table((Effect.CREDIT_AMOUNT, 100, 1, NO_CAP), deficit=deficit)
    member = account(kernel)
    bought = buy(kernel, programme, member, 1_000)
    member.credit = 30
    named = original(kernel, PURCHASE, 1_000, bought)
    refund = run(kernel, programme, member, REFUND, 1_000, original=named)
    assert (refund.credit_granted, refund.credit_balance) == (-clawed, 30 - clawed)


@pytest.mark.parametrize(
    ("kind", "changes", "amount", "rc"),
    [
        (PURCHASE, {}, 1_001, "13"),
        (PURCHASE, {"refunded_amount": 600}, 401, "13"),
        (PURCHASE, {"refunded_amount": 600}, 400, "00"),
        (PURCHASE, {"refunded_amount": 1_001}, 1, "13"),
        (PURCHASE, {"rc_approved": False}, 1_000, "12"),
        (PURCHASE, {"reversed": True}, 1_000, "12"),
        (REFUND, {}, 1_000, "12"),
        (REVERSAL, {}, 1_000, "12"),
        (INQUIRY, {}, 1_000, "12"),
        (PURCHASE, {"points_redeemed": -1}, 1_000, "13"),
        (PURCHASE, {"points_earned": 2**63 - 1}, 1_000, "13"),
    ],
)
def test_refunds_that_do_not_fit_their_original(kernel, kind, changes, amount, rc):
    member = account(kernel)
    before = state_of(member)
    named = original(kernel, kind, 1_000, kernel.Decision("00", to_pay=1_000), **changes)
    decision = run(kernel, table(), member, REFUND, amount, original=named)
    assert decision.rc == rc
    assert state_of(member) == before


@pytest.mark.parametrize("lots", [[], [(-1, -3)], [(MONTH, 7), (EARN_MONTH, 9)]])
@pytest.mark.parametrize(("kind", "wanted"), [(PURCHASE, -1), (REDEMPTION, 8)])
def test_a_reversed_purchase_leaves_no_trace(kernel, lots, kind, wanted):
    if kind == REDEMPTION and len(lots) != 2:
        lots = [(MONTH, 100)]
    programme = table(BASE, (Effect.CREDIT_RATE, 1, 10, NO_CAP), deficit=True)
    member = account(kernel, *lots, credit=12)
    before = state_of(member)
    bought = buy(kernel, programme, member, 700_000, kind=kind, points_wanted=wanted)
    undone = run(kernel, programme, member, REVERSAL, 700_000, original=original(kernel, kind, 700_000, bought))
    assert undone.rc == "00"
    assert undone.to_pay == bought.to_pay
    assert state_of(member) == before


def test_a_reversal_takes_back_what_refunds_left(kernel):
    member = account(kernel, (MONTH, 100))
    before = member.lots
    bought = buy(kernel, table(BASE), member, 500_000, kind=REDEMPTION)
    refund = run(kernel, table(BASE), member, REFUND, 200_001, original=original(kernel, REDEMPTION, 500_000, bought))
    named = original(kernel, REDEMPTION, 500_000, bought, (200_001, refund))
    undone = run(kernel, table(BASE), member, REVERSAL, 500_000, original=named)
    assert refund.points_redeemed + undone.points_redeemed == -100
    assert refund.to_pay + undone.to_pay == bought.to_pay
    assert member.lots == before
    assert (member.visits, member.spend) == (0, 0)


def test_a_reversed_refund_restores_the_purchase(kernel):
    member = account(kernel, (MONTH, 40), (MONTH + 2, 60), visits=5, first_visit=1, last_visit=9, spend=44)
    bought = buy(kernel, table(BASE), member, 500_000, kind=REDEMPTION, points_wanted=90)
    after_purchase = state_of(member)
    refund = run(kernel, table(BASE), member, REFUND, 300_000, original=original(kernel, REDEMPTION, 500_000, bought))
    undone = run(kernel, table(BASE), member, REVERSAL, 300_000, original=original(kernel, REFUND, 300_000, refund))
    assert (undone.points_earned, undone.points_redeemed) == (-refund.points_earned, -refund.points_redeemed)
    assert state_of(member) == after_purchase


def test_a_reversed_refund_restores_a_deficit_free_lot(kernel):
    programme = table(BASE, deficit=True)
    member = account(kernel)
    bought = buy(kernel, programme, member, 500_000)
    buy(kernel, table(), member, 200, kind=REDEMPTION, points_wanted=2)
    before = state_of(member)
    refund = run(kernel, programme, member, REFUND, 500_000, original=original(kernel, PURCHASE, 500_000, bought))
    assert member.lot_list == [(-1, -2)]
    run(kernel, programme, member, REVERSAL, 500_000, original=original(kernel, REFUND, 500_000, refund))
    assert state_of(member) == before


def test_a_reversed_refund_does_not_take_again_what_expired_with_it(kernel):
    member = account(kernel, (MONTH, 100), (MONTH + 9, 50))
    bought = buy(kernel, table(), member, 10_000, kind=REDEMPTION, points_wanted=100)
    refund = run(
        kernel,
        table(),
        member,
        REFUND,
        10_000,
        original=original(kernel, REDEMPTION, 10_000, bought),
        local_month=MONTH + 1,
    )
    undone = run(
        kernel,
        table(),
        member,
        REVERSAL,
        10_000,
        original=original(kernel, REFUND, 10_000, refund),
        local_month=MONTH + 1,
    )
    assert (undone.points_redeemed, undone.points_expired) == (100, -100)
    assert member.lot_list == [(MONTH + 9, 50)]
    assert member.points == 50


def test_a_partial_reversal_leaves_what_really_happened(kernel):
    member = account(kernel)
    bought = buy(kernel, table(BASE), member, 1_000_000)
    named = original(kernel, PURCHASE, 1_000_000, bought)
    undone = run(kernel, table(BASE), member, REVERSAL, 1_000_000, original=named, replacement_amount=750_000)
    # 2.5 points of 10 are to go; they round down.
    assert (undone.rc, undone.points_earned, undone.to_pay, member.points) == ("00", -2, 250_000, 8)
    assert (member.visits, member.spend) == (1, 750_000)


def test_a_reversal_of_a_blocked_account_is_done(kernel):
    member = account(kernel)
    bought = buy(kernel, table(BASE), member, 1_000_000)
    member.status = 1
    named = original(kernel, PURCHASE, 1_000_000, bought)
    assert run(kernel, table(BASE), member, REVERSAL, 1_000_000, original=named, currency=1).rc == "00"
    assert member.points == 0


@pytest.mark.parametrize(
    ("named", "replacement", "rc"),
    [
        (None, -1, "00"),
        ({"rc_approved": False}, -1, "00"),
        ({"rc_approved": False, "kind": 103}, -1, "00"),
        ({"rc_approved": False, "kind": 0}, -1, "00"),
        ({"rc_approved": False, "reversed": True}, -1, "12"),
        ({"kind": INQUIRY}, -1, "00"),
        ({"kind": REVERSAL}, -1, "12"),
        ({"kind": 0}, -1, "12"),
        ({"kind": 99}, -1, "12"),
        ({"reversed": True}, -1, "12"),
        ({}, 1_001, "13"),
        ({"refunded_amount": 500}, 501, "13"),
    ],
)
def test_reversals_without_effect(kernel, named, replacement, rc):
    member = account(kernel, (MONTH - 1, 5))
    before = state_of(member)
    if named is not None:
        bought = kernel.Decision("00", points_earned=5, to_pay=1_000)
        named = original(kernel, PURCHASE, 1_000, bought, **named)
    decision = run(kernel, table(), member, REVERSAL, 1_000, original=named, replacement_amount=replacement)
    assert (decision.rc, decision.changed, decision.points_balance) == (rc, False, 0)
    assert state_of(member) == before


def test_a_partial_reversal_after_a_refund_leaves_what_really_happened(kernel):
    member = account(kernel)
    bought = buy(kernel, table(BASE), member, 1_000_000)
    refund = run(kernel, table(BASE), member, REFUND, 200_000, original=original(kernel, PURCHASE, 1_000_000, bought))
    named = original(kernel, PURCHASE, 1_000_000, bought, (200_000, refund))
    undone = run(kernel, table(BASE), member, REVERSAL, 1_000_000, original=named, replacement_amount=700_000)
    assert (undone.points_earned, undone.to_pay) == (-1, 100_000)
    assert (member.points, member.spend) == (7, 700_000)
