"""What the model knows: members as plain dicts, and each message with what was undone of it; lots and counters of both.

A message remembers the lots that it took from and put into and what came back of them, where the kernel works that out
of packed bytes.
"""

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

APPROVED, INVALID, NOT_POSSIBLE, NOT_FOUND, REFUSED, TOO_FEW, TOO_MANY, OTHER_CONTENT = (
    "00",
    "12",
    "13",
    "25",
    "05",
    "51",
    "65",
    "94",
)
LEGS = (
    "points_earned", "points_redeemed", "points_expired", "points_adjusted", "credit_granted", "credit_spent",
    "discount", "to_pay",
)  # fmt: skip
EPOCH = dt.date(1970, 1, 1)
PURCHASE, REFUND, EVENT, TRANSFER, CONVERSION, INQUIRY, HOLD, QUOTE, UPKEEP, REVERSAL = (
    "purchase", "refund", "event", "transfer", "conversion", "inquiry", "hold", "quote", "upkeep", "reversal",
)  # fmt: skip

Lots = dict[int, int]
"""Points by the month in which they expire (months since 2000-01)."""
Member = dict[str, Any]
Legs = dict[str, int]


@dataclass(frozen=True)
class Moment:
    """When the switch decides: seconds since 1970, and in the programme's zone days since 1970-01-01 and months since
    2000-01.
    """

    second: int
    day: int
    month: int
    weekday: int


@dataclass
class Wish:
    """How a purchase is to be paid: points and credit in DE48 (None: not said), and what DE3 asks for; which
    reward the member chooses.
    """

    points: int | None = None
    credit: int | None = None
    by_points: bool = False
    by_credit: bool = False
    advice: bool = False
    reward: str = ""


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
    pended: dict[int, int] = field(default_factory=dict)
    """What became more (or less) of the points that are pending, by the last day of their window."""
    hold: tuple[int, int] | None = None
    """What a hold is called in the model, and the second at which it ends."""
    passed: int = 0
    """Points that came back to lots which were over: they expired at once."""
    counts: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    """Of each counter its period and what was added."""
    original: "Entry | None" = None
    receiver: int = -1
    day: int = 0
    """When its points were earned: of what is undone and taken back as well, the day of the purchase."""
    undone: Legs = field(default_factory=lambda: dict.fromkeys(("amount", *LEGS), 0))
    came_back: Lots = field(default_factory=dict)
    clawed: Lots = field(default_factory=dict)
    unpended: dict[int, int] = field(default_factory=dict)
    uncounted: dict[tuple[str, str], int] = field(default_factory=dict)
    is_reversed: bool = False
    is_touched: bool = False
    """Whether anything was ever undone of it, even if that was taken back."""

    @property
    def written(self) -> Legs:
        """The legs in the journal: a quote tells some, and has moved nothing."""
        return all_legs(to_pay=self.legs.get("to_pay", 0)) if self.kind == QUOTE else self.legs

    @property
    def rest(self) -> int:
        """What may still be refunded, minor units."""
        return self.amount - self.undone["amount"]


def new_member(*, held_out: bool) -> Member:
    """Somebody who was never here."""
    return {
        "lots": {}, "credit": 0, "visits": 0, "spend": 0, "counters": {}, "pending": {}, "holds": {},
        "tier": 0, "tier_points": 0, "tier_year": 0, "tier_kept": 0,
        "held_out": held_out,
    }  # fmt: skip


def points(member: Member) -> int:
    """All points, also those of lots that are over and were not written off yet."""
    return sum(member["lots"].values())


def live_points(member: Member, now: Moment) -> int:
    """Points of lots that are not over, also those that may not be spent yet."""
    return sum(count for month, count in member["lots"].items() if month >= now.month)


def all_legs(**legs: int) -> Legs:
    """These legs, and nothing in the others."""
    return {**dict.fromkeys(LEGS, 0), **legs}


def lapse(lots: Lots, now: Moment) -> int:
    """Lots that are over go; returns their points."""
    over = [month for month in lots if month < now.month]
    return sum(lots.pop(month) for month in over)


def take(lots: Lots, month: int, most: int) -> int:
    """Take out of a lot as far as it goes; returns what was there."""
    taken = min(most, lots.get(month, 0))
    if taken:
        lots[month] -= taken
        if not lots[month]:
            del lots[month]
    return taken


def take_earliest(lots: Lots, count: int) -> Lots:
    """The lot that expires first is spent first; as far as there are any."""
    taken: Lots = {}
    for month in sorted(lots):
        part = take(lots, month, count - sum(taken.values()))
        if part:
            taken[month] = part
    return taken


def add(lots: Lots, month: int, count: int) -> None:
    """Put points into a lot."""
    if count:
        lots[month] = lots.get(month, 0) + count


def move_counter(member: Member, name: tuple[str, str], period: int, count: int) -> int:
    """Add to a counter, which never falls below 0; returns what was added."""
    counters = member["counters"]
    number, value = counters.get(name, (period, 0))
    if number != period:
        value = 0
    after: int = max(0, value + count)
    if after:
        counters[name] = (period, after)
    else:
        counters.pop(name, None)
    return after - int(value)


def forget_counter(member: Member, name: tuple[str, str], period: int) -> bool:
    """Drop a counter whose period is over; returns whether there was one."""
    number, _ = member["counters"].get(name, (period, 0))
    if number < period:
        del member["counters"][name]
    return bool(number < period)


def counter_of(member: Member, name: tuple[str, str], period: int) -> int:
    """What a counter has in this period."""
    number, value = member["counters"].get(name, (period, 0))
    return int(value) if number == period else 0
