"""What the two yardsticks share: `length2` framing over uvloop, durable commits made sure of, start and
stop.
"""

import argparse
import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import Final, cast

import asyncpg
import uvloop

from loadtests.frames import LENGTH_BYTES

BACKLOG: Final = 4_096
DURABLE: Final = ("synchronous_commit", "fsync", "full_page_writes")

Connection = asyncpg.Connection


class FrameServer(asyncio.Protocol):
    """Cuts the stream into frames, each with its two bytes of length, and hands them to `on_frame`."""

    __slots__ = ("_on_frame", "_partial", "transport")

    def __init__(self, on_frame: "Callable[[FrameServer, bytes], None]") -> None:
        self._on_frame = on_frame
        self._partial = b""
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport for the answers."""
        # Not an instance of it by inheritance: uvloop's transports only have its methods.
        self.transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Answer no more."""
        self.transport = None

    def data_received(self, data: bytes) -> None:
        """Hand over every whole frame; a frame of length 0 closes the connection, as in the switch."""
        if self._partial:
            data = self._partial + data
        start, size = 0, len(data)
        while size - start >= LENGTH_BYTES:
            length = data[start] << 8 | data[start + 1]
            if length == 0:
                if self.transport is not None:
                    self.transport.close()
                return
            end = start + LENGTH_BYTES + length
            if end > size:
                break
            self._on_frame(self, data if start == 0 and end == size else data[start:end])
            start = end
        self._partial = data[start:]

    def answer(self, frame: bytes) -> None:
        """Write a frame, unless the client has gone."""
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(frame)


async def make_sure_of_durability(connection: Connection) -> None:
    """RuntimeError if a commit on this connection may be lost in a crash: such a yardstick would measure
    nothing.
    """
    for setting in DURABLE:
        value = await connection.fetchval(f"SHOW {setting}")
        if value != "on":
            raise RuntimeError(f"{setting} is {value}: the bench compares durable commits only")


async def listen(on_frame: Callable[[FrameServer, bytes], None], host: str, port: int) -> asyncio.Server:
    """Open the listener."""
    loop = asyncio.get_running_loop()
    return await loop.create_server(lambda: FrameServer(on_frame), host, port, backlog=BACKLOG)


async def until_told_to_stop() -> None:
    """Wait for SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()


def run(description: str | None, serve: Callable[[str, str, int], Coroutine[None, None, None]]) -> None:
    """The command line of a yardstick: `serve(database, host, port)` until told to stop."""
    made = argparse.ArgumentParser(description=(description or "").partition("\n")[0])
    made.add_argument("--database", required=True, help="URL of the PostgreSQL to write to")
    made.add_argument("--host", default="127.0.0.1")
    made.add_argument("--port", type=int, default=8584)
    given = made.parse_args()
    uvloop.run(serve(given.database, given.host, given.port))
