"""Where sheets go: a table on the screen, CSV, or one page of HTML that needs nothing else."""

import csv
import io
from dataclasses import dataclass
from importlib.resources import files
from typing import TextIO

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from adapters.cli.report_sheets import Cell, Chart, Quantity, Sheet, plain, readable

PLAIN_WIDTH = 160
BAR_WIDTH = 400
_TEMPLATE = "report.html.j2"
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a spreadsheet takes for the beginning of a formula, full-width forms included."""


def subtitle(sheet: Sheet) -> str:
    """What the sheet is of, in one line."""
    scope = sheet.scope
    return (
        f"{scope.programme}, business dates {scope.first} to {scope.last}, "
        f"money in minor units of currency {scope.currency:03d}"
    )


def show(sheet: Sheet) -> None:
    """A table on the terminal, the same as plain text elsewhere."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=PLAIN_WIDTH)
    console.print(Text(sheet.title, style="bold"))
    console.print(Text(subtitle(sheet)))
    if sheet.rows:
        sample = sheet.rows[0]
        columns = [
            Column(name, justify="right" if isinstance(cell, Quantity) else "left")
            for name, cell in zip(sheet.columns, sample, strict=True)
        ]
        table = Table(*columns, box=None, pad_edge=False)
        for row in sheet.rows:
            table.add_row(*(Text(_words(cell)) for cell in row))
        console.print(table)
    for note in sheet.notes:
        console.print(Text(note, style="dim"))


def csv_text(sheet: Sheet) -> str:
    """RFC 4180 with a line of names. Every line says programme and period, so that files can be put together."""
    written = io.StringIO()
    write_csv(sheet, written)
    return written.getvalue()


def write_csv(sheet: Sheet, to: TextIO) -> None:
    """Write what `csv_text` gives."""
    writer = csv.writer(to, lineterminator="\r\n")
    scope = sheet.scope
    writer.writerow(["programme", "from", "to", *sheet.columns])
    for row in sheet.rows:
        cells = (plain(cell) if isinstance(cell, Quantity) else guarded(cell) for cell in row)
        writer.writerow([guarded(scope.programme), scope.first, scope.last, *cells])


def guarded(text: str) -> str:
    """A text that no spreadsheet takes for a formula: one that would be is put behind an apostrophe."""
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar as the page draws it; `width` is of `BAR_WIDTH`."""

    label: str
    value: str
    width: int


def html_page(sheet: Sheet) -> str:
    """One page without scripts and without anything from elsewhere; every text is escaped."""
    from jinja2 import Environment, StrictUndefined  # noqa: PLC0415  # only a page waits for it

    source = files("adapters.cli").joinpath(_TEMPLATE).read_text(encoding="utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(source).render(
        title=sheet.title,
        subtitle=subtitle(sheet),
        columns=sheet.columns,
        rows=[[(_words(cell), isinstance(cell, Quantity)) for cell in row] for row in sheet.rows],
        charts=[(chart.title, bars_of(chart)) for chart in sheet.charts if chart.bars],
        notes=sheet.notes,
        bar_width=BAR_WIDTH,
    )


def bars_of(chart: Chart) -> list[Bar]:
    """The bars of a chart, the longest of full width; what is below zero has none, only its number."""
    longest = max((value for _, value in chart.bars), default=0)
    return [
        Bar(label, readable(Quantity(value, chart.unit)), max(0, value) * BAR_WIDTH // longest if longest > 0 else 0)
        for label, value in chart.bars
    ]


def _words(cell: Cell) -> str:
    return readable(cell) if isinstance(cell, Quantity) else cell
