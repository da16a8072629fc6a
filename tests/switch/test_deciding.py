"""The short cut of usual decisions comes to what the decider says in full."""

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cext._deciding import decide_usual
from cext._kernel import Account, Decision
from cext._transaction import AccountState
from cext.reference import counters
from protocol.message import Message
from protocol.session import Session
from switch.deciding import REASONS, TOLD_BYTES_MAX, Decider, LiveProgramme, Programmes
from switch.programme import load
from switch.receipts import Language
from switch.transaction import FurtherCard, OriginalName, Transaction
from tests.switch import fakes
from tests.switch.test_authorise import USUAL, authoriser

TODAY = dt.datetime.fromtimestamp(fakes.NOW, dt.UTC).date()
LEGS = [name for name in dir(Decision) if not name.startswith("_")]
TOLD = ("response_code", "reason", "programme", "programme_version", "last_four", "reply_fields", "amount", "told")
CARRIED = ("event", "quantities", "free_prices", "has_basket", "now")
CARD = FurtherCard(0, b"", 0, 0, 0, "4321", TODAY)
ACCOUNT_NUMBERS = (
    "points", "credit", "visits", "spend", "first_visit", "last_visit", "lots", "tier", "tier_points", "counters",
    "grants",
)  # fmt: skip
FULL = Path("examples/bazaar-full/programmes/bazaar-full.yaml").read_text(encoding="utf-8")
BOTH = Programmes(
    {
        **fakes.live_bazaar().live,
        3: LiveProgramme(3, 7, load(FULL, ids=lambda _kind, _name: 1), frozenset({1})),
    }
)
"""Base accrual as number 1, forty rules as number 3; there is no number 2."""


def made(mti: str, code: str) -> Transaction:
    message = Message(mti, {**USUAL.fields, 3: code})
    outcome = authoriser().admit(message, Session(), fakes.CollectingLink(), b"", 0.0)
    assert isinstance(outcome, Transaction)
    return outcome


def state_of(
    transaction: Transaction, programme: int, status: int, card_status: int, expires: int, counted: bytes = b""
) -> AccountState:
    account = Account(
        transaction.shard, transaction.account_id, 3, programme, status, 0, 0, *(3 if counted else 0,) * 2, *(0,) * 2,
        1 if counted else 0, 0, 20_000, b"", counters=counted
    )  # fmt: skip
    return AccountState(account, transaction.token_low, card_status, "0003", expires, (0, 1))


def told(transaction: Transaction, state: AccountState) -> list[object]:
    account = state.account
    return [
        *(getattr(transaction, name) for name in TOLD),
        *(getattr(transaction.decision, name) for name in LEGS),
        *(getattr(transaction.request, name) for name in CARRIED if transaction.programme is not None),
        *(getattr(account, name) for name in ACCOUNT_NUMBERS),
        state.changed,
    ]


@given(
    st.sampled_from([("0100", "310000"), ("0200", "000000"), ("0220", "000000"), ("0200", "006000")]),
    st.sampled_from([1, 1, 3, 3, 2]),
    st.sampled_from([0, 0, 0, 1]),
    st.sampled_from([0, 0, 0, 1]),
    st.sampled_from([0, TODAY.toordinal() - 1, TODAY.toordinal(), TODAY.toordinal() + 1]),
    st.sampled_from(["", "", "", "unknown", "further", "held", "original", "stranger", "nowhere"]),
    st.sampled_from([b"", counters.pack([(slot, 0, slot) for slot in range(1, 12)])]),
    st.sampled_from([None, "fa", "en"]),
)
def test_the_short_cut_comes_to_the_same(
    asked: tuple[str, str],
    programme: int,
    status: int,
    card_status: int,
    expires: int,
    unusual: str,
    counted: bytes,
    language: Language | None,
) -> None:
    programmes = dict(BOTH.live)
    if unusual == "stranger":
        programmes = {number: replace(live, participants=frozenset({7})) for number, live in programmes.items()}
    decider = Decider(Programmes(programmes))
    results = []
    for usually in (True, False):
        transaction = made(*asked)
        transaction.terminal = replace(fakes.TILL, receipt_language=language)
        state = state_of(transaction, programme, status, card_status, expires, counted)
        states = {} if unusual == "nowhere" else {transaction.account_key: state}
        transaction.unknown_card = unusual == "unknown"
        transaction.card = CARD if unusual == "further" else None
        transaction.held_decline = "13" if unusual == "held" else ""
        transaction.original_name = OriginalName(1, 2, TODAY, "0200") if unusual == "original" else None
        transaction.reply_fields = {39: "91"}
        # What another version left there.
        transaction.request.carry(event=1, quantities=(5,), free_prices=(6,), has_basket=True)
        if usually and unusual:
            assert decide_usual(transaction, states, programmes, REASONS, int(fakes.NOW), TOLD_BYTES_MAX) is False
        if usually:
            decider.decide([transaction], states, fakes.NOW)
        else:
            decider.decide_one(transaction, states, fakes.NOW)
        results.append(told(transaction, state))
    assert results[0] == results[1]


@pytest.mark.parametrize("programme", [1, 3])
def test_the_usual_sale_takes_it(programme: int) -> None:
    sale = made("0200", "000000")
    state = state_of(sale, programme, 0, 0, 0)
    assert (
        decide_usual(sale, {sale.account_key: state}, dict(BOTH.live), REASONS, int(fakes.NOW), TOLD_BYTES_MAX) is True
    )
    assert sale.response_code == "51", "it asks for 12 points that are not there"
    assert sale.reason == REASONS["51"]


def test_the_usual_reply_tells_of_tier_stamps_and_tickets() -> None:
    sale = made("0100", "310000")
    full = BOTH.live[3]
    slots = full.compiled.slots
    held = sorted([(slots["stamp", "coffee"], 0, 4), (slots["ticket", "nowruz"], 0, 12)])
    state = state_of(sale, 3, 0, 0, 0, counters.pack(held))
    arguments = ({sale.account_key: state}, dict(BOTH.live), REASONS, int(fakes.NOW), TOLD_BYTES_MAX)
    assert decide_usual(sale, *arguments) is True
    assert sale.told == "TR006silverSP010coffee:4/6TK009nowruz:12"
    sale.terminal = replace(fakes.TILL, receipt_language="en")
    assert decide_usual(sale, *arguments) is full, "its receipt is made in Python"
