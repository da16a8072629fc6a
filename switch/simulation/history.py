"""An account's history as the journal has it, and the account as it was when the period began.

An account row is as it is now. What the journal moved since the period began is taken off again; what cannot be taken
off (the last visit, the tier, counters of periods that are over, offers) is put together from the rows before it.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from cext._kernel import REFUND, REVERSAL, Account
from cext._replay import moved
from cext.reference import counters as counter_packing
from cext.reference import grants as grant_packing
from cext.reference import lots as lot_packing
from cext.reference import reserves as reserve_packing
from switch.member_data import REFERRED, read_before
from switch.simulation.standing import Standing

_EPOCH = dt.date(1970, 1, 1)
OTHER = 0
"""`Row.kind` of what no programme decides: transfers, joining fees, adjustments by hand, and holds."""
PURCHASES = (1, 2, 3)
"""Kinds that pay: purchase, redemption, purchase by credit."""
EVENT = 7
FULL = -1
"""`Undo.left` of a reversal of all that is left."""


class BrokenHistory(Exception):
    """What the journal moved does not lead to the account as it is: the audit (I2) says more."""


class Row(NamedTuple):
    """An approved message. Amounts in minor units, `at` in epoch seconds.

    `kind` as the kernel numbers them, or OTHER; `category` is the merchant's; the legs have the journal's signs;
    `asked` is as in the journal.
    """

    seq: int
    at: int
    kind: int
    amount: int
    currency: int
    merchant: int
    institution: int
    category: int
    entry_mode: int
    version: int
    points_earned: int
    points_redeemed: int
    points_expired: int
    points_adjusted: int
    credit_granted: int
    credit_spent: int
    discount: int
    to_pay: int
    lots_moved: bytes | None = None
    rules: bytes | None = None
    counters_moved: bytes | None = None
    grants_moved: bytes | None = None
    original_seq: int | None = None
    asked: str | None = None
    reserves_moved: bytes | None = None


class Present(NamedTuple):
    """The account as it is now. `enrolled_day`: days since 1970-01-01; `born`: YYYYMMDD or 0."""

    shard: int
    id: int
    points: int
    credit: int
    visits: int
    spend: int
    first_visit: int
    last_visit: int
    tier: int
    tier_points: int
    enrolled_day: int
    lots: bytes
    club: int = 0
    born: int = 0
    counters: bytes = b""
    grants: bytes = b""
    flags: int = 0
    reserves: bytes = b""
    recent: bytes = b""


class Past(NamedTuple):
    """What only rows before the period know: the last purchase, the tier, moves of counters and offers in order.

    `recent`: the spend of the days before it, packed as `cext.reference.recent` says; empty if nobody asks for it.
    `standing`: where the member stood in the tiers; None if nobody asks, or if the account as it is now tells it.
    """

    last_visit: int = 0
    tier: int = 0
    counters_moved: bytes = b""
    grants_moved: bytes = b""
    recent: bytes = b""
    standing: Standing | None = None


class Person(NamedTuple):
    """What a member told, for segments; None: not told."""

    gender: str | None = None
    region: str | None = None


NO_PAST = Past()
NOBODY = Person()


@dataclass(frozen=True, slots=True)
class History:
    """All that is known of one account. `rows` begin with the period and go on to now, by seq.

    `referred` are rows before the period that rows of it refer to, or that undo such ones, by seq.
    """

    present: Present
    rows: list[Row]
    past: Past = NO_PAST
    referred: Sequence[Row] = ()
    person: Person = NOBODY


class Undo(NamedTuple):
    """What a refund or a reversal does: `left` of the original's amount stays (FULL: it was a reversal of all of it).

    `direction`: 1 it undoes a purchase or an event, -1 a refund; `kind` is the original's.
    """

    left: int
    direction: int
    kind: int


def undos(rows: Iterable[Row]) -> dict[int, Undo]:
    """What each refund and reversal does, by its seq: those whose original is known. Rows in order of seq."""
    known: dict[int, Row] = {}
    undone: dict[int, int] = {}
    found: dict[int, Undo] = {}
    for row in rows:
        known[row.seq] = row
        if row.original_seq is None or (original := known.get(row.original_seq)) is None:
            continue
        before = undone.get(original.seq, 0)
        left = original.amount - before - row.amount
        is_full = row.kind == REVERSAL and left <= 0
        direction = -1 if original.kind == REFUND else 1
        found[row.seq] = Undo(FULL if is_full else left, direction, original.kind)
        undone[original.seq] = before + row.amount
        if original.original_seq is not None:
            # A refund that is reversed counts no more among what was undone of its own original.
            undone[original.original_seq] = undone.get(original.original_seq, 0) - row.amount
    return found


def account_at_start(history: History, undone: dict[int, Undo]) -> Account:
    """The account when the period began. Raises `BrokenHistory`."""
    now, past = before_enrolment(history), history.past
    since = moved(history.rows)
    visits, spend = now.visits - since.purchases, now.spend - since.spent
    for row in history.rows if undone else ():
        undo = undone.get(row.seq)
        if undo is not None and undo.kind not in (EVENT, OTHER):
            spend += undo.direction * row.amount
            visits += undo.left == FULL and undo.direction > 0
    last_visit = past.last_visit if visits > 0 else 0
    standing = past.standing or Standing(max(0, now.tier_points - since.earned), 0, 0)
    try:
        return Account(
            now.shard,
            now.id,
            0,
            0,
            0,
            now.points - since.points,
            now.credit - since.credit,
            max(0, visits),
            max(0, spend),
            min(now.first_visit, last_visit),
            last_visit,
            past.tier,
            standing.points,
            now.enrolled_day,
            _lots_before(now.lots, since.lots),
            now.club,
            now.born,
            counters_after(past.counters_moved),
            grants_after(past.grants_moved),
            _reserves_before(now.reserves, history.rows),
            recent=past.recent,
            tier_year=standing.year,
            tier_kept=standing.kept,
            flags=now.flags,
        )
    except ValueError:
        raise BrokenHistory from None


def before_enrolment(history: History) -> Present:
    """The account as it is now, but for what messages since the period began told of the member."""
    found = history.present
    for row in reversed(history.rows):
        if row.kind == OTHER and row.asked is not None:
            before = read_before(row.asked)
            if before.enrolled_on is not None:
                found = found._replace(
                    club=0, enrolled_day=(before.enrolled_on - _EPOCH).days, flags=found.flags & ~REFERRED
                )
            if before.tells_birth_date:
                found = found._replace(born=0)
    return found


def _lots_before(packed: bytes, moved_since: bytes) -> bytes:
    held = dict(lot_packing.unpack(packed))
    for month, points in lot_packing.unpack(moved_since):
        held[month] = held.get(month, 0) - points
    return lot_packing.pack([(month, points) for month, points in sorted(held.items()) if points])


def _reserves_before(packed: bytes, rows: Iterable[Row]) -> bytes:
    """The reserves before these rows moved them."""
    kept = {(key, until): (points, credit) for key, until, points, credit in reserve_packing.unpack(packed)}
    for row in rows:
        for key, until, points, credit in reserve_packing.unpack(row.reserves_moved) if row.reserves_moved else ():
            held_points, held_credit = kept.get((key, until), (0, 0))
            kept[key, until] = (held_points - points, held_credit - credit)
    return reserve_packing.pack(
        [reserve_packing.Reserve(*place, *amounts) for place, amounts in sorted(kept.items()) if any(amounts)]
    )


def counters_after(moved: bytes) -> bytes:
    """The counters that these moves, one after another, leave: of each slot its latest period."""
    kept: dict[int, tuple[int, int]] = {}
    for slot, number, value in counter_packing.unpack(moved):
        period, held = kept.get(slot, (number, 0))
        if number >= period:
            kept[slot] = (number, (held if number == period else 0) + value)
    return counter_packing.pack([(slot, number, value) for slot, (number, value) in sorted(kept.items()) if value > 0])


def grants_after(moved: bytes) -> bytes:
    """The offers that these moves, one after another, leave; those whose time is over included."""
    kept = {grant.slot: grant for grant in grant_packing.unpack(moved)}
    return grant_packing.pack([grant for _, grant in sorted(kept.items()) if grant.state != grant_packing.TAKEN_BACK])
