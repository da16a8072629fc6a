"""Epoch seconds to the calendar of a programme's time zone, outside the kernel and cached: thousands of
messages share a minute.
"""

import calendar
import datetime as dt
import zoneinfo
from typing import NamedTuple

EPOCH_ORDINAL = dt.date(1970, 1, 1).toordinal()
SECONDS_A_MINUTE = 60
FIRST_YEAR = 2000
"""Months are counted from its January."""


class LocalTime(NamedTuple):
    """A minute in a time zone.

    `day`: days since 1970-01-01; `month`: months since 2000-01; `weekday`: Monday is 0; `date`: the business
    date of an institution that has no cut-over of its own.
    """

    day: int
    month: int
    hour: int
    weekday: int
    day_of_month: int
    date: dt.date


def last_day_of(month: int) -> dt.date:
    """The last day of a month, counted from January 2000."""
    year, of_year = FIRST_YEAR + month // 12, month % 12 + 1
    return dt.date(year, of_year, calendar.monthrange(year, of_year)[1])


class LocalCalendar:
    """The calendar of one time zone. Raises zoneinfo.ZoneInfoNotFoundError for a zone that does not exist."""

    def __init__(self, timezone: str) -> None:
        self._zone = zoneinfo.ZoneInfo(timezone)
        self._minute: int | None = None
        self._local: LocalTime = LocalTime(0, 0, 0, 0, 1, dt.date(1970, 1, 1))

    def at(self, epoch_s: int) -> LocalTime:
        """The local time of a moment; zones change their offset at whole minutes only."""
        minute = epoch_s // SECONDS_A_MINUTE
        if minute != self._minute:
            self._local = self._find(minute * SECONDS_A_MINUTE)
            self._minute = minute
        return self._local

    def _find(self, epoch_s: int) -> LocalTime:
        moment = dt.datetime.fromtimestamp(epoch_s, self._zone)
        return LocalTime(
            day=moment.toordinal() - EPOCH_ORDINAL,
            month=(moment.year - FIRST_YEAR) * 12 + moment.month - 1,
            hour=moment.hour,
            weekday=moment.weekday(),
            day_of_month=moment.day,
            date=moment.date(),
        )
