"""What the model makes of refunds and reversals: of every leg a share, back where it came from."""

from collections.abc import Mapping

from tests.ledger import tiers
from tests.ledger.entries import (
    APPROVED,
    CONVERSION,
    EVENT,
    HOLD,
    INQUIRY,
    INVALID,
    LEGS,
    NOT_POSSIBLE,
    PURCHASE,
    QUOTE,
    REFUND,
    REVERSAL,
    TOO_FEW,
    Entry,
    Lots,
    Member,
    Moment,
    add,
    all_legs,
    move_counter,
    take,
    take_earliest,
)
from tests.ledger.kept_back import begin, drop, fit, free_points, moved, pend
from tests.ledger.terms import Terms


def refund(member: Member, original: Entry, amount: int, terms: Terms, now: Moment) -> Entry:
    """A refund of a purchase or of a part of it."""
    if original.code != APPROVED or original.kind != PURCHASE or (original.is_reversed and not original.rest):
        return Entry(REFUND, original.member, amount, INVALID, original=original)
    if not 1 <= amount <= original.rest:
        return Entry(REFUND, original.member, amount, NOT_POSSIBLE, original=original)
    return _undo(member, original, original.undone["amount"] + amount, REFUND, terms, now)


def reverse(member: Member, original: Entry, kept: int, terms: Terms, now: Moment) -> Entry:
    """A reversal; `kept` is what really happened of the amount (DE95), 0 for nothing."""
    if original.code != APPROVED or original.kind in (INQUIRY, QUOTE):
        # Declined before, or nothing but told: approved, and nothing to undo.
        return Entry(REVERSAL, original.member, original.rest, APPROVED, all_legs(), original=original)
    if original.kind == CONVERSION:
        return Entry(REVERSAL, original.member, 0, INVALID, original=original)
    if original.kind == HOLD:
        return _release(member, original, now)
    if original.kind == REFUND:
        return _take_refund_back(member, original, terms, now)
    if kept > original.rest:
        return Entry(REVERSAL, original.member, 0, NOT_POSSIBLE, original=original)
    entry = _undo(member, original, original.amount - kept, REVERSAL, terms, now)
    if original.kind == PURCHASE:
        member["visits"] -= kept == 0
    original.is_reversed = True
    return entry


def _release(member: Member, original: Entry, now: Moment) -> Entry:
    """The whole hold ends, if it has not ended; DE95 is not looked at."""
    drop(member, now)
    member["holds"].pop(original.hold, None)
    fit(member, now)
    return Entry(REVERSAL, original.member, original.amount, APPROVED, all_legs(), original=original)


def _undo(member: Member, original: Entry, done: int, kind: str, terms: Terms, now: Moment) -> Entry:
    """Undo an original up to `done` of its amount: of every leg that share, less what was undone before."""
    undone, whole = original.undone, original.amount
    if original.kind == EVENT:
        done = whole = 1
    due = {leg: original.legs[leg] * done // whole - undone[leg] for leg in LEGS}
    due = {leg: max(0, count) for leg, count in due.items()}
    lots = member["lots"]
    amount = 0 if original.kind == EVENT else done - undone["amount"]
    entry = Entry(kind, original.member, amount, original=original, day=original.day)

    expired = begin(member, now)
    pending = dict(member["pending"])
    _give_back(lots, original, entry, due["points_redeemed"], now)
    expired += entry.passed
    earned = _claw_back(lots, original, entry, due["points_earned"])
    granted = min(due["credit_granted"], max(0, member["credit"] + due["credit_spent"]))
    member["credit"] += due["credit_spent"] - granted
    member["spend"] = max(0, member["spend"] - amount)
    _count_back(member, original, entry, done, whole)
    for day, points in original.pended.items():
        if points > 0 and day >= now.day:
            pend(member, day, -max(0, points * done // whole - original.unpended.get(day, 0)))
    fit(member, now)
    entry.pended = moved(pending, member["pending"])
    for day, points in entry.pended.items():
        original.unpended[day] = original.unpended.get(day, 0) - points
    tiers.unearn(member, terms, original, -earned)
    really = {**due, "points_earned": earned, "credit_granted": granted}
    # The shares of discount and rest are worked out afresh, so that they add up by themselves.
    entry.legs = {leg: -count for leg, count in really.items()}
    entry.legs["points_expired"] = expired
    entry.legs["points_adjusted"] = 0
    entry.legs["to_pay"] = really["to_pay"]
    for leg, count in really.items():
        if leg not in ("points_expired", "points_adjusted"):
            undone[leg] += count
    undone["amount"] += amount
    original.is_touched = True
    return entry


def _give_back(lots: Lots, original: Entry, entry: Entry, count: int, now: Moment) -> None:
    """Points return to the lots that they were taken from, the last first; where a lot is over they expire at once."""
    for month in sorted(original.took, reverse=True):
        part = min(count, original.took[month] - original.came_back.get(month, 0))
        count -= part
        add(original.came_back, month, part)
        add(entry.put, month, part)
        if month < now.month:
            entry.passed += part
        else:
            add(lots, month, part)
    assert count == 0, "more comes back than was taken"


def _claw_back(lots: Lots, original: Entry, entry: Entry, count: int) -> int:
    """Points go out of the lots that they were put into, then out of the earliest; returns what was there."""
    rest = count
    for month in sorted(original.put):
        part = take(lots, month, min(rest, original.put[month] - original.clawed.get(month, 0)))
        rest -= part
        add(original.clawed, month, part)
        add(entry.took, month, part)
    for month, part in take_earliest(lots, rest).items():
        rest -= part
        add(entry.took, month, part)
    return count - rest


def _count_back(member: Member, original: Entry, entry: Entry, done: int, whole: int) -> None:
    """Of what was counted the same share, as far as its period is not over."""
    for name, (period, counted) in original.counts.items():
        share = max(0, abs(counted) * done // whole - original.uncounted.get(name, 0))
        back = _uncount(member, name, period, -share if counted > 0 else share)
        original.uncounted[name] = original.uncounted.get(name, 0) + abs(back)
        entry.counts[name] = (period, back)


def _uncount(member: Member, name: tuple[str, str], period: int, count: int) -> int:
    """A counter takes back what was added in a period that is not over; one that is empty is of any."""
    number, _ = member["counters"].get(name, (period, 0))
    return move_counter(member, name, period, count) if number == period else 0


def _take_refund_back(member: Member, refunded: Entry, terms: Terms, now: Moment) -> Entry:
    """The reversal of a refund: all of it."""
    original, legs, lots = refunded.original, refunded.legs, member["lots"]
    assert original is not None
    entry = Entry(REVERSAL, refunded.member, refunded.amount, original=refunded)
    expired = begin(member, now)
    pending = dict(member["pending"])
    _give_back(lots, refunded, entry, sum(refunded.took.values()), now)
    expired += entry.passed - refunded.passed
    for month, part in refunded.took.items():
        if month in original.clawed:
            original.clawed[month] = max(0, original.clawed[month] - part)
    # What came back with the refund and expired at once never reached the member: it is not taken again.
    due = -legs["points_redeemed"] - refunded.passed
    redeemed = refunded.passed + _claw_back(lots, refunded, entry, due)
    for month, part in refunded.put.items():
        original.came_back[month] -= part
    granted = -legs["credit_granted"]
    spent = min(-legs["credit_spent"], max(0, member["credit"] + granted))
    member["credit"] += granted - spent
    member["spend"] += refunded.amount
    for name, (period, counted) in refunded.counts.items():
        back = _uncount(member, name, period, -counted)
        original.uncounted[name] -= abs(back)
    for day, points in refunded.pended.items():
        original.unpended[day] += points
        if points < 0 and day >= now.day:
            pend(member, day, -points)
    fit(member, now)
    entry.pended = moved(pending, member["pending"])
    tiers.unearn(member, terms, refunded, -legs["points_earned"])
    entry.legs = all_legs(
        points_earned=-legs["points_earned"], points_redeemed=redeemed, points_expired=expired,
        credit_granted=granted, credit_spent=spent, discount=-legs["discount"], to_pay=legs["to_pay"],
    )  # fmt: skip
    for leg in ("points_earned", "points_redeemed", "credit_granted", "credit_spent", "discount"):
        original.undone[leg] -= entry.legs[leg]
    original.undone["to_pay"] -= legs["to_pay"]
    original.undone["amount"] -= refunded.amount
    refunded.is_reversed = True
    refunded.undone["amount"] = refunded.amount
    return entry


def reverse_transfer(members: Mapping[int, Member], original: Entry, now: Moment) -> Entry:
    """The very lots go back, without those that are over; all of them or none."""
    entry = Entry(REVERSAL, original.member, 0, original=original, receiver=original.receiver)
    source, target = members[original.receiver], members[original.member]
    lots = {month: part for month, part in original.took.items() if month >= now.month}
    count = sum(lots.values())
    if free_points(source, now) < count:
        entry.code = TOO_FEW
        return entry
    expired = begin(source, now)
    rest = count
    for month, part in sorted(lots.items()):
        rest -= take(source["lots"], month, part)
    take_earliest(source["lots"], rest)
    entry.legs = all_legs(points_adjusted=count, points_expired=begin(target, now))
    entry.undone["points_expired"] = expired
    for month, part in lots.items():
        add(target["lots"], month, part)
    fit(source, now)
    fit(target, now)
    original.is_reversed = True
    return entry
