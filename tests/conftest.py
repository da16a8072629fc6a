"""One embedded PostgreSQL for the whole run, and a fresh, migrated database for each module that asks for
one; and how Hypothesis tries.

What a test leaves in the journal of its database is decided again at the end, and must come to the same (I9).
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
from hypothesis import settings

from adapters.postgres import embedded
from adapters.postgres.embedded import EmbeddedServer
from adapters.postgres.migrations import migrate
from tests.replays import journal_differences

TEMPLATE = "migrated"
TOKEN_KEY = bytes(range(32))
"""The key of the card tokens in every test."""

HANDWRITTEN = "handwritten_journal"
"""The marker of tests whose journal no switch wrote."""

settings.register_profile("default", deadline=None, print_blob=True)
# A gate must not fail for what a change did not do: it tries the same examples each time. New ones are for whoever
# develops, and for the nightly targets (`make fuzz`, `make ledger`).
settings.register_profile("ci", deadline=None, print_blob=True, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")

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
def database_url(embedded_server: EmbeddedServer, request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a database with the schema and nothing else, fresh for each test module; replayed at its end."""
    yield from _database(embedded_server, TEMPLATE, replay=not _is_handwritten(request))


@pytest.fixture
def fresh_database_url(embedded_server: EmbeddedServer, request: pytest.FixtureRequest) -> Iterator[str]:
    """The same, fresh for each test."""
    yield from _database(embedded_server, TEMPLATE, replay=not _is_handwritten(request))


@pytest.fixture
def empty_database_url(embedded_server: EmbeddedServer) -> Iterator[str]:
    """The URL of a database with nothing in it at all, fresh for each test."""
    yield from _database(embedded_server, "template0")


@pytest.fixture(scope="session")
def token_key() -> bytes:
    """The key of the card tokens in every test."""
    return TOKEN_KEY


def _is_handwritten(request: pytest.FixtureRequest) -> bool:
    return request.node.get_closest_marker(HANDWRITTEN) is not None


def _database(server: EmbeddedServer, template: str, *, replay: bool = False) -> Iterator[str]:
    name = f"test_{next(_numbers)}"
    maintenance = server.url_of("postgres")
    # Copying the files is quicker than logging every page of the template.
    _execute(maintenance, f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy')
    try:
        yield server.url_of(name)
        if replay:
            different = asyncio.run(journal_differences(server.url_of(name)))
            assert not different, different
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
