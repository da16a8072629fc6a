"""What an inquiry for the last movements (DE3 380000) reads of the journal beside the account."""

from collections.abc import Sequence
from typing import NamedTuple

from cext._kernel import Account
from switch.simulation.history import Row

READ_MAX = 32
"""Rows read of an account: its reasons are told if the last purchase and the one before it are among them."""
DAYS_MAX = 400
"""How old the movements may be that are told."""


class Movement(NamedTuple):
    """A journal row that was approved. `rule_ids`: of the newest purchase, what its rules count into."""

    row: Row
    processing_code: int
    tier_after: int
    rule_ids: tuple[str, ...] | None = None


class Movements(NamedTuple):
    """An account as it was read, and its rows before this inquiry, newest first."""

    account: Account
    rows: Sequence[Movement]
