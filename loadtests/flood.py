"""The flood client: many terminals, one message in flight each, as fast as they are answered or at a given
rate.

`python -m loadtests.flood --help`. Without a rate the loop is closed: each terminal sends its next purchase
when it has its answer, and the latency is that of the answer. With a rate it is open: messages fall due in
bursts a millisecond apart whether or not earlier ones were answered, go out over a free terminal, and their
latency counts from when they were due, so that a server that stalls cannot hide it (no coordinated omission).
"""

import argparse
import asyncio
import gc
import json
import random
import resource
import sys
from array import array
from collections import Counter, deque
from dataclasses import asdict, dataclass
from time import perf_counter, time
from typing import Final, cast

import uvloop

from loadtests.frames import (
    BITMAP,
    LENGTH_BYTES,
    STANS,
    PanBook,
    Purchases,
    ReplyLayout,
    reply_layout,
    sent_at,
)
from loadtests.latency import Latency, summary

TICK_S: Final = 0.001
CLOCK_EVERY_S: Final = 0.1
CONNECTING_AT_ONCE: Final = 64
CONNECT_TIMEOUT_S: Final = 30.0
FILES_BESIDE: Final = 64


@dataclass(frozen=True, slots=True)
class Plan:
    """What to send where. `rate` is messages a second over all connections; None is a closed loop."""

    host: str
    port: int
    connections: int = 200
    cards: int = 1_000_000
    rate: float | None = None
    warm_up_s: float = 2.0
    duration_s: float = 8.0
    grace_s: float = 10.0
    first_terminal: int = 1
    seed: int = 0


DEFAULTS: Final = Plan("127.0.0.1", 8583)


@dataclass(frozen=True, slots=True)
class Report:
    """What came back: `messages` within the measured time, of all that were `sent`.

    `codes` counts the former by DE39 (empty where a reply has none).
    """

    connections: int
    rate: float | None
    seconds: float
    sent: int
    messages: int
    messages_per_s: float
    latency: Latency | None
    codes: dict[str, int]
    unanswered: int
    mismatched: int
    malformed: int
    lost_connections: int

    @property
    def sound(self) -> bool:
        """Whether there were answers, and nothing happened that a sound server never does."""
        faults = self.unanswered + self.mismatched + self.malformed + self.lost_connections
        return self.messages > 0 and faults == 0


class Till(asyncio.Protocol):
    """One terminal on one connection."""

    __slots__ = ("_partial", "busy", "flood", "purchases", "started", "transport")

    def __init__(self, flood: "Flood", purchases: Purchases) -> None:
        self.flood = flood
        self.purchases = purchases
        self.transport: asyncio.Transport | None = None
        self.busy = False
        self.started = 0.0
        self._partial = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ready to send."""
        # Not an instance of it by inheritance: uvloop's transports only have its methods.
        self.transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Count it, unless it was ours to close."""
        self.transport = None
        self.flood.lost(self)

    def send(self, started: float) -> None:
        """Send the next purchase; its latency counts from `started`."""
        flood = self.flood
        transport = self.transport
        if transport is None:
            return
        self.busy = True
        flood.sent += 1
        self.started = started
        transport.write(self.purchases.next(flood.pans.pan(int(flood.random() * flood.cards)), flood.sent_at))

    def data_received(self, data: bytes) -> None:
        """Wait for a whole frame and hand it in."""
        if self._partial:
            data = self._partial + data
        if len(data) < LENGTH_BYTES or len(data) < LENGTH_BYTES + (data[0] << 8 | data[1]):
            self._partial = data
            return
        self._partial = b""
        self.flood.answered(self, data)


class Flood:
    """A run in progress."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.pans = PanBook(plan.cards)
        self.cards = plan.cards
        source = random.Random(plan.seed)
        self.random = source.random
        self.sent_at = sent_at(time())
        self._layouts: dict[bytes, ReplyLayout] = {}
        # STANs start somewhere else in each run, so that a run that follows at once does not repeat keys.
        first = random.SystemRandom().randrange(STANS)
        self._tills = [
            Till(self, Purchases(plan.first_terminal + n, first_stan=(first + n * 4_999) % STANS, now=time()))
            for n in range(plan.connections)
        ]
        self._free: deque[Till] = deque()
        self._waiting: deque[float] = deque()
        self._from = self._until = float("inf")
        self._closed_loop = plan.rate is None
        self._due = 0
        self._sending = self._closing = False
        self._latencies = array("d")
        self._codes: Counter[bytes] = Counter()
        self._in_time = self.sent = 0
        self._mismatched = self._malformed = self._lost = self._unanswered = 0

    async def run(self) -> Report:
        """Connect, warm up, measure, wait for what is under way, close."""
        plan = self.plan
        loop = asyncio.get_running_loop()
        await self._connect()
        gc.collect()
        gc.freeze()
        gc.disable()
        clock = loop.create_task(self._keep_time())
        begun = perf_counter()
        self._from = begun + plan.warm_up_s
        self._until = self._from + plan.duration_s
        self._sending = True
        if self._closed_loop:
            for till in self._tills:
                till.send(perf_counter())
        else:
            self._free.extend(self._tills)
            self._tick(begun)
        await asyncio.sleep(plan.warm_up_s + plan.duration_s)
        self._sending = False
        await self._settle()
        clock.cancel()
        gc.enable()
        gc.unfreeze()
        self._close()
        return self._report()

    def answered(self, till: Till, data: bytes) -> None:
        """A frame came: is it the answer to what this till sent?"""
        now = perf_counter()
        layout = self._layouts.get(data[BITMAP]) or self._learn(data)
        if layout is None or len(data) != LENGTH_BYTES + (data[0] << 8 | data[1]) or not till.busy:
            self._malformed += 1
        elif data[layout.stan] != till.purchases.stan:
            self._mismatched += 1
        else:
            started = till.started
            if started >= self._from:
                self._latencies.append(now - started)
            if self._from <= now < self._until:
                self._in_time += 1
                self._codes[data[layout.response_code]] += 1
        till.busy = False
        if self._waiting:
            # What fell due is sent even after the end: an overloaded server is slow, it loses nothing.
            till.send(self._waiting.popleft())
        elif not self._closed_loop:
            self._free.append(till)
        elif self._sending:
            till.send(now)

    def lost(self, till: Till) -> None:
        """A connection is gone, and with it the answer that it owed."""
        if self._closing:
            return
        self._lost += 1
        self._unanswered += till.busy
        till.busy = False
        if till in self._free:
            self._free.remove(till)

    def _learn(self, data: bytes) -> ReplyLayout | None:
        """The layout of a reply with a bitmap not seen before; None if it is no reply."""
        try:
            layout = reply_layout(data)
        except (ValueError, IndexError, KeyError):
            return None
        self._layouts[data[BITMAP]] = layout
        return layout

    def _tick(self, begun: float) -> None:
        """Send what has fallen due, and come back a millisecond later."""
        rate = self.plan.rate
        if not self._sending or rate is None:
            return
        now = perf_counter()
        # Timers fire up to half a tick early.
        ticks = int((now - begun) / TICK_S + 0.5)
        due_now = int(ticks * TICK_S * rate)
        while self._due < due_now:
            self._due += 1
            due_at = begun + -(-self._due // (rate * TICK_S)) * TICK_S
            if self._free:
                self._free.popleft().send(min(due_at, now))
            else:
                self._waiting.append(due_at)
        asyncio.get_running_loop().call_later(
            max(0.0, begun + (ticks + 1) * TICK_S - perf_counter()), self._tick, begun
        )

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        gate = asyncio.Semaphore(CONNECTING_AT_ONCE)

        async def connect(till: Till) -> None:
            async with gate:
                await loop.create_connection(lambda: till, self.plan.host, self.plan.port)

        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            await asyncio.gather(*map(connect, self._tills))

    async def _keep_time(self) -> None:
        while True:
            self.sent_at = sent_at(time())
            await asyncio.sleep(CLOCK_EVERY_S)

    async def _settle(self) -> None:
        """Wait for the answers under way; count those that never came, and what never could be sent."""
        last = perf_counter() + self.plan.grace_s
        while perf_counter() < last:
            if not self._waiting and not any(till.busy for till in self._tills):
                break
            await asyncio.sleep(0.01)
        self._unanswered += sum(till.busy for till in self._tills) + len(self._waiting)

    def _close(self) -> None:
        self._closing = True
        for till in self._tills:
            if till.transport is not None:
                till.transport.close()

    def _report(self) -> Report:
        plan = self.plan
        return Report(
            connections=plan.connections,
            rate=plan.rate,
            seconds=plan.duration_s,
            sent=self.sent,
            messages=self._in_time,
            messages_per_s=self._in_time / plan.duration_s,
            latency=summary(self._latencies),
            codes={code.decode("latin-1"): count for code, count in sorted(self._codes.items())},
            unanswered=self._unanswered,
            mismatched=self._mismatched,
            malformed=self._malformed,
            lost_connections=self._lost,
        )


def raise_file_limit(connections: int) -> None:
    """Allow as many open files as the connections need; OSError says if that is not allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + FILES_BESIDE
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise OSError(f"{connections} connections need {wanted} open files; {hard} are allowed (ulimit -Hn)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def flood(plan: Plan) -> Report:
    """Run a plan on a loop of its own."""
    raise_file_limit(plan.connections)
    return uvloop.run(Flood(plan).run())


def lines(report: Report) -> list[str]:
    """A report in words."""
    loop = "closed loop" if report.rate is None else f"{report.rate:,.0f} messages/s offered"
    text = [
        f"{report.connections} connections, {loop}, {report.seconds:g} s",
        f"{report.messages_per_s:,.0f} messages/s",
    ]
    if (latency := report.latency) is not None:
        named = zip(
            ("p50", "p90", "p99", "p99.9", "max"),
            (latency.p50_s, latency.p90_s, latency.p99_s, latency.p999_s, latency.max_s),
            strict=True,
        )
        text.append("   ".join(f"{name} {seconds * 1_000:.2f} ms" for name, seconds in named))
    codes = "   ".join(f"{code or 'none'} {count:,}" for code, count in report.codes.items())
    text.append(f"DE39: {codes or 'no answers'}")
    text.append(
        f"unanswered {report.unanswered}   mismatched {report.mismatched}   malformed {report.malformed}   "
        f"connections lost {report.lost_connections}"
    )
    return text


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(prog="python -m loadtests.flood", description=(__doc__ or "").partition("\n")[0])
    add = made.add_argument
    add("--host", default=DEFAULTS.host)
    add("--port", type=int, default=DEFAULTS.port)
    add("--connections", type=int, default=DEFAULTS.connections, help="terminals, one connection each")
    add("--cards", type=int, default=DEFAULTS.cards, help="cards that were seeded; used uniformly")
    add("--rate", type=float, help="messages a second, open loop; without it the loop is closed")
    add("--warm-up", type=float, default=DEFAULTS.warm_up_s, help="seconds before measuring")
    add("--duration", type=float, default=DEFAULTS.duration_s, help="seconds of measuring")
    add("--first-terminal", type=int, default=DEFAULTS.first_terminal)
    add("--seed", type=int, default=DEFAULTS.seed, help="of the choice of cards")
    add("--json", action="store_true", help="print the report as one line of JSON")
    return made


def main(arguments: list[str] | None = None) -> int:
    """Run one flood; exit code 1 if anything went wrong on the wire, or nothing came at all."""
    given = parser().parse_args(arguments)
    plan = Plan(
        host=given.host,
        port=given.port,
        connections=given.connections,
        cards=given.cards,
        rate=given.rate,
        warm_up_s=given.warm_up,
        duration_s=given.duration,
        first_terminal=given.first_terminal,
        seed=given.seed,
    )
    try:
        report = flood(plan)
    except OSError as fault:
        print(f"cannot flood {plan.host}:{plan.port}: {fault}", file=sys.stderr)
        return 2
    print(json.dumps(asdict(report)) if given.json else "\n".join(lines(report)), flush=True)
    return 0 if report.sound else 1


if __name__ == "__main__":
    sys.exit(main())
