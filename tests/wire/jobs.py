"""Runs jobs on the day of a story, beside its switch, as `loyalty-switch jobs run --clock message` does."""

import asyncio
import datetime as dt

from adapters.cli.databases import Opened
from adapters.cli.job_running import JOBS, Summary, run_jobs
from adapters.postgres import secrets
from adapters.postgres.jobs import Tally
from switch.settings import Settings
from tests.conftest import TOKEN_KEY


def run_on(url: str, day: dt.date, *jobs: str, lanes: int = 1) -> list[Summary]:
    """Run jobs, or all of them, on a day; noon (UTC) is now."""
    opened = Opened(url, "test", secrets.check(url, TOKEN_KEY), TOKEN_KEY)
    noon = dt.datetime.combine(day, dt.time(12), tzinfo=dt.UTC).timestamp()
    settings = Settings(database=url, lanes=lanes)
    return asyncio.run(run_jobs(opened, settings, jobs or JOBS, day=day, clock=lambda: noon))


def tally_of(url: str, day: dt.date, job: str) -> Tally:
    """What one job comes to in the first programme."""
    (summary,) = run_on(url, day, job)
    return summary.tally
