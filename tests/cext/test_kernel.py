"""Decisions worked out by hand, for the compiled kernel and its reference alike."""

from types import ModuleType

import pytest

from cext import _kernel
from cext.programme_table import AMOUNT_MAX, BALANCE_MAX, LOCAL_DAY_MAX, NO_CAP, Effect, Fact, Opcode
from cext.reference import kernel as reference
from tests.cext.kernel_cases import (
    BASE,
    DAY_S,
    EARN_MONTH,
    MONTH,
    NOW,
    account,
    legs_of,
    original,
    pack,
    request,
    rule,
    state_of,
    table,
    unpack,
    whole_table,
)

PURCHASE, REDEMPTION, CREDIT_PURCHASE, REFUND, REVERSAL, INQUIRY = range(1, 7)


@pytest.fixture(params=[_kernel, reference], ids=["compiled", "reference"])
def kernel(request: pytest.FixtureRequest) -> ModuleType:
    return request.param


def run(kernel, programme, member, kind, amount, **changes):
    return kernel.decide(kernel.Programme(programme), member, request(kernel, kind, amount, **changes))


def test_purchase_earns_a_point_for_each_whole_hundred_thousand(kernel):
    member = account(kernel)
    decision = run(kernel, table(BASE), member, PURCHASE, 550_000)
    assert legs_of(decision) == {
        "rc": "00",
        "points_earned": 5,
        "points_redeemed": 0,
        "points_expired": 0,
        "points_adjusted": 0,
        "credit_granted": 0,
        "credit_spent": 0,
        "discount": 0,
        "to_pay": 550_000,
        "points_balance": 5,
        "credit_balance": 0,
        "lots_moved": pack((EARN_MONTH, 5)),
        "rules": b"\x00\x00",
        "changed": True,
        "counters_moved": b"",
        "grants_moved": b"",
        "tier_after": 0,
        "reserves_moved": b"",
        "points_pending": 0,
        "points_held": 0,
        "credit_held": 0,
    }
    assert decision.rule_list == [0]
    assert state_of(member) == {
        "shard": 3,
        "id": 7,
        "version": 11,
        "programme": 1,
        "status": 0,
        "points": 5,
        "credit": 0,
        "visits": 1,
        "spend": 550_000,
        "first_visit": NOW,
        "last_visit": NOW,
        "tier": 0,
        "tier_points": 0,
        "enrolled_day": 19_000,
        "lots": pack((EARN_MONTH, 5)),
        "club": 0,
        "born": 0,
        "counters": b"",
        "grants": b"",
        "reserves": b"",
        "recent": b"",
        "tier_year": 0,
        "tier_kept": 0,
        "flags": 0,
    }
    assert member.lot_list == [(EARN_MONTH, 5)]


@pytest.mark.parametrize(("amount", "points"), [(1, 0), (99_999, 0), (100_000, 1), (AMOUNT_MAX, 9_999_999)])
def test_accrual_rounds_down(kernel, amount, points):
    assert run(kernel, table(BASE), account(kernel), PURCHASE, amount).points_earned == points


def test_a_late_advice_keeps_the_last_visit(kernel):
    member = account(kernel, visits=4, first_visit=NOW - 9, last_visit=NOW + 9)
    run(kernel, table(BASE), member, PURCHASE, 1_000, advice=True, now=NOW - 20)
    assert (member.first_visit, member.last_visit, member.visits) == (NOW - 20, NOW + 9, 5)


EFFECTS = [
    # effects, amount → discount, to_pay, points, credit
    ([(Effect.POINTS_FIXED, 50, 1, NO_CAP)], 1_000, 0, 1_000, 50, 0),
    ([(Effect.POINTS_PER, 3, 1_000, NO_CAP)], 2_999, 0, 2_999, 6, 0),
    ([(Effect.POINTS_PER, 3, 1_000, 5)], 2_999, 0, 2_999, 5, 0),
    # 11 points x 1.25 = 13.75, then the fixed 50 which nothing multiplies
    (
        [(Effect.POINTS_FIXED, 50, 1, NO_CAP), BASE, (Effect.MULTIPLY, 5, 4, NO_CAP)],
        1_100_000,
        0,
        1_100_000,
        63,
        0,
    ),
    # one after another, each rounded: 11 → 13 → 19
    (
        [BASE, (Effect.MULTIPLY, 5, 4, NO_CAP), (Effect.MULTIPLY, 3, 2, NO_CAP)],
        1_100_000,
        0,
        1_100_000,
        19,
        0,
    ),
    # the cap of a multiplier bounds what it adds
    ([BASE, (Effect.MULTIPLY, 3, 1, 4)], 1_000_000, 0, 1_000_000, 14, 0),
    ([BASE, (Effect.MULTIPLY, 1, 2, 4)], 1_000_000, 0, 1_000_000, 5, 0),
    ([BASE, (Effect.DISCOUNT_RATE, 1, 5, NO_CAP)], 1_000_004, 200_000, 800_004, 8, 0),
    ([BASE, (Effect.DISCOUNT_RATE, 1, 5, 150_000)], 1_000_000, 150_000, 850_000, 8, 0),
    ([BASE, (Effect.DISCOUNT_AMOUNT, 700, 1, NO_CAP)], 500, 500, 0, 0, 0),
    ([(Effect.DISCOUNT_RATE, 3, 5, NO_CAP), (Effect.DISCOUNT_RATE, 1, 2, NO_CAP)], 1_000, 1_000, 0, 0, 0),
    # credit is a share of what is really paid: 20 % of 90 %
    (
        [(Effect.CREDIT_RATE, 1, 5, NO_CAP), (Effect.DISCOUNT_RATE, 1, 10, NO_CAP)],
        1_001,
        100,
        901,
        0,
        180,
    ),
    ([(Effect.CREDIT_RATE, 1, 5, 100), (Effect.CREDIT_AMOUNT, 7, 1, NO_CAP)], 1_000, 0, 1_000, 0, 107),
]


@pytest.mark.parametrize(("effects", "amount", "discount", "to_pay", "points", "credit"), EFFECTS)
def test_effects(kernel, effects, amount, discount, to_pay, points, credit):
    member = account(kernel, credit=1)
    decision = run(kernel, table(*effects), member, PURCHASE, amount)
    assert (decision.discount, decision.to_pay, decision.points_earned, decision.credit_granted) == (
        discount,
        to_pay,
        points,
        credit,
    )
    assert decision.credit_balance == member.credit == 1 + credit


def test_an_exclusive_group_fires_its_first_rule_only(kernel):
    code = [(Opcode.FACT_GT, Fact.AMOUNT, 5_000, -1)]
    programme = whole_table(
        [
            rule(condition, [(Effect.POINTS_FIXED, points, 1, NO_CAP)], group=group)
            for condition, points, group in ((code, 1, 1), ([], 10, 1), ([], 100, 2), ([], 1_000, 1))
        ]
    )
    small = run(kernel, programme, account(kernel), PURCHASE, 5_000)
    large = run(kernel, programme, account(kernel), PURCHASE, 5_001)
    assert (small.rule_list, small.points_earned) == ([1, 2], 110)
    assert (large.rule_list, large.points_earned) == ([0, 2], 101)


def test_a_lot_is_good_through_its_month_and_lapses_at_the_first_effect_after_it(kernel):
    member = account(kernel, (MONTH - 2, 4), (MONTH - 1, 3), (MONTH, 10))
    decision = run(kernel, table(BASE), member, PURCHASE, 100_000)
    assert (decision.points_expired, decision.points_earned, decision.points_balance) == (7, 1, 11)
    assert unpack(decision.lots_moved) == [(MONTH - 2, -4), (MONTH - 1, -3), (EARN_MONTH, 1)]
    assert member.lot_list == [(MONTH, 10), (EARN_MONTH, 1)]
    assert member.points == 11


def test_an_inquiry_does_not_count_what_has_lapsed_and_changes_nothing(kernel):
    member = account(kernel, (MONTH - 1, 3), (MONTH, 10), credit=77)
    before = state_of(member)
    decision = run(kernel, table(BASE), member, INQUIRY, 0, currency=0)
    assert legs_of(decision) == legs_of(kernel.Decision("00", points_balance=10, credit_balance=77))
    assert state_of(member) == before


def test_a_deficit_is_paid_before_anything_is_earned(kernel):
    member = account(kernel, (-1, -3))
    decision = run(kernel, table(BASE), member, PURCHASE, 500_000)
    assert (decision.points_earned, decision.points_balance) == (5, 2)
    assert unpack(decision.lots_moved) == [(-1, 3), (EARN_MONTH, 2)]
    assert member.lot_list == [(EARN_MONTH, 2)]


def test_part_of_a_deficit_stays(kernel):
    member = account(kernel, (-1, -7))
    decision = run(kernel, table(BASE), member, PURCHASE, 500_000)
    assert member.lot_list == [(-1, -2)]
    assert decision.points_balance == -2


def test_a_full_account_puts_points_beside_their_month(kernel):
    months = [MONTH + 2 * n for n in range(36)]
    member = account(kernel, *[(month, 1) for month in months])
    decision = run(kernel, table(BASE, expiry=25), member, PURCHASE, 100_000)
    assert unpack(decision.lots_moved) == [(MONTH + 24, 1)]
    assert len(member.lot_list) == 36


def test_redemption_takes_what_expires_first_and_earns_on_the_rest(kernel):
    member = account(kernel, (MONTH, 10), (MONTH + 3, 20), (EARN_MONTH, 2_000))
    decision = run(kernel, table(BASE), member, REDEMPTION, 350_050, points_wanted=1_500)
    # 1,500 points pay 150,000; the other 200,050 earn 2.
    assert (decision.rc, decision.points_redeemed, decision.to_pay, decision.points_earned) == (
        "00",
        1_500,
        200_050,
        2,
    )
    assert unpack(decision.lots_moved) == [
        (MONTH, -10),
        (MONTH + 3, -20),
        (EARN_MONTH, -1_470),
        (EARN_MONTH, 2),
    ]
    assert member.lot_list == [(EARN_MONTH, 532)]
    assert member.points == decision.points_balance == 532
    assert (member.visits, member.spend) == (1, 350_050)


REDEMPTIONS = [
    # spendable, amount, wanted, advice → rc, used
    (500, 20_000, -1, False, "00", 200),
    (500, 20_099, -1, False, "00", 200),
    (500, 90_000, -1, False, "00", 500),
    (500, 90_000, 30, False, "00", 30),
    (500, 1_000, 500, False, "00", 10),
    (500, 90_000, 501, False, "51", 0),
    (500, 90_000, 501, True, "00", 500),
    (0, 90_000, -1, False, "51", 0),
    (0, 90_000, -1, True, "00", 0),
    (500, 99, -1, False, "51", 0),
    (500, 90_000, 0, False, "51", 0),
]


@pytest.mark.parametrize(("spendable", "amount", "wanted", "advice", "rc", "used"), REDEMPTIONS)
def test_redemption(kernel, spendable, amount, wanted, advice, rc, used):
    lots = [(MONTH, spendable)] if spendable else []
    member = account(kernel, *lots)
    decision = run(kernel, table(), member, REDEMPTION, amount, points_wanted=wanted, advice=advice)
    assert (decision.rc, decision.points_redeemed, decision.to_pay) == (rc, used, amount - 100 * used)
    assert member.points == decision.points_balance == spendable - used


def test_lapsed_points_cannot_be_spent(kernel):
    member = account(kernel, (MONTH - 1, 500))
    decision = run(kernel, table(), member, REDEMPTION, 1_000)
    assert (decision.rc, decision.points_balance, member.points, member.lot_list) == (
        "51",
        0,
        500,
        [(MONTH - 1, 500)],
    )


@pytest.mark.parametrize(
    ("credit", "amount", "wanted", "advice", "rc", "spent"),
    [
        (500, 300, -1, False, "00", 300),
        (500, 700, -1, False, "00", 500),
        (500, 700, 90, False, "00", 90),
        (500, 700, 501, False, "51", 0),
        (500, 700, 501, True, "00", 500),
        (0, 700, -1, False, "51", 0),
        (-5, 700, -1, True, "00", 0),
    ],
)
def test_credit_purchase(kernel, credit, amount, wanted, advice, rc, spent):
    member = account(kernel, credit=credit)
    decision = run(kernel, table(), member, CREDIT_PURCHASE, amount, credit_wanted=wanted, advice=advice)
    assert (decision.rc, decision.credit_spent, decision.to_pay) == (rc, spent, amount - spent)
    assert member.credit == decision.credit_balance == credit - spent


def test_a_purchase_may_ask_for_points_and_credit_in_that_order(kernel):
    member = account(kernel, (MONTH, 5), credit=700)
    programme = table((Effect.DISCOUNT_AMOUNT, 100, 1, NO_CAP), (Effect.POINTS_PER, 1, 1, NO_CAP))
    decision = run(kernel, programme, member, PURCHASE, 1_000, points_wanted=5, credit_wanted=600)
    # 1,000 - 100 discount - 500 by points = 400, of which credit pays all.
    assert (decision.discount, decision.points_redeemed, decision.credit_spent, decision.to_pay) == (
        100,
        5,
        400,
        0,
    )
    assert decision.points_earned == 0


DECLINES = [
    # what is wrong → rc, in wire.md's order of precedence
    ({"kind": 12}, {}, "12"),
    ({"kind": 0}, {}, "12"),
    ({"currency": 840}, {}, "12"),
    ({"currency": 840, "amount": 0}, {"status": 1}, "12"),
    ({"amount": 0}, {"status": 1}, "78"),
    ({}, {"status": 2}, "78"),
    ({"kind": INQUIRY}, {"status": 1}, "78"),
    ({"amount": 0}, {}, "13"),
    ({"amount": -1}, {}, "13"),
    ({"amount": AMOUNT_MAX + 1}, {}, "13"),
    ({"kind": REFUND, "amount": 0}, {}, "13"),
    ({"kind": REFUND}, {}, "25"),
    ({"kind": REFUND}, {"status": 1}, "78"),
    ({"kind": REDEMPTION}, {}, "51"),
    ({"local_month": -1}, {}, "13"),
    ({"local_day": -1}, {}, "13"),
    ({"local_day": LOCAL_DAY_MAX + 1}, {}, "13"),
    ({}, {"tier_points": 2**62}, "13"),
    ({"now": 2**62}, {}, "13"),
    ({}, {"points": 2**62}, "13"),
    ({}, {"spend": BALANCE_MAX}, "13"),
]


@pytest.mark.parametrize(("asked", "has", "rc"), DECLINES)
def test_a_decline_has_its_code_and_moves_nothing(kernel, asked, has, rc):
    member = (
        account(kernel, (MONTH - 1, 5), credit=9, **({"points": 5} | has))
        if "kind" not in asked
        else account(kernel, credit=9, **has)
    )
    before = state_of(member)
    fields = {"kind": PURCHASE, "amount": 1_000} | asked
    decision = run(kernel, table(BASE), member, **fields)
    assert decision.rc == rc
    assert state_of(member) == before
    expected = kernel.Decision(rc, to_pay=fields["amount"], points_balance=decision.points_balance, credit_balance=9)
    assert legs_of(decision) == legs_of(expected)


@pytest.mark.parametrize("status", [1, 2])
def test_an_advice_is_accepted_for_a_blocked_account(kernel, status):
    decision = run(kernel, table(BASE), account(kernel, status=status), PURCHASE, 100_000, advice=True)
    assert (decision.rc, decision.points_earned) == ("00", 1)


@pytest.mark.parametrize(
    "lots",
    [
        b"\x01",
        b"\x00" * 11,
        pack((5, 1), (5, 1)),
        pack((6, 1), (5, 1)),
        pack((-2, 1)),
        pack((5, 0)),
        pack((5, -1)),
        pack((-1, 1)),
        pack(*[(month, 1) for month in range(37)]),
        pack(*[(month, 1) for month in range(500)]),
        pack((-1, -1), *[(month, 1) for month in range(37)]),
    ],
)
def test_lots_that_no_decision_leaves_are_refused(kernel, lots):
    with pytest.raises(ValueError, match="lot"):
        account(kernel, points=0, lots=lots)


def test_thirty_six_lots_and_a_deficit_are_kept_as_they_are(kernel):
    lots = pack((-1, -9), *[(month, 2**62) for month in range(36)])
    assert account(kernel, lots=lots).lots == lots


@pytest.mark.parametrize("name", ["shard", "points", "spend", "enrolled_day"])
def test_numbers_must_fit_64_bits(kernel, name):
    assert getattr(account(kernel, **{name: -(2**63)}), name) == -(2**63)
    with pytest.raises(OverflowError):
        account(kernel, **{name: 2**63})
    with pytest.raises(TypeError):
        account(kernel, **{name: "1"})


def test_a_copy_is_independent(kernel):
    member = account(kernel, (MONTH, 5), credit=4, visits=2, spend=9, first_visit=1, last_visit=2, tier=3)
    other = member.copy()
    assert state_of(other) == state_of(member)
    before = state_of(member)
    run(kernel, table(BASE), other, PURCHASE, 500_000)
    assert state_of(member) == before


def test_an_original_refuses_broken_moves(kernel):
    for changes in ({"lots_moved": b"1"}, {"refunded_lots": b"1"}, {"lots_moved": pack((1, 1)) * 161}):
        with pytest.raises(ValueError, match=r"10 bytes|at most"):
            original(kernel, PURCHASE, 1, kernel.Decision("00"), **changes)


def test_both_know_the_same_facts():
    assert _kernel.FACTS == reference.FACTS == tuple(fact.name.lower() for fact in Fact)
    assert [_kernel.PURCHASE, _kernel.REDEMPTION, _kernel.CREDIT_PURCHASE] == [1, 2, 3]
    assert [_kernel.REFUND, _kernel.REVERSAL, _kernel.INQUIRY, _kernel.EVENT] == [4, 5, 6, 7]


def test_days_are_whole_days(kernel):
    code = [(Opcode.REQUIRE, Fact.DAYS_SINCE_LAST, 0, -1), (Opcode.FACT_LT, Fact.DAYS_SINCE_LAST, 20, -1)]
    programme = whole_table([rule(code)])
    for ago, fires in ((20 * DAY_S - 1, True), (20 * DAY_S, False), (-5, True)):
        member = account(kernel, visits=1, last_visit=NOW - ago, first_visit=NOW - ago)
        assert (run(kernel, programme, member, PURCHASE, 1).rule_list == [0]) is fires
    assert run(kernel, programme, account(kernel), PURCHASE, 1).rule_list == []
