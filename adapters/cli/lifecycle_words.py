"""What a programme says of tier years, notice, referral and tags, in words."""

from collections.abc import Iterator

from switch.programme.lifecycle import Bonus
from switch.programme.model import ProgrammeModel


def lifecycle_in_words(model: ProgrammeModel) -> dict[str, list[str]]:
    """A heading and what stands behind it; empty where the programme says nothing."""
    year, notice = model.tier_year, model.point.notice
    return {
        "tier year": [] if year is None else [f"from {year.begins}", f"{year.grace_days} days of grace"],
        "notice": [] if notice is None else [f"{notice} days before points lapse"],
        "referral": list(_referral(model)),
        "tags": list(model.tags),
    }


def _referral(model: ProgrammeModel) -> Iterator[str]:
    terms = model.referral
    if terms is not None:
        for side in ("referrer", "member", "ambassador"):
            gift = getattr(terms, side)
            if gift is not None:
                yield f"{side} {_gift(gift)}"


def _gift(gift: Bonus) -> str:
    parts = ((gift.points, "points"), (gift.credit, "of credit"))
    return " and ".join(f"{amount:,} {what}" for amount, what in parts if amount is not None)
