"""One msgpack map `{0: MTI, n: value}` a message: text as str, binary as bin, keys as unsigned integers.

Only what such a message may hold is read (map, positive integers to 255, str, bin); anything else is a
fault at its offset. What is written has the shortest forms (msgpack specification, "Serialization"), fields
in ascending order.
"""

from collections.abc import Iterator

import cext
from cext import Row
from cext.reference.values import Element, Fault, Unreadable, check

_MTI = Row(cext.CLASS_DIGITS, cext.ENCODING_TEXT, 0, 4, cext.PAD_LEFT)
_TEXT_HEADS = {0xD9: 1, 0xDA: 2, 0xDB: 4}
_BINARY_HEADS = {0xC4: 1, 0xC5: 2, 0xC6: 4}


def _byte(data: bytes, at: int) -> int:
    if at >= len(data):
        raise Unreadable(cext.SHORT, at, 1, 0)
    return data[at]


def _number(data: bytes, at: int, width: int) -> int:
    if at + width > len(data):
        raise Unreadable(cext.SHORT, at, width, len(data) - at)
    return int.from_bytes(data[at : at + width], "big")


def _map_head(data: bytes) -> tuple[int, int]:
    """The number of pairs and where the first begins."""
    head = _byte(data, 0)
    if head & 0xF0 == 0x80:
        return head & 0x0F, 1
    if head in {0xDE, 0xDF}:
        width = 2 if head == 0xDE else 4
        return _number(data, 1, width), 1 + width
    raise Unreadable(cext.NOT_MAP, 0)


def _key(data: bytes, at: int) -> tuple[int, int]:
    head = _byte(data, at)
    if head < 0x80:
        return head, at + 1
    if head != 0xCC:
        raise Unreadable(cext.BAD_KEY, at)
    return _number(data, at + 1, 1), at + 2


def _length(data: bytes, at: int, *, binary: bool) -> tuple[int, int]:
    """The byte length of the value at `at` and where its bytes begin."""
    head = _byte(data, at)
    if not binary and head & 0xE0 == 0xA0:
        return head & 0x1F, at + 1
    width = (_BINARY_HEADS if binary else _TEXT_HEADS).get(head)
    if width is None:
        raise Unreadable(cext.NOT_BINARY if binary else cext.NOT_TEXT, at)
    return _number(data, at + 1, width), at + 1 + width


def _element(number: int, row: Row, data: bytes, at: int) -> Element:
    binary = row.character_class == cext.CLASS_BYTES
    start = at
    try:
        length, start = _length(data, at, binary=binary)
        if length > row.maximum:
            raise Unreadable(cext.LENGTH_ABOVE, at, length, row.maximum)
        end = start + length
        if end > len(data):
            raise Unreadable(cext.SHORT, start, length, len(data) - start)
    except Unreadable as bad:
        return Element(number, at, start, start, fault=Fault(number, bad.offset, str(bad)))
    try:
        if not row.length_digits and length != row.maximum:
            raise Unreadable(cext.LENGTH_OTHER, at, length, row.maximum)
        value = data[start:end]
        return Element(number, at, start, end, value if binary else check(value, row.character_class, start))
    except Unreadable as bad:
        return Element(number, at, start, end, fault=Fault(number, bad.offset, str(bad)))


def _end(offset: int, reason: int, number: int | None = None, first: int = 0) -> Element:
    return Element(
        number, offset, offset, offset, fault=Fault(number, offset, cext.DECODE_REASONS[reason].format(first))
    )


def walk(rows: dict[int, Row], data: bytes) -> Iterator[Element]:
    """As `Iso8583.walk`; element 1, the bitmap, stands for the head of the map when that can't be read."""
    try:
        pairs, at = _map_head(data)
    except Unreadable as bad:
        yield Element(None, bad.offset, bad.offset, bad.offset, fault=Fault(None, bad.offset, str(bad)))
        return
    seen: set[int] = set()
    for _ in range(pairs):
        try:
            number, value_at = _key(data, at)
        except Unreadable as bad:
            yield Element(None, bad.offset, bad.offset, bad.offset, fault=Fault(None, bad.offset, str(bad)))
            return
        row = _MTI if number == 0 else rows.get(number)
        if row is None or number in seen:
            undefined = cext.BAD_KEY if number == 1 or number > cext.DATA_ELEMENT_MAX else cext.UNDEFINED
            missing = cext.THIRD if number == cext.THIRD_BITMAP else undefined
            yield _end(at, cext.TWICE if number in seen else missing, number)
            return
        seen.add(number)
        element = _element(number, row, data, value_at)
        yield element
        if element.fault is not None and (element.end <= element.start or number == 0):
            return
        at = element.end
    if 0 not in seen:
        yield _end(at, cext.NO_MTI, 0)
    elif at < len(data):
        yield _end(at, cext.TRAILING, None, len(data) - at)


def _pack_number(heads: dict[int, int], value: int) -> bytes:
    """`value` after the first head whose width (1, 2 or 4 bytes) holds it."""
    for head, width in heads.items():
        if value < 1 << 8 * width:
            return bytes((head,)) + value.to_bytes(width, "big")
    raise OverflowError("a msgpack length has at most four bytes")


def pack(mti: str, values: dict[int, bytes], rows: dict[int, Row]) -> bytes:
    """The map of `mti` and `values` (ascending, already checked)."""
    pairs = 1 + len(values)
    parts = [
        bytes((0x80 | pairs,)) if pairs < 16 else b"\xde" + pairs.to_bytes(2, "big"),
        b"\x00\xa4",
        mti.encode("ascii"),
    ]
    for number, value in values.items():
        parts.append(bytes((number,)) if number < 0x80 else bytes((0xCC, number)))
        if rows[number].character_class == cext.CLASS_BYTES:
            parts.append(_pack_number(_BINARY_HEADS, len(value)))
        elif len(value) < 32:
            parts.append(bytes((0xA0 | len(value),)))
        else:
            parts.append(_pack_number(_TEXT_HEADS, len(value)))
        parts.append(value)
    return b"".join(parts)
