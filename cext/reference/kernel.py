"""The decision in plain Python: what `cext._kernel` must do, written to be read.

`decide(programme, account, request)` is pure: no clock, no I/O, no randomness; the same inputs give the same
legs.

Order of evaluation: discount → points spent → credit spent → accrual on what is really paid. Order of
refusal: 12, 78, 13, 25, 51 (wire.md). A wrong currency is 12: it is known before the account matters. A
number that cannot be worked on without leaving 64 bits (see the bounds in `cext.programme_table`) is 13.
"""

from cext.programme_table import AMOUNT_MAX, CONDITIONAL_FACTS, LEG_MAX, Fact
from cext.reference import lots as lot_packing
from cext.reference.conditions import (
    FACTS,
    INT64_MAX,
    Programme,
    credit_of,
    discount_of,
    effects_of,
    fired,
    points_of,
)
from cext.reference.lots import Lots
from cext.reference.outcome import settle, unchanged, workable
from cext.reference.records import (
    CREDIT_PURCHASE,
    INQUIRY,
    KINDS,
    PURCHASE,
    PURCHASES,
    REDEMPTION,
    REFUND,
    REVERSAL,
    Account,
    Decision,
    Original,
    Request,
)
from cext.reference.undo import undo

__all__ = [
    "CREDIT_PURCHASE",
    "FACTS",
    "INQUIRY",
    "PURCHASE",
    "REDEMPTION",
    "REFUND",
    "REVERSAL",
    "Account",
    "Decision",
    "Original",
    "Programme",
    "Request",
    "decide",
]

_SECONDS_A_DAY = 86_400


def decide(programme: Programme, account: Account, request: Request) -> Decision:
    """Decide one message. An approval with an effect changes `account`; anything else leaves it alone."""
    rc = _refusal(programme, account, request)
    if rc != "00":
        return unchanged(account, request, rc)
    if request.kind in PURCHASES:
        return _purchase(programme, account, request)
    if request.kind == INQUIRY:
        return unchanged(account, request, "00")
    return undo(programme, account, request)


def _refusal(programme: Programme, account: Account, request: Request) -> str:
    original = request.original
    undoes = request.kind in (REFUND, REVERSAL)
    takes_amount = request.kind in PURCHASES or request.kind == REFUND
    if (
        request.kind not in KINDS
        or (takes_amount and request.currency != programme.currency)
        or (undoes and original is not None and not _undoable(original, request.kind))
    ):
        return "12"
    if account.status != 0 and not request.advice and request.kind != REVERSAL:
        return "78"
    if not workable(account, request) or (takes_amount and not 1 <= request.amount <= AMOUNT_MAX):
        return "13"
    if request.kind == REFUND and original is None:
        return "25"
    return "00"


def _undoable(original: Original, kind: int) -> bool:
    if original.reversed:
        return False
    if kind == REFUND:
        return original.rc_approved and original.kind in PURCHASES
    return original.kind in (*PURCHASES, REFUND, INQUIRY)


def _facts(account: Account, request: Request, live_points: int) -> tuple[list[int], frozenset[int]]:
    """Every fact by its number, and the numbers of those that do not exist yet."""
    facts = [0] * len(Fact)
    facts[Fact.AMOUNT] = request.amount
    facts[Fact.HOUR] = request.hour
    facts[Fact.WEEKDAY] = request.weekday
    facts[Fact.DAY_OF_MONTH] = request.day_of_month
    facts[Fact.ENTRY_MODE] = request.entry_mode
    facts[Fact.MERCHANT] = request.merchant
    facts[Fact.INSTITUTION] = request.institution
    facts[Fact.CATEGORY] = request.category
    facts[Fact.CURRENCY] = request.currency
    facts[Fact.TIER] = account.tier
    facts[Fact.VISITS] = account.visits
    facts[Fact.SPEND] = account.spend
    facts[Fact.POINTS] = live_points
    facts[Fact.CREDIT] = account.credit
    facts[Fact.DAYS_SINCE_ENROLMENT] = max(0, request.local_day - account.enrolled_day)
    absent = set(CONDITIONAL_FACTS)
    if account.last_visit > 0:
        facts[Fact.DAYS_SINCE_LAST] = max(0, request.now - account.last_visit) // _SECONDS_A_DAY
        absent.remove(Fact.DAYS_SINCE_LAST)
    if account.visits > 0:
        facts[Fact.MEAN_AMOUNT] = account.spend // account.visits
        absent.remove(Fact.MEAN_AMOUNT)
    if account.visits > 1:
        between = max(0, account.last_visit - account.first_visit) // _SECONDS_A_DAY
        facts[Fact.MEAN_GAP] = between // (account.visits - 1)
        absent.remove(Fact.MEAN_GAP)
    return facts, frozenset(absent)


def _wanted(wanted: int, may_take_all: bool) -> int:
    """How much the till asked for: what it said, else all that goes if the message is one for spending."""
    if wanted >= 0:
        return wanted
    return INT64_MAX if may_take_all else 0


def _spend(spendable: int, useful: int, wanted: int, *, must_spend: bool, advice: bool) -> int | None:
    """How much is spent of what there is; None if that is not enough. An advice goes as far as it goes."""
    used = min(spendable, useful, wanted)
    if advice:
        return used
    asked_too_much = wanted != INT64_MAX and wanted > spendable
    if asked_too_much or (must_spend and used == 0):
        return None
    return used


def _purchase(programme: Programme, account: Account, request: Request) -> Decision:
    lots = Lots(lot_packing.checked(account.lots))
    expired = lots.lapse(request.local_month)
    facts, absent = _facts(account, request, account.points - expired)
    indexes = fired(programme, facts, absent)
    effects = effects_of(programme, indexes)

    discount = discount_of(effects, request.amount)
    rest = request.amount - discount
    redeeming = request.kind == REDEMPTION
    redeemed = _spend(
        lots.spendable(),
        rest // programme.point_value,
        _wanted(request.points_wanted, redeeming),
        must_spend=redeeming and rest > 0,
        advice=request.advice,
    )
    if redeemed is None:
        return unchanged(account, request, "51")
    rest -= redeemed * programme.point_value
    by_credit = request.kind == CREDIT_PURCHASE
    spent = _spend(
        max(0, account.credit),
        rest,
        _wanted(request.credit_wanted, by_credit),
        must_spend=by_credit and rest > 0,
        advice=request.advice,
    )
    if spent is None:
        return unchanged(account, request, "51")
    paid = rest - spent

    earned = points_of(effects, paid)
    granted = credit_of(effects, paid)
    if earned > LEG_MAX or granted > LEG_MAX:
        return unchanged(account, request, "13")
    lots.take_earliest(redeemed)
    lots.add(request.local_month + programme.expiry_months, earned)
    decision = Decision(
        "00",
        points_earned=earned,
        points_redeemed=redeemed,
        points_expired=expired,
        credit_granted=granted,
        credit_spent=spent,
        discount=discount,
        to_pay=paid,
        lots_moved=lots.moved(),
        rules=b"".join(index.to_bytes(2, "big") for index in indexes),
    )
    return settle(
        account, request, decision, lots=lots, visits=account.visits + 1, spend=account.spend + request.amount
    )
