"""Private data (DE48, 62, 63): tag of two characters, length of three digits, value. The length counts
UTF-8 bytes.

Order and repeats are kept, and so are tags that nobody knows.
"""

import re
from collections.abc import Iterable
from types import MappingProxyType
from typing import Final

from protocol.errors import TlvError

__all__ = ["HEAD_BYTES", "PERSONAL_TAGS", "TAG_MEANINGS", "VALUE_BYTES_MAX", "TlvError", "build", "parse", "values_of"]

_TAG_BYTES = 2
_LENGTH_DIGITS = 3
HEAD_BYTES = _TAG_BYTES + _LENGTH_DIGITS
_TAG = re.compile(r"[!-~]{2}")
_TAG_WANTED = "a tag is two printable ASCII characters"

# The tags of the wire profile: requests (DE48), replies (DE62), baskets (DE63).
TAG_MEANINGS: Final = MappingProxyType(
    {
        48: MappingProxyType(
            {
                "MB": "mobile",
                "NA": "name",
                "BD": "birth date",
                "RF": "referrer's code",
                "CL": "club code",
                "CP": "coupon",
                "OF": "offer claimed",
                "RW": "reward chosen",
                "PT": "points to redeem",
                "CR": "credit to spend",
                "EV": "event code",
                "LG": "language",
            }
        ),
        62: MappingProxyType(
            {
                "PE": "points earned",
                "PR": "points redeemed",
                "PB": "points balance",
                "CB": "credit balance",
                "PP": "points pending",
                "HD": "held: points/credit",
                "CG": "credit granted",
                "CS": "credit spent",
                "DS": "discount",
                "GA": "gross amount",
                "TR": "tier",
                "OF": "offer applied",
                "SP": "stamps",
                "TK": "draw tickets",
                "MS": "receipt line",
                "RV": "programme version",
                "RC": "referral code",
                "MV": "movement",
                "FR": "rule that fired",
                "NR": "rule that nearly fired",
            }
        ),
        63: MappingProxyType({"LI": "basket line"}),
    }
)
# Tags whose values say who a member is, or are worth money to whoever knows them.
PERSONAL_TAGS: Final = frozenset({"MB", "NA", "BD", "RF", "CP"})
VALUE_BYTES_MAX = 10**_LENGTH_DIGITS - 1


def parse(text: str) -> list[tuple[str, str]]:
    """(tag, value) in the order they stand; a TlvError with its byte offset if one is cut or has no
    length.
    """
    data = text.encode("utf-8", "surrogatepass")
    pairs: list[tuple[str, str]] = []
    at = 0
    while at < len(data):
        head = data[at : at + HEAD_BYTES]
        if len(head) < HEAD_BYTES:
            raise TlvError(at, f"a tag and its length need {HEAD_BYTES} bytes, {len(head)} left")
        tag, digits = head[:_TAG_BYTES].decode("latin-1"), head[_TAG_BYTES:]
        if _TAG.fullmatch(tag) is None:
            raise TlvError(at, _TAG_WANTED)
        if not digits.isdigit():
            raise TlvError(at + _TAG_BYTES, "length is not decimal")
        start = at + HEAD_BYTES
        at = start + int(digits)
        if at > len(data):
            raise TlvError(start, f"needs {int(digits)} bytes, {len(data) - start} left")
        pairs.append((tag, _value(data[start:at], start)))
    return pairs


def values_of(text: str, wanted: str) -> tuple[str, ...]:
    """The values of one tag, in order; none if the text is broken."""
    try:
        return tuple(value for tag, value in parse(text) if tag == wanted)
    except TlvError:
        return ()


def build(pairs: Iterable[tuple[str, str]]) -> str:
    """The text of `pairs`; a TlvError if a tag is not two characters or a value is longer than 999 bytes."""
    parts: list[str] = []
    for tag, value in pairs:
        if _TAG.fullmatch(tag) is None:
            raise TlvError(0, _TAG_WANTED)
        size = len(value) if value.isascii() else len(_encoded(value))
        if size > VALUE_BYTES_MAX:
            raise TlvError(0, f"a value of {size} bytes is longer than {VALUE_BYTES_MAX}")
        parts.append(f"{tag}{size:03}{value}")
    return "".join(parts)


def _encoded(value: str) -> bytes:
    try:
        return value.encode("utf-8")
    except UnicodeEncodeError:
        raise TlvError(0, "a value is not UTF-8 text") from None


def _value(data: bytes, offset: int) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        # The length ends within a character, or the text had no UTF-8 to begin with.
        raise TlvError(offset, "a value is not UTF-8 text") from None
