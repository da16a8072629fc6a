"""Points that change hands, and points that become credit. Nothing here waits or keeps time.

Points move lot by lot, from the one that expires first on, and keep the month in which they expire: a transfer makes no
point live longer. What a member owes (after a claw-back) is paid first, as with points that are earned. Lapsed lots of
both accounts are written off on the way. Points that are pending or held stay where they are.
"""

from dataclasses import dataclass

from cext._kernel import Decision
from cext.programme_table import BALANCE_MAX, DEFICIT_MONTH, LEG_MAX, LOTS_MAX
from cext.reference.lots import Lots, checked, pack
from cext.reference.reserves import Reserves
from protocol.codes import ResponseCode
from switch.card_checks import UNKNOWN_SECOND, Context, card_refusals, pair_refusals, till_refusals, usual
from switch.kept_back import keep, reserves_of
from switch.refusals import Refusal, first_of
from switch.wide_ports import AccountChange, AccountRow, Effects, JournalSide, Party
from switch.wide_requests import Conversion, Transfer

NO_POINTS = Refusal(ResponseCode.INVALID_AMOUNT, "DE48 PT is zero")
RECEIVER_IS_FULL = Refusal(ResponseCode.REFUSED, "receiver has 36 lots")
TOO_MANY = Refusal(ResponseCode.INVALID_AMOUNT, "too many points")
_TOO_FEW = usual(ResponseCode.NOT_ENOUGH)


@dataclass(frozen=True, slots=True)
class Moved:
    """Two accounts' lots after a transfer, with what was moved and what had lapsed in each."""

    giver: Lots
    giver_expired: int
    receiver: Lots
    receiver_expired: int


def move(giver: bytes, receiver: bytes, points: int, local_month: int, reserved: int = 0) -> Moved | Refusal:
    """Move points between two accounts' packed lots; refused if there are too few, or no lot to put them in.

    `reserved`: how many of the giver's may not be spent.
    """
    source, target = Lots(checked(giver)), Lots(checked(receiver))
    giver_expired, receiver_expired = source.lapse(local_month), target.lapse(local_month)
    if source.spendable() - reserved < points:
        return _TOO_FEW
    before = dict(source.lots)
    source.take_earliest(points)
    for month in sorted(before):
        part = before[month] - source.lots.get(month, 0)
        if part and _has_no_room(target, month, part):
            return RECEIVER_IS_FULL
        target.add(month, part)
    if not (source.within_bounds() and target.within_bounds()):
        return TOO_MANY
    return Moved(source, giver_expired, target, receiver_expired)


def _has_no_room(target: Lots, month: int, points: int) -> bool:
    """Whether points of this month would have to lie with those of another one."""
    if month in target.lots or points <= -target.lots.get(DEFICIT_MONTH, 0):
        return False
    return len(target.lots.keys() - {DEFICIT_MONTH}) >= LOTS_MAX


def decide_transfer(
    request: Transfer, giver: Party | None, receiver: Party | None, context: Context
) -> Effects | Refusal:
    """What a transfer does, or why it is declined (the first in the order of wire.md)."""
    if giver is None:
        return usual(ResponseCode.UNKNOWN_CARD)
    if receiver is None:
        return UNKNOWN_SECOND
    refusals = [*pair_refusals(giver, receiver, context), *till_refusals(context)]
    if request.points == 0:
        refusals.append(NO_POINTS)
    refusal = first_of(refusals)
    if refusal is not None:
        return refusal
    giving, receiving = reserves_of(giver.account, context), reserves_of(receiver.account, context)
    moved = move(giver.account.lots, receiver.account.lots, request.points, context.local_month, giving.points)
    if isinstance(moved, Refusal):
        return moved
    gave = left(giver.account, moved.giver, giving, -request.points, moved.giver_expired)
    got = left(receiver.account, moved.receiver, receiving, request.points, moved.receiver_expired)
    if max(abs(gave.points_balance), abs(got.points_balance)) > BALANCE_MAX:
        return TOO_MANY
    return Effects(
        gave,
        changes=(
            changed(giver.account, moved.giver, giving, gave),
            changed(receiver.account, moved.receiver, receiving, got),
        ),
        other=JournalSide(receiver.account.shard, receiver.account.id, receiver.last_four, got),
    )


def left(account: AccountRow, lots: Lots, reserves: Reserves, points: int, expired: int) -> Decision:
    """The decision on one side of a transfer: `points` came (or went, negative), `expired` were written off."""
    decision = Decision(
        ResponseCode.APPROVED,
        points_adjusted=points,
        points_expired=expired,
        points_balance=account.points - expired + points,
        credit_balance=account.credit,
        lots_moved=lots.moved(),
        changed=True,
    )
    keep(decision, reserves)
    return decision


def changed(account: AccountRow, lots: Lots, reserves: Reserves, decision: Decision) -> AccountChange:
    """The account as a decision leaves it."""
    return AccountChange(
        account,
        points=decision.points_balance,
        credit=decision.credit_balance,
        lots=pack(sorted(lots.lots.items())),
        reserves=reserves.packed(),
    )


def decide_conversion(
    request: Conversion, party: Party | None, context: Context, fee_owed: int = 0
) -> Effects | Refusal:
    """What turning points into credit does, or why it is declined.

    A club's fee that is still owed is paid first, all of it, as soon as the credit suffices.
    """
    if party is None:
        return usual(ResponseCode.UNKNOWN_CARD)
    programme, account = context.programme, party.account
    refusals = [*card_refusals(party, context), *till_refusals(context)]
    if request.points == 0:
        refusals.append(NO_POINTS)
    if programme is not None and context.currency not in {0, programme.kernel.currency}:
        refusals.append(usual(ResponseCode.INVALID_TRANSACTION))
    refusal = first_of(refusals)
    if refusal is not None:
        return refusal
    assert programme is not None
    granted = request.points * programme.kernel.point_value
    if granted > LEG_MAX or account.credit + granted > BALANCE_MAX:
        return TOO_MANY
    lots, reserves = Lots(checked(account.lots)), reserves_of(account, context)
    expired = lots.lapse(context.local_month)
    if lots.spendable() - reserves.points < request.points:
        return _TOO_FEW
    lots.take_earliest(request.points)
    credit = account.credit + granted
    fee = fee_owed if fee_owed <= credit - reserves.credit else 0
    decision = Decision(
        ResponseCode.APPROVED,
        credit_spent=fee,
        points_redeemed=request.points,
        points_expired=expired,
        credit_granted=granted,
        points_balance=account.points - expired - request.points,
        credit_balance=credit - fee,
        lots_moved=lots.moved(),
        changed=True,
    )
    keep(decision, reserves)
    paid = None if not fee or account.member is None else (account.shard, account.member)
    return Effects(decision, changes=(changed(account, lots, reserves, decision),), fee_paid_by=paid)
