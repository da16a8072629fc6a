"""The yardsticks end to end, each a process under a small flood: what is answered is kept."""

import asyncio
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from loadtests.flood import Plan
from loadtests.frames import AMOUNT_MINOR, LENGTH_BYTES, PanBook, Purchases
from loadtests.naive import MINOR_PER_POINT, SHARDS, Naive, prepare
from loadtests.ports import free_port
from loadtests.servers import HOST, Target, durable_echo, flood, naive, running, with_key
from loadtests.yardstick import FrameServer, make_sure_of_durability
from protocol.codec import codec_for
from protocol.message import Message
from switch.tokens import Tokens

pytestmark = pytest.mark.integration

CARDS = 50
CODEC = codec_for("iso87-ascii")


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch, token_key: bytes) -> bytes:
    monkeypatch.setenv("LOYALTY_TOKEN_KEY", "")
    with_key(token_key)
    return token_key


def small(target: Target) -> Plan:
    return Plan(HOST, target.port, connections=10, cards=CARDS, warm_up_s=0.0, duration_s=0.5)


def row(url: str, query: str) -> Any:
    async def ask() -> Any:
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetchrow(query)
        finally:
            await connection.close()

    return asyncio.run(ask())


def test_the_durable_echo_keeps_what_it_echoes(empty_database_url: str, tmp_path: Path) -> None:
    target = durable_echo(empty_database_url, free_port())
    with running(target, tmp_path):
        report = flood(target, small(target))
    kept = row(empty_database_url, "SELECT count(*), count(DISTINCT frame), min(length(frame)) FROM durable_echo")
    assert report.messages > 0
    assert kept[0] == kept[1] == report.sent >= report.messages
    assert kept[2] == len(Purchases(1, first_stan=0, now=0.0).next(PanBook(1).pan(0), b"0" * 10))


def test_the_naive_switch_keeps_what_it_answers(empty_database_url: str, tmp_path: Path, key: bytes) -> None:
    asyncio.run(prepare(empty_database_url, CARDS, Tokens(key, SHARDS)))
    target = naive(empty_database_url, free_port())
    with running(target, tmp_path):
        report = flood(target, small(target))
    assert report.codes == {"00": report.messages}
    accounts = row(empty_database_url, "SELECT count(*), sum(visits), sum(points), sum(spend) FROM naive_account")
    kept = row(empty_database_url, "SELECT count(*), sum(points), sum(amount) FROM naive_journal")
    assert accounts[0] == CARDS
    assert kept[0] == report.sent >= report.messages > 0
    assert tuple(kept) == tuple(accounts)[1:]
    assert kept[1] == kept[0] * (AMOUNT_MINOR // MINOR_PER_POINT)


class Client(FrameServer):
    """Keeps what it is answered."""

    def __init__(self) -> None:
        super().__init__(lambda client, frame: None)
        self.answers: asyncio.Queue[Message] = asyncio.Queue()

    def answer(self, frame: bytes) -> None:
        self.answers.put_nowait(CODEC.decode(frame[LENGTH_BYTES:]))


async def test_the_naive_switch_knows_repeats_and_strangers(fresh_database_url: str, key: bytes) -> None:
    tokens = Tokens(key, SHARDS)
    await prepare(fresh_database_url, 2, tokens)
    await prepare(fresh_database_url, 3, tokens)
    book, client = PanBook(4), Client()
    async with asyncpg.create_pool(fresh_database_url, min_size=1, max_size=1) as pool:
        switch = Naive(pool, tokens)

        async def answered(serial: int, stan: int) -> Message:
            frame = bytes(Purchases(1, first_stan=stan, now=0.0).next(book.pan(serial), b"1118063005"))
            switch.on_frame(client, frame)
            return await asyncio.wait_for(client.answers.get(), 10)

        first = await answered(2, 1)
        assert (first.mti, first.fields[39], first.fields[11]) == ("0210", "00", "000002")
        assert (await answered(2, 1)).fields[39] == "94"
        assert (await answered(3, 5)).fields[39] == "14"
        assert (await answered(2, 2)).fields[54] == f"6002999C{2 * (AMOUNT_MINOR // MINOR_PER_POINT):012d}"


async def test_no_yardstick_runs_on_commits_that_may_be_lost(fresh_database_url: str) -> None:
    connection = await asyncpg.connect(fresh_database_url)
    await make_sure_of_durability(connection)
    await connection.execute("SET synchronous_commit = off")
    with pytest.raises(RuntimeError, match="synchronous_commit is off"):
        await make_sure_of_durability(connection)
    await connection.close()
