"""Points that change hands: none is made, lost or made to live longer, and no account gets more lots than it can."""

import datetime as dt

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cext.programme_table import BALANCE_MAX, DEFICIT_MONTH, LOTS_MAX
from cext.reference.lots import pack, unpack
from switch.refusals import Refusal
from switch.transfer import Moved, decide_conversion, decide_transfer, move
from switch.wide_ports import Effects
from switch.wide_requests import Conversion, Transfer
from tests.switch.fakes import TOKENS
from tests.switch.parties import DAY, MONTH, account, context, party

RECEIVER = TOKENS.card("6037990000000014")
LOTS = st.dictionaries(st.integers(MONTH - 3, MONTH + 60), st.integers(1, 10**12), max_size=LOTS_MAX)
OWED = st.one_of(st.just(0), st.integers(1, 10**12))


def packed(lots: dict[int, int], owed: int = 0) -> bytes:
    return pack(([(DEFICIT_MONTH, -owed)] if owed else []) + sorted(lots.items()))


def alive(lots: dict[int, int]) -> int:
    return sum(points for month, points in lots.items() if month >= MONTH)


@given(LOTS, LOTS, OWED, st.integers(1, 10**13))
def test_a_transfer_moves_lots_as_they_are(
    giver: dict[int, int], receiver: dict[int, int], owed: int, points: int
) -> None:
    moved = move(packed(giver), packed(receiver, owed), points, MONTH)
    if isinstance(moved, Refusal):
        assert moved.response_code in {"51", "05"}
        if moved.response_code == "51":
            assert alive(giver) < points
        else:
            months = {m for m in receiver | giver if m >= MONTH}
            assert len(months) > LOTS_MAX
        return
    left, got = moved.giver.lots, moved.receiver.lots
    # Sums: what one lost the other has, and what lapsed is told.
    assert sum(left.values()) == alive(giver) - points
    assert sum(got.values()) == alive(receiver) - owed + points
    assert moved.giver_expired == sum(giver.values()) - alive(giver)
    assert moved.receiver_expired == sum(receiver.values()) - alive(receiver)
    # Expiry: whatever came in came out of the giver's lot of the same month, the earliest first.
    taken = {month: giver[month] - left.get(month, 0) for month in giver if month >= MONTH}
    put = {m: got.get(m, 0) - (receiver.get(m, 0) if m >= MONTH else 0) for m in got if m != DEFICIT_MONTH}
    assert all(0 <= points <= taken.get(month, 0) for month, points in put.items())
    assert sum(put.values()) == max(0, points - owed)
    emptied = [month for month, part in taken.items() if part]
    assert all(giver[month] == taken[month] for month in sorted(emptied)[:-1])
    # Bounds.
    assert len(got.keys() - {DEFICIT_MONTH}) <= LOTS_MAX
    assert all(points > 0 for month, points in {**left, **got}.items() if month != DEFICIT_MONTH)


@given(LOTS, LOTS, st.integers(1, 10**12))
def test_the_moves_told_are_the_moves_made(giver: dict[int, int], receiver: dict[int, int], points: int) -> None:
    moved = move(packed(giver), packed(receiver), points, MONTH)
    assume(isinstance(moved, Moved))
    assert isinstance(moved, Moved)
    for before, side in ((giver, moved.giver), (receiver, moved.receiver)):
        told = dict(before)
        for month, part in unpack(side.moved()):
            told[month] = told.get(month, 0) + part
        assert {month: part for month, part in told.items() if part} == side.lots


def test_what_is_owed_is_paid_first() -> None:
    moved = move(packed({MONTH: 10, MONTH + 1: 10}), packed({}, owed=12), 15, MONTH)
    assert isinstance(moved, Moved)
    assert moved.receiver.lots == {MONTH + 1: 3}


def test_a_receiver_without_a_free_lot_is_told_so() -> None:
    full = {MONTH + 1 + n: 1 for n in range(LOTS_MAX)}
    assert move(packed({MONTH: 5}), packed(full), 5, MONTH) == Refusal("05", "receiver has 36 lots")
    assert isinstance(move(packed({MONTH + 1: 5}), packed(full), 5, MONTH), Moved)
    # A lot that has lapsed makes room.
    lapsing = {MONTH - 1: 1} | {MONTH + 1 + n: 1 for n in range(LOTS_MAX - 1)}
    assert isinstance(move(packed({MONTH: 5}), packed(lapsing), 5, MONTH), Moved)


def transfer(points: int = 5, **given_context: object) -> Effects | Refusal:
    return decide_transfer(Transfer(RECEIVER, points), GIVER, TAKER, context(**given_context))


GIVER = party(account(1, points=10, lots=packed({MONTH: 10})))
TAKER = party(account(2, points=1, lots=packed({MONTH + 1: 1})))


def test_both_accounts_and_both_rows() -> None:
    effects = transfer()
    assert isinstance(effects, Effects)
    giver, taker = effects.changes
    assert (giver.before, giver.points, giver.lots) == (GIVER.account, 5, packed({MONTH: 5}))
    assert (taker.before, taker.points, taker.lots) == (TAKER.account, 6, packed({MONTH: 5, MONTH + 1: 1}))
    assert effects.other is not None
    assert effects.decision.points_adjusted == -effects.other.decision.points_adjusted == -5
    assert (effects.other.shard, effects.other.account) == TAKER.account.key


BLOCKED = party(account(2), status=1)
CLOSED = party(account(2, status=2))
LATE = party(account(2), expires_on=DAY - dt.timedelta(days=1))
OTHER = party(account(2, programme=2))


@pytest.mark.parametrize(
    ("giver", "receiver", "points", "given_context", "code"),
    [
        (None, None, 5, {}, "14"),
        (GIVER, None, 5, {}, "14"),
        (GIVER, party(GIVER.account, is_first=False, status=1), 5, {}, "12"),
        (GIVER, BLOCKED, 5, {}, "78"),
        (GIVER, CLOSED, 5, {}, "78"),
        (party(account(3), expires_on=LATE.expires_on), BLOCKED, 0, {}, "78"),
        (party(account(3), status=1), TAKER, 5, {}, "78"),
        (GIVER, LATE, 99, {}, "54"),
        (GIVER, OTHER, 0, {}, "57"),
        (GIVER, TAKER, 0, {"institution": 2}, "57"),
        (GIVER, TAKER, 0, {"programme": None}, "57"),
        (GIVER, TAKER, 0, {}, "13"),
        (GIVER, TAKER, 99, {"held": Refusal("13", "")}, "13"),
        (GIVER, TAKER, 11, {}, "51"),
    ],
)
def test_the_first_in_the_order_of_de39_declines(
    giver: object, receiver: object, points: int, given_context: dict[str, object], code: str
) -> None:
    outcome = decide_transfer(
        Transfer(RECEIVER, points),
        giver,
        receiver,
        context(**given_context),  # type: ignore[arg-type]
    )
    assert isinstance(outcome, Refusal)
    assert outcome.response_code == code
    assert len(outcome.reason) <= 25


def test_a_balance_beyond_its_bounds() -> None:
    lots = packed({MONTH + n: BALANCE_MAX // 2 for n in range(2)})
    rich = party(account(2, points=BALANCE_MAX, lots=lots))
    outcome = decide_transfer(Transfer(RECEIVER, 5), GIVER, rich, context())
    assert isinstance(outcome, Refusal)
    assert outcome.response_code == "13"


def test_points_become_credit_at_their_value() -> None:
    effects = decide_conversion(Conversion(4), GIVER, context(currency=364))
    assert isinstance(effects, Effects)
    (change,) = effects.changes
    assert (change.points, change.credit, change.lots) == (6, 400, packed({MONTH: 6}))
    assert (effects.decision.points_redeemed, effects.decision.credit_granted) == (4, 400)
    assert effects.other is None


@pytest.mark.parametrize(("owed", "paid"), [(0, 0), (399, 399), (400, 400), (401, 0)])
def test_a_fee_that_is_owed_is_paid_as_soon_as_the_credit_suffices(owed: int, paid: int) -> None:
    member = party(account(1, points=10, lots=packed({MONTH: 10}), member=1))
    effects = decide_conversion(Conversion(4), member, context(currency=364), owed)
    assert isinstance(effects, Effects)
    assert (effects.decision.credit_granted, effects.decision.credit_spent) == (400, paid)
    assert effects.changes[0].credit == effects.decision.credit_balance == 400 - paid
    assert effects.fee_paid_by == (member.account.key if paid else None)


@pytest.mark.parametrize(
    ("points", "given_context", "code"),
    [
        (0, {"currency": 840}, "12"),
        (0, {}, "13"),
        (11, {}, "51"),
        (10**14, {}, "13"),
        (5, {"institution": 2}, "57"),
    ],
)
def test_conversions_that_are_declined(points: int, given_context: dict[str, object], code: str) -> None:
    outcome = decide_conversion(Conversion(points), GIVER, context(**given_context))
    assert isinstance(outcome, Refusal)
    assert outcome.response_code == code
