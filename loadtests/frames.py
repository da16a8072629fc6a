"""Purchases as bytes, made once for each connection and patched for each message; replies read without
decoding.

A client that shares the machine with what it measures must cost next to nothing: a message here costs five
slice assignments, a reply two slices at positions that follow from its bitmap.
"""

import time
from typing import Final, NamedTuple

import cext
from adapters.postgres.seeding import ACQUIRER, MERCHANT, CardNumbers
from protocol.dialect import load

DIALECT: Final = "iso87-ascii"
LENGTH_BYTES: Final = 2
STANS: Final = 1_000_000
PAN_DIGITS: Final = 16
AMOUNT_MINOR: Final = 1_500_000
CURRENCY: Final = "364"

_MTI_AT: Final = LENGTH_BYTES
_BITMAP_AT: Final = _MTI_AT + 4
_FIELDS_AT: Final = _BITMAP_AT + 16
_SECONDARY: Final = 1 << 63
_STAN: Final = 11
_RESPONSE_CODE: Final = 39


class ReplyLayout(NamedTuple):
    """Where a reply has its STAN and its response code; the latter is empty if it has none, as an echo."""

    stan: slice
    response_code: slice


class PanBook:
    """The card numbers that `loyalty-switch seed` makes, 16 bytes each, one after the other."""

    def __init__(self, cards: int) -> None:
        if cards < 1:
            raise ValueError("a flood needs at least one card")
        number = CardNumbers().number
        self.cards = cards
        self._digits = "".join(map(number, range(cards))).encode()

    def pan(self, serial: int) -> bytes:
        """The PAN with this serial."""
        start = serial * PAN_DIGITS
        return self._digits[start : start + PAN_DIGITS]


def purchase_fields(terminal: int, now: float) -> dict[int, str]:
    """A 0200 of sixteen data elements; those that change with each message hold zeros."""
    local = time.localtime(now)
    return {
        2: "0" * PAN_DIGITS,
        3: "000000",
        4: f"{AMOUNT_MINOR:012d}",
        7: "0" * 10,
        11: "0" * 6,
        12: time.strftime("%H%M%S", local),
        13: time.strftime("%m%d", local),
        18: "5411",
        22: "021",
        25: "00",
        32: ACQUIRER,
        37: "0" * 12,
        41: f"T{terminal:07d}",
        42: MERCHANT,
        48: "LG002fa",
        49: CURRENCY,
    }


class Purchases:
    """The purchases of one terminal, framed with `length2`: the same bytes, patched and handed out again.

    A frame may be patched when its reply has come: until then the transport may still hold it.
    """

    __slots__ = ("_frame", "_pan", "_rrn_stan", "_sent_at", "_stan", "_stan_at", "stan")

    def __init__(self, terminal: int, *, first_stan: int, now: float) -> None:
        body, places = _pack("0200", purchase_fields(terminal, now))
        self._frame = bytearray(len(body).to_bytes(LENGTH_BYTES, "big") + body)
        self._pan = places[2]
        self._sent_at = places[7]
        self._stan_at = places[_STAN]
        rrn = places[37]
        self._frame[rrn.start : rrn.start + 6] = time.strftime("%y%j%H", time.gmtime(now))[1:].encode()
        self._rrn_stan = slice(rrn.start + 6, rrn.stop)
        self._stan = first_stan
        self.stan = b""

    def next(self, pan: bytes, sent_at: bytes) -> bytearray:
        """The next purchase: this card (16 digits), DE7 (10 digits, UTC), the next STAN.

        Its STAN is `stan` now.
        """
        self._stan = number = (self._stan + 1) % STANS
        self.stan = stan = b"%06d" % number
        frame = self._frame
        frame[self._pan] = pan
        frame[self._sent_at] = sent_at
        frame[self._stan_at] = stan
        frame[self._rrn_stan] = stan
        return frame


def sent_at(now: float) -> bytes:
    """DE7: MMDDhhmmss in UTC."""
    return time.strftime("%m%d%H%M%S", time.gmtime(now)).encode()


def reply_layout(frame: bytes) -> ReplyLayout:
    """Where such a reply, with its length prefix, has what a client must look at. ValueError if it has no
    STAN.

    It holds for every reply with the same bitmap, as the variable elements before DE39 (card, acquirer) have
    the same length in every message of the flood.
    """
    rows = load(DIALECT).table.rows
    bitmap = int(frame[_BITMAP_AT:_FIELDS_AT], 16)
    at = _FIELDS_AT + (16 if bitmap & _SECONDARY else 0)
    places: dict[int, slice] = {}
    for number in range(2, _RESPONSE_CODE + 1):
        if not bitmap & (1 << (64 - number)):
            continue
        row = rows[number]
        size = row.maximum
        if row.length_digits:
            size = int(frame[at : at + row.length_digits])
            at += row.length_digits
        places[number] = slice(at, at + size * (2 if row.encoding == cext.ENCODING_HEX else 1))
        at = places[number].stop
    if _STAN not in places:
        raise ValueError("a reply without a STAN belongs to nothing")
    return ReplyLayout(places[_STAN], places.get(_RESPONSE_CODE, slice(0, 0)))


BITMAP: Final = slice(_BITMAP_AT, _FIELDS_AT)
"""The bitmap in a framed message: what decides the layout of a reply."""


def _pack(mti: str, fields: dict[int, str]) -> tuple[bytes, dict[int, slice]]:
    """The message, and where each element's value stands behind a length prefix."""
    rows = load(DIALECT).table.rows
    bitmap = sum(1 << (64 - number) for number in fields)
    text = f"{mti}{bitmap:016X}"
    places: dict[int, slice] = {}
    for number, value in sorted(fields.items()):
        digits = rows[number].length_digits
        text += f"{len(value):0{digits}d}" if digits else ""
        start = len(text) + LENGTH_BYTES
        places[number] = slice(start, start + len(value))
        text += value
    return text.encode("ascii"), places
