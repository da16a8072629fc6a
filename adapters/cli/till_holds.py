"""The till's commands before a purchase: `send quote`, `hold`, `complete` and `release`."""

from dataclasses import replace
from typing import Annotated

import typer

from adapters.cli.till_messages import reversal, transaction
from adapters.cli.till_options import ALL, Amount, Customer, Named, Repeat, Shown, Till, expanded
from adapters.cli.till_talk import (
    amount_or,
    as_repeat,
    converse,
    hold_named,
    original_repeated,
    paid_with,
    pay,
    repeated,
    speaks_utc,
    stamped_for,
    told,
    wish,
)
from protocol.codes import ProcessingCode

app = typer.Typer()

NEXT_STEP = "For example: send {} --last."


@app.command()
@expanded
def quote(
    till: Till,
    customer: Customer,
    shown: Shown,
    amount: Amount = None,
    points: Annotated[str | None, typer.Option(help="Points that would be paid with.")] = None,
    credit: Annotated[str | None, typer.Option(help="Credit that would be paid with, minor units.")] = None,
    repeat: Repeat = False,
) -> None:
    """Ask what a purchase would earn and cost (0100, DE3 000000); nothing moves."""
    wishes = [*wish("PT", points or ALL), *wish("CR", credit or ALL), *shown.private()]
    pay(till, customer, "0100", ProcessingCode.PURCHASE, amount, wishes, basket=shown.line, repeat=repeat)


@app.command()
@expanded
def hold(
    till: Till,
    customer: Customer,
    amount: Amount = None,
    points: Annotated[str, typer.Option(help="How many points to hold; `all`: what the amount comes to.")] = ALL,
    credit: Annotated[
        str | None, typer.Option(help="Hold club credit instead (DE3 006500): minor units, or `all` of the amount.")
    ] = None,
    repeat: Repeat = False,
) -> None:
    """Keep points or credit back for a purchase to come (0100): `complete` or `release` ends it, or time does."""
    code, wishes = paid_with(points, credit)
    pay(till, customer, "0100", code, amount, wishes, repeat=repeat)


@app.command()
@expanded
def complete(
    till: Till,
    customer: Customer,
    named: Named,
    shown: Shown,
    amount: Amount = None,
    points: Annotated[str, typer.Option(help="How many points to pay with; `all`: as far as they go.")] = ALL,
    credit: Annotated[
        str | None, typer.Option(help="Pay with club credit (DE3 006500): minor units, or `all`.")
    ] = None,
    as_advice: Annotated[bool, typer.Option("--advice", help="It happened while the line was down (0220).")] = False,
    repeat: Repeat = False,
) -> None:
    """Buy what a hold was for (0200): it names the hold (DE90), spends it and what there is beside it."""
    mti = "0220" if as_advice else "0200"
    with told():
        before = repeated(till, mti, None) if repeat else None
        if before is not None:
            original, stamped, known = original_repeated(before), before.stamp, before.amount
        else:
            original = hold_named(till, customer, named, NEXT_STEP.format("complete"))
            stamped, known = stamped_for(till, utc=speaks_utc(till)), original.amount
        by_credit = credit is not None or original.processing_code == ProcessingCode.CREDIT_PURCHASE
        message = transaction(
            mti,
            ProcessingCode.CREDIT_PURCHASE if by_credit else ProcessingCode.REDEMPTION,
            till,
            customer,
            stamped,
            amount=amount_or(amount, known),
            private=[*(wish("CR", credit or ALL) if by_credit else wish("PT", points)), *shown.private()],
            basket=shown.line or (),
            original=original,
        )
        converse(till, as_repeat(message) if repeat else message)


@app.command()
@expanded
def release(till: Till, customer: Customer, named: Named, repeat: Repeat = False) -> None:
    """Give up a hold before its time is over (0400)."""
    with told():
        before = repeated(till, "0400", None) if repeat else None
        if before is not None:
            original, stamped = replace(original_repeated(before), amount=""), before.stamp
        else:
            original = replace(hold_named(till, customer, named, NEXT_STEP.format("release")), amount="")
            stamped = stamped_for(till, utc=speaks_utc(till))
        message = reversal("0400", till, customer, stamped, original)
        converse(till, as_repeat(message) if repeat else message)
