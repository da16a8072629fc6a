"""`send`: a till in the terminal. One command sends one message and shows the reply.

Exit code 0: approved; 1: declined; 2: no answer was had, or the options make no message.
"""

from datetime import datetime, timedelta
from typing import Annotated

import typer

from adapters.cli.till_holds import app as holds_app
from adapters.cli.till_members import app as members_app
from adapters.cli.till_messages import reversal, transaction
from adapters.cli.till_options import (
    ALL,
    MINOR_UNITS_MAX,
    Amount,
    Customer,
    Named,
    Repeat,
    Shown,
    Till,
    digits,
    expanded,
)
from adapters.cli.till_talk import (
    amount_or,
    as_repeat,
    converse,
    manage,
    original_named,
    original_repeated,
    paid_with,
    pay,
    repeated,
    speaks_utc,
    stamped_for,
    told,
)
from protocol.codes import NetworkCode, ProcessingCode

app = typer.Typer(no_args_is_help=True)


@app.command()
@expanded
def purchase(
    till: Till,
    customer: Customer,
    shown: Shown,
    amount: Amount = None,
    repeat: Repeat = False,
) -> None:
    """Buy something (0200, DE3 000000): the switch decides points, discounts and offers."""
    pay(till, customer, "0200", ProcessingCode.PURCHASE, amount, shown.private(), basket=shown.line, repeat=repeat)


@app.command()
@expanded
def coupon(
    till: Till,
    customer: Customer,
    code: Annotated[list[str], typer.Option("--coupon", help="DE48 CP: the code. Repeatable.")],
    amount: Annotated[
        int | None,
        typer.Option(
            help="DE4: of the purchase that it is meant for, in minor units. Without it only the coupon is looked at.",
            min=1,
            max=MINOR_UNITS_MAX,
        ),
    ] = None,
) -> None:
    """Ask whether a coupon would be taken from this member now (0100, DE3 920000). Nothing is used up."""
    with told():
        shown = [("CP", text) for text in code]
        stamped = stamped_for(till, utc=speaks_utc(till))
        converse(
            till,
            transaction("0100", ProcessingCode.COUPON_CHECK, till, customer, stamped, amount=amount, private=shown),
        )


@app.command()
@expanded
def redeem(
    till: Till,
    customer: Customer,
    shown: Shown,
    amount: Amount = None,
    points: Annotated[str, typer.Option(help="How many points to pay with; `all`: as far as they go.")] = ALL,
    credit: Annotated[
        str | None, typer.Option(help="Pay with club credit instead (DE3 006500): minor units, or `all`.")
    ] = None,
    repeat: Repeat = False,
) -> None:
    """Buy something and pay with points (0200, DE3 006000); the reply's DE4 is what is still to be paid."""
    code, wishes = paid_with(points, credit)
    pay(till, customer, "0200", code, amount, [*wishes, *shown.private()], basket=shown.line, repeat=repeat)


@app.command()
@expanded
def balance(till: Till, customer: Customer, repeat: Repeat = False) -> None:
    """Ask for points and credit (0100, DE3 310000)."""
    with told():
        before = repeated(till, "0100", ProcessingCode.BALANCE) if repeat else None
        stamped = before.stamp if before is not None else stamped_for(till, utc=speaks_utc(till))
        message = transaction("0100", ProcessingCode.BALANCE, till, customer, stamped)
        converse(till, as_repeat(message) if repeat else message)


@app.command()
@expanded
def movements(till: Till, customer: Customer, repeat: Repeat = False) -> None:
    """Ask for the last movements, the live offers, and what the last purchase lacked (0100, DE3 380000)."""
    with told():
        before = repeated(till, "0100", ProcessingCode.STATEMENT) if repeat else None
        stamped = before.stamp if before is not None else stamped_for(till, utc=speaks_utc(till))
        message = transaction("0100", ProcessingCode.STATEMENT, till, customer, stamped)
        converse(till, as_repeat(message) if repeat else message)


@app.command()
@expanded
def refund(till: Till, customer: Customer, named: Named, amount: Amount = None, repeat: Repeat = False) -> None:
    """Give back a purchase or a part of it (0200, DE3 200000): what it gave goes, what it took comes back."""
    with told():
        before = repeated(till, "0200", ProcessingCode.REFUND) if repeat else None
        if before is not None:
            original, stamped, known = original_repeated(before), before.stamp, before.amount
        else:
            original = original_named(till, customer, named, "For example: send refund --of last.")
            stamped, known = stamped_for(till, utc=speaks_utc(till)), original.amount
        message = transaction(
            "0200",
            ProcessingCode.REFUND,
            till,
            customer,
            stamped,
            amount=amount_or(amount, known),
            original=original,
        )
        converse(till, as_repeat(message) if repeat else message)


@app.command()
@expanded
def reverse(
    till: Till,
    customer: Customer,
    named: Named,
    as_advice: Annotated[bool, typer.Option("--advice", help="As an advice (0420) instead of a request.")] = False,
    actual_amount: Annotated[
        int | None,
        typer.Option(
            help="DE95: what really happened, in minor units; only the rest is taken back.",
            min=0,
            max=MINOR_UNITS_MAX,
        ),
    ] = None,
    repeat: Repeat = False,
) -> None:
    """Take a message back, whether it was answered or not (0400): `reverse --last`, or name it."""
    mti = "0420" if as_advice else "0400"
    with told():
        before = repeated(till, mti, None) if repeat else None
        if before is not None:
            original, stamped = original_repeated(before), before.stamp
        else:
            original = original_named(till, customer, named, "For example: send reverse --last.")
            stamped = stamped_for(till, utc=speaks_utc(till))
        message = reversal(mti, till, customer, stamped, original, actual_amount=actual_amount)
        converse(till, as_repeat(message) if repeat else message)


@app.command()
@expanded
def advice(
    till: Till,
    customer: Customer,
    shown: Shown,
    amount: Amount = None,
    points: Annotated[
        str | None, typer.Option(help="Points that the till let be spent (DE3 006000), or `all`.")
    ] = None,
    credit: Annotated[
        str | None, typer.Option(help="Credit that the till let be spent (DE3 006500), or `all`.")
    ] = None,
    repeat: Repeat = False,
) -> None:
    """Tell of a purchase that already happened while the line was down (0220)."""
    code, wishes = ProcessingCode.PURCHASE, list[tuple[str, str]]()
    if points is not None or credit is not None:
        code, wishes = paid_with(points or ALL, credit)
    pay(till, customer, "0220", code, amount, [*wishes, *shown.private()], basket=shown.line, repeat=repeat)


@app.command()
@expanded
def echo(till: Till) -> None:
    """Ask whether the switch is there (0800, DE70 301)."""
    manage(till, NetworkCode.ECHO)


@app.command()
@expanded
def sign_on(till: Till) -> None:
    """Sign the terminal on (0800, DE70 001). A connection starts signed on."""
    manage(till, NetworkCode.SIGN_ON)


@app.command()
@expanded
def sign_off(till: Till) -> None:
    """Sign the terminal off (0800, DE70 002): on this connection, which ends with the command."""
    manage(till, NetworkCode.SIGN_OFF)


@app.command()
@expanded
def cut_over(
    till: Till,
    date: Annotated[
        str | None,
        typer.Option(
            help="DE15, MMDD: the business date that begins. Default: tomorrow.",
            callback=digits("DE15, the business date,", exactly=4),
        ),
    ] = None,
) -> None:
    """Close the acquirer's business date (0800, DE70 201); for institutions that cut over by wire."""
    manage(till, NetworkCode.CUT_OVER, date or f"{datetime.now().astimezone() + timedelta(days=1):%m%d}")


app.registered_commands.extend(holds_app.registered_commands)
app.registered_commands.extend(members_app.registered_commands)
