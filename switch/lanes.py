"""The lanes of a worker: which one a message goes to, what a copy of it hears, and the deadlines of all."""

import asyncio
import contextlib

from switch.lane import Lane
from switch.lane_base import OTHER_CONTENT, STORE_OUT_OF_REACH
from switch.ports import Telemetry
from switch.recent import RecentKeys
from switch.replies import Replier
from switch.transaction import Transaction
from switch.wide_lane import WideLane


class Lanes:
    """All lanes of a worker, and the task that keeps their deadlines.

    The first `count` carry batches, by shard; the one after them is the wide lane.
    """

    def __init__(
        self, lanes: list[Lane | WideLane], count: int, recent: RecentKeys, replier: Replier, telemetry: Telemetry
    ) -> None:
        self._lanes = lanes
        self._count = count
        self._recent = recent
        self._replier = replier
        self._telemetry = telemetry
        self._tasks: list[asyncio.Task[None]] = []
        self._reaper: asyncio.Task[None] | None = None

    @property
    def ready(self) -> bool:
        """Every lane has its connection."""
        return all(lane.ready for lane in self._lanes)

    @property
    def waiting(self) -> int:
        """Messages queued or under way in all lanes."""
        return sum(lane.waiting for lane in self._lanes)

    def start(self) -> None:
        """Start carrying."""
        self._tasks = [asyncio.create_task(lane.run(), name=f"lane-{lane.number}") for lane in self._lanes]
        self._reaper = asyncio.create_task(self._expire(), name="lane-deadlines")

    async def stop(self) -> None:
        """Answer everything that was put, then end."""
        # The wide lane ends last: the others pass messages on to it.
        for part in (slice(None, self._count), slice(self._count, None)):
            for lane in self._lanes[part]:
                lane.stop()
            await asyncio.gather(*self._tasks[part])
        if self._reaper is not None:
            self._reaper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reaper

    async def _expire(self) -> None:
        while True:
            await asyncio.sleep(0.1)
            for lane in self._lanes:
                lane.expire()

    def submit(self, transaction: Transaction) -> None:
        """Send a message down, unless its first copy is under way or was answered a moment ago."""
        key = transaction.recent_key
        first = self._recent.find(key)
        if first is None:
            self._recent.begin(key, transaction)
            self.forward(transaction)
        elif isinstance(first, Transaction):
            if first.fingerprint != transaction.fingerprint:
                self._refuse_other_content(transaction)
            else:
                if first.waiters is None:
                    first.waiters = []
                first.waiters.append(transaction)
        else:
            fingerprint, stored = first
            if fingerprint != transaction.fingerprint:
                self._refuse_other_content(transaction)
            else:
                self._telemetry.repeated()
                self._replier.repeat(transaction, stored)
                self._replier.flush()

    def _refuse_other_content(self, transaction: Transaction) -> None:
        self._replier.refuse(transaction, OTHER_CONTENT, "the key has other content")
        self._replier.flush()

    def forward(self, transaction: Transaction) -> None:
        """Put a message, whose key is noted already, into the lane of its shard."""
        number = self._count if transaction.wide is not None else transaction.shard % self._count
        if not self._lanes[number].put(transaction):
            self._telemetry.refused("lane_queue")
            self._recent.forget(transaction.recent_key)
            self._replier.give_up(transaction, STORE_OUT_OF_REACH)
            self._replier.flush()
