"""Tokens: what stands for a card in the store, since the PAN itself is never kept.

A token is a keyed BLAKE2b of 16 bytes. Without the key neither the numbers nor the mobiles can be tried out
against it, so the key is a secret (adapters.postgres.secrets); with another key no card is found any more.
"""

import unicodedata
from hashlib import blake2b
from struct import Struct
from typing import NamedTuple

from switch.errors import SwitchError

TOKEN_BYTES = 16
KEY_BYTES_MIN = 16
KEY_BYTES_MAX = 64
SHARDS_MAX = 4_096
PAN_DIGITS_MIN = 12
PAN_DIGITS_MAX = 19
COUNTRY_CODE = "98"

_HALVES = Struct(">qq")
_SEPARATORS = str.maketrans("", "", " -.()/\u200c\u200e\u200f\u00a0\u202a\u202c")
_IRANIAN_MOBILE_DIGITS = 12
_E164_DIGITS_MIN = 8
_E164_DIGITS_MAX = 15


class TokenError(SwitchError):
    """A card number, a mobile or a key is none. The text never carries the value."""


class Token(NamedTuple):
    """Where a card is kept: its shard, and the two halves of its token as signed 64-bit integers.

    `id` names the account whose first card this is; `low` tells it from another card with the same `id`.
    """

    shard: int
    id: int
    low: int

    @property
    def bytes(self) -> bytes:
        """The whole token, 16 bytes."""
        return _HALVES.pack(self.id, self.low)


class Tokens:
    """Makes tokens with one key for one number of shards."""

    __slots__ = ("_hasher", "_key", "_shards")

    def __init__(self, key: bytes, shards: int) -> None:
        if not KEY_BYTES_MIN <= len(key) <= KEY_BYTES_MAX:
            raise TokenError(f"the token key must be {KEY_BYTES_MIN} to {KEY_BYTES_MAX} bytes, not {len(key)}")
        if not 1 <= shards <= SHARDS_MAX:
            raise TokenError(f"the number of shards must be 1 to {SHARDS_MAX}, not {shards}")
        self._key = key
        self._hasher = blake2b(key=key, digest_size=TOKEN_BYTES)
        self._shards = shards

    def __repr__(self) -> str:
        return f"Tokens(shards={self._shards})"

    @property
    def key(self) -> bytes:
        """The secret, for the one place that makes tokens in C."""
        return self._key

    @property
    def shards(self) -> int:
        """How many shards the tokens are spread over."""
        return self._shards

    def card(self, pan: str) -> Token:
        """The token of a card number, given as plain digits. Not checked here: an unknown card is just not
        found.
        """
        # Copying the keyed state spares BLAKE2b the block that the key takes.
        hasher = self._hasher.copy()
        hasher.update(pan.encode())
        high, low = _HALVES.unpack(hasher.digest())
        # The low end chooses the shard, so that ids stay spread within a shard.
        return Token((low & 0xFFFF) % self._shards, high, low)

    def mobile(self, programme: str, mobile: str) -> Token:
        """The token of a mobile number, which is a virtual card within a programme. Raises `TokenError`."""
        return self.card(f"MB:{programme}:{normalise_mobile(mobile)}")

    def check_value(self) -> str:
        """What may be kept beside the data to tell a wrong key from the right one: 16 hex digits."""
        hasher = self._hasher.copy()
        hasher.update(b"token key check value")
        return hasher.hexdigest()[:16]


def normalise_mobile(text: str) -> str:
    """A mobile number in E.164, `+989121234567`, from any usual spelling. Raises `TokenError`.

    Digits may be Persian, Arabic or Latin. Without an international prefix (`+`, `00`) the number is an
    Iranian one.
    """
    plain = latin_digits(text.translate(_SEPARATORS))
    digits = plain.removeprefix("+")
    if not (digits.isascii() and digits.isdecimal()):
        raise TokenError("the mobile must be digits, such as 09121234567 or +989121234567")
    if not plain.startswith("+"):
        if digits.startswith("00"):
            digits = digits[2:]
        elif digits.startswith("0"):
            digits = COUNTRY_CODE + digits[1:]
        elif digits.startswith("9") and len(digits) == _IRANIAN_MOBILE_DIGITS - len(COUNTRY_CODE):
            digits = COUNTRY_CODE + digits
    if digits.startswith(COUNTRY_CODE):
        if len(digits) != _IRANIAN_MOBILE_DIGITS or digits[2] != "9":
            raise TokenError("an Iranian mobile has ten digits after +98 or 0 and begins with 9, such as 09121234567")
    elif not _E164_DIGITS_MIN <= len(digits) <= _E164_DIGITS_MAX or digits.startswith("0"):
        raise TokenError("the mobile must have 8 to 15 digits with its country code, such as +989121234567")
    return f"+{digits}"


def latin_digits(text: str) -> str:
    """The text with its digits, be they Persian, Arabic or any other, as Latin ones."""
    return text if text.isascii() else "".join(map(_latin_digit, text))


def _latin_digit(character: str) -> str:
    value = unicodedata.decimal(character, None)
    return character if value is None else str(value)


def luhn_digit(digits: str) -> str:
    """The check digit that follows `digits` (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, character in enumerate(reversed(digits)):
        value = ord(character) - 48
        if place % 2 == 0:
            value = value * 2 - 9 if value > 4 else value * 2
        total += value
    return str(-total % 10)


def is_card_number(text: str) -> bool:
    """Whether this is 12 to 19 digits whose last one is the Luhn digit of the others."""
    return (
        PAN_DIGITS_MIN <= len(text) <= PAN_DIGITS_MAX
        and text.isascii()
        and text.isdecimal()
        and luhn_digit(text[:-1]) == text[-1]
    )
