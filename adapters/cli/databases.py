"""Which database a command works on: the one that is named, or the embedded server; and the key of its card tokens."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from switch.settings import Settings


@dataclass(frozen=True, slots=True)
class Opened:
    """A database that can be worked on. `token_key` is a secret and never shown."""

    url: str
    description: str
    shards: int
    token_key: bytes = field(repr=False)


@contextmanager
def opened_database(settings: Settings) -> Iterator[Opened]:
    """Open what the settings name; an embedded server that was started here is stopped at the end."""
    from adapters.postgres import secrets  # noqa: PLC0415  # `--help` must not wait for a driver

    with embedded_or_named(settings.database, settings.data_dir) as (url, data_dir):
        given = settings.token_key.get_secret_value() if settings.token_key is not None else None
        key = secrets.token_key(given, data_dir)
        shards = secrets.check(url, key)
        description = "embedded PostgreSQL" if data_dir is not None else "PostgreSQL"
        yield Opened(url, description, shards, key)


@contextmanager
def embedded_or_named(database: str | None, data_dir: Path | None) -> Iterator[tuple[str, Path | None]]:
    """The URL of the database, and the embedded server's folder if it is that one."""
    if database is not None:
        yield database, None
        return
    from adapters.postgres import embedded  # noqa: PLC0415

    server = embedded.start(data_dir)
    try:
        yield server.url, server.place
    finally:
        server.stop()
