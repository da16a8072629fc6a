"""`migrate`, `load`, `seed`, `audit` and `explain`: the commands that work on the database and not on
messages.
"""

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

if TYPE_CHECKING:
    from switch.settings import Settings

app = typer.Typer()

Result = TypeVar("Result")

EXIT_BREACH = 1
EXIT_NOT_FOUND = 1
EXIT_FAULT = 2
BAZAAR = Path("examples/bazaar/programmes/bazaar.yaml")

Database = Annotated[
    str | None,
    typer.Option(
        help="PostgreSQL URL (15 to 18), postgresql://user:password@host:5432/database. "
        "Environment: DATABASE_URL or "
        "LOYALTY_DATABASE. Without one, the embedded server is used and started if need be.",
        show_default=False,
    ),
]
DataDir = Annotated[
    Path | None,
    typer.Option(help="Where the embedded server keeps its data. Environment: LOYALTY_DATA_DIR.", show_default=False),
]


@contextmanager
def one_sentence() -> Iterator[None]:
    """Faults as one sentence and exit code 2, never a traceback."""
    from pydantic import ValidationError  # noqa: PLC0415  # `--help` must not wait for it

    from switch.errors import SwitchError  # noqa: PLC0415

    try:
        yield
    except ValidationError as fault:
        for error in fault.errors(include_url=False, include_input=False):
            name = ".".join(str(part) for part in error["loc"]) or "settings"
            typer.echo(f"{name}: {error['msg']}", err=True)
        raise typer.Exit(EXIT_FAULT) from None
    except (SwitchError, ImportError) as fault:
        typer.echo(str(fault), err=True)
        raise typer.Exit(EXIT_FAULT) from None


def settings_of(database: str | None, data_dir: Path | None) -> "Settings":
    from switch.settings import load_settings  # noqa: PLC0415

    return load_settings(None, database=database, data_dir=data_dir)


def on_database(database: str | None, data_dir: Path | None, work: Callable[[str], Awaitable[Result]]) -> Result:
    """Run `work` with the URL of the database that is named, or of the embedded server."""
    from adapters.cli.databases import embedded_or_named  # noqa: PLC0415  # `--help` must not wait for a driver

    settings = settings_of(database, data_dir)
    with embedded_or_named(settings.database, settings.data_dir) as (url, _):

        async def run() -> Result:
            return await work(url)

        return asyncio.run(run())


@app.command()
def migrate(
    database: Database = None,
    shards: Annotated[
        int | None,
        typer.Option(
            help="Virtual shards of a new database; fixed for ever by the first run. Default 64.",
            min=1,
            max=4096,
        ),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Make the schema, or bring it up to this release. Running it again does nothing.

    With an embedded server, the server is made first if there is none.
    """
    with one_sentence():
        from adapters.cli.databases import embedded_or_named  # noqa: PLC0415
        from adapters.postgres import migrations, partitions  # noqa: PLC0415

        settings = settings_of(database, data_dir)
        with embedded_or_named(settings.database, settings.data_dir) as (url, _):
            applied = asyncio.run(migrations.migrate(url, shards=shards))
            asyncio.run(partitions.keep(url, dt.datetime.now(dt.UTC).date()))
    for name in applied:
        typer.echo(f"applied {name}")
    if not applied:
        typer.echo("the schema is up to date")


@app.command()
def load(
    directory: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="Where the files are.", exists=True, file_okay=False, show_default=False),
    ],
    database: Database = None,
    data_dir: DataDir = None,
) -> None:
    """Load institutions, merchants, terminals, programmes and cards from the files in DIR: all of it or
    nothing.

    institutions.yaml (institutions with their merchants), merchants.csv, terminals.csv, programmes/*.yaml and
    cards.csv; each may be left out. What is there already is updated; loading twice changes nothing. A
    programme that is there stays as it is. See examples/bazaar for each file's form.
    """
    with one_sentence():
        from adapters.cli.databases import opened_database  # noqa: PLC0415
        from adapters.postgres.loading import load as load_directory  # noqa: PLC0415

        with opened_database(settings_of(database, data_dir)) as opened:
            loaded = asyncio.run(load_directory(opened.url, opened.token_key, directory))
    counts = (
        f"{loaded.institutions} institutions, {loaded.merchants} merchants, {loaded.terminals} terminals, "
        f"{loaded.programmes} programmes, {loaded.cards} cards"
    )
    typer.echo(f"added or changed: {counts}")
    for note in loaded.notes:
        typer.echo(note)


@app.command()
def seed(
    cards: Annotated[int, typer.Option(help="Cards that there shall be.", min=0, max=1_000_000_000)] = 1_000,
    terminals: Annotated[int, typer.Option(help="Terminals that there shall be.", min=0, max=9_999_999)] = 200,
    programme: Annotated[
        Path | None,
        typer.Option(
            help=f"File of programme bazaar, if the database has none. Default {BAZAAR}.",
            exists=True,
            dir_okay=False,
            show_default=False,
        ),
    ] = None,
    database: Database = None,
    data_dir: DataDir = None,
) -> None:
    """Make synthetic cards and terminals, for tests and load. What is there already stays; only what is
    missing is added.

    Cards are BIN 603799, a nine-digit serial from 0 and the Luhn digit, all active in programme bazaar.
    Terminals are T0000001 and on, of merchant M00000000000001 at acquirer 581672. A million cards take
    seconds.
    """
    with one_sentence():
        from adapters.cli.database_screens import seeding_progress  # noqa: PLC0415
        from adapters.cli.databases import opened_database  # noqa: PLC0415
        from adapters.postgres.seeding import seed as seed_database  # noqa: PLC0415

        file = programme or (BAZAAR if BAZAAR.exists() else None)
        text = file.read_text(encoding="utf-8") if file else None
        with opened_database(settings_of(database, data_dir)) as opened, seeding_progress() as report:
            seeded = asyncio.run(
                seed_database(
                    opened.url,
                    opened.token_key,
                    cards=cards,
                    terminals=terminals,
                    programme_text=text,
                    report=report,
                )
            )
    typer.echo(f"added {seeded.cards} cards and {seeded.terminals} terminals")


@app.command()
def audit(database: Database = None, data_dir: DataDir = None) -> None:
    """Check that what is kept agrees with itself: the ledger's invariants I1 to I8. May run beside a busy
    switch.

    Prints a table of every check and the first rows that break one. Exit code 0: all hold; 1: one is broken;
    2: the database is out of reach.
    """
    with one_sentence():
        from adapters.cli.database_screens import show_findings  # noqa: PLC0415
        from adapters.cli.databases import embedded_or_named  # noqa: PLC0415
        from adapters.postgres.audit import audit as audit_database  # noqa: PLC0415

        settings = settings_of(database, data_dir)
        with embedded_or_named(settings.database, settings.data_dir) as (url, _):
            findings = asyncio.run(audit_database(url))
    show_findings(findings)
    if not all(finding.sound for finding in findings):
        raise typer.Exit(EXIT_BREACH)


@app.command()
def explain(
    rrn: Annotated[str, typer.Argument(metavar="RRN", help="Retrieval reference number (DE37), as on the receipt.")],
    terminal: Annotated[str | None, typer.Option(help="Only of this terminal (DE41).", show_default=False)] = None,
    date: Annotated[
        dt.datetime | None,
        typer.Option(help="Only sent on this date (DE7, UTC); quicker.", formats=["%Y-%m-%d"], show_default=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a list of objects.")] = False,
    database: Database = None,
    data_dir: DataDir = None,
) -> None:
    """Tell why a message was answered as it was: what was asked, decided and moved, which rules fired, which
    nearly did and what they lacked, the member's facts then, and the reply.

    Every message with the RRN is shown, newest first, with what it undoes and what undoes it. Exit code 1:
    none is known.
    """
    with one_sentence():
        from adapters.cli.database_screens import show_explained  # noqa: PLC0415
        from adapters.cli.databases import embedded_or_named  # noqa: PLC0415
        from adapters.cli.why_screens import as_json as explained_as_json  # noqa: PLC0415
        from adapters.postgres.explaining import explain as explain_rrn  # noqa: PLC0415

        settings = settings_of(database, data_dir)
        with embedded_or_named(settings.database, settings.data_dir) as (url, _):
            found = asyncio.run(explain_rrn(url, rrn, terminal=terminal, date=date.date() if date else None))
    if not found:
        typer.echo(
            "The journal has no message with this RRN; check it, or leave --terminal and --date out.",
            err=True,
        )
        raise typer.Exit(EXIT_NOT_FOUND)
    if as_json:
        typer.echo(explained_as_json(found))
    else:
        show_explained(found)
