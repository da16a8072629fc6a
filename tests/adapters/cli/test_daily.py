"""Jobs that a serving switch runs by itself: when, and that a failure waits for the next day."""

import asyncio
import datetime as dt

import pytest

from adapters.cli import daily
from adapters.cli.daily import run_daily, seconds_until
from adapters.cli.databases import Opened
from adapters.cli.job_running import Summary
from adapters.postgres.errors import DatabaseUnreachable
from adapters.postgres.jobs import Tally
from switch.settings import Settings

TEHRAN = dt.timezone(dt.timedelta(hours=3, minutes=30))


@pytest.mark.parametrize(
    ("now", "seconds"),
    [("01:00:00", 9_000), ("03:29:59", 1), ("03:30:00", 86_400), ("03:30:01", 86_399), ("23:30:00", 14_400)],
)
def test_the_next_time(now: str, seconds: int) -> None:
    moment = dt.datetime.combine(dt.date(2026, 11, 23), dt.time.fromisoformat(now), tzinfo=TEHRAN)
    assert seconds_until(dt.time(3, 30), moment) == seconds


class EnoughError(Exception):
    """Two days have passed."""


async def test_a_day_that_failed_is_followed_by_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []
    slept: list[float] = []

    async def run(opened: Opened, settings: Settings) -> list[Summary]:
        ran.append(opened.url)
        if len(ran) == 1:
            raise DatabaseUnreachable("gone")
        return [Summary("upkeep", "bazaar", dt.date(2026, 11, 23), Tally(due=1, done=1))]

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            raise EnoughError

    monkeypatch.setattr(daily, "run_jobs", run)
    with pytest.raises(EnoughError):
        await run_daily(dt.time(3, 30), Opened("url", "test", 4, b""), Settings(), sleep)
    assert ran == ["url", "url"]
    assert all(0 < seconds <= 86_400 for seconds in slept)


async def test_it_ends_with_the_switch() -> None:
    task = asyncio.create_task(run_daily(dt.time(3, 30), Opened("url", "test", 4, b""), Settings()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("wrong", ["25:00", "noon", "3"])
def test_a_time_that_is_none(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOYALTY_JOBS_AT", wrong)
    with pytest.raises(ValueError, match="jobs_at"):
        Settings()


def test_a_time_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOYALTY_JOBS_AT", "03:30")
    assert Settings().jobs_at == dt.time(3, 30)
    with pytest.raises(ValueError, match="needs clock `wall`"):
        Settings(clock="message")
