"""A lane: messages gather while the last commit is in flight, and go down together when it returns.

A lane serves the shards ≡ its number modulo the lanes (architecture.md, 2–5). A batch is: look up what is suspect,
read the accounts, decide in memory, commit, answer. The usual batch is two statements; suspects (repeats, taken keys,
unknown outcomes), further cards, reversals and refunds cost look-ups more.

In a busy lane the two overlap: while a batch is being committed, the accounts of the next are read over the lane's
other connection and it is decided, so that it can be sent the moment the commit returns, before the answers are even
made. A message on an account that is being committed waits for the batch after: it must meet the account as that commit
leaves it.

A commit is all or nothing. If an account was changed by another worker meanwhile, or others drew what it draws from a
budget, the batch is decided again under the
locks of its shards, so it cannot be overtaken twice. A batch that shows coupons takes that way from the first: they are
held from before the decision to the commit that uses them up. If a key is taken, the batch looks all its keys up,
answers those that the journal knows, and goes on with the rest. If the store is lost, the outcome of a commit under way
is unknown: every key of the batch is suspect, and the journal tells.
"""

import asyncio
import datetime as dt
from collections import deque
from collections.abc import Callable
from operator import attrgetter
from time import perf_counter

import structlog

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
from switch.errors import KeyTaken, LocksNeeded, StaleAccounts, StoreError, StoreUnavailable
from switch.limits import Limits
from switch.movements import DAYS_MAX, Movements
from switch.ports import Batch, Store, Telemetry
from switch.recent import RecentKeys
from switch.replies import Replier
from switch.tokens import Token
from switch.transaction import (
    TOKEN,
    AccountKey,
    AccountState,
    StoredAnswer,
    Transaction,
    journal_key,
    sent_before,
    token_bytes,
)
from switch.wide_requests import TRANSFER, TransferReversal, Wide

log = structlog.get_logger(__name__)

RECONNECT_PAUSE_S = (0.05, 0.1, 0.2, 0.5, 1.0)
STORE_OUT_OF_REACH = "91"
FAULT = "96"
OTHER_CONTENT = "94"

Clock = Callable[[], float]
States = dict[AccountKey, AccountState]


class Lane:
    """One queue, one batch that is being committed, one whose accounts are being read with it."""

    def __init__(
        self,
        number: int,
        *,
        store: Store,
        decider: Decider,
        replier: Replier,
        recent: RecentKeys,
        limits: Limits,
        telemetry: Telemetry,
        submit: Callable[[Transaction], None],
        wall_clock: Clock,
        loop_clock: Clock,
    ) -> None:
        self.number = number
        self.ready = False
        self._store = store
        self._decider = decider
        self._replier = replier
        self._recent = recent
        self._limits = limits
        self._telemetry = telemetry
        self._submit = submit
        self._wall_clock = wall_clock
        self._loop_clock = loop_clock
        self._queue: deque[Transaction] = deque()
        self._read_s = 0.0
        self._batch: list[Transaction] = []
        self._under_way: list[Transaction] = []
        self._busy: set[AccountKey] = set()
        self._shares = Shares()
        self._wake = asyncio.Event()
        self._stopping = False
        telemetry.gauge_lane_queue(number, self._queue.__len__)

    def put(self, transaction: Transaction) -> bool:
        """Queue a transaction. False: the lane is full (the caller answers)."""
        queue = self._queue
        if len(queue) >= self._limits.lane_queue_messages_max:
            return False
        queue.append(transaction)
        self._wake.set()
        return True

    @property
    def waiting(self) -> int:
        """Messages queued or under way."""
        return len(self._queue) + len(self._batch) + len(self._under_way)

    def stop(self) -> None:
        """End `run` once everything that was put is answered."""
        self._stopping = True
        self._wake.set()

    async def run(self) -> None:
        """Carry batches until stopped. Never cancelled while a commit is in flight: see `stop`."""
        await self._connect()
        while True:
            if not self._queue:
                if self._stopping:
                    return
                self._wake.clear()
                await self._wake.wait()
                continue
            self._batch = self._take()
            await self._stream()

    def _take(self) -> list[Transaction]:
        """The next batch, in order of arrival.

        A message on an account that is being committed waits. So does one that names an original, if the original, or
        another message that names it, goes down in this batch: it must meet the journal as that leaves it. The same
        goes for one that wants the movements of an account that is in this batch; a batch has a few of these only.
        """
        queue, busy = self._queue, self._busy
        batch: list[Transaction] = []
        deferred: list[Transaction] = []
        named: set[tuple[int, int]] = set()
        statements = self._limits.batch_statements_max
        room = self._limits.batch_messages_max
        while queue and len(batch) < room and len(deferred) < room:
            transaction = queue.popleft()
            if transaction.answered:
                continue
            if busy and transaction.account_key in busy:
                deferred.append(transaction)
                continue
            name = transaction.original_name
            if name is not None:
                mark = (name.key, name.message_class)
                if mark in named or any((t.key, t.message_class) == mark for t in batch):
                    deferred.append(transaction)
                    continue
                named.add(mark)
            if transaction.wants_movements:
                key = transaction.account_key
                if not statements or any(t.account_key == key for t in batch):
                    # Whatever comes after it on its account waits with it.
                    busy = busy | {key}
                    deferred.append(transaction)
                    continue
                statements -= 1
            batch.append(transaction)
        queue.extendleft(reversed(deferred))
        return batch

    async def _stream(self) -> None:
        """Carry one batch after another until the queue is dry, the next being decided while the last is committed."""
        loop = asyncio.get_running_loop()
        previous: list[Transaction] = []
        ahead: Batch | None = None
        while self._batch:
            try:
                rows = ahead or await self._prepare(locked=False)
            except Exception:  # noqa: BLE001  # met again, and dealt with, in _carry
                self._answer(previous)
                await self._carry()
                return
            ahead = None
            if rows is not None:
                batch = self._begin(rows)
                # Both run when the commit has left and this task waits for it.
                preparing = loop.create_task(self._prepare_ahead())
                if previous:
                    loop.call_soon(self._answer, previous)
                try:
                    await self._commit(rows)
                except Exception as fault:  # noqa: BLE001  # each kind has its own way out, in _carry
                    await preparing
                    self._end()
                    self._queue.extendleft(reversed(self._batch))
                    self._batch = [t for t in batch if not t.answered]
                    await self._carry(fault)
                    return
                ahead = await preparing
                self._end()
                previous = batch
            if not self._batch:
                self._answer(previous)
                previous = []
                self._batch = self._take()
        self._answer(previous)

    def _begin(self, rows: Batch) -> list[Transaction]:
        """The batch is under way from now; what has gathered since, and is on other accounts, is the next one."""
        batch = self._under_way = self._batch
        self._busy = {s.key for s in rows.accounts}
        self._batch = self._take()
        return batch

    def _end(self) -> None:
        self._under_way = []
        self._busy = set()

    async def _commit(self, rows: Batch) -> None:
        started = perf_counter()
        read_s = self._read_s
        await self._store.commit(self.number, rows)
        self._telemetry.batch(self.number, len(rows.entries), read_s, perf_counter() - started)

    async def _carry(self, fault: BaseException | None = None) -> None:
        """Take the batch down and up again on its own, whatever the store does meanwhile."""
        locked = False
        attempts = 0
        while self._batch:
            self._shares.distrust()
            if fault is None:
                try:
                    await self._attempt(locked=locked or any_has_coupons(self._batch), again=locked)
                except Exception as caught:  # noqa: BLE001  # each kind has its own way out, below
                    fault = caught
                else:
                    return
            again = await self._learn(fault)
            locked = isinstance(fault, StaleAccounts)
            fault = None
            attempts = attempts + 1 if again else 0
            if attempts >= self._limits.batch_attempts_max:
                log.error("batch_given_up", lane=self.number, messages=len(self._batch), attempts=attempts)
                self._give_up(self._batch, FAULT)
                self._batch = []
            self._batch = [t for t in self._batch if not t.answered]

    async def _learn(self, fault: BaseException) -> bool:
        """Do what a fault asks for before the batch is tried again; whether it counts as one more attempt."""
        count = len(self._batch)
        if isinstance(fault, StaleAccounts):
            self._telemetry.retried(self.number, count)
            return True
        self._suspect_all()
        if isinstance(fault, KeyTaken):
            self._telemetry.retried(self.number, count)
            return True
        self.ready = False
        if isinstance(fault, StoreUnavailable):
            self._telemetry.store("lost")
            log.warning("store_lost", lane=self.number, messages=count, reason=str(fault))
        else:
            # A fault of ours or a row that the store refuses: find the culprit by halving, so that one bad message
            # does not take its neighbours with it; and keep the lane alive.
            log.error("batch_fault", lane=self.number, messages=count, exc_info=fault)
            self._store.terminate(self.number)
            self._isolate_fault()
        await self._connect()
        return False

    def _isolate_fault(self) -> None:
        batch = self._batch
        if len(batch) == 1:
            self._telemetry.refused("fault")
            self._give_up(batch, FAULT)
            self._batch = []
            return
        half = len(batch) // 2
        self._queue.extendleft(reversed(batch[half:]))
        self._batch = batch[:half]
        self._suspect_all()

    def _suspect_all(self) -> None:
        for transaction in self._batch:
            transaction.suspect = True

    async def _connect(self) -> None:
        """Reach the store, however long it takes. Deadlines go on being kept by `expire`."""
        attempt = 0
        while True:
            try:
                await self._store.connect(self.number)
            except StoreError as fault:
                pause = RECONNECT_PAUSE_S[min(attempt, len(RECONNECT_PAUSE_S) - 1)]
                if attempt == len(RECONNECT_PAUSE_S):
                    log.warning("store_out_of_reach", lane=self.number, reason=str(fault))
                attempt += 1
                if self._stopping and not self.waiting:
                    return
                await asyncio.sleep(pause)
            else:
                self.ready = True
                self._telemetry.store("connected")
                return

    async def _attempt(self, *, locked: bool, again: bool) -> None:
        """Prepare, commit and answer the batch, one after the other."""
        rows = await self._prepare(locked=locked, again=again)
        if rows is None:
            return
        await self._commit(rows)
        batch, self._batch = self._batch, []
        self._answer(batch)

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
        batch = self._batch
        if not batch:
            if locked:
                await store.commit(number, Batch(0, [], []))
            return None
        await self._find_originals(batch)
        if not self._batch:
            if locked:
                await store.commit(number, Batch(0, [], []))
            return None
        if held_coupons.concern(self._batch):
            if not locked:
                raise LocksNeeded("coupons")
            await held_coupons.hold(store, number, self._batch)
        wanting = wanting_movements(self._batch)
        if wanting:
            await self._read_movements(wanting, states)
        return await self._decided_with_shares(states, started, hold=again)

    async def _decided_with_shares(self, states: States, started: float, *, hold: bool) -> Batch:
        """The batch decided, after a look at what is left of budgets if what is known of it may not do."""
        # What a reversal gives back may be of a budget that is new since the shares were read.
        if hold or self._shares_are_due() or any(t.original_record is not None for t in self._batch):
            await self._read_shares(hold=hold)
        decided = self._decided(states, started)
        if decided.owed and not hold:
            raise LocksNeeded("budgets")
        return decided

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

    def _repeat(self, transaction: Transaction, answer: StoredAnswer) -> None:
        """Give a message the reply that the journal keeps under its key."""
        key = transaction.recent_key
        replier = self._replier
        if answer.tombstone or answer.reply is None:
            replier.refuse(transaction, "12", "reversed before it came")
        elif answer.fingerprint != transaction.fingerprint:
            replier.refuse(transaction, OTHER_CONTENT, "the key has other content")
        else:
            self._telemetry.repeated()
            replier.repeat(transaction, answer.reply)
            for waiter in transaction.waiters or ():
                replier.repeat(waiter, answer.reply)
            self._recent.finish(key, (answer.fingerprint, answer.reply))
            return
        for waiter in transaction.waiters or ():
            replier.refuse(waiter, transaction.response_code, "as its first copy")
        self._recent.forget(key)

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

    def _answer(self, batch: list[Transaction]) -> None:
        """The commit returned: say so to every till, one write per connection."""
        recent, replier = self._recent, self._replier
        finish, send = recent.finish, replier.send
        for transaction in batch:
            stored = transaction.stored_reply
            assert stored is not None
            finish(transaction.recent_key, (transaction.fingerprint, stored))
            send(transaction)
            if transaction.waiters is not None:
                for waiter in transaction.waiters:
                    self._telemetry.repeated()
                    replier.repeat(waiter, stored)
        replier.flush()

    def _give_up(self, transactions: list[Transaction], response_code: str) -> None:
        """Answer messages whose fate this worker will not learn; advices get silence, so that the till keeps them."""
        for transaction in transactions:
            self._recent.forget(transaction.recent_key)
            self._replier.give_up(transaction, response_code)
            for waiter in transaction.waiters or ():
                self._replier.give_up(waiter, response_code)
        self._replier.flush()

    def expire(self) -> None:
        """Answer what is past its deadline, and cut a store that keeps a batch waiting beyond it."""
        now = self._loop_clock()
        late = [t for t in (*self._under_way, *self._batch) if not t.answered and t.deadline <= now]
        if late and self.ready:
            self._telemetry.store("deadline")
            self._store.terminate(self.number)
        for transaction in self._queue:
            if transaction.deadline > now:
                break
            if not transaction.answered:
                late.append(transaction)
        if late:
            self._telemetry.refused("reply_deadline")
            self._give_up(late, STORE_OUT_OF_REACH)


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
