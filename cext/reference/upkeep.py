"""What jobs ask for, in plain Python: an account brought up to its day, and a gift."""

from cext.programme_table import LEG_MAX
from cext.reference import tiers
from cext.reference.conditions import Programme
from cext.reference.outcome import begin, settle, unchanged
from cext.reference.records import Account, Decision, Request


def upkeep(programme: Programme, account: Account, request: Request) -> Decision:
    """Write off what has lapsed, drop what is over, begin the tier year: what a visit would do first, without one."""
    working = begin(account, request)
    working.counters.forget(programme.limits)
    tiers.turn(programme, working, request)
    return settle(programme, account, request, Decision("00", points_expired=working.expired), working)


def gift(programme: Programme, account: Account, request: Request) -> Decision:
    """Give `points_wanted` and `credit_wanted`. A gift counts as no visit and towards no tier."""
    points, credit = max(0, request.points_wanted), max(0, request.credit_wanted)
    if points > LEG_MAX or credit > LEG_MAX or points + credit == 0:
        return unchanged(account, request, "13")
    working = begin(account, request)
    working.lots.add(request.local_month + programme.expiry_months, points)
    decision = Decision("00", points_earned=points, points_expired=working.expired, credit_granted=credit)
    return settle(programme, account, request, decision, working)
