from collections.abc import Sequence
from typing import Any, Final, TypeVar, final

from cext._kernel import Account, Decision, Request

NO_EFFECT: Final[Decision]

AnyTransaction = TypeVar("AnyTransaction", bound=Transaction)

class Transaction:
    """Its link, message, terminal, original and card are the switch's own kinds, which are not known here."""

    link: Any
    message: Any
    terminal: Any
    received: float
    deadline: float
    recent_key: tuple[int, int, int]
    sent_on: Any
    business_date: Any
    original_name: Any
    original_record: Any
    card: Any
    programme: int | None
    programme_version: int | None
    waiters: Any
    reply_fields: dict[int, str | bytes] | None
    header: bytes
    stored_reply: bytes | None
    response_code: str
    reason: str
    held_decline: str
    rrn: str
    currency: str
    settlement_date: str
    last_four: str | None
    basket: Any
    event: str
    reward: str
    wide: Any
    coupons: Any
    claims: tuple[str, ...]
    movements: Any
    language: Any
    asked: str | None
    told: str
    request: Request
    decision: Decision
    key: int
    fingerprint: int
    amount: int
    kind: int
    token_low: int
    terminal_id: int
    mti: int
    processing_code: int
    message_class: int
    sent_on_ordinal: int
    business_ordinal: int
    answered: bool
    to_pay_in_reply: bool
    repeats_reversal: bool
    suspect: bool
    tombstone: bool
    unknown_card: bool
    wants_movements: bool
    def __init__(
        self, link: Any, header: bytes, message: Any, terminal: Any, request: Request, received: float, deadline: float
    ) -> None: ...
    def belongs_to(self, shard: int, account_id: int) -> None: ...
    @property
    def shard(self) -> int: ...
    @property
    def account_id(self) -> int: ...
    @property
    def account_key(self) -> tuple[int, int]: ...

@final
class AccountState:
    changed: bool
    def __init__(
        self,
        account: Account,
        token_low: int,
        card_status: int,
        last_four: str | None,
        card_expires_ordinal: int,
        locator: tuple[int, int],
    ) -> None: ...
    @property
    def account(self) -> Account: ...
    @property
    def key(self) -> tuple[int, int]: ...
    @property
    def token_low(self) -> int: ...
    @property
    def card_status(self) -> int: ...
    @property
    def last_four(self) -> str | None: ...
    @property
    def card_expires_ordinal(self) -> int: ...
    @property
    def locator(self) -> tuple[int, int]: ...

def any_asks_the_journal(batch: Sequence[Transaction]) -> bool: ...
def any_has_coupons(batch: Sequence[Transaction]) -> bool: ...
def wanting_movements(batch: Sequence[AnyTransaction]) -> list[AnyTransaction]: ...
def accounts_named(batch: Sequence[Transaction]) -> set[tuple[int, int]]: ...
def strangers(batch: Sequence[AnyTransaction], states: dict[tuple[int, int], AccountState]) -> list[AnyTransaction]: ...
