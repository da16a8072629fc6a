from typing import final

from cext._kernel_records import Account, Decision

@final
class Teller:
    def __init__(
        self,
        tiers: tuple[str, ...],
        offers: tuple[str | None, ...],
        counted: tuple[tuple[str, str, int, str], ...],
    ) -> None: ...
    @property
    def tells(self) -> bool: ...
    def tell(self, account: Account, decision: Decision, bytes_max: int) -> str: ...
