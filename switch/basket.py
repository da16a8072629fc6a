"""The basket (DE63 LI): what was bought, and what a programme's rules want to know of it.

A line is `sku;category;quantity;amount`; a quantity may have a fraction (1.5 kg), of which rules see the whole part.
"""

import re
from collections.abc import Collection, Sequence
from typing import NamedTuple

from protocol.tlv import TlvError, parse

LINES_MAX = 50
DIGITS_MAX = 12

_AMOUNT = re.compile(r"[0-9]{1,12}")
_QUANTITY = re.compile(r"([0-9]{1,9})(?:\.[0-9]{1,6})?")


class Line(NamedTuple):
    """One line; `amount_minor` is that of the whole line, `quantity` rounded down."""

    sku: str
    category: str
    quantity: int
    amount_minor: int


def read(text: str) -> list[Line] | None:
    """The lines of DE63; None if it is no basket: tag, length or value wrong, or more than `LINES_MAX` lines."""
    lines: list[Line] = []
    try:
        pairs = parse(text)
    except TlvError:
        return None
    for tag, value in pairs:
        if tag != "LI":
            continue
        parts = value.split(";")
        if len(parts) != 4 or len(lines) == LINES_MAX:
            return None
        sku, category, quantity, amount = parts
        counted = _QUANTITY.fullmatch(quantity)
        if counted is None or _AMOUNT.fullmatch(amount) is None:
            return None
        lines.append(Line(sku, category, int(counted[1]), int(amount)))
    return lines


def quantities(
    lines: Sequence[Line] | None, wanted: Sequence[tuple[str, str]], coupons: Collection[str] = ()
) -> tuple[int, ...]:
    """How much there is of each that is wanted, (kind, name): pieces of a `sku` or a `category`, or 1 for a sku that is
    `free` or `chosen`, and for a `coupon` that is shown.

    Without a basket (None) nothing is counted or can be chosen, and the whole purchase stands for whatever is free.
    """
    return tuple(int(name in coupons) if kind == "coupon" else _pieces(lines, kind, name) for kind, name in wanted)


def _pieces(lines: Sequence[Line] | None, kind: str, name: str) -> int:
    if lines is None:
        return int(kind == "free")
    if kind == "category":
        return sum(line.quantity for line in lines if line.category == name)
    pieces = [line.quantity for line in lines if line.sku == name]
    return int(bool(pieces)) if kind in ("free", "chosen") else sum(pieces)


def prices_of_one(lines: Sequence[Line], skus: Sequence[str]) -> tuple[int, ...]:
    """What one piece of each sku costs, rounded down, where several lines differ the cheapest; 0 if there is none."""
    return tuple(
        min((line.amount_minor // max(line.quantity, 1) for line in lines if line.sku == sku), default=0)
        for sku in skus
    )
