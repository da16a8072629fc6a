"""Codes: what is one, how it is read however it was typed, and what a message may show."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switch.coupons import (
    ASKS_FOR_MORE,
    CODE_CHARACTERS_MAX,
    CODE_CHARACTERS_MIN,
    CROCKFORD,
    FOREIGN,
    NO_MORE,
    NOT_TODAY,
    TWO_OF_A_KIND,
    UNKNOWN,
    USED,
    WITHDRAWN,
    Shown,
    normalised,
    random_code,
    read_codes,
    token_of,
)
from switch.replies import REASON_LENGTH_MAX
from tests.switch.fakes import SHARDS, TOKENS


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("SPRING10", "SPR1NG10"),
        ("spring-10", "SPR1NG10"),
        ("SPRlNGIO", "SPR1NG10"),
        ("7d4k 0qxw", "7D4K0QXW"),
        ("۱۲۳۴", "1234"),
        ("١٢٣٤", "1234"),
        ("ABC", None),
        ("A" * CODE_CHARACTERS_MAX, "A" * CODE_CHARACTERS_MAX),
        ("A" * (CODE_CHARACTERS_MAX + 1), None),
        ("", None),
        ("----------", None),
        ("CAFÉ10", None),
        ("ABCD\0", None),
        ("ABCD\n", None),
        ("ß" * 10, None),
        ("A" * 100_000, None),
    ],
)
def test_a_code_is_read_however_it_was_typed(typed: str, code: str | None) -> None:
    assert normalised(typed) == code


@given(st.text(max_size=80))
def test_what_is_read_is_a_code_and_stays_one(typed: str) -> None:
    code = normalised(typed)
    if code is not None:
        assert re.fullmatch(rf"[0-9A-HJKMNP-Z]{{{CODE_CHARACTERS_MIN},{CODE_CHARACTERS_MAX}}}", code)
        assert normalised(code) == code
        assert normalised(code.lower()) == code


def test_a_random_code_has_eighty_bits_in_groups() -> None:
    codes = {random_code() for _ in range(2_000)}
    assert len(codes) == 2_000
    assert all(re.fullmatch(rf"([{CROCKFORD}]{{4}}-){{3}}[{CROCKFORD}]{{4}}", code) for code in codes)
    assert len(CROCKFORD) == 32
    # Each place takes each character: no bit is fixed.
    plain = [code.replace("-", "") for code in codes]
    assert all({code[place] for code in plain} == set(CROCKFORD) for place in range(16))
    assert all(normalised(code) == code.replace("-", "") for code in codes)


def test_a_token_needs_the_key_and_is_no_cards() -> None:
    token = token_of(TOKENS, "SPR1NG10")
    assert 0 <= token.shard < SHARDS
    assert token != TOKENS.card("SPR1NG10")


def test_a_message_shows_each_code_once_and_five_at_most() -> None:
    codes = [random_code() for _ in range(6)]
    shown = read_codes(codes[:5], TOKENS)
    assert isinstance(shown, Shown)
    assert len(set(shown.tokens)) == 5
    assert read_codes(codes, TOKENS) == ("30", "DE48 has more than 5 CP")
    assert read_codes([codes[0], codes[0].lower()], TOKENS) == ("30", "DE48 has one CP twice")
    assert read_codes(["?", "?"], TOKENS) == Shown((None, None))


def test_every_reason_fits_de44() -> None:
    for refusal in (ASKS_FOR_MORE, FOREIGN, NO_MORE, NOT_TODAY, TWO_OF_A_KIND, UNKNOWN, USED, WITHDRAWN):
        assert refusal.reason.isascii()
        assert len(refusal.reason) <= REASON_LENGTH_MAX
