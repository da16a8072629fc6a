"""What all lanes have in common: a queue, a store that they reach again and again, deadlines, and what tills hear."""

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TypedDict

import structlog

from switch.errors import StoreError
from switch.limits import Limits
from switch.ports import Telemetry
from switch.recent import RecentKeys
from switch.replies import Replier
from switch.transaction import StoredAnswer, Transaction

log = structlog.get_logger(__name__)

RECONNECT_PAUSE_S = (0.05, 0.1, 0.2, 0.5, 1.0)
STORE_OUT_OF_REACH = "91"
FAULT = "96"
OTHER_CONTENT = "94"

Clock = Callable[[], float]


class Surroundings(TypedDict):
    """What a lane is given beside its number and what it carries to: see `LaneBase`."""

    replier: Replier
    recent: RecentKeys
    limits: Limits
    telemetry: Telemetry
    wall_clock: Clock
    loop_clock: Clock


class LaneBase(ABC):
    """A queue of transactions and its way to the store and back to the tills; `run` is each lane's own."""

    def __init__(
        self,
        number: int,
        *,
        replier: Replier,
        recent: RecentKeys,
        limits: Limits,
        telemetry: Telemetry,
        wall_clock: Clock,
        loop_clock: Clock,
    ) -> None:
        self.number = number
        self.ready = False
        self._replier = replier
        self._recent = recent
        self._limits = limits
        self._telemetry = telemetry
        self._wall_clock = wall_clock
        self._loop_clock = loop_clock
        self._queue: deque[Transaction] = deque()
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
        return len(self._queue) + len(self._taken())

    def stop(self) -> None:
        """End `run` once everything that was put is answered."""
        self._stopping = True
        self._wake.set()

    def expire(self) -> None:
        """Answer what is past its deadline, and cut a store that keeps messages waiting beyond it."""
        now = self._loop_clock()
        late = [t for t in self._taken() if not t.answered and t.deadline <= now]
        if late and self.ready:
            self._telemetry.store("deadline")
            self._cut_store()
        for transaction in self._queue:
            if transaction.deadline > now:
                break
            if not transaction.answered:
                late.append(transaction)
        if late:
            for _ in late:
                self._telemetry.refused("reply_deadline")
            self._give_up(late, STORE_OUT_OF_REACH)

    @abstractmethod
    async def run(self) -> None:
        """Carry what was put until stopped. Never cancelled while a commit is in flight: see `stop`."""

    @abstractmethod
    def _taken(self) -> Collection[Transaction]:
        """What is under way, out of the queue already."""

    @abstractmethod
    async def _reach_store(self) -> None:
        """Open the lane's connections, once. StoreError if that fails."""

    @abstractmethod
    def _cut_store(self) -> None:
        """Cut the lane's connections at once."""

    async def _connect(self) -> None:
        """Reach the store, however long it takes. Deadlines go on being kept by `expire`."""
        self.ready = False
        attempt = 0
        while True:
            try:
                await self._reach_store()
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
        return all(t.answered for t in self._queue) and all(t.answered for t in self._taken())

    def _answer(self, batch: Sequence[Transaction]) -> None:
        """The commit returned: say so to every till, and to copies that came meanwhile; one write per connection."""
        finish, send = self._recent.finish, self._replier.send
        for transaction in batch:
            stored = transaction.stored_reply
            assert stored is not None
            finish(transaction.recent_key, (transaction.fingerprint, stored))
            send(transaction)
            if transaction.waiters is not None:
                self._repeat_to_waiters(transaction, stored)
        self._replier.flush()

    def _repeat(self, transaction: Transaction, answer: StoredAnswer) -> None:
        """Give a message the reply that the journal keeps under its key; the caller flushes."""
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
            return
        for waiter in transaction.waiters or ():
            replier.refuse(waiter, transaction.response_code, "as its first copy")
        self._recent.forget(key)

    def _repeat_to_waiters(self, transaction: Transaction, stored: bytes) -> None:
        for waiter in transaction.waiters or ():
            self._telemetry.repeated()
            self._replier.repeat(waiter, stored)

    def _give_up(self, transactions: Iterable[Transaction], response_code: str) -> None:
        """Answer messages whose fate this worker will not learn; advices get silence, so that the till keeps them."""
        for transaction in transactions:
            self._recent.forget(transaction.recent_key)
            self._replier.give_up(transaction, response_code)
            for waiter in transaction.waiters or ():
                self._replier.give_up(waiter, response_code)
        self._replier.flush()
