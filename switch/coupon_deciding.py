"""Deciding a purchase that shows coupons, and whether a reversal gives some back.

A coupon is never used up for nothing: unless a rule that asks for it fires, the purchase is declined. What fires is
found out on a copy of the account first.
"""

from collections.abc import Callable

from cext._kernel import Account, Decision, decide
from cext.programme_table import UNBOUNDED_BUDGETS
from protocol.tlv import build
from switch.coupons import ASKS_FOR_MORE, BUDGET_USED_UP, Coupon, Shown, taken
from switch.programme import CompiledProgramme
from switch.refusals import Refusal, first_of
from switch.reward_choice import reason_of
from switch.transaction import Transaction

PURCHASE, REVERSAL, INQUIRY, QUOTE = 1, 5, 6, 9
APPROVED = "00"
NOT_REPLACED = -1


class CouponTrial:
    """A message that shows coupons, tried out on a copy of its account."""

    def __init__(
        self, transaction: Transaction, shown: Shown, programme_id: int, compiled: CompiledProgramme, account: Account
    ) -> None:
        self.account = account
        self.decision: Decision | None = None
        self._transaction = transaction
        self._shown = shown
        self._compiled = compiled
        self._before = account
        self._found = tuple(taken(shown, programme_id, compiled, account, transaction.request.local_day))

    def refusal(self, carry: Callable[[], None]) -> Refusal | None:
        """Why the coupons cannot be used; if they can, they are noted as taken. `carry` numbers them for the kernel.

        An advice tells of what has happened: of its coupons those are taken that can be, and it is never refused.
        """
        coupons = tuple(found for found in self._found if isinstance(found, Coupon))
        refusals = [found for found in self._found if isinstance(found, Refusal)]
        if self._transaction.request.advice:
            self._take_what_fires(coupons, carry)
            return None
        self._shown.taken = coupons
        if self._amount_is_told:
            fires = self._fires(carry)
            assert self.decision is not None
            if self.decision.rc != APPROVED:
                code = self.decision.rc
                refusals.append(Refusal(code, reason_of(self._transaction, self._compiled, code, self._before.born)))
            elif any(coupon.campaign not in fires for coupon in coupons):
                refusals.append(BUDGET_USED_UP if self._wants_budget(coupons, carry) else ASKS_FOR_MORE)
        refused = first_of(refusals)
        if refused is not None:
            self._shown.taken = ()
        return refused

    @property
    def _amount_is_told(self) -> bool:
        """A coupon check may come without one: then only the coupon is looked at, not what a rule asks besides."""
        return self._transaction.kind != INQUIRY or self._transaction.amount > 0

    def _take_what_fires(self, coupons: tuple[Coupon, ...], carry: Callable[[], None]) -> None:
        left = coupons
        while True:
            self._shown.taken = left
            fires = self._fires(carry)
            left = tuple(coupon for coupon in left if coupon.campaign in fires)
            if left == self._shown.taken:
                return

    def _wants_budget(self, coupons: tuple[Coupon, ...], carry: Callable[[], None]) -> bool:
        """Whether all coupons would be taken if nothing had been drawn of any budget."""
        request = self._transaction.request
        tried, left = (self.account, self.decision), request.budgets
        request.budgets = UNBOUNDED_BUDGETS
        try:
            return self._fires(carry).issuperset(coupon.campaign for coupon in coupons)
        finally:
            request.budgets = left
            self.account, self.decision = tried

    def _fires(self, carry: Callable[[], None]) -> frozenset[str]:
        """The campaigns that a rule fires for."""
        request = self._transaction.request
        self.account = self._before.copy()
        carry()
        kind, request.kind = request.kind, PURCHASE if request.kind == INQUIRY else request.kind
        try:
            self.decision = decide(self._compiled.kernel, self.account, request)
        finally:
            request.kind = kind
        return asked_by(self._compiled, self.decision)


def asked_by(compiled: CompiledProgramme, decision: Decision) -> frozenset[str]:
    """The campaigns that rules which fired ask for."""
    rules = compiled.rules
    return frozenset(campaign for index in decision.rule_list for campaign in rules[index].coupons)


def begin(transaction: Transaction, shown: Shown) -> None:
    """Nothing is taken yet, whatever the batch came to when it was decided before."""
    shown.taken = shown.returned = ()
    if shown.tokens:
        transaction.asked = shown.asked or None


def settle(transaction: Transaction, shown: Shown) -> None:
    """The message is decided: use up what it takes, or give back what its original had used up."""
    if transaction.response_code != APPROVED or transaction.repeats_reversal or transaction.kind == INQUIRY:
        shown.taken = ()
        return
    if shown.taken:
        # The journal learns which campaigns they were of, and no code: that is all that a replay needs.
        transaction.asked = shown.asked + build([("CP", coupon.campaign) for coupon in shown.taken])
        if transaction.kind == QUOTE:
            shown.taken = ()
        for coupon in shown.taken:
            coupon.left -= 1
    elif transaction.kind == REVERSAL and transaction.request.replacement_amount == NOT_REPLACED:
        shown.returned = shown.used
        for coupon in shown.returned:
            coupon.left += 1
