"""From a wide message to its effects: what is read for it, then the pure decision.

The lane calls `shards` to learn what to hold, and `decide` once it holds it.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

from cext._kernel import Decision
from cext._transaction import NO_EFFECT
from cext.reference.lots import Lots, checked
from switch.card_checks import Context
from switch.card_link import decide_link
from switch.deciding import REASONS, LiveProgramme
from switch.enrolment import Scene, decide_enrolment
from switch.leaving import decide_leaving
from switch.referral import ReferralCode, code_of
from switch.refusals import Refusal
from switch.replies import unpack
from switch.tokens import Token, Tokens
from switch.transaction import AccountKey, Transaction, sent_before
from switch.transfer import decide_conversion, decide_transfer
from switch.transfer_reversal import decide_reversal
from switch.wide_ports import Effects, Party, TransferRecord, WideStore
from switch.wide_requests import CardLink, Conversion, Enrolment, Leaving, Transfer, TransferReversal, Wide

REFERRAL_ATTEMPTS_MAX = 8
EPOCH_ORDINAL = dt.date(1970, 1, 1).toordinal()


class HasProgrammes(Protocol):
    """Whoever knows the programmes in force; they are replaced whole."""

    @property
    def programmes(self) -> Mapping[int, LiveProgramme]:
        """By number."""


class WideDecider:
    """Decides one message after another on what the store holds for it."""

    def __init__(self, live: HasProgrammes, store: WideStore, tokens: Tokens) -> None:
        self._live = live
        self._store = store
        self._tokens = tokens

    async def shards(self, transaction: Transaction) -> set[int]:
        """The shards of the cards that the message names, and of their accounts, as they stand now."""
        store, card = self._store, wide_of(transaction).card
        own = await self._own(transaction)
        tokens = [card, *self._others(transaction, own)]
        parties = [own, *[await store.party(token) for token in tokens[1:]]]
        record = await self._transfer(transaction, own)
        accounts = [p.account for p in parties if p is not None] + ([] if record is None else [record.receiver.account])
        further = set[int]()
        if isinstance(wide_of(transaction).request, Leaving) and own is not None:
            further = await store.card_shards(own.account.key)
        return further | {token.shard for token in tokens} | {account.shard for account in accounts}

    async def decide(self, transaction: Transaction) -> Effects:
        """Decide under the locks; the transaction is given its response code and what its journal row names."""
        own = await self._own(transaction)
        programme = self._programme(transaction, own)
        if programme is not None:
            transaction.request.be_at(programme.calendar.at(transaction.request.now)[:5])
        transaction.reply_fields = None
        outcome = await self._outcome(transaction, own, _context(transaction, programme))
        self._file(transaction, own, programme, outcome)
        if isinstance(outcome, Refusal):
            transaction.response_code, transaction.reason = outcome
            return Effects(NO_EFFECT)
        transaction.response_code, transaction.reason = outcome.decision.rc, ""
        transaction.decision = outcome.decision
        if outcome.asked is not None:
            transaction.asked = outcome.asked
        if outcome.member is not None:
            return replace(outcome, referral=await self._free_code(outcome.member.account))
        return outcome

    async def _own(self, transaction: Transaction) -> Party | None:
        """The card that the message names, as it was when the message was sent."""
        party = await self._store.party(wide_of(transaction).card)
        return None if party is None or sent_before(transaction, party.since) else party

    async def _free_code(self, member: AccountKey) -> ReferralCode | None:
        """The member's referral code: the first that nobody has. None if, beyond all likelihood, all are taken."""
        for attempt in range(REFERRAL_ATTEMPTS_MAX):
            code = code_of(self._tokens, member, attempt)
            if not await self._store.is_taken(code):
                return code
        return None

    def _programme(self, transaction: Transaction, own: Party | None) -> LiveProgramme | None:
        """The card's programme; for a mobile that is nobody's yet, that in which the till looks mobiles up."""
        if own is not None:
            return self._live.programmes.get(own.account.programme)
        name = transaction.terminal.programme_name
        return next((p for p in self._live.programmes.values() if p.name == name), None)

    def _others(self, transaction: Transaction, own: Party | None) -> list[Token]:
        """The cards that the message names beside its own."""
        wide = wide_of(transaction).request
        if isinstance(wide, Transfer):
            return [wide.receiver]
        if isinstance(wide, CardLink):
            return [wide.further]
        if isinstance(wide, Enrolment):
            return [self._mobile_token(wide, self._programme(transaction, own), transaction)]
        return []

    def _mobile_token(self, wide: Enrolment, programme: LiveProgramme | None, transaction: Transaction) -> Token:
        name = transaction.terminal.programme_name if programme is None else programme.name
        return self._tokens.mobile(name, wide.mobile)

    async def _outcome(self, transaction: Transaction, own: Party | None, context: Context) -> Effects | Refusal:
        wide, store = wide_of(transaction).request, self._store
        if isinstance(wide, Transfer):
            return decide_transfer(wide, own, await store.party(wide.receiver), context)
        if isinstance(wide, Conversion):
            return decide_conversion(wide, own, context, await self._fee_owed(own))
        if isinstance(wide, TransferReversal):
            return await self._reversal(transaction, own, context)
        if isinstance(wide, Leaving):
            return decide_leaving(wide, own, context)
        if isinstance(wide, CardLink):
            blank = await store.party(wide.further)
            return decide_link(wide, own, blank, _points_left(own, context), context)
        return decide_enrolment(wide, await self._scene(wide, own, context, transaction), context)

    async def _fee_owed(self, own: Party | None) -> int:
        if own is None or own.account.member is None:
            return 0
        return await self._store.fee_owed((own.account.shard, own.account.member))

    async def _transfer(self, transaction: Transaction, own: Party | None) -> TransferRecord | None:
        """The transfer that a reversal names."""
        name = transaction.original_name
        if name is None or own is None:
            return None
        return await self._store.transfer(own.account.key, name, transaction.terminal.institution_id)

    async def _reversal(self, transaction: Transaction, own: Party | None, context: Context) -> Effects | Refusal:
        """The first reversal undoes; a second one, that was under way with it, hears what the first one heard."""
        record = await self._transfer(transaction, own)
        if record is not None and record.reversal_reply is not None:
            first = unpack(record.reversal_reply)
            transaction.reply_fields = {**first, 37: transaction.rrn}
            return Effects(Decision(str(first[39])))
        return decide_reversal(record, partial=transaction.request.replacement_amount > 0, context=context)

    async def _scene(self, wide: Enrolment, own: Party | None, context: Context, transaction: Transaction) -> Scene:
        programme, store = context.programme, self._store
        mobile = self._mobile_token(wide, programme, transaction)
        holder = await store.party(mobile)
        club = referrer = None
        virtual_cards = True
        if programme is not None:
            if wide.club is not None:
                club = await store.club(programme.id, wide.club)
            if wide.referrer is not None:
                referrer = await store.referrer(programme.id, wide.referrer)
            if wide.without_card:
                virtual_cards = await store.virtual_cards(programme.id)
        known = frozenset[str]()
        if holder is not None and holder.account.member is not None:
            known = await store.known_of((holder.account.shard, holder.account.member))
        card = None if wide.without_card else own
        points_left = _points_left(holder if card is None else card, context)
        forgotten = await store.forgotten(mobile) if holder is None else None
        account = mobile if forgotten is None else self._renumbered(mobile, forgotten)
        return Scene(
            card, mobile, holder, club, referrer, virtual_cards, points_left, known, account=account, since=forgotten
        )

    def _renumbered(self, mobile: Token, forgotten: dt.datetime) -> Token:
        """Another number for an account whose first card would be a mobile, in the same shard: see `Scene`."""
        _, number, low = self._tokens.card(f"RE:{mobile.bytes.hex()}:{forgotten.isoformat()}")
        return Token(mobile.shard, number, low)

    @staticmethod
    def _file(
        transaction: Transaction, own: Party | None, programme: LiveProgramme | None, outcome: Effects | Refusal
    ) -> None:
        """Say what the journal row names: the account's shard, the account, the programme that decided."""
        transaction.decision = NO_EFFECT
        transaction.programme = transaction.programme_version = None
        card = wide_of(transaction).card
        transaction.belongs_to(card.shard, card.id)
        opened = None if isinstance(outcome, Refusal) else outcome.account
        erasure = None if isinstance(outcome, Refusal) else outcome.erasure
        if own is not None:
            transaction.belongs_to(*own.account.key)
            transaction.last_four = own.last_four
        elif opened is not None:
            transaction.belongs_to(opened.token.shard, opened.token.id)
            transaction.last_four = opened.last_four
        if erasure is not None:
            transaction.belongs_to(erasure.alias.shard, erasure.alias.id)
            transaction.last_four = None
        if programme is not None and (own is not None or opened is not None):
            transaction.programme, transaction.programme_version = programme.id, programme.version


def wide_of(transaction: Transaction) -> Wide:
    """What a message of the wide lane asks for."""
    assert transaction.wide is not None
    return transaction.wide


def _context(transaction: Transaction, programme: LiveProgramme | None) -> Context:
    request, held = transaction.request, transaction.held_decline
    return Context(
        programme=programme,
        institution=transaction.terminal.institution_id,
        business_date=transaction.business_date,
        local_date=dt.date.fromordinal(EPOCH_ORDINAL + request.local_day),
        local_month=request.local_month,
        currency=request.currency,
        advice=request.advice,
        held=Refusal(held, REASONS.get(held, "")) if held else None,
        now=request.now,
    )


def _points_left(party: Party | None, context: Context) -> int:
    if party is None:
        return 0
    return party.account.points - Lots(checked(party.account.lots)).lapse(context.local_month)
