"""The house's own messages: made, carried by a lane of their own, answered like a till's."""

import datetime as dt
from dataclasses import replace

import pytest

from cext.reference.lots import pack
from switch.deciding import Decider
from switch.house import HOUSE_TERMINAL, Answer, Owner, carry, leaving_message
from switch.tokens import Token
from switch.transaction import Transaction, sent_before
from switch.wide_deciding import WideDecider
from switch.wide_requests import Leaving
from tests.switch import fakes
from tests.switch.parties import MONTH, account, party
from tests.switch.wide_fakes import MemoryWideStore

CARD = fakes.TOKENS.card("6037990000000006")
OWNER = Owner(1, "581672", "Asia/Tehran", None, "bazaar", 364)
ASKED = Leaving(1_000_007, "sara")
MEMBER = party(replace(account(1, points=9, lots=pack([(MONTH, 9)]), member=1), shard=CARD.shard))


def made(asked: Leaving = ASKED, owner: Owner = OWNER) -> tuple[Transaction, Answer]:
    return leaving_message(asked, CARD, owner, fakes.NOW)


async def carried(store: MemoryWideStore, asked: Leaving = ASKED) -> tuple[Transaction, Answer]:
    transaction, answer = made(asked)
    decider = WideDecider(Decider(fakes.live_bazaar()), store, fakes.TOKENS)
    await carry(
        transaction, store=store, decider=decider, telemetry=fakes.CountingTelemetry(), wall_clock=lambda: fakes.NOW
    )
    return transaction, answer


def test_a_message_of_the_house_has_a_key_and_says_who_sent_it() -> None:
    transaction, answer = made(replace(ASKED, approved_by="reza", alias=Token(CARD.shard, 1, 2)))
    moment = dt.datetime.fromtimestamp(fakes.NOW, dt.UTC)
    assert (transaction.mti, transaction.processing_code, transaction.terminal_id) == (200, 940_000, HOUSE_TERMINAL)
    assert transaction.key == int(f"{moment:%m%d%H%M%S}000007")
    assert transaction.sent_on == moment.date()
    assert transaction.asked == "BY004saraAP004reza"
    assert transaction.rrn is not None
    assert len(transaction.rrn) == 12
    assert (answer.code, answer.reason) == ("", "")


def test_it_counts_in_the_owners_business_day() -> None:
    assert made()[0].business_date == dt.datetime.fromtimestamp(fakes.NOW, dt.UTC).date()
    open_day = dt.date(2026, 11, 20)
    transaction, _ = made(owner=replace(OWNER, business_date=open_day))
    assert (transaction.business_date, transaction.settlement_date) == (open_day, "1120")


async def test_it_is_decided_committed_and_answered() -> None:
    store = MemoryWideStore(parties={CARD: MEMBER})
    transaction, answer = await carried(store)
    assert (answer.code, answer.reason) == ("00", "")
    (effects,) = store.committed
    assert (effects.decision.points_expired, effects.request) == (9, ASKED.request)
    assert store.journal[transaction.recent_key].response_code == "00"


async def test_a_refusal_is_heard() -> None:
    rich = replace(MEMBER, account=replace(MEMBER.account, credit=1))
    _, answer = await carried(MemoryWideStore(parties={CARD: rich}))
    assert (answer.code, answer.reason) == ("05", "credit is left")
    _, answer = await carried(MemoryWideStore())
    assert answer.code == "14"


@pytest.mark.parametrize("fault", ["lost", "lost_after", "stale"])
async def test_whatever_befalls_the_store_it_is_done_once(fault: str) -> None:
    store = MemoryWideStore(parties={CARD: MEMBER}, faults={"commit": [fault]})
    _, answer = await carried(store)
    assert answer.code == "00"
    assert len(store.committed) == 1


async def test_a_store_out_of_reach_is_not_waited_for_for_ever() -> None:
    store = MemoryWideStore(faults={"connect": ["lost"] * 1_000})
    transaction, answer = made()
    transaction.deadline = 0.0
    decider = WideDecider(Decider(fakes.live_bazaar()), store, fakes.TOKENS)
    await carry(
        transaction, store=store, decider=decider, telemetry=fakes.CountingTelemetry(), wall_clock=lambda: fakes.NOW
    )
    assert answer.code == "91"
    assert store.committed == []


def test_what_was_sent_before_a_moment() -> None:
    transaction, _ = made()
    sent = dt.datetime.fromtimestamp(int(fakes.NOW), dt.UTC)
    assert not sent_before(transaction, None)
    assert not sent_before(transaction, sent)
    assert not sent_before(transaction, sent + dt.timedelta(milliseconds=999))
    assert sent_before(transaction, sent + dt.timedelta(seconds=1))
