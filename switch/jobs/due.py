"""What is due on a day, of one programme: plain facts for whoever looks for the accounts. No clock, no store."""

import calendar
import datetime as dt
from typing import NamedTuple

from switch.programme import CompiledProgramme
from switch.programme.calendar import LocalTime, last_day_of
from switch.programme.lifecycle import AMBASSADOR, Bonus

BIRTHDAY = "birthday"
"""The event that a member's birthday is."""
NO_TIER_YEAR = 0
_LEAP_DAY, _DAY_AFTER = 229, 301
_FORGOTTEN_DAYS = 184
"""Beyond half a leap year: DE7 (MMDD) of a message that was sent before would be nearest to a day that came since."""


class UpkeepTerms(NamedTuple):
    """What makes an account due for upkeep.

    Lots of a month before `local_month` have lapsed; offers whose last day is before `local_day` are over; `slots` are
    the limits' counters, each over if its period's number is below that of `numbers`. `tier_year` is the one that the
    day is in (NO_TIER_YEAR: the programme has none), `grace_is_over` whether its days of grace have passed.
    """

    local_month: int
    local_day: int
    now_s: int
    tier_year: int
    grace_is_over: bool
    slots: tuple[int, ...]
    numbers: tuple[int, ...]


class LapsingMonth(NamedTuple):
    """A month at whose end points lapse, and its last day."""

    month: int
    last_day: dt.date


class ReferralTerms(NamedTuple):
    """What a first purchase brings to whom: points and minor units. `ambassadors`: the tag whose bearers get theirs."""

    referrer: tuple[int, int]
    ambassador: tuple[int, int]
    member: tuple[int, int]
    ambassadors: str = AMBASSADOR


def upkeep_terms(programme: CompiledProgramme, at: LocalTime, now_s: int) -> UpkeepTerms:
    """What upkeep is due for at a moment, whose local time is `at`."""
    numbers_now = (0, at.month // 12, at.month, at.day)
    limits = {slot: numbers_now[period] for slot, period, _ in programme.kernel.table[5] if period}
    year, grace_is_over = _tier_year(programme, at.date)
    return UpkeepTerms(at.month, at.day, now_s, year, grace_is_over, tuple(limits), tuple(limits.values()))


def _tier_year(programme: CompiledProgramme, day: dt.date) -> tuple[int, bool]:
    terms = programme.model.tier_year
    if terms is None:
        return NO_TIER_YEAR, False
    year = day.year if day.month >= terms.month else day.year - 1
    return year, (day - dt.date(year, terms.month, 1)).days >= terms.grace_days


def tells_birthdays(programme: CompiledProgramme) -> bool:
    """Whether a rule of the programme waits for birthdays."""
    return BIRTHDAY in programme.events


def birthdays_on(day: dt.date) -> list[int]:
    """Whose birthday it is, as month · 100 + day: 1 March is that of 29 February in a year without one."""
    today = day.month * 100 + day.day
    if today == _DAY_AFTER and not calendar.isleap(day.year):
        return [_LEAP_DAY, today]
    return [today]


def lapsing_months(programme: CompiledProgramme, at: LocalTime) -> list[LapsingMonth]:
    """The months at whose end points lapse within the days of notice; none if the programme gives no notice."""
    notice = programme.model.point.notice
    found: list[LapsingMonth] = []
    month = at.month
    while notice is not None:
        last_day = last_day_of(month)
        if (last_day - at.date).days > notice:
            break
        found.append(LapsingMonth(month, last_day))
        month += 1
    return found


def referral_terms(programme: CompiledProgramme) -> ReferralTerms:
    """What a first purchase brings; nothing if the programme says nothing of it."""
    terms = programme.model.referral
    if terms is None:
        return ReferralTerms((0, 0), (0, 0), (0, 0))
    return ReferralTerms(_of(terms.referrer), _of(terms.ambassador or terms.referrer), _of(terms.member))


def _of(gift: Bonus | None) -> tuple[int, int]:
    return (0, 0) if gift is None else (gift.points or 0, gift.credit or 0)


def forgotten_before(now_s: int) -> dt.datetime:
    """Mobiles whose members were erased before this moment need not be remembered any longer.

    A message of 29 February is known by its day until the next year is over, which has no such day.
    """
    now = dt.datetime.fromtimestamp(now_s, dt.UTC)
    leap_days = [dt.datetime(year, 2, 29, tzinfo=dt.UTC) for year in (now.year - 1, now.year) if calendar.isleap(year)]
    return min([now - dt.timedelta(days=_FORGOTTEN_DAYS), *leap_days])
