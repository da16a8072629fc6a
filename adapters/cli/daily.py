"""The jobs that a serving switch runs by itself, once a day."""

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable, Sequence

import asyncpg
import structlog

from adapters.cli.databases import Opened
from adapters.cli.job_running import Summary, run_jobs
from switch.errors import SwitchError
from switch.settings import Settings

log = structlog.get_logger(__name__)

Sleep = Callable[[float], Awaitable[None]]


def seconds_until(at: dt.time, now: dt.datetime) -> float:
    """From a moment to the next time that the clock shows `at`, in the moment's own zone."""
    coming = dt.datetime.combine(now.date(), at, tzinfo=now.tzinfo)
    if coming <= now:
        coming += dt.timedelta(days=1)
    return (coming - now).total_seconds()


async def run_daily(at: dt.time, opened: Opened, settings: Settings, sleep: Sleep = asyncio.sleep) -> None:
    """Run all jobs whenever the machine's clock shows `at`. What goes wrong is logged, and tried the next day."""
    while True:
        await sleep(seconds_until(at, dt.datetime.now().astimezone()))
        try:
            _tell(await run_jobs(opened, settings))
        except (SwitchError, asyncpg.PostgresError) as fault:
            log.error("jobs_failed", reason=str(fault) if isinstance(fault, SwitchError) else type(fault).__name__)


def _tell(summaries: Sequence[Summary]) -> None:
    for each in summaries:
        tally = each.tally
        log.info(
            "job_done", job=each.job, programme=each.programme, due=tally.due, done=tally.done, before=tally.before,
            refused=tally.refused, unknown=tally.unknown,
        )  # fmt: skip
