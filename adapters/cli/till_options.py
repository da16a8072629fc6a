"""Options that the till's commands share: a dataclass of them is one parameter of a command."""

import inspect
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import wraps
from typing import Annotated, Any, get_type_hints

import typer

DEFAULT_CARD = "6037990000000006"
"""The first card of examples/bazaar."""

PAN_DIGITS = range(12, 20)


def digits(name: str, exactly: int | None = None, at_most: int | None = None) -> Callable[[str | None], str | None]:
    """A check for Typer: the value is made of digits, so many of them."""
    wanted = f"exactly {exactly}" if exactly is not None else f"1 to {at_most}"
    lengths = range(exactly, exactly + 1) if exactly is not None else range(1, (at_most or 0) + 1)

    def check(value: str | None) -> str | None:
        if value is not None and not (value.isascii() and value.isdecimal() and len(value) in lengths):
            raise typer.BadParameter(f"{name} is {wanted} digits")
        return value

    return check


def padded(name: str, size: int) -> Callable[[str | None], str | None]:
    """A check for Typer: printable ASCII that fits; filled up with blanks to its fixed length."""

    def check(value: str | None) -> str | None:
        if value is None:
            return None
        if not value.isascii() or not value.isprintable() or not 1 <= len(value) <= size:
            raise typer.BadParameter(f"{name} is 1 to {size} printable ASCII characters")
        return value.ljust(size)

    return check


def _stan(value: str | None) -> str | None:
    checked = digits("DE11, the STAN,", at_most=6)(value)
    return checked if checked is None else checked.zfill(6)


def _card(value: str) -> str:
    if not (value.isascii() and value.isdecimal() and len(value) in PAN_DIGITS):
        raise typer.BadParameter(f"DE2, the card number, is {PAN_DIGITS[0]} to {PAN_DIGITS[-1]} digits")
    return value


ALL = "all"
"""Of points or credit: as far as the switch's own rule goes."""
MINOR_UNITS_MAX = 10**12 - 1
Amount = Annotated[
    int | None,
    typer.Option(
        help="DE4, in minor units of the currency. May be left out where another message says it.",
        min=0,
        max=MINOR_UNITS_MAX,
    ),
]
Repeat = Annotated[
    bool,
    typer.Option(
        "--repeat",
        help="Send the last one of these (or that of --stan) again as a repeat: give the same options.",
    ),
]

SWITCH, TILL, MESSAGE = "The switch", "The till", "The message"


@dataclass(frozen=True, slots=True)
class Till:
    """Where the switch is, which till this is, and how it prints."""

    host: Annotated[str, typer.Option(help="Where the switch listens.", rich_help_panel=SWITCH)] = "127.0.0.1"
    port: Annotated[int, typer.Option(min=1, max=65_535, rich_help_panel=SWITCH)] = 8583
    dialect: Annotated[str, typer.Option(help="As `loyalty-switch dialects` lists them.", rich_help_panel=SWITCH)] = (
        "iso87-ascii"
    )
    framing: Annotated[
        str,
        typer.Option(help="length2, bcd2 or ascii4, each alone, with +tpdu or +header=HEX.", rich_help_panel=SWITCH),
    ] = "length2"
    timeout: Annotated[
        float,
        typer.Option(
            min=0.1,
            help="Seconds to wait for the reply; the switch answers within 8.",
            rich_help_panel=SWITCH,
        ),
    ] = 10.0
    terminal: Annotated[
        str, typer.Option(help="DE41.", callback=padded("DE41, the terminal,", 8), rich_help_panel=TILL)
    ] = "T0000001"
    merchant: Annotated[
        str, typer.Option(help="DE42.", callback=padded("DE42, the merchant,", 15), rich_help_panel=TILL)
    ] = "M00000000000001"
    acquirer: Annotated[
        str,
        typer.Option(help="DE32.", callback=digits("DE32, the acquirer,", at_most=11), rich_help_panel=TILL),
    ] = "581672"
    stan: Annotated[
        str | None,
        typer.Option(help="DE11. Default: the next one of this terminal.", callback=_stan, rich_help_panel=MESSAGE),
    ] = None
    rrn: Annotated[
        str | None,
        typer.Option(
            help="DE37, 12 characters. Default: made of date, hour and STAN.",
            callback=padded("DE37, the RRN,", 12),
            rich_help_panel=MESSAGE,
        ),
    ] = None
    time: Annotated[
        str | None,
        typer.Option(
            help="DE7, MMDDhhmmss in UTC. Default: now.",
            callback=digits("DE7, the transmission time,", exactly=10),
            rich_help_panel=MESSAGE,
        ),
    ] = None
    field: Annotated[
        list[str] | None,
        typer.Option(
            help="NUMBER=VALUE: put a data element in (binary as hex); NUMBER= leaves it out. Repeatable.",
            rich_help_panel=MESSAGE,
        ),
    ] = None
    json: Annotated[bool, typer.Option("--json", help="Print request and reply as one JSON object.")] = False


@dataclass(frozen=True, slots=True)
class Customer:
    """Whose card, and how it came to the till."""

    card: Annotated[str, typer.Option(help="DE2.", callback=_card)] = DEFAULT_CARD
    track2: Annotated[str | None, typer.Option(help="DE35 in place of DE2, such as 6037990000000006=29121011.")] = None
    mobile: Annotated[str | None, typer.Option(help="DE48 MB in place of a card: the member's mobile.")] = None
    entry_mode: Annotated[
        str | None,
        typer.Option(help="DE22, how the card was read: 01 typed, 02 stripe, 03 barcode, 05 chip, 07 contactless."),
    ] = None
    currency: Annotated[
        str, typer.Option(help="DE49, numeric ISO 4217.", callback=digits("DE49, the currency,", exactly=3))
    ] = "364"
    tlv: Annotated[
        list[str] | None, typer.Option(help="TAG=VALUE: a further tag of DE48, such as LG=fa. Repeatable.")
    ] = None


@dataclass(frozen=True, slots=True)
class Shown:
    """What is bought, and what the customer brings and asks for."""

    line: Annotated[
        list[str] | None,
        typer.Option(help="DE63 LI: sku;category;quantity;amount. Repeatable; the amounts sum to DE4."),
    ] = None
    coupon: Annotated[list[str] | None, typer.Option(help="DE48 CP: a coupon's code. Repeatable, five at most.")] = None
    reward: Annotated[
        str | None,
        typer.Option(help="DE48 RW: a reward's code out of the programme's catalogue, to be paid with points."),
    ] = None
    offer: Annotated[
        list[str] | None,
        typer.Option(help="DE48 OF: a rule that must fire, else the purchase is declined. Repeatable, five at most."),
    ] = None

    def private(self) -> list[tuple[str, str]]:
        """The tags of DE48."""
        chosen = [] if self.reward is None else [("RW", self.reward)]
        return [
            *chosen,
            *(("CP", code) for code in self.coupon or ()),
            *(("OF", rule) for rule in self.offer or ()),
        ]


@dataclass(frozen=True, slots=True)
class Named:
    """Which message a refund or a reversal is about."""

    last: Annotated[bool, typer.Option("--last", help="The last one that this terminal sent.")] = False
    of: Annotated[str | None, typer.Option(help="Its RRN (DE37), or `last`.")] = None
    original_stan: Annotated[str | None, typer.Option(help="Its DE11, with --original-time.", callback=_stan)] = None
    original_time: Annotated[
        str | None, typer.Option(help="Its DE7.", callback=digits("DE7 of the original", exactly=10))
    ] = None
    original_mti: Annotated[str, typer.Option(help="Its MTI.", callback=digits("the original's MTI", exactly=4))] = (
        "0200"
    )


def expanded(command: Callable[..., None]) -> Callable[..., None]:
    """A command that takes dataclasses of options, as Typer wants it: a parameter for each field."""
    hints = get_type_hints(command, include_extras=True)
    bundles = {name: hint for name, hint in hints.items() if is_dataclass(hint) and isinstance(hint, type)}
    own = [
        parameter.replace(annotation=hints[name], kind=inspect.Parameter.KEYWORD_ONLY)
        for name, parameter in inspect.signature(command).parameters.items()
        if name not in bundles
    ]
    # A command's own options come first in its help, the till's last.
    shared = [parameter for bundle in reversed(bundles.values()) for parameter in _parameters(bundle)]
    parameters = own + shared

    @wraps(command)
    def flat(**given: Any) -> None:
        for name, bundle in bundles.items():
            given[name] = bundle(**{option.name: given.pop(option.name) for option in fields(bundle)})
        command(**given)

    flat.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # what Typer reads
    flat.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return flat


def _parameters(bundle: type[Any]) -> list[inspect.Parameter]:
    hints = get_type_hints(bundle, include_extras=True)
    return [
        inspect.Parameter(
            option.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if option.default is MISSING else option.default,
            annotation=hints[option.name],
        )
        for option in fields(bundle)
    ]
