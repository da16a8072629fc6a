"""Processor time is counted where it is spent, and only while it is asked for."""

import subprocess
import sys

import pytest

from loadtests.cost import Spent, watching

BURN = """
import sys, time
print("up", flush=True)
sys.stdin.readline()
until = time.process_time() + {seconds}
while time.process_time() < until:
    pass
print("done", flush=True)
sys.stdin.readline()
"""


def burner(seconds: float, *through: str) -> "subprocess.Popen[str]":
    """A process that will burn so much, started by this program if one is given; it is up when this returns."""
    process = subprocess.Popen(
        [sys.executable, "-c", *through, BURN.format(seconds=seconds)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    hear(process, "up")
    return process


def hear(process: "subprocess.Popen[str]", word: str) -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == f"{word}\n"


def burn(process: "subprocess.Popen[str]") -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()
    hear(process, "done")


def test_each_is_told_what_it_spent_itself() -> None:
    with burner(0.5) as worker, burner(0.0) as database:
        with watching(worker.pid, database.pid) as spent:
            burn(worker)
        with watching(worker.pid, database.pid) as nothing:
            burn(database)
        for process in (worker, database):
            process.communicate("end\n")
    assert spent.server_s == pytest.approx(0.5, abs=0.15)
    assert spent.postgres_s < 0.2
    assert nothing.server_s < 0.2


def test_what_its_children_spend_counts() -> None:
    parent = "import subprocess, sys; sys.exit(subprocess.run([sys.executable, '-c', sys.argv[1]]).returncode)"
    with burner(0.4, parent) as process, burner(0.0) as other:
        with watching(process.pid, other.pid) as spent:
            burn(process)
        process.communicate("end\n")
        other.communicate("go\nend\n")
    assert spent.server_s > 0.25


def test_a_message_costs_its_share() -> None:
    assert Spent(server_s=2.0, postgres_s=0.5).microseconds_each(100_000) == pytest.approx((20.0, 5.0))
