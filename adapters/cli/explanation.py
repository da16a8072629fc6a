"""What `decode` says of a message: one line for each data element, and one for each piece of private data."""

from dataclasses import dataclass

from cext.reference.values import Element
from protocol import tlv
from protocol.codec import Codec
from protocol.codes import RESPONSE_MEANINGS
from protocol.dialect import FieldSpec
from protocol.errors import DecodeError, TlvError, element_name
from protocol.message import MASKED_AS_PAN, MASKED_AS_TRACK, MASKED_WHOLLY, masked
from protocol.mti import CLASS_OF, FUNCTION_OF, REPEATS

_BYTES_A_LINE = 16
# Columns that a line of bytes takes: two digits each, and the blanks between them.
HEXADECIMAL_WIDTH = 3 * _BYTES_A_LINE - 1
_CLASS_NAMES = {
    1: "authorisation",
    2: "financial",
    3: "file action",
    4: "reversal",
    5: "reconciliation",
    6: "administrative",
    7: "fee collection",
    8: "network management",
}
_FUNCTION_NAMES = {0: "request", 1: "response", 2: "advice", 3: "advice response", 4: "notification"}
_HIDDEN = MASKED_AS_PAN | MASKED_AS_TRACK | MASKED_WHOLLY


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the table, as text. A part is a piece of the data element above it."""

    number: str
    name: str
    format: str = ""
    offset: str = ""
    length: str = ""
    data: str = ""
    value: str = ""
    is_fault: bool = False
    is_part: bool = False


@dataclass(frozen=True, slots=True)
class Explanation:
    """A message line by line. `fault` says why it can't be read, if so; `hint` what may be the matter."""

    size: int
    lines: tuple[Line, ...]
    fault: str
    hint: str

    @classmethod
    def of(cls, codec: Codec, data: bytes, *, clear: bool) -> "Explanation":
        """Explain `data`; without `clear` nothing that names a card or a person is shown, nor its bytes."""
        lines: list[Line] = []
        fault = ""
        for element in codec.explain(data):
            lines.append(_line(codec, element, data, clear=clear))
            if element.fault is not None:
                if not fault:
                    fault = str(DecodeError(element.fault.data_element, element.fault.offset, element.fault.reason))
            elif isinstance(element.value, str):
                lines += _parts(element.number, element.value, clear=clear)
        return cls(len(data), tuple(lines), fault, _hint(data) if fault else "")


def _line(codec: Codec, element: Element, data: bytes, *, clear: bool) -> Line:
    spec = None if element.number is None else codec.dialect.fields.get(element.number)
    hidden = not clear and (element.number is None or element.number in _HIDDEN)
    head, body = data[element.at : element.start], data[element.start : element.end]
    return Line(
        number="" if element.number is None else str(element.number),
        name=_name(element.number, spec),
        format="" if spec is None else spec.format,
        offset=str(element.at),
        length=str(element.end - element.at),
        data=_hexadecimal(head, body, hidden=hidden),
        value=_value(element, clear=clear) if element.fault is None else element.fault.reason,
        is_fault=element.fault is not None,
    )


def _name(number: int | None, spec: FieldSpec | None) -> str:
    if spec is not None:
        return spec.name
    if number is None:
        return "–"
    return {0: "Message type indicator", 1: "Bitmap"}.get(number, element_name(number))


def _hexadecimal(head: bytes, body: bytes, *, hidden: bool) -> str:
    """The length prefix, then the value's bytes, sixteen a line."""
    shown = ["··"] * len(body) if hidden else [f"{byte:02X}" for byte in body]
    text = "\n".join(" ".join(shown[at : at + _BYTES_A_LINE]) for at in range(0, len(shown), _BYTES_A_LINE))
    if not head:
        return text
    return f"[{head.hex(' ').upper()}]" + (f"\n{text}" if len(shown) > _BYTES_A_LINE else f" {text}" if text else "")


def _value(element: Element, *, clear: bool) -> str:
    value = element.value
    if element.number == 1 and isinstance(value, bytes):
        return " ".join(map(str, _bits(value)))
    if not clear:
        # What is None stands outside of any element, and may be anything.
        return masked(element.number, value) + _meaning(element.number, value) if element.number is not None else ""
    text = value.hex().upper() if isinstance(value, bytes) else value
    return text + _meaning(element.number, text)


def _meaning(number: int | None, value: str | bytes) -> str:
    """What a code says in words."""
    if not isinstance(value, str):
        return ""
    if number == 0 and value in CLASS_OF:
        repeat = ", repeat" if value in REPEATS else ""
        return f"  {_CLASS_NAMES[CLASS_OF[value]]} {_FUNCTION_NAMES[FUNCTION_OF[value]]}{repeat}"
    if number == 39 and value in RESPONSE_MEANINGS:
        return f"  {RESPONSE_MEANINGS[value]}"
    return ""


def _bits(bitmap: bytes) -> list[int]:
    """The numbers of the data elements that a bitmap announces."""
    width = 8 * len(bitmap)
    bits = int.from_bytes(bitmap, "big")
    return [number for number in range(2, width + 1) if bits >> (width - number) & 1]


def _parts(number: int | None, text: str, *, clear: bool) -> list[Line]:
    """One line for each tag of private data; one line that says so if it has no tags, lengths and values."""
    if number is None or number not in tlv.TAG_MEANINGS:
        return []
    try:
        pairs = tlv.parse(text)
    except TlvError as error:
        return [Line("", "not tag, length, value", value=str(error), is_part=True)]
    meanings = tlv.TAG_MEANINGS[number]
    lines = []
    for tag, value in pairs:
        shown = clear or (tag in meanings and tag not in tlv.PERSONAL_TAGS)
        lines.append(
            Line(
                number=tag,
                name=meanings.get(tag, "unknown tag"),
                length=str(len(value.encode())),
                value=value if shown else f"<{len(value)} characters>",
                is_part=True,
            )
        )
    return lines


def _hint(data: bytes) -> str:
    """A length prefix left on is the usual mistake."""
    if len(data) > 2 and int.from_bytes(data[:2], "big") == len(data) - 2:
        return "\nThe first two bytes are the length of the rest: leave the length prefix out."
    if len(data) > 4 and data[:4].isdigit() and int(data[:4]) == len(data) - 4:
        return "\nThe first four bytes are the length of the rest: leave the length prefix out."
    return ""
