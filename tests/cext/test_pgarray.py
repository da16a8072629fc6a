"""The batch columns: compiled and reference give the same bytes, and PostgreSQL reads what was meant."""

import datetime as dt
from collections.abc import AsyncIterator
from types import ModuleType

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cext import _pgarray
from cext.reference import pgarray

SIZES = {"int8_array": 63, "int4_array": 31, "int2_array": 15}


@pytest.mark.parametrize(("name", "bits"), SIZES.items())
@given(data=st.data())
def test_integers_agree_with_the_reference(name: str, bits: int, data: st.DataObject) -> None:
    values = data.draw(st.lists(st.none() | st.integers(-(2**bits), 2**bits - 1)))
    assert getattr(_pgarray, name)(values) == getattr(pgarray, name)(values)


@given(st.lists(st.none() | st.binary(max_size=40)))
def test_bytea_agrees_with_the_reference(values: list[bytes | None]) -> None:
    assert _pgarray.bytea_array(values) == pgarray.bytea_array(values)


ROWS = st.tuples(
    *(st.none() | st.integers(-(2**bits), 2**bits - 1) for bits in (63, 31, 15)),
    st.none() | st.dates().map(dt.date.toordinal),
    st.none() | st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=20),
    st.none() | st.binary(max_size=40),
    st.none() | st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 2**16 - 1)),
)


@given(st.integers(0, 2**32 - 1), st.lists(ROWS, max_size=5))
def test_rows_agree_with_the_reference(oid: int, rows: list[tuple[object, ...]]) -> None:
    assert _pgarray.row_array(oid, b"qihdtbp", rows) == pgarray.row_array(oid, b"qihdtbp", rows)


@pytest.mark.parametrize("module", [_pgarray, pgarray])
@pytest.mark.parametrize(
    ("kinds", "row", "fault"),
    [
        (b"q", (2**63,), OverflowError),
        (b"i", (2**31,), OverflowError),
        (b"h", (-(2**15) - 1,), OverflowError),
        (b"q", ("1",), TypeError),
        (b"t", (b"x",), TypeError),
        (b"b", ("x",), TypeError),
        (b"p", (7,), TypeError),
        (b"qq", (1,), ValueError),
        (b"z", (1,), ValueError),
    ],
)
def test_a_row_that_does_not_fit_is_refused(
    module: ModuleType, kinds: bytes, row: tuple[object, ...], fault: type[Exception]
) -> None:
    with pytest.raises(fault):
        module.row_array(1, kinds, [row])


@given(st.lists(st.none() | st.dates()))
def test_dates_agree_with_the_reference(days: list[dt.date | None]) -> None:
    ordinals = [None if day is None else day.toordinal() for day in days]
    assert _pgarray.date_array(ordinals) == pgarray.date_array(ordinals)


@pytest.mark.parametrize("module", [_pgarray, pgarray])
@pytest.mark.parametrize(("name", "bits"), SIZES.items())
def test_a_value_that_does_not_fit_is_refused(module: ModuleType, name: str, bits: int) -> None:
    make = getattr(module, name)
    for value in (2**bits, -(2**bits) - 1):
        with pytest.raises(OverflowError):
            make([0, value])


@pytest.mark.parametrize("module", [_pgarray, pgarray])
@pytest.mark.parametrize("wrong", ["1", b"1", 1.5])
def test_a_value_of_another_type_is_refused(module: ModuleType, wrong: object) -> None:
    with pytest.raises(TypeError):
        module.int8_array([wrong])


@pytest.mark.integration
async def test_postgresql_reads_what_was_meant(database_url: str) -> None:
    columns = {
        "int8[]": (_pgarray.int8_array([1, None, -(2**63)]), "{1,NULL,-9223372036854775808}"),
        "int4[]": (_pgarray.int4_array([2, None, -1]), "{2,NULL,-1}"),
        "int2[]": (_pgarray.int2_array([-32768, 3]), "{-32768,3}"),
        "bytea[]": (_pgarray.bytea_array([b"\x00\xff", None, b""]), '{"\\\\x00ff",NULL,"\\\\x"}'),
        "date[]": (_pgarray.date_array([dt.date(2026, 11, 23).toordinal(), None]), "{2026-11-23,NULL}"),
    }
    connection = await asyncpg.connect(database_url)
    try:
        for kind, (encoded, text) in columns.items():
            # COPY in binary is the plainest way to hand PostgreSQL a value that is already encoded.
            await connection.execute(f"CREATE TEMP TABLE probe (value {kind})")
            head = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
            row = b"\x00\x01" + len(encoded).to_bytes(4, "big") + encoded
            await connection.copy_to_table("probe", source=_source(head + row + b"\xff\xff"), format="binary")
            assert await connection.fetchval("SELECT value::text FROM probe") == text
            await connection.execute("DROP TABLE probe")
    finally:
        await connection.close()


@pytest.mark.integration
async def test_postgresql_reads_rows(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute(
            "CREATE TYPE probe_row AS (q bigint, i integer, h smallint, d date, t text, b bytea, p tid)"
        )
        await connection.execute("CREATE TEMP TABLE probe (value probe_row[])")
        oid = await connection.fetchval("SELECT 'probe_row'::regtype::oid::bigint")
        rows = [(-1, 2, 3, dt.date(2026, 11, 23).toordinal(), "سلام", b"\x00\xff", (7, 2)), (None,) * 7]
        encoded = _pgarray.row_array(oid, b"qihdtbp", rows)
        head = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
        row = b"\x00\x01" + len(encoded).to_bytes(4, "big") + encoded
        await connection.copy_to_table("probe", source=_source(head + row + b"\xff\xff"), format="binary")
        read = await connection.fetch("SELECT (r).* FROM probe, unnest(value) AS r")
        assert tuple(read[0]) == (-1, 2, 3, dt.date(2026, 11, 23), "سلام", b"\x00\xff", (7, 2))
        assert tuple(read[1]) == (None,) * 7
    finally:
        await connection.close()


async def _source(data: bytes) -> AsyncIterator[bytes]:
    yield data
