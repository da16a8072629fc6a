"""The decision, compiled. `cext/reference/kernel.py` says in plain Python what each name means and does."""

from typing import Final

from cext._kernel_records import FACTS as FACTS
from cext._kernel_records import Account as Account
from cext._kernel_records import Decision as Decision
from cext._kernel_records import Original as Original
from cext._kernel_records import Programme as Programme
from cext._kernel_records import Request as Request

PURCHASE: Final[int]
REDEMPTION: Final[int]
CREDIT_PURCHASE: Final[int]
REFUND: Final[int]
REVERSAL: Final[int]
INQUIRY: Final[int]
EVENT: Final[int]
HOLD: Final[int]
QUOTE: Final[int]
UPKEEP: Final[int]
GIFT: Final[int]

def decide(programme: Programme, account: Account, request: Request) -> Decision: ...
