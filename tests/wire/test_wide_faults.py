"""Transfers under fire: both ways, taken back, beside purchases, and killed; no deadlock, no point made or lost."""

import asyncio
import contextlib
import itertools
import random
from dataclasses import dataclass, field

import asyncpg
import pytest

from adapters.postgres.audit import audit
from protocol.codes import ProcessingCode
from protocol.message import Message
from tests.wire.running import RunningSwitch, card, message, original_of
from tests.wire.test_faults import CODEC, FRAMING

pytestmark = [pytest.mark.integration, pytest.mark.fault]

CARDS = 6
TILLS = 6
KILLS = 8


@dataclass
class Till:
    """Sends one message after another, and repeats each over new connections until it is settled."""

    number: int
    port: int
    dice: random.Random
    settled: int = 0
    approved: int = 0
    unanswered: int = 0
    replies: dict[int, str] = field(default_factory=dict)
    given: list[Message] = field(default_factory=list)

    def make(self, stan: int) -> Message:
        """Transfers, purchases, and now and then a transfer taken back, over very few cards."""
        giver, receiver = self.dice.sample(range(CARDS), 2)
        chance = self.dice.random()
        if self.given and chance < 0.2:
            given = self.given.pop()
            made = message(
                "0400", ProcessingCode.POINTS_TRANSFER, pan=str(given.fields[2]), amount=0, stan=stan,
                de90=original_of(given),
            )  # fmt: skip
        elif chance < 0.5:
            made = message(pan=card(giver), amount=500_000, stan=stan)
        else:
            points = self.dice.randrange(1, 9)
            made = message(
                "0200", ProcessingCode.POINTS_TRANSFER, pan=card(giver), amount=0, stan=stan,
                de48=f"PT001{points}", de103=card(receiver),
            )  # fmt: skip
        made.fields[41] = f"T{self.number + 1:07d}"
        return made

    async def run(self, stop: asyncio.Event) -> None:
        for stan in itertools.count(1):
            if stop.is_set():
                return
            await self.settle(self.make(stan), stan)

    async def settle(self, sent: Message, stan: int) -> None:
        """Ask until the answer settles it; a new answer must be the old one."""
        while True:
            with contextlib.suppress(OSError, EOFError, asyncio.IncompleteReadError):
                reply = await self.ask(sent)
                code = str(reply.fields[39])
                if code != "91":
                    assert code in {"00", "51"}, (code, reply.fields.get(44))
                    self.settled += 1
                    self.approved += code == "00"
                    self.replies[stan] = code
                    if code == "00" and 103 in sent.fields:
                        self.given.append(Message("0200", sent.fields))
                    return
            self.unanswered += 1
            sent = Message(sent.mti[:3] + "1", sent.fields)
            await asyncio.sleep(0.02)

    async def ask(self, sent: Message) -> Message:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(FRAMING.wrap(CODEC.encode(sent)))
            async with asyncio.timeout(12):
                head = await reader.readexactly(2)
                return CODEC.decode(await reader.readexactly(int.from_bytes(head, "big")))
        finally:
            writer.close()


async def storm(running: RunningSwitch) -> tuple[list[Till], asyncio.Event, list[asyncio.Task[None]]]:
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
    dice = random.Random(seed)
    tills = [Till(number, running.port, random.Random(dice.random())) for number in range(TILLS)]
    stop = asyncio.Event()
    return tills, stop, [asyncio.create_task(till.run(stop)) for till in tills]


async def progress(tills: list[Till], tasks: list[asyncio.Task[None]], more: int) -> None:
    """Wait until so many messages more are settled; a till that failed fails the test."""
    goal = sum(till.settled for till in tills) + more
    async with asyncio.timeout(90):
        while sum(till.settled for till in tills) < goal:
            for task in tasks:
                if task.done():
                    task.result()
            await asyncio.sleep(0.005)


async def sums_are_kept(url: str, tills: list[Till]) -> None:
    """Points are five for each purchase and nothing else; each settled message is one row with the answer given."""
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(
            "SELECT t.code, j.key % 1000000 AS stan, j.rc FROM journal j JOIN terminal t ON t.id = j.terminal"
            " WHERE j.class IN (2, 4)"
        )
        kept = {(row["code"], row["stan"]): row["rc"] for row in rows}
        assert len(kept) == len(rows)
        for till in tills:
            for stan, code in till.replies.items():
                assert kept[f"T{till.number + 1:07d}", stan] == code
        purchases, transfers, reversals, adjusted = await connection.fetchrow(
            "SELECT count(*) FILTER (WHERE processing_code = 0 AND rc = '00'), count(*) FILTER (WHERE class = 9),"
            " count(*) FILTER (WHERE class = 8),"
            " coalesce(sum(points_adjusted), 0) FROM journal"
        )
        points = await connection.fetchval("SELECT sum(points) FROM account")
        opening = await connection.fetchval("SELECT coalesce(sum(points), 0) FROM account_opening")
        assert points - opening == 5 * purchases
        assert adjusted == 0
        assert transfers > 0
        assert reversals > 0
    finally:
        await connection.close()
    assert not [finding for finding in await audit(url) if finding.rows]


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_back_and_forth_beside_purchases(own_url: str, workers: str) -> None:
    with RunningSwitch(own_url).with_arguments("--workers", workers, "--lanes", "2") as running:
        tills, stop, tasks = await storm(running)
        await progress(tills, tasks, 1_500)
        stop.set()
        await asyncio.gather(*tasks)
        assert running.terminate() == 0
        assert "deadlock" not in running.log.read_text()
        await sums_are_kept(own_url, tills)


async def test_kill_nine_during_transfers(own_url: str) -> None:
    running = RunningSwitch(own_url)
    with running:
        tills, stop, tasks = await storm(running)
        dice = random.Random(1)
        for _ in range(KILLS):
            await progress(tills, tasks, dice.randrange(20, 100))
            running.kill()
            await asyncio.to_thread(running.start)
        await progress(tills, tasks, 100)
        stop.set()
        await asyncio.gather(*tasks)
        assert sum(till.unanswered for till in tills) > 0, "no message was ever hit: the test does not test"
        await sums_are_kept(own_url, tills)


async def test_the_connection_cut_under_load(own_url: str) -> None:
    with RunningSwitch(own_url) as running:
        tills, stop, tasks = await storm(running)
        connection = await asyncpg.connect(own_url)
        for _ in range(10):
            await progress(tills, tasks, 40)
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                " AND application_name = 'loyalty-switch wide lane'"
            )
        await connection.close()
        await progress(tills, tasks, 40)
        stop.set()
        await asyncio.gather(*tasks)
        await sums_are_kept(own_url, tills)
