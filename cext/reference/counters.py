"""The plain-Python reference of the kernel's counters: stamps, tickets and uses, by slot.

Packed, a counter is 14 bytes: big-endian uint16 slot, int32 number of its period (`cext.programme_table.Period`) and
int64 value, sorted by slot. `counters_moved` is packed likewise; its values say what was added.

**A late message counts in the later period.** An advice of yesterday may follow today's messages: it adds to today's
counter, as yesterday's is gone, so that no limit is passed by the order of arrival.
"""

import struct
from dataclasses import dataclass

from cext.programme_table import BALANCE_MAX, COUNTER_MOVES_MAX, COUNTERS_MAX, SLOTS_MAX, LimitRow, Period

COUNTER = struct.Struct(">Hiq")

Entry = tuple[int, int, int]
"""(slot, number of the period, value)"""


def pack(entries: list[Entry]) -> bytes:
    """Entries → bytes, in the order given."""
    return b"".join(COUNTER.pack(*entry) for entry in entries)


def unpack(packed: bytes) -> list[Entry]:
    """The reverse of `pack`. Raises ValueError unless the length is a multiple of 14."""
    if len(packed) % COUNTER.size:
        raise ValueError("packed counters must be 14 bytes each")
    return [(slot, number, value) for slot, number, value in COUNTER.iter_unpack(packed)]


def check(packed: bytes) -> None:
    """Raise ValueError unless these are counters as a decision leaves them."""
    entries = unpack(packed)
    if len(entries) > COUNTERS_MAX:
        raise ValueError(f"an account has at most {COUNTERS_MAX} counters")
    previous = 0
    for slot, number, value in entries:
        if not previous < slot <= SLOTS_MAX:
            raise ValueError(f"counters must be sorted by slot, each slot once, 1 to {SLOTS_MAX}")
        if number < 0 or not 0 < value <= BALANCE_MAX:
            raise ValueError(f"a counter must be 1 to {BALANCE_MAX}, its period not below 0")
        previous = slot


def check_moves(packed: bytes, most: int | None = COUNTER_MOVES_MAX) -> None:
    """Raise ValueError unless these are moves of counters, at most so many."""
    entries = unpack(packed)
    if most is not None and len(entries) > most:
        raise ValueError(f"counters_moved has at most {most} entries")
    for slot, number, value in entries:
        if not 1 <= slot <= SLOTS_MAX or number < 0 or abs(value) > BALANCE_MAX:
            raise ValueError(f"a counter's move must be of slot 1 to {SLOTS_MAX}, by at most {BALANCE_MAX}")


@dataclass(slots=True)
class _Counter:
    number: int
    value: int
    moved: int = 0


class Counters:
    """A working copy of an account's counters that remembers what was moved."""

    def __init__(self, packed: bytes, *, local_month: int, local_day: int) -> None:
        self._counters = {slot: _Counter(number, value) for slot, number, value in unpack(packed)}
        self._numbers = {
            int(Period.LIFE): 0,
            int(Period.YEAR): local_month // 12,
            int(Period.MONTH): local_month,
            int(Period.DAY): local_day,
        }
        self.overfull = False

    def value(self, slot: int, period: int) -> int:
        """The counter now; 0 if its period is over."""
        counter = self._counters.get(slot)
        return counter.value if counter is not None and counter.number >= self._numbers[period] else 0

    def add(self, slot: int, period: int, count: int) -> None:
        """Add to a counter, in the period of the message or a later one; it does not fall below 0."""
        counter = self._counters.get(slot)
        if counter is None:
            if count <= 0:
                return
            counter = self._insert(slot, self._numbers[period])
        elif counter.number < self._numbers[period]:
            counter.number, counter.value = self._numbers[period], 0
        self._move(counter, count)

    def give_back(self, slot: int, number: int, count: int) -> None:
        """Add to a counter if it is still of the period of this number; what is empty is of any."""
        counter = self._counters.get(slot)
        if counter is None:
            if count <= 0:
                return
            counter = self._insert(slot, number)
        if counter.number == number:
            self._move(counter, count)

    def _insert(self, slot: int, number: int) -> _Counter:
        counter = _Counter(number, 0)
        if len(self._counters) >= COUNTER_MOVES_MAX:
            self.overfull = True
        else:
            self._counters[slot] = counter
        return counter

    def _move(self, counter: _Counter, count: int) -> None:
        value = max(0, counter.value + count)
        if value > BALANCE_MAX:
            self.overfull = True
            return
        counter.moved += value - counter.value
        counter.value = value

    def make_room(self, limits: tuple[LimitRow, ...]) -> None:
        """Too many: drop the limits' counters whose period is over. They are worth 0; the rest may be needed again."""
        if self._kept() > COUNTERS_MAX:
            self.forget(limits)

    def forget(self, limits: tuple[LimitRow, ...]) -> None:
        """Drop the limits' counters whose period is over, unless this message moved them."""
        for slot, period, _ in limits:
            counter = self._counters.get(slot)
            if counter is not None and not counter.moved and counter.number < self._numbers[period]:
                del self._counters[slot]

    def _kept(self) -> int:
        return sum(counter.value > 0 for counter in self._counters.values())

    def within_bounds(self) -> bool:
        """Whether the account may keep these."""
        return not self.overfull and self._kept() <= COUNTERS_MAX

    def packed(self) -> bytes:
        """What the account keeps."""
        return pack([(slot, c.number, c.value) for slot, c in sorted(self._counters.items()) if c.value])

    def moved(self) -> bytes:
        """`counters_moved` of the decision."""
        return pack([(slot, c.number, c.moved) for slot, c in sorted(self._counters.items()) if c.moved])
