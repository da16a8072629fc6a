"""How a decision ends: without effect, or settled on the account."""

from cext.programme_table import BALANCE_MAX, LOCAL_MONTH_MAX
from cext.reference import lots as lot_packing
from cext.reference.lots import Lots
from cext.reference.records import Account, Decision, Request


def workable(account: Account, request: Request) -> bool:
    """Whether every sum of these numbers and of legs stays inside 64 bits."""
    numbers = (
        account.points,
        account.credit,
        account.visits,
        account.spend,
        account.first_visit,
        account.last_visit,
        account.enrolled_day,
        request.now,
        request.local_day,
        *lot_packing.checked(account.lots).values(),
    )
    return 0 <= request.local_month <= LOCAL_MONTH_MAX and all(-BALANCE_MAX <= n <= BALANCE_MAX for n in numbers)


def unchanged(account: Account, request: Request, rc: str) -> Decision:
    """A decline, or an approval without effect: the balances without what has lapsed, and nothing moved."""
    points = account.points
    if workable(account, request):
        points -= Lots(lot_packing.checked(account.lots)).lapse(request.local_month)
    return Decision(rc, to_pay=request.amount, points_balance=points, credit_balance=account.credit)


def settle(account: Account, request: Request, decision: Decision, *, lots: Lots, visits: int, spend: int) -> Decision:
    """Put an approval into effect, unless a balance would leave its bounds."""
    points = (
        account.points
        + decision.points_earned
        - decision.points_redeemed
        - decision.points_expired
        + decision.points_adjusted
    )
    credit = account.credit + decision.credit_granted - decision.credit_spent
    if not lots.within_bounds() or any(abs(number) > BALANCE_MAX for number in (points, credit, spend)):
        return unchanged(account, request, "13")
    decision.points_balance = points
    decision.credit_balance = credit
    decision.changed = bool(
        decision.lots_moved
        or decision.credit_granted
        or decision.credit_spent
        or visits != account.visits
        or spend != account.spend
    )
    account.points = points
    account.credit = credit
    account.lots = lot_packing.pack(sorted(lots.lots.items()))
    if visits > account.visits:
        account.first_visit = request.now if account.visits <= 0 else min(account.first_visit, request.now)
        account.last_visit = max(account.last_visit, request.now)
    elif visits == 0 and account.visits:
        account.first_visit = account.last_visit = 0
    account.visits = visits
    account.spend = spend
    return decision
