"""Holds, quotes and pending points worked out by hand, for the compiled kernel and its reference alike."""

from types import ModuleType

import pytest

from cext import _kernel
from cext.programme_table import NO_CAP, Effect
from cext.reference import kernel as reference
from tests.cext.kernel_cases import (
    BASE,
    MONTH,
    NOW,
    TODAY,
    account,
    legs_of,
    original,
    pack_reserves,
    request,
    rule,
    state_of,
    table,
    unpack_reserves,
    whole_table,
)
from tests.cext.kernel_strategies import (
    CREDIT_PURCHASE,
    EVENT,
    HOLD,
    INQUIRY,
    PURCHASE,
    QUOTE,
    REDEMPTION,
    REFUND,
    REVERSAL,
)

KEY = 101_120_000_000_001
UNTIL = NOW + 900
PENDING = {"pending": 14}
WINDOW = TODAY + 13
"""The last day on which what is earned today may not be spent."""


@pytest.fixture(params=[_kernel, reference], ids=["compiled", "reference"])
def kernel(request: pytest.FixtureRequest) -> ModuleType:
    return request.param


def run(kernel, programme, member, kind, amount, **changes):
    return kernel.decide(kernel.Programme(programme), member, request(kernel, kind, amount, **changes))


def hold(kernel, member, amount=10_000, **changes):
    return run(kernel, table(), member, HOLD, amount, **{"hold_key": KEY, "hold_until": UNTIL} | changes)


def held(kernel, decision):
    return original(kernel, HOLD, 10_000, decision)


def test_a_hold_keeps_back_what_the_amount_comes_to(kernel):
    member = account(kernel, (MONTH, 120))
    decision = hold(kernel, member, 10_050)
    assert (decision.rc, decision.changed, decision.points_balance, decision.points_held) == ("00", True, 120, 100)
    assert unpack_reserves(member.reserves) == [(KEY, UNTIL, 100, 0)]
    assert decision.reserves_moved == member.reserves
    assert (member.points, decision.lots_moved) == (120, b"")


@pytest.mark.parametrize(
    ("wanted", "rc", "kept"),
    [
        ({"points_wanted": 30}, "00", (30, 0)),
        ({"points_wanted": 50}, "00", (50, 0)),
        ({"points_wanted": 51}, "51", None),
        ({"points_wanted": 0}, "13", None),
        ({"points_wanted": 0, "credit_wanted": 700}, "00", (0, 700)),
        ({"credit_wanted": 700}, "00", (0, 700)),
        ({"credit_wanted": 701}, "51", None),
        ({"points_wanted": 20, "credit_wanted": 5}, "00", (20, 5)),
        ({"amount": 99}, "13", None),
        ({"amount": 0, "points_wanted": 1}, "13", None),
        ({"points_wanted": 1, "currency": 840}, "12", None),
        ({"points_wanted": 1, "hold_key": 0}, "13", None),
        ({"points_wanted": 1, "hold_until": -1}, "13", None),
    ],
)
def test_what_a_hold_may_keep_back(kernel, wanted, rc, kept):
    member = account(kernel, (MONTH - 1, 900), (MONTH, 50), credit=700)
    before = state_of(member)
    decision = hold(kernel, member, **wanted)
    assert decision.rc == rc
    if kept is None:
        assert state_of(member) == before
    else:
        assert unpack_reserves(member.reserves) == [(KEY, UNTIL, *kept)]


def test_a_blocked_account_holds_nothing(kernel):
    assert hold(kernel, account(kernel, (MONTH, 500), status=1)).rc == "78"


def test_a_second_hold_of_the_same_points_is_too_much(kernel):
    member = account(kernel, (MONTH, 150))
    assert hold(kernel, member).rc == "00"
    refused = hold(kernel, member, hold_key=KEY + 1)
    assert (refused.rc, refused.points_balance, refused.points_held) == ("51", 150, 100)
    assert hold(kernel, member, 5_000, hold_key=KEY + 1).rc == "00"


def test_two_holds_of_one_key_stand_beside_each_other(kernel):
    """Two tills may use one key, which does not name the terminal."""
    member = account(kernel, (MONTH, 300))
    decisions = [hold(kernel, member) for _ in range(2)]
    assert unpack_reserves(member.reserves) == [(KEY, UNTIL, 100, 0), (KEY, UNTIL + 1, 100, 0)]
    run(kernel, table(), member, REVERSAL, 10_000, original=held(kernel, decisions[0]))
    assert unpack_reserves(member.reserves) == [(KEY, UNTIL + 1, 100, 0)]


def test_a_ninth_hold_is_over_the_limit(kernel):
    member = account(kernel, (MONTH, 1_000))
    for number in range(8):
        assert hold(kernel, member, 100, hold_key=KEY + number).rc == "00"
    assert hold(kernel, member, 100, hold_key=KEY + 8).rc == "65"
    # Whether there are enough points comes after that; one that is over makes room.
    assert hold(kernel, member, 200_000, hold_key=KEY + 8).rc == "65"
    assert hold(kernel, member, 100, hold_key=KEY + 8, now=UNTIL + 1, hold_until=UNTIL + 900).rc == "00"
    assert len(unpack_reserves(member.reserves)) == 1


@pytest.mark.parametrize(("now", "rc"), [(UNTIL, "51"), (UNTIL + 1, "00")])
def test_a_hold_is_over_when_its_second_has_passed(kernel, now, rc):
    member = account(kernel, (MONTH, 100))
    hold(kernel, member)
    spent = run(kernel, table(), member, REDEMPTION, 10_000, now=now)
    assert spent.rc == rc
    assert run(kernel, table(), member, INQUIRY, 0, now=now).points_held == (100 if rc == "51" else 0)


def test_the_purchase_that_names_a_hold_may_spend_it(kernel):
    member = account(kernel, (MONTH, 130))
    named = held(kernel, hold(kernel, member))
    refused = run(kernel, table(), member, REDEMPTION, 10_000, points_wanted=31)
    assert refused.rc == "51"
    bought = run(kernel, table(BASE), member, REDEMPTION, 110_000, points_wanted=120, original=named)
    assert (bought.rc, bought.points_redeemed, bought.points_held, member.reserves) == ("00", 120, 0, b"")
    assert unpack_reserves(bought.reserves_moved) == [(KEY, UNTIL, -100, 0)]


def test_a_hold_is_completed_once_whatever_was_used_of_it(kernel):
    member = account(kernel, (MONTH, 100), credit=1_000)
    named = held(kernel, hold(kernel, member, credit_wanted=400, points_wanted=60))
    assert run(kernel, table(), member, CREDIT_PURCHASE, 50, original=named).credit_spent == 50
    assert member.reserves == b""
    again = hold(kernel, member, 6_000, hold_key=KEY + 1)
    assert again.rc == "00"
    # The first one is gone: what is held by the second stays with it.
    second = run(kernel, table(), member, REDEMPTION, 10_000, points_wanted=50, original=named)
    assert second.rc == "51"
    assert run(kernel, table(), member, REDEMPTION, 10_000, original=named).points_redeemed == 40


def test_a_declined_completion_leaves_the_hold(kernel):
    member = account(kernel, (MONTH, 100))
    named = held(kernel, hold(kernel, member))
    before = state_of(member)
    assert run(kernel, table(), member, REDEMPTION, 20_000, points_wanted=101, original=named).rc == "51"
    assert state_of(member) == before


def test_a_reversal_releases_a_hold_and_a_second_one_finds_nothing(kernel):
    member = account(kernel, (MONTH - 1, 7), (MONTH, 100))
    before = state_of(member)
    named = held(kernel, hold(kernel, member))
    released = run(kernel, table(), member, REVERSAL, 10_000, original=named, replacement_amount=500)
    assert (released.rc, released.points_held, released.points_expired) == ("00", 0, 0)
    assert unpack_reserves(released.reserves_moved) == [(KEY, UNTIL, -100, 0)]
    assert state_of(member) == before
    again = run(kernel, table(), member, REVERSAL, 10_000, original=named)
    assert (again.rc, again.changed) == ("00", False)


def test_a_reversed_completion_gives_back_the_points_but_not_the_hold(kernel):
    member = account(kernel, (MONTH, 100))
    named = held(kernel, hold(kernel, member))
    bought = run(kernel, table(), member, REDEMPTION, 10_000, original=named)
    run(kernel, table(), member, REVERSAL, 10_000, original=original(kernel, REDEMPTION, 10_000, bought))
    assert (member.points, member.reserves) == (100, b"")


def test_a_hold_that_was_declined_completes_nothing(kernel):
    member = account(kernel, (MONTH, 100), reserves=pack_reserves((KEY, UNTIL, 100, 0)))
    declined = original(kernel, HOLD, 1, kernel.Decision("51"))
    assert run(kernel, table(), member, REDEMPTION, 10_000, original=declined).rc == "51"


def test_a_quote_is_what_the_purchase_would_be(kernel):
    programme = table(BASE, (Effect.CREDIT_RATE, 1, 10, NO_CAP), (Effect.DISCOUNT_RATE, 1, 4, NO_CAP), **PENDING)
    member = account(kernel, (MONTH - 1, 3), (MONTH, 50), credit=9, visits=4, spend=7)
    before = state_of(member)
    asked = {"points_wanted": 20}
    quoted = run(kernel, programme, member, QUOTE, 400_000, **asked)
    assert state_of(member) == before
    assert (quoted.discount, quoted.points_redeemed, quoted.to_pay) == (100_000, 20, 298_000)
    assert (quoted.points_earned, quoted.credit_granted, quoted.rule_list) == (2, 29_800, [0])
    # The balances are as they are, and nothing moves.
    assert (quoted.points_balance, quoted.credit_balance, quoted.changed) == (50, 9, False)
    assert (quoted.lots_moved, quoted.reserves_moved, quoted.points_expired, quoted.points_pending) == (b"", b"", 0, 0)
    bought = run(kernel, programme, member, PURCHASE, 400_000, **asked)
    same = ("rc", "points_earned", "points_redeemed", "credit_granted", "credit_spent", "discount", "to_pay", "rules")
    assert {name: legs_of(quoted)[name] for name in same} == {name: legs_of(bought)[name] for name in same}


@pytest.mark.parametrize(
    ("changes", "rc"), [({"currency": 840}, "12"), ({"amount": 0}, "13"), ({"points_wanted": 51}, "51")]
)
def test_a_quote_is_declined_as_the_purchase_would_be(kernel, changes, rc):
    member = account(kernel, (MONTH, 50))
    assert run(kernel, table(BASE), member, QUOTE, **{"amount": 10_000} | changes).rc == rc


def test_what_a_purchase_earns_is_pending_for_the_return_window(kernel):
    programme = table(BASE, **PENDING)
    member = account(kernel, (MONTH, 8))
    bought = run(kernel, programme, member, PURCHASE, 1_000_000)
    assert (bought.points_earned, bought.points_balance, bought.points_pending) == (10, 18, 10)
    assert unpack_reserves(bought.reserves_moved) == [(0, WINDOW, 10, 0)]
    run(kernel, programme, member, PURCHASE, 500_000)
    assert unpack_reserves(member.reserves) == [(0, WINDOW, 15, 0)]
    on_the_last_day = {"local_day": WINDOW}
    assert run(kernel, programme, member, REDEMPTION, 900, points_wanted=9, **on_the_last_day).rc == "51"
    assert run(kernel, programme, member, INQUIRY, 0, **on_the_last_day).points_pending == 15
    spent = run(kernel, programme, member, REDEMPTION, 2_300, local_day=WINDOW + 1)
    assert (spent.rc, spent.points_redeemed, member.reserves) == ("00", 23, b"")


def test_a_window_of_one_day_ends_with_the_day(kernel):
    member = account(kernel)
    run(kernel, table(BASE, pending=1), member, PURCHASE, 100_000)
    assert run(kernel, table(), member, REDEMPTION, 100).rc == "51"
    assert run(kernel, table(), member, REDEMPTION, 100, local_day=TODAY + 1).rc == "00"


def test_points_of_an_event_may_be_spent_at_once(kernel):
    programme = whole_table(
        [rule(effects=[(Effect.POINTS_FIXED, 50, 1, NO_CAP)], occasion=1)], header=(364, 100, 24, 0, 1, 1, 14)
    )
    member = account(kernel)
    assert run(kernel, programme, member, EVENT, 0, event=1).points_earned == 50
    assert member.reserves == b""


def test_a_refund_takes_back_what_is_pending_in_proportion(kernel):
    programme = table(BASE, **PENDING)
    member = account(kernel)
    run(kernel, programme, member, PURCHASE, 300_000)
    bought = run(kernel, programme, member, PURCHASE, 1_000_000)
    undone, left = [], []
    for part in (333_333, 333_333, 333_334):
        named = original(kernel, PURCHASE, 1_000_000, bought, *undone)
        undone.append((part, run(kernel, programme, member, REFUND, part, original=named)))
        left.append(unpack_reserves(member.reserves)[0][2])
    # Of 13 pending points 3 are another purchase's; the claw-back and the reserve go down together.
    assert left == [10, 7, 3]
    assert member.points == 3


def test_a_refund_after_the_window_leaves_the_reserves_alone(kernel):
    programme = table(BASE, **PENDING)
    member = account(kernel)
    bought = run(kernel, programme, member, PURCHASE, 1_000_000)
    later = {"local_day": WINDOW + 1}
    run(kernel, programme, member, PURCHASE, 200_000, **later)
    named = original(kernel, PURCHASE, 1_000_000, bought)
    assert run(kernel, programme, member, REFUND, 1_000_000, original=named, **later).points_earned == -10
    assert unpack_reserves(member.reserves) == [(0, WINDOW + 14, 2, 0)]


@pytest.mark.parametrize("direction", ["purchase", "refund"])
def test_a_full_reversal_restores_the_reserves(kernel, direction):
    programme = table(BASE, **PENDING)
    member = account(kernel)
    run(kernel, programme, member, PURCHASE, 300_000)
    before = state_of(member)
    bought = run(kernel, programme, member, PURCHASE, 1_000_000)
    if direction == "purchase":
        run(kernel, programme, member, REVERSAL, 1_000_000, original=original(kernel, PURCHASE, 1_000_000, bought))
        assert state_of(member) == before
        return
    before = state_of(member)
    refund = run(kernel, programme, member, REFUND, 700_000, original=original(kernel, PURCHASE, 1_000_000, bought))
    assert refund.points_pending == 6
    run(kernel, programme, member, REVERSAL, 700_000, original=original(kernel, REFUND, 700_000, refund))
    assert state_of(member) == before


def test_a_debt_is_paid_by_what_is_pending(kernel):
    """What pays a debt is no more there to be reserved."""
    member = account(kernel, (-1, -6))
    bought = run(kernel, table(BASE, deficit=True, **PENDING), member, PURCHASE, 1_000_000)
    assert (bought.points_balance, bought.points_pending) == (4, 4)


def test_a_lot_that_expires_while_pending_leaves_no_reserve_beyond_the_points(kernel):
    programme = table(BASE, expiry=1, pending=31)
    member = account(kernel)
    run(kernel, programme, member, PURCHASE, 1_000_000)
    later = {"local_month": MONTH + 2, "local_day": TODAY + 30}
    looked = run(kernel, programme, member, INQUIRY, 0, **later)
    assert (looked.points_balance, looked.points_pending) == (0, 0)
    bought = run(kernel, programme, member, PURCHASE, 300_000, **later)
    assert (bought.points_balance, bought.points_pending, bought.points_expired) == (3, 3, 10)
    assert sum(points for _, _, points, _ in unpack_reserves(member.reserves)) == 3


def test_credit_that_is_clawed_back_is_held_no_more(kernel):
    programme = table((Effect.CREDIT_AMOUNT, 100, 1, NO_CAP))
    member = account(kernel)
    bought = run(kernel, programme, member, PURCHASE, 1_000)
    assert hold(kernel, member, credit_wanted=100).rc == "00"
    undone = run(kernel, programme, member, REVERSAL, 1_000, original=original(kernel, PURCHASE, 1_000, bought))
    assert (undone.credit_granted, undone.credit_balance, undone.credit_held, member.reserves) == (-100, 0, 0, b"")
