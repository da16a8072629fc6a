"""The wide lane: messages that touch more than one account, or people and cards, one at a time.

Beside the lanes that carry batches there is this slower one. Each message is one transaction of its own: learn which
shards it touches, hold them in ascending order, read, decide, commit. The lanes hold their shards in the same order,
so that neither waits for the other in a circle; and a batch that was read before such a commit finds the accounts'
versions changed, and is decided again.

Faults are met as in a lane: a commit is never cancelled; on a deadline the connection is cut, the outcome is unknown,
and the key decides when the message is tried again or repeated.
"""

from time import perf_counter
from typing import Unpack

import structlog

from cext._reply import decided_fields
from protocol.tlv import build
from switch.errors import KeyTaken, StaleAccounts, StoreUnavailable
from switch.lane_base import FAULT, LaneBase, Surroundings
from switch.referral import ReferralCode
from switch.transaction import Transaction
from switch.wide_deciding import WideDecider
from switch.wide_ports import WideStore

log = structlog.get_logger(__name__)

REFERRAL_TAG = "RC"
"""DE62: the new member's own referral code."""


class WideLane(LaneBase):
    """One queue, one message under way."""

    def __init__(
        self, number: int, *, store: WideStore, decider: WideDecider, **surroundings: Unpack[Surroundings]
    ) -> None:
        super().__init__(number, **surroundings)
        self._store = store
        self._decider = decider
        self._current: Transaction | None = None

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
                    self._give_up([transaction], FAULT)
            except StoreUnavailable as fault:
                self._telemetry.store("lost")
                log.warning("store_lost", lane=self.number, messages=1, reason=str(fault))
                transaction.suspect = True
                await self._connect()
            except Exception as fault:  # a fault of ours must not end the lane
                self._telemetry.refused("fault")
                log.error("message_fault", lane=self.number, exc_info=fault)
                self._store.terminate()
                self._give_up([transaction], FAULT)
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
                self._replier.flush()
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
        self._answer([transaction])

    def _prepare(self, transaction: Transaction, referral: ReferralCode | None) -> None:
        """Make the reply before the commit that keeps it; a new member hears the code to give to friends."""
        decided = transaction.reply_fields or decided_fields(transaction, transaction.reason)
        private = decided.get(62)
        if referral is not None and isinstance(private, str):
            decided[62] = private + build([(REFERRAL_TAG, referral.code)])
        transaction.reply_fields = decided
        self._replier.prepare([transaction])

    def _taken(self) -> tuple[Transaction, ...]:
        return () if self._current is None else (self._current,)

    async def _reach_store(self) -> None:
        await self._store.connect()

    def _cut_store(self) -> None:
        self._store.terminate()
