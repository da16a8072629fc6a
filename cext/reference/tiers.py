"""Tiers in plain Python: what a tier multiplies, when a higher one is entered, and how a tier year ends.

**A tier year** is named by the calendar year in which it begins. Tier points count within one; spend and visits are for
life. `tier_kept` is the tier below which the member does not fall in the year: what the last year came to, and
whatever was entered or set since. A tier that is above it lives on until the days of grace are over.
"""

from typing import Protocol

from cext.programme_table import LOCAL_MONTH_MAX, Effect, TierBasis
from cext.reference.conditions import Programme
from cext.reference.dates import day_of
from cext.reference.effects import FiredEffect
from cext.reference.records import Account, Original, Request

_TIER_SET = int(Effect.TIER_SET)


class Standing(Protocol):
    """Where a member stands: the fields of these names of an account."""

    tier: int
    tier_points: int
    tier_year: int
    tier_kept: int
    spend: int
    visits: int


def multiplier(programme: Programme, tier: int) -> tuple[int, int]:
    """(n, d) of the tier's base points; 1 of no tier and of one that the programme does not know."""
    if not 1 <= tier <= len(programme.tiers):
        return 1, 1
    _, _, n, d = programme.tiers[tier - 1]
    return n, d


def points_after(programme: Programme, tier_points: int, earned: int) -> int:
    """The points that count for a tier, once a message has earned, or an undo clawed back, some."""
    return max(0, tier_points + earned) if programme.tiers else tier_points


def has_years(programme: Programme) -> bool:
    """Whether its tiers are for a year."""
    return bool(programme.tiers and programme.tier_year_month)


def year_of(programme: Programme, local_month: int) -> int:
    """The tier year of a month: the calendar year in which it began."""
    return 1999 + (local_month + 13 - programme.tier_year_month) // 12


def counts_now(programme: Programme, standing: Standing, original: Original) -> bool:
    """Whether what an original earned counts for the tier year that the account is in; if unknown, it does."""
    if not has_years(programme) or not standing.tier_year or not 0 <= original.local_month <= LOCAL_MONTH_MAX:
        return True
    return year_of(programme, original.local_month) == standing.tier_year


def tier_now(programme: Programme, account: Account, request: Request) -> int:
    """The tier that is in force for a message on an account."""
    standing = account.copy()
    turn(programme, standing, request)
    return standing.tier


def turn(programme: Programme, standing: Standing, request: Request) -> None:
    """Begin the tier year of a message, unless the account is in it, and let a tier go whose grace is over."""
    if not has_years(programme):
        # Should it have some again, the member keeps the tier of then for the first of them.
        standing.tier_year = 0
        return
    year = year_of(programme, request.local_month)
    if standing.tier_year < year:
        if standing.tier_year <= 0:
            # Who is met in the first tier year of a programme keeps the tier for the rest of it.
            standing.tier_kept = standing.tier
        else:
            # In a year that was missed nothing was earned.
            points = standing.tier_points if standing.tier_year == year - 1 else 0
            standing.tier_kept = _reached(programme, 0, points, standing)
            standing.tier_points = 0
        standing.tier_year = year
    standing.tier = _in_force(programme, standing, request)


def advance(programme: Programme, standing: Standing, effects: list[FiredEffect], request: Request) -> None:
    """Enter the highest tier that was reached or set: at once, and never a lower one than before."""
    kept = standing.tier_kept if has_years(programme) else standing.tier
    kept = _reached(programme, kept, standing.tier_points, standing)
    kept = max([kept, *[n for effect, n, *_ in effects if effect == _TIER_SET]])
    if has_years(programme):
        standing.tier_kept = kept
        standing.tier = _in_force(programme, standing, request)
    else:
        standing.tier = kept


def _reached(programme: Programme, tier: int, tier_points: int, standing: Standing) -> int:
    reached = {
        TierBasis.TIER_POINTS: tier_points,
        TierBasis.SPEND: standing.spend,
        TierBasis.VISITS: standing.visits,
    }
    by_threshold = [
        number
        for number, (basis, threshold, _, _) in enumerate(programme.tiers, 1)
        if reached[TierBasis(basis)] >= threshold
    ]
    return max([tier, *by_threshold])


def _in_force(programme: Programme, standing: Standing, request: Request) -> int:
    year = year_of(programme, request.local_month)
    begun = day_of(year, programme.tier_year_month, 1)
    if standing.tier_year == year and request.local_day - begun >= programme.tier_grace_days:
        return standing.tier_kept
    return max(standing.tier, standing.tier_kept)
