"""`member tag`: what a member is known for, such as ambassador."""

import asyncio
import sys
from typing import Annotated

import typer

from adapters.cli.database import Database, DataDir, one_sentence, settings_of
from adapters.cli.options import ProgrammeName

app = typer.Typer()

NUMBER_MAX = 64


@app.command()
def tag(
    programme: ProgrammeName,
    name: Annotated[
        str, typer.Argument(metavar="TAG", help="One of the programme's tags, such as ambassador.", show_default=False)
    ],
    remove: Annotated[bool, typer.Option("--remove", help="Take the tag off.")] = False,
    number: Annotated[
        str | None,
        typer.Option(
            "--number",
            help="Card or mobile number. Better without: it is read from standard input, or asked for and not shown.",
            show_default=False,
        ),
    ] = None,
    database: Database = None,
    data_dir: DataDir = None,
) -> None:
    """Tag the member of a card or mobile number, or take a tag off."""
    with one_sentence():
        from adapters.cli.databases import opened_database  # noqa: PLC0415  # `--help` must not wait for a driver
        from adapters.postgres.tags import set_tag  # noqa: PLC0415

        shown = number or _asked_for()
        with opened_database(settings_of(database, data_dir)) as opened:
            changed = asyncio.run(set_tag(opened.url, opened.token_key, programme, name, shown, on=not remove))
    done = "tag taken off" if remove else "tagged"
    typer.echo(done if changed else "nothing to change")


def _asked_for() -> str:
    """The number, from a terminal without showing it, or from what is piped in."""
    if sys.stdin.isatty():
        return str(typer.prompt("Card or mobile number", hide_input=True)).strip()
    return sys.stdin.read(NUMBER_MAX).strip()
