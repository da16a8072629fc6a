"""The decision in plain Python: what `cext._kernel` must do, written to be read.

`decide(programme, account, request)` is pure: no clock, no I/O, no randomness; the same inputs give the same
legs.

Order of evaluation: lapsed lots → tier year → facts → rules → discount → a reward's price → points spent → credit
spent → accrual on what is really paid → counters → tier → grants given. An event is a purchase of nothing that counts
no visit and gives no grant. What a purchase earns is pending for the programme's days; an event's points are not, as
nothing can be returned. A purchase that names a hold ends it and may spend what it kept back. Order of refusal: 12, 78,
13, 65, 25, 51, 05 (wire.md). A wrong currency is 12: it is known before the account matters. A number that cannot be
worked on without leaving 64 bits (see the bounds in `cext.programme_table`) is 13.

A reward that the till asks for is given, in full, or the purchase is refused: 65 if the member has had it as often as
may be, 51 if the points do not reach, 05 otherwise. An advice tells what happened already: it takes what points there
are.
"""

from dataclasses import replace

from cext.programme_table import AMOUNT_MAX, BALANCE_MAX, LEG_MAX, Occasion
from cext.reference import tiers
from cext.reference.budgets import Budgets
from cext.reference.conditions import FACTS, Programme
from cext.reference.effects import count, credit_of, discount_of, effects_of, points_of, price_of
from cext.reference.facts import Facts, facts_of
from cext.reference.outcome import Working, begin, reserved, settle, unchanged, workable
from cext.reference.records import (
    CREDIT_PURCHASE,
    EVENT,
    GIFT,
    HOLD,
    INQUIRY,
    KINDS,
    PURCHASE,
    PURCHASES,
    QUOTE,
    REDEMPTION,
    REFUND,
    REVERSAL,
    UPKEEP,
    Account,
    Decision,
    Original,
    Request,
)
from cext.reference.rules import fired, give, refusal_of_reward
from cext.reference.table_checks import INT64_MAX
from cext.reference.undo import undo
from cext.reference.upkeep import gift, upkeep

__all__ = [
    "CREDIT_PURCHASE",
    "EVENT",
    "FACTS",
    "GIFT",
    "HOLD",
    "INQUIRY",
    "PURCHASE",
    "QUOTE",
    "REDEMPTION",
    "REFUND",
    "REVERSAL",
    "UPKEEP",
    "Account",
    "Decision",
    "Original",
    "Programme",
    "Request",
    "decide",
]


def decide(programme: Programme, account: Account, request: Request) -> Decision:
    """Decide one message. An approval with an effect changes `account`; anything else leaves it alone."""
    rc = _refusal(programme, account, request)
    if rc != "00":
        return unchanged(account, request, rc)
    if request.kind in PURCHASES or request.kind == EVENT:
        return _purchase(programme, account, request)
    if request.kind == INQUIRY:
        return unchanged(account, request, "00")
    if request.kind == HOLD:
        return _hold(programme, account, request)
    if request.kind == QUOTE:
        return _quote(programme, account, request)
    if request.kind == UPKEEP:
        return upkeep(programme, account, request)
    if request.kind == GIFT:
        return gift(programme, account, request)
    return undo(programme, account, request)


def _refusal(programme: Programme, account: Account, request: Request) -> str:
    original = request.original
    undoes = request.kind in (REFUND, REVERSAL)
    takes_amount = request.kind in (*PURCHASES, REFUND, HOLD, QUOTE)
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
    if request.kind == HOLD and not (request.hold_key >= 1 and 0 <= request.hold_until <= BALANCE_MAX):
        return "13"
    if request.kind == REFUND and original is None:
        return "25"
    return "00"


def _undoable(original: Original, kind: int) -> bool:
    if original.reversed:
        return False
    if kind == REFUND:
        return original.rc_approved and original.kind in PURCHASES
    # What was declined moved nothing, whatever it was: there is nothing that could not be undone.
    return not original.rc_approved or original.kind in (*PURCHASES, REFUND, INQUIRY, EVENT, HOLD, QUOTE)


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


def _hold(programme: Programme, account: Account, request: Request) -> Decision:
    """Keep back the points that the till asked for, else those that the amount comes to, and the credit asked for."""
    credit = max(0, request.credit_wanted)
    points = request.points_wanted
    if points < 0:
        points = 0 if credit else request.amount // programme.point_value
    if points == credit == 0:
        return unchanged(account, request, "13")
    working = begin(account, request)
    if not working.reserves.has_room_for_a_hold:
        return unchanged(account, request, "65")
    if points > working.free_points or credit > working.free_credit(account):
        return unchanged(account, request, "51")
    working.reserves.hold(request.hold_key, request.hold_until, points, credit)
    return reserved(account, request, working.reserves)


def _quote(programme: Programme, account: Account, request: Request) -> Decision:
    """What a purchase would come to; nothing moves."""
    decision = _purchase(programme, account.copy(), request)
    if decision.rc != "00":
        return decision
    now = unchanged(account, request, "00")
    return replace(
        now,
        points_earned=decision.points_earned,
        points_redeemed=decision.points_redeemed,
        credit_granted=decision.credit_granted,
        credit_spent=decision.credit_spent,
        discount=decision.discount,
        to_pay=decision.to_pay,
        rules=decision.rules,
    )


def _price(request: Request, spendable: int, price: int) -> int | None:
    """Points taken for a reward; None if there are too few."""
    if price > spendable and not request.advice:
        return None
    return min(price, spendable)


def _pay(
    programme: Programme, account: Account, request: Request, working: Working, price: int, rest: int
) -> tuple[int, int] | None:
    """(points, credit) spent on what is left to pay, beside the price of a reward; None if that is not enough."""
    if request.kind == EVENT:
        return 0, 0
    redeeming = request.kind == REDEMPTION
    redeemed = _spend(
        working.free_points - price,
        rest // programme.point_value,
        _wanted(request.points_wanted, redeeming),
        must_spend=redeeming and rest > 0,
        advice=request.advice,
    )
    if redeemed is None:
        return None
    rest -= redeemed * programme.point_value
    by_credit = request.kind == CREDIT_PURCHASE
    spent = _spend(
        working.free_credit(account),
        rest,
        _wanted(request.credit_wanted, by_credit),
        must_spend=by_credit and rest > 0,
        advice=request.advice,
    )
    return None if spent is None else (redeemed, spent)


def _purchase(programme: Programme, account: Account, request: Request) -> Decision:
    """A purchase, or an event: that is a purchase of nothing."""
    is_event = request.kind == EVENT
    amount = 0 if is_event else request.amount
    working = begin(account, request)
    if request.original is not None and request.original.kind == HOLD:
        working.reserves.end(request.original.reserves_moved)
    tiers.turn(programme, working, request)
    facts = _facts(programme, account, request, working, account.points - working.expired)
    occasion = Occasion.EVENT if is_event else Occasion.PURCHASE
    budgets = Budgets(request.budgets)
    indexes = fired(programme, occasion, facts, working.counters, working.grants, budgets)
    if is_event and not indexes:
        return unchanged(account, request, "00")
    effects = effects_of(programme, indexes)
    wants_reward = request.reward != 0 and not is_event and not request.advice
    refusal = refusal_of_reward(programme, facts, budgets, indexes) if wants_reward else ""
    if refusal == "65":
        return unchanged(account, request, refusal)

    discount = discount_of(programme, indexes, request, amount, budgets)
    price = _price(request, working.free_points, price_of(effects))
    if price is None:
        return unchanged(account, request, "51")
    payment = _pay(programme, account, request, working, price, amount - discount)
    if payment is None:
        return unchanged(account, request, "51")
    if refusal:
        return unchanged(account, request, refusal)
    redeemed, spent = payment
    paid = amount - discount - redeemed * programme.point_value - spent
    earned = points_of(effects, paid, tiers.multiplier(programme, working.tier), budgets)
    granted = credit_of(effects, paid, budgets)
    if max(earned, granted, price + redeemed) > LEG_MAX:
        return unchanged(account, request, "13")
    if budgets.sold_short and not request.advice:
        return unchanged(account, request, "05")

    working.lots.take_earliest(price + redeemed)
    working.lots.add(request.local_month + programme.expiry_months, earned)
    if programme.pending_days and not is_event:
        working.reserves.pend(request.local_day + programme.pending_days - 1, earned)
    count(effects, paid, working.counters, budgets)
    working.spend_on(programme, request.local_day, amount)
    if not is_event:
        working.visits += 1
        working.spend += amount
    working.tier_points = tiers.points_after(programme, working.tier_points, earned)
    tiers.advance(programme, working, effects, request)
    decision = Decision(
        "00",
        points_earned=earned,
        points_redeemed=price + redeemed,
        points_expired=working.expired,
        credit_granted=granted,
        credit_spent=spent,
        discount=discount,
        to_pay=paid,
        rules=b"".join(index.to_bytes(2, "big") for index in indexes),
    )
    decision = settle(programme, account, request, decision, working)
    if decision.rc == "00" and not is_event:
        _give(programme, account, request, decision, working)
    return decision


def _facts(programme: Programme, account: Account, request: Request, working: Working, live_points: int) -> Facts:
    return facts_of(
        programme,
        account,
        request,
        amount=0 if request.kind == EVENT else request.amount,
        live_points=live_points,
        counters=working.counters,
        grants=working.grants,
    )


def _give(programme: Programme, account: Account, request: Request, decision: Decision, working: Working) -> None:
    """Give the grants that the account, as this purchase has left it, has come to."""
    if programme.grants:
        give(programme, _facts(programme, account, request, working, account.points), working.grants)
        account.grants = working.grants.packed()
        decision.grants_moved = working.grants.moved()
