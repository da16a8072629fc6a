"""The end of a membership: what is on the account is written off, and at the person's wish it is erased whose it was.

Pure: nothing here waits or keeps time. The request comes from the house, never from a till, and is carried by the wide
lane like any other message, so that it has its row in the journal and its key. The ledger keeps every sum.
"""

from cext._kernel import Decision
from cext.reference import lots as lot_packing
from cext.reference import reserves as reserve_packing
from protocol.codes import ResponseCode
from switch.card_checks import Context, usual
from switch.refusals import Refusal
from switch.wide_ports import CLOSED, AccountChange, AccountRow, Effects, Erasure, Party
from switch.wide_requests import Leaving

ENDED_ALREADY = Refusal(ResponseCode.REFUSED, "membership has ended")
CREDIT_LEFT = Refusal(ResponseCode.REFUSED, "credit is left")
NOBODY = Refusal(ResponseCode.REFUSED, "card is not enrolled")


def decide_leaving(request: Leaving, party: Party | None, context: Context) -> Effects | Refusal:
    """What becomes of the account, or why nothing does."""
    if party is None:
        return usual(ResponseCode.UNKNOWN_CARD)
    account, alias = party.account, request.alias
    if context.programme is None:
        return usual(ResponseCode.NOT_ALLOWED_TO_CARD)
    if alias is None and account.status == CLOSED:
        return ENDED_ALREADY
    if alias is not None and account.member is None:
        return NOBODY
    if account.credit and not request.forfeits_credit:
        return CREDIT_LEFT
    change = AccountChange(account, points=0, credit=0, lots=b"", status=CLOSED, grants=b"", reserves=b"")
    erasure = None
    if alias is not None:
        assert alias.shard == account.shard
        erasure = Erasure(account.key, alias)
    return Effects(_written_off(account), changes=(change,), erasure=erasure, request=request.request)


def _written_off(account: AccountRow) -> Decision:
    """Points lapse, whatever their months; what was owed is owed no more. Credit that is given up buys nothing."""
    lots = lot_packing.unpack(account.lots)
    reserves = [
        reserve._replace(points=-reserve.points, credit=-reserve.credit)
        for reserve in reserve_packing.unpack(account.reserves)
    ]
    return Decision(
        ResponseCode.APPROVED,
        points_expired=account.points,
        credit_spent=account.credit,
        lots_moved=lot_packing.pack([(month, -points) for month, points in lots]),
        reserves_moved=reserve_packing.pack(reserves),
        changed=True,
    )
