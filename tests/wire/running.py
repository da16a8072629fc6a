"""A switch in a process of its own, and a till that talks to it."""

import datetime as dt
import itertools
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Self

from loadtests.ports import free_port
from protocol.codec import Codec, codec_for
from protocol.framing import framing_for
from protocol.message import Message
from switch.tokens import luhn_digit
from tests.conftest import TOKEN_KEY

START_TIMEOUT_S = 30.0
WORKERS_MAX = 4
ANSWER_TIMEOUT_S = 15.0
ACQUIRER = "581672"
_stans = itertools.count(1)


def card(serial: int) -> str:
    """A card that `seed` makes."""
    digits = f"603799{serial:09d}"
    return digits + luhn_digit(digits)


def message(
    mti: str = "0200",
    code: str = "000000",
    *,
    pan: str | None = None,
    amount: int = 500_000,
    stan: int | None = None,
    **more: str,
) -> Message:
    """A message of terminal T0000001; `more` sets data elements by name (`de48=…`), or leaves them out (`de2=""`)."""
    fields: dict[int, str | bytes] = {
        2: pan or card(0),
        3: code,
        4: f"{amount:012d}",
        7: f"{dt.datetime.now(dt.UTC):%m%d%H%M%S}",
        11: f"{next(_stans) if stan is None else stan:06d}",
        32: ACQUIRER,
        41: "T0000001",
        42: "M00000000000001",
        49: "364",
    }
    fields.update({int(name[2:]): value for name, value in more.items()})
    return Message(mti, {number: value for number, value in fields.items() if value != ""})


def changed(first: Message, mti: str | None = None, **more: str) -> Message:
    """A copy with another MTI or other data elements."""
    fields = {**first.fields, **{int(name[2:]): value for name, value in more.items()}}
    return Message(mti or first.mti, fields)


def original_of(first: Message) -> str:
    """DE90 for a message."""
    return f"{first.mti}{first.fields[11]}{first.fields[7]}{int(str(first.fields[32])):011d}{0:011d}"


class Till:
    """A blocking client."""

    def __init__(self, port: int, dialect: str = "iso87-ascii", framing: str = "length2", header: bytes = b"") -> None:
        self.codec: Codec = codec_for(dialect)
        self._framing = framing_for(framing)
        self._splitter = self._framing.splitter()
        self._header = header
        self._frames: list[tuple[bytes, bytes]] = []
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=ANSWER_TIMEOUT_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.socket.close()

    def send(self, sent: Message) -> None:
        self.socket.sendall(self._framing.wrap(self.codec.encode(sent), self._header))

    def send_frame(self, payload: bytes) -> None:
        self.socket.sendall(self._framing.wrap(payload, self._header))

    def hear(self) -> Message:
        return self.codec.decode(self.hear_frame())

    def hear_frame(self) -> bytes:
        while not self._frames:
            data = self.socket.recv(65_536)
            if not data:
                raise ConnectionError("the switch closed the connection")
            self._frames += self._splitter.feed(data)
        return self._frames.pop(0)[0]

    def ask(self, sent: Message) -> Message:
        self.send(sent)
        return self.hear()

    def closed(self) -> bool:
        """Whether the switch has closed the connection (waits for it)."""
        try:
            while self.socket.recv(65_536):
                pass
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False
        return True


class RunningSwitch:
    """`loyalty-switch serve` as a child process."""

    def __init__(self, url: str, *listeners: str, **environment: str) -> None:
        self.url = url
        self.metrics_port = free_port(WORKERS_MAX)
        specs = listeners or ("iso87-ascii/length2",)
        self.ports = [free_port() for _ in specs]
        self._specs = [f"127.0.0.1:{port}/{spec}" for port, spec in zip(self.ports, specs, strict=True)]
        self._environment = {**os.environ, "LOYALTY_TOKEN_KEY": TOKEN_KEY.hex(), **environment}
        self._extra: list[str] = []
        self.log = Path(tempfile.mkstemp(prefix="loyalty-switch-", suffix=".log")[1])
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def port(self) -> int:
        return self.ports[0]

    def with_arguments(self, *arguments: str) -> Self:
        self._extra = list(arguments)
        return self

    def start(self) -> Self:
        command = [sys.executable, "-m", "adapters.cli", "serve", "--database", self.url]
        for spec in self._specs:
            command += ["--listen", spec]
        command += ["--metrics", f"127.0.0.1:{self.metrics_port}", *self._extra]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, env=self._environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        self.wait_ready()
        return self

    def wait_ready(self) -> None:
        limit = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < limit:
            assert self.process is not None
            assert self.process.poll() is None, self.log.read_text()
            if self.get("/readyz")[0] == 200:
                return
            time.sleep(0.02)
        raise AssertionError(f"not ready in {START_TIMEOUT_S} s:\n{self.log.read_text()}")

    def get(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}{path}", timeout=5) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as fault:
            return fault.code, fault.read().decode()
        except OSError:
            return 0, ""

    def metric(self, name: str) -> float:
        """The sum of a metric's samples whose line begins with `name` (labels may be part of it)."""
        _, text = self.get("/metrics")
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(name))

    def wait_metric(self, name: str, at_least: float) -> None:
        limit = time.monotonic() + ANSWER_TIMEOUT_S
        while self.metric(name) < at_least:
            assert time.monotonic() < limit, f"{name} stays below {at_least}: {self.metric(name)}"
            time.sleep(0.02)

    def till(
        self, listener: int = 0, dialect: str = "iso87-ascii", framing: str = "length2", header: bytes = b""
    ) -> Till:
        return Till(self.ports[listener], dialect, framing, header)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def terminate(self, number: int = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(timeout=30)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process is not None and self.process.poll() is None:
            self.kill()
        if kind is not None:
            print(self.log.read_text()[-20_000:])
        self.log.unlink(missing_ok=True)
