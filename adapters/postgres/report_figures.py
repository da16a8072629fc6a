"""What reports say, as numbers: whole points and minor units. Shares and means are worked out where they are shown."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

AGES = (18, 25, 35, 45, 55, 65)
"""The ages at which a group begins; the first group is of those below."""

UNKNOWN = ""
"""The key of a group of which the dimension is not known."""

ABSENT = "absent"
SEGMENTS = (
    "champions", "loyal", "promising", "new", "need attention", "cannot lose", "at risk", "hibernating", "lost", ABSENT,
)  # fmt: skip


class Dimension(StrEnum):
    """What members, or their purchases, can be grouped by."""

    AGE = "age"
    GENDER = "gender"
    EDUCATION = "education"
    REGION = "region"
    HOUR = "hour"
    WEEKDAY = "weekday"
    CATEGORY = "category"
    MERCHANT = "merchant"


@dataclass(frozen=True, slots=True)
class Scope:
    """What a report is of: a programme, by its live version, and business dates, both included."""

    programme: str
    number: int
    currency: int
    point_value: int
    timezone: str
    first: dt.date
    last: dt.date


@dataclass(frozen=True, slots=True)
class Overview:
    """A period in totals, and what was owed to the members when it began and ended.

    opening + issued - clawed_back - redeemed - expired + adjusted = outstanding. `liability` is what the
    outstanding points are worth when they are spent.
    """

    members: int
    joined: int
    active: int
    visits: int
    spend: int
    discount: int
    opening: int
    issued: int
    clawed_back: int
    redeemed: int
    expired: int
    adjusted: int
    outstanding: int
    liability: int
    credit_granted: int
    credit_spent: int
    credit_outstanding: int


@dataclass(frozen=True, slots=True)
class Segment:
    """Members that belong together by recency, frequency and spend; `name` is None of small ones put together."""

    name: str | None
    members: int
    visits: int
    spend: int


@dataclass(frozen=True, slots=True)
class Group:
    """What one group of a dimension did. `key` is `UNKNOWN` where nothing is known, None of small ones together."""

    key: str | None
    members: int
    visits: int
    spend: int
    points: int
    discount: int


@dataclass(frozen=True, slots=True)
class Distribution:
    """Values above each other: `deciles` are nine, the fifth is the median. `top` is the sum of the highest tenth."""

    count: int
    total: int
    least: int
    most: int
    deciles: tuple[int, ...]
    top: int


@dataclass(frozen=True, slots=True)
class Spread:
    """Spend of each active member, and of each basket; None: too few members to tell."""

    members: Distribution | None
    baskets: Distribution | None


def segment_of(recency: int, frequency: int, monetary: int) -> str:
    """The name for quintiles of 1 to 5, 5 being the most recent, most frequent, highest spend."""
    if recency >= 4:
        if frequency >= 4:
            return "champions" if monetary >= 4 else "loyal"
        return "promising" if frequency >= 2 else "new"
    if recency == 3:
        return "loyal" if frequency >= 4 else "need attention"
    if recency == 1 and frequency >= 4 and monetary >= 4:
        return "cannot lose"
    if frequency >= 3:
        return "at risk"
    return "hibernating" if recency == 2 else "lost"


def small(members: Iterable[tuple[str | None, int]], smallest: int) -> frozenset[str]:
    """Names of the groups to put together (again), so that each that is shown has `smallest` members at least.

    Those that were put together already are the one without a name; when they are too few still, the smallest
    named group has to join them, since its absence would tell who they are. With `smallest` 1 all are shown,
    even those whose members took everything back.
    """
    if smallest <= 1:
        return frozenset()
    named = {name: count for name, count in members if name is not None}
    together = next((count for name, count in members if name is None), None)
    few = {name for name, count in named.items() if count < smallest}
    if not few and together is not None and together < smallest and named:
        few.add(min(named, key=lambda name: (named[name], name)))
    return frozenset(few)


def suppressed(segments: Sequence[Segment], smallest: int) -> list[Segment]:
    """The segments with small ones put together; none at all if everybody together is too few."""
    shown = list(segments)
    while few := small([(each.name, each.members) for each in shown], smallest):
        together = Segment(None, 0, 0, 0)
        for each in shown:
            if each.name is None or each.name in few:
                together = added(together, each)
        shown = [each for each in shown if each.name is not None and each.name not in few] + [together]
    return [each for each in shown if each.name is not None or each.members >= smallest]


def added(one: Segment, other: Segment) -> Segment:
    """`one` with the other's numbers added to its own."""
    return replace(
        one, members=one.members + other.members, visits=one.visits + other.visits, spend=one.spend + other.spend
    )
