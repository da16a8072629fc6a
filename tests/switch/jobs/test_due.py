"""What is due on a day."""

import datetime as dt

import pytest

from switch.calendars import nearest
from switch.jobs.due import (
    birthdays_on,
    forgotten_before,
    lapsing_months,
    referral_terms,
    tells_birthdays,
    upkeep_terms,
)
from switch.programme.calendar import LocalCalendar, LocalTime
from tests.switch.programme.programmes import HEAD, ONE_RULE, load

TIERS = "tiers: [{id: s, from: {points: 3}}]\ntier_year: {begins: march, grace: 60 days}\n"


def noon(day: str) -> LocalTime:
    return LocalCalendar("Asia/Tehran").at(int(dt.datetime.fromisoformat(f"{day}T08:30:00+00:00").timestamp()))


@pytest.mark.parametrize(
    ("day", "year", "is_over"),
    [
        ("2027-02-28", 2026, True),
        ("2027-03-01", 2027, False),
        ("2027-04-29", 2027, False),
        ("2027-04-30", 2027, True),
    ],
)
def test_the_tier_year_of_a_day(day: str, year: int, is_over: bool) -> None:
    terms = upkeep_terms(load(ONE_RULE + TIERS), noon(day), 0)
    assert (terms.tier_year, terms.grace_is_over) == (year, is_over)


def test_without_tier_years_none_ends() -> None:
    assert upkeep_terms(load(ONE_RULE), noon("2027-03-01"), 0)[3:5] == (0, False)


def test_limits_end_with_their_periods() -> None:
    text = HEAD + "rules:\n  - {id: a, uses: {day: 1, month: 2, year: 3, life: 4}, then: {points: 1}}\n"
    at = noon("2027-03-01")
    terms = upkeep_terms(load(text), at, 99)
    assert sorted(terms.numbers) == [at.month // 12, at.month, at.day]
    assert len(terms.slots) == 3
    assert (terms.local_month, terms.local_day, terms.now_s) == (27 * 12 + 2, at.day, 99)


@pytest.mark.parametrize(
    ("day", "days"),
    [("2027-06-21", [621]), ("2027-03-01", [229, 301]), ("2028-03-01", [301]), ("2028-02-29", [229])],
)
def test_whose_birthday_it_is(day: str, days: list[int]) -> None:
    assert birthdays_on(dt.date.fromisoformat(day)) == days


def test_birthdays_are_told_if_a_rule_waits_for_them() -> None:
    assert not tells_birthdays(load(ONE_RULE))
    text = HEAD + 'rules:\n  - {id: a, when: event == "birthday", then: {points: 1}}\n'
    assert tells_birthdays(load(text))


@pytest.mark.parametrize(
    ("day", "months"),
    [
        ("2027-06-19", []),
        ("2027-06-20", [dt.date(2027, 6, 30)]),
        ("2027-06-30", [dt.date(2027, 6, 30)]),
        ("2027-12-31", [dt.date(2027, 12, 31)]),
    ],
)
def test_months_that_end_within_the_notice(day: str, months: list[dt.date]) -> None:
    programme = load(ONE_RULE.replace("24 months", "24 months, notice: 10 days"))
    assert [each.last_day for each in lapsing_months(programme, noon(day))] == months
    assert lapsing_months(load(ONE_RULE), noon(day)) == []


def test_a_long_notice_tells_of_several_months() -> None:
    programme = load(ONE_RULE.replace("24 months", "24 months, notice: 92 days"))
    found = [each.last_day for each in lapsing_months(programme, noon("2027-01-30"))]
    assert found == [dt.date(2027, 1, 31), dt.date(2027, 2, 28), dt.date(2027, 3, 31), dt.date(2027, 4, 30)]


def test_what_a_friend_is_worth() -> None:
    plain = load(ONE_RULE + "referral: {referrer: {points: 5}, member: {credit: 7}}\n")
    assert referral_terms(plain)[:3] == ((5, 0), (5, 0), (0, 7))
    tagged = load(ONE_RULE + "tags: [ambassador]\nreferral: {ambassador: {points: 9, credit: 2}}\n")
    assert referral_terms(tagged)[:3] == ((0, 0), (9, 2), (0, 0))
    assert referral_terms(load(ONE_RULE))[:3] == ((0, 0), (0, 0), (0, 0))


LEAP_DAYS = [dt.datetime(year, 2, 29, 12, tzinfo=dt.UTC) for year in (2020, 2024, 2028)]


def test_a_mobile_is_forgotten_when_no_message_of_before_is_known_by_its_day_any_more() -> None:
    first = dt.datetime(2027, 1, 1, 23, 59, 59, tzinfo=dt.UTC)
    kept = []
    for now in (first + dt.timedelta(days=days) for days in range(4 * 366)):
        before = forgotten_before(int(now.timestamp()))
        kept.append((now - before).days)
        last_sent = before - dt.timedelta(seconds=1)
        for sent in [last_sent, *(day for day in LEAP_DAYS if day <= last_sent)]:
            found = nearest(f"{sent:%m%d%H%M%S}", now.date())
            assert found is None or found.date != sent.date()
    # After a leap day some are kept until the next year is over.
    assert (min(kept), max(kept)) == (184, (dt.date(2029, 12, 31) - dt.date(2028, 2, 29)).days)
    assert kept.count(184) > 900
