"""The plain-Python reference of `cext._pgarray`: the same names, the same bytes, the same errors."""

import struct

_HEADER = struct.Struct(">iiIii")
_LENGTH = struct.Struct(">i")
_NULL = _LENGTH.pack(-1)
_POSTGRES_EPOCH_ORDINAL = 730_120
_RANGES = {"h": (-(2**15), 2**15 - 1), "i": (-(2**31), 2**31 - 1), "q": (-(2**63), 2**63 - 1)}


def _array(oid: int, elements: list[bytes | None]) -> bytes:
    head = _HEADER.pack(1, int(None in elements), oid, len(elements), 1)
    return head + b"".join(_NULL if element is None else _LENGTH.pack(len(element)) + element for element in elements)


def _integers(oid: int, code: str, values: list[int | None]) -> bytes:
    lowest, highest = _RANGES[code]
    for value in values:
        if value is None:
            continue
        if not isinstance(value, int):
            raise TypeError("an integer is required")
        if not lowest <= value <= highest:
            raise OverflowError("a value does not fit its column")
    return _array(oid, [None if value is None else struct.pack(f">{code}", value) for value in values])


def int8_array(values: list[int | None]) -> bytes:
    """`bigint[]` of ints or Nones."""
    return _integers(20, "q", values)


def int4_array(values: list[int | None]) -> bytes:
    """`integer[]` of ints or Nones."""
    return _integers(23, "i", values)


def int2_array(values: list[int | None]) -> bytes:
    """`smallint[]` of ints or Nones."""
    return _integers(21, "h", values)


def date_array(ordinals: list[int | None]) -> bytes:
    """`date[]` of proleptic ordinals or Nones."""
    return _integers(1082, "i", [None if day is None else day - _POSTGRES_EPOCH_ORDINAL for day in ordinals])


def bytea_array(values: list[bytes | None]) -> bytes:
    """`bytea[]` of bytes or Nones."""
    return _array(17, list(values))


_KINDS = {"q": 20, "i": 23, "h": 21, "d": 1082, "t": 25, "b": 17, "p": 27}


def row_array(oid: int, kinds: bytes, rows: list[tuple[object, ...]]) -> bytes:
    """An array of the composite type `oid`; `kinds` has a letter for each field of a row."""
    letters = kinds.decode("latin-1")
    if not set(letters) <= set(_KINDS):
        raise ValueError("a kind of field is one of q i h d t b p")
    return _array(oid, [_row(letters, row) for row in rows])


def _row(letters: str, row: tuple[object, ...]) -> bytes:
    if len(row) != len(letters):
        raise ValueError("a row has a value for each field")
    parts = [_LENGTH.pack(len(letters))]
    for letter, value in zip(letters, row, strict=True):
        element = None if value is None else _field(letter, value)
        parts.append(struct.pack(">I", _KINDS[letter]))
        parts.append(_NULL if element is None else _LENGTH.pack(len(element)) + element)
    return b"".join(parts)


def _field(letter: str, value: object) -> bytes:
    if letter == "t" and isinstance(value, str):
        return value.encode()
    if letter == "b" and isinstance(value, bytes):
        return value
    if letter == "p" and isinstance(value, tuple):
        return struct.pack(">IH", *value)
    if letter == "d" and isinstance(value, int):
        letter, value = "i", value - _POSTGRES_EPOCH_ORDINAL
    if letter in _RANGES and isinstance(value, int):
        lowest, highest = _RANGES[letter]
        if not lowest <= value <= highest:
            raise OverflowError("a value does not fit its column")
        return struct.pack(f">{letter}", value)
    raise TypeError("a value is not of its field's type")
