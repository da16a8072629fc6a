"""The servers that are measured, each a process of its own, and the flood client that is another."""

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import create_connection
from time import monotonic, sleep
from typing import Final

from loadtests.flood import Plan, Report
from loadtests.latency import Latency

HOST: Final = "127.0.0.1"
START_TIMEOUT_S: Final = 60.0
STOP_TIMEOUT_S: Final = 30.0
FLOOD_MARGIN_S: Final = 90.0
POLL_S: Final = 0.05
LOG_TAIL_CHARACTERS: Final = 2_000
KEY_VARIABLE: Final = "LOYALTY_TOKEN_KEY"

CLI: Final = (sys.executable, "-c", "from adapters.cli import main; main()")
"""`loyalty-switch`, whether or not its script is on the path."""


class BenchError(Exception):
    """A part of the bench is missing or misbehaves: nothing is reported rather than something wrong."""


@dataclass(frozen=True, slots=True)
class Target:
    """A server to measure: how it is started, when it is up, and what a sound answer's DE39 is."""

    name: str
    command: tuple[str, ...]
    port: int
    is_up: Callable[[], bool]
    response_code: str


def accepts(port: int) -> bool:
    """Whether something accepts connections there."""
    try:
        create_connection((HOST, port), 1.0).close()
    except OSError:
        return False
    return True


def is_ready(metrics_port: int) -> bool:
    """Whether the switch says that it is ready."""
    try:
        with urllib.request.urlopen(f"http://{HOST}:{metrics_port}/readyz", timeout=2.0) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def durable_echo(database: str, port: int) -> Target:
    """Yardstick 1. Its answers have no DE39."""
    command = (sys.executable, "-m", "loadtests.durable_echo", "--database", database, "--port", str(port))
    return Target("durable_echo", command, port, lambda: accepts(port), "")


def naive(database: str, port: int) -> Target:
    """Yardstick 2."""
    command = (sys.executable, "-m", "loadtests.naive", "--database", database, "--port", str(port))
    return Target("naive", command, port, lambda: accepts(port), "00")


def switch(database: str, port: int, metrics_port: int) -> Target:
    """The switch with one worker and its defaults."""
    where = ("--listen", f"{HOST}:{port}", "--metrics", f"{HOST}:{metrics_port}")
    return Target("switch", (*CLI, "serve", "--database", database, *where), port, lambda: is_ready(metrics_port), "00")


@contextmanager
def running(target: Target, logs: Path) -> Iterator[int]:
    """Start a server, give its process id when it is up, and stop it.

    BenchError if it does not start or stop.
    """
    if accepts(target.port):
        raise BenchError(f"something else listens on port {target.port}, where {target.name} should")
    log = logs / f"{target.name}.log"
    with log.open("ab") as output:
        process = subprocess.Popen(target.command, stdout=output, stderr=subprocess.STDOUT)  # noqa: S603
    try:
        _wait_until_up(target, process, log)
        yield process.pid
        if process.poll() is not None:
            raise BenchError(f"{target.name} ended under load (exit code {process.returncode}): {_tail(log)}")
    finally:
        code = _stop(process)
    if code != 0:
        raise BenchError(f"{target.name} ended with exit code {code} when it was told to stop: {_tail(log)}")


def _wait_until_up(target: Target, process: "subprocess.Popen[bytes]", log: Path) -> None:
    last = monotonic() + START_TIMEOUT_S
    while not target.is_up():
        if process.poll() is not None:
            raise BenchError(f"{target.name} did not start (exit code {process.returncode}): {_tail(log)}")
        if monotonic() > last:
            raise BenchError(f"{target.name} was not up after {START_TIMEOUT_S:g} s: {_tail(log)}")
        sleep(POLL_S)


def _stop(process: "subprocess.Popen[bytes]") -> int:
    """The exit code; one that must be killed has a negative one."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        return process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-LOG_TAIL_CHARACTERS:].strip() or "it said nothing"


def command(*arguments: str, what: str) -> None:
    """Run something to its end. BenchError with what it said if it fails."""
    done = subprocess.run(  # noqa: S603  # our own commands
        arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode != 0:
        said = done.stdout[-LOG_TAIL_CHARACTERS:].strip()
        raise BenchError(f"{what} failed (exit code {done.returncode}): {said}")


def flood(target: Target, plan: Plan) -> Report:
    """Run the flood client on a target. BenchError if any answer is not what it must be."""
    arguments = [
        *("--host", plan.host, "--port", str(plan.port), "--connections", str(plan.connections)),
        *("--cards", str(plan.cards), "--seed", str(plan.seed), "--first-terminal", str(plan.first_terminal)),
        *("--warm-up", str(plan.warm_up_s), "--duration", str(plan.duration_s), "--json"),
        *(() if plan.rate is None else ("--rate", str(plan.rate))),
    ]
    done = subprocess.run(  # noqa: S603  # our own client
        [sys.executable, "-m", "loadtests.flood", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=plan.warm_up_s + plan.duration_s + plan.grace_s + FLOOD_MARGIN_S,
    )
    if not done.stdout.strip():
        raise BenchError(f"the flood on {target.name} reported nothing: {done.stderr[-LOG_TAIL_CHARACTERS:].strip()}")
    report = parsed(done.stdout)
    if not report.sound:
        raise BenchError(f"{target.name} lost or mixed up answers: {done.stdout.strip()}")
    if set(report.codes) != {target.response_code}:
        raise BenchError(f"{target.name} must answer {target.response_code or 'an echo'} only: {report.codes}")
    return report


def parsed(text: str) -> Report:
    """The report that the flood client printed as JSON."""
    found = json.loads(text)
    latency = found.pop("latency")
    return Report(latency=None if latency is None else Latency(**latency), **found)


def with_key(key: bytes) -> None:
    """Give every process that is started from here the key of the card tokens."""
    os.environ[KEY_VARIABLE] = key.hex()
