"""Rates, shares, months and days as authors write them."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switch.programme.values import days_of, months_of, pending_of, percentage_of, rate_of, share_of, span_of


@pytest.mark.parametrize(
    ("read", "written", "value"),
    [
        (rate_of, 2, Fraction(2)),
        (rate_of, "1.25", Fraction(5, 4)),
        (rate_of, "3/2", Fraction(3, 2)),
        (rate_of, 1_000, Fraction(1_000)),
        (percentage_of, "20%", Fraction(1, 5)),
        (percentage_of, "0.000001%", Fraction(1, 10**8)),
        (percentage_of, "1/3", Fraction(1, 3)),
        (percentage_of, "100%", Fraction(1)),
        (share_of, "12.5%", Fraction(1, 8)),
        (share_of, 50_000, 50_000),
        (months_of, "1 month", 1),
        (months_of, "35 months", 35),
        (pending_of, "1 day", 1),
        (pending_of, "31 days", 31),
        (span_of, "1 minute", 60),
        (span_of, "30 minutes", 1_800),
        (span_of, "2 hours", 7_200),
        (span_of, "31 days", 2_678_400),
        (span_of, "44640 minutes", 2_678_400),
        (days_of, "1 day", 1),
        (days_of, "3660 days", 3_660),
    ],
)
def test_read(read, written, value):
    found = read(written)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("read", "written"),
    [
        (rate_of, "0"),
        (rate_of, "1000.1"),
        (rate_of, "-1"),
        (rate_of, "1e3"),
        (rate_of, "1/0"),
        (rate_of, True),
        (rate_of, None),
        (percentage_of, 20),
        (percentage_of, "20"),
        (percentage_of, "20 %"),
        (percentage_of, "101%"),
        (percentage_of, "0%"),
        (share_of, 0),
        (share_of, -5),
        (share_of, "0.2"),
        (months_of, "0 months"),
        (months_of, "36 months"),
        (months_of, 24),
        (pending_of, "0 days"),
        (pending_of, "32 days"),
        (pending_of, "2 weeks"),
        (pending_of, 14),
        (span_of, "0 minutes"),
        (span_of, "32 days"),
        (span_of, "44641 minutes"),
        (span_of, "30 seconds"),
        (span_of, "1.5 hours"),
        (span_of, "99999999 minutes"),
        (span_of, 900),
        (span_of, None),
        (days_of, "0 days"),
        (days_of, "3661 days"),
        (days_of, 30),
    ],
)
def test_refused(read, written):
    with pytest.raises(ValueError, match=r"should be|denominator"):
        read(written)


@given(st.text(st.sampled_from("0123456789./% -monthsday٣"), max_size=14))
def test_any_text_is_read_or_refused(text):
    for read in (rate_of, percentage_of, share_of, months_of, days_of, pending_of, span_of):
        try:
            value = read(text)
        except ValueError:
            continue
        assert value > 0
