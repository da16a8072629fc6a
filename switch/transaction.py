"""What the switch knows of one message under way, and of the rows that it touches.

`Transaction` and `AccountState` are made once a message, and their fields are C (`cext/_transaction.pyx`).
"""

import datetime as dt
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

from cext import _transaction
from cext._kernel import Original
from cext._transaction import AccountState
from protocol.message import Message
from switch.basket import Line
from switch.coupons import Shown
from switch.institutions import Terminal
from switch.movements import Movements
from switch.receipts import Language
from switch.wide_requests import Wide

TOKEN = struct.Struct(">qq")

__all__ = [
    "AccountKey",
    "AccountState",
    "FurtherCard",
    "JournalKey",
    "Link",
    "OriginalName",
    "OriginalRecord",
    "StoredAnswer",
    "Transaction",
    "journal_key",
    "sent_before",
    "token_bytes",
]

AccountKey = tuple[int, int]
"""(shard, id) of an account."""


class JournalKey(NamedTuple):
    """The idempotency key of a message (wire.md, Rules): exact, and in the order of time.

    `key` is DE7 · 10⁶ + DE11; `terminal` stands for DE32 and DE41; `message_class` is the MTI's second digit.
    """

    shard: int
    key: int
    terminal: int
    message_class: int
    sent_on: dt.date


class FurtherCard(NamedTuple):
    """A card that is not its account's first: family, replacement, mobile number."""

    shard: int
    token: bytes
    account_shard: int
    account: int
    status: int
    last_four: str | None
    expires_on: dt.date | None
    since: dt.datetime | None = None
    """Messages that were sent before do not know this card."""


class StoredAnswer(NamedTuple):
    """A journal row as far as a repeat needs it. A `tombstone` stands for a message reversed before it came."""

    key: int
    terminal: int
    message_class: int
    fingerprint: int
    response_code: str
    reply: bytes | None
    tombstone: bool


@dataclass(frozen=True, slots=True)
class OriginalRecord:
    """The journal row that DE90 names. `reversal_reply` is the reply that its reversal got, if it was reversed;
    `terminal` is the one that sent it.

    `earned_at`: when it was decided, or, of a refund, what it refunds; epoch seconds, 0 if that is not known.
    """

    seq: int
    sent_on: dt.date
    account: int | None
    original: Original
    reversal_reply: bytes | None
    tombstone: bool
    earned_at: int = 0
    terminal: int = 0
    used_coupons: bool = False


class OriginalName(NamedTuple):
    """DE90 as read: which message is meant. DE33 is kept by the till and not looked at."""

    key: int
    message_class: int
    sent_on: dt.date
    mti: str


class Link(Protocol):
    """Where an answer goes: the connection that the message came by."""

    def accept(self) -> None:
        """One more message of this link is under way."""

    def release(self) -> None:
        """A message of this link gets no answer."""

    def answer(self, message: Message, header: bytes) -> None:
        """Encode a reply and keep it for `flush`. A link that is gone swallows it: the till will repeat."""

    def reply(self, request: Message, decided: dict[int, str | bytes], header: bytes) -> None:
        """Answer a request with what was decided and what is echoed of it."""

    def flush(self) -> None:
        """Write what was kept, in one write."""


if TYPE_CHECKING:

    class Transaction(_transaction.Transaction):
        """One message on its way down to the store and up again.

        Made by `authorise`, which sets right after the constructor what is not an argument of it. The fields themselves
        are C (`cext/_transaction.pxd`), where the other extensions reach them; here stands what they hold.
        """

        link: Link | None
        message: Message
        terminal: Terminal
        sent_on: dt.date
        """The date of DE7; `sent_on_ordinal` is the same, as `business_ordinal` is `business_date`."""
        business_date: dt.date
        settlement_date: str
        """DE15: `business_date` as MMDD."""
        recent_key: tuple[int, int, int]
        """The key without its shard: one till never uses it twice, whichever card it names."""
        card: FurtherCard | None
        """The card, if it is not its account's first."""
        original_name: OriginalName | None
        original_record: OriginalRecord | None
        basket: list[Line] | None
        """DE63, as far as it was looked at."""
        language: Language | None
        """DE48 LG."""
        wide: Wide | None
        """What it asks for that touches more than one account."""
        coupons: Shown | None
        """The coupons that it shows, or may give back."""
        claims: tuple[str, ...]
        """The offers that it claims."""
        movements: Movements | None
        """What was read for an inquiry that wants the last movements."""
        waiters: "list[Transaction] | None"
        """Copies of the message that came while it was under way."""

else:
    Transaction = _transaction.Transaction


def sent_before(transaction: Transaction, moment: dt.datetime | None) -> bool:
    """Whether a message was sent (DE7) before a moment; never, if there is none."""
    if moment is None:
        return False
    clock = transaction.key // 10**6 % 10**6
    sent = dt.datetime.combine(transaction.sent_on, dt.time(clock // 10**4, clock // 100 % 100, clock % 100), dt.UTC)
    return sent < moment.replace(microsecond=0)


def token_bytes(transaction: Transaction) -> bytes:
    """The token of the card that the message names (16 bytes)."""
    return TOKEN.pack(transaction.account_id, transaction.token_low)


def journal_key(transaction: Transaction) -> JournalKey:
    """The key under which the journal keeps this message."""
    t = transaction
    return JournalKey(t.shard, t.key, t.terminal_id, t.message_class, t.sent_on)
