"""DE7 has no year: the one that brings it nearest to now."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switch.calendars import Calendars, nearest


@pytest.mark.parametrize(
    ("text", "today", "expected"),
    [
        ("1123093000", dt.date(2026, 11, 23), dt.date(2026, 11, 23)),
        ("1231235959", dt.date(2027, 1, 1), dt.date(2026, 12, 31)),
        ("0101000000", dt.date(2026, 12, 31), dt.date(2027, 1, 1)),
        ("0229120000", dt.date(2027, 12, 1), dt.date(2028, 2, 29)),
        ("0701000000", dt.date(2026, 1, 10), dt.date(2026, 7, 1)),
    ],
)
def test_the_year_is_the_nearest(text: str, today: dt.date, expected: dt.date) -> None:
    found = nearest(text, today)
    assert found is not None
    assert (found.date, found.ordinal, found.hour) == (expected, expected.toordinal(), int(text[4:6]))
    assert found.key == int(text) * 1_000_000


NO_MOMENTS = ["", "1332000000", "0230000000", "0229000000", "1123240000", "1123006000", "1123000060", "112300000"]


@pytest.mark.parametrize("text", [*NO_MOMENTS, "11230000000", "１１２３000000", "-123000000"])
def test_no_such_moment(text: str) -> None:
    # 2025 to 2027 have no 29 February.
    assert nearest(text, dt.date(2026, 6, 1)) is None


@given(st.dates(dt.date(2001, 1, 1), dt.date(2098, 12, 31)), st.integers(-180, 180))
def test_any_day_within_half_a_year_is_found_again(today: dt.date, distance: int) -> None:
    day = today + dt.timedelta(days=distance)
    found = nearest(f"{day:%m%d}000000", today)
    assert found is not None
    assert found.date == day


def test_the_cache_follows_the_day() -> None:
    clock = [dt.datetime(2026, 12, 31, 23, 59, 59, tzinfo=dt.UTC).timestamp()]
    calendars = Calendars(lambda: clock[0])
    before = calendars.sent_at("0702000000")
    clock[0] += 86_400
    after = calendars.sent_at("0702000000")
    assert calendars.today() == dt.date(2027, 1, 1)
    assert before is not None
    assert after is not None
    assert (before.date.year, after.date.year) == (2026, 2027)


def test_local_time_is_the_programmes() -> None:
    calendars = Calendars(lambda: 0.0)
    moment = dt.datetime(2026, 11, 23, 21, 0, tzinfo=dt.UTC).timestamp()
    assert calendars.local("Asia/Tehran", moment).date == dt.date(2026, 11, 24)
    assert calendars.local("UTC", moment).date == dt.date(2026, 11, 23)
