"""What is read for a wide message under its locks, what it changes, and the store that does both.

A wide message touches more than one account, or people and cards beside accounts. It is carried alone, in one
transaction that holds every shard it touches (docs/architecture.md).
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from cext._kernel import Decision
from switch.member_data import MemberData
from switch.referral import ReferralCode
from switch.tokens import Token
from switch.transaction import AccountKey, OriginalName, StoredAnswer, Transaction

COUNTERPART_CLASSES = {2: 9, 4: 8}
"""journal.class of the other member's row, by the message's own class: 9 of a transfer, 8 of its reversal. It is no
message of its own and has that one's key, and a till may use one key for both.
"""

ACTIVE, BLOCKED, CLOSED = 0, 1, 2
MOBILE = 5
"""card.kind of a mobile number."""


@dataclass(frozen=True, slots=True)
class AccountRow:
    """An account as it stands; `last_four` is its first card's. `untouched`: unused, empty, no further card.

    `club` is the code of the member's; None: in no club.
    """

    shard: int
    id: int
    version: int
    programme: int
    status: int
    points: int
    credit: int
    lots: bytes
    member: int | None
    last_four: str | None
    untouched: bool
    flags: int = 0
    born: int = 0
    reserves: bytes = b""
    enrolled_on: dt.date | None = None
    club: str | None = None

    @property
    def key(self) -> AccountKey:
        """(shard, id)."""
        return (self.shard, self.id)


@dataclass(frozen=True, slots=True)
class Party:
    """A card that a message names, and the account that it leads to. `is_first`: it is the account's first card."""

    is_first: bool
    status: int
    kind: int
    last_four: str | None
    expires_on: dt.date | None
    account: AccountRow
    since: dt.datetime | None = None
    """Messages that were sent before do not know this card."""


@dataclass(frozen=True, slots=True)
class Club:
    """A membership type. `fee` in minor units of the programme's currency; `required`: tags of DE48."""

    id: int
    open: bool
    fee: int
    fee_may_be_owed: bool
    required: frozenset[str]


@dataclass(frozen=True, slots=True)
class AccountChange:
    """How an account is left, on the version that was read. None: as it was."""

    before: AccountRow
    points: int | None = None
    credit: int | None = None
    lots: bytes | None = None
    reserves: bytes | None = None
    status: int | None = None
    member: int | None = None
    club: int | None = None
    born: int | None = None
    enrolled_on: dt.date | None = None
    flags: int | None = None
    grants: bytes | None = None


@dataclass(frozen=True, slots=True)
class NewAccount:
    """An account for somebody without a card: the mobile is its first one."""

    token: Token
    programme: int
    last_four: str
    club: int
    born: int
    enrolled_on: dt.date
    flags: int


@dataclass(frozen=True, slots=True)
class NewMember:
    """A person. `account` is the first account, which gives the member its number."""

    account: AccountKey
    programme: int
    mobile: str = field(repr=False)
    told: MemberData
    referrer: AccountKey | None
    fee_owed: int


@dataclass(frozen=True, slots=True)
class MoreData:
    """What a member tells later. What is known already stays."""

    member: AccountKey
    told: MemberData


@dataclass(frozen=True, slots=True)
class Erasure:
    """Whose account it was is forgotten; from then on it has the number `alias`, in the same shard."""

    account: AccountKey
    alias: Token


@dataclass(frozen=True, slots=True)
class NewCard:
    """A further card of an account."""

    token: Token
    account: AccountKey
    programme: int
    kind: int
    last_four: str | None
    expires_on: dt.date | None = None
    since: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class JournalSide:
    """One account's row of a message. `account` is None if no account was found; `original_seq` is what it undoes."""

    shard: int
    account: int | None
    last_four: str | None
    decision: Decision
    original_seq: int | None = None


@dataclass(frozen=True, slots=True)
class TransferRow:
    """One account's row of a transfer that was approved, as the journal keeps it."""

    seq: int
    account: AccountRow
    last_four: str | None
    points_expired: int
    lots_moved: bytes


@dataclass(frozen=True, slots=True)
class TransferRecord:
    """A transfer that is to be taken back. `reversal_reply` is what its first reversal was answered."""

    giver: TransferRow
    receiver: TransferRow
    reversal_reply: bytes | None


@dataclass(frozen=True, slots=True)
class Effects:
    """All that a message changes. `referral` is the new member's own code, `other` the second row of a transfer; the
    first is the transaction's own, and undoes `original_seq`. `request` is the one of the house that this fulfils.
    """

    decision: Decision
    changes: tuple[AccountChange, ...] = ()
    account: NewAccount | None = None
    member: NewMember | None = None
    more: MoreData | None = None
    card: NewCard | None = None
    referral: ReferralCode | None = None
    other: JournalSide | None = None
    original_seq: int | None = None
    erasure: Erasure | None = None
    request: int | None = None
    fee_paid_by: AccountKey | None = None
    """The member who owed a club's fee, and owes it no more."""
    asked: str | None = None
    """What the journal keeps besides, so that a replay finds the account as it was: see `switch.member_data`."""


class WideStore(Protocol):
    """The durable side of the wide lane: one connection, one message at a time.

    Every call raises `StoreUnavailable` if the connection is lost; `commit` then has an unknown outcome.
    """

    async def connect(self) -> None:
        """Open, or open again, the connection."""

    def terminate(self) -> None:
        """Cut the connection at once, and with it what was begun."""

    async def answer(self, transaction: Transaction, shards: Iterable[int]) -> StoredAnswer | None:
        """Find the message's key in these shards, and make sure that it is as durable as a commit of our own."""

    async def lock(self, shards: Sequence[int]) -> None:
        """Begin a transaction that holds these shards, taken in ascending order."""

    async def party(self, card: Token) -> Party | None:
        """A card and its account, if there is such a card. Raises `StaleAccounts` if shards are held and the account's
        is not among them: the card was linked to another account meanwhile.
        """

    async def club(self, programme: int, code: str) -> Club | None:
        """A membership type by its code."""

    async def fee_owed(self, member: AccountKey) -> int:
        """What a member owes of a club's fee, minor units."""

    async def card_shards(self, account: AccountKey) -> set[int]:
        """Where an account's further cards are kept."""

    async def forgotten(self, mobile: Token) -> dt.datetime | None:
        """When a member with this mobile was erased, if one was."""

    async def virtual_cards(self, programme: int) -> bool:
        """Whether the programme takes members without a card."""

    async def known_of(self, member: AccountKey) -> frozenset[str]:
        """The tags of DE48 that a member has told."""

    async def referrer(self, programme: int, code: ReferralCode) -> AccountKey | None:
        """The member whose referral code this is."""

    async def transfer(self, account: AccountKey, name: OriginalName, institution: int) -> TransferRecord | None:
        """The approved transfer of an account that DE90 names. Raises `StaleAccounts` if shards are held, but not
        those of both accounts.
        """

    async def is_taken(self, code: ReferralCode) -> bool:
        """Whether some member has this referral code."""

    async def commit(self, transaction: Transaction, effects: Effects, at_us: int) -> None:
        """Make all of it durable, or nothing. Raises `StaleAccounts` or `KeyTaken` when nothing was kept."""

    async def rollback(self) -> None:
        """Let go of what was begun."""
