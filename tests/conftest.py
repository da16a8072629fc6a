"""One embedded PostgreSQL for the whole run, and a fresh, migrated database for each module that asks for
one.
"""

import asyncio
import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from adapters.postgres import embedded
from adapters.postgres.embedded import EmbeddedServer
from adapters.postgres.migrations import migrate

TEMPLATE = "migrated"
TOKEN_KEY = bytes(range(32))
"""The key of the card tokens in every test."""

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def embedded_server() -> Iterator[EmbeddedServer]:
    """A server of the run's own, in a temporary place that is deleted at the end.

    Not under pytest's own directory: that is closed to others, and as root the server runs as another user.
    """
    place = Path(tempfile.mkdtemp(prefix="loyalty-test-", dir="/var/tmp" if os.geteuid() == 0 else None))
    place.chmod(0o755)
    server = embedded.start(place)
    try:
        _execute(server.url_of("postgres"), f'CREATE DATABASE "{TEMPLATE}"')
        asyncio.run(migrate(server.url_of(TEMPLATE)))
        yield server
    finally:
        server.shut_down()
        server.stop()
        shutil.rmtree(place)


@pytest.fixture(scope="module")
def database_url(embedded_server: EmbeddedServer) -> Iterator[str]:
    """The URL of a database with the schema and nothing else, fresh for each test module."""
    yield from _database(embedded_server, TEMPLATE)


@pytest.fixture
def fresh_database_url(embedded_server: EmbeddedServer) -> Iterator[str]:
    """The same, fresh for each test."""
    yield from _database(embedded_server, TEMPLATE)


@pytest.fixture
def empty_database_url(embedded_server: EmbeddedServer) -> Iterator[str]:
    """The URL of a database with nothing in it at all, fresh for each test."""
    yield from _database(embedded_server, "template0")


@pytest.fixture(scope="session")
def token_key() -> bytes:
    """The key of the card tokens in every test."""
    return TOKEN_KEY


def _database(server: EmbeddedServer, template: str) -> Iterator[str]:
    name = f"test_{next(_numbers)}"
    maintenance = server.url_of("postgres")
    # Copying the files is quicker than logging every page of the template.
    _execute(maintenance, f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy')
    try:
        yield server.url_of(name)
    finally:
        _execute(maintenance, f'DROP DATABASE "{name}" WITH (FORCE)')


def _execute(url: str, statement: str) -> None:
    async def execute() -> None:
        connection = await asyncpg.connect(url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(execute())
