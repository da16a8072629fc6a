"""The journal's days: made ahead, made once, and made for rows that came too early."""

import asyncio
import datetime as dt

import asyncpg
import pytest

from adapters.postgres import partitions
from adapters.postgres.connecting import connection
from tests.adapters.postgres.ledger import DAY, open_ledger, post

pytestmark = [pytest.mark.integration, pytest.mark.handwritten_journal]

LEAP_DAY = dt.date(2028, 2, 29)


async def test_the_days_around_today_are_made_once(fresh_database_url: str) -> None:
    async with connection(fresh_database_url) as opened:
        made = await partitions.ensure(opened, DAY, behind=2, ahead=3)
        assert made == [f"journal_202611{day}" for day in range(21, 27)]
        assert await partitions.ensure(opened, DAY, behind=2, ahead=3) == []
        assert await partitions.ensure(opened, DAY + dt.timedelta(days=1), behind=2, ahead=3) == ["journal_20261127"]
        assert await partitions.days(opened) == [DAY + dt.timedelta(days=n) for n in range(4, -3, -1)]


async def test_over_a_connection_of_its_own(fresh_database_url: str) -> None:
    made = await partitions.keep(fresh_database_url, LEAP_DAY)
    assert len(made) == partitions.DAYS_BEHIND + 1 + partitions.DAYS_AHEAD
    assert "journal_20280229" in made
    assert "journal_20280301" in made


async def test_several_workers_at_once_make_each_day_once(fresh_database_url: str) -> None:
    made = await asyncio.gather(*(partitions.keep(fresh_database_url, DAY) for _ in range(4)))
    names = [name for worker in made for name in worker]
    assert len(names) == len(set(names)) == partitions.DAYS_BEHIND + 1 + partitions.DAYS_AHEAD


async def test_rows_go_to_their_day_and_strays_to_the_default(fresh_database_url: str) -> None:
    opened = await open_ledger(fresh_database_url)
    stray = DAY + dt.timedelta(days=100)
    await post(opened, sent_on=stray, key=303_100000_000001)
    where = "SELECT count(*) FROM {}"
    assert await opened.fetchval(where.format("journal_20261123")) == 11
    assert await opened.fetchval(where.format("journal_default")) == 1
    await opened.close()


async def test_strays_move_when_their_day_is_made(fresh_database_url: str) -> None:
    opened = await open_ledger(fresh_database_url)
    stray = DAY + dt.timedelta(days=100)
    await post(opened, sent_on=stray, key=303_100000_000001)
    assert await partitions.ensure(opened, stray, behind=0, ahead=0) == [f"journal_{stray:%Y%m%d}"]
    assert await opened.fetchval("SELECT count(*) FROM journal_default") == 0
    assert await opened.fetchval(f"SELECT count(*) FROM journal_{stray:%Y%m%d}") == 1
    await opened.close()


async def test_a_new_day_refuses_a_key_twice(fresh_database_url: str) -> None:
    opened = await open_ledger(fresh_database_url)
    with pytest.raises(asyncpg.UniqueViolationError):
        await post(opened, key=await opened.fetchval("SELECT min(key) FROM journal_20261123"))
    await opened.close()


async def test_a_lane_that_holds_the_journal_is_waited_for_and_not_broken(
    fresh_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partitions, "LOCK_WAIT_MS", 20)
    monkeypatch.setattr(partitions, "ATTEMPTS", 2)
    async with connection(fresh_database_url) as lane, connection(fresh_database_url) as keeper:
        async with lane.transaction():
            await lane.execute("LOCK TABLE journal_default IN ROW EXCLUSIVE MODE")
            with pytest.raises(asyncpg.LockNotAvailableError):
                await partitions.ensure(keeper, DAY, behind=0, ahead=0)
        assert await partitions.ensure(keeper, DAY, behind=0, ahead=0) == ["journal_20261123"]


async def test_prepared_statements_live_on_when_a_day_is_made(fresh_database_url: str) -> None:
    opened = await open_ledger(fresh_database_url)
    statement = await opened.prepare("SELECT count(*) FROM journal WHERE sent_on >= $1")
    assert await statement.fetchval(DAY) == 11
    async with connection(fresh_database_url) as keeper:
        await partitions.ensure(keeper, DAY, behind=3, ahead=3)
    assert await statement.fetchval(DAY) == 11
    await opened.close()
