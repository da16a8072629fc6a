"""The plain-Python twin of `cext._iso8583`: the same messages, the same bytes, the same errors.

`walk` tells of every data element where it stands; decoding, salvaging and explaining are readings of it.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

import cext
from cext import Row, Table
from cext.reference import msgpacked
from cext.reference.values import (
    NOT_HEX_DIGIT,
    Element,
    Fault,
    Unreadable,
    check,
    from_bcd,
    to_bcd,
    wire_bytes,
)


class Iso8583:
    """A codec for one table. `message` makes a message of MTI and fields.

    The errors are made by the caller's factories: `decode_error(data_element, offset, reason, partial
    message or None)` and `encode_error(data_element, reason)`.
    """

    def __init__(
        self,
        table: Table,
        message: type[Any],
        decode_error: Callable[[int | None, int, str, Any], Exception],
        encode_error: Callable[[int | None, str], Exception],
    ) -> None:
        self._table = table
        self._message = message
        self._decode_error = decode_error
        self._encode_error = encode_error
        self._to_text = table.wire_to_text
        self._to_wire = bytes(table.wire_to_text.index(byte) for byte in range(256))

    def decode(self, data: bytes) -> Any:
        """The message in `data`, all of it; the decode error of the first element at fault otherwise."""
        mti: str | None = None
        fields: dict[int, str | bytes] = {}
        for element in self.walk(data):
            if element.fault is not None:
                fault = element.fault
                partial = None if mti is None else self._message(mti, fields)
                raise self._decode_error(fault.data_element, fault.offset, fault.reason, partial)
            if element.number == 0:
                mti = str(element.value)
            elif element.number is not None and element.number > 1:
                fields[element.number] = element.value
        return self._message(mti, fields)

    def walk(self, data: bytes) -> Iterator[Element]:
        """The elements of `data` in order, the broken ones with their fault, until the next can't be
        found.
        """
        if self._table.layout == cext.LAYOUT_MSGPACK:
            return msgpacked.walk(self._table.rows, data)
        return self._walk_bitmap(data)

    def _walk_bitmap(self, data: bytes) -> Iterator[Element]:
        table = self._table
        mti_row = Row(
            cext.CLASS_DIGITS, cext.ENCODING_BCD if table.mti_bcd else cext.ENCODING_TEXT, 0, 4, cext.PAD_LEFT
        )
        mti = self._element(0, mti_row, data, 0)
        yield mti
        if mti.fault is not None:
            return
        bitmap = self._bitmap(data, mti.end)
        yield bitmap
        if bitmap.fault is not None or not isinstance(bitmap.value, bytes):
            return
        at = bitmap.end
        bits = int.from_bytes(bitmap.value, "big") << (0 if len(bitmap.value) == 16 else 64)
        for number in range(2, cext.DATA_ELEMENT_MAX + 1):
            if not bits >> (128 - number) & 1:
                continue
            row = table.rows.get(number)
            if row is None:
                reason = cext.THIRD if number == cext.THIRD_BITMAP else cext.UNDEFINED
                yield Element(number, at, at, at, fault=Fault(number, at, cext.DECODE_REASONS[reason]))
                return
            element = self._element(number, row, data, at)
            yield element
            if element.end <= element.start and element.fault is not None:
                return
            at = element.end
        if at < len(data):
            reason_text = cext.DECODE_REASONS[cext.TRAILING].format(len(data) - at)
            yield Element(None, at, at, len(data), data[at:], Fault(None, at, reason_text))

    def _bitmap(self, data: bytes, at: int) -> Element:
        """Bit 1 announces the second bitmap (ISO 8583:1987). One that is announced and empty is accepted."""
        row = Row(cext.CLASS_BYTES, cext.ENCODING_HEX if self._table.bitmap_hex else cext.ENCODING_RAW, 0, 8, 0)
        first = self._element(1, row, data, at)
        if first.fault is not None or not isinstance(first.value, bytes) or not first.value[0] & 0x80:
            return first
        second = self._element(1, row, data, first.end)
        if second.fault is not None or not isinstance(second.value, bytes):
            return second
        return Element(1, at, at, second.end, first.value + second.value)

    def _element(self, number: int, row: Row, data: bytes, at: int) -> Element:
        """The element that begins at `at`. One whose end can't be found has `end == start` and a fault."""
        start = at
        try:
            length, start = self._length(row, data, at)
            end = start + wire_bytes(row, length)
            if end > len(data):
                raise Unreadable(cext.SHORT, start, end - start, len(data) - start)
        except Unreadable as bad:
            return Element(number, at, start, start, fault=Fault(number, bad.offset, str(bad)))
        try:
            return Element(number, at, start, end, self._value(row, data[start:end], length, start))
        except Unreadable as bad:
            return Element(number, at, start, end, fault=Fault(number, bad.offset, str(bad)))

    def _length(self, row: Row, data: bytes, at: int) -> tuple[int, int]:
        """The length of the value and where it begins."""
        if not row.length_digits:
            return row.maximum, at
        bcd = self._table.lengths_bcd
        width = (row.length_digits + 1) // 2 if bcd else row.length_digits
        if at + width > len(data):
            raise Unreadable(cext.SHORT, at, width, len(data) - at)
        prefix = data[at : at + width]
        digits = prefix.hex() if bcd else prefix.translate(self._to_text).decode("latin-1")
        if re.fullmatch("[0-9]+", digits) is None:
            raise Unreadable(cext.LENGTH_DIGITS, at)
        length = int(digits)
        if length > row.maximum:
            raise Unreadable(cext.LENGTH_ABOVE, at, length, row.maximum)
        return length, at + width

    def _value(self, row: Row, wire: bytes, length: int, offset: int) -> str | bytes:
        if row.encoding == cext.ENCODING_RAW:
            return wire
        if row.encoding == cext.ENCODING_HEX:
            text = wire.translate(self._to_text)
            if found := NOT_HEX_DIGIT.search(text):
                raise Unreadable(cext.NOT_HEX, offset + found.start())
            return bytes.fromhex(text.decode("ascii"))
        if row.encoding == cext.ENCODING_TEXT:
            return check(wire.translate(self._to_text), row.character_class, offset)
        if row.character_class == cext.CLASS_SIGNED:
            sign = check(wire[:1].translate(self._to_text), cext.CLASS_SIGNED, offset)
            return sign + from_bcd(wire[1:], length - 1, cext.CLASS_DIGITS, row.pad, offset + 1)
        return from_bcd(wire, length, row.character_class, row.pad, offset)

    def encode(self, message: Any) -> bytes:
        """The bytes of `message`: an encode error names the element that does not fit its definition."""
        return self._written(message.mti, message.fields)

    def encode_reply(
        self, mti: str, decided: dict[int, str | bytes], asked: dict[int, str | bytes], echoed: tuple[int, ...]
    ) -> bytes:
        """The bytes of a message of what was `decided`, and of those elements in `echoed` that only `asked` has."""
        for number in echoed:
            if not 2 <= number <= 64:
                raise self._encode_error(number, cext.ENCODE_NUMBER)
        return self._written(mti, {**{number: asked[number] for number in echoed if number in asked}, **decided})

    def _written(self, mti: str, fields: dict[int, str | bytes]) -> bytes:
        if not isinstance(mti, str) or re.fullmatch("[0-9]{4}", mti, re.ASCII) is None:
            raise self._encode_error(0, cext.ENCODE_MTI)
        for number in fields:
            if not isinstance(number, int) or not 2 <= number <= cext.DATA_ELEMENT_MAX:
                raise self._encode_error(number if isinstance(number, int) else None, cext.ENCODE_NUMBER)
        if self._table.layout == cext.LAYOUT_MSGPACK:
            values = {number: self._checked(number, fields[number]) for number in sorted(fields)}
            return msgpacked.pack(mti, values, self._table.rows)
        width = 128 if max(fields, default=0) > 64 else 64
        bits = sum(1 << (width - number) for number in fields) | (1 << 127 if width == 128 else 0)
        bitmap = bits.to_bytes(width // 8, "big")
        parts = [to_bcd(mti, cext.PAD_LEFT) if self._table.mti_bcd else mti.encode("ascii").translate(self._to_wire)]
        parts.append(self._hex(bitmap) if self._table.bitmap_hex else bitmap)
        parts += [self._field(number, self._checked(number, fields[number])) for number in sorted(fields)]
        return b"".join(parts)

    def _checked(self, number: int, value: str | bytes) -> bytes:
        """`value` as bytes, one a character (UTF-8 for UNICODE), of the right type, class and length."""
        row = self._table.rows.get(number)
        if row is None:
            reason = cext.THIRD if number == cext.THIRD_BITMAP else cext.UNDEFINED
            raise self._encode_error(number, cext.DECODE_REASONS[reason])
        if row.character_class == cext.CLASS_BYTES:
            if not isinstance(value, bytes):
                raise self._encode_error(number, cext.ENCODE_TYPE_BYTES)
            text = value
        else:
            if not isinstance(value, str):
                raise self._encode_error(number, cext.ENCODE_TYPE_TEXT)
            # A lone surrogate has no UTF-8: it becomes bytes that are none either, and is refused as such.
            text = value.encode("utf-8", "surrogatepass")
        reason_text = self._misfit(row, text)
        if reason_text:
            raise self._encode_error(number, reason_text)
        return text

    @staticmethod
    def _misfit(row: Row, text: bytes) -> str:
        if row.character_class != cext.CLASS_BYTES:
            try:
                check(text, row.character_class, 0)
            except Unreadable as bad:
                return str(bad)
        if not row.length_digits and len(text) != row.maximum:
            return cext.DECODE_REASONS[cext.LENGTH_OTHER].format(len(text), row.maximum)
        if len(text) > row.maximum:
            return cext.DECODE_REASONS[cext.LENGTH_ABOVE].format(len(text), row.maximum)
        return ""

    def _field(self, number: int, text: bytes) -> bytes:
        row = self._table.rows[number]
        prefix = b""
        if row.length_digits:
            digits = f"{len(text):0{row.length_digits}}"
            if self._table.lengths_bcd:
                prefix = to_bcd(digits, cext.PAD_LEFT)
            else:
                prefix = digits.encode("ascii").translate(self._to_wire)
        if row.encoding == cext.ENCODING_RAW:
            return prefix + text
        if row.encoding == cext.ENCODING_HEX:
            return prefix + self._hex(text)
        if row.encoding == cext.ENCODING_TEXT:
            return prefix + text.translate(self._to_wire)
        if row.character_class == cext.CLASS_SIGNED:
            return prefix + text[:1].translate(self._to_wire) + to_bcd(text[1:].decode("ascii"), row.pad)
        return prefix + to_bcd(text.decode("ascii"), row.pad)

    def _hex(self, data: bytes) -> bytes:
        return data.hex().upper().encode("ascii").translate(self._to_wire)
