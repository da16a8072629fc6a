"""`member show`, `end`, `erase`, `requests`, `withdraw`: members who leave, and who want to be forgotten."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from adapters.cli.database import EXIT_FAULT, Database, DataDir, on_database, one_sentence, settings_of
from adapters.cli.options import ProgrammeName, user_option

if TYPE_CHECKING:
    from adapters.cli.databases import Opened
    from adapters.postgres.members import Asked

app = typer.Typer()

Result = TypeVar("Result")
DIGITS_MAX = 100
OUTCOME_UNKNOWN = "91"

Shown = Annotated[
    str | None,
    typer.Option(
        "--number",
        help="Card or mobile number. Better without: it is read from standard input, or asked for and not shown.",
        show_default=False,
    ),
]
User = Annotated[str, user_option("kept with the request and in the journal.")]
Forfeit = Annotated[bool, typer.Option("--forfeit-credit", help="The member gives up the credit that is left.")]


@app.command()
def show(programme: ProgrammeName, number: Shown = None, database: Database = None, data_dir: DataDir = None) -> None:
    """What is kept of a member: balances and sums, and which facts about the person are known, not what they say."""
    with one_sentence():
        from adapters.postgres import members  # noqa: PLC0415  # `--help` must not wait for a driver

        digits = _number(number)
        found = _on_opened(
            database, data_dir, lambda opened: members.show(opened.url, opened.token_key, programme, digits)
        )
    card = f"****{found.card_last_four}" if found.card_last_four else "without last digits"
    typer.echo(f"card {card}, {found.further_cards} further cards, account {found.status}")
    typer.echo(f"{found.points} points, {found.credit} of credit, {found.visits} visits, {found.messages} messages")
    if found.is_member:
        typer.echo(f"member since {found.enrolled_on}; known: {', '.join(found.told) or 'nothing'}")
        if found.fee_owed:
            typer.echo(f"owes a fee of {found.fee_owed}")
    else:
        typer.echo("nobody is enrolled with it")
    for asked in found.requests:
        typer.echo(_line(asked))


@app.command()
def end(
    programme: ProgrammeName,
    user: User,
    number: Shown = None,
    forfeit_credit: Forfeit = False,
    database: Database = None,
    data_dir: DataDir = None,
) -> None:
    """Close an account: its points are written off, and none of its cards buys, earns or pays any more.

    What is known of the person stays, and so does the mobile; `member erase` takes both away.
    """
    with one_sentence():
        from adapters.cli.house import leave  # noqa: PLC0415
        from adapters.postgres import members  # noqa: PLC0415
        from adapters.postgres.errors import MemberRefused  # noqa: PLC0415
        from switch.wide_requests import Leaving  # noqa: PLC0415

        digits = _number(number)

        async def work(opened: "Opened") -> tuple[str, str]:
            asked = await members.ask(
                opened.url, opened.token_key, programme, digits, kind=members.END, forfeits_credit=forfeit_credit,
                user=user,
            )  # fmt: skip
            try:
                answer = await leave(opened, asked, Leaving(asked.number, asked.asked_by, None, asked.forfeits_credit))
            except MemberRefused:
                await members.withdraw(opened.url, asked.number)
                raise
            if answer.code not in ("00", OUTCOME_UNKNOWN):
                await members.withdraw(opened.url, asked.number)
            return answer.code, answer.reason

        _tell(*_on_opened(database, data_dir, work), "The membership has ended.")


@app.command()
def erase(
    user: User,
    programme: Annotated[
        str | None, typer.Argument(metavar="[PROGRAMME]", help="Not with --approve.", show_default=False)
    ] = None,
    approve: Annotated[
        int | None, typer.Option(metavar="REQUEST", help="Do what somebody else asked for.", show_default=False)
    ] = None,
    number: Shown = None,
    forfeit_credit: Forfeit = False,
    database: Database = None,
    data_dir: DataDir = None,
) -> None:
    """Ask that a member is forgotten; somebody else approves it, and then everything that names the person is gone.

    Sums, balances and keys stay in the ledger, under a number that leads to nobody.
    """
    with one_sentence():
        from adapters.postgres import members  # noqa: PLC0415

        if approve is not None:
            if programme is not None or number is not None or forfeit_credit:
                raise typer.BadParameter("--approve goes with --as alone: the request says the rest.")
            wanted = approve
            code, reason = _on_opened(database, data_dir, lambda opened: _erase(opened, wanted, user))
            _tell(code, reason, "The member is erased.")
            return
        if programme is None:
            raise typer.BadParameter("name the programme, or --approve a request.")
        name, digits = programme, _number(number)
        asked = _on_opened(
            database,
            data_dir,
            lambda opened: members.ask(
                opened.url,
                opened.token_key,
                name,
                digits,
                kind=members.ERASURE,
                forfeits_credit=forfeit_credit,
                user=user,
            ),
        )
    typer.echo(f"Request {asked.number} waits. Somebody else approves it: member erase --approve {asked.number} --as …")


@app.command()
def requests(database: Database = None, data_dir: DataDir = None) -> None:
    """The requests that wait for somebody to approve them."""
    with one_sentence():
        from adapters.postgres import members  # noqa: PLC0415

        found = on_database(database, data_dir, members.waiting)
    for asked in found:
        typer.echo(_line(asked))
    if not found:
        typer.echo("no request waits")


@app.command()
def withdraw(
    request: Annotated[int, typer.Argument(metavar="REQUEST", help="Its number.", show_default=False)],
    database: Database = None,
    data_dir: DataDir = None,
) -> None:
    """Take a request back that was not done yet."""
    with one_sentence():
        from adapters.postgres import members  # noqa: PLC0415

        on_database(database, data_dir, lambda url: members.withdraw(url, request))
    typer.echo(f"request {request} is withdrawn")


async def _erase(opened: "Opened", number: int, user: str) -> tuple[str, str]:
    from adapters.cli.house import leave  # noqa: PLC0415
    from adapters.postgres import members  # noqa: PLC0415
    from switch.wide_requests import Leaving  # noqa: PLC0415

    asked, checker = await members.approved(opened.url, number, user=user)
    before = (asked.card.shard, asked.card.id)
    alias = members.alias_of(before)
    leaving = Leaving(asked.number, asked.asked_by, checker, asked.forfeits_credit, alias)
    answer = await leave(opened, asked, leaving)
    if answer.code == "00":
        await members.sweep(opened.url, before, alias)
    return answer.code, answer.reason


def _tell(code: str, reason: str, done: str) -> None:
    if code == OUTCOME_UNKNOWN:
        typer.echo("The database did not answer in time: `member show` tells whether it was done.", err=True)
        raise typer.Exit(EXIT_FAULT)
    if code != "00":
        typer.echo(f"Nothing was changed: {reason or f'the switch answered {code}'}.", err=True)
        raise typer.Exit(EXIT_FAULT)
    typer.echo(done)


def _line(asked: "Asked") -> str:
    return f"request {asked.number}: {asked.kind} in {asked.programme_name}, asked for by {asked.asked_by}, {asked.asked_at:%Y-%m-%d %H:%M} UTC"  # noqa: E501  # one line of a screen


def _number(option: str | None) -> str:
    """The card or mobile number: from the option, a pipe, or the keyboard; it is shown nowhere."""
    if option is not None:
        return option.strip()
    if sys.stdin.isatty():
        return str(typer.prompt("Card or mobile number", hide_input=True)).strip()
    return sys.stdin.readline(DIGITS_MAX).strip()


def _on_opened(database: str | None, data_dir: "DataDir", work: "Callable[[Opened], Awaitable[Result]]") -> Result:
    """Run `work` on the database, with the key of its card tokens."""
    from adapters.cli.databases import opened_database  # noqa: PLC0415

    with opened_database(settings_of(database, data_dir)) as opened:

        async def run() -> Result:
            return await work(opened)

        return asyncio.run(run())
