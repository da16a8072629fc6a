"""The first half of a batch's way: look up what its messages need, and decide them in memory.

The usual batch needs its accounts alone. Suspects (repeats, taken keys, unknown outcomes), further cards, reversals,
refunds, coupons and last movements cost look-ups more.
"""

import datetime as dt
from collections.abc import Callable
from operator import attrgetter
from time import perf_counter
from typing import Unpack

from cext._transaction import (
    accounts_named,
    any_asks_the_journal,
    any_has_coupons,
    strangers,
    wanting_movements,
)
from switch import held_coupons
from switch.budgets import Shares
from switch.deciding import REVERSAL, Decider
from switch.errors import LocksNeeded
from switch.lane_base import LaneBase, Surroundings
from switch.movements import DAYS_MAX, Movements
from switch.ports import Batch, Store
from switch.tokens import Token
from switch.transaction import TOKEN, AccountKey, AccountState, Transaction, journal_key, sent_before, token_bytes
from switch.wide_requests import TRANSFER, TransferReversal, Wide

States = dict[AccountKey, AccountState]


class Parts(Surroundings):
    """What a lane that carries batches is given beside its number; `submit` takes what belongs into another lane."""

    store: Store
    decider: Decider
    submit: Callable[[Transaction], None]


class PreparingLane(LaneBase):
    """A lane that has a batch in hand, and reads and decides it."""

    def __init__(
        self,
        number: int,
        *,
        store: Store,
        decider: Decider,
        submit: Callable[[Transaction], None],
        **surroundings: Unpack[Surroundings],
    ) -> None:
        super().__init__(number, **surroundings)
        self._store = store
        self._decider = decider
        self._submit = submit
        self._read_s = 0.0
        self._batch: list[Transaction] = []
        self._shares = Shares()

    async def _reach_store(self) -> None:
        await self._store.connect(self.number)

    def _cut_store(self) -> None:
        self._store.terminate(self.number)

    async def _prepare_ahead(self) -> Batch | None:
        """Decide the next batch while the last one is being committed. None: it must wait for how that ends.

        So must what asks the journal, which that commit is about to change, and whatever is not as it should be.
        """
        if not self._batch or any_asks_the_journal(self._batch) or self._shares_are_due():
            return None
        started = perf_counter()
        try:
            states = await self._first_cards()
            if strangers(self._batch, states):
                return None
            return self._decided(states, started)
        except Exception:  # noqa: BLE001  # met again, and dealt with, when its turn has come
            self._shares.distrust()
            return None

    async def _prepare(self, *, locked: bool, again: bool = False) -> Batch | None:
        """Read the accounts of the batch and decide it. None: nothing of it is left to commit here.

        `again`: it was overtaken before, so that budgets are held as well as shards.
        """
        started = perf_counter()
        store, number = self._store, self.number
        if not locked and any_has_coupons(self._batch):
            raise LocksNeeded("coupons")
        if locked:
            await store.lock(number, sorted({t.shard for t in self._batch}))
        if any(t.suspect for t in self._batch):
            await self._answer_known()
        states = await self._read()
        await self._find_originals(self._batch)
        if not self._batch:
            await self._let_go(locked=locked)
            return None
        if held_coupons.concern(self._batch):
            if not locked:
                raise LocksNeeded("coupons")
            await held_coupons.hold(store, number, self._batch)
        wanting = wanting_movements(self._batch)
        if wanting:
            await self._read_movements(wanting, states)
        decided = await self._decided_with_shares(states, started, hold=again)
        if decided.owed and not again:
            await self._let_go(locked=locked)
            raise LocksNeeded("budgets")
        return decided

    async def _let_go(self, *, locked: bool) -> None:
        """Hold nothing any longer, if anything was held."""
        if locked:
            await self._store.commit(self.number, Batch(0, [], []))

    async def _decided_with_shares(self, states: States, started: float, *, hold: bool) -> Batch:
        """The batch decided, after a look at what is left of budgets if what is known of it may not do."""
        # What a reversal gives back may be of a budget that is new since the shares were read.
        if hold or self._shares_are_due() or any(t.original_record is not None for t in self._batch):
            await self._read_shares(hold=hold)
        return self._decided(states, started)

    def _shares_are_due(self) -> bool:
        decider = self._decider
        return self._shares.is_due(decider.generation, self._loop_clock(), has_budgets=decider.has_budgets)

    async def _read_shares(self, *, hold: bool) -> None:
        """Read what is left of budgets, while no commit of this lane is under way."""
        generation = self._decider.generation
        found = await self._store.budget_shares(self.number, hold=hold)
        self._shares.take(found, generation, self._loop_clock())

    async def _find_originals(self, batch: list[Transaction]) -> None:
        """What refunds, reversals and completions of holds name. Reversals of transfers leave the batch."""
        for transaction in batch:
            if transaction.original_name is not None:
                transaction.original_record = await self._store.original(self.number, transaction)
                if _reverses_transfer(transaction):
                    self._pass_on(transaction)

    async def _read_movements(self, wanting: list[Transaction], states: States) -> None:
        """Read the last movements of the accounts that these messages are about, as far as they are there."""
        keys = sorted({t.account_key for t in wanting if t.account_key in states})
        today = dt.datetime.fromtimestamp(self._wall_clock(), dt.UTC).date()
        since = today - dt.timedelta(days=DAYS_MAX)
        found = await self._store.movements(self.number, keys, since) if keys else {}
        for transaction in wanting:
            state = states.get(transaction.account_key)
            if state is not None:
                transaction.movements = Movements(state.account.copy(), found.get(state.key, []))

    def _decided(self, states: States, started: float) -> Batch:
        """The batch decided on these accounts, its replies made, its rows in order."""
        batch = self._batch
        now = self._wall_clock()
        entries = self._decider.decide(batch, states, now, self._shares)
        self._replier.prepare(batch)
        accounts = sorted((s for s in states.values() if s.changed), key=attrgetter("key"))
        entries.sort(key=attrgetter("shard"))
        self._read_s = perf_counter() - started
        shares = self._shares
        coupons = held_coupons.moving(batch)
        return Batch(int(now * 1_000_000), accounts, entries, coupons, shares.draws(), shares.owed())

    async def _answer_known(self) -> None:
        """Ask the journal for the suspects, and answer those that it knows."""
        suspects = [t for t in self._batch if t.suspect]
        found = await self._store.answers(self.number, [journal_key(t) for t in suspects])
        if not found:
            return
        answers = {(a.key, a.terminal, a.message_class): a for a in found}
        rest = []
        for transaction in self._batch:
            answer = answers.get(transaction.recent_key) if transaction.suspect else None
            if answer is None:
                rest.append(transaction)
            else:
                self._repeat(transaction, answer)
        self._batch = rest
        self._replier.flush()

    async def _first_cards(self) -> States:
        """The accounts that the batch names, as far as they are there."""
        wanted = accounts_named(self._batch)
        found = await self._store.accounts(self.number, [s for s, _ in wanted], [i for _, i in wanted])
        return {state.key: state for state in found}

    async def _read(self) -> States:
        """The accounts of the batch. Messages whose account is in another lane's shard are passed on and leave it."""
        states = await self._first_cards()
        unknown = strangers(self._batch, states)
        if unknown:
            await self._find_further(unknown, states)
        return states

    def _pass_on(self, transaction: Transaction) -> None:
        """The reversal of a transfer touches two accounts: it goes on in the wide lane."""
        transaction.wide = Wide(_shown_card(transaction), TransferReversal())
        self._batch = [t for t in self._batch if t is not transaction]
        self._submit(transaction)

    async def _find_further(self, unknown: list[Transaction], states: States) -> None:
        tokens = {token_bytes(t): t for t in unknown}
        rows = await self._store.further_cards(self.number, [t.shard for t in tokens.values()], list(tokens))
        cards = {(row.shard, row.token): row for row in rows}
        moved: set[int] = set()
        for transaction in unknown:
            card = cards.get((transaction.shard, token_bytes(transaction)))
            if card is None or sent_before(transaction, card.since):
                state = states.get((transaction.shard, transaction.account_id))
                transaction.unknown_card = state is None or state.token_low != transaction.token_low
                continue
            transaction.card = card
            transaction.belongs_to(card.account_shard, card.account)
            if transaction.account_key not in states or transaction.suspect:
                moved.add(id(transaction))
                self._submit(transaction)
        if moved:
            self._batch = [t for t in self._batch if id(t) not in moved]


def _reverses_transfer(transaction: Transaction) -> bool:
    record = transaction.original_record
    return (
        record is not None
        and transaction.kind == REVERSAL
        and record.original.kind == TRANSFER
        and record.original.rc_approved
        and record.reversal_reply is None
    )


def _shown_card(transaction: Transaction) -> Token:
    """The card that the message named, whatever account it was found to lead to."""
    card = transaction.card
    if card is None:
        return Token(transaction.shard, transaction.account_id, transaction.token_low)
    return Token(card.shard, *TOKEN.unpack(card.token))
