"""`jobs run`, `jobs list`: what is due by the calendar, done through the same lanes as a sale."""

import asyncio
import datetime as dt
from collections.abc import Callable
from time import time
from typing import Annotated

import typer

from adapters.cli.database import Database, DataDir, on_database, one_sentence, settings_of

app = typer.Typer()

ALL = "all"
WALL, MESSAGE = "wall", "message"
EXIT_NOT_KNOWN = 1


@app.command()
def run(
    job: Annotated[
        str,
        typer.Option(
            metavar="JOB",
            help="upkeep, birthdays, payouts, expiry-notice, level, forgotten-mobiles, or all.",
            show_default=True,
        ),
    ] = ALL,
    programme: Annotated[str | None, typer.Option(help="Only this programme's members.", show_default=False)] = None,
    date: Annotated[
        dt.datetime | None,
        typer.Option(
            help="The day whose work is done; an earlier one catches up. Default: today in the programme's zone.",
            formats=["%Y-%m-%d"],
            show_default=False,
        ),
    ] = None,
    clock: Annotated[
        str,
        typer.Option(help="wall, or message: noon of --date (UTC) is now, for stories and tests only."),
    ] = "wall",
    database: Database = None,
    data_dir: DataDir = None,
) -> None:
    """Do what is due: points lapse, tier years end, birthdays are told, prizes and gifts are paid, notices are noted,
    budgets are levelled, what erasures keep for a while is deleted.

    It may be broken off and run again at any point, and beside another run: nothing happens twice. Exit code 0: all is
    done; 1: of some messages it is not known (the store was out of reach): run it again.
    """
    with one_sentence():
        from adapters.cli.databases import opened_database  # noqa: PLC0415  # `--help` must not wait for a driver
        from adapters.cli.extensions import require_compiled  # noqa: PLC0415
        from adapters.cli.job_running import FORGETTING, JOBS, run_jobs  # noqa: PLC0415
        from adapters.cli.job_screens import progress_shown, show_summaries  # noqa: PLC0415
        from adapters.cli.running import configure_logging  # noqa: PLC0415

        require_compiled()
        if job not in (ALL, *JOBS):
            raise typer.BadParameter(f"there is no job {job!r}: {', '.join(JOBS)} or {ALL}", param_hint="--job")
        if job == FORGETTING and programme is not None:
            raise typer.BadParameter(
                f"{FORGETTING} is for all programmes at once: leave it out", param_hint="--programme"
            )
        day, now = _day_and_clock(date, clock)
        configure_logging()
        settings = settings_of(database, data_dir)
        with opened_database(settings) as opened, progress_shown() as progress:
            summaries = asyncio.run(
                run_jobs(
                    opened, settings, JOBS if job == ALL else (job,), programme=programme, day=day, clock=now,
                    progress=progress,
                )
            )  # fmt: skip
    show_summaries(summaries)
    if any(summary.tally.unknown for summary in summaries):
        typer.echo("Of some messages it is not known what became of them: run it again.", err=True)
        raise typer.Exit(EXIT_NOT_KNOWN)


def _day_and_clock(date: dt.datetime | None, clock: str) -> tuple[dt.date | None, Callable[[], float]]:
    """The day that was asked for, and what time it is: a day to come is for stories only."""
    day = None if date is None else date.date()
    if clock == MESSAGE:
        if day is None:
            raise typer.BadParameter("with --clock message the day is that of --date: give it", param_hint="--date")
        noon = dt.datetime.combine(day, dt.time(12), tzinfo=dt.UTC).timestamp()
        return day, lambda: noon
    if clock != WALL:
        raise typer.BadParameter(f"a clock is {WALL} or {MESSAGE}", param_hint="--clock")
    if day is not None and day > dt.datetime.now(dt.UTC).date() + dt.timedelta(days=1):
        raise typer.BadParameter("that day is still to come", param_hint="--date")
    return day, time


@app.command(name="list")
def list_runs(database: Database = None, data_dir: DataDir = None) -> None:
    """Show the last runs and what came of them."""
    with one_sentence():
        from adapters.cli.job_screens import show_runs  # noqa: PLC0415
        from adapters.postgres import jobs  # noqa: PLC0415

        found = on_database(database, data_dir, jobs.runs)
    show_runs(found)
