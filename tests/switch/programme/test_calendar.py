"""Local calendars: the civil day of a zone, and its cache."""

import datetime as dt
import zoneinfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switch.programme.calendar import LocalCalendar, LocalTime


def utc(*moment):
    return int(dt.datetime(*moment, tzinfo=dt.UTC).timestamp())


@pytest.mark.parametrize(
    ("moment", "local"),
    [
        # Tehran is 3 h 30 min ahead: 20:29 is still the 31st, 20:30 the 1st.
        (utc(2026, 10, 31, 20, 29, 59), LocalTime(20_757, 321, 23, 5, 31, dt.date(2026, 10, 31))),
        (utc(2026, 10, 31, 20, 30), LocalTime(20_758, 322, 0, 6, 1, dt.date(2026, 11, 1))),
        (utc(1999, 12, 31, 20, 30), LocalTime(10_957, 0, 0, 5, 1, dt.date(2000, 1, 1))),
    ],
)
def test_tehran(moment, local):
    assert LocalCalendar("Asia/Tehran").at(moment) == local


def test_the_cache_follows_time_forwards_and_backwards():
    calendar = LocalCalendar("UTC")
    assert [calendar.at(second).hour for second in (3_599, 3_600, 3_599, 0, 7_200)] == [0, 1, 0, 0, 2]
    assert calendar.at(60) is calendar.at(119)


@given(st.integers(0, 4_000_000_000), st.sampled_from(["Asia/Tehran", "Europe/Berlin", "America/St_Johns"]))
def test_any_moment_agrees_with_the_zone(epoch_s, zone):
    moment = dt.datetime.fromtimestamp(epoch_s, zoneinfo.ZoneInfo(zone))
    local = LocalCalendar(zone).at(epoch_s)
    assert (local.date, local.hour, local.weekday, local.day_of_month) == (
        moment.date(),
        moment.hour,
        moment.weekday(),
        moment.day,
    )
    assert dt.date(1970, 1, 1) + dt.timedelta(days=local.day) == moment.date()
    assert (2000 + local.month // 12, local.month % 12 + 1) == (moment.year, moment.month)


def test_an_unknown_zone_is_refused():
    with pytest.raises(zoneinfo.ZoneInfoNotFoundError):
        LocalCalendar("Asia/Nowhere")
