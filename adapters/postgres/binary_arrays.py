"""Lets a lane's connection take array parameters, and give rows, in PostgreSQL's binary format as it stands.

asyncpg spends about 0.2 µs on each element of an array parameter; `cext._pgarray` makes the same bytes in 0.01 µs, and
a batch row has some fifty elements. It spends as much on each column of a result, so the accounts are selected as one
column, a `ROW`, that `cext._pgrows` reads. asyncpg's public `set_type_codec` refuses array types, so this one module
registers the codecs where `set_type_codec` itself would, and proves at once that they work: a release of asyncpg in
which they don't fails here, at connect, and not in the middle of a batch.
"""

import asyncpg

from cext import _pgarray, _pgrows
from switch.errors import StoreError

ARRAY_TYPES = {"_bytea": 1001, "_int2": 1005, "_int4": 1007, "_int8": 1016, "_date": 1182}
"""Array types and their OIDs, which are fixed in PostgreSQL's catalogue (`pg_type.dat`)."""
RECORD_OID = 2249
ROW_TYPES = ("account_change", "journal_entry")
"""The schema's composite types; their OIDs are the database's own."""


def _as_it_is(encoded: bytes) -> bytes:
    return encoded


async def take_encoded_arrays(connection: "asyncpg.Connection[asyncpg.Record]") -> dict[str, int]:
    """From now on array parameters of this connection are bytes made by `cext._pgarray`.

    Returns the OIDs of `ROW_TYPES`. Array results of these types come back as raw bytes too, and rows as accounts, so
    only lane connections are set so.
    """
    rows = await connection.fetch(
        "SELECT typname, oid::bigint, typarray::bigint FROM pg_type WHERE oid = ANY ($1::regtype[]::oid[])",
        ROW_TYPES,
    )
    arrays = ARRAY_TYPES | {f"_{row['typname']}": row["typarray"] for row in rows}
    settings = connection._protocol.get_settings()  # type: ignore[attr-defined]
    for name, oid in arrays.items():
        settings.add_python_codec(oid, name, "pg_catalog", [], "scalar", _as_it_is, _as_it_is, "binary")
    settings.add_python_codec(
        RECORD_OID, "record", "pg_catalog", [], "scalar", _as_it_is, _pgrows.account_state, "binary"
    )
    probe = await connection.fetchval(
        "SELECT string_agg(number::text, ',') FROM unnest($1::bigint[]) AS number",
        _pgarray.int8_array([7, -8]),
    )
    if probe != "7,-8":
        raise StoreError(
            f"asyncpg {asyncpg.__version__} does not take encoded arrays: install a version that pyproject.toml allows"
        )
    return {row["typname"]: row["oid"] for row in rows}
