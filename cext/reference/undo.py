"""Refunds and reversals in plain Python: undoing, in part or whole, a message that the journal tells of."""

from dataclasses import dataclass

from cext.programme_table import AMOUNT_MAX, BALANCE_MAX, DEFICIT_MONTH, LEG_MAX
from cext.reference import counters as counter_packing
from cext.reference import grants as grant_packing
from cext.reference import lots as lot_packing
from cext.reference import tiers
from cext.reference.conditions import Programme
from cext.reference.counters import Counters
from cext.reference.lots import Lots
from cext.reference.outcome import begin, reserved, reserves_of, settle, unchanged
from cext.reference.records import EVENT, HOLD, INQUIRY, QUOTE, REFUND, REVERSAL, Account, Decision, Original, Request


def undo(programme: Programme, account: Account, request: Request) -> Decision:
    """A refund, a reversal or a partial reversal.

    With `done` of the original's amount undone so far, this message included, floor(leg * done / amount) of
    each leg is undone; this message's part is the difference to what was undone before it. So partial refunds
    add up exactly. Counters, and what is still pending of the points, follow the same rule. A tier that was entered
    stays. A hold is undone as a whole, whatever is left of it.
    """
    original = request.original
    if original is None or not original.rc_approved or original.kind in (INQUIRY, QUOTE):
        return unchanged(account, request, "00")
    if original.kind == HOLD:
        reserves = reserves_of(account, request)
        reserves.end(original.reserves_moved)
        return reserved(account, request, reserves)
    part = _part(original, request)
    if part is None:
        return unchanged(account, request, "13")

    working = begin(account, request)
    lots, expired = working.lots, working.expired
    earned, redeemed = part.points_earned, part.points_redeemed
    granted, spent = part.credit_granted, part.credit_spent
    takes, puts, passed = _moves_of(original, part.direction)
    if part.direction > 0:
        expired += _give_back(programme, lots, takes, redeemed, request.local_month)
        earned = _claw_back(programme, lots, puts, earned)
        if not programme.deficit_allowed:
            granted = min(granted, max(0, account.credit + spent))
    else:
        expired += _give_back(programme, lots, takes, earned, request.local_month)
        # What came back with the refund and expired at once never reached the member: it is not taken again.
        unexpired = min(redeemed, part.share(passed))
        redeemed = unexpired + _claw_back(programme, lots, puts, redeemed - unexpired)
        expired -= unexpired
        if not programme.deficit_allowed:
            spent = min(spent, max(0, account.credit + granted))

    decision = Decision(
        "00",
        points_earned=-part.direction * earned,
        points_redeemed=-part.direction * redeemed,
        points_expired=expired,
        credit_granted=-part.direction * granted,
        credit_spent=-part.direction * spent,
        discount=-part.direction * part.discount,
        to_pay=part.to_pay,
    )
    _count_back(working.counters, original, part)
    working.reserves.undo(
        original.reserves_moved,
        original.refunded_reserves,
        direction=part.direction,
        done=part.done,
        whole=part.whole,
        local_day=request.local_day,
    )
    if part.all_of_it and part.direction > 0:
        for grant in grant_packing.unpack(original.grants_moved):
            working.grants.undo(grant)
        if original.kind != EVENT:
            working.visits = max(0, account.visits - 1)
    working.spend = max(0, account.spend - part.direction * part.amount)
    working.spend_on(programme, request.local_day, -part.direction * part.amount)
    if tiers.counts_now(programme, working, original):
        working.tier_points = tiers.points_after(programme, account.tier_points, decision.points_earned)
    return settle(programme, account, request, decision, working)


@dataclass(frozen=True, slots=True)
class _Part:
    """What a message undoes of its original, as magnitudes. `direction`: -1 a refund, 1 anything else.

    An event has no amount: it is undone as a `whole` of 1. `amount` is in minor units.
    """

    direction: int
    whole: int
    before: int
    done: int
    amount: int
    all_of_it: bool
    points_earned: int
    points_redeemed: int
    credit_granted: int
    credit_spent: int
    discount: int
    to_pay: int

    def share(self, total: int) -> int:
        return total * self.done // self.whole - total * self.before // self.whole


def _part(original: Original, request: Request) -> _Part | None:
    """What is to be undone; None if the amounts do not fit the original."""
    is_event = original.kind == EVENT
    whole, before = (1, 0) if is_event else (original.amount, original.refunded_amount)
    if not (1 <= whole <= AMOUNT_MAX and 0 <= before <= whole):
        return None
    all_of_it = request.kind == REVERSAL and (is_event or request.replacement_amount <= 0)
    if request.kind == REFUND:
        done = before + request.amount
    elif all_of_it:
        done = whole
    else:
        done = whole - request.replacement_amount
    if not before <= done <= whole:
        return None

    moves = lot_packing.unpack(original.lots_moved) + lot_packing.unpack(original.refunded_lots)
    if any(abs(points) > BALANCE_MAX for _, points in moves):
        return None
    direction = -1 if original.kind == REFUND else 1
    due = []
    for leg, undone in (
        (original.points_earned, original.refunded_points_earned),
        (original.points_redeemed, original.refunded_points_redeemed),
        (original.credit_granted, original.refunded_credit_granted),
        (original.credit_spent, original.refunded_credit_spent),
        (original.discount, original.refunded_discount),
        (original.to_pay * direction, original.refunded_to_pay * direction),
    ):
        if not 0 <= leg * direction <= LEG_MAX or abs(undone) > LEG_MAX:
            return None
        due.append(max(0, leg * direction * done // whole - undone * direction))
    return _Part(
        direction=direction,
        whole=whole,
        before=before,
        done=done,
        amount=0 if is_event else done - before,
        all_of_it=all_of_it,
        points_earned=due[0],
        points_redeemed=due[1],
        credit_granted=due[2],
        credit_spent=due[3],
        discount=due[4],
        to_pay=due[5],
    )


def _count_back(counters: Counters, original: Original, part: _Part) -> None:
    """Undo this part of each counter's move, as far as its period is not over."""
    undone = counter_packing.unpack(original.refunded_counters)
    for slot, number, moved in counter_packing.unpack(original.counters_moved):
        before = sum(abs(other) for *of, other in undone if of == [slot, number] and other * moved < 0)
        due = max(0, abs(moved) * part.done // part.whole - before)
        counters.give_back(slot, number, due if moved < 0 else -due)


def _moves_of(original: Original, direction: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]], int]:
    """What an original took from lots and what it put into lots, each without what was undone of it already.

    Returns (takes, puts, passed): takes in the order of giving back, a deficit first and then by falling
    month, as what was taken last comes back first; puts by rising month; passed: points that a refund brought
    back to lapsed lots, which expired at once.
    """
    moves = lot_packing.unpack(original.lots_moved)
    undone = lot_packing.unpack(original.refunded_lots)
    expired = original.points_earned - original.points_redeemed - sum(points for _, points in moves)
    takes: list[tuple[int, int]] = []
    lapsed: dict[int, int] = {}
    for month, points in moves:
        if points >= 0:
            continue
        # Lapsed lots come before every lot that could be spent from; the deficit lot never lapses.
        lapse = min(-points, max(0, expired)) if month != DEFICIT_MONTH else 0
        expired -= lapse
        lapsed[month] = lapsed.get(month, 0) + lapse
        came_back = sum(points for other, points in undone if other == month and points > 0)
        left = -points - lapse - came_back
        if left > 0:
            takes.append((month, left))
    puts: list[tuple[int, int]] = []
    passed = 0
    for month, points in moves:
        if points <= 0 or month == DEFICIT_MONTH:
            continue
        if direction < 0:
            passed = min(BALANCE_MAX, passed + min(points, lapsed.get(month, 0)))
        taken = sum(-points for other, points in undone if other == month and points < 0)
        if points - taken > 0:
            puts.append((month, points - taken))
    takes.sort(key=lambda take: (take[0] != DEFICIT_MONTH, -take[0]))
    return takes, puts, passed


def _give_back(programme: Programme, lots: Lots, takes: list[tuple[int, int]], points: int, local_month: int) -> int:
    """Put points back into the lots they came from; returns what expired at once, its lot having lapsed."""
    expired = 0
    earning_month = local_month + programme.expiry_months
    for month, limit in takes:
        part = min(points, limit)
        points -= part
        if month == DEFICIT_MONTH:
            lots.add(earning_month, part)
        elif month < local_month:
            lots.pass_through(month, part)
            expired += part
        else:
            lots.add(month, part)
    lots.add(earning_month, points)
    return expired


def _claw_back(programme: Programme, lots: Lots, puts: list[tuple[int, int]], points: int) -> int:
    """Take points from the lots they were put into, then from what expires first; owe the rest if allowed."""
    taken = lots.take_from(puts, points)
    taken += lots.take_earliest(points - taken)
    if programme.deficit_allowed:
        lots.owe(points - taken)
        return points
    return taken
