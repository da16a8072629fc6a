"""The packing of what was spent lately: an account's spend by day, for rules that ask for the last days.

Packed, a day is 12 bytes: big-endian int32 day (days since 1970-01-01) and int64 minor units, sorted by day. A day on
which more was paid back than spent is below zero, and one that comes to nothing is not kept.
"""

import struct

from cext.programme_table import BALANCE_MAX, RECENT_DAYS_MAX, SPEND_DAYS

DAY = struct.Struct(">iq")


def pack(days: list[tuple[int, int]]) -> bytes:
    """(day, minor units) → bytes, in the order given."""
    return b"".join(DAY.pack(*day) for day in days)


def unpack(packed: bytes) -> list[tuple[int, int]]:
    """The reverse of `pack`. Raises ValueError unless the length is a multiple of 12."""
    if len(packed) % DAY.size:
        raise ValueError("packed days must be 12 bytes each")
    return [(day, amount) for day, amount in DAY.iter_unpack(packed)]


def check(packed: bytes) -> None:
    """Raise ValueError unless these are days as a decision leaves them."""
    days = unpack(packed)
    if len(days) > RECENT_DAYS_MAX:
        raise ValueError(f"an account keeps at most {RECENT_DAYS_MAX} days of spend")
    previous = -1
    for day, amount in days:
        if day <= previous:
            raise ValueError("days of spend must be sorted, each day once, from 0")
        if abs(amount) > BALANCE_MAX:
            raise ValueError(f"a day's spend must be at most {BALANCE_MAX}")
        previous = day


def spent(packed: bytes, local_day: int) -> int:
    """What was spent on the SPEND_DAYS days up to this one (minor units), at least 0."""
    return max(0, sum(amount for day, amount in unpack(packed) if local_day - SPEND_DAYS < day <= local_day))


def with_spend(packed: bytes, local_day: int, amount: int) -> bytes:
    """The days with `amount` more on this one, without those that no message from this day on asks for.

    A message may be of an earlier day than the last one; of too many days the earliest are left out.
    """
    days = {day: before for day, before in unpack(packed) if day > local_day - SPEND_DAYS}
    days[local_day] = days.get(local_day, 0) + amount
    if not days[local_day]:
        del days[local_day]
    return pack(sorted(days.items())[-RECENT_DAYS_MAX:])


def within_bounds(packed: bytes) -> bool:
    """Whether each day's spend may be worked on."""
    return all(abs(amount) <= BALANCE_MAX for _, amount in unpack(packed))
