"""What a wide message has to leave of an account's points and credit: what is pending, and what tills hold."""

from cext._kernel import Decision
from cext.reference.reserves import Reserves
from switch.card_checks import Context
from switch.wide_ports import AccountRow


def reserves_of(account: AccountRow, context: Context) -> Reserves:
    """The account's reserves that are not over."""
    return Reserves(account.reserves, local_day=context.local_day, now=context.now)


def tell(decision: Decision, reserves: Reserves) -> None:
    """Say what of a decision's balances may not be spent."""
    reserves.fit(decision.points_balance, decision.credit_balance)
    decision.points_pending = reserves.points_pending
    decision.points_held = reserves.points_held
    decision.credit_held = reserves.credit


def keep(decision: Decision, reserves: Reserves) -> None:
    """Likewise, and let the decision move what became of the reserves by it: the account keeps the rest."""
    tell(decision, reserves)
    decision.reserves_moved = reserves.moved()
