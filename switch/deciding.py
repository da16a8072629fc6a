"""From accounts and messages to decisions: the checks that need the card, in the order of wire.md, then the kernel.

Nothing here waits or keeps time: the lane hands in the accounts, the messages and the moment.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

from cext._deciding import decide_usual
from cext._kernel import Account, Decision, Programme, decide
from cext._telling import Teller
from cext._transaction import NO_EFFECT
from cext.programme_table import UNBOUNDED_BUDGETS
from switch.basket import prices_of_one, quantities
from switch.budgets import Shares, decided_without_budgets
from switch.claims import BUDGET_USED_UP as CLAIM_BUDGET_USED_UP
from switch.claims import refusal_of
from switch.coupon_deciding import CouponTrial, begin, settle
from switch.coupons import FOREIGN, Shown, is_foreign
from switch.movements import Movements
from switch.programme import CompiledProgramme
from switch.programme.calendar import LocalCalendar
from switch.refusals import Refusal
from switch.replies import APPROVED, unpack
from switch.reward_choice import BUDGET_USED_UP as REWARD_BUDGET_USED_UP
from switch.reward_choice import NOT_AVAILABLE, number_of, reason_of
from switch.statement import Statements
from switch.telling import Telling, private_data, teller_of
from switch.transaction import AccountKey, AccountState, Transaction

PURCHASE, REDEMPTION, CREDIT_PURCHASE, REFUND, REVERSAL, INQUIRY, EVENT, HOLD, QUOTE = 1, 2, 3, 4, 5, 6, 7, 8, 9
UPKEEP, GIFT = 10, 11
"""Kinds of request, as the kernel numbers them."""
PURCHASES = frozenset({PURCHASE, REDEMPTION, CREDIT_PURCHASE})

UNKNOWN_CARD = "14"
BLOCKED_CARD = "78"
EXPIRED_CARD = "54"
NOT_ALLOWED_TO_CARD = "57"
TOLD_BYTES_MAX = 735
"""What DE62 (999 bytes) has room for beside legs, balances and what is reserved of them."""
ORIGINAL_NOT_FOUND = "25"
INVALID_TRANSACTION = "12"

REASONS = {
    "12": "not possible here",
    "13": "DE4 is not possible",
    "14": "no such card",
    "25": "DE90 names no message",
    "51": "too few points or credit",
    "54": "the card has expired",
    "57": "programme not served here",
    "65": "too many holds",
    "78": "card or account blocked",
}
"""DE44 of a decline: ASCII, at most 25 characters."""


NO_SHARES = Shares()
"""Nothing is left of any budget."""


@dataclass(frozen=True, slots=True)
class LiveProgramme:
    """A programme as it is in force: compiled, with the institutions that take part.

    The rest is of the compiled programme, at hand for every message: `teller` makes what its replies say beside legs
    and balances, `without_basket` are the quantities of a message that brings none, `budget_slots` the slots of the
    budgets in the order of `Request.budgets`.
    """

    id: int
    version: int
    compiled: CompiledProgramme
    participants: frozenset[int]
    kernel: Programme = field(init=False)
    teller: Teller = field(init=False)
    without_basket: tuple[int, ...] = field(init=False)
    budget_slots: tuple[int, ...] = field(init=False)
    calendar: LocalCalendar = field(init=False, compare=False)

    @property
    def name(self) -> str:
        """The programme's name."""
        return self.compiled.name

    def __post_init__(self) -> None:
        object.__setattr__(self, "kernel", self.compiled.kernel)
        object.__setattr__(self, "teller", teller_of(self.compiled))
        object.__setattr__(self, "without_basket", quantities(None, self.compiled.quantities))
        object.__setattr__(self, "budget_slots", tuple(budget.slot for budget in self.compiled.budgets))
        object.__setattr__(self, "calendar", LocalCalendar(self.compiled.timezone))


class Programmes(NamedTuple):
    """Every programme that decides, by its number: the live versions, and those that decide beside them."""

    live: Mapping[int, LiveProgramme]
    shadows: Mapping[int, LiveProgramme] = MappingProxyType({})


Compare = Callable[[str, Decision, Decision], None]
"""What becomes of a programme's two decisions on one message: the live version's and the shadow's."""


class Decider:
    """Decides the messages of a batch in order, chaining those on the same account."""

    def __init__(self, programmes: Programmes, compare: Compare | None = None) -> None:
        self._compare = compare
        self._statements = Statements()
        self.generation = 0
        self.take(programmes)

    def take(self, programmes: Programmes) -> None:
        """From now on these decide; those in shadow each on the account as the live one found it, without effect."""
        self._statements.forget()
        self.generation += 1
        self._live = dict(programmes.live)
        self._shadows = dict(programmes.shadows)
        # While one decides beside it, no message of that programme takes the short cut.
        self._alone = {number: live for number, live in self._live.items() if number not in self._shadows}

    @property
    def has_budgets(self) -> bool:
        """Whether a programme that is live has a rule with a budget."""
        return any(live.budget_slots for live in self._live.values())

    @property
    def programmes(self) -> Mapping[int, LiveProgramme]:
        """The live programmes by number."""
        return self._live

    def decide(
        self,
        batch: Sequence[Transaction],
        states: dict[AccountKey, AccountState],
        now: float,
        shares: Shares = NO_SHARES,
    ) -> list[Transaction]:
        """Decide every message; the accounts in `states` and the shares of budgets are changed in place.

        Returns the journal rows to write: the batch's messages, and a tombstone for each reversal whose original is
        not there (wire.md, Rules).
        """
        entries = []
        programmes = self._alone
        moment = int(now)
        moments = {number: live.calendar.at(moment)[:5] for number, live in programmes.items()}
        for transaction in batch:
            entries.append(transaction)
            usual = decide_usual(transaction, states, programmes, moments, REASONS, moment, TOLD_BYTES_MAX, shares)
            if usual:
                if usual is not True:
                    _add_receipt(transaction, usual, states[transaction.account_key].account, transaction.decision)
                continue
            self.decide_one(transaction, states, now, shares)
            if transaction.kind == REVERSAL and self._original_is_missing(transaction):
                entries.append(tombstone_of(transaction))
        return entries

    @staticmethod
    def _original_is_missing(transaction: Transaction) -> bool:
        return transaction.original_record is None and transaction.response_code == APPROVED

    def decide_one(
        self,
        transaction: Transaction,
        states: Mapping[AccountKey, AccountState],
        now: float,
        shares: Shares = NO_SHARES,
    ) -> None:
        """Decide a message, be it a usual one or not, and what becomes of its coupons.

        Nothing is left of an earlier attempt, which was overtaken.
        """
        shown = transaction.coupons
        if shown is not None:
            begin(transaction, shown)
        self._decide_one(transaction, states, now, shares)
        if shown is not None:
            settle(transaction, shown)

    def _decide_one(
        self, transaction: Transaction, states: Mapping[AccountKey, AccountState], now: float, shares: Shares
    ) -> None:
        transaction.decision = NO_EFFECT
        transaction.last_four = None
        transaction.reply_fields = None
        transaction.told = ""
        transaction.programme = transaction.programme_version = None
        state = None if transaction.unknown_card else states.get(transaction.account_key)
        if state is None:
            _decline(transaction, UNKNOWN_CARD)
            return
        card = transaction.card
        transaction.last_four = state.last_four if card is None else card.last_four
        programme = self._live.get(state.account.programme)
        refusal = self._refusal(transaction, state, programme)
        if refusal is not None:
            _decline(transaction, *refusal)
            return
        assert programme is not None
        transaction.programme = programme.id
        transaction.programme_version = programme.version
        if transaction.original_name is not None and self._answer_by_original(transaction, state, programme):
            return
        request = transaction.request
        request.now = int(now)
        shown = transaction.coupons
        # The calendar is the programme's, and of the moment that the journal keeps: so it comes out again in a replay.
        request.be_at(programme.calendar.at(request.now)[:5])
        if transaction.kind == HOLD:
            request.hold_until = request.now + programme.compiled.hold_s
        _add_details(transaction, programme.compiled)
        request.budgets = shares.left(programme, state.account.shard)
        if shown is not None and shown.tokens and not self._coupons_are_good(transaction, shown, state, programme):
            return
        if transaction.claims and not request.advice and self._claim_fails(transaction, state, programme):
            return
        shadow = self._shadows.get(programme.id)
        before = state.account.copy() if shadow is not None else None
        decision = decide(programme.kernel, state.account, request)
        transaction.decision = decision
        if shadow is not None and before is not None:
            self._decide_in_shadow(shadow, before, transaction)
        transaction.response_code = decision.rc
        if decision.changed:
            state.changed = True
            shares.move(programme.id, state.account.shard, decision.counters_moved)
        if decision.rc != APPROVED:
            transaction.reason = _reason(transaction, programme, state.account, decision.rc)
            return
        if transaction.wants_movements:
            self._tell_movements(transaction, programme, state)
            return
        if transaction.kind != INQUIRY or shown is None:
            _tell(transaction, programme, state.account, decision)

    def _coupons_are_good(
        self, transaction: Transaction, shown: Shown, state: AccountState, programme: LiveProgramme
    ) -> bool:
        """Whether the coupons can be used; if not, or if that was all that was asked, the message is answered."""
        compiled = programme.compiled
        trial = CouponTrial(transaction, shown, programme.id, compiled, state.account)
        refused = trial.refusal(lambda: _add_details(transaction, compiled))
        if refused is not None:
            _decline(transaction, *refused)
            return False
        if transaction.kind == INQUIRY and trial.decision is not None:
            _tell(transaction, programme, trial.account, trial.decision)
        return True

    @staticmethod
    def _claim_fails(transaction: Transaction, state: AccountState, programme: LiveProgramme) -> bool:
        """Whether an offer that is claimed would not be given; then the message is answered."""
        request = transaction.request
        decision = decide(programme.kernel, state.account.copy(), request)
        if decision.rc != APPROVED:
            return False
        claimed = (transaction.claims, programme.compiled, state.account, request.local_day)
        refused = refusal_of(*claimed, decision)
        if refused is None:
            return False
        if refusal_of(*claimed, decided_without_budgets(programme.kernel, state.account, request)) is None:
            refused = CLAIM_BUDGET_USED_UP
        _decline(transaction, *refused)
        return True

    def _tell_movements(self, transaction: Transaction, programme: LiveProgramme, state: AccountState) -> None:
        """Say what the reply to an inquiry for the last movements will tell."""
        transaction.told = self._statements.told(
            programme.compiled,
            programme.version,
            programme.teller,
            Telling(programme.compiled, state.account, transaction.decision, transaction.request.local_day),
            transaction.movements or Movements(state.account, ()),
            transaction.terminal,
            transaction.language,
        )

    def _decide_in_shadow(self, shadow: LiveProgramme, account: Account, transaction: Transaction) -> None:
        """Decide the same message by a version that has no effect, and tell how it differs."""
        _add_details(transaction, shadow.compiled)
        # Nothing was dealt out yet for budgets that only the shadow has.
        transaction.request.budgets = UNBOUNDED_BUDGETS
        decision = decide(shadow.kernel, account, transaction.request)
        if self._compare is not None:
            self._compare(shadow.compiled.name, transaction.decision, decision)

    def _refusal(
        self, transaction: Transaction, state: AccountState, programme: LiveProgramme | None
    ) -> Refusal | None:
        """What there is to refuse before the kernel is asked: 78, 54, 57, then what was seen at the door."""
        must_be_taken = transaction.kind == REVERSAL or transaction.request.advice
        code = "" if must_be_taken else self._card_refusal(transaction, state, programme)
        if programme is None or code:
            return Refusal(code or NOT_ALLOWED_TO_CARD, "")
        shown = transaction.coupons
        if shown is not None and not must_be_taken and is_foreign(shown, programme.id):
            return FOREIGN
        return Refusal(transaction.held_decline, "") if transaction.held_decline else None

    @staticmethod
    def _card_refusal(transaction: Transaction, state: AccountState, programme: LiveProgramme | None) -> str:
        """The first of 78, 54, 57 that applies."""
        card = transaction.card
        if (state.card_status if card is None else card.status) != 0 or state.account.status != 0:
            return BLOCKED_CARD
        expires = state.card_expires_ordinal if card is None else _ordinal(card.expires_on)
        if expires and expires < transaction.business_ordinal:
            return EXPIRED_CARD
        if programme is None or transaction.terminal.institution_id not in programme.participants:
            return NOT_ALLOWED_TO_CARD
        return ""

    @staticmethod
    def _answer_by_original(transaction: Transaction, state: AccountState, programme: LiveProgramme) -> bool:
        """Set what the named original brings; True if that is the answer already."""
        record = transaction.original_record
        if record is not None and record.account is not None and record.account != state.account.id:
            record = transaction.original_record = None
        if transaction.kind in PURCHASES:
            return Decider._answer_by_hold(transaction)
        if transaction.kind == REVERSAL:
            if record is not None and record.reversal_reply is not None:
                first = unpack(record.reversal_reply)
                rc = first[39]
                assert isinstance(rc, str)
                transaction.response_code = rc
                transaction.reply_fields = {**first, 37: transaction.rrn}
                transaction.original_record = record
                transaction.repeats_reversal = True
                return True
        elif record is None:
            _decline(transaction, ORIGINAL_NOT_FOUND)
            return True
        elif record.tombstone:
            _decline(transaction, INVALID_TRANSACTION)
            return True
        original = None if record is None or record.tombstone else record.original
        transaction.request.original = original
        if record is not None and original is not None and record.earned_at:
            original.local_month = programme.calendar.at(record.earned_at).month
        if transaction.kind == REVERSAL and original is not None:
            left = max(transaction.request.replacement_amount, 0)
            transaction.amount = max(original.amount - original.refunded_amount - left, 0)
        return False

    @staticmethod
    def _answer_by_hold(transaction: Transaction) -> bool:
        """Let a purchase end the hold that it names. What names a hold that is over goes on with what may be spent."""
        record, transaction.original_record = transaction.original_record, None
        transaction.request.original = None
        if record is None:
            if transaction.request.advice:
                return False
            _decline(transaction, ORIGINAL_NOT_FOUND)
            return True
        if record.original.kind == HOLD:
            transaction.request.original = record.original
        return False


def _add_details(transaction: Transaction, programme: CompiledProgramme) -> None:
    """Put what the till told beside the amount into the programme's own numbers."""
    lines, shown = transaction.basket, transaction.coupons
    transaction.request.carry(
        event=programme.events.get(transaction.event, 0),
        quantities=quantities(lines, programme.quantities, () if shown is None else shown.campaigns()),
        free_prices=() if lines is None else prices_of_one(lines, programme.free_skus),
        has_basket=lines is not None,
        reward=number_of(transaction.reward, programme),
    )


def _reason(transaction: Transaction, programme: LiveProgramme, account: Account, response_code: str) -> str:
    """DE44 of what the kernel declined."""
    reason = reason_of(transaction, programme.compiled, response_code, account.born)
    if reason == NOT_AVAILABLE:
        without = decided_without_budgets(programme.kernel, account, transaction.request)
        return REWARD_BUDGET_USED_UP if without.rc == APPROVED else reason
    return reason or REASONS.get(response_code, "")


def _tell(transaction: Transaction, programme: LiveProgramme, account: Account, decision: Decision) -> None:
    """Say what the reply tells beside legs and balances, while the account is as this decision left it."""
    if programme.teller.tells:
        transaction.told = programme.teller.tell(account, decision, TOLD_BYTES_MAX)
    _add_receipt(transaction, programme, account, decision)


def _add_receipt(transaction: Transaction, programme: LiveProgramme, account: Account, decision: Decision) -> None:
    """Add the lines that the till prints, if it prints any."""
    terminal = transaction.terminal
    if terminal.receipt_language is None:
        return
    language = transaction.language or terminal.receipt_language
    telling = Telling(programme.compiled, account, decision, transaction.request.local_day)
    lines = [("MS", line) for line in telling.lines(language, terminal.printer)]
    told = transaction.told
    transaction.told = told + private_data(lines, TOLD_BYTES_MAX - len(told.encode()))


def _ordinal(day: dt.date | None) -> int:
    return 0 if day is None else day.toordinal()


def _decline(transaction: Transaction, response_code: str, reason: str = "") -> None:
    transaction.response_code = response_code
    transaction.reason = reason or REASONS.get(response_code, "")


def tombstone_of(reversal: Transaction) -> Transaction:
    """The row that refuses the original, should it come after its reversal: its key, no content, DE39 12."""
    name = reversal.original_name
    assert name is not None
    stone = Transaction(
        None, b"", reversal.message, reversal.terminal, reversal.request, reversal.received, reversal.deadline
    )
    stone.tombstone = True
    stone.mti = int(name.mti)
    stone.processing_code = reversal.processing_code
    stone.key = name.key
    stone.message_class = name.message_class
    stone.sent_on = name.sent_on
    stone.sent_on_ordinal = name.sent_on.toordinal()
    stone.fingerprint = 0
    stone.terminal_id = reversal.terminal_id
    stone.belongs_to(reversal.shard, reversal.account_id)
    stone.token_low = reversal.token_low
    stone.business_date = reversal.business_date
    stone.business_ordinal = reversal.business_ordinal
    stone.settlement_date = reversal.settlement_date
    stone.rrn = reversal.rrn
    stone.currency = reversal.currency
    stone.response_code = INVALID_TRANSACTION
    stone.programme = reversal.programme
    stone.programme_version = reversal.programme_version
    stone.last_four = reversal.last_four
    return stone
