"""What the job commands show: a bar while they run, tables of what came of it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Column, Table

from adapters.cli.job_running import Progress as Shown
from adapters.cli.job_running import Summary
from adapters.postgres.jobs import Run, Tally

PLAIN_WIDTH = 160
FOR_ALL = "all"
"""Stands for the programme of what is for all of them."""
_COUNTS = ("looked at", "due", "done", "done before", "refused", "not known")


def _console() -> Console:
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=PLAIN_WIDTH)


@contextmanager
def progress_shown() -> Iterator[Shown]:
    """A bar for each job, on a terminal's standard error; elsewhere nothing."""
    console = Console(stderr=True, highlight=False)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bars:
        known: dict[tuple[str, str | None], TaskID] = {}

        def show(job: str, programme: str | None, tally: Tally, accounts: int) -> None:
            if (job, programme) not in known:
                known[job, programme] = bars.add_task(f"{job} of {programme or FOR_ALL}", total=accounts)
            bars.update(known[job, programme], completed=tally.looked_at)

        yield show


def show_summaries(summaries: Sequence[Summary]) -> None:
    """A line for each job and programme."""
    table = _table("job", "programme", "day")
    for each in summaries:
        table.add_row(each.job, each.programme or FOR_ALL, str(each.day), *_counts(each.tally))
    _console().print(table)


def show_runs(runs: Sequence[Run]) -> None:
    """The last runs; one that did not end has no time of its end."""
    table = _table("began (UTC)", "ended (UTC)", "job", "programme", "day")
    for run in runs:
        ended = "–" if run.ended_at is None else f"{run.ended_at:%H:%M:%S}"
        began = f"{run.started_at:%Y-%m-%d %H:%M:%S}"
        table.add_row(began, ended, run.job, run.programme or FOR_ALL, str(run.day), *_counts(run.tally))
    _console().print(table)


def _table(*names: str) -> Table:
    return Table(*names, *(Column(name, justify="right") for name in _COUNTS), box=None, pad_edge=False)


def _counts(tally: Tally) -> list[str]:
    counts = (tally.looked_at, tally.due, tally.done, tally.before, tally.refused, tally.unknown)
    return [f"{count:,}" for count in counts]
