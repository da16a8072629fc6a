"""Where a bench works: a folder of its own, and in it PostgreSQL with a database for each server that is measured."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import asyncpg
from rich.console import Console

from loadtests.servers import CLI, command

EXAMPLES: Final = Path(__file__).parent.parent / "examples"
BASE: Final = EXAMPLES / "bazaar"
FULL: Final = EXAMPLES / "bazaar-full"
OPEN_TO_ALL: Final = "/var/tmp"  # noqa: S108  # the folder made in it has a name that nobody can guess


@contextmanager
def workplace() -> Iterator[Path]:
    """A folder for PostgreSQL and the logs, deleted at the end; where another user may reach it, if we are
    root.
    """
    within = OPEN_TO_ALL if os.geteuid() == 0 else None
    place = Path(tempfile.mkdtemp(prefix="loyalty-bench-", dir=within))
    place.chmod(0o755)
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


async def make_database(url: str, name: str) -> None:
    """Make another database on the server of `url`."""
    await _execute(url, f'CREATE DATABASE "{name}"')


async def checkpoint(url: str) -> None:
    """Write everything down, so that the next run begins as the last one did."""
    await _execute(url, "CHECKPOINT")


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def prepare_switch(console: Console, database: str, *, cards: int, terminals: int) -> None:
    """Migrate, load the example whose programme is base accrual only, and seed its cards."""
    _prepare(console, database, BASE, ("--cards", str(cards), "--terminals", str(terminals)))


def prepare_full_switch(console: Console, database: str, folder: Path, *, cards: int, terminals: int) -> None:
    """The same cards, but in a programme with the rules of `examples/bazaar-full`. `folder` takes its text."""
    text = (FULL / "programmes" / "bazaar-full.yaml").read_text(encoding="utf-8")
    # Cards are seeded in the programme of this name.
    renamed = folder / "bazaar-full-as-bazaar.yaml"
    renamed.write_text(text.replace("programme: bazaar_full\n", "programme: bazaar\n"), encoding="utf-8")
    seeding = ("--cards", str(cards), "--terminals", str(terminals), "--programme", str(renamed))
    _prepare(console, database, FULL, seeding)


def _prepare(console: Console, database: str, example: Path, seeding: tuple[str, ...]) -> None:
    for what, arguments in (("migrate", ()), ("load", (str(example),)), ("seed", seeding)):
        console.print(f"loyalty-switch {what} ({example.name})")
        command(*CLI, what, *arguments, "--database", database, what=f"loyalty-switch {what}")
