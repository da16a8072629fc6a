"""Where members stood in the tiers, out of rows alone: as the kernel left them."""

import datetime as dt
import random

import pytest

from cext._kernel import Account
from switch.simulation.history import Row
from switch.simulation.standing import Standing, Step, TierTerms, standing_after, terms_of
from tests.switch.programme.programmes import ONE_RULE, load
from tests.switch.simulation.worlds import HEAD, World, programme

TIERS = """\
tiers: [{id: silver, from: {points: 30}, multiply: 2}, {id: gold, from: {points: 90}}]
tier_year: {begins: march, grace: 40 days}
"""
RULES = """\
  - {id: base, then: {points: {per: 100000}}}
  - {id: lucky, when: amount == 350000 and tier == "none", then: {tier: silver}}
  - {id: came, when: event == "checkin", then: {points: 5}}
"""
TERMS = TierTerms((30, 90), 3, 40, "Asia/Tehran")
MARCH = 3


def year_of(made: World, row: Row) -> int:
    month = made.quarters.at(row.at)[1]
    return 2000 + (month - (MARCH - 1)) // 12


def steps_of(made: World) -> list[Step]:
    """As the database tells them."""
    by_seq = {row.seq: row for row in made.rows}
    found = []
    for row, tier in zip(made.rows, made.tiers, strict=True):
        undoes = None if row.original_seq is None else year_of(made, made.earned_by(by_seq[row.original_seq]))
        if row.kind != 0 and not (row.original_seq and by_seq[row.original_seq].kind == 0):
            year = year_of(made, row)
            is_over = (made.quarters.date(row.at) - dt.date(year, MARCH, 1)).days >= TERMS.grace_days
            found.append(Step(year, is_over, row.points_earned, tier, undoes))
    return found


@pytest.mark.parametrize("seed", range(60))
def test_a_random_life_stands_where_the_kernel_left_it(seed: int) -> None:
    live = programme(HEAD + RULES + TIERS)
    assert terms_of(live) == TERMS
    made = World(live.kernel, random.Random(seed), Account(1, seed + 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 19_600, b""))
    for _ in range(70):
        made.step()
        a = made.account
        assert standing_after(TERMS, steps_of(made)) == (a.tier_points, a.tier_year, a.tier_kept)


def test_a_world_of_years_has_turns_and_undoing_across_them() -> None:
    years, across = set(), 0
    for seed in range(60):
        live = programme(HEAD + RULES + TIERS)
        made = World(live.kernel, random.Random(seed), Account(1, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 19_600, b""))
        for _ in range(70):
            made.step()
        found = steps_of(made)
        years |= {step.year for step in found}
        across += sum(step.undoes not in (None, step.year) for step in found)
    assert len(years) > 2
    assert across


def test_a_missed_year_counts_for_nothing() -> None:
    steps = [Step(2026, True, 100, 2, None), Step(2028, True, 10, 0, None)]
    assert standing_after(TERMS, steps) == Standing(10, 2028, 0)
    assert standing_after(TERMS, [steps[0], Step(2027, False, 10, 2, None)]) == Standing(10, 2027, 2)
    assert standing_after(TERMS, []) == Standing(0, 0, 0)


@pytest.mark.parametrize(
    "text",
    [
        ONE_RULE,
        ONE_RULE + "tiers: [{id: s, from: {points: 3}}]\n",
        ONE_RULE + "tiers: [{id: s, from: {visits: 3}}]\ntier_year: {begins: march}\n",
    ],
)
def test_without_tier_years_by_points_there_are_no_terms(text: str) -> None:
    assert terms_of(load(text)) is None


def test_dates_are_what_the_terms_say() -> None:
    made = World(programme().kernel, random.Random(1), Account(1, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 19_600, b""))
    for day, year in (("2027-02-28", 2026), ("2027-03-01", 2027), ("2028-01-31", 2027)):
        at = int(dt.datetime.fromisoformat(f"{day}T12:00:00+03:30").timestamp())
        row = Row(1, at, 1, 1, 364, 2, 3, 7, 5, 1, *[0] * 8)
        assert year_of(made, row) == year
