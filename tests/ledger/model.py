"""What the ledger must say, kept in plain dicts: members, and every message with what was undone of it.

It is written from the documents (docs/programmes.md, docs/wire-profile.md), shares no arithmetic with the kernel, and
goes its own way where it can: a message remembers the lots that it took from and put into and what came back of them,
where the kernel works that out of packed bytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.ledger.terms import CHECK_INS, LIFE, STAMPS, Purchase, Terms

APPROVED, INVALID, NOT_POSSIBLE, NOT_FOUND, TOO_FEW, OTHER_CONTENT = "00", "12", "13", "25", "51", "94"
LEGS = (
    "points_earned", "points_redeemed", "points_expired", "points_adjusted", "credit_granted", "credit_spent",
    "discount", "to_pay",
)  # fmt: skip
PURCHASE, REFUND, EVENT, TRANSFER, CONVERSION, INQUIRY, REVERSAL = (
    "purchase", "refund", "event", "transfer", "conversion", "inquiry", "reversal",
)  # fmt: skip

Lots = dict[int, int]
"""Points by the month in which they expire (months since 2000-01)."""
Member = dict[str, Any]
Legs = dict[str, int]


@dataclass(frozen=True)
class Moment:
    """When the switch decides, in the programme's zone: days since 1970-01-01, months since 2000-01."""

    day: int
    month: int
    weekday: int


@dataclass
class Wish:
    """How a purchase is to be paid: points and credit in DE48 (None: not said), and what DE3 asks for."""

    points: int | None = None
    credit: int | None = None
    by_points: bool = False
    by_credit: bool = False
    advice: bool = False


@dataclass(eq=False)
class Entry:
    """A message as the model has it, with the sum of what was undone of it so far (all at least 0)."""

    kind: str
    member: int
    amount: int
    code: str = APPROVED
    legs: Legs = field(default_factory=dict)
    took: Lots = field(default_factory=dict)
    put: Lots = field(default_factory=dict)
    passed: int = 0
    """Points that came back to lots which were over: they expired at once."""
    counts: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    """Of each counter its period and what was added."""
    original: "Entry | None" = None
    receiver: int = -1
    undone: Legs = field(default_factory=lambda: dict.fromkeys(("amount", *LEGS), 0))
    came_back: Lots = field(default_factory=dict)
    clawed: Lots = field(default_factory=dict)
    uncounted: dict[tuple[str, str], int] = field(default_factory=dict)
    is_reversed: bool = False
    is_touched: bool = False
    """Whether anything was ever undone of it, even if that was taken back."""

    @property
    def rest(self) -> int:
        """What may still be refunded, minor units."""
        return self.amount - self.undone["amount"]


def new_member() -> Member:
    """Somebody who was never here."""
    return {"lots": {}, "credit": 0, "visits": 0, "spend": 0, "counters": {}}


def points(member: Member) -> int:
    """All points, also those of lots that are over and were not written off yet."""
    return sum(member["lots"].values())


def live_points(member: Member, now: Moment) -> int:
    """Points that may be spent."""
    return sum(count for month, count in member["lots"].items() if month >= now.month)


def _legs(**legs: int) -> Legs:
    return {**dict.fromkeys(LEGS, 0), **legs}


def _lapse(lots: Lots, now: Moment) -> int:
    over = [month for month in lots if month < now.month]
    return sum(lots.pop(month) for month in over)


def _take(lots: Lots, month: int, most: int) -> int:
    taken = min(most, lots.get(month, 0))
    if taken:
        lots[month] -= taken
        if not lots[month]:
            del lots[month]
    return taken


def _take_earliest(lots: Lots, count: int) -> Lots:
    """The lot that expires first is spent first; as far as there are any."""
    taken: Lots = {}
    for month in sorted(lots):
        part = _take(lots, month, count - sum(taken.values()))
        if part:
            taken[month] = part
    return taken


def _add(lots: Lots, month: int, count: int) -> None:
    if count:
        lots[month] = lots.get(month, 0) + count


def _count(member: Member, name: tuple[str, str], period: int, count: int) -> int:
    """Add to a counter, which never falls below 0; returns what was added."""
    counters = member["counters"]
    number, value = counters.get(name, (period, 0))
    if number != period:
        value = 0
    after = max(0, value + count)
    if after:
        counters[name] = (period, after)
    else:
        counters.pop(name, None)
    return after - value


def _counter(member: Member, name: tuple[str, str], period: int) -> int:
    number, value = member["counters"].get(name, (period, 0))
    return int(value) if number == period else 0


def purchase(member: Member, number: int, terms: Terms, bought: Purchase, wish: Wish, now: Moment) -> Entry:
    """A purchase: discount, points, credit, then what the rest of it brings. 51 if there is too little."""
    bought = Purchase(
        bought.amount, bought.category, bought.tea, now.weekday, _counter(member, STAMPS, LIFE)
    )  # as the member comes to the till
    rest = bought.amount - terms.discount_on(bought)
    have = live_points(member, now)
    redeemed = _spent(have, rest // terms.value, rest, wish.points, wish.by_points, wish.advice)
    if redeemed is None:
        return Entry(PURCHASE, number, bought.amount, TOO_FEW)
    rest -= redeemed * terms.value
    spent = _spent(member["credit"], rest, rest, wish.credit, wish.by_credit, wish.advice)
    if spent is None:
        return Entry(PURCHASE, number, bought.amount, TOO_FEW)
    paid = rest - spent
    earned, granted = terms.points_on(paid, bought), terms.credit_on(paid)

    expired = _lapse(member["lots"], now)
    took = _take_earliest(member["lots"], redeemed)
    put = {now.month + terms.expires: earned} if earned else {}
    _add(member["lots"], now.month + terms.expires, earned)
    member["credit"] += granted - spent
    member["visits"] += 1
    member["spend"] += bought.amount
    counts = {name: (LIFE, _count(member, name, LIFE, n)) for name, n in terms.counts_of(paid, bought).items()}
    legs = _legs(
        points_earned=earned, points_redeemed=redeemed, points_expired=expired, credit_granted=granted,
        credit_spent=spent, discount=terms.discount_on(bought), to_pay=paid,
    )  # fmt: skip
    return Entry(PURCHASE, number, bought.amount, APPROVED, legs, took, put, counts=counts)


def _spent(have: int, useful: int, rest: int, wanted: int | None, must: bool, advice: bool) -> int | None:
    """How much is spent; None: not enough. An advice goes as far as it goes."""
    if wanted is None:
        used = min(have, useful) if must else 0
    else:
        used = min(have, useful, wanted)
        if wanted > have and not advice:
            return None
    return None if must and rest and not used and not advice else used


def event(member: Member, number: int, terms: Terms, known: bool, now: Moment) -> Entry:
    """A check-in brings its points once a day; what no rule names brings nothing, and is approved."""
    if not known or _counter(member, CHECK_INS, now.day):
        return Entry(EVENT, number, 0, legs=_legs())
    expired = _lapse(member["lots"], now)
    month = now.month + terms.expires
    _add(member["lots"], month, terms.checkin)
    counts = {CHECK_INS: (now.day, _count(member, CHECK_INS, now.day, 1))}
    legs = _legs(points_earned=terms.checkin, points_expired=expired)
    return Entry(EVENT, number, 0, legs=legs, put={month: terms.checkin}, counts=counts)


def refund(member: Member, original: Entry, amount: int, now: Moment) -> Entry:
    """A refund of a purchase or of a part of it."""
    if original.code != APPROVED or original.kind != PURCHASE or (original.is_reversed and not original.rest):
        return Entry(REFUND, original.member, amount, INVALID, original=original)
    if not 1 <= amount <= original.rest:
        return Entry(REFUND, original.member, amount, NOT_POSSIBLE, original=original)
    return _undo(member, original, original.undone["amount"] + amount, REFUND, now)


def reverse(member: Member, original: Entry, kept: int, now: Moment) -> Entry:
    """A reversal; `kept` is what really happened of the amount (DE95), 0 for nothing."""
    if original.code != APPROVED or original.kind == INQUIRY:
        # Declined before: approved, and nothing to undo.
        code = INVALID if original.kind in (TRANSFER, CONVERSION) else APPROVED
        return Entry(REVERSAL, original.member, original.rest, code, _legs(), original=original)
    if original.kind == CONVERSION:
        return Entry(REVERSAL, original.member, 0, INVALID, original=original)
    if original.kind == REFUND:
        return _take_refund_back(member, original, now)
    if kept > original.rest:
        return Entry(REVERSAL, original.member, 0, NOT_POSSIBLE, original=original)
    entry = _undo(member, original, original.amount - kept, REVERSAL, now)
    if original.kind == PURCHASE:
        member["visits"] -= kept == 0
    original.is_reversed = True
    return entry


def _undo(member: Member, original: Entry, done: int, kind: str, now: Moment) -> Entry:
    """Undo an original up to `done` of its amount: of every leg that share, less what was undone before."""
    undone, whole = original.undone, original.amount
    if original.kind == EVENT:
        done = whole = 1
    due = {leg: original.legs[leg] * done // whole - undone[leg] for leg in LEGS}
    due = {leg: max(0, count) for leg, count in due.items()}
    lots = member["lots"]
    amount = 0 if original.kind == EVENT else done - undone["amount"]
    entry = Entry(kind, original.member, amount, original=original)

    expired = _lapse(lots, now)
    rest = due["points_redeemed"]
    for month in sorted(original.took, reverse=True):
        part = min(rest, original.took[month] - original.came_back.get(month, 0))
        rest -= part
        _add(original.came_back, month, part)
        _add(entry.put, month, part)
        if month < now.month:
            expired += part
            entry.passed += part
        else:
            _add(lots, month, part)
    assert rest == 0, "more comes back than was taken"

    rest = due["points_earned"]
    for month in sorted(original.put):
        part = _take(lots, month, min(rest, original.put[month] - original.clawed.get(month, 0)))
        rest -= part
        _add(original.clawed, month, part)
        _add(entry.took, month, part)
    for month, part in _take_earliest(lots, rest).items():
        rest -= part
        _add(entry.took, month, part)
    earned = due["points_earned"] - rest
    granted = min(due["credit_granted"], max(0, member["credit"] + due["credit_spent"]))
    member["credit"] += due["credit_spent"] - granted
    member["spend"] = max(0, member["spend"] - amount)
    for name, (period, moved) in original.counts.items():
        share = max(0, abs(moved) * done // whole - original.uncounted.get(name, 0))
        back = _uncount(member, name, period, -share if moved > 0 else share)
        original.uncounted[name] = original.uncounted.get(name, 0) + abs(back)
        entry.counts[name] = (period, back)

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


def _uncount(member: Member, name: tuple[str, str], period: int, count: int) -> int:
    """A counter takes back what was added in a period that is not over; one that is empty is of any."""
    number, _ = member["counters"].get(name, (period, 0))
    return _count(member, name, period, count) if number == period else 0


def _take_refund_back(member: Member, refunded: Entry, now: Moment) -> Entry:
    """The reversal of a refund: all of it."""
    original, legs, lots = refunded.original, refunded.legs, member["lots"]
    assert original is not None
    entry = Entry(REVERSAL, refunded.member, refunded.amount, original=refunded)
    expired = _lapse(lots, now)
    for month in sorted(refunded.took, reverse=True):
        part = refunded.took[month]
        _add(entry.put, month, part)
        if month < now.month:
            expired += part
        else:
            _add(lots, month, part)
        if month in original.clawed:
            original.clawed[month] = max(0, original.clawed[month] - part)
    due = -legs["points_redeemed"]
    rest = due - refunded.passed
    expired -= refunded.passed
    for month in sorted(refunded.put):
        part = _take(lots, month, min(rest, refunded.put[month]))
        rest -= part
        _add(entry.took, month, part)
    for month, part in _take_earliest(lots, rest).items():
        rest -= part
        _add(entry.took, month, part)
    for month, part in refunded.put.items():
        original.came_back[month] -= part
    redeemed = due - rest
    granted = -legs["credit_granted"]
    spent = min(-legs["credit_spent"], max(0, member["credit"] + granted))
    member["credit"] += granted - spent
    member["spend"] += refunded.amount
    for name, (period, moved) in refunded.counts.items():
        back = _uncount(member, name, period, -moved)
        original.uncounted[name] -= abs(back)
    entry.legs = _legs(
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


def transfer(members: Mapping[int, Member], giver: int, receiver: int, count: int, now: Moment) -> Entry:
    """Points go to another member and keep their months."""
    entry = Entry(TRANSFER, giver, 0, receiver=receiver)
    if count == 0:
        entry.code = NOT_POSSIBLE
    elif live_points(members[giver], now) < count:
        entry.code = TOO_FEW
    if entry.code != APPROVED:
        return entry
    source, target = members[giver]["lots"], members[receiver]["lots"]
    entry.legs = _legs(points_adjusted=-count, points_expired=_lapse(source, now))
    entry.undone["points_expired"] = _lapse(target, now)
    entry.took = _take_earliest(source, count)
    for month, part in entry.took.items():
        _add(target, month, part)
    return entry


def reverse_transfer(members: Mapping[int, Member], original: Entry, now: Moment) -> Entry:
    """The very lots go back, without those that are over; all of them or none."""
    entry = Entry(REVERSAL, original.member, 0, original=original, receiver=original.receiver)
    source, target = members[original.receiver], members[original.member]
    lots = {month: part for month, part in original.took.items() if month >= now.month}
    count = sum(lots.values())
    if live_points(source, now) < count:
        entry.code = TOO_FEW
        return entry
    expired = _lapse(source["lots"], now)
    rest = count
    for month, part in sorted(lots.items()):
        rest -= _take(source["lots"], month, part)
    _take_earliest(source["lots"], rest)
    entry.legs = _legs(points_adjusted=count, points_expired=_lapse(target["lots"], now))
    entry.undone["points_expired"] = expired
    for month, part in lots.items():
        _add(target["lots"], month, part)
    original.is_reversed = True
    return entry


def convert(member: Member, number: int, terms: Terms, count: int, now: Moment) -> Entry:
    """Points become credit at what they are worth."""
    entry = Entry(CONVERSION, number, 0)
    if count == 0:
        entry.code = NOT_POSSIBLE
    elif live_points(member, now) < count:
        entry.code = TOO_FEW
    if entry.code != APPROVED:
        return entry
    expired = _lapse(member["lots"], now)
    _take_earliest(member["lots"], count)
    member["credit"] += count * terms.value
    entry.legs = _legs(points_redeemed=count, points_expired=expired, credit_granted=count * terms.value)
    return entry
