"""The replay's inner loop, compiled. `cext/reference/replay.py` says in plain Python what each name means and does."""

from collections.abc import Callable, Sequence
from typing import final

from cext._kernel import Account, Programme
from cext.programme_table import Table
from cext.reference.attribution import Combination, Given, Shares
from cext.reference.replay import Basket, Folded, Moment, Moved, Row

@final
class Tally:
    def __init__(self, table: Table | None) -> None: ...
    def combination(self, rules: bytes) -> Combination: ...
    def take(self, rules: bytes, given: Given) -> None: ...
    def deal(self, shares: Shares) -> None: ...
    def sums(self) -> dict[int, tuple[int, int, int, int]]: ...

def moved(rows: Sequence[Row]) -> Moved: ...
def fold(
    programme: Programme,
    account: Account,
    rows: Sequence[Row],
    end_s: int,
    moments: dict[int, Moment],
    moment_of: Callable[[int], Moment],
    read: Callable[[str], Basket],
    live: dict[int, Tally],
    draft: Tally,
) -> Folded | None: ...
