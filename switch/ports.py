"""The ports: what the switch needs of the world, named by the switch and implemented by adapters above it."""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from cext._kernel import Decision
from switch.budgets import Draw, Owed, Share
from switch.coupons import Coupon, CouponKey
from switch.institutions import Directory
from switch.movements import Movement
from switch.transaction import (
    AccountKey,
    AccountState,
    FurtherCard,
    JournalKey,
    OriginalRecord,
    StoredAnswer,
    Transaction,
)


class Telemetry(Protocol):
    """Counts. Each call is on the hot path: no look-up of labels, no allocation to speak of, no I/O."""

    def answered(self, mti: str, response_code: str, institution: str, latency_s: float) -> None:
        """One reply was handed to its connection."""

    def batch(self, lane: int, messages: int, read_s: float, commit_s: float) -> None:
        """One batch was made durable."""

    def retried(self, lane: int, messages: int) -> None:
        """Messages are decided again, because an account changed meanwhile or a key was taken."""

    def repeated(self, messages: int = 1) -> None:
        """Messages were answered with the reply of their first copy."""

    def refused(self, reason: str) -> None:
        """A frame, a message or a connection was refused; `reason` is a limit's or a fault's short name."""

    def connections(self, delta: int) -> None:
        """The number of open connections changed."""

    def gauge_lane_queue(self, lane: int, read: Callable[[], int]) -> None:
        """Register how to read the length of a lane's queue."""

    def shadowed(self, programme: str, live: Decision, shadow: Decision) -> None:
        """A version in shadow decided beside the live one; off the hot path of those without a shadow."""

    def store(self, event: str) -> None:
        """The store was `connected` or `lost`, or a commit's `outcome_unknown`."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What goes down in one statement: the accounts that change and the journal rows, both ordered by shard.

    `accounts` are distinct and ordered by (shard, id); `entries` are ordered by shard, and within a shard by decision.
    `coupons` are the messages that use coupons up or give some back: only in a batch that holds them.
    `draws` are what it takes from shares of budgets, in order; `owed` is what it takes beyond them: only in a
    batch that holds its shards.
    """

    at_us: int
    accounts: Sequence[AccountState]
    entries: Sequence[Transaction]
    coupons: Sequence[Transaction] = ()
    draws: Sequence[Draw] = ()
    owed: Sequence[Owed] = ()


class Store(Protocol):
    """The durable side of the lanes. Each lane has connections of its own; calls raise `StoreUnavailable` without."""

    @property
    def shards(self) -> int:
        """How many virtual shards the database was made with."""

    async def connect(self, lane: int) -> None:
        """Open, or open again, the connection of a lane."""

    def terminate(self, lane: int) -> None:
        """Cut the connection of a lane at once. A commit under way has an unknown outcome."""

    async def accounts(self, lane: int, shards: list[int], ids: list[int]) -> list[AccountState]:
        """Read the accounts named by (shard, id), also beside a commit; those that are not there are left out."""

    async def further_cards(self, lane: int, shards: list[int], tokens: list[bytes]) -> list[FurtherCard]:
        """Look up cards that are not their account's first card."""

    async def answers(self, lane: int, keys: Sequence[JournalKey]) -> list[StoredAnswer]:
        """Find journal rows by key, and make sure that they are as durable as a commit of our own."""

    async def original(self, lane: int, transaction: Transaction) -> OriginalRecord | None:
        """Find the message that a reversal or a refund names, with what was undone of it already."""

    async def movements(
        self, lane: int, accounts: Sequence[AccountKey], since: dt.date
    ) -> dict[AccountKey, list[Movement]]:
        """Read the last movements of accounts since a date of DE7, newest first: at most `movements.READ_MAX` each."""

    async def commit(self, lane: int, batch: Batch) -> None:
        """Make a batch durable, all of it or nothing.

        Raises `StaleAccounts` or `KeyTaken` when nothing was kept: because an account has changed since it was read, or
        a share of a budget has less left than is drawn.
        """

    async def lock(self, lane: int, shards: list[int]) -> None:
        """Begin a transaction that holds these shards: the next reads and the next commit cannot be overtaken."""

    async def coupons_used(self, lane: int, transaction: Transaction) -> list[CouponKey]:
        """The coupons that the original of a reversal has used up, unless they were given back."""

    async def hold_coupons(self, lane: int, shards: list[int], tokens: list[bytes]) -> list[Coupon]:
        """Read coupons and hold them until the commit, in the order given; only while shards are held."""

    async def budget_shares(self, lane: int, *, hold: bool) -> list[Share]:
        """Read the shares of all budgets in order; `hold` them until the commit, only while shards are held."""

    async def cut_over(self, institution_id: int, business_date: dt.date) -> dt.date:
        """Move an institution's business date forward; returns the date in force (never an earlier one)."""

    async def directory(self) -> Directory:
        """Read the reference data."""

    async def directory_version(self) -> int:
        """The version of the reference data; it grows with every change."""

    async def close(self) -> None:
        """Close every connection."""
