"""Coupons in the lane over a store in memory: held before they are decided on, used up once, given back once."""

import pytest

from protocol.tlv import build
from switch.deciding import LiveProgramme, Programmes
from switch.programme import load
from tests.switch import fakes
from tests.switch.test_lane import LIMITS, House, make_house, message, original

PROGRAMME = (
    fakes.BAZAAR
    + """
  - id: gift
    when: coupon == "gift"
    then: {credit: 1000}
coupons: [{id: gift, kind: single}]
"""
)
CODE = "7D4K0QXW"
SHOWN = build([("CP", CODE)])


def house_with_coupons(left: int = 1) -> House:
    live = LiveProgramme(1, 1, load(PROGRAMME, ids=lambda _kind, _name: 1), frozenset({1}))
    house = make_house(LIMITS, Programmes({1: live}))
    house.store.open_coupon(CODE, "gift", left=left)
    return house


def left(house: House) -> int:
    ((_, count),) = house.store.coupons.values()
    return count


async def answers(house: House, count: int) -> list[tuple[str, str]]:
    house.lanes.start()
    replies = await house.heard(count)
    await house.lanes.stop()
    return sorted((str(reply.fields[39]), str(reply.fields.get(44, ""))) for reply in replies)


async def test_of_two_in_a_batch_the_first_has_it() -> None:
    house = house_with_coupons()
    pan = house.store.open_card(1)
    house.send(message(pan, 1, de48=SHOWN))
    house.send(message(pan, 2, de48=SHOWN))
    assert await answers(house, 2) == [("00", ""), ("05", "CP used already")]
    assert (left(house), house.store.calls["lock"], house.store.calls["commit"]) == (0, 1, 1)
    assert house.telemetry.counts["retried"] == 0


async def test_of_two_lanes_the_first_has_it() -> None:
    house = house_with_coupons(left=3)
    for serial in range(8):
        house.send(message(house.store.open_card(serial), serial + 1, de48=SHOWN))
    assert await answers(house, 8) == [("00", "")] * 3 + [("05", "CP used already")] * 5
    assert left(house) == 0


async def test_a_batch_without_coupons_holds_nothing() -> None:
    house = house_with_coupons()
    for stan in range(1, 5):
        house.send(message(house.store.open_card(stan), stan))
    assert await answers(house, 4) == [("00", "")] * 4
    assert house.store.calls["lock"] == 0


@pytest.mark.parametrize("fault", ["stale", "lost_before", "lost_after"])
async def test_whatever_a_commit_meets_it_is_used_once(fault: str) -> None:
    house = house_with_coupons(left=2)
    house.store.faults["commit"] = [fault]
    house.send(message(house.store.open_card(1), 1, de48=SHOWN))
    assert await answers(house, 1) == [("00", "")]
    assert left(house) == 1


async def test_what_was_approved_at_first_may_be_declined_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the batch's first decision and its second the coupon is used elsewhere: nothing of the first stays."""
    house = house_with_coupons()
    pan = house.store.open_card(1)
    commit = fakes.MemoryStore.commit

    async def overtaken(store: fakes.MemoryStore, lane: int, batch: fakes.Batch) -> None:
        if store.calls["commit"] == 0:
            store.calls["commit"] += 1
            store.locked.discard(lane)
            store.coupons = {key: (campaign, 0) for key, (campaign, _) in store.coupons.items()}
            raise fakes.StaleAccounts("1")
        await commit(store, lane, batch)

    monkeypatch.setattr(fakes.MemoryStore, "commit", overtaken)
    house.send(message(pan, 1, de48=SHOWN))
    assert await answers(house, 1) == [("05", "CP used already")]
    (row,) = house.store.journal.values()
    assert row.entry.decision.credit_granted == 0
    assert row.entry.decision.rules == b""
    assert row.entry.asked is None


async def test_a_reversal_gives_it_back_once() -> None:
    house = house_with_coupons()
    pan = house.store.open_card(1)
    house.lanes.start()
    house.send(message(pan, 1, de48=SHOWN))
    await house.heard(1)
    assert left(house) == 0
    for stan in (2, 3):
        house.send(message(pan, stan, mti="0400", de90=original(1)))
        replies = await house.heard(stan)
        assert replies[-1].fields[39] == "00"
        assert left(house) == 1
    house.send(message(pan, 4, de48=SHOWN))
    replies = await house.heard(4)
    await house.lanes.stop()
    assert replies[-1].fields[39] == "00"
    assert left(house) == 0


async def test_a_reversal_that_comes_first_leaves_the_coupon_alone() -> None:
    house = house_with_coupons()
    pan = house.store.open_card(1)
    house.lanes.start()
    house.send(message(pan, 2, mti="0400", de90=original(1)))
    await house.heard(1)
    house.send(message(pan, 1, de48=SHOWN))
    replies = await house.heard(2)
    await house.lanes.stop()
    assert replies[-1].fields[39] == "12"
    assert left(house) == 1
