"""Numbered SQL migrations and the runner that applies them, each once, in order, in a transaction of its own.

What was applied is kept with a checksum of its text: a migration is never edited after its release.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

from adapters.postgres.connecting import Connection, connection, maintenance
from adapters.postgres.errors import MigrationError
from switch.tokens import SHARDS_MAX

SHARDS_DEFAULT = 64
POSTGRES_MAJOR_MIN = 15

_FILE = re.compile(r"^(?P<number>\d{4})_[a-z0-9_]+\.sql$")
_TABLE = """
CREATE TABLE IF NOT EXISTS migration (
    number     integer PRIMARY KEY,
    name       text NOT NULL,
    checksum   text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE migration IS 'Changes of the schema that were applied, in order.';
COMMENT ON COLUMN migration.number IS 'Counts from 1.';
COMMENT ON COLUMN migration.name IS 'The file.';
COMMENT ON COLUMN migration.checksum IS 'SHA-256 of its text: it must not change afterwards.';
COMMENT ON COLUMN migration.applied_at IS 'When.';
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered file."""

    number: int
    name: str
    text: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the text, as hex."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def known() -> list[Migration]:
    """The migrations of this release, in order."""
    found = []
    for file in files(__name__).iterdir():
        match = _FILE.match(file.name)
        if match:
            found.append(Migration(int(match["number"]), file.name, file.read_text(encoding="utf-8")))
    return sorted(found, key=lambda migration: migration.number)


async def migrate(url: str, *, shards: int | None = None) -> list[str]:
    """Bring the database's schema up to this release; returns the names of what was applied.

    `shards` is fixed by the first run (64 unless given) and refused if it differs later. Raises
    `MigrationError` and `DatabaseUnreachable`.
    """
    async with connection(url, application="loyalty-switch migrate") as opened:
        major = opened.get_server_version().major
        if major < POSTGRES_MAJOR_MIN:
            raise MigrationError(f"PostgreSQL {major} is too old: {POSTGRES_MAJOR_MIN} or newer is needed.")
        async with maintenance(opened):
            await opened.execute(_TABLE)
            done = await _apply(opened, known())
            async with opened.transaction():
                await _make_shards(opened, shards)
            return done


async def pending(opened: Connection, migrations: Sequence[Migration] | None = None) -> list[Migration]:
    """What is still to be applied. Raises `MigrationError` if the database is not a forerunner of this
    release.
    """
    migrations = known() if migrations is None else migrations
    if await opened.fetchval("SELECT to_regclass('migration') IS NULL"):
        return list(migrations)
    applied = {row["number"]: row for row in await opened.fetch("SELECT number, name, checksum FROM migration")}
    by_number = {migration.number: migration for migration in migrations}
    for number, row in sorted(applied.items()):
        migration = by_number.get(number)
        if migration is None:
            raise MigrationError(
                f"The database has migration {row['name']}, which this release does not know: install the "
                "newer release."
            )
        if migration.checksum != row["checksum"]:
            raise MigrationError(
                f"Migration {migration.name} is not the one that was applied: its text was changed since. "
                "Restore the released file; a change of the schema is a new migration."
            )
    newest = max(applied, default=0)
    missing = [migration for migration in migrations if migration.number not in applied]
    if missing and missing[0].number < newest:
        raise MigrationError(
            f"Migration {missing[0].name} was never applied, though later ones were: restore a backup."
        )
    return missing


async def require_schema(opened: Connection) -> None:
    """Raise `MigrationError` unless the schema is the one that this release works with."""
    if await pending(opened):
        raise MigrationError("The database's schema is not up to date: run `loyalty-switch migrate` first.")


async def _apply(opened: Connection, migrations: Sequence[Migration]) -> list[str]:
    done = []
    for migration in await pending(opened, migrations):
        async with opened.transaction():
            await opened.execute(migration.text)
            await opened.execute(
                "INSERT INTO migration (number, name, checksum) VALUES ($1, $2, $3)",
                migration.number,
                migration.name,
                migration.checksum,
            )
        done.append(migration.name)
    return done


async def _make_shards(opened: Connection, wanted: int | None) -> None:
    kept = await opened.fetchval("SELECT value::integer FROM setting WHERE name = 'shards'")
    if kept is not None:
        if wanted not in (None, kept):
            raise MigrationError(f"This database was made with {kept} shards; that cannot be changed to {wanted}.")
        return
    shards = SHARDS_DEFAULT if wanted is None else wanted
    if not 1 <= shards <= SHARDS_MAX:
        raise MigrationError(f"The number of shards must be 1 to {SHARDS_MAX}, not {shards}.")
    await opened.execute("INSERT INTO setting (name, value) VALUES ('shards', $1)", str(shards))
    await opened.execute("INSERT INTO shard (shard) SELECT generate_series(0, $1::integer - 1)", shards)
