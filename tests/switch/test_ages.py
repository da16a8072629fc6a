"""Ages in whole years: the very birthday counts, 29 February included, and as the kernel counts them."""

import datetime as dt
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cext import _kernel
from cext.reference import kernel as reference
from switch.ages import age_on, is_under, under_age
from switch.programme import load
from switch.programme.calendar import EPOCH_ORDINAL
from switch.programme.values import AGE_MAX
from tests.cext.kernel_cases import account, request

RULES = """
programme: bazaar
owner: KHATAM
currency: 364
timezone: Asia/Tehran
point: {value: 100, expires: 24 months}
rules:
  - {id: adults, when: age >= 18, then: {points: 1}}
  - {id: minors, when: not age >= 18, then: {points: 2}}
"""
PROGRAMME = load(RULES, ids=lambda _kind, _name: 1)
KERNELS = [(kernel, kernel.Programme(PROGRAMME.kernel.table)) for kernel in (_kernel, reference)]


def written(day: dt.date) -> int:
    return int(f"{day:%Y%m%d}")


def birthday_in(year: int, born: dt.date) -> dt.date:
    """1 March in a year without 29 February."""
    try:
        return born.replace(year=year)
    except ValueError:
        return dt.date(year, 3, 1)


@pytest.mark.parametrize(
    ("born", "day", "age"),
    [
        (19_880_321, dt.date(2006, 3, 20), 17),
        (19_880_321, dt.date(2006, 3, 21), 18),
        (19_880_321, dt.date(2006, 3, 22), 18),
        (19_881_231, dt.date(2007, 1, 1), 18),
        (19_880_101, dt.date(2005, 12, 31), 17),
        # 2006 has no 29 February; 2008 has one.
        (19_880_229, dt.date(2006, 2, 28), 17),
        (19_880_229, dt.date(2006, 3, 1), 18),
        (19_880_229, dt.date(2008, 2, 28), 19),
        (19_880_229, dt.date(2008, 2, 29), 20),
        (20_061_123, dt.date(2006, 11, 23), 0),
        (20_061_124, dt.date(2006, 11, 23), None),
        (0, dt.date(2006, 11, 23), None),
    ],
)
def test_the_age_on_a_day(born: int, day: dt.date, age: int | None) -> None:
    assert age_on(born, day) == age


@given(st.dates(dt.date(1900, 1, 1)), st.dates(dt.date(1900, 1, 1)))
@example(dt.date(2000, 2, 29), dt.date(2018, 2, 28))
@example(dt.date(2000, 2, 29), dt.date(2018, 3, 1))
def test_it_is_the_birthdays_that_one_had(born: dt.date, day: dt.date) -> None:
    if born > day:
        assert age_on(written(born), day) is None
        return
    had = [year for year in range(born.year + 1, day.year + 1) if birthday_in(year, born) <= day]
    assert age_on(written(born), day) == len(had)


@given(st.integers(1, AGE_MAX), st.dates(dt.date(1900, 1, 1), dt.date(2100, 12, 31)))
@example(18, dt.date(2008, 2, 29))
def test_who_has_the_birthday_today_is_old_enough_and_was_not_yesterday(min_age: int, born: dt.date) -> None:
    day = birthday_in(born.year + min_age, born)
    assert not is_under(min_age, written(born), day)
    assert is_under(min_age, written(born), day - dt.timedelta(1))
    assert is_under(min_age, 0, day)


def rules_that_fire(born: int, day: dt.date) -> list[str]:
    """By both kernels, which agree."""
    today = day.toordinal() - EPOCH_ORDINAL
    fired: list[Any] = []
    for kernel, programme in KERNELS:
        member = account(kernel, born=born, enrolled_day=today, club=0)
        decision = kernel.decide(programme, member, request(kernel, 1, 1_000, local_day=today))
        fired.append([PROGRAMME.rule_ids[index] for index in decision.rule_list])
    assert fired[0] == fired[1]
    return list(fired[0])


@given(st.dates(dt.date(1900, 1, 1), dt.date(2100, 12, 31)), st.dates(dt.date(1970, 1, 1), dt.date(2100, 12, 31)))
@example(dt.date(2000, 2, 29), dt.date(2018, 2, 28))
@example(dt.date(2000, 2, 29), dt.date(2018, 3, 1))
def test_a_rule_counts_as_a_club_does(born: dt.date, day: dt.date) -> None:
    if born > day:
        assert rules_that_fire(written(born), day) == []
    else:
        assert rules_that_fire(written(born), day) == ["minors" if is_under(18, written(born), day) else "adults"]


def test_an_age_that_is_not_known_is_neither_old_enough_nor_too_young() -> None:
    assert rules_that_fire(0, dt.date(2026, 11, 23)) == []


@pytest.mark.parametrize("min_age", [1, 18, AGE_MAX])
def test_the_reason_fits_de44(min_age: int) -> None:
    assert under_age(min_age) == f"under age {min_age}"
    assert len(under_age(min_age)) <= 25
