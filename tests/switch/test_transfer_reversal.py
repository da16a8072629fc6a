"""A transfer taken back: the very lots, all or nothing, none made or lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cext.programme_table import LOTS_MAX
from cext.reference.lots import pack, unpack
from switch.refusals import Refusal
from switch.transfer import decide_transfer
from switch.transfer_reversal import decide_reversal
from switch.transfer_reversal import given as given_lots
from switch.wide_ports import AccountRow, Effects, TransferRecord, TransferRow
from switch.wide_requests import Transfer
from tests.switch.fakes import TOKENS
from tests.switch.parties import MONTH, account, context, party

RECEIVER = TOKENS.card("6037990000000014")
LOTS = st.dictionaries(st.integers(MONTH - 2, MONTH + 20), st.integers(1, 10**9), max_size=12)


def row_of(seq: int, before: AccountRow, lots: bytes, points: int, moved: bytes, expired: int) -> TransferRow:
    after = account(before.id, points=points, lots=lots)
    return TransferRow(seq, after, "0006", expired, moved)


def transferred(giver: dict[int, int], receiver: dict[int, int], points: int) -> TransferRecord | None:
    """A transfer as the journal and the accounts have it afterwards; None if it was declined."""
    first = account(1, points=sum(giver.values()), lots=pack(sorted(giver.items())))
    second = account(2, points=sum(receiver.values()), lots=pack(sorted(receiver.items())))
    effects = decide_transfer(Transfer(RECEIVER, points), party(first), party(second), context())
    if isinstance(effects, Refusal):
        return None
    assert effects.other is not None
    rows = []
    for seq, (change, decision) in enumerate(
        zip(effects.changes, (effects.decision, effects.other.decision), strict=True), start=8
    ):
        assert change.points is not None
        assert change.lots is not None
        rows.append(
            row_of(seq, change.before, change.lots, change.points, decision.lots_moved, decision.points_expired)
        )
    return TransferRecord(rows[0], rows[1], None)


@given(LOTS, LOTS, st.integers(1, 10**9), st.integers(0, 30))
def test_a_transfer_and_its_reversal_leave_what_has_not_lapsed(
    giver: dict[int, int], receiver: dict[int, int], points: int, later: int
) -> None:
    record = transferred(giver, receiver, points)
    if record is None:
        return
    now = MONTH + later
    effects = decide_reversal(record, partial=False, context=context(local_month=now))
    assert isinstance(effects, Effects)
    for change, before in zip(effects.changes, (giver, receiver), strict=True):
        assert change.lots is not None
        assert dict(unpack(change.lots)) == {month: part for month, part in before.items() if month >= now}
        assert change.points == sum(part for _, part in unpack(change.lots))
    assert effects.other is not None
    assert effects.decision.points_adjusted + effects.other.decision.points_adjusted == 0
    assert (effects.original_seq, effects.other.original_seq) == (8, 9)


def test_what_had_lapsed_before_was_not_given() -> None:
    record = transferred({MONTH - 1: 4, MONTH: 3, MONTH + 1: 5}, {}, 5)
    assert record is not None
    assert given_lots(record.giver, MONTH) == [(MONTH, 3), (MONTH + 1, 2)]
    assert given_lots(record.giver, MONTH + 1) == [(MONTH + 1, 2)]


def spent(record: TransferRecord, left: dict[int, int]) -> TransferRecord:
    """The same, with other points at the receiver by now."""
    packed = pack(sorted(left.items()))
    receiver = row_of(9, record.receiver.account, packed, sum(left.values()), record.receiver.lots_moved, 0)
    return TransferRecord(record.giver, receiver, None)


def test_a_receiver_gives_other_months_when_those_are_spent() -> None:
    record = transferred({MONTH: 5}, {MONTH + 1: 5}, 5)
    assert record is not None
    effects = decide_reversal(spent(record, {MONTH: 1, MONTH + 1: 5}), partial=False, context=context())
    assert isinstance(effects, Effects)
    giver, receiver = effects.changes
    assert (giver.lots, receiver.lots) == (pack([(MONTH, 5)]), pack([(MONTH + 1, 1)]))


@pytest.mark.parametrize(
    ("left", "partial", "given_context", "code"),
    [
        ({MONTH: 4}, False, {}, "51"),
        ({MONTH: 5}, True, {}, "12"),
        ({MONTH: 5}, False, {"programme": None}, "12"),
    ],
)
def test_declines(left: dict[int, int], partial: bool, given_context: dict[str, object], code: str) -> None:
    record = transferred({MONTH: 5}, {}, 5)
    assert record is not None
    outcome = decide_reversal(spent(record, left), partial=partial, context=context(**given_context))
    assert isinstance(outcome, Refusal)
    assert outcome.response_code == code
    assert len(outcome.reason) <= 25


def test_without_the_transfer_nothing_is_taken_back() -> None:
    outcome = decide_reversal(None, partial=False, context=context())
    assert isinstance(outcome, Refusal)
    assert outcome.response_code == "12"


def test_a_giver_without_a_free_lot_is_told_so() -> None:
    record = transferred({MONTH: 5}, {}, 5)
    assert record is not None
    full = pack([(MONTH + 1 + n, 1) for n in range(LOTS_MAX)])
    giver = row_of(8, record.giver.account, full, LOTS_MAX, record.giver.lots_moved, 0)
    outcome = decide_reversal(TransferRecord(giver, record.receiver, None), partial=False, context=context())
    assert outcome == Refusal("05", "giver has 36 lots")
