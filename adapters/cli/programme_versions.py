"""`programme submit`, `shadow`, `activate`, `withdraw`, `list`, `show`: the life of a programme's versions."""

from pathlib import Path
from typing import Annotated

import typer

from adapters.cli.database import Database, DataDir, on_database, one_sentence
from adapters.cli.options import ProgrammeName, user_option

app = typer.Typer()

Number = Annotated[int, typer.Argument(metavar="VERSION", help="The version's number.", min=1, show_default=False)]
User = Annotated[str, user_option("kept with the version. Who makes a version live is never who submitted it.")]


@app.command()
def submit(
    file: Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, show_default=False)],
    user: User,
    database: Database = None,
    data_dir: DataDir = None,
) -> None:
    """Keep FILE as the next draft of its programme. It decides nothing until it is put in shadow or made live."""
    with one_sentence():
        from adapters.postgres import programme_versions  # noqa: PLC0415
        from switch.programme import ProgrammeError  # noqa: PLC0415

        text = file.read_text(encoding="utf-8", errors="replace")
        try:
            name, version = on_database(
                database, data_dir, lambda url: programme_versions.submit(url, text, maker=user)
            )
        except ProgrammeError as fault:
            for problem in fault.problems:
                typer.echo(f"{file}:{problem.line}: {problem.path}: {problem.reason}", err=True)
            raise typer.Exit(1) from None
    typer.echo(f"{name} version {version} is a draft. Next: programme shadow {name} {version}, or, by somebody else,")
    typer.echo(f"programme activate {name} {version}")


@app.command()
def shadow(name: ProgrammeName, version: Number, database: Database = None, data_dir: DataDir = None) -> None:
    """Let a draft decide beside the live version, without effect; the metrics tell how often it differs and by what."""
    with one_sentence():
        from adapters.postgres import programme_versions  # noqa: PLC0415

        on_database(database, data_dir, lambda url: programme_versions.put_in_shadow(url, name, version))
    typer.echo(f"{name} version {version} is in shadow: see loyalty_shadow_decisions_total")


@app.command()
def activate(
    name: ProgrammeName, version: Number, user: User, database: Database = None, data_dir: DataDir = None
) -> None:
    """Make a draft or a shadow live. Running switches take it over within a second or two; no message is dropped."""
    with one_sentence():
        from adapters.postgres import programme_versions  # noqa: PLC0415

        on_database(database, data_dir, lambda url: programme_versions.activate(url, name, version, checker=user))
    typer.echo(f"{name} version {version} is live")


@app.command()
def withdraw(name: ProgrammeName, version: Number, database: Database = None, data_dir: DataDir = None) -> None:
    """Retire a draft or a shadow that will not be made live."""
    with one_sentence():
        from adapters.postgres import programme_versions  # noqa: PLC0415

        on_database(database, data_dir, lambda url: programme_versions.withdraw(url, name, version))
    typer.echo(f"{name} version {version} is retired")


@app.command(name="list")
def list_versions(
    name: Annotated[str | None, typer.Argument(metavar="PROGRAMME", help="Only this one.", show_default=False)] = None,
    database: Database = None,
    data_dir: DataDir = None,
) -> None:
    """Every version of every programme: its state, who made it, who checked it."""
    with one_sentence():
        from rich.console import Console  # noqa: PLC0415
        from rich.table import Table  # noqa: PLC0415

        from adapters.postgres import programme_versions  # noqa: PLC0415

        found = on_database(database, data_dir, lambda url: programme_versions.listed(url, name))
        table = Table(
            "programme", "version", "state", "made by", "made at (UTC)", "checked by", "live since (UTC)", "text"
        )
        for each in found:
            table.add_row(
                each.programme,
                str(each.version),
                each.state,
                each.made_by,
                f"{each.made_at:%Y-%m-%d %H:%M}",
                each.checked_by or "",
                f"{each.live_at:%Y-%m-%d %H:%M}" if each.live_at else "",
                each.source_hash[:12],
            )
        Console(highlight=False).print(table)


@app.command()
def show(name: ProgrammeName, version: Number, database: Database = None, data_dir: DataDir = None) -> None:
    """Print the text of a version as it was submitted."""
    with one_sentence():
        from adapters.postgres import programme_versions  # noqa: PLC0415

        text = on_database(database, data_dir, lambda url: programme_versions.source(url, name, version))
    typer.echo(text, nl=False)
