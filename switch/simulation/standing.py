"""Where a member stood in the tiers when a period began, under a programme with tier years: out of the rows before it.

The account row tells tier points of today's tier year alone. So the rows of the tier year in which the period begins,
and of the two before it, are gone through once: what was earned in them, and what was entered. Of earlier ones nothing
can bear on the period, for who missed a year begins anew. The terms are the live programme's. What rows do not tell:
that a rule set a tier which the member had already, in the days of grace.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from cext.programme_table import TierBasis
from switch.programme import CompiledProgramme

YEARS_READ = 3
"""Tier years whose rows are looked at: that of the period's beginning, and those before it."""


@dataclass(frozen=True, slots=True)
class TierTerms:
    """What tiers need, and when their years begin. Goes to other processes.

    `thresholds`: tier points of each tier, from the lowest tier on; `month`: 1 to 12; `timezone`: the programme's.
    """

    thresholds: tuple[int, ...]
    month: int
    grace_days: int
    timezone: str

    def reached(self, points: int) -> int:
        """The highest tier for which these tier points suffice; 0: none."""
        return max((number for number, needed in enumerate(self.thresholds, 1) if points >= needed), default=0)


class Step(NamedTuple):
    """A row before the period: its tier year, the points of its leg, the tier after it.

    `grace_is_over`: the year's days of grace had passed. `undoes`: the tier year of the row that it takes back, None if
    it takes none back.
    """

    year: int
    grace_is_over: bool
    earned: int
    tier: int
    undoes: int | None


class Standing(NamedTuple):
    """As in an account: tier points, the tier year that they belong to, and the tier that is kept until that ends."""

    points: int
    year: int
    kept: int


def terms_of(programme: CompiledProgramme) -> TierTerms | None:
    """The terms of a programme; None if it has no tier years, or tiers for what is counted for life."""
    kernel = programme.kernel
    tiers = [(TierBasis(basis), threshold) for basis, threshold, _, _ in kernel.table[8]]
    if not kernel.tier_year_month or any(basis != TierBasis.TIER_POINTS for basis, _ in tiers):
        return None
    return TierTerms(
        tuple(threshold for _, threshold in tiers), kernel.tier_year_month, kernel.tier_grace_days, programme.timezone
    )


def standing_after(terms: TierTerms, steps: Iterable[Step]) -> Standing:
    """The standing after these rows, in order of seq: what `cext.reference.tiers` does, as far as rows tell of it."""
    points = year = kept = tier = 0
    for step in steps:
        if step.undoes is None:
            if year < step.year:
                in_turn = points if year == step.year - 1 else 0
                kept = terms.reached(in_turn) if year else tier
                points, year = 0, step.year
            points = max(0, points + step.earned)
            in_force = kept if step.grace_is_over else max(tier, kept)
            # A tier that rose was entered or set: it is kept, as is one that a member in the days of grace is worth.
            kept = max(kept, terms.reached(points), step.tier if step.tier > in_force else 0)
        elif step.undoes == year:
            points = max(0, points + step.earned)
        tier = step.tier
    return Standing(points, year, kept)
