"""The two parts of a reply in plain Python: the same names and results as `cext._reply`."""

import msgpack

_ELEMENT_MAX = 128
_STORED_BYTES_MAX = 8_192


def echoed(
    fields: dict[int, str | bytes], numbers: tuple[int, ...], decided: dict[int, str | bytes]
) -> dict[int, str | bytes]:
    """The data elements of a reply: those of `numbers` as they came, and over them what was decided."""
    return {**{number: fields[number] for number in numbers if number in fields}, **decided}


def packed(decided: dict[int, str | bytes]) -> bytes:
    """What was decided, as a msgpack map of data element to string (or binary)."""
    if len(decided) > 15:
        raise ValueError("more data elements than a reply has")
    for number, value in decided.items():
        if not 0 <= number <= _ELEMENT_MAX:
            raise ValueError("not a data element's number")
        if not isinstance(value, str | bytes):
            raise TypeError("a data element is text or bytes")
    stored: bytes = msgpack.packb(decided)
    if len(stored) > _STORED_BYTES_MAX:
        raise OverflowError("a reply that is longer than a frame")
    return stored
