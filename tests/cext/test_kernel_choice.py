"""Rewards that a till asks for: what they cost, what they give, when they are refused, and how they are undone."""

from types import ModuleType

import pytest

from cext import _kernel
from cext.programme_table import FACTS_MAX, NO_CAP, TARGET_FALSE, Effect, Fact, Lookup, Opcode, Period
from cext.reference import kernel as reference
from tests.cext.kernel_cases import (
    BASE,
    MONTH,
    account,
    original,
    request,
    rule,
    state_of,
    unpack,
    whole_table,
)

PURCHASE, REDEMPTION, CREDIT_PURCHASE, REFUND, REVERSAL, INQUIRY, EVENT = range(1, 8)
LIP, BAG, HALF = 1, 2, 3
USES = 9


def chosen(number: int, *more: tuple[int, int, int, int]) -> list[tuple[int, int, int, int]]:
    return [(Opcode.FACT_EQ, Fact.REWARD, number, TARGET_FALSE), *more]


def price(points: int) -> tuple[int, int, int, int]:
    return (Effect.PRICE, points, 1, NO_CAP)


CATALOGUE = whole_table(
    [
        rule(effects=[BASE, (Effect.DISCOUNT_RATE, 1, 2, NO_CAP)]),
        rule(
            chosen(LIP, (Opcode.FACT_GE, FACTS_MAX, 1, TARGET_FALSE)),
            [(Effect.FREE_ITEM, 0, 1, NO_CAP), price(500)],
        ),
        rule(chosen(BAG, (Opcode.FACT_GE, Fact.TIER, 1, TARGET_FALSE)), [price(100)], limits=[(USES, Period.YEAR, 1)]),
        rule(chosen(HALF), [(Effect.DISCOUNT_RATE, 1, 1, NO_CAP), price(0)]),
    ],
    # All discounts together are at most three tenths: what is bought for points comes on top.
    header=(364, 100, 24, 0, 3, 10),
    lookups=[(Lookup.QUANTITY, 0, 0)],
)
BASKET = {"quantities": (1,), "free_prices": (40_000,), "has_basket": True}


@pytest.fixture(params=[_kernel, reference], ids=["compiled", "reference"])
def kernel(request: pytest.FixtureRequest) -> ModuleType:
    return request.param


def member(kernel, *lots, **more):
    return account(kernel, *(lots or [(MONTH + 3, 300), (MONTH + 9, 400)]), **more)


def buy(kernel, mine, reward, kind=PURCHASE, amount=100_000, table=CATALOGUE, **more):
    return kernel.decide(kernel.Programme(table), mine, request(kernel, kind, amount, reward=reward, **more))


def test_the_price_is_taken_and_the_thing_is_free(kernel):
    mine = member(kernel)
    decision = buy(kernel, mine, LIP, **BASKET)
    assert decision.rc == "00"
    # Three tenths for everybody, and the whole lipstick.
    assert (decision.discount, decision.to_pay) == (30_000 + 40_000, 30_000)
    assert decision.points_redeemed == 500
    assert mine.points == 700 - 500 + decision.points_earned
    assert unpack(decision.lots_moved)[:2] == [(MONTH + 3, -300), (MONTH + 9, -200)]
    assert decision.rule_list == [0, 1]


def test_nothing_is_taken_off_beyond_the_amount(kernel):
    decision = buy(kernel, member(kernel), LIP, amount=50_000, **BASKET)
    assert (decision.discount, decision.to_pay) == (50_000, 0)
    assert buy(kernel, member(kernel), HALF).to_pay == 0


@pytest.mark.parametrize(
    ("reward", "lots", "more", "rc"),
    [
        (LIP, [(MONTH, 499)], BASKET, "51"),
        (LIP, [(MONTH - 1, 900)], BASKET, "51"),
        (LIP, [(MONTH, 900)], BASKET | {"quantities": (0,)}, "05"),
        (LIP, [(MONTH, 900)], {}, "05"),
        (BAG, [(MONTH, 900)], {}, "05"),
        (-1, [(MONTH, 900)], {}, "05"),
        (77, [(MONTH, 900)], {}, "05"),
        # 51 comes before 05.
        (BAG, [(MONTH, 10)], {"points_wanted": 11}, "51"),
    ],
)
def test_what_cannot_be_had_refuses_the_purchase(kernel, reward, lots, more, rc):
    mine = member(kernel, *lots)
    before = state_of(mine)
    decision = buy(kernel, mine, reward, **more)
    assert (decision.rc, decision.changed, decision.to_pay) == (rc, False, 100_000)
    assert state_of(mine) == before


def test_a_limit_that_is_reached_is_another_refusal(kernel):
    mine = member(kernel, (MONTH, 150), tier=1)
    assert buy(kernel, mine, BAG).rc == "00"
    # 65 comes before 51: there are 51 points left, and the bag costs 100.
    assert buy(kernel, mine, BAG).rc == "65"
    assert buy(kernel, mine, BAG, local_month=MONTH + 12).rc == "51"


def test_points_that_pay_come_beside_the_price(kernel):
    table = whole_table([rule(chosen(LIP), [price(500)])])
    mine = member(kernel)
    decision = buy(kernel, mine, LIP, REDEMPTION, table=table)
    # 200 points are left to pay with: 20,000 of 100,000.
    assert (decision.points_redeemed, decision.to_pay, mine.points) == (700, 80_000, 0)
    assert buy(kernel, member(kernel), LIP, REDEMPTION, table=table, points_wanted=201).rc == "51"
    assert buy(kernel, member(kernel, (MONTH, 500)), LIP, REDEMPTION, table=table).rc == "51"


def test_an_advice_takes_what_points_there_are(kernel):
    mine = member(kernel, (MONTH, 120))
    decision = buy(kernel, mine, LIP, advice=True, **BASKET)
    assert (decision.rc, decision.points_redeemed, decision.discount) == ("00", 120, 70_000)
    refused = buy(kernel, member(kernel), -1, advice=True)
    assert (refused.rc, refused.points_redeemed, refused.rule_list) == ("00", 0, [0])


def test_an_event_pays_its_price_too(kernel):
    table = whole_table([rule(effects=[price(500), (Effect.CREDIT_AMOUNT, 9, 1, NO_CAP)], occasion=1)])
    mine = member(kernel)
    decision = buy(kernel, mine, 0, EVENT, 0, table=table, event=1, points_wanted=900)
    assert (decision.rc, decision.points_redeemed, decision.to_pay, mine.points) == ("00", 500, 0, 200)
    assert buy(kernel, mine, 0, EVENT, 0, table=table, event=1).rc == "51"


def test_a_price_beyond_all_bounds_is_declined(kernel):
    table = whole_table([rule(effects=[price(10**12 - 1)] * 1_002)])
    rich = member(kernel, (MONTH, 5 * 10**15), (MONTH + 1, 5 * 10**15))
    assert buy(kernel, rich, 0, table=table).rc == "13"


def undone(kernel, mine, kind, amount, decision, *before, **more):
    named = original(kernel, PURCHASE, 100_000, decision, *before)
    return kernel.decide(kernel.Programme(CATALOGUE), mine, request(kernel, kind, amount, original=named, **more))


def test_refunds_give_the_price_back_in_proportion_and_into_its_lots(kernel):
    mine = member(kernel)
    start = mine.lot_list
    bought = buy(kernel, mine, LIP, **BASKET)
    first = undone(kernel, mine, REFUND, 30_001, bought)
    # 500 × 0.30001 is 150, and what was taken last comes back first.
    assert (first.points_redeemed, unpack(first.lots_moved)) == (-150, [(MONTH + 9, 150)])
    rest = undone(kernel, mine, REFUND, 69_999, bought, (30_001, first))
    assert rest.points_redeemed == -350
    assert unpack(rest.lots_moved) == [(MONTH + 3, 300), (MONTH + 9, 50)]
    assert mine.lot_list == start


def test_a_reversal_gives_the_price_and_the_use_back(kernel):
    mine = member(kernel, tier=1)
    start = mine.lot_list
    bought = buy(kernel, mine, BAG)
    assert mine.counters
    undone(kernel, mine, REVERSAL, 100_000, bought)
    assert (mine.lot_list, mine.counters) == (start, b"")
    assert buy(kernel, mine, BAG).rc == "00"


def test_a_price_whose_lot_has_lapsed_comes_back_and_goes(kernel):
    mine = member(kernel)
    bought = buy(kernel, mine, LIP, **BASKET)
    late = undone(kernel, mine, REVERSAL, 100_000, bought, local_month=MONTH + 4)
    assert (late.points_redeemed, late.points_expired) == (-500, 300)
    assert mine.lot_list == [(MONTH + 9, 400)]
