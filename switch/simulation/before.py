"""An account as it was right before one of its messages, out of the journal alone.

What rows moved since is taken off the account as it is now. What cannot be taken off comes from the rows before: from
all of them, walked from the first one on (`account_before`), or, for the last purchase, from what the rows since say of
themselves (`account_before_last`).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from cext._kernel import REFUND, REVERSAL, Account
from cext.reference import counters as counter_packing
from cext.reference import grants as grant_packing
from cext.reference.recent import with_spend
from switch.simulation.history import (
    EVENT,
    FULL,
    OTHER,
    PURCHASES,
    BrokenHistory,
    History,
    Past,
    Present,
    Row,
    Undo,
    account_at_start,
    undos,
)

DayOf = Callable[[int], int]
"""Epoch seconds → the local day, since 1970-01-01."""


@dataclass(frozen=True, slots=True)
class Opening:
    """What an account brought along from before its first row."""

    points: int = 0
    credit: int = 0


@dataclass(slots=True)
class _Walked:
    """What the rows so far come to."""

    points: int
    credit: int
    visits: int = 0
    spend: int = 0
    first_visit: int = 0
    last_visit: int = 0

    def take(self, row: Row, undo: Undo | None) -> None:
        self.points += row.points_earned - row.points_redeemed - row.points_expired + row.points_adjusted
        self.credit += row.credit_granted - row.credit_spent
        if row.kind in PURCHASES:
            self.first_visit = min(self.first_visit, row.at) if self.visits else row.at
            self.last_visit = max(self.last_visit, row.at)
            self.visits += 1
            self.spend += row.amount
        elif undo is not None and undo.kind not in (EVENT, OTHER):
            self._undo(row, undo)

    def _undo(self, row: Row, undo: Undo) -> None:
        self.spend = max(0, self.spend - undo.direction * row.amount)
        if undo.left == FULL and undo.direction > 0:
            self.visits = max(0, self.visits - 1)
            if not self.visits:
                self.first_visit = self.last_visit = 0


def account_before(
    present: Present, rows: Sequence[Row], tiers: Mapping[int, int], seq: int, opening: Opening, day_of: DayOf
) -> Account:
    """The account before the message of this seq. `rows`: all that were approved; `tiers`: the tier after each.

    The spend of the last days is told as if the programme had asked for it from the beginning.

    Raises `BrokenHistory` if the rows do not lead from the opening to the account as it is: it was used before the
    journal began, or days of the journal are not there any more.
    """
    _require_originals(rows)
    undone = undos(rows)
    earlier = [row for row in rows if row.seq < seq]
    walked = _Walked(opening.points, opening.credit)
    for row in earlier:
        walked.take(row, undone.get(row.seq))
    past = Past(
        walked.last_visit,
        next((tiers[row.seq] for row in reversed(earlier) if _is_decided(row, undone)), 0),
        b"".join(row.counters_moved or b"" for row in earlier),
        b"".join(row.grants_moved or b"" for row in earlier),
        _recent_after(b"", ((day_of(row.at), _spent(row, undone)) for row in earlier)),
    )
    account = account_at_start(History(present, [row for row in rows if row.seq >= seq], past), undone)
    if (account.points, account.credit, account.visits, account.spend) != (
        walked.points, walked.credit, walked.visits, walked.spend,
    ):  # fmt: skip
        raise BrokenHistory
    account.first_visit = walked.first_visit
    return account


def _require_originals(rows: Sequence[Row]) -> None:
    """Raise `BrokenHistory` if a row undoes one that is not among them."""
    known = {row.seq for row in rows}
    if any(row.original_seq is not None and row.original_seq not in known for row in rows):
        raise BrokenHistory


def _is_decided(row: Row, undone: Mapping[int, Undo]) -> bool:
    """Whether a programme decided the row: what the wide lane writes says nothing of the tier."""
    if row.kind in (REFUND, REVERSAL):
        return row.seq in undone and undone[row.seq].kind != OTHER
    return row.kind != OTHER


def _spent(row: Row, undone: Mapping[int, Undo]) -> int:
    """What a row adds to the spend of its day; below 0 if it takes something back."""
    if row.kind in PURCHASES:
        return row.amount
    undo = undone.get(row.seq)
    return 0 if undo is None or undo.kind in (EVENT, OTHER) else -undo.direction * row.amount


def _recent_after(packed: bytes, moves: Iterable[tuple[int, int]]) -> bytes:
    """The spend of the last days after (day, amount) each."""
    for day, amount in moves:
        if amount:
            packed = with_spend(packed, day, amount)
    return packed


def _recent_before(packed: bytes, rows: Sequence[Row], undone: Mapping[int, Undo], day_of: DayOf) -> bytes:
    """The spend of the last days without what rows moved. What a later day made forgotten does not come back."""
    moves = [(day_of(row.at), -_spent(row, undone)) for row in reversed(rows)]
    if len({day for day, amount in moves if amount}) > 1:
        raise BrokenHistory
    return _recent_after(packed, moves)


def account_before_last(
    present: Present, rows: Sequence[Row], tier_before: int, last_visit: int, day_of: DayOf | None
) -> Account:
    """The account before its last purchase. `rows`: that one and all since, in order of seq.

    `last_visit` is the purchase before it. Offers that have ended by now may not be known, nor how often an event was
    used in a period that is over. `day_of` is None if no rule asks for the spend of the last days. Raises
    `BrokenHistory`, also if a row undoes one that is not among these, or if something was given back on a later day and
    that spend is asked for.
    """
    _require_originals(rows)
    undone = undos(rows)
    past = Past(
        last_visit,
        tier_before,
        _counters_before(present.counters, rows),
        _grants_before(present.grants, rows),
        b"" if day_of is None else _recent_before(present.recent, rows, undone, day_of),
    )
    return account_at_start(History(present, list(rows), past), undone)


def _counters_before(packed: bytes, rows: Sequence[Row]) -> bytes:
    """Counters without what rows added; a counter that they began, or began anew, was worth nothing then."""
    kept = {slot: (number, value) for slot, number, value in counter_packing.unpack(packed)}
    for row in reversed(rows):
        for slot, number, moved in counter_packing.unpack(row.counters_moved or b""):
            period, value = kept.get(slot, (number, 0))
            if period == number:
                kept[slot] = (number, value - moved)
    return counter_packing.pack([(slot, number, value) for slot, (number, value) in sorted(kept.items()) if value > 0])


def _grants_before(packed: bytes, rows: Iterable[Row]) -> bytes:
    """Offers as they were before rows made, used, took back or gave back some of them."""
    kept = {grant.slot: grant for grant in grant_packing.unpack(packed)}
    for row in reversed(list(rows)):
        undoes = row.kind in (REFUND, REVERSAL)
        for moved in grant_packing.unpack(row.grants_moved or b""):
            if moved.state in (grant_packing.USED, grant_packing.TAKEN_BACK):
                kept[moved.slot] = moved.with_state(0)
            elif undoes:
                kept[moved.slot] = moved.with_state(grant_packing.USED)
            else:
                kept.pop(moved.slot, None)
    return grant_packing.pack([grant for _, grant in sorted(kept.items())])
