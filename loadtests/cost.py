"""Processor time per message: of the server that is measured, and of PostgreSQL.

On a machine that others use as well, messages a second tell how busy they were; this tells what a message costs.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import psutil

MICROSECONDS: Final = 1e6


@dataclass(slots=True)
class Spent:
    """Seconds of processor time that a server and PostgreSQL took."""

    server_s: float = 0.0
    postgres_s: float = 0.0

    def microseconds_each(self, messages: int) -> tuple[float, float]:
        """What a message took of each, in µs."""
        return self.server_s / messages * MICROSECONDS, self.postgres_s / messages * MICROSECONDS


@contextmanager
def watching(server: int, postgres: int) -> Iterator[Spent]:
    """What the processes with these ids, and their children, spend while the `with` lasts.

    Children that end meanwhile are counted by neither, so none of those that matter may: the lanes' backends live as
    long as their worker.
    """
    spent = Spent()
    servers, databases = family(server), family(postgres)
    before = seconds(servers), seconds(databases)
    yield spent
    spent.server_s = seconds(servers) - before[0]
    spent.postgres_s = seconds(databases) - before[1]


def family(process: int) -> list[psutil.Process]:
    """A process and all that it started."""
    root = psutil.Process(process)
    return [root, *root.children(recursive=True)]


def seconds(processes: list[psutil.Process]) -> float:
    """User and system time of those that still run."""
    total = 0.0
    for process in processes:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total
