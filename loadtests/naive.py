"""Yardstick 2, the naive switch: what one writes first, one transaction a message.

Decode, then BEGIN, SELECT FOR UPDATE, UPDATE, INSERT, COMMIT over a pool of 20 connections, then encode the
reply. It is fair to itself: the compiled codec, prepared statements (asyncpg keeps them), keys in place,
commits as durable as the switch's, and no reset of the connection between two messages (four more statements,
which asyncpg's pool sends unless told otherwise). `python -m loadtests.naive --help`.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Iterator
from typing import Final

import asyncpg
import uvloop

from adapters.postgres.seeding import CardNumbers
from loadtests.frames import DIALECT, LENGTH_BYTES
from loadtests.yardstick import FrameServer, listen, make_sure_of_durability, until_told_to_stop
from protocol.codec import codec_for
from protocol.codes import ResponseCode
from protocol.message import Message
from switch.tokens import Tokens

POOL: Final = 20
MINOR_PER_POINT: Final = 100_000
SHARDS: Final = 64
COPY_CHUNK: Final = 50_000
ECHOED: Final = (2, 3, 4, 7, 11, 12, 13, 32, 37, 41, 42, 49)

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS naive_account (
    token bytea PRIMARY KEY,
    points bigint NOT NULL DEFAULT 0,
    spend bigint NOT NULL DEFAULT 0,
    visits bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 80);
CREATE TABLE IF NOT EXISTS naive_journal (
    terminal text NOT NULL,
    sent_at text NOT NULL,
    stan text NOT NULL,
    token bytea NOT NULL,
    amount bigint NOT NULL,
    points bigint NOT NULL,
    balance bigint NOT NULL,
    response_code text NOT NULL,
    PRIMARY KEY (sent_at, stan, terminal)
);
"""
SELECT: Final = "SELECT points, spend, visits FROM naive_account WHERE token = $1 FOR UPDATE"
UPDATE: Final = "UPDATE naive_account SET points = $2, spend = $3, visits = $4 WHERE token = $1"
INSERT: Final = "INSERT INTO naive_journal VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"

Pool = asyncpg.Pool


class Naive:
    """One transaction a message."""

    def __init__(self, pool: Pool, tokens: Tokens) -> None:
        self._pool = pool
        self._tokens = tokens
        self._codec = codec_for(DIALECT)
        self._tasks: set[asyncio.Task[None]] = set()

    def on_frame(self, client: FrameServer, frame: bytes) -> None:
        """Serve a frame in a task of its own."""
        task = asyncio.create_task(self._serve(client, frame))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, client: FrameServer, frame: bytes) -> None:
        message = self._codec.decode(frame[LENGTH_BYTES:])
        reply = self._codec.encode(await self._decide(message))
        client.answer(len(reply).to_bytes(LENGTH_BYTES, "big") + reply)

    async def _decide(self, message: Message) -> Message:
        fields = {number: value for number, value in message.fields.items() if isinstance(value, str)}
        token = self._tokens.card(fields[2]).bytes
        amount = int(fields[4])
        response_code, balance = ResponseCode.APPROVED, 0
        async with self._pool.acquire() as connection:
            try:
                async with connection.transaction():
                    account = await connection.fetchrow(SELECT, token)
                    if account is None:
                        response_code = ResponseCode.UNKNOWN_CARD
                    else:
                        points = amount // MINOR_PER_POINT
                        balance = account["points"] + points
                        spend, visits = account["spend"] + amount, account["visits"] + 1
                        await connection.execute(UPDATE, token, balance, spend, visits)
                        key = (fields[41], fields[7], fields[11])
                        await connection.execute(INSERT, *key, token, amount, points, balance, response_code)
            except asyncpg.UniqueViolationError:
                response_code = ResponseCode.DUPLICATE_KEY
        answer: dict[int, str | bytes] = {number: fields[number] for number in ECHOED if number in fields}
        answer[39] = response_code
        if response_code == ResponseCode.APPROVED:
            answer[38] = fields[11]
            answer[54] = f"6002999C{balance:012d}"
        return Message("0210", answer)


async def prepare(database: str, cards: int, tokens: Tokens) -> None:
    """Make the tables and the first `cards` synthetic cards, unless they are there."""
    connection = await asyncpg.connect(database)
    try:
        await make_sure_of_durability(connection)
        await connection.execute(SCHEMA)
        there = await connection.fetchval("SELECT count(*) FROM naive_account")
        number = CardNumbers().number

        def rows(serials: range) -> Iterator[tuple[bytes]]:
            for serial in serials:
                yield (tokens.card(number(serial)).bytes,)

        for start in range(there, cards, COPY_CHUNK):
            chunk = range(start, min(start + COPY_CHUNK, cards))
            await connection.copy_records_to_table("naive_account", records=rows(chunk), columns=("token",))
        await connection.execute("VACUUM (ANALYZE) naive_account")
    finally:
        await connection.close()


async def _no_reset(_connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """A transaction leaves nothing behind on the connection."""


async def serve(database: str, host: str, port: int, tokens: Tokens) -> None:
    """Answer until told to stop."""
    async with asyncpg.create_pool(
        database, min_size=POOL, max_size=POOL, init=make_sure_of_durability, reset=_no_reset
    ) as pool:
        server = await listen(Naive(pool, tokens).on_frame, host, port)
        await until_told_to_stop()
        server.close()
        pool.terminate()


def main() -> int:
    """The command line; the key of the tokens is in LOYALTY_TOKEN_KEY, as for the switch."""
    description = (__doc__ or "").partition("\n")[0]
    made = argparse.ArgumentParser(prog="python -m loadtests.naive", description=description)
    add = made.add_argument
    add("--database", required=True, help="URL of the PostgreSQL to write to")
    add("--host", default="127.0.0.1")
    add("--port", type=int, default=8585)
    add("--prepare", type=int, metavar="CARDS", help="make the tables and so many cards, and end")
    given = made.parse_args()
    key = os.environ.get("LOYALTY_TOKEN_KEY")
    if key is None:
        print("set LOYALTY_TOKEN_KEY to the hex key that the cards were seeded with", file=sys.stderr)
        return 2
    tokens = Tokens(bytes.fromhex(key), SHARDS)
    if given.prepare is not None:
        uvloop.run(prepare(given.database, given.prepare, tokens))
    else:
        uvloop.run(serve(given.database, given.host, given.port, tokens))
    return 0


if __name__ == "__main__":
    sys.exit(main())
