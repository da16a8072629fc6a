"""What the coupon commands show: a table on a terminal, the same as plain text elsewhere."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column, Table
from rich.text import Text

from adapters.postgres.coupons import CouponBatch

PLAIN_WIDTH = 160


@contextmanager
def progress(count: int) -> Iterator[Callable[[int], None]]:
    """A progress bar for `coupons generate`."""
    bar = Progress(
        TextColumn("codes"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=Console(stderr=True)
    )
    task = bar.add_task("codes", total=count)
    with bar:
        yield lambda done: bar.update(task, completed=done)


def show_batches(batches: Sequence[CouponBatch]) -> None:
    """A line for each batch."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=PLAIN_WIDTH)
    numbers = [Column(name, justify="right") for name in ("codes", "uses", "used", "withdrawn")]
    table = Table(
        Column("batch", justify="right"), "programme", "coupon", "kind", *numbers, "made (UTC)", "by",
        box=None, pad_edge=False,
    )  # fmt: skip
    for batch in batches:
        cells = (
            str(batch.number), batch.programme, batch.campaign, batch.kind, f"{batch.codes:,}", f"{batch.uses:,}",
            f"{batch.used:,}", f"{batch.withdrawn:,}", f"{batch.made_at:%Y-%m-%d %H:%M}", batch.made_by,
        )  # fmt: skip
        table.add_row(*map(Text, cells))
    console.print(table)
