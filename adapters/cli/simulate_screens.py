"""What `simulate` and `uplift` show: a bar while they read, tables, one page of HTML that needs nothing else."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import files

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column, Table
from rich.text import Text

from adapters.cli.simulate_sheets import Asked, Sheet

PLAIN_WIDTH = 160
BAR_WIDTH = 400
_TEMPLATE = "simulate.html.j2"


def console() -> Console:
    """The terminal, or plain text of a fixed width."""
    made = Console(highlight=False)
    return made if made.is_terminal else Console(highlight=False, width=PLAIN_WIDTH)


@contextmanager
def reading_progress(expected: int) -> Iterator[Callable[[int], None]]:
    """A progress bar over the journal's rows; `expected` is the database's own estimate of all there are."""
    progress = Progress(
        TextColumn("replaying"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=Console(stderr=True)
    )  # fmt: skip
    task = progress.add_task("replaying", total=expected or None)

    def report(rows: int) -> None:
        progress.update(task, completed=rows, total=max(rows, expected) or None)

    with progress:
        yield report
        progress.update(task, total=progress.tasks[task].completed)


def show(title: str, subtitle: str, sheets: Sequence[Sheet], notes: Sequence[str]) -> None:
    """The sheets as tables."""
    out = console()
    out.print(Text(title, style="bold"))
    out.print(Text(subtitle))
    for sheet in sheets:
        if not sheet.rows:
            continue
        columns = [Column(name, justify="right") for name in sheet.columns]
        table = Table(sheet.of, *columns, title=sheet.title, title_justify="left", box=None, pad_edge=False)
        for row in sheet.rows:
            table.add_row(Text(row.label), *(Text(cell) for cell in row.cells))
        out.print()
        out.print(table)
    out.print()
    for note in notes:
        out.print(Text(note, style="dim"))


def html_page(asked: Asked, title: str, sheets: Sequence[Sheet], notes: Sequence[str]) -> str:
    """One page without scripts and without anything from elsewhere; every text is escaped."""
    from jinja2 import Environment, StrictUndefined  # noqa: PLC0415  # only a page waits for it

    source = files("adapters.cli").joinpath(_TEMPLATE).read_text(encoding="utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(source).render(
        title=title,
        subtitle=asked.subtitle,
        sheets=sheets,
        notes=notes,
        width=BAR_WIDTH,
        length=lambda value, most: max(0, value) * BAR_WIDTH // most if most > 0 else 0,
    )
