"""Starting, stopping and not believing: a bench that cannot measure says so."""

import socket
import sys
from pathlib import Path

import pytest

from loadtests.flood import Plan
from loadtests.ports import free_port
from loadtests.servers import (
    HOST,
    BenchError,
    Target,
    accepts,
    command,
    durable_echo,
    flood,
    is_ready,
    running,
)

LISTEN = """
import asyncio, signal, sys
async def main():
    stop = asyncio.Event()
    async def serve(reader, writer):
        data = await reader.read(65536)
        {answer}
    server = await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1]))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()
    {end}
asyncio.run(main())
"""


def python(answer: str = "writer.close()", end: str = "pass", code: str = "00") -> Target:
    port = free_port()
    program = LISTEN.format(answer=answer, end=end)
    return Target("fake", (sys.executable, "-c", program, str(port)), port, lambda: accepts(port), code)


def plan(target: Target) -> Plan:
    return Plan(HOST, target.port, connections=1, cards=1, warm_up_s=0.0, duration_s=0.1)


def test_a_server_runs_within_the_with_and_is_gone_after_it(tmp_path: Path) -> None:
    target = python()
    with running(target, tmp_path) as process:
        assert process > 0
        assert accepts(target.port)
    assert not accepts(target.port)


def test_what_does_not_start_is_told_with_its_last_words(tmp_path: Path) -> None:
    target = Target("broken", (sys.executable, "-c", "raise SystemExit('no such part')"), 1, lambda: False, "00")
    with pytest.raises(BenchError, match=r"broken did not start.*no such part"), running(target, tmp_path):
        pytest.fail("it cannot be up")


def test_what_ends_badly_is_told(tmp_path: Path) -> None:
    with (
        pytest.raises(BenchError, match="exit code 3 when it was told to stop"),
        running(python(end="sys.exit(3)"), tmp_path),
    ):
        pass


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    target = python()
    with (
        socket.create_server((HOST, target.port)),
        pytest.raises(BenchError, match="something else listens"),
        running(target, tmp_path),
    ):
        pytest.fail("it must not start")


def test_a_fault_within_the_with_is_not_hidden(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="mine"), running(python(end="sys.exit(3)"), tmp_path):
        raise KeyError("mine")


def test_unsound_answers_are_no_result(tmp_path: Path) -> None:
    target = python()
    with pytest.raises(BenchError, match="lost or mixed up answers"), running(target, tmp_path):
        flood(target, plan(target))


def test_answers_with_another_code_are_no_result(tmp_path: Path) -> None:
    echo = "\n        ".join(["while data:", "    writer.write(data)", "    data = await reader.read(65536)"])
    target = python(answer=echo, code="00")
    with pytest.raises(BenchError, match="must answer 00 only"), running(target, tmp_path):
        flood(target, plan(target))


def test_a_flood_on_nobody_is_no_result() -> None:
    target = durable_echo("postgresql://nowhere", free_port())
    with pytest.raises(BenchError, match=r"reported nothing.*cannot flood"):
        flood(target, plan(target))


def test_a_command_that_fails_is_told() -> None:
    command(sys.executable, "-c", "pass", what="nothing")
    with pytest.raises(BenchError, match=r"seeding failed \(exit code 1\): no programme"):
        command(sys.executable, "-c", "raise SystemExit('no programme')", what="seeding")


def test_nobody_is_not_ready() -> None:
    assert not is_ready(free_port())
