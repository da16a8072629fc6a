"""The plain-Python reference of the kernel's lots: points by the month in which they expire.

Packed, a lot is 10 bytes: big-endian int16 month (months since 2000-01; -1: the deficit lot) and int64
points, sorted by month. `lots_moved` is packed likewise, but what was taken from a lot and what was put into
it stand as two entries (taken first), so that an undo can tell a redemption from the accrual that went into
the same lot.
"""

import struct

from cext.programme_table import BALANCE_MAX, DEFICIT_MONTH, LOTS_MAX, MOVES_MAX

_LOT = struct.Struct(">hq")


def pack(entries: list[tuple[int, int]]) -> bytes:
    """[(month, points)] → bytes, in the order given."""
    return b"".join(_LOT.pack(month, points) for month, points in entries)


def unpack(packed: bytes) -> list[tuple[int, int]]:
    """The reverse of `pack`. Raises ValueError unless the length is a multiple of 10."""
    if len(packed) % _LOT.size:
        raise ValueError("packed lots must be 10 bytes each")
    return [(month, points) for month, points in _LOT.iter_unpack(packed)]


def checked(packed: bytes) -> dict[int, int]:
    """An account's lots as month → points. Raises ValueError if they are not what a decision leaves."""
    entries = unpack(packed)
    lots: dict[int, int] = {}
    previous = DEFICIT_MONTH - 1
    for month, points in entries:
        if month <= previous:
            raise ValueError("lots must be sorted by month, each month once, from -1")
        if (points > 0) == (month == DEFICIT_MONTH) or points == 0:
            raise ValueError("a lot must be above zero, the deficit lot below")
        lots[month] = points
        previous = month
    if len(lots) - (DEFICIT_MONTH in lots) > LOTS_MAX:
        raise ValueError(f"an account has at most {LOTS_MAX} lots")
    return lots


class Lots:
    """A working copy of an account's lots that remembers what was moved."""

    def __init__(self, lots: dict[int, int]) -> None:
        self.lots = dict(lots)
        self._moves: dict[tuple[int, bool], int] = {}

    def _record(self, month: int, points: int) -> None:
        key = (month, points > 0)
        self._moves[key] = self._moves.get(key, 0) + points

    def _take(self, month: int, points: int) -> int:
        """Take at most `points` from one lot."""
        taken = min(points, self.lots.get(month, 0))
        if taken <= 0:
            return 0
        self.lots[month] -= taken
        if not self.lots[month]:
            del self.lots[month]
        self._record(month, -taken)
        return taken

    def lapse(self, local_month: int) -> int:
        """Take out every lot that expired before this month; returns their points."""
        lapsed = [month for month in self.lots if DEFICIT_MONTH < month < local_month]
        return sum(self._take(month, self.lots[month]) for month in lapsed)

    def spendable(self) -> int:
        """Points that may be spent, once the lapsed lots are out."""
        return sum(points for points in self.lots.values() if points > 0)

    def take_earliest(self, points: int) -> int:
        """Take at most `points`, from the lot that expires first on; returns what was there."""
        wanted = points
        for month in sorted(self.lots):
            wanted -= self._take(month, wanted)
        return points - wanted

    def take_from(self, sources: list[tuple[int, int]], points: int) -> int:
        """Take at most `points` from the given lots, each up to its limit; returns what was there."""
        wanted = points
        for month, limit in sources:
            wanted -= self._take(month, min(wanted, limit))
        return points - wanted

    def owe(self, points: int) -> None:
        """Enlarge the deficit lot."""
        if points:
            self.lots[DEFICIT_MONTH] = self.lots.get(DEFICIT_MONTH, 0) - points
            self._record(DEFICIT_MONTH, -points)

    def add(self, month: int, points: int) -> None:
        """Put points into a lot, once a deficit is paid. A full account puts them beside their month."""
        paid = min(points, -self.lots.get(DEFICIT_MONTH, 0))
        if paid > 0:
            self.lots[DEFICIT_MONTH] += paid
            if not self.lots[DEFICIT_MONTH]:
                del self.lots[DEFICIT_MONTH]
            self._record(DEFICIT_MONTH, paid)
            points -= paid
        if not points:
            return
        month = self._place(month)
        self.lots[month] = self.lots.get(month, 0) + points
        self._record(month, points)

    def _place(self, month: int) -> int:
        months = sorted(month for month in self.lots if month != DEFICIT_MONTH)
        if month in months or len(months) < LOTS_MAX:
            return month
        earlier = [candidate for candidate in months if candidate < month]
        return earlier[-1] if earlier else months[0]

    def pass_through(self, month: int, points: int) -> None:
        """Points come back to a lot that lapsed meanwhile and expire at once."""
        if points:
            self._record(month, points)
            self._record(month, -points)

    def within_bounds(self) -> bool:
        """Whether every lot can still be worked on, and the moves fit their column."""
        return len(self._moves) <= MOVES_MAX and all(abs(points) <= BALANCE_MAX for points in self.lots.values())

    def moved(self) -> bytes:
        """`lots_moved` of the decision."""
        return pack([(month, points) for (month, _), points in sorted(self._moves.items())])
