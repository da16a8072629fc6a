"""`draw close`, `reveal`, `show`, `list`, `tickets`, `code`: draws that anyone can check."""

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer

from adapters.cli.database import EXIT_FAULT, EXIT_NOT_FOUND, Database, DataDir, on_database, one_sentence, settings_of
from adapters.cli.options import OnlyProgramme, ProgrammeName, file_option, user_option

app = typer.Typer()

Name = Annotated[
    str, typer.Argument(metavar="DRAW", help="The draw, as the programme's rules name it.", show_default=False)
]
User = Annotated[str, user_option("kept with the draw. Who reveals a draw is never who closed it.")]


@app.command()
def close(
    programme: ProgrammeName,
    draw: Name,
    prizes: Annotated[
        Path,
        typer.Option(
            metavar="FILE", exists=True, dir_okay=False, help="What is drawn for: prizes.yaml.", show_default=False
        ),
    ],
    user: User,
    database: Database = None,
    data_dir: DataDir = None,
) -> None:
    """Take the tickets of this moment, seal a secret seed, and print what is to be published.

    A draw is closed once; tickets that are earned later don't count. Sales go on meanwhile.
    """
    with one_sentence():
        from adapters.postgres import draws  # noqa: PLC0415  # `--help` must not wait for a driver
        from adapters.postgres.draw_prizes import read_terms  # noqa: PLC0415

        terms = read_terms(prizes)
        closed = on_database(database, data_dir, lambda url: draws.close(url, programme, draw, terms, user=user))
    announced = closed.announced
    typer.echo(f"{draw} of {programme} is closed: {announced.tickets} tickets of {announced.members} members")
    typer.echo(f"list        {announced.list_sha256}")
    typer.echo(f"commitment  {announced.commitment}")
    typer.echo("Publish now: draw tickets (--csv) and draw show (--json). Then, by somebody else: draw reveal.")


@app.command()
def reveal(
    programme: ProgrammeName,
    draw: Name,
    user: User,
    public_entropy: Annotated[
        str,
        typer.Option(
            metavar="TEXT",
            help="The public value that was announced at the close, for a draw that mixes one in.",
            show_default=False,
        ),
    ] = "",
    database: Database = None,
    data_dir: DataDir = None,
) -> None:
    """Show the seed and who won. Once a draw is revealed, the same command shows the same again."""
    with one_sentence():
        from adapters.cli.draw_screens import show_draw  # noqa: PLC0415
        from adapters.postgres import draws  # noqa: PLC0415

        found, is_new = on_database(
            database,
            data_dir,
            lambda url: draws.reveal(url, programme, draw, user=user, public_entropy=public_entropy),
        )
        if not is_new:
            typer.echo(f"{draw} of {programme} was revealed before; nothing is changed")
        show_draw(found)


@app.command()
def show(
    programme: ProgrammeName,
    draw: Name,
    json_file: Annotated[Path | None, file_option("--json", "Write what the public is told here.")] = None,
    database: Database = None,
    data_dir: DataDir = None,
) -> None:
    """Show a draw with its prizes, and whom they are owed to; or write what is to be published.

    The seed is shown only after the reveal.
    """
    with one_sentence():
        from adapters.cli.draw_screens import show_draw  # noqa: PLC0415
        from adapters.postgres import draws  # noqa: PLC0415
        from switch.draws import published  # noqa: PLC0415

        found = on_database(database, data_dir, lambda url: draws.show(url, programme, draw))
        if json_file is None:
            show_draw(found)
        else:
            told = json.dumps(published(found.announced, found.outcome), ensure_ascii=False, indent=2)
            _write(json_file, f"{told}\n".encode())


@app.command()
def tickets(
    programme: ProgrammeName,
    draw: Name,
    csv: Annotated[Path, typer.Option(metavar="FILE", dir_okay=False, help="Write the list here.", show_default=False)],
    database: Database = None,
    data_dir: DataDir = None,
) -> None:
    """Write the ticket list as it is published: first,last,member_code. Its SHA-256 is the one that `close` printed."""
    with one_sentence():
        from adapters.postgres import draws  # noqa: PLC0415

        listed = on_database(database, data_dir, lambda url: draws.tickets(url, programme, draw))
    _write(csv, b"".join(listed.lines()))
    typer.echo(f"{listed.tickets} tickets of {len(listed.entries)} members, SHA-256 {listed.sha256()}")


@app.command()
def code(programme: ProgrammeName, draw: Name, database: Database = None, data_dir: DataDir = None) -> None:
    """Tell a member's code and tickets, by a card number or mobile number that is asked for and not shown.

    Exit code 1: the list has nobody with it.
    """
    shown = typer.prompt("Card or mobile number", hide_input=True)
    with one_sentence():
        from adapters.cli.databases import opened_database  # noqa: PLC0415
        from adapters.postgres import draws  # noqa: PLC0415

        with opened_database(settings_of(database, data_dir)) as opened:
            entry = asyncio.run(draws.tickets_of(opened.url, opened.token_key, programme, draw, shown))
    if entry is None:
        typer.echo(f"The list of {draw} has no tickets of this member.", err=True)
        raise typer.Exit(EXIT_NOT_FOUND)
    typer.echo(f"{entry.member_code}: tickets {entry.first} to {entry.last}, {entry.tickets} in all")


@app.command(name="list")
def list_draws(
    programme: OnlyProgramme = None,
    database: Database = None,
    data_dir: DataDir = None,
) -> None:
    """Every draw that was closed, with who closed and who revealed it."""
    with one_sentence():
        from adapters.cli.draw_screens import show_draws  # noqa: PLC0415
        from adapters.postgres import draws  # noqa: PLC0415

        show_draws(on_database(database, data_dir, lambda url: draws.listed_draws(url, programme)))


def _write(path: Path, content: bytes) -> None:
    """Write a file that is published: byte for byte, so that its digest is the one that was told."""
    try:
        path.write_bytes(content)
    except OSError as fault:
        typer.echo(f"{path} cannot be written: {fault.strerror}.", err=True)
        raise typer.Exit(EXIT_FAULT) from None
