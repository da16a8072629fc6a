"""The rows of a batch fit the composite types of the schema, and every lane statement prepares."""

import asyncpg
import pytest

from adapters.postgres.binary_arrays import ROW_TYPES, take_encoded_arrays
from adapters.postgres.queries import named
from cext.reference.pgrows import ACCOUNT_CHANGE, JOURNAL_ENTRY

pytestmark = pytest.mark.integration

KINDS = {"int8": "q", "int4": "i", "int2": "h", "date": "d", "text": "t", "bytea": "b", "tid": "p"}


@pytest.mark.parametrize(("name", "kinds"), [("account_change", ACCOUNT_CHANGE), ("journal_entry", JOURNAL_ENTRY)])
async def test_rows_have_the_fields_of_their_types(database_url: str, name: str, kinds: bytes) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        rows = await connection.fetch(
            "SELECT t.typname FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid"
            " WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
            name,
        )
    finally:
        await connection.close()
    assert "".join(KINDS[row["typname"]] for row in rows) == kinds.decode()


async def test_every_journal_column_is_written(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        columns = {
            row["attname"]
            for row in await connection.fetch(
                "SELECT attname FROM pg_attribute WHERE attrelid = 'journal'::regclass AND attnum > 0"
            )
        }
    finally:
        await connection.close()
    by_lanes, by_the_wide_lane = written("lane", "commit_batch"), written("wide", "add_row")
    assert by_lanes | by_the_wide_lane == columns
    assert columns - by_lanes == {"counterpart_shard", "counterpart_seq"}


def written(file: str, query: str) -> set[str]:
    """The columns of the journal that a statement fills."""
    insert = named(file)[query].partition("INSERT INTO journal (")[2].partition(")")[0]
    return {name.strip() for name in insert.split(",")}


async def test_lane_statements_prepare(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        oids = await take_encoded_arrays(connection)
        assert set(oids) == set(ROW_TYPES)
        for query in named("lane").values():
            await connection.prepare(query)
    finally:
        await connection.close()
