"""The packing of reserves: points and credit that an account has and may not spend yet.

Packed, a reserve is 32 bytes: big-endian int64 key, int64 until, int64 points and int64 credit, sorted by key and
until. Key 0: points that are pending until their return window is over; `until` is the last day of it, in days since
1970-01-01. Any other key: what the 0100 of that key holds; `until` is the second, since 1970, at which the hold ends.
`reserves_moved` is packed likewise; its points and credit say what was added.
"""

import struct
from typing import NamedTuple

from cext.programme_table import BALANCE_MAX, HOLDS_MAX, RESERVES_MAX

RESERVE = struct.Struct(">qqqq")
PENDING = 0
"""The key of what is pending."""


class Reserve(NamedTuple):
    """One entry: see above."""

    key: int
    until: int
    points: int
    credit: int


def pack(entries: list[Reserve]) -> bytes:
    """Entries → bytes, in the order given."""
    return b"".join(RESERVE.pack(*entry) for entry in entries)


def unpack(packed: bytes) -> list[Reserve]:
    """The reverse of `pack`. Raises ValueError unless the length is a multiple of 32."""
    if len(packed) % RESERVE.size:
        raise ValueError("packed reserves must be 32 bytes each")
    return [Reserve(*entry) for entry in RESERVE.iter_unpack(packed)]


def check(packed: bytes) -> None:
    """Raise ValueError unless these are reserves as a decision leaves them."""
    entries = unpack(packed)
    if len(entries) > RESERVES_MAX:
        raise ValueError(f"an account has at most {RESERVES_MAX} reserves")
    previous = (-1, -1)
    for key, until, points, credit in entries:
        if (key, until) <= previous:
            raise ValueError("reserves must be sorted by key and until, each pair once, from 0")
        if until < 0 or not (0 <= points <= BALANCE_MAX and 0 <= credit <= BALANCE_MAX) or points == credit == 0:
            raise ValueError(f"a reserve must be 1 to {BALANCE_MAX} points or minor units")
        previous = (key, until)


def check_moves(packed: bytes, most: int | None = RESERVES_MAX) -> None:
    """Raise ValueError unless these are moves of reserves, at most so many."""
    entries = unpack(packed)
    if most is not None and len(entries) > most:
        raise ValueError(f"reserves_moved has at most {most} entries")
    for key, until, points, credit in entries:
        if key < 0 or until < 0 or abs(points) > BALANCE_MAX or abs(credit) > BALANCE_MAX:
            raise ValueError(f"a reserve's move must be by at most {BALANCE_MAX}")


class Reserves:
    """A working copy of an account's reserves, without those whose time is over, that remembers what was moved.

    `local_day`: days since 1970-01-01, for what is pending; `now`: epoch seconds, for holds.
    """

    def __init__(self, packed: bytes, *, local_day: int, now: int) -> None:
        self._before = {(key, until): (points, credit) for key, until, points, credit in unpack(packed)}
        self._entries = {
            (key, until): amounts
            for (key, until), amounts in self._before.items()
            if until >= (local_day if key == PENDING else now)
        }

    @property
    def points_pending(self) -> int:
        """Points that are pending."""
        return sum(points for (key, _), (points, _) in self._entries.items() if key == PENDING)

    @property
    def points_held(self) -> int:
        """Points that holds keep back."""
        return sum(points for (key, _), (points, _) in self._entries.items() if key != PENDING)

    @property
    def points(self) -> int:
        """Points that may not be spent."""
        return sum(points for points, _ in self._entries.values())

    @property
    def credit(self) -> int:
        """Credit that may not be spent, minor units."""
        return sum(credit for _, credit in self._entries.values())

    @property
    def has_room_for_a_hold(self) -> bool:
        """Whether the account has fewer holds than it may have."""
        return sum(key != PENDING for key, _ in self._entries) < HOLDS_MAX

    def pend(self, until: int, points: int) -> None:
        """Add to what is pending until the end of a day, or, below zero, take away as much as there is."""
        self.move(PENDING, until, points, 0)

    def move(self, key: int, until: int, points: int, credit: int) -> None:
        """Add to a reserve, or, below zero, take away as much as there is."""
        held_points, held_credit = self._entries.get((key, until), (0, 0))
        self._put(key, until, max(0, held_points + points), max(0, held_credit + credit))

    def hold(self, key: int, until: int, points: int, credit: int) -> None:
        """Keep points and credit back. Of two holds of one key and second, the later one ends a second later."""
        while (key, until) in self._entries:
            until += 1
        self._put(key, until, points, credit)

    def end(self, moved: bytes) -> None:
        """End the hold that these moves made, if it is still there."""
        for key, until, points, credit in unpack(moved):
            if key != PENDING and (points > 0 or credit > 0):
                self._entries.pop((key, until), None)

    def undo(self, moved: bytes, undone: bytes, *, direction: int, done: int, whole: int, local_day: int) -> None:
        """Undo this part of what a message made pending (`direction` -1: what a refund took of it), if it is not over.

        `undone`: what earlier messages undid of it, with `done` of `whole` being undone with this one.
        """
        before = unpack(undone)
        for key, until, points, _ in unpack(moved):
            if key != PENDING or until < local_day or points * direction <= 0:
                continue
            total = 0
            for other in before:
                if (other.key, other.until) == (key, until):
                    total = max(-BALANCE_MAX, min(BALANCE_MAX, total - other.points * direction))
            due = max(0, abs(points) * done // whole - total)
            self.pend(until, -direction * due)

    def fit(self, points: int, credit: int) -> None:
        """Give up what is no more there, so that no more is reserved than these: first what is pending, by its end."""
        over_points, over_credit = self.points - max(0, points), self.credit - max(0, credit)
        for (key, until), (held_points, held_credit) in sorted(self._entries.items()):
            less_points = max(0, min(over_points, held_points))
            less_credit = max(0, min(over_credit, held_credit))
            over_points -= less_points
            over_credit -= less_credit
            self._put(key, until, held_points - less_points, held_credit - less_credit)

    def _put(self, key: int, until: int, points: int, credit: int) -> None:
        if points == credit == 0:
            self._entries.pop((key, until), None)
        else:
            self._entries[key, until] = (points, credit)

    def packed(self) -> bytes:
        """As an account keeps them."""
        return pack([Reserve(*place, *amounts) for place, amounts in sorted(self._entries.items())])

    def _moves(self) -> list[Reserve]:
        moves = []
        for place in sorted({*self._before, *self._entries}):
            before, after = self._before.get(place, (0, 0)), self._entries.get(place, (0, 0))
            if before != after:
                moves.append(Reserve(*place, after[0] - before[0], after[1] - before[1]))
        return moves

    def within_bounds(self) -> bool:
        """Whether the account and the moves' column have room for them."""
        return len(self._entries) <= RESERVES_MAX and len(self._moves()) <= RESERVES_MAX

    def moved(self) -> bytes:
        """`reserves_moved` of the decision."""
        return pack(self._moves())
