"""Dialects as data: YAML files that compose character class, encoding, length prefix and padding for each
data element.

A format is written as the standard writes it: a class (`n` digits, `an`, `ans`, `ns` printable ASCII, `z`
track data, `x+n` a sign C or D and digits, `b` bytes, `utf8` text) and a length, fixed (`n 6`), or a
maximum behind one dot for each digit of its length prefix (`n ..19`, `ans ...999`). `bitmap` names element
65, which announces a third bitmap: it is known by name and refused in messages.

A file may extend another: its top-level keys replace the other's, its data elements replace key by key.
"""

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any, Final

import yaml

import cext
from protocol.errors import DialectError

_CLASSES: Final = {
    "n": cext.CLASS_DIGITS,
    "z": cext.CLASS_TRACK,
    "an": cext.CLASS_PRINTABLE,
    "ns": cext.CLASS_PRINTABLE,
    "ans": cext.CLASS_PRINTABLE,
    "x+n": cext.CLASS_SIGNED,
    "utf8": cext.CLASS_UNICODE,
    "b": cext.CLASS_BYTES,
}
_ENCODINGS: Final = {
    "text": cext.ENCODING_TEXT,
    "bcd": cext.ENCODING_BCD,
    "raw": cext.ENCODING_RAW,
    "hex": cext.ENCODING_HEX,
}
_DIGIT_CLASSES: Final = frozenset({cext.CLASS_DIGITS, cext.CLASS_TRACK, cext.CLASS_SIGNED})
_FORMAT: Final = re.compile(r"(n|z|an|ns|ans|x\+n|utf8|b) (\.{0,6})([1-9][0-9]{0,2})")
_BITMAP: Final = "bitmap"
_KEYS: Final[dict[str, set[object]]] = {
    "layout": {"bitmap", "msgpack"},
    "charset": {"ascii", "cp037"},
    "mti": {"text", "bcd"},
    "bitmap": {"hex", "raw"},
    "digits": {"text", "bcd"},
    "fixed_pad": {"left", "right"},
    "lengths": {"text", "bcd"},
    "binary": {"hex", "raw"},
    "version": {1987, 1993},
}
_FIELD_KEYS: Final = {"format", "name", "encoding"}


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One data element. `maximum` counts characters, digits or bytes; fixed elements (no `length_digits`)
    have it exactly.

    `row` is None for an element that is known by name only: its bit is a decode error.
    """

    number: int
    name: str
    format: str
    row: cext.Row | None

    @property
    def is_binary(self) -> bool:
        """Whether its value is bytes."""
        return self.row is not None and self.row.character_class == cext.CLASS_BYTES

    @property
    def is_private(self) -> bool:
        """Whether its value is UTF-8 text of private use."""
        return self.row is not None and self.row.character_class == cext.CLASS_UNICODE


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a codec is made from. `version` is the year of the standard's edition, whose data elements these
    are.
    """

    name: str
    description: str
    version: int
    table: cext.Table
    fields: MappingProxyType[int, FieldSpec]


@cache
def names() -> tuple[str, ...]:
    """The dialects at hand, in alphabetical order."""
    files = resources.files("protocol.dialects").iterdir()
    return tuple(sorted(file.name.removesuffix(".yaml") for file in files if file.name.endswith(".yaml")))


@cache
def load(name: str) -> Dialect:
    """The dialect of that name; a DialectError that says which there are, or what is wrong in the file."""
    document = _document(name)
    wrong = {key for key, allowed in _KEYS.items() if document.get(key) not in allowed}
    if wrong:
        raise DialectError(f"{name}: {', '.join(sorted(wrong))}: missing or not one of those known")
    fields = {number: _field(name, document, number, entry) for number, entry in document["fields"].items()}
    missing = set(range(2, cext.DATA_ELEMENT_MAX + 1)) ^ set(fields)
    if missing:
        raise DialectError(f"{name}: data elements {sorted(missing)} are missing or out of bounds")
    return Dialect(
        name=name,
        description=str(document["description"]),
        version=document["version"],
        table=cext.Table(
            layout=cext.LAYOUT_MSGPACK if document["layout"] == "msgpack" else cext.LAYOUT_BITMAP,
            mti_bcd=document["mti"] == "bcd",
            bitmap_hex=document["bitmap"] == "hex",
            lengths_bcd=document["lengths"] == "bcd",
            wire_to_text=_wire_to_text(document["charset"]),
            rows={number: spec.row for number, spec in fields.items() if spec.row is not None},
        ),
        fields=MappingProxyType(dict(sorted(fields.items()))),
    )


def _document(name: str) -> dict[str, Any]:
    """The file's content over the content of what it extends."""
    if name not in names():
        raise DialectError(f"there is no dialect {name!r}; there are {', '.join(names())}")
    text = (resources.files("protocol.dialects") / f"{name}.yaml").read_text(encoding="utf-8")
    document: dict[str, Any] = yaml.safe_load(text)
    base_name = document.pop("extends", None)
    if base_name is None:
        return document
    base = _document(base_name)
    fields = dict(base["fields"])
    for number, entry in document.pop("fields", {}).items():
        fields[number] = {**fields.get(number, {}), **entry}
    return {**base, **document, "fields": fields}


def _field(dialect: str, document: dict[str, Any], number: int, entry: dict[str, str]) -> FieldSpec:
    if not {"format", "name"} <= entry.keys() <= _FIELD_KEYS:
        raise DialectError(f"{dialect}: data element {number} needs a format and a name, and may have an encoding")
    notation, name = entry["format"], entry["name"]
    if notation == _BITMAP:
        return FieldSpec(number, name, notation, None)
    match = _FORMAT.fullmatch(notation)
    if match is None:
        raise DialectError(f"{dialect}: data element {number}: {notation!r} is no format")
    letters, dots, digits = match.groups()
    character_class = _CLASSES[letters]
    encoding = _encoding(document, character_class, entry.get("encoding"))
    if encoding is None or (dots and letters == "x+n"):
        raise DialectError(f"{dialect}: data element {number}: its class can't stand so on the wire")
    row = cext.Row(
        character_class=character_class,
        encoding=encoding,
        length_digits=len(dots),
        # x+n counts the digits; the sign comes on top.
        maximum=int(digits) + (1 if letters == "x+n" else 0),
        pad=cext.PAD_RIGHT if dots or document["fixed_pad"] == "right" else cext.PAD_LEFT,
    )
    return FieldSpec(number, name, notation, row)


def _encoding(document: dict[str, Any], character_class: int, asked: str | None) -> int | None:
    """How a class stands on the wire: as the element says, or else as the dialect does. None if it can't."""
    binary = character_class == cext.CLASS_BYTES
    default = "binary" if binary else "digits" if character_class in _DIGIT_CLASSES else None
    encoding = _ENCODINGS.get(asked or (str(document[default]) if default else "text"))
    if binary:
        return encoding if encoding in {cext.ENCODING_RAW, cext.ENCODING_HEX} else None
    if encoding == cext.ENCODING_BCD:
        return encoding if character_class in _DIGIT_CLASSES else None
    return encoding if encoding == cext.ENCODING_TEXT else None


def _wire_to_text(charset: str) -> bytes:
    """Each byte on the wire → the byte that the ASCII dialect has in its place."""
    return bytes(range(256)).decode("latin-1" if charset == "ascii" else charset).encode("latin-1")
