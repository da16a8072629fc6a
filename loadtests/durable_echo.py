"""Yardstick 1, the durable echo: each frame is kept in PostgreSQL and sent back after the commit, and nothing
else.

It is the least that a durable switch of this build can do: same language, loop, framing and driver; no
decoding, no account, no decision. Frames gather while the last commit is in flight and go down by COPY on one
of two connections. `python -m loadtests.durable_echo --help`.
"""

import asyncio
from typing import Final

import asyncpg

from loadtests.yardstick import FrameServer, listen, make_sure_of_durability, run, until_told_to_stop

CONNECTIONS: Final = 2
TABLE: Final = "durable_echo"
SCHEMA: Final = f"CREATE TABLE IF NOT EXISTS {TABLE} (frame bytea NOT NULL)"
COLUMNS: Final = ("frame",)

Waiting = tuple[FrameServer, bytes]


class DurableEcho:
    """Gathers frames and commits them in groups."""

    def __init__(self) -> None:
        self._gathered: list[Waiting] = []
        self._idle: list[asyncio.Future[None]] = []

    def on_frame(self, client: FrameServer, frame: bytes) -> None:
        """Take a frame; it is echoed when it is durable."""
        self._gathered.append((client, frame))
        if self._idle:
            self._idle.pop().set_result(None)

    async def commit(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        """Commit what has gathered, echo it, and again; for ever."""
        loop = asyncio.get_running_loop()
        while True:
            if not self._gathered:
                idle = loop.create_future()
                self._idle.append(idle)
                await idle
            batch, self._gathered = self._gathered, []
            if batch:
                # COPY outside a transaction is one: it returns after its commit.
                await connection.copy_records_to_table(TABLE, records=[(frame,) for _, frame in batch], columns=COLUMNS)
                for client, frame in batch:
                    client.answer(frame)


async def serve(database: str, host: str, port: int) -> None:
    """Echo until told to stop.

    A connection to PostgreSQL that fails ends it: it is a yardstick, no service.
    """
    connections = [await asyncpg.connect(database) for _ in range(CONNECTIONS)]
    for connection in connections:
        await make_sure_of_durability(connection)
    await connections[0].execute(SCHEMA)
    echo = DurableEcho()
    server = await listen(echo.on_frame, host, port)
    committers = [asyncio.create_task(echo.commit(connection)) for connection in connections]
    stopped = asyncio.create_task(until_told_to_stop())
    done, _ = await asyncio.wait([*committers, stopped], return_when=asyncio.FIRST_COMPLETED)
    server.close()
    for task in (*committers, stopped):
        task.cancel()
    for connection in connections:
        connection.terminate()
    for task in done:
        task.result()


if __name__ == "__main__":
    run(__doc__, serve)
