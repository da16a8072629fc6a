"""The short cut of usual decisions comes to what the decider says in full."""

import datetime as dt
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from cext._deciding import decide_usual
from cext._kernel import Account, Decision
from cext._transaction import AccountState
from protocol.message import Message
from protocol.session import Session
from switch.deciding import REASONS, Decider, Programmes
from switch.transaction import FurtherCard, OriginalName, Transaction
from tests.switch import fakes
from tests.switch.test_authorise import USUAL, authoriser

TODAY = dt.datetime.fromtimestamp(fakes.NOW, dt.UTC).date()
LEGS = [name for name in dir(Decision) if not name.startswith("_")]
TOLD = ("response_code", "reason", "programme", "programme_version", "last_four", "reply_fields", "amount")
CARD = FurtherCard(0, b"", 0, 0, 0, "4321", TODAY)
ACCOUNT_NUMBERS = ("points", "credit", "visits", "spend", "first_visit", "last_visit", "lots")


def made(mti: str, code: str) -> Transaction:
    message = Message(mti, {**USUAL.fields, 3: code})
    outcome = authoriser().admit(message, Session(), fakes.CollectingLink(), b"", 0.0)
    assert isinstance(outcome, Transaction)
    return outcome


def state_of(transaction: Transaction, programme: int, status: int, card_status: int, expires: int) -> AccountState:
    account = Account(transaction.shard, transaction.account_id, 3, programme, status, *(0,) * 8, 20_000, b"")
    return AccountState(account, transaction.token_low, card_status, "0003", expires, (0, 1))


def told(transaction: Transaction, state: AccountState) -> list[object]:
    account = state.account
    return [
        *(getattr(transaction, name) for name in TOLD),
        *(getattr(transaction.decision, name) for name in LEGS),
        *(getattr(account, name) for name in ACCOUNT_NUMBERS),
        state.changed,
    ]


@given(
    st.sampled_from([("0100", "310000"), ("0200", "000000"), ("0220", "000000"), ("0200", "006000")]),
    st.sampled_from([1, 1, 1, 2]),
    st.sampled_from([0, 0, 0, 1]),
    st.sampled_from([0, 0, 0, 1]),
    st.sampled_from([0, TODAY.toordinal() - 1, TODAY.toordinal(), TODAY.toordinal() + 1]),
    st.sampled_from(["", "", "", "unknown", "further", "held", "original", "stranger", "nowhere"]),
)
def test_the_short_cut_comes_to_the_same(
    asked: tuple[str, str], programme: int, status: int, card_status: int, expires: int, unusual: str
) -> None:
    programmes = dict(fakes.live_bazaar().live)
    decider = Decider(Programmes(programmes))
    if unusual == "stranger":
        programmes[1] = replace(programmes[1], participants=frozenset({7}))
        decider.take(Programmes(programmes))
    results = []
    for usually in (True, False):
        transaction = made(*asked)
        state = state_of(transaction, programme, status, card_status, expires)
        states = {} if unusual == "nowhere" else {transaction.account_key: state}
        transaction.unknown_card = unusual == "unknown"
        transaction.card = CARD if unusual == "further" else None
        transaction.held_decline = "13" if unusual == "held" else ""
        transaction.original_name = OriginalName(1, 2, TODAY, "0200") if unusual == "original" else None
        transaction.reply_fields = {39: "91"}
        taken = usually and decide_usual(transaction, states, programmes, REASONS, int(fakes.NOW))
        if taken:
            assert not unusual
            assert transaction.request.now == int(fakes.NOW)
        else:
            decider.decide_one(transaction, states, fakes.NOW)
        results.append(told(transaction, state))
    assert results[0] == results[1]


def test_the_usual_sale_takes_it() -> None:
    sale = made("0200", "000000")
    state = state_of(sale, 1, 0, 0, 0)
    programmes = dict(fakes.live_bazaar().live)
    assert decide_usual(sale, {sale.account_key: state}, programmes, REASONS, int(fakes.NOW))
    assert sale.response_code == "51", "it asks for 12 points that are not there"
    assert sale.reason == REASONS["51"]
