"""How a decision ends: without effect, or settled on the account."""

from dataclasses import dataclass

from cext.programme_table import BALANCE_MAX, LOCAL_DAY_MAX, LOCAL_MONTH_MAX
from cext.reference import lots as lot_packing
from cext.reference import recent as recent_packing
from cext.reference.conditions import Programme
from cext.reference.counters import Counters
from cext.reference.grants import Grants
from cext.reference.lots import Lots
from cext.reference.records import EVENT, Account, Decision, Request
from cext.reference.reserves import Reserves


@dataclass(slots=True)
class Working:
    """What a decision works on: copies of an account's parts, without what has lapsed by the message's date."""

    lots: Lots
    counters: Counters
    grants: Grants
    reserves: Reserves
    expired: int
    visits: int
    spend: int
    tier: int
    tier_points: int
    recent: bytes

    def spend_on(self, programme: Programme, local_day: int, amount: int) -> None:
        """Keep what was spent on a day, if the programme asks for the last days. Below 0: it was paid back."""
        if programme.recalls and amount:
            self.recent = recent_packing.with_spend(self.recent, local_day, amount)

    tier_year: int
    tier_kept: int

    @property
    def free_points(self) -> int:
        """Points that may be spent."""
        return max(0, self.lots.spendable() - self.reserves.points)

    def free_credit(self, account: Account) -> int:
        """Credit that may be spent, minor units."""
        return max(0, account.credit - self.reserves.credit)

    def moved(self, account: Account) -> bool:
        """Whether anything but the balances is other than the account has it."""
        return bool(
            self.lots.moved()
            or self.counters.packed() != account.counters
            or self.grants.packed() != account.grants
            or self.reserves.packed() != account.reserves
            or self.visits != account.visits
            or self.spend != account.spend
            or self.tier != account.tier
            or self.tier_points != account.tier_points
            or self.recent != account.recent
            or self.tier_year != account.tier_year
            or self.tier_kept != account.tier_kept
        )


def begin(account: Account, request: Request) -> Working:
    """Copies of the account's parts, for a message that is workable."""
    lots = Lots(lot_packing.checked(account.lots))
    return Working(
        lots=lots,
        counters=Counters(account.counters, local_month=request.local_month, local_day=request.local_day),
        grants=Grants(account.grants, local_day=request.local_day),
        reserves=reserves_of(account, request),
        expired=lots.lapse(request.local_month),
        visits=account.visits,
        spend=account.spend,
        tier=account.tier,
        tier_points=account.tier_points,
        recent=account.recent,
        tier_year=account.tier_year,
        tier_kept=account.tier_kept,
    )


def reserves_of(account: Account, request: Request) -> Reserves:
    """The account's reserves that are not over when this message comes."""
    return Reserves(account.reserves, local_day=request.local_day, now=request.now)


def workable(account: Account, request: Request) -> bool:
    """Whether every sum of these numbers and of legs stays inside 64 bits, and the calendar is one."""
    numbers = (
        account.points,
        account.credit,
        account.visits,
        account.spend,
        account.first_visit,
        account.last_visit,
        account.tier_points,
        account.enrolled_day,
        request.now,
        *lot_packing.checked(account.lots).values(),
    )
    return (
        0 <= request.local_month <= LOCAL_MONTH_MAX
        and 0 <= request.local_day <= LOCAL_DAY_MAX
        and all(-BALANCE_MAX <= number <= BALANCE_MAX for number in numbers)
    )


def unchanged(account: Account, request: Request, rc: str) -> Decision:
    """A decline, or an approval without effect: the balances without what has lapsed, and nothing moved."""
    decision = Decision(
        rc,
        to_pay=0 if request.kind == EVENT else request.amount,
        points_balance=account.points,
        credit_balance=account.credit,
        tier_after=account.tier,
    )
    if workable(account, request):
        decision.points_balance -= Lots(lot_packing.checked(account.lots)).lapse(request.local_month)
        reserves = reserves_of(account, request)
        reserves.fit(decision.points_balance, account.credit)
        tell_reserves(decision, reserves)
    return decision


def tell_reserves(decision: Decision, reserves: Reserves) -> None:
    """Say what of the balances may not be spent."""
    decision.points_pending = reserves.points_pending
    decision.points_held = reserves.points_held
    decision.credit_held = reserves.credit


def reserved(account: Account, request: Request, reserves: Reserves) -> Decision:
    """An approval that moves nothing but reserves."""
    decision = unchanged(account, request, "00")
    reserves.fit(decision.points_balance, account.credit)
    if not reserves.within_bounds():
        return unchanged(account, request, "13")
    tell_reserves(decision, reserves)
    decision.reserves_moved = reserves.moved()
    decision.changed = bool(decision.reserves_moved)
    account.reserves = reserves.packed()
    return decision


def settle(programme: Programme, account: Account, request: Request, decision: Decision, working: Working) -> Decision:
    """Put an approval into effect, unless a balance or a counter would leave its bounds."""
    points = (
        account.points
        + decision.points_earned
        - decision.points_redeemed
        - decision.points_expired
        + decision.points_adjusted
    )
    credit = account.credit + decision.credit_granted - decision.credit_spent
    working.counters.make_room(programme.limits)
    working.reserves.fit(points, credit)
    balances = (points, credit, working.spend, working.tier_points)
    if (
        not working.lots.within_bounds()
        or not working.reserves.within_bounds()
        or not working.counters.within_bounds()
        or not recent_packing.within_bounds(working.recent)
        or any(abs(number) > BALANCE_MAX for number in balances)
    ):
        return unchanged(account, request, "13")
    decision.points_balance = points
    decision.credit_balance = credit
    decision.lots_moved = working.lots.moved()
    decision.counters_moved = working.counters.moved()
    decision.grants_moved = working.grants.moved()
    decision.reserves_moved = working.reserves.moved()
    tell_reserves(decision, working.reserves)
    decision.tier_after = working.tier
    decision.changed = bool(decision.credit_granted or decision.credit_spent or working.moved(account))
    account.points = points
    account.credit = credit
    account.lots = lot_packing.pack(sorted(working.lots.lots.items()))
    account.counters = working.counters.packed()
    account.grants = working.grants.packed()
    account.reserves = working.reserves.packed()
    account.tier = working.tier
    account.tier_points = working.tier_points
    account.recent = working.recent
    account.tier_year = working.tier_year
    account.tier_kept = working.tier_kept
    _visit(account, request, working.visits)
    account.spend = working.spend
    return decision


def _visit(account: Account, request: Request, visits: int) -> None:
    if visits > account.visits:
        account.first_visit = request.now if account.visits <= 0 else min(account.first_visit, request.now)
        account.last_visit = max(account.last_visit, request.now)
    elif visits == 0 and account.visits:
        account.first_visit = account.last_visit = 0
    account.visits = visits
