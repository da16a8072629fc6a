from collections.abc import Mapping
from typing import Any

from cext._transaction import AccountState, Transaction

def decide_usual(
    transaction: Transaction,
    states: dict[tuple[int, int], AccountState],
    programmes: dict[int, Any],
    moments: Mapping[int, tuple[int, int, int, int, int]],
    reasons: dict[str, str],
    now: int,
    told_bytes_max: int,
    shares: Any,
) -> Any: ...
