"""The batch pipeline over a store in memory: chaining, repeats, conflicts, lost connections, deadlines, drain."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from cext._deciding import decide_usual
from protocol.message import Message
from protocol.session import Session
from switch import deciding
from switch.authorise import Authoriser, Decline
from switch.calendars import Calendars
from switch.deciding import Decider, Programmes
from switch.lane import Lane
from switch.lanes import Lanes
from switch.limits import Limits
from switch.recent import RecentKeys
from switch.replies import Replier
from switch.transaction import FurtherCard, Transaction
from tests.switch import fakes

LIMITS = Limits(batch_messages_max=50, recent_keys_max=1_000)


@dataclass
class House:
    """A worker's inside without sockets."""

    store: fakes.MemoryStore
    telemetry: fakes.CountingTelemetry
    authoriser: Authoriser
    lanes: Lanes
    link: fakes.CollectingLink
    clock: list[float]

    def send(self, message: Message) -> None:
        outcome = self.authoriser.admit(message, Session(), self.link, b"", self.clock[0])
        assert isinstance(outcome, Transaction), outcome
        self.lanes.submit(outcome)

    async def heard(self, count: int) -> list[Message]:
        async with asyncio.timeout(5):
            while len(self.link.heard) < count:
                await asyncio.sleep(0)
        assert len(self.link.heard) == count
        return self.link.heard


def make_house(limits: Limits = LIMITS, programmes: Programmes | None = None) -> House:
    store, telemetry = fakes.MemoryStore(), fakes.CountingTelemetry()
    clock = [1_000.0]
    authoriser = Authoriser(
        fakes.directory(),
        fakes.TOKENS,
        Calendars(lambda: fakes.NOW),
        limits.reply_deadline_s,
        lambda: fakes.NOW,
    )
    replier = Replier(telemetry, lambda: clock[0])
    recent = RecentKeys(limits.recent_keys_max)
    made: list[Lane] = []
    lanes = Lanes(made, 2, recent, replier, telemetry)
    decider = Decider(programmes or fakes.live_bazaar())
    made.extend(
        Lane(
            number,
            store=store,
            decider=decider,
            replier=replier,
            recent=recent,
            limits=limits,
            telemetry=telemetry,
            submit=lanes.forward,
            wall_clock=lambda: fakes.NOW,
            loop_clock=lambda: clock[0],
        )
        for number in range(2)
    )
    return House(store, telemetry, authoriser, lanes, fakes.CollectingLink(), clock)


@asynccontextmanager
async def running(limits: Limits = LIMITS) -> AsyncIterator[House]:
    house = make_house(limits)
    house.lanes.start()
    try:
        yield house
    finally:
        await house.lanes.stop()


def message(
    pan: str, stan: int, *, mti: str = "0200", code: str = "000000", amount: int = 500_000, **more: str
) -> Message:
    fields: dict[int, str | bytes] = {
        2: pan, 3: code, 4: f"{amount:012d}", 7: "1123093000", 11: f"{stan:06d}", 32: "581672",
        37: f"RRN{stan:09d}", 41: "T0000001", 42: "M00000000000001", 49: "364",
    }  # fmt: skip
    fields.update({int(name[2:]): value for name, value in more.items()})
    return Message(mti, fields)


def original(stan: int, mti: str = "0200") -> str:
    return f"{mti}{stan:06d}1123093000{581672:011d}{0:011d}"


async def test_a_purchase_earns_and_says_so() -> None:
    async with running() as house:
        pan = house.store.open_card(1)
        house.send(message(pan, 1))
        (reply,) = await house.heard(1)
    assert reply.mti == "0210"
    assert reply.fields[39] == "00"
    assert reply.fields[4] == "000000500000"
    assert reply.fields[54] == "6002999C0000000000056502364C000000000000"
    assert str(reply.fields[62]).startswith("PB0015CB0010RV0011PE0015")
    assert len(str(reply.fields[38])) == 6
    assert reply.fields[15] == "1123"
    assert house.store.points(pan) == 5


async def test_messages_on_one_account_are_chained_within_a_batch() -> None:
    house = make_house()
    pan = house.store.open_card(1)
    for stan in range(1, 11):
        house.send(message(pan, stan))
    house.send(message(pan, 11, code="006000", amount=5_000))
    house.lanes.start()
    heard = await house.heard(11)
    await house.lanes.stop()
    assert house.store.calls["commit"] == 1
    assert [r.fields[39] for r in heard] == ["00"] * 11
    assert heard[10].fields[4] == "000000000000"
    assert house.store.points(pan) == 0
    assert house.telemetry.counts["batches"] == 1


async def test_a_second_message_that_finds_too_little_is_declined_in_the_same_batch() -> None:
    house = make_house()
    pan = house.store.open_card(1, points=50)
    house.send(message(pan, 1, code="006000", amount=5_000, de48="PT00250"))
    house.send(message(pan, 2, code="006000", amount=5_000, de48="PT00250"))
    house.lanes.start()
    first, second = await house.heard(2)
    await house.lanes.stop()
    assert (first.fields[39], second.fields[39]) == ("00", "51")
    assert second.fields[44] == "too few points or credit"
    assert house.store.points(pan) == 0


@pytest.mark.parametrize("repeat_mti", ["0200", "0201"])
async def test_a_repeat_is_answered_alike_and_counts_once(repeat_mti: str) -> None:
    async with running() as house:
        pan = house.store.open_card(1)
        house.send(message(pan, 1))
        await house.heard(1)
        house.send(message(pan, 1, mti=repeat_mti))
        first, second = await house.heard(2)
    assert first == second
    assert house.store.points(pan) == 5
    assert house.telemetry.counts["repeated"] == 1


async def test_a_repeat_that_overtakes_the_commit_waits_for_it() -> None:
    house = make_house()
    pan = house.store.open_card(1)
    house.send(message(pan, 1))
    house.send(message(pan, 1, mti="0201"))
    house.lanes.start()
    first, second = await house.heard(2)
    await house.lanes.stop()
    assert first == second
    assert len(house.store.journal) == 1


async def test_the_same_key_with_other_content_is_refused() -> None:
    async with running() as house:
        pan = house.store.open_card(1)
        other = house.store.open_card(2)
        house.send(message(pan, 1))
        await house.heard(1)
        house.send(message(pan, 1, amount=600_000))
        house.send(message(other, 1))
        heard = await house.heard(3)
    assert [r.fields[39] for r in heard] == ["00", "94", "94"]
    assert house.store.points(pan) == 5


async def test_a_key_that_only_the_journal_knows_is_answered_from_it() -> None:
    async with running() as house:
        pan = house.store.open_card(1)
        house.send(message(pan, 1))
        (first,) = await house.heard(1)
        journal, balances, states = house.store.journal, house.store.balances, house.store.states
    async with running() as again:
        again.store.journal, again.store.balances, again.store.states = journal, balances, states
        # Not even marked as a repeat: the unique key finds out.
        again.send(message(pan, 1))
        again.send(message(pan, 2))
        heard = await again.heard(2)
        assert again.store.points(pan) == 10
    assert first in heard
    assert again.telemetry.counts["retried"] >= 1


async def test_a_stale_account_is_decided_again_under_lock() -> None:
    house = make_house()
    house.store.faults["commit"] = ["stale"]
    pan = house.store.open_card(1)
    house.send(message(pan, 1))
    house.lanes.start()
    (reply,) = await house.heard(1)
    await house.lanes.stop()
    assert reply.fields[39] == "00"
    assert house.store.calls["lock"] == 1
    assert house.store.points(pan) == 5


@pytest.mark.parametrize("fault", ["lost_before", "lost_after"])
async def test_an_unknown_outcome_is_settled_by_the_key(fault: str) -> None:
    house = make_house()
    house.store.faults["commit"] = [fault]
    pan = house.store.open_card(1)
    house.send(message(pan, 1))
    house.lanes.start()
    (reply,) = await house.heard(1)
    await house.lanes.stop()
    assert reply.fields[39] == "00"
    assert house.store.points(pan) == 5
    assert len(house.store.journal) == 1
    assert house.telemetry.counts["lost"] == 1


async def test_the_store_out_of_reach_is_91_for_requests_and_silence_for_advices() -> None:
    house = make_house()
    house.store.faults["connect"] = ["lost"] * 10_000
    pan = house.store.open_card(1)
    house.send(message(pan, 1))
    house.send(message(pan, 2, mti="0220"))
    house.lanes.start()
    house.clock[0] += LIMITS.reply_deadline_s + 1
    (reply,) = await house.heard(1)
    while not house.link.dropped:
        await asyncio.sleep(0)
    assert reply.fields[39] == "91"
    assert reply.fields[11] == "000001"
    house.store.faults.clear()
    house.send(message(pan, 1, mti="0201"))
    _, again = await house.heard(2)
    await house.lanes.stop()
    assert again.fields[39] == "00"
    assert house.store.points(pan) == 5


async def test_a_full_lane_refuses_at_once() -> None:
    limits = Limits(batch_messages_max=2, lane_queue_messages_max=2, recent_keys_max=1_000)
    house = make_house(limits)
    pan = house.store.open_card(1)
    for stan in range(1, 4):
        house.send(message(pan, stan))
    (reply,) = await house.heard(1)
    assert reply.fields[39] == "91"
    assert house.telemetry.counts["lane_queue"] == 1
    house.lanes.start()
    await house.lanes.stop()
    assert len(house.link.heard) == 3


async def test_a_reversal_undoes_and_a_second_one_hears_the_same() -> None:
    async with running() as house:
        pan = house.store.open_card(1, points=10)
        house.send(message(pan, 1))
        await house.heard(1)
        house.send(message(pan, 2, mti="0400", de90=original(1)))
        await house.heard(2)
        house.send(message(pan, 3, mti="0420", de90=original(1)))
        _, first, second = await house.heard(3)
    assert (first.mti, second.mti) == ("0410", "0430")
    assert first.fields[39] == second.fields[39] == "00"
    assert first.fields[38] == second.fields[38]
    assert house.store.points(pan) == 10


async def test_a_reversal_in_the_batch_of_its_original_waits_for_it() -> None:
    house = make_house()
    pan = house.store.open_card(1)
    house.send(message(pan, 1))
    house.send(message(pan, 2, mti="0400", de90=original(1)))
    house.send(message(pan, 3, mti="0400", de90=original(1)))
    house.lanes.start()
    heard = await house.heard(3)
    await house.lanes.stop()
    assert [r.fields[39] for r in heard] == ["00"] * 3
    assert house.store.points(pan) == 0
    assert house.store.calls["commit"] == 3


async def test_a_reversal_of_nothing_leaves_a_tombstone() -> None:
    async with running() as house:
        pan = house.store.open_card(1)
        house.send(message(pan, 2, mti="0400", de90=original(1)))
        await house.heard(1)
        house.send(message(pan, 1))
        await house.heard(2)
        house.send(message(pan, 1, mti="0201"))
        reversal, late, repeat = await house.heard(3)
    assert reversal.fields[39] == "00"
    assert late.fields[39] == "12"
    assert repeat == late
    assert house.store.points(pan) == 0


async def test_partial_refunds_add_up_and_never_exceed() -> None:
    async with running() as house:
        pan = house.store.open_card(1)
        house.send(message(pan, 1, amount=1_000_000))
        await house.heard(1)
        for stan, amount in ((2, 333_333), (3, 333_333), (4, 333_335), (5, 333_334)):
            house.send(message(pan, stan, code="200000", amount=amount, de90=original(1)))
            await house.heard(stan)
        codes = [r.fields[39] for r in house.link.heard]
    assert codes == ["00", "00", "00", "13", "00"]
    assert house.store.points(pan) == 0


async def test_a_refund_of_nothing_is_25() -> None:
    async with running() as house:
        pan = house.store.open_card(1)
        house.send(message(pan, 2, code="200000", de90=original(1)))
        (reply,) = await house.heard(1)
    assert reply.fields[39] == "25"


async def test_unknown_blocked_and_foreign_cards() -> None:
    async with running() as house:
        blocked = house.store.open_card(1, card_status=1)
        closed = house.store.open_card(2, status=2)
        house.send(message("6037990000000011", 1))
        house.send(message(blocked, 2))
        house.send(message(closed, 3))
        house.send(message(blocked, 4, mti="0220"))
        by_stan = {int(str(r.fields[11])): r for r in await house.heard(4)}
    assert {stan: r.fields[39] for stan, r in by_stan.items()} == {1: "14", 2: "78", 3: "78", 4: "00"}
    assert by_stan[1].fields[44] == "no such card"
    # Declines that the store decided are journaled as well: they were acknowledged.
    assert len(house.store.journal) == 4


async def test_a_balance_inquiry_changes_nothing() -> None:
    async with running() as house:
        pan = house.store.open_card(1, points=42)
        house.send(message(pan, 1, mti="0100", code="310000"))
        (reply,) = await house.heard(1)
        token = fakes.TOKENS.card(pan)
    assert reply.mti == "0110"
    assert str(reply.fields[54]).startswith("6002999C000000000042")
    assert house.store.balances[token.shard, token.id].version == 0


@pytest.mark.parametrize("fault", ["", "stale", "lost_before", "lost_after"])
async def test_the_next_batch_is_decided_while_the_last_is_committed(fault: str) -> None:
    house = make_house(Limits(batch_messages_max=2, recent_keys_max=1_000))
    pans = [pan for pan in map(house.store.open_card, range(1, 40)) if fakes.TOKENS.card(pan).shard % 2 == 0][:3]
    house.store.held = asyncio.Event()
    house.store.faults["commit"] = [fault]
    # The first batch has two messages on two accounts; the next one has one on another, and one that must wait.
    for stan, pan in enumerate([pans[0], pans[1], pans[2], pans[0]], 1):
        house.send(message(pan, stan))
    house.lanes.start()
    async with asyncio.timeout(5):
        while not house.store.read_beside or not house.store.calls["commit"]:
            await asyncio.sleep(0)
        third = fakes.TOKENS.card(pans[2])
        while (third.shard, third.id) not in house.store.read_beside:
            await asyncio.sleep(0)
    assert not house.link.heard
    house.store.held.set()
    heard = await house.heard(4)
    await house.lanes.stop()
    assert {str(reply.fields[39]) for reply in heard} == {"00"}
    assert [house.store.points(pan) for pan in pans] == [10, 5, 5]


async def test_a_bad_row_does_not_take_its_neighbours_along(monkeypatch: pytest.MonkeyPatch) -> None:
    house = make_house()
    pan = house.store.open_card(1)

    def failing(transaction: Transaction, *rest: Any) -> bool:
        if transaction.key % 1_000_000 == 3:
            raise RuntimeError("a fault of ours")
        return decide_usual(transaction, *rest)

    monkeypatch.setattr(deciding, "decide_usual", failing)
    for stan in range(1, 6):
        house.send(message(pan, stan))
    house.lanes.start()
    codes = {int(str(r.fields[11])): r.fields[39] for r in await house.heard(5)}
    await house.lanes.stop()
    assert codes == {1: "00", 2: "00", 3: "96", 4: "00", 5: "00"}
    assert house.store.points(pan) == 20


class WideStub:
    """Takes what is passed on to the wide lane."""

    number, ready, waiting = 2, True, 0

    def __init__(self) -> None:
        self.passed: list[Transaction] = []

    def put(self, transaction: Transaction) -> bool:
        self.passed.append(transaction)
        return True

    async def run(self) -> None:
        pass

    def stop(self) -> None:
        pass

    def expire(self) -> None:
        pass


async def test_the_reversal_of_a_transfer_is_passed_on_and_its_neighbours_go_down() -> None:
    house, wide = make_house(), WideStub()
    house.lanes._lanes.append(wide)  # type: ignore[arg-type]
    pan, other = house.store.open_card(1, points=5), house.store.open_card(2)
    sent = message(pan, 1, code="400000", de48="PT0015", de103=other)
    given = house.authoriser.admit(sent, Session(), house.link, b"", 0.0)
    assert isinstance(given, Transaction)
    given.response_code = "00"
    house.store.journal[given.shard, given.key, given.terminal.id, 2] = fakes.Row(1, given, None)
    for neighbour in range(3, 7):
        house.send(message(pan, neighbour))
    house.send(message(pan, 2, mti="0400", code="400000", de90=original(1)))
    house.send(message(pan, 8, mti="0400", code="400000", de90=original(7)))
    house.lanes.start()
    replies = await house.heard(5)
    await house.lanes.stop()
    assert [reply.fields[39] for reply in replies] == ["00"] * 5
    (passed,) = wide.passed
    assert passed.wide is not None
    assert (passed.message.fields[11], passed.wide.card) == ("000002", fakes.TOKENS.card(pan))


async def test_a_closed_account_answers_for_its_card_unless_that_was_linked() -> None:
    async with running() as house:
        closed, linked = house.store.open_card(1, status=2), house.store.open_card(2, status=2)
        sharing = fakes.TOKENS.card(house.store.open_card(3, points=9))
        token = fakes.TOKENS.card(linked)
        card = FurtherCard(token.shard, token.bytes, sharing.shard, sharing.id, 0, "0000", None)
        house.store.further[token.shard, token.bytes] = card
        house.send(message(closed, 1))
        (reply,) = await house.heard(1)
        assert reply.fields[39] == "78"
        house.send(message(linked, 2))
        reply = (await house.heard(2))[-1]
    assert reply.fields[39] == "00"
    assert "PB00214" in str(reply.fields[62])


@pytest.mark.parametrize(("seconds", "code"), [(-1, "00"), (0, "00"), (1, "14")])
async def test_a_message_of_before_does_not_know_a_card(seconds: int, code: str) -> None:
    async with running() as house:
        sharing = fakes.TOKENS.card(house.store.open_card(3, points=9))
        token = fakes.TOKENS.card("6037990000000899")
        sent = dt.datetime(2026, 11, 23, 9, 30, tzinfo=dt.UTC)
        card = FurtherCard(
            token.shard, token.bytes, sharing.shard, sharing.id, 0, "0899", None, sent + dt.timedelta(seconds=seconds)
        )
        house.store.further[token.shard, token.bytes] = card
        house.send(message("6037990000000899", 1))
        (reply,) = await house.heard(1)
    assert reply.fields[39] == code


def test_what_needs_no_card_is_declined_before_the_lane() -> None:
    house = make_house()

    def outcome(changed: Message) -> Decline:
        found = house.authoriser.admit(changed, Session(), house.link, b"", 0.0)
        assert isinstance(found, Decline)
        return found

    pan = "6037990000000003"
    without = message(pan, 1)
    del without.fields[41]
    assert outcome(without) == Decline("30", "DE41 is missing")
    assert outcome(message(pan, 1, de41="T9999999")).response_code == "58"
    assert outcome(message(pan, 1, de41="T0000002")).response_code == "58"
    assert outcome(message(pan, 1, de42="M00000000000009")).response_code == "03"
    assert outcome(message(pan, 1, code="960000")).response_code == "40"
    assert outcome(message(pan, 1, code="123456")).response_code == "12"
    assert outcome(message(pan, 1, de7="1332000000")).response_code == "30"
    assert outcome(message(pan, 1, mti="0400")) == Decline("30", "DE90 is missing")
