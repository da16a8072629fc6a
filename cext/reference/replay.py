"""The replay's inner loop in plain Python: what `cext._replay` must do, written to be read.

A row is a tuple in the order of ROW, an approved message as the journal has it. Numbers come out as plain sums.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from cext.programme_table import UNBOUNDED_BUDGETS, Table
from cext.reference import lots as lot_packing
from cext.reference.attribution import NOTHING_KNOWN, Combination, Given, Shares, combination
from cext.reference.conditions import Programme
from cext.reference.kernel import decide
from cext.reference.records import EVENT, GIFT, PURCHASES, Account, Request
from cext.reference.reserves import PENDING, unpack

ROW = (
    "seq", "at", "kind", "amount", "currency", "merchant", "institution", "category", "entry_mode", "version",
    "points_earned", "points_redeemed", "points_expired", "points_adjusted", "credit_granted", "credit_spent",
    "discount", "to_pay", "lots_moved", "rules", "counters_moved", "grants_moved", "original_seq", "asked",
    "reserves_moved",
)  # fmt: skip
QUARTER_S = 900
"""Offsets of zones change, and are, by whole quarters of an hour."""

Row = tuple[
    int, int, int, int, int, int, int, int, int, int, int, int, int, int, int, int, int, int,
    bytes | None, bytes | None, bytes | None, bytes | None, int | None, str | None, bytes | None,
]  # fmt: skip
Moment = tuple[int, int, int, int, int]
"""day, month, hour, weekday, day_of_month, as in a request"""
Basket = tuple[int, tuple[int, ...], tuple[int, ...], bool, int, int]
"""event, quantities, free_prices, has_basket, reward, points_wanted, as in a request"""
AS_THEY_WERE = -2
"""`points_wanted`: as many as the row's leg says."""


class Moved(NamedTuple):
    """What rows moved in all: balances, purchases; `lots`: packed by month, without those that come to zero."""

    points: int
    credit: int
    earned: int
    purchases: int
    spent: int
    lots: bytes


def moved(rows: Sequence[Row]) -> Moved:
    """The sum of rows. `spent` is of purchases only: what was undone is not taken off."""
    points = credit = earned = purchases = spent = 0
    lots: dict[int, int] = {}
    for row in rows:
        points += row[10] - row[11] - row[12] + row[13]
        credit += row[14] - row[15]
        # Gifts count towards no tier.
        earned += row[10] if row[2] != GIFT else 0
        if row[2] in PURCHASES:
            purchases += 1
            spent += row[3]
        for month, count in lot_packing.unpack(row[18] or b""):
            lots[month] = lots.get(month, 0) + count
    packed = lot_packing.pack([(month, count) for month, count in sorted(lots.items()) if count])
    return Moved(points, credit, earned, purchases, spent, packed)


class Tally:
    """What a programme gave, by the index of the rule. Without a table (the version is unknown) no rule gave it."""

    def __init__(self, table: Table | None) -> None:
        self._table = table
        self._known: dict[bytes, Combination] = {}
        self._fired: dict[bytes, int] = {}
        self._dealt: Shares = {}

    def combination(self, rules: bytes) -> Combination:
        """The rules of a decision's `rules`."""
        known = self._known.get(rules)
        if known is None:
            known = self._known[rules] = NOTHING_KNOWN if self._table is None else combination(self._table, rules)
        return known

    def take(self, rules: bytes, given: Given) -> None:
        """Count a message's rules, and what they gave."""
        self._fired[rules] = self._fired.get(rules, 0) + 1
        self.deal(self.combination(rules).shares(given))

    def deal(self, shares: Shares) -> None:
        """Count what is dealt out to rules already."""
        for rule, parts in shares.items():
            kept = self._dealt.setdefault(rule, [0, 0, 0])
            for leg, part in enumerate(parts):
                kept[leg] += part

    def sums(self) -> dict[int, tuple[int, int, int, int]]:
        """How often each rule fired, its points, credit and discount; then begin again."""
        fired: dict[int, int] = {}
        for rules, times in self._fired.items():
            for rule in self.combination(rules).rules:
                fired[rule] = fired.get(rule, 0) + times
        dealt = self._dealt
        self._fired, self._dealt = {}, {}
        return {rule: (fired.get(rule, 0), *dealt.get(rule, (0, 0, 0))) for rule in sorted({*fired, *dealt})}


class Sums(NamedTuple):
    """What a programme gave an account, and how many messages it would not take."""

    purchases: int
    amount: int
    paid: int
    points_earned: int
    points_redeemed: int
    points_expired: int
    credit_granted: int
    credit_spent: int
    discount: int
    declined: int


class Folded(NamedTuple):
    """An account gone through: how many rows, both sums, and the combinations of rules that fired, once each."""

    messages: int
    live: Sums
    draft: Sums
    live_fired: dict[int, set[bytes]]
    draft_fired: set[bytes]


def fold(
    programme: Programme,
    account: Account,
    rows: Sequence[Row],
    end_s: int,
    moments: dict[int, Moment],
    moment_of: Callable[[int], Moment],
    read: Callable[[str], Basket],
    live: Mapping[int, Tally],
    draft: Tally,
) -> Folded | None:
    """Decide an account's rows before `end_s` again and add both sides up.

    `read` makes of `asked` what the draft looks at ("": nothing was asked). `moments` are the quarters of an hour known
    so far (`moment_of` the beginning of one finds the others), `live` the tallies by version. None, and nothing done,
    if a row is neither a purchase nor an event, completes a hold, or was decided by a version that has no tally.
    """
    for row in rows:
        if row[2] not in (*PURCHASES, EVENT) or row[22] is not None or row[9] not in live or _ends_holds(row[24]):
            return None
    ours, theirs = [0] * 10, [0] * 10
    live_fired: dict[int, set[bytes]] = {}
    draft_fired: set[bytes] = set()
    messages = 0
    nothing = read("")
    for row in rows:
        at, kind, amount, version = row[1], row[2], row[3], row[9]
        if at >= end_s:
            break
        messages += 1
        quarter = at // QUARTER_S
        if quarter not in moments:
            moments[quarter] = moment_of(quarter * QUARTER_S)
        basket = nothing if row[23] is None else read(row[23])
        points_wanted = row[11] if basket[5] == AS_THEY_WERE else basket[5]
        request = Request(
            kind, True, amount, row[4], at, *moments[quarter], row[8], row[5], row[6], row[7], points_wanted, row[15],
            None, -1, *basket[:5], budgets=UNBOUNDED_BUDGETS,
        )  # fmt: skip
        decision = decide(programme, account, request)
        is_purchase = kind in PURCHASES
        _add(ours, is_purchase, amount, row[17], row[10], row[11], row[12], row[14], row[15], row[16])
        rules = row[19] or b""
        live[version].take(rules, Given(row[10], row[14], row[16], amount, row[17]))
        live_fired.setdefault(version, set()).add(rules)
        if decision.rc != "00":
            theirs[9] += 1
            continue
        d = decision
        _add(
            theirs, is_purchase, amount, d.to_pay, d.points_earned, d.points_redeemed, d.points_expired,
            d.credit_granted, d.credit_spent, d.discount,
        )  # fmt: skip
        draft.take(d.rules, Given(d.points_earned, d.credit_granted, d.discount, amount, d.to_pay))
        draft_fired.add(d.rules)
    return Folded(messages, Sums(*ours), Sums(*theirs), live_fired, draft_fired)


def _ends_holds(moved: bytes | None) -> bool:
    return moved is not None and any(key != PENDING for key, *_ in unpack(moved))


def _add(sums: list[int], is_purchase: bool, amount: int, paid: int, *legs: int) -> None:
    if is_purchase:
        sums[0] += 1
        sums[1] += amount
        sums[2] += paid
    for place, leg in enumerate(legs, 3):
        sums[place] += leg
