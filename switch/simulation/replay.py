"""One account's history, decided again: message by message, on the account as the draft leaves it.

What members asked for is taken from what they got: points and credit that were spent are wished for again, as far as
they go (as in an advice, so that a draft that gives fewer points does not undo the purchase). Refunds and reversals
undo what the draft gave; of a purchase before the period, what was really given. What no programme decides (transfers,
adjustments by hand) moves what it moved, as far as it goes; so do holds, and a purchase completes the hold that it
completed.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from cext._kernel import GIFT, HOLD, REFUND, REVERSAL, Account, Decision, Original, Programme, Request, decide
from cext.programme_table import DEFICIT_MONTH, UNBOUNDED_BUDGETS
from cext.reference.lots import Lots, checked, pack, unpack
from cext.reference.replay import AS_THEY_WERE, QUARTER_S, Moment
from cext.reference.reserves import PENDING, Reserve, Reserves
from cext.reference.reserves import pack as pack_reserves
from cext.reference.reserves import unpack as unpack_reserves
from switch.member_data import read_before
from switch.programme.calendar import LocalCalendar
from switch.simulation.drawn import budgets_then
from switch.simulation.history import FULL, OTHER, History, Present, Row, Undo, account_at_start, undos

APPROVED = "00"


class Basket(NamedTuple):
    """What a message told of itself beside its amount, as the draft numbers it.

    `points_wanted`: points that it asked to pay with, if more points were taken than those; -1: it said nothing.
    """

    event: int = 0
    quantities: tuple[int, ...] = ()
    free_prices: tuple[int, ...] = ()
    has_basket: bool = False
    reward: int = 0
    points_wanted: int = AS_THEY_WERE


Read = Callable[[str], Basket]
"""Makes of `journal.asked` what a programme looks at ("": nothing was asked)."""
Rules = tuple[Programme, Read]
"""A version, and how it reads what was asked."""


class Quarters:
    """Local times, each quarter of an hour worked out once: a year has but 35,000 of them."""

    def __init__(self, timezone: str) -> None:
        self._calendar = LocalCalendar(timezone)
        self.known: dict[int, Moment] = {}

    def find(self, epoch_s: int) -> Moment:
        """The local time of a quarter's beginning."""
        return self._calendar.at(epoch_s)[:5]

    def date(self, epoch_s: int) -> dt.date:
        """The local date of a moment."""
        return self._calendar.at(epoch_s).date

    def day(self, epoch_s: int) -> int:
        """The local day of a moment, since 1970-01-01."""
        return self.at(epoch_s)[0]

    def at(self, epoch_s: int) -> Moment:
        """The local time of a moment."""
        quarter = epoch_s // QUARTER_S
        moment = self.known.get(quarter)
        if moment is None:
            moment = self.known[quarter] = self.find(quarter * QUARTER_S)
        return moment


@dataclass(slots=True)
class Undone:
    """What is known of a message that later ones undo, and what they undid of it (as `cext.reference.records` says)."""

    kind: int
    amount: int
    points_earned: int
    points_redeemed: int
    credit_granted: int
    credit_spent: int
    discount: int
    to_pay: int
    lots_moved: bytes
    counters_moved: bytes
    grants_moved: bytes
    reserves_moved: bytes
    local_month: int = -1
    parent: "Undone | None" = None
    undone_amount: int = 0
    undone_legs: list[int] = field(default_factory=lambda: [0, 0, 0, 0, 0])
    undone_to_pay: int = 0
    parts: "list[Undone]" = field(default_factory=list)
    """The refunds and reversals that undid something of this, in order."""
    is_reversed: bool = False

    def original(self) -> Original:
        """As the kernel takes it."""
        earned, redeemed, granted, spent, discount = self.undone_legs
        standing = list(self._standing())
        return Original(
            self.kind,
            True,
            self.amount,
            self.points_earned,
            self.points_redeemed,
            self.credit_granted,
            self.credit_spent,
            self.discount,
            self.to_pay,
            self.lots_moved,
            self.undone_amount,
            -earned,
            -redeemed,
            -granted,
            -spent,
            self.is_reversed and self.undone_amount >= self.amount,
            b"".join(part.lots_moved for part in standing),
            self.counters_moved,
            self.grants_moved,
            b"".join(part.counters_moved for part in standing),
            self.reserves_moved,
            b"".join(part.reserves_moved for part in standing),
            local_month=self.local_month if self.parent is None else self.parent.local_month,
            refunded_discount=-discount,
            refunded_to_pay=self.undone_to_pay,
        )

    def undo(self, part: "Undone") -> None:
        """Count a refund or a reversal of this; a reversed refund counts among its original's with both its rows."""
        self._count(part, 1)
        self.parts.append(part)
        self.is_reversed |= part.kind == REVERSAL
        if self.parent is not None:
            self.parent._count(part, -1)

    def _count(self, part: "Undone", sign: int) -> None:
        """Amounts have no sign of their own, legs have."""
        self.undone_amount += sign * part.amount
        self.undone_to_pay += sign * part.to_pay
        legs = (part.points_earned, part.points_redeemed, part.credit_granted, part.credit_spent, part.discount)
        self.undone_legs = [one + other for one, other in zip(self.undone_legs, legs, strict=True)]

    def _standing(self) -> "Iterator[Undone]":
        """What counts of lots and counters: a refund that was reversed whole is as if it had never been."""
        for part in self.parts:
            if not (part.is_reversed and part.undone_amount >= part.amount):
                yield part
                yield from part.parts


def replayed(
    draft: Programme,
    history: History,
    quarters: Quarters,
    end_s: int,
    read: Read,
    rules_of: Callable[[int], Rules] | None = None,
) -> Iterator[tuple[Row, Decision, Undo | None]]:
    """Each row of the period (those before `end_s`) with what the draft decides and what it undoes, in order.

    Left out are refunds and reversals that moved nothing. With `rules_of` each row is decided by the version of its
    number in place of the draft: that must give what the journal has (I9). Raises `BrokenHistory`.
    """
    undone: dict[int, Undo] = {}
    named: set[int] = set()
    if history.referred or any(row.original_seq is not None for row in history.rows):
        undone = undos((*history.referred, *history.rows))
        named = {row.original_seq for row in (*history.referred, *history.rows) if row.original_seq is not None}
    account = account_at_start(history, undone)
    originals = _as_they_were(history.referred, quarters)
    nothing = read("")
    for row in history.rows:
        if row.at >= end_s:
            break
        undo = undone.get(row.seq)
        if row.kind == OTHER or (undo is not None and undo.kind == OTHER):
            learn(account, row, history.present)
            yield row, carried_over(account, row, quarters), None
            continue
        if rules_of is not None:
            draft, read = rules_of(row.version)
            nothing = read("")
        original = None if row.original_seq is None else originals.get(row.original_seq)
        kind = row.kind
        if kind in (REFUND, REVERSAL):
            if original is None or undo is None:
                continue
            request = _undoing(row, original, undo.left, quarters)
        else:
            basket = nothing if row.asked is None else read(row.asked)
            # A draft is tried out as if its budgets never ended; the report says what it would have drawn.
            as_it_was = rules_of is not None
            left = budgets_then(draft, row.rules, row.counters_moved) if as_it_was else UNBOUNDED_BUDGETS
            request = asking(row, quarters, basket, left, account.reserves)
        decision = decide(draft, account, request)
        if (row.seq in named or original is not None) and decision.rc == APPROVED:
            done = _undone(kind, row.amount, decision, original, quarters.at(row.at)[1])
            if row.seq in named:
                originals[row.seq] = done
            if original is not None:
                original.undo(done)
        yield row, decision, undo if kind in (REFUND, REVERSAL) else None


def _as_they_were(rows: Sequence[Row], quarters: Quarters) -> dict[int, Undone]:
    """What the period's rows refer to, by seq."""
    originals: dict[int, Undone] = {}
    for row in rows:
        parent = None if row.original_seq is None else originals.get(row.original_seq)
        as_it_was = originals[row.seq] = _undone(row.kind, row.amount, row, parent, quarters.at(row.at)[1])
        if parent is not None:
            parent.undo(as_it_was)
    return originals


def learn(account: Account, row: Row, present: Present) -> None:
    """From a message on that told who the member is, the account is as it is now in what rules look at."""
    if row.asked is None:
        return
    before = read_before(row.asked)
    if before.enrolled_on is not None:
        account.club, account.enrolled_day, account.flags = present.club, present.enrolled_day, present.flags
    if before.tells_birth_date:
        account.born = present.born


def carried_over(account: Account, row: Row, quarters: Quarters) -> Decision:
    """Let a row move what it moved: out of the same lots as far as they go, then out of those that expire first."""
    reserves = Reserves(account.reserves, local_day=quarters.at(row.at)[0], now=row.at)
    for key, until, points, credit in unpack_reserves(row.reserves_moved or b""):
        reserves.move(key, until, points, credit)
    lots = Lots(checked(account.lots))
    for month, points in unpack(row.lots_moved or b""):
        if month == DEFICIT_MONTH and points < 0:
            lots.owe(-points)
        elif points < 0:
            lots.take_earliest(-points - lots.take_from([(month, -points)], -points))
        else:
            # What paid a debt that the draft does not know is a gift without a month: it goes into the first lot.
            lots.add(month if month != DEFICIT_MONTH else min(lots.lots, default=0), points)
    moved = sum(points for _, points in unpack(lots.moved()))
    spent = min(row.credit_spent, max(0, account.credit + row.credit_granted))
    account.lots = pack(sorted(lots.lots.items()))
    account.points += moved
    account.credit += row.credit_granted - spent
    reserves.fit(account.points, account.credit)
    account.reserves = reserves.packed()
    return Decision(
        APPROVED,
        points_earned=row.points_earned,
        points_redeemed=row.points_redeemed,
        points_expired=row.points_expired,
        points_adjusted=moved - (row.points_earned - row.points_redeemed - row.points_expired),
        credit_granted=row.credit_granted,
        credit_spent=spent,
        discount=row.discount,
        to_pay=row.to_pay,
        points_balance=account.points,
        credit_balance=account.credit,
        lots_moved=lots.moved(),
        tier_after=account.tier,
        reserves_moved=reserves.moved(),
    )


def asking(row: Row, quarters: Quarters, basket: Basket, budgets: tuple[int, ...], reserves: bytes = b"") -> Request:
    """The message of a row, wishing for what it got, on an account with these reserves.

    By position, as keywords cost more than the decision. `budgets`: what was left of each, see
    `switch.simulation.drawn`.
    """
    day, month, hour, weekday, day_of_month = quarters.at(row.at)
    is_gift = row.kind == GIFT
    wanted = row.points_redeemed if basket.points_wanted == AS_THEY_WERE else basket.points_wanted
    return Request(
        row.kind,
        True,
        row.amount,
        row.currency,
        row.at,
        day,
        month,
        hour,
        weekday,
        day_of_month,
        row.entry_mode,
        row.merchant,
        row.institution,
        row.category,
        row.points_earned if is_gift else wanted,
        row.credit_granted if is_gift else row.credit_spent,
        None if row.reserves_moved is None else completed_hold(row.reserves_moved, reserves, row.at),
        -1,
        *basket[:5],
        0,
        0,
        budgets,
    )


def completed_hold(moved: bytes, reserves: bytes, now: int) -> Original | None:
    """The holds that a purchase ended before their time, as the message that it named.

    One of which something is left was not ended: what it held has lapsed in part, and that happens by itself.
    """
    held = {(key, until): (points, credit) for key, until, points, credit in unpack_reserves(reserves)}
    ended = []
    for key, until, points, credit in unpack_reserves(moved):
        held_points, held_credit = held.get((key, until), (0, 0))
        if key != PENDING and until >= now and -points >= held_points and -credit >= held_credit:
            ended.append(Reserve(key, until, -points, -credit))
    if not ended:
        return None
    return Original(HOLD, True, 0, 0, 0, 0, 0, 0, 0, b"", reserves_moved=pack_reserves(ended))


def _undoing(row: Row, original: Undone, left: int, quarters: Quarters) -> Request:
    day, month, hour, weekday, day_of_month = quarters.at(row.at)
    return Request(
        row.kind,
        True,
        row.amount,
        row.currency,
        row.at,
        day,
        month,
        hour,
        weekday,
        day_of_month,
        row.entry_mode,
        row.merchant,
        row.institution,
        row.category,
        original=original.original(),
        replacement_amount=FULL if row.kind == REFUND else left,
    )


def _undone(kind: int, amount: int, legs: "Row | Decision", parent: Undone | None, local_month: int) -> Undone:
    return Undone(
        kind,
        amount,
        legs.points_earned,
        legs.points_redeemed,
        legs.credit_granted,
        legs.credit_spent,
        legs.discount,
        legs.to_pay,
        legs.lots_moved or b"",
        legs.counters_moved or b"",
        legs.grants_moved or b"",
        legs.reserves_moved or b"",
        local_month,
        parent if kind == REFUND else None,
    )
