"""Receipt lines: what is told, in which language, and what a printer can take."""

import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switch.receipts import (
    BYTES_MAX,
    LINES_MAX,
    RIGHT_TO_LEFT_MARK,
    Offer,
    Printer,
    Receipt,
    lines_of,
    wrapped_at,
)

FULL = Receipt(
    currency=364,
    points_balance=1_234,
    points_earned=12,
    points_redeemed=3,
    credit_balance=100_000,
    credit_granted=50_000,
    discount=250_000,
    tier="silver",
    points_to_next_tier=("gold", 3_766),
    stamps=(("cut", 3, 10),),
    tickets=(("nowruz", 4),),
    messages=({"fa": "تولدتان مبارک", "en": "Happy birthday"},),
    offers=(Offer({"fa": "خرید ۲۰۰ هزار تومانی، ۲۰٪ اعتبار", "en": "20% credit from 2,000,000"}, 12),),
)


def test_everything_in_english() -> None:
    assert lines_of(FULL, "en", Printer(width=48)) == [
        "Discount: 250,000 rial",
        "Points earned: 12",
        "Points spent: 3",
        "Credit given: 50,000 rial",
        "Points balance: 1,234",
        "Credit balance: 100,000 rial",
        "Happy birthday",
        "Stamps cut: 3 of 10",
        "Tickets nowruz: 4",
        "Tier: silver",
        "3,766 points to gold",
        "20% credit from 2,000,000 (12 days left)",
    ]


def test_persian_with_its_own_digits() -> None:
    lines = lines_of(FULL, "fa", Printer(width=40))
    assert lines[:3] == ["تخفیف: ۲۵۰٬۰۰۰ ریال", "امتیاز این خرید: ۱۲", "امتیاز خرج‌شده: ۳"]
    assert "مانده امتیاز: ۱٬۲۳۴" in lines
    assert not any(character in "0123456789" for line in lines for character in line)


def test_persian_for_a_printer_that_knows_latin_digits_only_and_needs_the_mark() -> None:
    lines = lines_of(FULL, "fa", Printer(width=40, digits="latin", right_to_left_mark=True))
    assert lines[0] == RIGHT_TO_LEFT_MARK + "تخفیف: 250,000 ریال"
    assert all(line.startswith(RIGHT_TO_LEFT_MARK) for line in lines)
    assert not any(character in "۰۱۲۳۴۵۶۷۸۹" for line in lines[:-1] for character in line)


def test_points_that_lapse_soon() -> None:
    receipt = Receipt(currency=364, points_balance=1_500, lapsing=((1_200, 9), (300, 0)))
    assert lines_of(receipt, "en", Printer())[1:] == ["1,200 points expire in 9 days", "300 points expire tonight"]
    assert lines_of(receipt, "fa", Printer(width=48))[1:] == [
        "۱٬۲۰۰ امتیاز تا ۹ روز دیگر از بین می‌رود",
        "۳۰۰ امتیاز امشب از بین می‌رود",
    ]


def test_nothing_earned_nothing_told_but_the_balance() -> None:
    assert lines_of(Receipt(currency=364, points_balance=0), "en", Printer()) == ["Points balance: 0"]


@pytest.mark.parametrize(("have", "line"), [(9, "Stamps cut: 9 of 10"), (10, "Stamps cut: full, the next is yours")])
def test_a_full_stamp_card_says_so(have: int, line: str) -> None:
    receipt = Receipt(currency=364, points_balance=0, stamps=(("cut", have, 10),))
    assert line in lines_of(receipt, "en", Printer(width=48))


@pytest.mark.parametrize(
    ("currency", "amount", "line"),
    [
        (364, 1_500_000, "Discount: 1,500,000 rial"),
        (840, 1_500_000, "Discount: 15,000.00 USD"),
        (840, -5, "Discount: -0.05 USD"),
        (826, 123_456, "Discount: 1,234.56"),
    ],
)
def test_money_has_the_minor_units_of_its_currency(currency: int, amount: int, line: str) -> None:
    assert lines_of(Receipt(currency, 0, discount=amount), "en", Printer())[0] == line


def test_what_is_pending_is_told_beside_what_may_be_spent() -> None:
    receipt = Receipt(364, 1_200, points_earned=100, points_pending=1_100)
    assert lines_of(receipt, "en", Printer())[1:] == ["Points balance: 1,200", "Points pending: 1,100"]
    assert lines_of(receipt, "fa", Printer())[-1] == "امتیاز در انتظار: ۱٬۱۰۰"


def test_an_offer_on_its_last_day() -> None:
    receipt = Receipt(364, 0, offers=(Offer({"en": "Come back"}, 0),))
    assert lines_of(receipt, "en", Printer())[-1] == "Come back (today only)"
    assert lines_of(receipt, "fa", Printer())[-1] == "Come back (فقط امروز)"


def test_missing_data_is_asked_for() -> None:
    lines = lines_of(Receipt(364, 0, asks_for=("name", "birth_date")), "en", Printer())
    assert lines[-2:] == ["Please tell us your name", "Please tell us your birth date"]


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=400)


@given(
    st.lists(st.dictionaries(st.sampled_from(["fa", "en"]), TEXTS, max_size=2), max_size=8),
    st.integers(-(10**16), 10**16),
    st.integers(16, 64),
    st.booleans(),
    st.sampled_from(["fa", "en"]),
)
def test_lines_always_fit(messages: list[dict[str, str]], points: int, width: int, mark: bool, language: str) -> None:
    receipt = Receipt(364, points, messages=tuple(messages))
    lines = lines_of(receipt, language, Printer(width, "persian", mark))  # type: ignore[arg-type]
    assert len(lines) <= LINES_MAX
    assert sum(5 + len(line.encode()) for line in lines) <= BYTES_MAX
    for line in lines:
        assert 0 < len(line.removeprefix(RIGHT_TO_LEFT_MARK)) <= width


@given(st.integers(16, 64), st.text() | st.text(" \t\nab-\u00a0\u200cس", max_size=80))
def test_lines_break_as_the_standard_library_breaks_them(width: int, sentence: str) -> None:
    assert wrapped_at(width, sentence) == textwrap.wrap(sentence, width)
