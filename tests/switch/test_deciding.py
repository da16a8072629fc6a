"""The short cut of usual decisions comes to what the decider says in full."""

import datetime as dt
import zoneinfo
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cext._deciding import decide_usual
from cext._kernel import Account, Decision
from cext._transaction import AccountState
from cext.reference import counters, lots
from protocol.message import Message
from protocol.session import Session
from switch.basket import Line
from switch.budgets import Share, Shares
from switch.deciding import NO_SHARES, REASONS, TOLD_BYTES_MAX, Decider, LiveProgramme, Programmes
from switch.programme import load
from switch.receipts import Language
from switch.transaction import FurtherCard, OriginalName, Transaction
from tests.switch import fakes
from tests.switch.test_authorise import USUAL, authoriser

TODAY = dt.datetime.fromtimestamp(fakes.NOW, dt.UTC).date()
LEGS = [name for name in dir(Decision) if not name.startswith("_")]
TOLD = ("response_code", "reason", "programme", "programme_version", "last_four", "reply_fields", "amount", "told")
CARRIED = ("event", "quantities", "free_prices", "has_basket", "reward", "now", "budgets")
CARD = FurtherCard(0, b"", 0, 0, 0, "4321", TODAY)
ACCOUNT_NUMBERS = (
    "points", "credit", "visits", "spend", "first_visit", "last_visit", "lots", "tier", "tier_points", "counters",
    "grants", "recent",
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


def shares_of(left: int) -> Shares:
    """So much is left of every budget of the forty rules, in two shares."""
    shares = Shares()
    slots = sorted(budget.slot for budget in BOTH.live[3].compiled.budgets)
    shares.take([Share(3, slot, number, left) for slot in slots for number in (0, 1)], 1, 0.0)
    return shares


def given_by(
    programmes: Mapping[int, LiveProgramme],
) -> tuple[dict[int, tuple[int, ...]], dict[str, str], int, int, Shares]:
    """What `decide_usual` takes beside message, accounts and programmes."""
    now = int(fakes.NOW)
    return (
        {number: live.calendar.at(now)[:5] for number, live in programmes.items()},
        REASONS,
        now,
        TOLD_BYTES_MAX,
        NO_SHARES,
    )


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
    st.sampled_from([0, 30_000, 10**9]),
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
    left: int,
) -> None:
    programmes = dict(BOTH.live)
    if unusual == "stranger":
        programmes = {number: replace(live, participants=frozenset({7})) for number, live in programmes.items()}
    decider = Decider(Programmes(programmes))
    results = []
    for usually in (True, False):
        shares = shares_of(left)
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
        transaction.request.carry(event=1, quantities=(5,), free_prices=(6,), has_basket=True, reward=7)
        if usually and unusual:
            assert decide_usual(transaction, states, programmes, *given_by(programmes)) is False
        if usually:
            decider.decide([transaction], states, fakes.NOW, shares)
        else:
            decider.decide_one(transaction, states, fakes.NOW, shares)
        results.append([*told(transaction, state), shares.draws()])
    assert results[0] == results[1]


@pytest.mark.parametrize("usually", [True, False])
def test_the_calendar_is_the_programme_s_and_that_of_the_decision(usually: bool) -> None:
    """The till stands in Tehran, and the message came a day before it was decided."""
    away = load(fakes.BAZAAR.replace("Asia/Tehran", "Pacific/Auckland"), ids=lambda _kind, _name: 1)
    decider = Decider(Programmes({1: LiveProgramme(1, 1, away, frozenset({1}))}))
    sale = made("0200", "000000")
    now = int(fakes.NOW) + 86_400
    states = {sale.account_key: state_of(sale, 1, 0, 0, 0)}
    if usually:
        decider.decide([sale], states, now)
    else:
        decider.decide_one(sale, states, now)
    there = dt.datetime.fromtimestamp(now, zoneinfo.ZoneInfo("Pacific/Auckland"))
    asked = sale.request
    assert dt.date(1970, 1, 1) + dt.timedelta(days=asked.local_day) == there.date()
    assert (asked.hour, asked.weekday, asked.day_of_month) == (there.hour, there.weekday(), there.day)
    assert asked.local_month == (there.year - 2000) * 12 + there.month - 1


@pytest.mark.parametrize("programme", [1, 3])
def test_the_usual_sale_takes_it(programme: int) -> None:
    sale = made("0200", "000000")
    state = state_of(sale, programme, 0, 0, 0)
    assert decide_usual(sale, {sale.account_key: state}, dict(BOTH.live), *given_by(BOTH.live)) is True
    assert sale.response_code == "51", "it asks for 12 points that are not there"
    assert sale.reason == REASONS["51"]


def test_the_usual_reply_tells_of_tier_stamps_and_tickets() -> None:
    sale = made("0100", "310000")
    full = BOTH.live[3]
    slots = full.compiled.slots
    held = sorted([(slots["stamp", "coffee"], 0, 4), (slots["ticket", "nowruz"], 0, 12)])
    state = state_of(sale, 3, 0, 0, 0, counters.pack(held))
    arguments = ({sale.account_key: state}, dict(BOTH.live), *given_by(BOTH.live))
    assert decide_usual(sale, *arguments) is True
    assert sale.told == "TR006silverSP010coffee:4/6TK009nowruz:12"
    sale.terminal = replace(fakes.TILL, receipt_language="en")
    assert decide_usual(sale, *arguments) is full, "its receipt is made in Python"


REWARDS = (
    fakes.BAZAAR
    + """
rewards:
  - {code: LIP, points: 5, then: {free: LIPSTICK}}
  - {code: CAP, points: 0, message: {en: A cap}, uses: {life: 1}}
  - {code: OLD, points: 5, message: {en: Old}, when: visits > 100}
  - {code: WINE, points: 5, then: {free: WINE}, min_age: 18}
  - {code: PORT, points: 5, message: {en: Port}, min_age: 18, when: visits > 100}
"""
)


def with_rewards() -> dict[int, LiveProgramme]:
    return {1: LiveProgramme(1, 1, load(REWARDS, ids=lambda _kind, _name: 1), frozenset({1}))}


@pytest.mark.parametrize(
    ("reward", "sku", "points", "rc", "reason"),
    [
        ("LIP", "LIPSTICK", 9, "00", ""),
        ("LIP", "LIPSTICK", 4, "51", REASONS["51"]),
        ("LIP", "SOAP", 9, "05", "RW is not in the basket"),
        ("LIP", "", 9, "05", "RW is not in the basket"),
        ("OLD", "", 9, "05", "RW is not available now"),
        ("NEW", "", 9, "05", "RW is no reward here"),
        ("CAP", "", 0, "00", ""),
    ],
)
@pytest.mark.parametrize("shadowed", [False, True])
def test_a_reward_is_had_or_refused_with_its_reason(
    reward: str, sku: str, points: int, rc: str, reason: str, shadowed: bool
) -> None:
    number = with_rewards()
    # In shadow there are no rewards at all: that version would have refused.
    other = {1: LiveProgramme(1, 2, load(fakes.BAZAAR, ids=lambda _kind, _name: 1), frozenset({1}))}
    compared: list[str] = []
    decider = Decider(
        Programmes(number, other if shadowed else {}), lambda _name, _live, shadow: compared.append(shadow.rc)
    )
    sale = made("0200", "000000")
    sale.request.points_wanted = -1
    sale.reward = reward
    sale.basket = [Line(sku, "c", 1, 350_000)] if sku else None
    state = state_of(sale, 1, 0, 0, 0)
    state.account.points = points
    state.account.lots = lots.pack([(400, points)]) if points else b""
    for _ in range(2):
        decider.decide([sale], {sale.account_key: state}, fakes.NOW)
        assert (sale.response_code, sale.reason if rc != "00" else "") == (rc, reason)
        assert len(sale.reason) <= 25
        if rc == "00":
            # Once more: the points are gone, and the cap was had.
            rc, reason = ("65", "RW was had often enough") if reward == "CAP" else ("51", REASONS["51"])
    assert compared == (["05", "05"] if shadowed else [])


@pytest.mark.parametrize(
    ("reward", "born", "sku", "rc", "reason"),
    [
        # It is 23 November 2026.
        ("WINE", 20_081_123, "WINE", "00", ""),
        ("WINE", 20_081_124, "WINE", "05", "under age 18"),
        ("WINE", 0, "WINE", "05", "RW wants a birth date"),
        ("WINE", 20_270_101, "WINE", "05", "under age 18"),
        ("WINE", 20_081_124, "", "05", "under age 18"),
        ("WINE", 20_081_123, "", "05", "RW is not in the basket"),
        ("PORT", 20_081_123, "", "05", "RW is not available now"),
        ("PORT", 20_081_124, "", "05", "under age 18"),
        ("LIP", 0, "LIPSTICK", "00", ""),
    ],
)
def test_a_reward_may_want_an_age(reward: str, born: int, sku: str, rc: str, reason: str) -> None:
    sale = made("0200", "000000")
    sale.request.points_wanted = -1
    sale.reward = reward
    sale.basket = [Line(sku, "c", 1, 350_000)] if sku else None
    state = state_of(sale, 1, 0, 0, 0)
    state.account.born = born
    state.account.points, state.account.lots = 9, lots.pack([(400, 9)])
    Decider(Programmes(with_rewards())).decide([sale], {sale.account_key: state}, fakes.NOW)
    assert (sale.response_code, sale.reason if rc != "00" else "") == (rc, reason)
    assert len(sale.reason) <= 25
    assert sale.decision.points_redeemed == (5 if rc == "00" else 0)
    if rc != "00":
        assert (state.account.points, state.changed) == (9, False)


def test_an_advice_from_somebody_too_young_is_taken_without_the_reward() -> None:
    sale = made("0220", "000000")
    sale.reward = "WINE"
    sale.basket = [Line("WINE", "c", 1, 350_000)]
    state = state_of(sale, 1, 0, 0, 0)
    state.account.born = 20_081_124
    state.account.points, state.account.lots = 9, lots.pack([(400, 9)])
    sale.request.points_wanted = -1
    Decider(Programmes(with_rewards())).decide([sale], {sale.account_key: state}, fakes.NOW)
    assert (sale.response_code, sale.decision.points_redeemed, sale.decision.discount) == ("00", 0, 0)


@pytest.mark.parametrize("is_gone", [True, False])
def test_nothing_is_left_of_an_attempt_that_was_overtaken(is_gone: bool) -> None:
    """Between two attempts a member was erased, or the card was blocked: the decline moves nothing."""
    message = Message("0200", {number: value for number, value in USUAL.fields.items() if number != 48} | {3: "000000"})
    sale = authoriser().admit(message, Session(), fakes.CollectingLink(), b"", 0.0)
    assert isinstance(sale, Transaction)
    decider = Decider(BOTH)
    states = {sale.account_key: state_of(sale, 1, 0, 0, 0)}
    decider.decide([sale], states, fakes.NOW)
    assert (sale.response_code, sale.decision.points_earned, sale.last_four) == ("00", 3, "0003")
    states = {} if is_gone else {sale.account_key: state_of(sale, 1, 0, 1, 0)}
    decider.decide([sale], states, fakes.NOW)
    assert sale.response_code == ("14" if is_gone else "78")
    assert (sale.decision.points_earned, sale.decision.lots_moved, sale.decision.changed) == (0, b"", False)
    assert sale.last_four == (None if is_gone else "0003")
