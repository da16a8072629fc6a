"""`budgets list`, `level`, `add`: what all members together may still get by the rules."""

from typing import Annotated

import typer

from adapters.cli.database import Database, DataDir, on_database, one_sentence
from adapters.cli.options import OnlyProgramme, ProgrammeName, user_option

app = typer.Typer(no_args_is_help=True)


@app.command(name="list")
def list_budgets(programme: OnlyProgramme = None, database: Database = None, data_dir: DataDir = None) -> None:
    """Every budget: how much was dealt out, drawn and is left, and by whom it was raised."""
    with one_sentence():
        from adapters.cli.budget_screens import show_additions, show_budgets  # noqa: PLC0415  # no driver for `--help`
        from adapters.postgres import budgets  # noqa: PLC0415

        show_budgets(on_database(database, data_dir, lambda url: budgets.listed(url, programme)))
        show_additions(on_database(database, data_dir, lambda url: budgets.additions(url, programme)))


@app.command()
def level(programme: OnlyProgramme = None, database: Database = None, data_dir: DataDir = None) -> None:
    """Put what is left of each budget into shares of one size, so that none runs dry while others have plenty."""
    with one_sentence():
        from adapters.postgres import budgets  # noqa: PLC0415

        looked_at, changed = on_database(database, data_dir, lambda url: budgets.level(url, programme))
    typer.echo(f"{changed:,} of {looked_at:,} {'budget' if looked_at == 1 else 'budgets'} levelled")


@app.command()
def add(
    programme: ProgrammeName,
    rule: Annotated[
        str, typer.Argument(metavar="RULE", help="The rule, or rewards.CODE of the catalogue.", show_default=False)
    ],
    amount: Annotated[
        int, typer.Argument(metavar="AMOUNT", help="By how much: points, or minor units.", show_default=False)
    ],
    user: Annotated[str, user_option("kept with the budget.")],
    database: Database = None,
    data_dir: DataDir = None,
) -> None:
    """Raise a budget beside what the programme says. To lower one, make a version live that says less."""
    with one_sentence():
        from adapters.postgres import budgets  # noqa: PLC0415

        raised = on_database(database, data_dir, lambda url: budgets.add(url, programme, rule, amount, user=user))
    unit = "points" if raised.unit == "points" else "minor units"
    typer.echo(f"{raised.rule}: {raised.left:,} {unit} left of {raised.dealt:,}")
