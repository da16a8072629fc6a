"""Tokens: known answers, so that no release ever loses a card; mobiles; Luhn digits."""

from hashlib import blake2b

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switch.tokens import Token, TokenError, Tokens, is_card_number, luhn_digit, normalise_mobile

KEY = bytes(range(32))
KNOWN_CARD = (7, 4359035938563199262, -5795305032726244473)
KNOWN_MOBILE = (43, -1643223450174141903, 2469656845726927019)
KNOWN_CHECK = "0fc8c8b71ec91e78"
DIGITS = st.text("0123456789", min_size=11, max_size=18)


def test_a_card_token_is_the_keyed_blake2b_of_the_digits() -> None:
    digest = blake2b(b"6037990000000006", key=KEY, digest_size=16).digest()
    token = Tokens(KEY, 64).card("6037990000000006")
    assert token.bytes == digest
    assert token.id == int.from_bytes(digest[:8], "big", signed=True)
    assert token.low == int.from_bytes(digest[8:], "big", signed=True)
    assert token.shard == int.from_bytes(digest[14:], "big") % 64


def test_a_token_does_not_change_between_releases() -> None:
    assert Tokens(KEY, 64).card("6037990000000006") == Token(*KNOWN_CARD)
    assert Tokens(KEY, 64).mobile("bazaar", "09120000000") == Token(*KNOWN_MOBILE)
    assert Tokens(KEY, 64).check_value() == KNOWN_CHECK


def test_a_mobile_token_is_of_its_programme_and_of_the_normalised_number() -> None:
    tokens = Tokens(KEY, 64)
    digest = blake2b(b"MB:bazaar:+989120000000", key=KEY, digest_size=16).digest()
    assert tokens.mobile("bazaar", "0912 000 0000").bytes == digest
    assert tokens.mobile("other", "09120000000") != tokens.mobile("bazaar", "09120000000")


@given(DIGITS, st.integers(1, 4096))
def test_shards_are_within_their_number(pan: str, shards: int) -> None:
    assert 0 <= Tokens(KEY, shards).card(pan).shard < shards


def test_shards_are_used_evenly() -> None:
    tokens = Tokens(KEY, 64)
    counts = [0] * 64
    for serial in range(64_000):
        counts[tokens.card(f"603799{serial:09d}0").shard] += 1
    # Of 64,000 draws over 64 shards the standard deviation is 31; seven of them never happen by chance.
    assert min(counts) > 780
    assert max(counts) < 1220


def test_another_key_gives_other_tokens_and_another_check_value() -> None:
    other = Tokens(bytes(32), 64)
    assert other.card("6037990000000006") != Tokens(KEY, 64).card("6037990000000006")
    assert other.check_value() != Tokens(KEY, 64).check_value()


@pytest.mark.parametrize(("key", "shards"), [(b"short", 64), (bytes(65), 64), (KEY, 0), (KEY, 4097)])
def test_an_unfit_key_or_number_of_shards_is_refused(key: bytes, shards: int) -> None:
    with pytest.raises(TokenError):
        Tokens(key, shards)


def test_neither_repr_shows_the_key() -> None:
    assert repr(Tokens(b"a secret of 16 b", 64)) == "Tokens(shards=64)"


@pytest.mark.parametrize(
    "text",
    [
        "09121234567",
        "9121234567",
        "+989121234567",
        "00989121234567",
        "989121234567",
        "0912 123 45 67",
        "0912-123-4567",
        "(0912) 123.4567",
        "۰۹۱۲۱۲۳۴۵۶۷",
        "٠٩١٢١٢٣٤٥٦٧",
        "\u200e+98\u00a0912 1234567",
    ],
)
def test_every_usual_spelling_is_one_number(text: str) -> None:
    assert normalise_mobile(text) == "+989121234567"


@pytest.mark.parametrize(("text", "number"), [("+447700900123", "+447700900123"), ("00971501234567", "+971501234567")])
def test_foreign_numbers_keep_their_country(text: str, number: str) -> None:
    assert normalise_mobile(text) == number


@pytest.mark.parametrize(
    "text",
    ["", "+", "0", "00", "hello", "02188776655", "0935333445", "093533344556", "+98912123456", "+1234567",
     "+0123456789",
     "+12345678901234567", "0935333445x", "++989121234567", "²09121234567"],
)  # fmt: skip
def test_what_is_no_mobile_is_refused_without_being_quoted(text: str) -> None:
    with pytest.raises(TokenError) as refused:
        normalise_mobile(text)
    assert not text or len(text) < 5 or text not in str(refused.value)


@given(st.text(max_size=40))
def test_any_text_gives_a_number_or_a_refusal(text: str) -> None:
    try:
        number = normalise_mobile(text)
    except TokenError:
        return
    assert number[0] == "+"
    assert number[1:].isascii()
    assert number[1:].isdecimal()
    assert normalise_mobile(number) == number


@pytest.mark.parametrize(
    ("digits", "check"),
    [("7992739871", "3"), ("401288888888188", "1"), ("37828224631000", "5"), ("603799000000000", "6")],
)
def test_luhn_digits_that_others_published(digits: str, check: str) -> None:
    assert luhn_digit(digits) == check
    assert is_card_number(digits + check) == (len(digits) >= 11)


@given(DIGITS, st.integers(0, 17), st.integers(1, 9))
def test_any_single_wrong_digit_is_found(digits: str, place: int, change: int) -> None:
    number = digits + luhn_digit(digits)
    assert is_card_number(number)
    place %= len(number)
    wrong = number[:place] + str((int(number[place]) + change) % 10) + number[place + 1 :]
    assert not is_card_number(wrong)


@pytest.mark.parametrize("text", ["", "6037", "603799000000000x", "6037990000000007", "۶۰۳۷۹۹۰۰۰۰۰۰۰۰۰۶", "0" * 20])
def test_what_is_no_card_number(text: str) -> None:
    assert not is_card_number(text)
