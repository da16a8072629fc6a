"""A transfer taken back (0400): the receiver gives what was given, the giver gets the very lots back.

All of it or nothing, from points of the same months first: a receiver who has too few left keeps them all (51). What
has lapsed since has lapsed at the receiver and does not come back.
"""

from cext.programme_table import BALANCE_MAX, LOTS_MAX
from cext.reference.lots import Lots, checked, unpack
from protocol.codes import ResponseCode
from switch.card_checks import Context, usual
from switch.kept_back import reserves_of
from switch.refusals import Refusal
from switch.transfer import TOO_MANY, changed, left
from switch.wide_ports import Effects, JournalSide, TransferRecord, TransferRow

PARTIAL = Refusal(ResponseCode.INVALID_TRANSACTION, "not a part of a transfer")
RECEIVER_HAS_TOO_FEW = Refusal(ResponseCode.NOT_ENOUGH, "receiver has too few")
GIVER_IS_FULL = Refusal(ResponseCode.REFUSED, "giver has 36 lots")


def given(row: TransferRow, local_month: int) -> list[tuple[int, int]]:
    """The lots (month, points) that a giver's row gave away, without what has lapsed since.

    What had lapsed before the transfer stands in the row as well, ahead of the rest: it expires earlier.
    """
    lapsed, lots = row.points_expired, []
    for month, points in unpack(row.lots_moved):
        if lapsed > 0:
            lapsed += points
        elif month >= local_month:
            lots.append((month, -points))
    return lots


def decide_reversal(record: TransferRecord | None, *, partial: bool, context: Context) -> Effects | Refusal:
    """What taking a transfer back does, or why it is declined."""
    if record is None or context.programme is None:
        return usual(ResponseCode.INVALID_TRANSACTION)
    if partial:
        return PARTIAL
    giver, receiver = record.giver.account, record.receiver.account
    lots = given(record.giver, context.local_month)
    points = sum(part for _, part in lots)
    source, target = Lots(checked(receiver.lots)), Lots(checked(giver.lots))
    source_expired, target_expired = source.lapse(context.local_month), target.lapse(context.local_month)
    giving, receiving = reserves_of(receiver, context), reserves_of(giver, context)
    if source.spendable() - giving.points < points:
        return RECEIVER_HAS_TOO_FEW
    source.take_earliest(points - source.take_from(lots, points))
    if len({month for month, _ in lots} | {month for month, part in target.lots.items() if part > 0}) > LOTS_MAX:
        return GIVER_IS_FULL
    for month, part in lots:
        target.add(month, part)
    if not (source.within_bounds() and target.within_bounds()):
        return TOO_MANY
    got = left(giver, target, receiving, points, target_expired)
    gave = left(receiver, source, giving, -points, source_expired)
    if abs(got.points_balance) > BALANCE_MAX:
        return TOO_MANY
    return Effects(
        got,
        changes=(changed(giver, target, receiving, got), changed(receiver, source, giving, gave)),
        other=JournalSide(receiver.shard, receiver.id, record.receiver.last_four, gave, record.receiver.seq),
        original_seq=record.giver.seq,
    )
