"""Dates at the edge: DE7 has no year and no zone; the programme's day begins in its own zone.

Everything inside is UTC; local times are made here and cached, because thousands of messages share a second.
"""

import datetime as dt
from collections.abc import Callable
from typing import NamedTuple

from switch.programme.calendar import LocalCalendar, LocalTime

_KEPT = 4_096
DAY_S = 86_400


class SentAt(NamedTuple):
    """DE7 with its year. `key` is its ten digits times 10⁶: the journal key without the STAN."""

    key: int
    date: dt.date
    ordinal: int
    hour: int


class Calendars:
    """Reads DE7 and gives local times, both cached."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._day = -1
        self._today = dt.date.min
        self._sent: dict[str, SentAt | None] = {}
        self._zones: dict[str, LocalCalendar] = {}

    def sent_at(self, text: str) -> SentAt | None:
        """DE7 `MMDDhhmmss` in the year that brings it nearest to now; None if it is no such moment."""
        today = self.today()
        try:
            return self._sent[text]
        except KeyError:
            if len(self._sent) >= _KEPT:
                self._sent.clear()
            found = self._sent[text] = nearest(text, today)
            return found

    def today(self) -> dt.date:
        """The date in UTC."""
        day = int(self._clock()) // DAY_S
        if day != self._day:
            self._day = day
            self._today = dt.datetime.fromtimestamp(day * DAY_S, dt.UTC).date()
            self._sent.clear()
        return self._today

    def local(self, timezone: str, epoch_s: float) -> LocalTime:
        """The moment in a programme's zone."""
        calendar = self._zones.get(timezone)
        if calendar is None:
            calendar = self._zones[timezone] = LocalCalendar(timezone)
        return calendar.at(int(epoch_s))


def nearest(text: str, today: dt.date) -> SentAt | None:
    """DE7 with the year that brings it nearest to `today` (29 February finds a leap year or nothing)."""
    if len(text) != 10 or not (text.isascii() and text.isdecimal()):
        return None
    hour, minute, second = int(text[4:6]), int(text[6:8]), int(text[8:10])
    if hour > 23 or minute > 59 or second > 59:
        return None
    candidates = []
    for year in (today.year - 1, today.year, today.year + 1):
        try:
            candidates.append(dt.date(year, int(text[:2]), int(text[2:4])))
        except ValueError:
            continue
    if not candidates:
        return None
    day = min(candidates, key=lambda candidate: abs((candidate - today).days))
    return SentAt(int(text) * 1_000_000, day, day.toordinal(), hour)


def nearest_moment(sent: object, epoch_s: float) -> float | None:
    """DE7 as epoch seconds, in the year that brings it nearest to `epoch_s`; None if it is no DE7."""
    if not isinstance(sent, str):
        return None
    found = nearest(sent, dt.datetime.fromtimestamp(epoch_s, dt.UTC).date())
    if found is None:
        return None
    clock = dt.time(int(sent[4:6]), int(sent[6:8]), int(sent[8:10]), tzinfo=dt.UTC)
    return dt.datetime.combine(found.date, clock).timestamp()
