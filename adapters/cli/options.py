"""Options and arguments that several commands take: what they are called, and what their help says."""

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer
from typer.models import OptionInfo

ProgrammeName = Annotated[str, typer.Argument(metavar="PROGRAMME", help="The programme's name.", show_default=False)]
OnlyProgramme = Annotated[str | None, typer.Argument(metavar="PROGRAMME", help="Only of this one.", show_default=False)]
Replica = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        envvar="LOYALTY_REPLICA",
        help="PostgreSQL URL of a standby to read from. Default: the database itself.",
        show_default=False,
    ),
]


def day_option(flag: str, says: str) -> OptionInfo:
    """A day, YYYY-MM-DD; it comes as the midnight that begins it."""
    option: OptionInfo = typer.Option(flag, metavar="DATE", formats=["%Y-%m-%d"], help=says, show_default=False)
    return option


def file_option(flag: str, says: str) -> OptionInfo:
    """A file that is written."""
    option: OptionInfo = typer.Option(flag, metavar="FILE", help=says, dir_okay=False, show_default=False)
    return option


def user_option(kept: str) -> OptionInfo:
    """Who runs the command; `kept` says where that is kept."""
    option: OptionInfo = typer.Option("--as", envvar="LOYALTY_USER", help=f"Who does this; {kept}", show_default=False)
    return option


FirstDay = Annotated[dt.datetime, day_option("--from", "First day, YYYY-MM-DD.")]
LastDay = Annotated[dt.datetime, day_option("--to", "Last day, YYYY-MM-DD.")]
Html = Annotated[Path | None, file_option("--html", "Write one page there that needs nothing else.")]
