"""`report overview`, `rfm`, `by` and `spread`: what members of a programme did in a period."""

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from adapters.cli.database import EXIT_FAULT, Database, DataDir, one_sentence, settings_of
from adapters.cli.options import Html, ProgrammeName, Replica, day_option
from adapters.postgres.report_figures import Dimension

if TYPE_CHECKING:
    from adapters.cli.report_sheets import Sheet
    from adapters.postgres.connecting import Connection
    from adapters.postgres.report_figures import Scope

app = typer.Typer()

STANDARD_OUTPUT = "-"

First = Annotated[
    dt.datetime | None, day_option("--from", "First business date, YYYY-MM-DD. Default: 29 days before the last.")
]
Last = Annotated[
    dt.datetime | None,
    day_option("--to", "Last business date, YYYY-MM-DD. Default: today in the programme's time zone."),
]
Csv = Annotated[
    str | None,
    typer.Option("--csv", metavar="FILE", help="Write CSV there; -: to standard output.", show_default=False),
]
Timeout = Annotated[int, typer.Option(metavar="SECONDS", help="Give up a query after this long.", min=1, max=86_400)]
Smallest = Annotated[
    int, typer.Option(help="Members that a group has at least; smaller ones are put together as other.", min=1)
]
TIMEOUT_S = 300
SMALLEST = 5


@dataclass(frozen=True, slots=True)
class _Asked:
    """What every report is told: of what, from where and to where."""

    name: str
    first: dt.datetime | None
    last: dt.datetime | None
    csv: str | None
    html: Path | None
    replica: str | None
    timeout_s: int
    database: str | None
    data_dir: Path | None


@app.command()
def overview(
    name: ProgrammeName,
    first: First = None,
    last: Last = None,
    csv: Csv = None,
    html: Html = None,
    replica: Replica = None,
    timeout: Timeout = TIMEOUT_S,
    database: Database = None,
    data_dir: DataDir = None,
) -> None:
    """Visits, spend, members, points and what they are worth, credit, discount."""

    async def made(opened: "Connection", scope: "Scope") -> "Sheet":
        from adapters.cli import report_sheets  # noqa: PLC0415  # `--help` must not wait for a driver
        from adapters.postgres import reports  # noqa: PLC0415

        return report_sheets.overview_sheet(scope, await reports.overview(opened, scope))

    _report(made, _Asked(name, first, last, csv, html, replica, timeout, database, data_dir))


@app.command()
def rfm(
    name: ProgrammeName,
    first: First = None,
    last: Last = None,
    csv: Csv = None,
    html: Html = None,
    smallest: Smallest = SMALLEST,
    replica: Replica = None,
    timeout: Timeout = TIMEOUT_S,
    database: Database = None,
    data_dir: DataDir = None,
) -> None:
    """Members by how recently they came, how often, and for how much: champions, loyal, at risk, lost …"""

    async def made(opened: "Connection", scope: "Scope") -> "Sheet":
        from adapters.cli import report_sheets  # noqa: PLC0415
        from adapters.postgres import reports  # noqa: PLC0415

        segments = await reports.rfm(opened, scope, smallest=smallest)
        return report_sheets.rfm_sheet(scope, segments, smallest=smallest)

    _report(made, _Asked(name, first, last, csv, html, replica, timeout, database, data_dir))


@app.command()
def by(
    name: ProgrammeName,
    dimension: Annotated[Dimension, typer.Option(help="What to group by.", show_default=False)],
    first: First = None,
    last: Last = None,
    csv: Csv = None,
    html: Html = None,
    smallest: Smallest = SMALLEST,
    replica: Replica = None,
    timeout: Timeout = TIMEOUT_S,
    database: Database = None,
    data_dir: DataDir = None,
) -> None:
    """Members, visits, spend, mean basket, points and discount by age, region, hour, merchant …"""

    async def made(opened: "Connection", scope: "Scope") -> "Sheet":
        from adapters.cli import report_sheets  # noqa: PLC0415
        from adapters.postgres import reports  # noqa: PLC0415

        groups = await reports.by(opened, scope, dimension, smallest=smallest)
        return report_sheets.by_sheet(scope, dimension, groups, smallest=smallest)

    _report(made, _Asked(name, first, last, csv, html, replica, timeout, database, data_dir))


@app.command()
def spread(
    name: ProgrammeName,
    first: First = None,
    last: Last = None,
    csv: Csv = None,
    html: Html = None,
    smallest: Smallest = SMALLEST,
    replica: Replica = None,
    timeout: Timeout = TIMEOUT_S,
    database: Database = None,
    data_dir: DataDir = None,
) -> None:
    """How spend is spread over members and baskets: deciles, median, mean, the share of the top tenth."""

    async def made(opened: "Connection", scope: "Scope") -> "Sheet":
        from adapters.cli import report_sheets  # noqa: PLC0415
        from adapters.postgres import reports  # noqa: PLC0415

        found = await reports.spread(opened, scope, smallest=smallest)
        return report_sheets.spread_sheet(scope, found, smallest=smallest)

    _report(made, _Asked(name, first, last, csv, html, replica, timeout, database, data_dir))


def _report(made: "Callable[[Connection, Scope], Awaitable[Sheet]]", asked: _Asked) -> None:
    with one_sentence():
        from adapters.cli.databases import embedded_or_named  # noqa: PLC0415

        settings = settings_of(asked.database, asked.data_dir)
        with embedded_or_named(asked.replica or settings.database, settings.data_dir) as (url, _):
            sheet = asyncio.run(_read(url, made, asked))
        _put_out(sheet, asked)


async def _read(url: str, made: "Callable[[Connection, Scope], Awaitable[Sheet]]", asked: _Asked) -> "Sheet":
    from adapters.postgres import reports  # noqa: PLC0415

    async with reports.reading(url, timeout_s=asked.timeout_s) as opened:
        scope = await reports.scope_of(
            opened,
            asked.name,
            asked.first.date() if asked.first else None,
            asked.last.date() if asked.last else None,
            now=dt.datetime.now(dt.UTC),
        )
        return await made(opened, scope)


def _put_out(sheet: "Sheet", asked: _Asked) -> None:
    from adapters.cli import report_outputs  # noqa: PLC0415

    if asked.csv is None and asked.html is None:
        report_outputs.show(sheet)
    if asked.csv == STANDARD_OUTPUT:
        typer.echo(report_outputs.csv_text(sheet), nl=False)
    elif asked.csv is not None:
        # Spreadsheets take a file for UTF-8 only if it begins with a byte order mark.
        _write(Path(asked.csv), report_outputs.csv_text(sheet), encoding="utf-8-sig")
    if asked.html is not None:
        _write(asked.html, report_outputs.html_page(sheet), encoding="utf-8")


def _write(file: Path, text: str, *, encoding: str) -> None:
    try:
        file.write_text(text, encoding=encoding, newline="")
    except OSError as fault:
        typer.echo(f"{file} cannot be written: {(fault.strerror or 'no reason given').lower()}.", err=True)
        raise typer.Exit(EXIT_FAULT) from None
    typer.echo(f"wrote {file}", err=True)
