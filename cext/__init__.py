"""Extension modules of the hot path, and the plain vocabulary that they share with their references.

An extension imports nothing of the house but this module. The upper floors hand it a `Table` of plain
numbers; what the numbers mean is said here once. `cext.reference` holds a plain-Python twin of each
extension: same names, same signatures, same results, same errors.
"""

from typing import NamedTuple

# How a message is laid out.
LAYOUT_BITMAP, LAYOUT_MSGPACK = range(2)

# Which characters a value may have (ISO 8583:1987: n, z, an and ans, x+n, b). UNICODE is UTF-8 in bytes.
CLASS_DIGITS, CLASS_TRACK, CLASS_PRINTABLE, CLASS_SIGNED, CLASS_UNICODE, CLASS_BYTES = range(6)

# How a value stands on the wire: a byte a character, two digits a byte, bytes, two hexadecimal digits a byte.
ENCODING_TEXT, ENCODING_BCD, ENCODING_RAW, ENCODING_HEX = range(4)

# On which side an odd number of BCD digits is filled up with a zero.
PAD_LEFT, PAD_RIGHT = range(2)

DATA_ELEMENT_MAX = 128
THIRD_BITMAP = 65

# The longest value of a data element with a character class, so that one scratch buffer takes any of them.
TEXT_MAX = 999

DECODE_REASONS = (
    "",
    "needs {0} bytes, {1} left",
    "length is not decimal",
    "length {0} is above the maximum of {1}",
    "length {0}, must be {1}",
    "not a digit",
    "neither a digit nor a field separator",
    "not a printable ASCII character",
    "not UTF-8 text",
    "not hexadecimal",
    "pad digit is not zero",
    "sign is neither C nor D",
    "data element is not defined",
    "third bitmap is not supported",
    "{0} bytes follow the last data element",
    "not a msgpack map",
    "key is not a data element number",
    "data element comes twice",
    "value is not msgpack text",
    "value is not msgpack binary",
    "MTI is missing",
)
(
    _FINE,
    SHORT,
    LENGTH_DIGITS,
    LENGTH_ABOVE,
    LENGTH_OTHER,
    NOT_DIGIT,
    NOT_TRACK,
    NOT_PRINTABLE,
    NOT_UTF8,
    NOT_HEX,
    PAD_DIGIT,
    SIGN,
    UNDEFINED,
    THIRD,
    TRAILING,
    NOT_MAP,
    BAD_KEY,
    TWICE,
    NOT_TEXT,
    NOT_BINARY,
    NO_MTI,
) = range(len(DECODE_REASONS))

ENCODE_TYPE_TEXT = "value must be text"
ENCODE_TYPE_BYTES = "value must be bytes"
ENCODE_MTI = "MTI must be four digits"
ENCODE_NUMBER = "not a data element number from 2 to 128"


class Row(NamedTuple):
    """One data element. `maximum` counts characters, digits or bytes, as the length prefix does.

    A fixed element, one without length digits, has it exactly.
    """

    character_class: int
    encoding: int
    length_digits: int
    maximum: int
    pad: int


class Table(NamedTuple):
    """A dialect in plain numbers.

    `wire_to_text` maps each byte on the wire to its ASCII byte: a permutation of the 256 (the identity for
    ASCII). A data element without a row is not defined.
    """

    layout: int
    mti_bcd: bool
    bitmap_hex: bool
    lengths_bcd: bool
    wire_to_text: bytes
    rows: dict[int, Row]


# How a frame says its length, which counts what follows: two bytes big-endian, two of BCD, four ASCII digits.
LENGTH_BINARY, LENGTH_BCD, LENGTH_ASCII = range(3)

# What stands between the length and the message: nothing, a TPDU (60, destination, source), bytes agreed
# upon.
HEADER_NONE, HEADER_TPDU, HEADER_LITERAL = range(3)

TPDU_BYTES = 5
TPDU_ID = 0x60
LENGTH_BYTES = (2, 2, 4)
LENGTH_MAX = (0xFFFF, 9999, 9999)

FRAMING_REASONS = (
    "",
    "length of a frame is not decimal",
    "frame of length 0",
    "frame of {0} bytes is longer than {1}",
    "frame has no message after its header",
    "TPDU does not begin with 60",
    "header is not the agreed one",
    "TPDU must have 5 bytes",
    "framing has no header",
)
(
    _FRAME_FINE,
    FRAME_NOT_DECIMAL,
    FRAME_EMPTY,
    FRAME_LONG,
    FRAME_NO_PAYLOAD,
    FRAME_TPDU_ID,
    FRAME_HEADER,
    FRAME_TPDU_SIZE,
    FRAME_NO_HEADER,
) = range(len(FRAMING_REASONS))
