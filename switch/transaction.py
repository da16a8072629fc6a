"""What the switch knows of one message under way, and of the rows that it touches.

`Transaction` and `AccountState` are made once a message: plain slotted classes, because dataclasses with thirty
defaults cost a microsecond each.
"""

import datetime as dt
import struct
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from cext._kernel import Account, Decision, Original, Request
from protocol.message import Message
from switch.institutions import Terminal

TOKEN = struct.Struct(">qq")

NO_EFFECT = Decision("00")
"""The decision of a message that moved nothing: every leg is zero."""


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


class AccountState:
    """An account as it was read and as the messages of a batch change it. `locator` is the store's own."""

    __slots__ = (
        "account",
        "card_expires_on",
        "card_status",
        "changed",
        "last_four",
        "locator",
        "programme",
        "token_low",
    )

    def __init__(
        self,
        account: Account,
        programme: int,
        token_low: int,
        card_status: int,
        last_four: str | None,
        card_expires_on: dt.date | None,
        locator: tuple[int, int],
    ) -> None:
        self.account = account
        self.programme = programme
        self.token_low = token_low
        self.card_status = card_status
        self.last_four = last_four
        self.card_expires_on = card_expires_on
        self.locator = locator
        self.changed = False


class FurtherCard(NamedTuple):
    """A card that is not its account's first: family, replacement, mobile number."""

    shard: int
    token: bytes
    account_shard: int
    account: int
    status: int
    last_four: str | None
    expires_on: dt.date | None


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
    """The journal row that DE90 names. `reversal_reply` is the reply that its reversal got, if it was reversed."""

    seq: int
    sent_on: dt.date
    account: int | None
    original: Original
    reversal_reply: bytes | None
    tombstone: bool


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

    def flush(self) -> None:
        """Write what was kept, in one write."""


class Transaction:
    """One message on its way down to the store and up again."""

    __slots__ = (
        "account_id",
        "amount",
        "answered",
        "business_date",
        "card",
        "currency",
        "deadline",
        "decision",
        "fingerprint",
        "header",
        "held_decline",
        "key",
        "kind",
        "last_four",
        "link",
        "message",
        "message_class",
        "mti",
        "original_name",
        "original_record",
        "place",
        "processing_code",
        "programme",
        "programme_version",
        "rank",
        "reason",
        "received",
        "recent_key",
        "repeats_reversal",
        "reply_fields",
        "request",
        "response_code",
        "rrn",
        "sent_on",
        "sent_on_ordinal",
        "shard",
        "stored_reply",
        "suspect",
        "terminal",
        "to_pay_in_reply",
        "token_low",
        "tombstone",
        "unknown_card",
        "waiters",
    )

    def __init__(
        self,
        link: Link | None,
        header: bytes,
        message: Message,
        terminal: Terminal,
        request: Request,
        received: float,
        deadline: float,
    ) -> None:
        self.link = link
        self.header = header
        self.message = message
        self.terminal = terminal
        self.request = request
        self.kind: int = request.kind
        self.received = received
        self.deadline = deadline
        self.response_code = ""
        self.reason = ""
        self.amount: int = request.amount
        self.held_decline = ""
        self.decision = NO_EFFECT
        self.answered = False
        self.to_pay_in_reply = False
        self.repeats_reversal = False
        self.suspect = False
        self.tombstone = False
        self.unknown_card = False
        self.waiters: list[Transaction] | None = None
        self.card: FurtherCard | None = None
        self.original_name: OriginalName | None = None
        self.original_record: OriginalRecord | None = None
        self.reply_fields: dict[int, str | bytes] | None = None
        self.stored_reply: bytes | None = None
        self.last_four: str | None = None
        self.programme: int | None = None
        self.programme_version: int | None = None
        self.place = 0
        self.rank = 0

    # Set by `authorise` right after the constructor; declared here so that every reader knows the types.
    mti: int
    processing_code: int
    recent_key: tuple[int, int, int]
    """The key without its shard: one till never uses it twice, whichever card it names."""
    key: int
    message_class: int
    sent_on: dt.date
    sent_on_ordinal: int
    fingerprint: int
    shard: int
    account_id: int
    token_low: int
    business_date: dt.date
    rrn: str
    currency: str

    def token_bytes(self) -> bytes:
        """The token of the card that the message names (16 bytes)."""
        return TOKEN.pack(self.account_id, self.token_low)

    def journal_key(self) -> JournalKey:
        """The key under which the journal keeps this message."""
        return JournalKey(self.shard, self.key, self.terminal.id, self.message_class, self.sent_on)
