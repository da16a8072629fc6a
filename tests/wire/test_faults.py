"""Killed, stopped and cut: what was acknowledged is in the journal, once, and the books balance."""

import asyncio
import contextlib
import datetime as dt
import itertools
import random
import signal
from dataclasses import dataclass, field

import asyncpg
import pytest

from adapters.postgres.audit import audit
from adapters.postgres.embedded import EmbeddedServer
from protocol.codec import codec_for
from protocol.framing import framing_for
from protocol.message import Message
from tests.wire.running import RunningSwitch, card, message

pytestmark = [pytest.mark.integration, pytest.mark.fault]

CODEC = codec_for("iso87-ascii")
FRAMING = framing_for("length2")
TILLS = 12
CARDS = 40
KILLS = 20


@dataclass
class Till:
    """Sends one message after another, and repeats each over new connections until it is answered."""

    number: int
    port: int
    dice: random.Random
    acknowledged: dict[int, str] = field(default_factory=dict)
    replies: dict[int, Message] = field(default_factory=dict)
    unanswered: int = 0
    out_of_reach: int = 0

    def make(self, stan: int) -> Message:
        pan = card(self.dice.randrange(CARDS))
        fields = message(pan=pan, amount=100_000, stan=stan).fields
        fields[41] = f"T{self.number + 1:07d}"
        return Message("0200", fields)

    async def run(self, stop: asyncio.Event) -> None:
        stans = itertools.count(1)
        while not stop.is_set():
            stan = next(stans)
            await self.settle(self.make(stan), stan)

    async def settle(self, sent: Message, stan: int) -> None:
        """Ask until the answer is one that settles it: 91 and silence do not."""
        while True:
            with contextlib.suppress(OSError, EOFError, asyncio.IncompleteReadError):
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                try:
                    writer.write(FRAMING.wrap(CODEC.encode(sent)))
                    async with asyncio.timeout(12):
                        head = await reader.readexactly(2)
                        reply = CODEC.decode(await reader.readexactly(int.from_bytes(head, "big")))
                finally:
                    writer.close()
                if reply.fields[39] != "91":
                    self.acknowledged[stan] = str(reply.fields[39])
                    self.replies[stan] = reply
                    return
                self.out_of_reach += 1
            self.unanswered += 1
            sent = Message("0201", sent.fields)
            await asyncio.sleep(0.02)


async def journal_agrees(url: str, tills: list[Till]) -> None:
    """Each acknowledged message is one journal row with the answer given; each approved one earned its point, once."""
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(
            "SELECT t.code, j.key % 1000000 AS stan, count(*) AS rows, min(j.rc) AS rc FROM journal j"
            " JOIN terminal t ON t.id = j.terminal GROUP BY 1, 2"
        )
        kept = {(row["code"], row["stan"]): row for row in rows}
        for till in tills:
            assert till.acknowledged
            for stan, response_code in till.acknowledged.items():
                row = kept.get((f"T{till.number + 1:07d}", stan))
                assert row is not None, (stan, response_code)
                assert (row["rows"], row["rc"]) == (1, response_code)
        approved = sum(1 for row in rows if row["rc"] == "00")
        assert await connection.fetchval("SELECT sum(points) FROM account") - await opening(connection) == approved
    finally:
        await connection.close()
    await books_balance(url)


async def books_balance(url: str) -> None:
    """`audit` finds nothing."""
    assert not [finding for finding in await audit(url) if finding.rows]


async def opening(connection: "asyncpg.Connection[asyncpg.Record]") -> int:
    return int(await connection.fetchval("SELECT coalesce(sum(points), 0) FROM account_opening"))


async def storm(running: RunningSwitch, seed: int) -> tuple[list[Till], asyncio.Event, list[asyncio.Task[None]]]:
    print(f"seed {seed}")
    dice = random.Random(seed)
    tills = [Till(number, running.port, random.Random(dice.random())) for number in range(TILLS)]
    stop = asyncio.Event()
    return tills, stop, [asyncio.create_task(till.run(stop)) for till in tills]


async def progress(tills: list[Till], more: int) -> None:
    """Wait until so many messages more were acknowledged."""
    goal = sum(len(till.acknowledged) for till in tills) + more
    async with asyncio.timeout(60):
        while sum(len(till.acknowledged) for till in tills) < goal:
            await asyncio.sleep(0.005)


async def test_kill_nine_twenty_times(own_url: str) -> None:
    running = RunningSwitch(own_url)
    seed = random.SystemRandom().randrange(2**32)
    with running:
        tills, stop, tasks = await storm(running, seed)
        dice = random.Random(seed + 1)
        for _ in range(KILLS):
            await progress(tills, dice.randrange(20, 200))
            running.kill()
            await asyncio.to_thread(running.start)
        await progress(tills, 100)
        stop.set()
        await asyncio.gather(*tasks)
        assert sum(till.unanswered for till in tills) > 0, "no message was ever hit: the test does not test"
        await journal_agrees(own_url, tills)


async def test_postgresql_stopped_for_five_seconds(own_url: str, embedded_server: EmbeddedServer) -> None:
    with RunningSwitch(own_url, LOYALTY_LIMITS__REPLY_DEADLINE_S="2.0") as running:
        tills, stop, tasks = await storm(running, 7)
        await progress(tills, 300)
        await asyncio.to_thread(embedded_server.shut_down)
        assert running.get("/healthz")[0] == 200
        began = dt.datetime.now(dt.UTC)
        await asyncio.to_thread(running.wait_metric, 'loyalty_refused_total{reason="reply_deadline"}', 1)
        assert running.get("/readyz")[0] == 503
        while (dt.datetime.now(dt.UTC) - began).total_seconds() < 5:
            await asyncio.sleep(0.1)
        await asyncio.to_thread(embedded_server.start_up)
        await progress(tills, 300)
        assert running.get("/readyz")[0] == 200
        stop.set()
        await asyncio.gather(*tasks)
        assert running.terminate() == 0
        assert sum(till.out_of_reach for till in tills) > 0
        await journal_agrees(own_url, tills)


async def test_the_lane_connections_cut_under_load(own_url: str) -> None:
    with RunningSwitch(own_url) as running:
        tills, stop, tasks = await storm(running, 11)
        connection = await asyncpg.connect(own_url)
        for _ in range(10):
            await progress(tills, 100)
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'loyalty-switch lane'"
                " AND datname = current_database()"
            )
        await connection.close()
        await progress(tills, 100)
        stop.set()
        await asyncio.gather(*tasks)
        assert running.metric('loyalty_store_events_total{event="lost"}') >= 10
        await journal_agrees(own_url, tills)


async def test_two_workers_over_the_same_accounts(own_url: str) -> None:
    """Conflicts on accounts, shard rows and keys between workers neither lose nor double anything."""
    running = RunningSwitch(own_url).with_arguments("--workers", "2")
    with running:
        tills, stop, tasks = await storm(running, 13)
        await progress(tills, 3_000)
        stop.set()
        await asyncio.gather(*tasks)
        assert running.terminate() == 0
        await journal_agrees(own_url, tills)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_stop_answers_what_was_accepted(own_url: str, number: int) -> None:
    sent = [message(pan=card(n % CARDS), amount=100_000) for n in range(2_000)]
    with RunningSwitch(own_url) as running:
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
        for one in sent:
            writer.write(FRAMING.wrap(CODEC.encode(one)))
        first = await reader.readexactly(1)
        stopping = asyncio.create_task(asyncio.to_thread(running.terminate, number))
        heard = await reader.read(-1) if not writer.is_closing() else b""
        assert await stopping == 0
        writer.close()
        answered = len(FRAMING.splitter().feed(first + heard))
    connection = await asyncpg.connect(own_url)
    try:
        # Whatever was made durable was also said; what was not read from the socket was not accepted.
        assert await connection.fetchval("SELECT count(*) FROM journal") <= answered
    finally:
        await connection.close()
    await books_balance(own_url)
