"""What the budget commands show: tables on a terminal, the same as plain text elsewhere."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from adapters.postgres.budgets import Addition, Budget

PLAIN_WIDTH = 160
_NUMBERS = ("written", "added", "dealt out", "drawn", "left", "shares", "poorest", "richest")


def _console() -> Console:
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=PLAIN_WIDTH)


def show_budgets(budgets: Sequence[Budget]) -> None:
    """A line for each budget: in points or minor units."""
    numbers = [Column(name, justify="right") for name in _NUMBERS]
    table = Table("programme", "rule", "unit", *numbers, box=None, pad_edge=False)
    for budget in budgets:
        counts = (
            budget.written, budget.added, budget.dealt, budget.drawn, budget.left, budget.shares, budget.least,
            budget.most,
        )  # fmt: skip
        cells = (budget.programme, budget.rule, budget.unit, *(f"{count:,}" for count in counts))
        table.add_row(*map(Text, cells))
    _console().print(table)


def show_additions(additions: Sequence[Addition]) -> None:
    """A line for each time that a budget was raised; nothing if none was."""
    if not additions:
        return
    table = Table("programme", "rule", Column("raised by", justify="right"), "at (UTC)", "by", box=None, pad_edge=False)
    for each in additions:
        cells = (each.programme, each.rule, f"{each.amount:,}", f"{each.made_at:%Y-%m-%d %H:%M}", each.made_by)
        table.add_row(*map(Text, cells))
    _console().print()
    _console().print(table)
