"""The wide lane over a store in memory: one at a time, repeats, lost connections, deadlines, drain."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import pytest

from cext._reply import packed
from protocol.message import Message
from protocol.session import Session
from protocol.tlv import build, parse
from switch.authorise import Authoriser, Decline
from switch.calendars import Calendars
from switch.deciding import Decider
from switch.lanes import Lanes
from switch.limits import Limits
from switch.recent import RecentKeys
from switch.referral import code_of
from switch.replies import Replier
from switch.transaction import StoredAnswer, Transaction
from switch.wide_deciding import WideDecider
from switch.wide_lane import WideLane
from switch.wide_ports import TransferRecord, TransferRow
from switch.wide_requests import TransferReversal, Wide
from tests.switch import fakes
from tests.switch.parties import account, party
from tests.switch.wide_fakes import MemoryWideStore

LIMITS = Limits(batch_messages_max=50, recent_keys_max=1_000, lane_queue_messages_max=50)
GIVER, RECEIVER = "6037990000000006", "6037990000000014"
LOTS = (347).to_bytes(2, "big") + (10).to_bytes(8, "big")


@dataclass
class House:
    """A worker's inside without sockets; it has a wide lane and no other."""

    store: MemoryWideStore
    telemetry: fakes.CountingTelemetry
    authoriser: Authoriser
    lanes: Lanes
    recent: RecentKeys
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

    def points(self, pan: str) -> int:
        return self.store.parties[fakes.TOKENS.card(pan)].account.points


def make_house() -> House:
    store, telemetry, clock = MemoryWideStore(), fakes.CountingTelemetry(), [1_000.0]
    store.parties[fakes.TOKENS.card(GIVER)] = party(account(1, points=10, lots=LOTS))
    store.parties[fakes.TOKENS.card(RECEIVER)] = party(account(2))
    authoriser = Authoriser(
        fakes.directory(), fakes.TOKENS, Calendars(lambda: fakes.NOW), LIMITS.reply_deadline_s, lambda: fakes.NOW
    )
    replier = Replier(telemetry, lambda: clock[0])
    recent = RecentKeys(LIMITS.recent_keys_max)
    lane = WideLane(
        0,
        store=store,
        decider=WideDecider(Decider(fakes.live_bazaar()), store, fakes.TOKENS),
        replier=replier,
        recent=recent,
        limits=LIMITS,
        telemetry=telemetry,
        wall_clock=lambda: fakes.NOW,
        loop_clock=lambda: clock[0],
    )
    lanes = Lanes([lane], 0, recent, replier, telemetry)
    return House(store, telemetry, authoriser, lanes, recent, fakes.CollectingLink(), clock)


@asynccontextmanager
async def running() -> AsyncIterator[House]:
    house = make_house()
    house.lanes.start()
    try:
        yield house
    finally:
        await house.lanes.stop()


def transfer(stan: int, points: int = 3, *, mti: str = "0200", **more: str) -> Message:
    fields: dict[int, str | bytes] = {
        2: GIVER, 3: "400000", 7: "1123093000", 11: f"{stan:06d}", 32: "581672", 37: f"RRN{stan:09d}", 41: "T0000001",
        48: build([("PT", str(points))]), 103: RECEIVER,
    }  # fmt: skip
    fields.update({int(name[2:]): value for name, value in more.items()})
    return Message(mti, fields)


def enrolment(stan: int, mti: str = "0200") -> Message:
    sent = transfer(stan, mti=mti, de3="900000", de48=build([("MB", "09121234567"), ("NA", "Sara")]))
    del sent.fields[103]
    return sent


async def test_a_transfer_is_decided_and_answered() -> None:
    async with running() as house:
        house.send(transfer(1))
        (reply,) = await house.heard(1)
    assert (reply.mti, reply.fields[39], house.points(GIVER), house.points(RECEIVER)) == ("0210", "00", 7, 3)
    assert dict(parse(str(reply.fields[62])))["PB"] == "7"
    assert house.store.held == sorted({fakes.TOKENS.card(pan).shard for pan in (GIVER, RECEIVER)} | {1, 2})


async def test_one_after_the_other_in_order() -> None:
    async with running() as house:
        for stan in range(1, 6):
            house.send(transfer(stan))
        replies = await house.heard(5)
    assert [reply.fields[39] for reply in replies] == ["00", "00", "00", "51", "51"]
    assert house.points(RECEIVER) == 9


async def test_a_new_member_hears_the_code_for_friends() -> None:
    async with running() as house:
        taken = code_of(fakes.TOKENS, (1, 1))
        house.store.codes[taken] = (0, 99)
        house.send(enrolment(1))
        (reply,) = await house.heard(1)
    assert dict(parse(str(reply.fields[62])))["RC"] == code_of(fakes.TOKENS, (1, 1), 1).code
    assert house.store.codes[taken] == (0, 99)


async def test_a_copy_under_way_hears_the_same() -> None:
    async with running() as house:
        house.send(transfer(1))
        house.send(transfer(1, mti="0201"))
        house.send(transfer(1, 4))
        replies = await house.heard(3)
    codes = sorted(str(reply.fields[39]) for reply in replies)
    assert codes == ["00", "00", "94"]
    assert house.points(RECEIVER) == 3


async def test_a_repeat_is_answered_from_the_journal() -> None:
    async with running() as house:
        house.send(transfer(1))
        await house.heard(1)
        house.recent.forget((1123093000 * 10**6 + 1, 1, 2))
        house.send(transfer(1, mti="0201"))
        first, second = await house.heard(2)
    assert first.fields == second.fields
    assert house.store.calls["commit"] == 1


async def test_a_key_that_is_taken_is_looked_up() -> None:
    async with running() as house:
        house.send(transfer(1))
        await house.heard(1)
        for points, code in ((3, "00"), (4, "94")):
            house.recent.forget((1123093000 * 10**6 + 1, 1, 2))
            house.send(transfer(1, points))
            assert (await house.heard(len(house.link.heard) + 1))[-1].fields[39] == code
    assert house.points(RECEIVER) == 3


async def test_what_was_reversed_before_it_came_is_refused() -> None:
    async with running() as house:
        key = (1123093000 * 10**6 + 1, 1, 2)
        house.store.journal[key] = StoredAnswer(*key, 0, "12", None, True)
        house.send(transfer(1))
        (reply,) = await house.heard(1)
    assert reply.fields[39] == "12"


def reversal(stan: int, of: int, mti: str = "0400") -> Message:
    sent = transfer(stan, mti=mti, de90=f"0200{of:06d}1123093000{581672:011d}{0:011d}")
    del sent.fields[48], sent.fields[103]
    return sent


def given_away(house: House, reply: bytes | None = None) -> None:
    """The journal has a transfer of five points, STAN 1."""
    rows = [
        TransferRow(8, account(1, points=5, lots=LOTS[:2] + (5).to_bytes(8, "big")), "0006", 0, moved(-5)),
        TransferRow(9, account(2, points=5, lots=LOTS[:2] + (5).to_bytes(8, "big")), "0014", 0, moved(5)),
    ]
    house.store.transfers[1, 1, 1123093000 * 10**6 + 1] = TransferRecord(rows[0], rows[1], reply)


def moved(points: int) -> bytes:
    return LOTS[:2] + points.to_bytes(8, "big", signed=True)


def send_reversal(house: House, message: Message) -> None:
    """As a lane passes it on."""
    outcome = house.authoriser.admit(message, Session(), house.link, b"", house.clock[0])
    assert isinstance(outcome, Transaction)
    outcome.wide = Wide(fakes.TOKENS.card(GIVER), TransferReversal())
    house.lanes.submit(outcome)


async def test_a_transfer_is_taken_back() -> None:
    async with running() as house:
        given_away(house)
        send_reversal(house, reversal(2, of=1))
        (reply,) = await house.heard(1)
    assert (reply.mti, reply.fields[39]) == ("0410", "00")
    assert (house.points(GIVER), house.points(RECEIVER)) == (10, 0)
    (effects,) = house.store.committed
    assert effects.other is not None
    assert (effects.original_seq, effects.other.original_seq) == (8, 9)


async def test_a_second_reversal_hears_what_the_first_one_heard() -> None:
    async with running() as house:
        given_away(house, packed({37: "RRN000000002", 38: "ABCDEF", 39: "00"}))
        send_reversal(house, reversal(3, of=1))
        (reply,) = await house.heard(1)
    assert (reply.fields[38], reply.fields[37]) == ("ABCDEF", "RRN000000003")
    (effects,) = house.store.committed
    assert (effects.changes, effects.original_seq) == ((), None)


async def test_a_reversal_of_what_is_no_transfer_is_12() -> None:
    async with running() as house:
        send_reversal(house, reversal(2, of=1))
        (reply,) = await house.heard(1)
    assert reply.fields[39] == "12"


@pytest.mark.parametrize("call", ["party", "lock", "commit"])
async def test_a_lost_connection_is_made_again(call: str) -> None:
    async with running() as house:
        house.store.faults = {call: ["lost"]}
        house.send(transfer(1))
        (reply,) = await house.heard(1)
    assert (reply.fields[39], house.points(RECEIVER)) == ("00", 3)
    assert house.telemetry.counts["lost"] == 1


async def test_a_commit_that_took_place_is_not_made_again() -> None:
    async with running() as house:
        house.store.faults = {"commit": ["lost_after"]}
        house.send(transfer(1))
        (reply,) = await house.heard(1)
    assert (reply.fields[39], house.points(RECEIVER)) == ("00", 3)
    assert house.store.calls["commit"] == 1


async def test_overtaken_it_lets_go_and_tries_again() -> None:
    async with running() as house:
        # The first two look-ups find what to hold; the third one is under the locks.
        house.store.faults = {"party": ["", "", "stale"], "commit": ["stale"]}
        house.send(transfer(1))
        (reply,) = await house.heard(1)
    assert (reply.fields[39], house.points(RECEIVER)) == ("00", 3)
    assert house.store.calls["rollback"] == 1
    assert house.telemetry.counts["retried"] == 2


async def test_overtaken_for_ever_it_gives_up() -> None:
    async with running() as house:
        house.store.faults = {"commit": ["stale"] * LIMITS.batch_attempts_max}
        house.send(transfer(1))
        house.send(transfer(2))
        first, second = await house.heard(2)
    assert (first.fields[39], second.fields[39]) == ("96", "00")


async def test_a_fault_of_ours_takes_nobody_with_it() -> None:
    async with running() as house:
        house.store.faults = {"party": ["broken"]}
        house.send(transfer(1))
        house.send(transfer(2))
        first, second = await house.heard(2)
    assert (first.fields[39], second.fields[39]) == ("96", "00")
    assert house.telemetry.counts["fault"] == 1


async def test_past_the_deadline_a_request_hears_91_and_an_advice_nothing() -> None:
    house = make_house()
    house.store.faults = {"connect": ["lost"] * 3}
    (lane,) = house.lanes._lanes
    house.send(transfer(1))
    house.send(enrolment(2, "0220"))
    house.clock[0] += LIMITS.reply_deadline_s + 1
    lane.expire()
    (reply,) = await house.heard(1)
    assert (reply.fields[39], house.link.dropped) == ("91", 1)


async def test_a_full_lane_says_so() -> None:
    house = make_house()
    for stan in range(1, LIMITS.lane_queue_messages_max + 2):
        house.send(transfer(stan))
    (reply,) = await house.heard(1)
    assert reply.fields[39] == "91"
    assert house.lanes.waiting == LIMITS.lane_queue_messages_max


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (transfer(1, mti="0220"), "40"),
        (transfer(1, de48="LG002en"), "30"),
        (transfer(1, de103=GIVER), "12"),
        (transfer(1, mti="0100"), "40"),
    ],
)
def test_what_is_declined_before_the_lane(message: Message, code: str) -> None:
    house = make_house()
    outcome = house.authoriser.admit(message, Session(), house.link, b"", 0.0)
    assert isinstance(outcome, Decline)
    assert outcome.response_code == code


MOBILE = "09121234567"


def by_mobile(stan: int, code: str, *tags: tuple[str, str]) -> Message:
    fields: dict[int, str | bytes] = {
        3: code, 7: "1123093000", 11: f"{stan:06d}", 32: "581672", 41: "T0000001", 48: build([("MB", MOBILE), *tags]),
    }  # fmt: skip
    return Message("0200", fields)


async def test_whoever_has_a_forgotten_mobile_next_gets_an_account_of_another_number() -> None:
    mobile = fakes.TOKENS.mobile("bazaar", MOBILE)
    erased_at = dt.datetime(2026, 11, 20, 8, tzinfo=dt.UTC)
    async with running() as house:
        house.store.forgotten_mobiles[mobile] = erased_at
        house.send(by_mobile(1, "900000"))
        (reply,) = await house.heard(1)
    assert reply.fields[39] == "00"
    (effects,) = house.store.committed
    assert effects.account is not None
    assert effects.card is not None
    assert effects.account.token.shard == mobile.shard
    assert effects.account.token != mobile
    assert (effects.card.token, effects.card.account) == (mobile, effects.account.token[:2])
    assert effects.card.since == erased_at


@pytest.mark.parametrize(("seconds", "code"), [(0, "00"), (1, "14")])
async def test_a_wide_message_of_before_does_not_know_the_mobile(seconds: int, code: str) -> None:
    sent = dt.datetime(2026, 11, 23, 9, 30, tzinfo=dt.UTC)
    async with running() as house:
        member = party(account(1, points=10, lots=LOTS))
        house.store.parties[fakes.TOKENS.mobile("bazaar", MOBILE)] = replace(
            member, since=sent + dt.timedelta(seconds=seconds)
        )
        house.send(by_mobile(1, "406065", ("PT", "5")))
        (reply,) = await house.heard(1)
    assert reply.fields[39] == code
