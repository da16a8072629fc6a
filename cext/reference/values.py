"""Single values of data elements in plain Python: what they may hold, and how digits are packed."""

import re
from dataclasses import dataclass

import cext
from cext import Row

_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")
_OUTSIDE: dict[int, tuple[re.Pattern[bytes], int]] = {
    cext.CLASS_DIGITS: (re.compile(rb"[^0-9]"), cext.NOT_DIGIT),
    cext.CLASS_TRACK: (re.compile(rb"[^0-9=D]"), cext.NOT_TRACK),
    cext.CLASS_PRINTABLE: (re.compile(rb"[^\x20-\x7e]"), cext.NOT_PRINTABLE),
}
_NIBBLES = {cext.CLASS_DIGITS: "0123456789??????", cext.CLASS_TRACK: "0123456789???=??"}
NOT_HEX_DIGIT = re.compile(rb"[^0-9A-Fa-f]")
_SIGNS = b"CD"


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a data element can't be read; `offset` is that of the byte at fault; no value is in `reason`."""

    data_element: int | None
    offset: int
    reason: str


@dataclass(frozen=True, slots=True)
class Element:
    """One data element where it stands: `at` its length prefix, `start` its value, `end` the byte after it.

    `number` 0 is the MTI, 1 the bitmap, None what follows the last element. Without a fault there is a value.
    """

    number: int | None
    at: int
    start: int
    end: int
    value: str | bytes = b""
    fault: Fault | None = None


class Unreadable(Exception):
    def __init__(self, reason: int, offset: int, first: int = 0, second: int = 0) -> None:
        super().__init__(cext.DECODE_REASONS[reason].format(first, second))
        self.offset = offset


def wire_bytes(row: Row, length: int) -> int:
    """Bytes on the wire of a value of `length` (as its prefix counts), without the prefix."""
    if row.encoding == cext.ENCODING_HEX:
        return 2 * length
    if row.encoding == cext.ENCODING_BCD:
        return 1 + length // 2 if row.character_class == cext.CLASS_SIGNED else (length + 1) // 2
    return length


def check(text: bytes, character_class: int, offset: int) -> str:
    """`text`, one byte a character, if all are of the class; offsets in errors count from `offset`."""
    if character_class == cext.CLASS_SIGNED:
        if text and text[0] not in _SIGNS:
            raise Unreadable(cext.SIGN, offset)
        return text[:1].decode("ascii") + check(text[1:], cext.CLASS_DIGITS, offset + 1)
    if character_class == cext.CLASS_UNICODE:
        if found := _CONTROL.search(text):
            raise Unreadable(cext.NOT_UTF8, offset + found.start())
        try:
            return text.decode("utf-8")
        except UnicodeDecodeError as error:
            raise Unreadable(cext.NOT_UTF8, offset + error.start) from None
    outside, reason = _OUTSIDE[character_class]
    if found := outside.search(text):
        raise Unreadable(reason, offset + found.start())
    return text.decode("ascii")


def from_bcd(packed: bytes, length: int, character_class: int, pad: int, offset: int) -> str:
    """`length` digits of `packed`, two a byte, high half first."""
    reason = cext.NOT_TRACK if character_class == cext.CLASS_TRACK else cext.NOT_DIGIT
    nibbles = _NIBBLES[character_class]
    digits = "".join(nibbles[byte >> 4] + nibbles[byte & 15] for byte in packed)
    if length % 2:
        pad_at = 0 if pad == cext.PAD_LEFT else length
        if digits[pad_at] != "0":
            raise Unreadable(cext.PAD_DIGIT, offset + pad_at // 2)
        digits = digits[1:] if pad == cext.PAD_LEFT else digits[:-1]
        first_nibble = 1 if pad == cext.PAD_LEFT else 0
    else:
        first_nibble = 0
    bad = digits.find("?")
    if bad >= 0:
        raise Unreadable(reason, offset + (bad + first_nibble) // 2)
    return digits


def to_bcd(text: str, pad: int) -> bytes:
    if len(text) % 2:
        text = "0" + text if pad == cext.PAD_LEFT else text + "0"
    return bytes.fromhex(text.replace("=", "D"))
