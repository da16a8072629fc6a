"""Inquiries for the last movements in the lane: what they read, what they wait for, and what they leave alone."""

import asyncio

from protocol.message import Message
from protocol.session import Session
from protocol.tlv import parse
from switch.limits import Limits
from switch.transaction import Transaction
from tests.switch import fakes
from tests.switch.test_lane import House, make_house, message, original, running


def asking(pan: str, stan: int, **more: str) -> Message:
    return message(pan, stan, mti="0100", code="380000", amount=0, **more)


def told(reply: Message, tag: str) -> list[str]:
    """The values of a tag of DE62."""
    return [value for name, value in parse(str(reply.fields.get(62, ""))) if name == tag]


async def one_after_another(house: House, *messages: Message) -> list[Message]:
    for count, each in enumerate(messages, 1):
        house.send(each)
        await house.heard(count)
    return house.link.heard


async def test_movements_are_told_newest_first_with_their_signs() -> None:
    async with running() as house:
        pan = house.store.open_card(1)
        replies = await one_after_another(
            house,
            message(pan, 1, amount=300_000),
            message(pan, 2, amount=500_000),
            message(pan, 3, code="200000", amount=100_000, de90=original(2)),
            message(pan, 4, mti="0400", de90=original(1)),
            asking(pan, 5),
        )
    reply = replies[-1]
    assert (reply.mti, reply.fields[39]) == ("0110", "00")
    assert told(reply, "MV") == [
        "20261123;000000;-300000;-3;0",
        "20261123;200000;-100000;-1;0",
        "20261123;000000;500000;5;0",
        "20261123;000000;300000;3;0",
    ]
    assert told(reply, "FR") == ["base"]
    assert told(reply, "PB") == ["4"]
    # Kept like a balance inquiry: a row without legs.
    (row,) = [row for row in house.store.journal.values() if row.entry.processing_code == 380_000]
    assert (row.entry.response_code, row.entry.decision.points_earned, row.entry.amount) == ("00", 0, 0)


async def test_nothing_is_read_for_other_messages() -> None:
    async with running() as house:
        pan = house.store.open_card(1)
        await one_after_another(house, message(pan, 1), message(pan, 2, mti="0100", code="310000"))
    assert house.store.calls["movements"] == 0


async def test_who_asks_in_the_batch_of_a_purchase_hears_of_it() -> None:
    house = make_house()
    pan = house.store.open_card(1)
    for stan in range(1, 7):
        house.send(asking(pan, stan) if stan % 3 == 0 else message(pan, stan))
    house.lanes.start()
    by_stan = {int(str(reply.fields[11])): reply for reply in await house.heard(6)}
    await house.lanes.stop()
    assert [len(told(by_stan[stan], "MV")) for stan in (3, 6)] == [2, 4]
    assert [told(by_stan[stan], "PB") for stan in (2, 3, 4, 6)] == [["10"], ["10"], ["15"], ["20"]]


async def test_a_batch_has_a_few_of_them_only() -> None:
    house = make_house(Limits(batch_messages_max=50, recent_keys_max=1_000, batch_statements_max=2))
    # All in one lane, as each lane has batches of its own.
    pans = [pan for pan in map(house.store.open_card, range(1, 40)) if fakes.TOKENS.card(pan).shard % 2 == 0][:7]
    for stan, pan in enumerate(pans, 1):
        house.send(asking(pan, stan))
    house.lanes.start()
    await house.heard(7)
    await house.lanes.stop()
    assert house.store.calls["movements"] == 4


async def test_they_are_never_decided_ahead() -> None:
    house = make_house(Limits(batch_messages_max=2, recent_keys_max=1_000))
    pans = [pan for pan in map(house.store.open_card, range(1, 40)) if fakes.TOKENS.card(pan).shard % 2 == 0][:3]
    house.store.held = asyncio.Event()
    house.send(message(pans[0], 1))
    house.send(message(pans[1], 2))
    house.send(asking(pans[2], 3))
    house.lanes.start()
    async with asyncio.timeout(5):
        while not house.store.committing:
            await asyncio.sleep(0)
    for _ in range(20):
        await asyncio.sleep(0)
    assert not house.store.calls["movements"]
    house.store.held.set()
    await house.heard(3)
    await house.lanes.stop()
    assert house.store.calls["movements"] == 1


async def test_a_repeat_hears_what_the_first_copy_heard() -> None:
    async with running() as house:
        pan = house.store.open_card(1)
        await one_after_another(house, message(pan, 1), asking(pan, 2), message(pan, 3))
        repeated = asking(pan, 2)
        house.send(Message("0101", repeated.fields))
        replies = await house.heard(4)
    assert replies[3].fields == replies[1].fields


async def test_a_connection_that_is_lost_while_they_are_read_is_made_again() -> None:
    async with running() as house:
        pan = house.store.open_card(1)
        house.store.faults["movements"] = ["lost"]
        replies = await one_after_another(house, message(pan, 1), asking(pan, 2))
    assert told(replies[1], "MV") == ["20261123;000000;500000;5;0"]
    assert house.telemetry.counts["lost"] == 1


async def test_unknown_and_blocked_cards_are_declined_without_reading() -> None:
    async with running() as house:
        blocked = house.store.open_card(1, status=1)
        replies = await one_after_another(house, asking("6037990000000011", 1), asking(blocked, 2))
    assert [reply.fields[39] for reply in replies] == ["14", "78"]
    assert all(62 not in reply.fields for reply in replies)


def test_the_short_cut_leaves_them_alone_and_only_a_request_may_ask() -> None:
    house = make_house()
    pan = house.store.open_card(1)
    outcome = house.authoriser.admit(asking(pan, 1), Session(), house.link, b"", 0.0)
    assert isinstance(outcome, Transaction)
    assert outcome.wants_movements
    balance = house.authoriser.admit(message(pan, 1, mti="0100", code="310000"), Session(), house.link, b"", 0.0)
    assert isinstance(balance, Transaction)
    assert not balance.wants_movements
    for mti in ("0200", "0220"):
        refused = house.authoriser.admit(message(pan, 1, mti=mti, code="380000"), Session(), house.link, b"", 0.0)
        assert not isinstance(refused, Transaction)
        assert refused.response_code == "40"
