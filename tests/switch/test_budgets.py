"""Budgets in the lane over a store in memory: drawn by batches, given back, and never overdrawn."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cext.reference.counters import pack
from protocol.tlv import build
from switch.budgets import GIFTS_PER_SHARE, SHARES_MAX, Draw, Owed, Share, Shares, dealt_out
from switch.deciding import LiveProgramme, Programmes
from switch.programme import load
from tests.switch import fakes
from tests.switch.test_lane import LIMITS, House, make_house, message, original

PROGRAMME = (
    fakes.BAZAAR
    + """
  - id: gift
    then: {discount: 10%}
    budget: {amount: 1000000}
  - id: code
    when: coupon == "code"
    then: {credit: 1000}
    budget: {amount: 1000000}
coupons: [{id: code, kind: multi, uses: 9}]
rewards:
  - {code: MUG, points: 10, then: {discount: 500}, budget: {amount: 1000000}}
"""
)
LIVE = LiveProgramme(1, 1, load(PROGRAMME, ids=lambda _kind, _name: 1), frozenset({1}))
GIFT, CODE, MUG = (budget.slot for budget in LIVE.compiled.budgets)


def house_with(gift: int, code: int = 0, mug: int = 0) -> House:
    house = make_house(LIMITS, Programmes({1: LIVE}))
    house.store.budgets = {(1, GIFT, 0): gift, (1, CODE, 0): code, (1, MUG, 0): mug}
    return house


def discounts(house: House) -> list[int]:
    return sorted(row.entry.decision.discount for row in house.store.journal.values())


async def answered(house: House, count: int) -> list[tuple[str, str]]:
    if not house.store.calls["connect"]:
        house.lanes.start()
    replies = await house.heard(count)
    await house.lanes.stop()
    return sorted((str(reply.fields[39]), str(reply.fields.get(44, ""))) for reply in replies)


async def test_what_is_drawn_is_taken_from_the_share() -> None:
    house = house_with(120_000)
    pan = house.store.open_card(1)
    for stan in range(1, 5):
        house.send(message(pan, stan))
    assert await answered(house, 4) == [("00", "")] * 4
    assert discounts(house) == [0, 20_000, 50_000, 50_000]
    assert house.store.budgets[1, GIFT, 0] == 0
    assert (house.telemetry.counts["retried"], house.store.calls["lock"]) == (0, 0)


async def test_of_two_lanes_none_overdraws() -> None:
    house = house_with(120_000)
    house.store.held = asyncio.Event()
    for serial in range(8):
        house.send(message(house.store.open_card(serial), serial + 1))
    house.lanes.start()
    # Both lanes decide on the same share before either commits.
    while house.store.calls["commit"] < 2:
        await asyncio.sleep(0)
    house.store.held.set()
    assert await answered(house, 8) == [("00", "")] * 8
    assert (sum(discounts(house)), house.store.budgets[1, GIFT, 0]) == (120_000, 0)
    assert house.store.calls["held shares"] >= 1


async def test_a_batch_that_draws_nothing_holds_nothing() -> None:
    house = house_with(0)
    for serial in range(8):
        house.send(message(house.store.open_card(serial), serial + 1))
    assert await answered(house, 8) == [("00", "")] * 8
    assert (house.store.calls["lock"], house.store.calls["held shares"]) == (0, 0)
    assert discounts(house) == [0] * 8


@pytest.mark.parametrize("fault", ["stale", "lost_before", "lost_after"])
async def test_whatever_a_commit_meets_it_is_drawn_once(fault: str) -> None:
    house = house_with(120_000)
    house.store.faults["commit"] = [fault]
    house.send(message(house.store.open_card(1), 1))
    assert await answered(house, 1) == [("00", "")]
    assert house.store.budgets[1, GIFT, 0] == 70_000


async def test_what_others_drew_meanwhile_is_met_before_the_commit() -> None:
    house = house_with(120_000)
    pan = house.store.open_card(1)
    house.lanes.start()
    house.send(message(pan, 1))
    await house.heard(1)
    house.store.budgets[1, GIFT, 0] = 30_000
    house.send(message(pan, 2))
    await house.heard(2)
    await house.lanes.stop()
    assert discounts(house) == [30_000, 50_000]
    assert house.store.budgets[1, GIFT, 0] == 0
    assert house.telemetry.counts["retried"] == 1


async def test_what_others_gave_back_is_seen_within_a_second() -> None:
    house = house_with(50_000)
    pan = house.store.open_card(1)
    house.lanes.start()
    house.send(message(pan, 1))
    await house.heard(1)
    house.store.budgets[1, GIFT, 0] = 50_000
    house.send(message(pan, 2))
    await house.heard(2)
    house.clock[0] += 1.0
    house.send(message(pan, 3))
    await house.heard(3)
    await house.lanes.stop()
    assert discounts(house) == [0, 50_000, 50_000]


async def test_a_reversal_gives_back_once_and_the_next_one_has_it() -> None:
    house = house_with(50_000)
    pan = house.store.open_card(1)
    house.lanes.start()
    house.send(message(pan, 1))
    await house.heard(1)
    for stan in (2, 3):
        house.send(message(pan, stan, mti="0400", de90=original(1)))
        await house.heard(stan)
        assert house.store.budgets[1, GIFT, 0] == 50_000
    house.send(message(pan, 4))
    await house.heard(4)
    await house.lanes.stop()
    assert house.store.budgets[1, GIFT, 0] == 0


async def test_what_is_owed_beside_a_coupon_is_decided_once_more_under_fresh_locks() -> None:
    """A batch that shows coupons holds its shards from the first, but shares only when it turns out to owe."""
    house = house_with(50_000, code=1_000)
    house.store.open_coupon("7D4K0QXW", "code", left=5)
    ali, sara, reza = (house.store.open_card(serial) for serial in (1, 2, 3))
    house.lanes.start()
    house.send(message(ali, 1))
    await house.heard(1)
    house.send(message(ali, 2, code="200000", de90=original(1)))
    await house.heard(2)
    house.send(message(sara, 3))
    await house.heard(3)
    assert house.store.budgets[1, GIFT, 0] == 0
    house.send(message(ali, 4, mti="0400", code="200000", de90=original(2)))
    house.send(message(reza, 5, de48=build([("CP", "7D4K0QXW")])))
    replies = await house.heard(5)
    await house.lanes.stop()
    assert [reply.fields[39] for reply in replies] == ["00"] * 5
    assert (house.store.calls["lock"], house.store.calls["held shares"]) == (2, 1)
    assert discounts(house) == [-50_000, 0, 50_000, 50_000, 50_000]
    assert house.store.budgets[1, CODE, 0] == 0


async def test_a_coupon_whose_budget_is_used_up_is_refused_and_stays() -> None:
    house = house_with(0, code=1_000)
    house.store.open_coupon("7D4K0QXW", "code", left=5)
    pan = house.store.open_card(1)
    for stan in (1, 2):
        house.send(message(pan, stan, de48=build([("CP", "7D4K0QXW")])))
    assert await answered(house, 2) == [("00", ""), ("05", "CP: budget is used up")]
    assert [left for _, left in house.store.coupons.values()] == [4]
    assert house.store.budgets[1, CODE, 0] == 0


@pytest.mark.parametrize("left", [0, 499])
async def test_a_reward_that_the_budget_does_not_pay_for_is_refused(left: int) -> None:
    house = house_with(0, mug=left)
    pan = house.store.open_card(1, points=50)
    house.send(message(pan, 1, de48=build([("RW", "MUG")])))
    assert await answered(house, 1) == [("05", "RW: budget is used up")]
    assert (house.store.points(pan), house.store.budgets[1, MUG, 0]) == (50, left)


async def test_a_reward_that_is_not_there_is_not_for_want_of_a_budget() -> None:
    house = house_with(0, mug=0)
    house.send(message(house.store.open_card(1, points=50), 1, de48=build([("RW", "CUP")])))
    assert await answered(house, 1) == [("05", "RW is no reward here")]


@given(st.integers(0, 10**12), st.integers(1, 10**6), st.integers(1, 4_096))
def test_all_of_it_is_dealt_out_evenly(left: int, gift: int, shards: int) -> None:
    parts = dealt_out(left, gift, shards)
    assert sum(parts) == left
    assert max(parts) - min(parts) <= 1
    assert parts == sorted(parts, reverse=True)
    assert len(parts) <= min(shards, SHARES_MAX)
    assert len(parts).bit_count() == 1
    assert len(parts) == 1 or left // gift >= len(parts) * GIFTS_PER_SHARE


def test_a_large_budget_has_several_shares_and_a_small_one_is_in_one_place() -> None:
    assert dealt_out(8 * 256 * 50, 50, 64) == [256 * 50] * 8
    assert len(dealt_out(8 * 256 * 50 - 1, 50, 64)) == 4
    assert dealt_out(10**12, 50, 3) == [10**12 // 2] * 2
    assert dealt_out(1_000, 50, 64) == [1_000]
    assert dealt_out(0, 50, 64) == [0]


def test_accounts_of_a_shard_draw_from_one_share() -> None:
    shares = Shares()
    shares.take([Share(1, GIFT, 0, 10), Share(1, GIFT, 1, 20), Share(1, CODE, 0, 5)], 1, 0.0)
    assert [shares.left(LIVE, shard) for shard in range(4)] == [(10, 5, 0), (20, 5, 0), (10, 5, 0), (20, 5, 0)]
    drawn = moves_of((GIFT, 4), (CODE, 5), (MUG + 1, 9))
    shares.move(1, 3, drawn)
    assert [shares.left(LIVE, shard) for shard in range(4)] == [(10, 0, 0), (16, 0, 0), (10, 0, 0), (16, 0, 0)]
    shares.move(1, 1, moves_of((GIFT, -1)))
    assert shares.draws() == [Draw(1, GIFT, 1, 3), Draw(1, CODE, 0, 5)]
    assert (shares.draws(), shares.owed()) == ([], [])
    shares.move(1, 0, moves_of((GIFT, 12), (CODE, 2)))
    assert shares.draws() == [Draw(1, GIFT, 0, 10)]
    assert shares.owed() == sorted([Owed(1, GIFT, 2), Owed(1, CODE, 2)])
    assert shares.left(LIVE, 0) == (0, 0, 0)


def test_the_copy_is_read_anew_when_it_may_be_wrong() -> None:
    shares = Shares()
    assert shares.is_due(1, 0.0, has_budgets=False)
    shares.take([], 1, 0.0)
    assert not shares.is_due(1, 5.0, has_budgets=False)
    assert shares.is_due(1, 5.0, has_budgets=True)
    assert shares.is_due(2, 0.5, has_budgets=False)
    shares.take([Share(1, GIFT, 0, 10)], 1, 0.0)
    assert (shares.is_due(1, 0.5, has_budgets=False), shares.is_due(1, 1.0, has_budgets=False)) == (False, True)
    shares.distrust()
    assert shares.is_due(1, 0.5, has_budgets=False)


def moves_of(*moves: tuple[int, int]) -> bytes:
    return pack([(slot, 0, count) for slot, count in sorted(moves)])
