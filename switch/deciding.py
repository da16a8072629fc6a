"""From accounts and messages to decisions: the checks that need the card, in the order of wire.md, then the kernel.

Nothing here waits or keeps time: the lane hands in the accounts, the messages and the moment.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cext._kernel import Programme, decide
from switch.replies import APPROVED, unpack
from switch.transaction import AccountState, Transaction

PURCHASE, REDEMPTION, CREDIT_PURCHASE, REFUND, REVERSAL, INQUIRY = 1, 2, 3, 4, 5, 6
"""Kinds of request, as the kernel numbers them."""

UNKNOWN_CARD = "14"
BLOCKED_CARD = "78"
EXPIRED_CARD = "54"
NOT_ALLOWED_TO_CARD = "57"
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
    "78": "card or account blocked",
}
"""DE44 of a decline: ASCII, at most 25 characters."""


@dataclass(frozen=True, slots=True)
class LiveProgramme:
    """A programme as it is in force: compiled, with the institutions that take part."""

    id: int
    name: str
    version: int
    kernel: Programme
    participants: frozenset[int]


class Decider:
    """Decides the messages of a batch in order, chaining those on the same account."""

    def __init__(self, programmes: Mapping[int, LiveProgramme]) -> None:
        self.programmes = programmes

    def decide(
        self, batch: Sequence[Transaction], states: Mapping[tuple[int, int], AccountState], now: float
    ) -> list[Transaction]:
        """Decide every message; the accounts in `states` are changed in place.

        Returns the journal rows to write: the batch's messages, and a tombstone for each reversal whose original is
        not there (wire.md, Rules).
        """
        entries = []
        for transaction in batch:
            self._decide_one(transaction, states, now)
            entries.append(transaction)
            if transaction.kind == REVERSAL and self._original_is_missing(transaction):
                entries.append(tombstone_of(transaction))
        return entries

    @staticmethod
    def _original_is_missing(transaction: Transaction) -> bool:
        return transaction.original_record is None and transaction.response_code == APPROVED

    def _decide_one(self, transaction: Transaction, states: Mapping[tuple[int, int], AccountState], now: float) -> None:
        transaction.reply_fields = None
        transaction.programme = transaction.programme_version = None
        state = None if transaction.unknown_card else states.get((transaction.shard, transaction.account_id))
        if state is None:
            _decline(transaction, UNKNOWN_CARD)
            return
        card = transaction.card
        transaction.last_four = state.last_four if card is None else card.last_four
        programme = self.programmes.get(state.programme)
        must_be_taken = transaction.kind == REVERSAL or transaction.request.advice
        refusal = "" if must_be_taken else self._card_refusal(transaction, state, programme)
        if programme is None and not refusal:
            refusal = NOT_ALLOWED_TO_CARD
        refusal = refusal or transaction.held_decline
        if refusal:
            _decline(transaction, refusal)
            return
        assert programme is not None
        transaction.programme = programme.id
        transaction.programme_version = programme.version
        if transaction.original_name is not None and self._answer_by_original(transaction, state):
            return
        request = transaction.request
        request.now = int(now)
        decision = decide(programme.kernel, state.account, request)
        transaction.decision = decision
        transaction.response_code = decision.rc
        if decision.changed:
            state.changed = True
        if decision.rc != APPROVED:
            transaction.reason = REASONS.get(decision.rc, "")

    @staticmethod
    def _card_refusal(transaction: Transaction, state: AccountState, programme: LiveProgramme | None) -> str:
        """The first of 78, 54, 57 that applies."""
        card = transaction.card
        if (state.card_status if card is None else card.status) != 0 or state.account.status != 0:
            return BLOCKED_CARD
        expires_on: dt.date | None = state.card_expires_on if card is None else card.expires_on
        if expires_on is not None and expires_on < transaction.business_date:
            return EXPIRED_CARD
        if programme is None or transaction.terminal.institution_id not in programme.participants:
            return NOT_ALLOWED_TO_CARD
        return ""

    @staticmethod
    def _answer_by_original(transaction: Transaction, state: AccountState) -> bool:
        """Set what the named original brings; True if that is the answer already."""
        record = transaction.original_record
        if record is not None and record.account is not None and record.account != state.account.id:
            record = transaction.original_record = None
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
        if transaction.kind == REVERSAL and original is not None:
            left = max(transaction.request.replacement_amount, 0)
            transaction.amount = max(original.amount - original.refunded_amount - left, 0)
        return False


def _decline(transaction: Transaction, response_code: str) -> None:
    transaction.response_code = response_code
    transaction.reason = REASONS.get(response_code, "")


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
    stone.shard = reversal.shard
    stone.account_id = reversal.account_id
    stone.token_low = reversal.token_low
    stone.business_date = reversal.business_date
    stone.rrn = reversal.rrn
    stone.currency = reversal.currency
    stone.response_code = INVALID_TRANSACTION
    stone.programme = reversal.programme
    stone.programme_version = reversal.programme_version
    stone.last_four = reversal.last_four
    return stone
