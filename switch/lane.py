"""A lane: messages gather while the last commit is in flight, and go down together when it returns.

A lane serves the shards ≡ its number modulo the lanes (architecture.md, 2–5). A batch is: look up what is suspect,
read the accounts, decide in memory, commit, answer. The usual batch is two statements; suspects (repeats, taken keys,
unknown outcomes), further cards, reversals and refunds cost look-ups more.

In a busy lane the two overlap: while a batch is being committed, the accounts of the next are read over the lane's
other connection and it is decided, so that it can be sent the moment the commit returns, before the answers are even
made. A message on an account that is being committed waits for the batch after: it must meet the account as that commit
leaves it.

A commit is all or nothing. If an account was changed by another worker meanwhile, or others drew what it draws from a
budget, the batch is decided again under the locks of its shards, so it cannot be overtaken twice. A batch that shows
coupons takes that way from the first: they are held from before the decision to the commit that uses them up. If a
key is taken, the batch looks all its keys up, answers those that the journal knows, and goes on with the rest. If the
store is lost, the outcome of a commit under way is unknown: every key of the batch is suspect, and the journal tells.
"""

import asyncio
from time import perf_counter
from typing import Unpack

import structlog

from cext._transaction import any_has_coupons
from switch.errors import KeyTaken, StaleAccounts, StoreUnavailable
from switch.lane_base import FAULT
from switch.lane_preparing import Parts, PreparingLane
from switch.ports import Batch
from switch.transaction import AccountKey, Transaction

log = structlog.get_logger(__name__)


class Lane(PreparingLane):
    """One queue, one batch that is being committed, one whose accounts are being read with it."""

    def __init__(self, number: int, **parts: Unpack[Parts]) -> None:
        super().__init__(number, **parts)
        self._under_way: list[Transaction] = []
        self._busy: set[AccountKey] = set()

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

    async def _attempt(self, *, locked: bool, again: bool) -> None:
        """Prepare, commit and answer the batch, one after the other."""
        rows = await self._prepare(locked=locked, again=again)
        if rows is None:
            return
        await self._commit(rows)
        batch, self._batch = self._batch, []
        self._answer(batch)

    def _taken(self) -> list[Transaction]:
        return self._under_way + self._batch
