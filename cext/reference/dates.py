"""Dates as days since 1970-01-01, in plain Python: `datetime` is not let in, as it would bring a clock.

A day that its month does not have is the one so many days after the month's first: 29 February of a year without is
1 March.
"""

_DAYS_BEFORE_MONTH = (0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334)
_DAYS_TO_1970 = 719_162
_FEBRUARY = 2
_YEAR_MAX = 9_999


def is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def day_of(year: int, month: int, day: int) -> int:
    """The day's number, of years above 0."""
    past = year - 1
    leap_days = past // 4 - past // 100 + past // 400 + (month > _FEBRUARY and is_leap(year))
    return 365 * past + leap_days + _DAYS_BEFORE_MONTH[month - 1] + day - 1 - _DAYS_TO_1970


def year_of(day: int) -> int:
    """The year that a day of 1970 or later is in."""
    year = 1970 + day // 366
    while day_of(year + 1, 1, 1) <= day:
        year += 1
    return year


def parsed(packed: int) -> tuple[int, int, int] | None:
    """(year, month, day) of YYYYMMDD; None if that is no date."""
    year, month, day = packed // 10_000, packed // 100 % 100, packed % 100
    if not (1 <= year <= _YEAR_MAX and 1 <= month <= 12):
        return None
    last = day_of(year + month // 12, month % 12 + 1, 1) - day_of(year, month, 1)
    return (year, month, day) if 1 <= day <= last else None
