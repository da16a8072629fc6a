"""The wide lane: messages that touch more than one account, or people and cards, one at a time.

Beside the lanes that carry batches there is this slower one. Each message is one transaction of its own: learn which
shards it touches, hold them in ascending order, read, decide, commit. The lanes hold their shards in the same order,
so that neither waits for the other in a circle; and a batch that was read before such a commit finds the accounts'
versions changed, and is decided again.

Faults are met as in a lane: a commit is never cancelled; on a deadline the connection is cut, the outcome is unknown,
and the key decides when the message is tried again or repeated.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from time import perf_counter

import structlog

from cext._reply import decided_fields
from protocol.tlv import build
from switch.errors import KeyTaken, StaleAccounts, StoreError, StoreUnavailable
from switch.lane import FAULT, OTHER_CONTENT, RECONNECT_PAUSE_S, STORE_OUT_OF_REACH
from switch.limits import Limits
from switch.ports import Telemetry
from switch.recent import RecentKeys
from switch.referral import ReferralCode
from switch.replies import Replier
from switch.transaction import StoredAnswer, Transaction
from switch.wide_deciding import WideDecider
from switch.wide_ports import WideStore

log = structlog.get_logger(__name__)

REFERRAL_TAG = "RC"
"""DE62: the new member's own referral code."""


class WideLane:
    """One queue, one message under way."""

    def __init__(
        self,
        number: int,
        *,
        store: WideStore,
        decider: WideDecider,
        replier: Replier,
        recent: RecentKeys,
        limits: Limits,
        telemetry: Telemetry,
        wall_clock: Callable[[], float],
        loop_clock: Callable[[], float],
    ) -> None:
        self.number = number
        self.ready = False
        self._store = store
        self._decider = decider
        self._replier = replier
        self._recent = recent
        self._limits = limits
        self._telemetry = telemetry
        self._wall_clock = wall_clock
        self._loop_clock = loop_clock
        self._queue: deque[Transaction] = deque()
        self._current: Transaction | None = None
        self._wake = asyncio.Event()
        self._stopping = False
        telemetry.gauge_lane_queue(number, self._queue.__len__)

    def put(self, transaction: Transaction) -> bool:
        """Queue a transaction. False: the lane is full (the caller answers)."""
        if len(self._queue) >= self._limits.lane_queue_messages_max:
            return False
        self._queue.append(transaction)
        self._wake.set()
        return True

    @property
    def waiting(self) -> int:
        """Messages queued or under way."""
        return len(self._queue) + (self._current is not None)

    def stop(self) -> None:
        """End `run` once everything that was put is answered."""
        self._stopping = True
        self._wake.set()

    async def run(self) -> None:
        """Carry one message after another until stopped. Never cancelled while a commit is in flight: see `stop`."""
        await self._connect()
        while True:
            if not self._queue:
                if self._stopping:
                    return
                self._wake.clear()
                await self._wake.wait()
                continue
            transaction = self._queue.popleft()
            if not transaction.answered:
                self._current = transaction
                await self._carry(transaction)
                self._current = None

    async def _carry(self, transaction: Transaction) -> None:
        """Take a message down and up again, whatever the store does meanwhile."""
        attempts = 0
        while not transaction.answered:
            try:
                await self._attempt(transaction)
            except (StaleAccounts, KeyTaken) as fault:
                self._telemetry.retried(self.number, 1)
                transaction.suspect = transaction.suspect or isinstance(fault, KeyTaken)
                attempts += 1
                if attempts >= self._limits.batch_attempts_max:
                    log.error("message_given_up", lane=self.number, attempts=attempts)
                    self._give_up(transaction, FAULT)
            except StoreUnavailable as fault:
                self._telemetry.store("lost")
                log.warning("store_lost", lane=self.number, messages=1, reason=str(fault))
                transaction.suspect = True
                await self._connect()
            except Exception as fault:  # a fault of ours must not end the lane
                self._telemetry.refused("fault")
                log.error("message_fault", lane=self.number, exc_info=fault)
                self._store.terminate()
                self._give_up(transaction, FAULT)
                await self._connect()

    async def _attempt(self, transaction: Transaction) -> None:
        """Look up what is suspect, hold the shards, decide, commit, answer."""
        started = perf_counter()
        store = self._store
        shards = await self._decider.shards(transaction)
        if transaction.suspect:
            answer = await store.answer(transaction, sorted(shards))
            if answer is not None:
                self._repeat(transaction, answer)
                return
        await store.lock(sorted(shards))
        transaction.request.now = int(self._wall_clock())
        try:
            effects = await self._decider.decide(transaction)
        except StaleAccounts:
            await store.rollback()
            raise
        self._prepare(transaction, effects.referral)
        read_s = perf_counter() - started
        await store.commit(transaction, effects, int(self._wall_clock() * 1_000_000))
        self._telemetry.batch(self.number, 1, read_s, perf_counter() - started - read_s)
        self._answer(transaction)

    def _prepare(self, transaction: Transaction, referral: ReferralCode | None) -> None:
        """Make the reply before the commit that keeps it; a new member hears the code to give to friends."""
        decided = transaction.reply_fields or decided_fields(transaction, transaction.reason)
        private = decided.get(62)
        if referral is not None and isinstance(private, str):
            decided[62] = private + build([(REFERRAL_TAG, referral.code)])
        transaction.reply_fields = decided
        self._replier.prepare([transaction])

    def _answer(self, transaction: Transaction) -> None:
        """The commit returned: say so, to copies that came meanwhile as well."""
        stored = transaction.stored_reply
        assert stored is not None
        self._recent.finish(transaction.recent_key, (transaction.fingerprint, stored))
        self._replier.send(transaction)
        self._repeat_to_waiters(transaction, stored)
        self._replier.flush()

    def _repeat(self, transaction: Transaction, answer: StoredAnswer) -> None:
        """Give a message the reply that the journal keeps under its key."""
        key, replier = transaction.recent_key, self._replier
        if answer.tombstone or answer.reply is None:
            replier.refuse(transaction, "12", "reversed before it came")
        elif answer.fingerprint != transaction.fingerprint:
            replier.refuse(transaction, OTHER_CONTENT, "the key has other content")
        else:
            self._telemetry.repeated()
            replier.repeat(transaction, answer.reply)
            self._repeat_to_waiters(transaction, answer.reply)
            self._recent.finish(key, (answer.fingerprint, answer.reply))
            replier.flush()
            return
        for waiter in transaction.waiters or ():
            replier.refuse(waiter, transaction.response_code, "as its first copy")
        self._recent.forget(key)
        replier.flush()

    def _repeat_to_waiters(self, transaction: Transaction, stored: bytes) -> None:
        for waiter in transaction.waiters or ():
            self._telemetry.repeated()
            self._replier.repeat(waiter, stored)

    def _give_up(self, transaction: Transaction, response_code: str) -> None:
        """Answer a message whose fate this worker will not learn; an advice gets silence, so that the till keeps it."""
        self._recent.forget(transaction.recent_key)
        self._replier.give_up(transaction, response_code)
        for waiter in transaction.waiters or ():
            self._replier.give_up(waiter, response_code)
        self._replier.flush()

    async def _connect(self) -> None:
        """Reach the store, however long it takes. Deadlines go on being kept by `expire`."""
        self.ready = False
        attempt = 0
        while True:
            try:
                await self._store.connect()
            except StoreError as fault:
                pause = RECONNECT_PAUSE_S[min(attempt, len(RECONNECT_PAUSE_S) - 1)]
                if attempt == len(RECONNECT_PAUSE_S):
                    log.warning("store_out_of_reach", lane=self.number, reason=str(fault))
                attempt += 1
                if self._stopping and self._nobody_waits():
                    return
                await asyncio.sleep(pause)
            else:
                self.ready = True
                self._telemetry.store("connected")
                return

    def _nobody_waits(self) -> bool:
        return all(t.answered for t in self._queue) and (self._current is None or self._current.answered)

    def expire(self) -> None:
        """Answer what is past its deadline, and cut a store that keeps a message waiting beyond it."""
        now = self._loop_clock()
        late = []
        current = self._current
        if current is not None and not current.answered and current.deadline <= now:
            late.append(current)
            if self.ready:
                self._telemetry.store("deadline")
                self._store.terminate()
        for transaction in self._queue:
            if transaction.deadline > now:
                break
            if not transaction.answered:
                late.append(transaction)
        for transaction in late:
            self._telemetry.refused("reply_deadline")
            self._give_up(transaction, STORE_OUT_OF_REACH)
