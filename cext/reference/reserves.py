"""The packing of reserves: points and credit that an account has and may not spend yet.

Packed, a reserve is 32 bytes: big-endian int64 key, int64 until, int64 points and int64 credit, sorted by key and
until. Key 0: points that are pending until their return window is over; `until` is the last day of it, in days since
1970-01-01. Any other key: what the 0100 of that key holds; `until` is the second, since 1970, at which the hold ends.
`reserves_moved` is packed likewise; its points and credit say what was added.
"""

import struct
from typing import NamedTuple

from cext.programme_table import BALANCE_MAX, RESERVES_MAX

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
