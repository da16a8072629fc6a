"""What the model says of tiers: up at once, down at the year's end and after the days of grace.

In the model a member has `tier` (0: none), `tier_points` of the tier year `tier_year` (0: in none yet), and
`tier_kept`, below which the tier does not fall in that year.
"""

import datetime as dt

from tests.ledger.entries import EPOCH, Entry, Member, Moment
from tests.ledger.terms import Terms


def year_of(terms: Terms, day: int) -> tuple[int, int]:
    """The tier year of a day, named by the calendar year in which it began, and how many days of it have passed."""
    date = EPOCH + dt.timedelta(days=day)
    year = date.year if date.month >= terms.year_begins else date.year - 1
    return year, (date - dt.date(year, terms.year_begins, 1)).days


def turn(member: Member, terms: Terms, now: Moment) -> None:
    """A purchase, an event or the job finds the member in a new tier year, or after the days of grace."""
    if terms.grace is None:
        # Once there are years again, whoever is met in between keeps the tier for the rest of the first one.
        member["tier_year"] = 0
        return
    year, passed = year_of(terms, now.day)
    if member["tier_year"] < year:
        if not member["tier_year"]:
            member["tier_kept"] = member["tier"]
        else:
            last = member["tier_points"] if member["tier_year"] == year - 1 else 0
            member["tier_kept"] = terms.tier_of(last)
            member["tier_points"] = 0
        member["tier_year"] = year
    if passed >= terms.grace:
        member["tier"] = member["tier_kept"]


def is_due(member: Member, terms: Terms, now: Moment) -> bool:
    """Whether the job has to turn the year, or to let a tier go whose days of grace are over."""
    if terms.grace is None:
        return False
    year, passed = year_of(terms, now.day)
    if not member["tier"] and not member["tier_points"] and not member["tier_kept"]:
        return False
    return member["tier_year"] < year or (member["tier"] > member["tier_kept"] and passed >= terms.grace)


def earn(member: Member, terms: Terms, points: int) -> None:
    """Points count for the year, and who reaches a threshold enters the tier at once."""
    member["tier_points"] += points
    reached = terms.tier_of(member["tier_points"])
    if terms.grace is not None:
        member["tier_kept"] = max(member["tier_kept"], reached)
    member["tier"] = max(member["tier"], reached)


def unearn(member: Member, terms: Terms, earned: Entry, points: int) -> None:
    """What is undone goes from the year in which it was earned, if the member is still in that one; a tier stays."""
    year, _ = year_of(terms, earned.day)
    if terms.grace is None or member["tier_year"] in (0, year):
        member["tier_points"] = max(0, member["tier_points"] + points)
