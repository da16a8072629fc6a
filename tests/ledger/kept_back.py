"""What a member has and may not spend: points that are pending until a day is over, and what tills hold until a second.

In the model it is `member["pending"]`, points by the last day of their return window, and `member["holds"]`, points and
credit by the hold and the second at which it ends.
"""

from copy import deepcopy
from dataclasses import dataclass

from tests.ledger.entries import Member, Moment, lapse, live_points

HOLDS_MAX = 8


@dataclass(frozen=True)
class Standing:
    """What a till is told of a member: what may be spent (points, and credit in minor units), and what may not."""

    points: int
    credit: int
    pending: int
    held_points: int
    held_credit: int


def begin(member: Member, now: Moment) -> int:
    """What is over goes when something happens to the member; returns the points that lapsed."""
    drop(member, now)
    return lapse(member["lots"], now)


def drop(member: Member, now: Moment) -> None:
    """What was kept back until before this moment is kept back no more."""
    member["pending"] = {day: points for day, points in member["pending"].items() if day >= now.day}
    member["holds"] = {hold: kept for hold, kept in member["holds"].items() if hold[1] >= now.second}


def fit(member: Member, now: Moment) -> None:
    """No more is kept back than is there: what is pending goes first, then the holds, the oldest first."""
    over_points = kept_points(member) - live_points(member, now)
    over_credit = sum(credit for _, credit in member["holds"].values()) - member["credit"]
    for day in sorted(member["pending"]):
        less = max(0, min(over_points, member["pending"][day]))
        over_points -= less
        pend(member, day, -less)
    for hold in sorted(member["holds"]):
        points, credit = member["holds"][hold]
        less_points, less_credit = max(0, min(over_points, points)), max(0, min(over_credit, credit))
        over_points -= less_points
        over_credit -= less_credit
        member["holds"][hold] = (points - less_points, credit - less_credit)
        if member["holds"][hold] == (0, 0):
            del member["holds"][hold]


def pend(member: Member, day: int, points: int) -> None:
    """Add to what is pending until the end of a day, or take off it what there is."""
    after = max(0, member["pending"].get(day, 0) + points)
    member["pending"].pop(day, None)
    if after:
        member["pending"][day] = after


def kept_points(member: Member) -> int:
    """Points that may not be spent."""
    return int(sum(member["pending"].values()) + sum(points for points, _ in member["holds"].values()))


def standing(member: Member, now: Moment) -> Standing:
    """What a till is told at this moment; nothing is dropped by asking."""
    seen = deepcopy(member)
    begin(seen, now)
    fit(seen, now)
    pending = sum(seen["pending"].values())
    points = sum(points for points, _ in seen["holds"].values())
    credit = sum(credit for _, credit in seen["holds"].values())
    free = live_points(seen, now) - pending - points
    return Standing(free, seen["credit"] - credit, pending, points, credit)


def free_points(member: Member, now: Moment) -> int:
    """Points that may be spent."""
    return standing(member, now).points


def free_credit(member: Member, now: Moment) -> int:
    """Credit that may be spent, minor units."""
    return standing(member, now).credit


def moved(before: dict[int, int], after: dict[int, int]) -> dict[int, int]:
    """What became more (or less, negative) of what is pending, by day."""
    change = {day: after.get(day, 0) - before.get(day, 0) for day in {*before, *after}}
    return {day: points for day, points in change.items() if points}
