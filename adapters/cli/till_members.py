"""The till's commands about people and their cards: `send enrol`, `link`, `transfer`, `convert`."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

import typer

from adapters.cli.till_messages import TillError, transaction
from adapters.cli.till_options import Customer, Till, digits, expanded
from adapters.cli.till_talk import as_repeat, converse, repeated, speaks_utc, stamped_for, told
from protocol.codes import ProcessingCode

app = typer.Typer()

POINTS_MAX = 10**12 - 1

Repeat = Annotated[
    bool, typer.Option("--repeat", help="Send the last one of these again as a repeat: give the same options.")
]
Points = Annotated[int, typer.Option(help="DE48 PT: how many points.", min=1, max=POINTS_MAX)]


@app.command()
@expanded
def enrol(
    till: Till,
    customer: Customer,
    name: Annotated[str | None, typer.Option(help="DE48 NA.")] = None,
    born: Annotated[
        str | None,
        typer.Option(help="DE48 BD: birth date, YYYYMMDD.", callback=digits("the birth date", exactly=8)),
    ] = None,
    gender: Annotated[str | None, typer.Option(help="DE48 GE: F or M.")] = None,
    education: Annotated[str | None, typer.Option(help="DE48 ED.")] = None,
    region: Annotated[str | None, typer.Option(help="DE48 RE.")] = None,
    referrer: Annotated[str | None, typer.Option(help="DE48 RF: the code of the member who sent this one.")] = None,
    club: Annotated[str | None, typer.Option(help="DE48 CL: the club to join, by its code.")] = None,
    without_card: Annotated[
        bool, typer.Option("--without-card", help="There is no card: the mobile will be one.")
    ] = False,
    as_advice: Annotated[bool, typer.Option("--advice", help="It happened while the line was down (0220).")] = False,
    repeat: Repeat = False,
) -> None:
    """Make the holder of a blank card a member (0200, DE3 900000); --mobile says whose it will be.

    For a member's own card and mobile it tells what was missing: a name, a birth date.
    """
    with told():
        if not customer.mobile:
            raise TillError("--mobile is missing: a member is known by it, such as --mobile 09121234567.")
        given = [
            ("NA", name), ("BD", born), ("GE", gender), ("ED", education), ("RE", region), ("RF", referrer),
            ("CL", club),
        ]  # fmt: skip
        tags = [(tag, text) for tag, text in given if text is not None]
        if not without_card:
            tags.insert(0, ("MB", customer.mobile))
        holder = customer if without_card else replace(customer, mobile=None)
        _send(till, holder, ProcessingCode.ENROLMENT, tags, mti="0220" if as_advice else "0200", repeat=repeat)


@app.command()
@expanded
def link(
    till: Till,
    customer: Customer,
    further: Annotated[str, typer.Option(help="DE103: the blank card.", callback=digits("DE103", at_most=19))],
    repeat: Repeat = False,
) -> None:
    """Let a blank card share the account of --card (0200, DE3 910000): one balance for a family."""
    with told():
        _send(till, customer, ProcessingCode.CARD_LINK, second=further, repeat=repeat)


@app.command()
@expanded
def transfer(
    till: Till,
    customer: Customer,
    to: Annotated[str, typer.Option(help="DE103: a card of the receiver.", callback=digits("DE103", at_most=19))],
    points: Points,
    repeat: Repeat = False,
) -> None:
    """Give points to another member (0200, DE3 400000); they keep the date on which they expire."""
    with told():
        wish = [("PT", str(points))]
        _send(till, customer, ProcessingCode.POINTS_TRANSFER, wish, second=to, repeat=repeat)


@app.command()
@expanded
def convert(till: Till, customer: Customer, points: Points, repeat: Repeat = False) -> None:
    """Turn points into club credit at the programme's point value (0200, DE3 406065)."""
    with told():
        _send(till, customer, ProcessingCode.POINTS_TO_CREDIT, [("PT", str(points))], repeat=repeat)


def _send(
    till: Till,
    customer: Customer,
    processing_code: str,
    private: Sequence[tuple[str, str]] = (),
    *,
    second: str | None = None,
    mti: str = "0200",
    repeat: bool,
) -> None:
    """A message about a card and, in DE103, a second one."""
    before = repeated(till, mti, processing_code) if repeat else None
    stamped = before.stamp if before is not None else stamped_for(till, utc=speaks_utc(till))
    message = transaction(mti, processing_code, till, customer, stamped, private=private)
    if second is not None:
        message.fields[103] = second
    converse(till, as_repeat(message) if repeat else message)
