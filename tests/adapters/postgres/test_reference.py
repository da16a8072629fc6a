"""Reference data: read as one snapshot, versioned, cut over forwards only."""

# ruff: noqa: E501  # a row of a table reads best as one line

import asyncio
import datetime as dt

import pytest

from adapters.postgres import reference
from adapters.postgres.connecting import connection
from switch.errors import ConfigurationError
from tests.adapters.postgres.ledger import DAY, open_ledger

pytestmark = [pytest.mark.integration, pytest.mark.handwritten_journal]


async def test_an_empty_database_has_an_empty_directory(database_url: str) -> None:
    async with connection(database_url) as opened:
        directory = await reference.load(opened)
    assert directory.terminals == ()
    assert directory.terminal("581672", "T0000001") is None
    assert directory.version == 1


async def test_the_directory_is_what_the_tables_say(fresh_database_url: str) -> None:
    opened = await open_ledger(fresh_database_url)
    await opened.execute("UPDATE terminal SET status = 1 WHERE code = 'T0000002'")
    await opened.execute("INSERT INTO terminal (institution, merchant, code, status) VALUES (1, 1, 'T0000003', 2)")
    await opened.execute("INSERT INTO programme_partner (programme, institution, role) VALUES (1, 2, 'both')")
    directory = await reference.load(opened)
    await opened.close()
    terminal = directory.terminal("581672", "T0000001")
    assert terminal is not None
    assert (terminal.merchant_code, terminal.institution_id, terminal.category_id) == (
        "M00000000000001",
        1,
        1,
    )
    assert (terminal.timezone, terminal.business_date, terminal.status) == ("Asia/Tehran", None, 0)
    assert terminal.programme_name == "bazaar"
    blocked = directory.terminal("581672", "T0000002")
    assert blocked is not None
    assert blocked.status == 1
    assert directory.terminal("581672", "T0000003") is None, "a closed terminal is as good as unknown"
    (programme,) = directory.programmes
    assert (programme.name, programme.version, programme.owner_id) == ("bazaar", 1, 1)
    assert programme.source == "programme: bazaar"
    assert programme.participants == frozenset({1, 2})
    assert directory.identify("category", "grocery") == 1


async def test_only_the_live_version_counts(fresh_database_url: str) -> None:
    opened = await open_ledger(fresh_database_url)
    await opened.execute(
        """UPDATE programme_version SET state = 'retired';
           INSERT INTO programme_version SELECT programme, 2, 'live', 'new', 'h2', currency, point_value, true, rule_ids
             FROM programme_version;
           INSERT INTO programme_version SELECT programme, 3, 'shadow', 'newer', 'h3', currency, point_value, true, rule_ids
             FROM programme_version WHERE version = 1"""
    )
    directory = await reference.load(opened)
    await opened.close()
    assert [(programme.version, programme.source) for programme in directory.programmes] == [(2, "new")]


async def test_a_mobile_is_looked_up_in_the_own_programme_first(fresh_database_url: str) -> None:
    opened = await open_ledger(fresh_database_url)
    await opened.execute(
        """INSERT INTO programme (institution, name) VALUES (2, 'aryaclub');
           INSERT INTO programme_version SELECT 2, 1, 'live', source, source_hash, currency, point_value, false, rule_ids
             FROM programme_version;
           INSERT INTO programme_partner (programme, institution, role) VALUES (1, 2, 'both');
           INSERT INTO institution (code, name, title, kind, timezone) VALUES ('1', 'ALONE', 'Alone', 'bank', 'UTC')"""
    )
    programmes = (await reference.load(opened)).programmes
    await opened.close()
    assert reference.programme_of(2, programmes) == "aryaclub"
    assert reference.programme_of(1, programmes) == "bazaar"
    assert reference.programme_of(3, programmes) == ""


async def test_cut_over_goes_forward_only_and_says_so(fresh_database_url: str) -> None:
    opened = await open_ledger(fresh_database_url)
    before = await reference.version(opened)
    assert await reference.cut_over(opened, 2, DAY) == DAY
    assert await reference.version(opened) == before + 1
    earlier = DAY - dt.timedelta(days=3)
    assert await reference.cut_over(opened, 2, earlier) == DAY
    assert await reference.cut_over(opened, 2, DAY) == DAY
    assert await reference.version(opened) == before + 1
    assert await reference.cut_over(opened, 2, DAY + dt.timedelta(days=1)) == DAY + dt.timedelta(days=1)
    institution = (await reference.load(opened)).institution("639607")
    await opened.close()
    assert institution is not None
    assert institution.business_date == DAY + dt.timedelta(days=1)


async def test_cut_overs_at_once_end_at_the_latest(fresh_database_url: str) -> None:
    await (await open_ledger(fresh_database_url)).close()
    days = [DAY + dt.timedelta(days=n) for n in (3, 1, 4, 2)]

    async def cut_over(day: dt.date) -> None:
        async with connection(fresh_database_url) as opened:
            assert await reference.cut_over(opened, 1, day) >= day

    await asyncio.gather(*map(cut_over, days))
    async with connection(fresh_database_url) as opened:
        assert await opened.fetchval("SELECT business_date FROM institution WHERE id = 1") == max(days)


async def test_an_unknown_institution_cannot_cut_over(database_url: str) -> None:
    async with connection(database_url) as opened:
        with pytest.raises(ConfigurationError):
            await reference.cut_over(opened, 99, DAY)
