"""Tiers in plain Python: what a tier multiplies, and when a higher one is entered."""

from cext.programme_table import Effect, EffectRow, TierBasis
from cext.reference.conditions import Programme

_TIER_SET = int(Effect.TIER_SET)


def multiplier(programme: Programme, tier: int) -> tuple[int, int]:
    """(n, d) of the tier's base points; 1 of no tier and of one that the programme does not know."""
    if not 1 <= tier <= len(programme.tiers):
        return 1, 1
    _, _, n, d = programme.tiers[tier - 1]
    return n, d


def points_after(programme: Programme, tier_points: int, earned: int) -> int:
    """The points that count for a tier, once a message has earned, or an undo clawed back, some."""
    return max(0, tier_points + earned) if programme.tiers else tier_points


def entered(
    programme: Programme, tier: int, effects: list[EffectRow], *, tier_points: int, spend: int, visits: int
) -> int:
    """The tier after a message: the highest that was reached or set, never a lower one than before."""
    reached = {TierBasis.TIER_POINTS: tier_points, TierBasis.SPEND: spend, TierBasis.VISITS: visits}
    by_threshold = [
        number
        for number, (basis, threshold, _, _) in enumerate(programme.tiers, 1)
        if reached[TierBasis(basis)] >= threshold
    ]
    by_effect = [n for effect, n, *_ in effects if effect == _TIER_SET]
    return max([tier, *by_threshold, *by_effect])
