"""`coupons generate`, `list`, `withdraw`: codes that members bring to the till."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from adapters.cli.database import Database, DataDir, on_database, one_sentence, settings_of
from adapters.cli.options import OnlyProgramme, ProgrammeName, user_option

app = typer.Typer(no_args_is_help=True)

User = Annotated[str, user_option("kept with the coupons.")]


@app.command()
def generate(
    programme: ProgrammeName,
    campaign: Annotated[
        str, typer.Argument(metavar="CAMPAIGN", help="The coupon, as the programme calls it.", show_default=False)
    ],
    out: Annotated[
        Path,
        typer.Option(metavar="FILE", dir_okay=False, help="A new file for the codes, one a line.", show_default=False),
    ],
    user: User,
    count: Annotated[int, typer.Option(help="How many codes, for single use.")] = 1,
    code: Annotated[
        str | None, typer.Option(help="A chosen code, for multiple use, such as SPRING10.", show_default=False)
    ] = None,
    database: Database = None,
    data_dir: DataDir = None,
) -> None:
    """Make codes. They are in this file and nowhere else: the database keeps only what they are recognised by."""
    with one_sentence():
        from adapters.cli.coupon_screens import progress  # noqa: PLC0415  # `--help` must not wait for a driver
        from adapters.cli.databases import opened_database  # noqa: PLC0415
        from adapters.postgres import coupons  # noqa: PLC0415

        with opened_database(settings_of(database, data_dir)) as opened, progress(count) as report:
            batch = asyncio.run(
                coupons.generate(
                    opened.url, opened.token_key, programme, campaign,
                    count=count, out=out, maker=user, code=code, report=report,
                )
            )  # fmt: skip
    typer.echo(f"batch {batch}: {count:,} {'code' if count == 1 else 'codes'} of {campaign} in {out}")


@app.command(name="list")
def list_coupons(
    programme: OnlyProgramme = None,
    database: Database = None,
    data_dir: DataDir = None,
) -> None:
    """Every batch of codes: how many, how often used, by whom made."""
    with one_sentence():
        from adapters.cli.coupon_screens import show_batches  # noqa: PLC0415
        from adapters.postgres import coupons  # noqa: PLC0415

        show_batches(on_database(database, data_dir, lambda url: coupons.listed(url, programme)))


@app.command()
def withdraw(
    programme: ProgrammeName,
    user: User,
    batch: Annotated[
        int | None, typer.Option(help="All codes of a batch, by its number in the list.", show_default=False)
    ] = None,
    database: Database = None,
    data_dir: DataDir = None,
) -> None:
    """Take codes out of use: those of a batch, or one that is asked for and not shown."""
    code = "" if batch is not None else str(typer.prompt("Code", hide_input=True))
    with one_sentence():
        from adapters.cli.databases import opened_database  # noqa: PLC0415
        from adapters.postgres import coupons  # noqa: PLC0415

        with opened_database(settings_of(database, data_dir)) as opened:
            if batch is not None:
                count = asyncio.run(coupons.withdraw_batch(opened.url, programme, batch, user=user))
            else:
                count = asyncio.run(coupons.withdraw_code(opened.url, opened.token_key, programme, code, user=user))
    typer.echo(f"{count:,} {'code' if count == 1 else 'codes'} withdrawn")
