"""The store of the wide lane: `switch.wide_ports.WideStore` on PostgreSQL, over one dedicated connection.

As in `store`, no statement has a client-side timeout and none is ever cancelled: on a deadline the lane terminates the
connection, the outcome counts as unknown, and the key decides.
"""

import datetime as dt
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from adapters.postgres import erasing
from adapters.postgres.queries import named
from adapters.postgres.store import CONNECT_TIMEOUT_S, LANE_SETTINGS, LOST
from switch.errors import KeyTaken, StaleAccounts, StoreError, StoreUnavailable
from switch.member_data import MemberData
from switch.referral import ReferralCode
from switch.tokens import Token
from switch.transaction import AccountKey, OriginalName, StoredAnswer, Transaction, journal_key
from switch.wide_ports import (
    COUNTERPART_CLASSES,
    AccountChange,
    AccountRow,
    Club,
    Effects,
    JournalSide,
    NewAccount,
    NewCard,
    NewMember,
    Party,
    TransferRecord,
    TransferRow,
)
from switch.wide_requests import Leaving

_SQL = named("wide")
_FENCE = named("lane")["fence"]
_SETTINGS = LANE_SETTINGS | {"application_name": "loyalty-switch wide lane"}

Place = tuple[int, int]
"""(shard, seq) of a journal row."""


class PostgresWideStore:
    """`switch.wide_ports.WideStore` on PostgreSQL 15 to 18."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None
        self._held: frozenset[int] = frozenset()

    async def connect(self) -> None:
        """Open, or open again, the connection."""
        self.terminate()
        try:
            self._connection = await asyncpg.connect(self._url, timeout=CONNECT_TIMEOUT_S, server_settings=_SETTINGS)
        except (*LOST, asyncpg.PostgresError) as fault:
            raise StoreUnavailable(type(fault).__name__) from fault

    def terminate(self) -> None:
        """Cut the connection at once, and with it what was begun."""
        connection, self._connection, self._held = self._connection, None, frozenset()
        if connection is not None:
            connection.terminate()

    @asynccontextmanager
    async def _at_work(self) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
        """The connection; what goes wrong on it, in the switch's terms and with nothing left begun."""
        connection = self._connection
        if connection is None or connection.is_closed():
            raise StoreUnavailable("the wide lane has no connection")
        try:
            yield connection
        except LOST as fault:
            raise StoreUnavailable(type(fault).__name__) from fault
        except asyncpg.UniqueViolationError as fault:
            await self.rollback()
            if (fault.table_name or "").startswith("journal"):
                raise KeyTaken("journal") from fault
            raise StaleAccounts(fault.table_name or "") from fault
        except (asyncpg.DeadlockDetectedError, asyncpg.SerializationError) as fault:
            await self.rollback()
            raise StaleAccounts(fault.sqlstate or "") from fault
        except asyncpg.PostgresError as fault:
            await self.rollback()
            # The text of a database error may quote values; its code says enough.
            raise StoreError(f"the store refused a message (SQLSTATE {fault.sqlstate})") from None

    async def rollback(self) -> None:
        """Let go of what was begun."""
        self._held = frozenset()
        connection = self._connection
        if connection is not None and connection.is_in_transaction():
            try:
                await connection.execute("ROLLBACK")
            except LOST as fault:
                raise StoreUnavailable(type(fault).__name__) from fault

    async def answer(self, transaction: Transaction, shards: Iterable[int]) -> StoredAnswer | None:
        """Find the message's key in these shards, then wait until it is as durable as a commit of our own."""
        key = journal_key(transaction)
        async with self._at_work() as connection:
            row = await connection.fetchrow(
                _SQL["answer"], list(shards), key.key, key.terminal, key.message_class, key.sent_on
            )
            if row is None:
                return None
            await connection.execute(_FENCE)
        number, terminal, message_class, fingerprint, response_code, reply = row
        return StoredAnswer(number, terminal, message_class, fingerprint, response_code, reply, fingerprint == 0)

    async def lock(self, shards: Sequence[int]) -> None:
        """Begin a transaction that holds these shards, taken in ascending order."""
        async with self._at_work() as connection:
            await connection.execute("BEGIN")
            await connection.fetch(_SQL["lock_shards"], list(shards))
        self._held = frozenset(shards)

    async def party(self, card: Token) -> Party | None:
        """A card and its account. Raises `StaleAccounts` if shards are held, but not the account's."""
        async with self._at_work() as connection:
            row = await connection.fetchrow(_SQL["party"], card.shard, card.id, card.low, card.bytes)
        if row is None:
            return None
        account = AccountRow(
            row["shard"], row["id"], row["version"], row["programme"], row["account_status"], row["points"],
            row["credit"], row["lots"], row["member"], row["account_last_four"], row["untouched"],
            row["flags"], row["born"], row["reserves"], row["enrolled_on"],
            row["club"],
        )  # fmt: skip
        if self._held and account.shard not in self._held:
            raise StaleAccounts("the card leads to another account by now")
        return Party(
            row["is_first"], row["status"], row["kind"], row["last_four"], row["expires_on"], account, row["since"]
        )

    async def club(self, programme: int, code: str) -> Club | None:
        """A membership type by its code."""
        async with self._at_work() as connection:
            row = await connection.fetchrow(_SQL["club"], programme, code)
        if row is None:
            return None
        return Club(row["id"], row["open"], row["fee"], row["fee_may_be_owed"], frozenset(row["required"]))

    async def fee_owed(self, member: AccountKey) -> int:
        """What a member owes of a club's fee, minor units."""
        async with self._at_work() as connection:
            return int(await connection.fetchval(_SQL["fee_owed"], *member) or 0)

    async def card_shards(self, account: AccountKey) -> set[int]:
        """Where an account's further cards are kept."""
        async with self._at_work() as connection:
            return await erasing.card_shards(connection, account)

    async def forgotten(self, mobile: Token) -> dt.datetime | None:
        """When a member with this mobile was erased, if one was."""
        async with self._at_work() as connection:
            at: dt.datetime | None = await connection.fetchval(_SQL["forgotten"], mobile.shard, mobile.bytes)
        return at

    async def virtual_cards(self, programme: int) -> bool:
        """Whether the programme takes members without a card."""
        async with self._at_work() as connection:
            return bool(await connection.fetchval(_SQL["virtual_cards"], programme))

    async def known_of(self, member: AccountKey) -> frozenset[str]:
        """The tags of DE48 that a member has told."""
        async with self._at_work() as connection:
            return frozenset(await connection.fetchval(_SQL["known_of"], *member) or ())

    async def referrer(self, programme: int, code: ReferralCode) -> AccountKey | None:
        """The member whose referral code this is."""
        async with self._at_work() as connection:
            row = await connection.fetchrow(_SQL["referrer"], programme, code.shard, code.code)
        return None if row is None else (row["member_shard"], row["member"])

    async def transfer(self, account: AccountKey, name: OriginalName, institution: int) -> TransferRecord | None:
        """The approved transfer of an account that DE90 names."""
        async with self._at_work() as connection:
            row = await connection.fetchrow(_SQL["transfer"], *account, name.key, name.sent_on, institution)
        if row is None:
            return None
        giver, receiver = _transfer_row(row), _transfer_row(row, "other_")
        if self._held and not {giver.account.shard, receiver.account.shard} <= self._held:
            raise StaleAccounts("the transfer is between other accounts than those held")
        return TransferRecord(giver, receiver, row["reversal_reply"])

    async def is_taken(self, code: ReferralCode) -> bool:
        """Whether some member has this referral code."""
        async with self._at_work() as connection:
            return bool(await connection.fetchval(_SQL["is_taken"], code.shard, code.code))

    async def commit(self, transaction: Transaction, effects: Effects, at_us: int) -> None:
        """Make all of it durable, or nothing."""
        at = dt.datetime.fromtimestamp(at_us / 1_000_000, dt.UTC)
        async with self._at_work() as connection:
            for change in effects.changes:
                if await connection.execute(_SQL["change_account"], *_change(change)) != "UPDATE 1":
                    await self.rollback()
                    raise StaleAccounts("1")
            if effects.account is not None:
                await connection.execute(_SQL["add_account"], *_account(effects.account))
            if effects.card is not None:
                await connection.execute(_SQL["add_card"], *_card(effects.card))
            if effects.member is not None:
                await self._add_member(connection, effects.member, effects.referral)
            if effects.more is not None:
                await connection.execute(_SQL["add_data"], *effects.more.member, *_told(effects.more.told))
            if effects.fee_paid_by is not None:
                await connection.execute(_SQL["pay_fee"], *effects.fee_paid_by)
            if effects.erasure is not None:
                await erasing.erase(connection, effects.erasure, at)
            await self._write(connection, transaction, effects, at)
            wide = transaction.wide
            if wide is not None and isinstance(wide.request, Leaving) and effects.request is not None:
                await erasing.finish(connection, effects.request, wide.request.approved_by, at)
            self._held = frozenset()
            await connection.execute("COMMIT")

    @staticmethod
    async def _add_member(
        connection: "asyncpg.Connection[asyncpg.Record]", member: NewMember, referral: ReferralCode | None
    ) -> None:
        await connection.execute(_SQL["add_member"], *_member(member))
        if referral is not None:
            await connection.execute(
                _SQL["add_referral"], referral.shard, referral.code, member.programme, *member.account
            )

    @staticmethod
    async def _write(
        connection: "asyncpg.Connection[asyncpg.Record]",
        transaction: Transaction,
        effects: Effects,
        at: dt.datetime,
    ) -> None:
        """The journal row of the message, and the receiver's of a transfer: each names the other one."""
        e = transaction
        account = None if e.programme is None else e.account_id
        own = JournalSide(e.shard, account, e.last_four, e.decision, effects.original_seq)
        other = effects.other
        sides = [own] if other is None else [own, other]
        places = [(side.shard, await connection.fetchval(_SQL["take_number"], side.shard)) for side in sides]
        classes = (e.message_class, COUNTERPART_CLASSES[e.message_class])
        for index, side in enumerate(sides):
            counterpart = places[1 - index] if other is not None else (None, None)
            await connection.execute(_SQL["add_row"], *_row(e, side, classes[index], places[index], at), *counterpart)


def _transfer_row(row: asyncpg.Record, side: str = "") -> TransferRow:
    def of(name: str) -> Any:
        return row[f"{side}{name}"]

    account = AccountRow(
        of("shard"), of("id"), of("version"), of("programme"), of("status"), of("points"), of("credit"), of("lots"),
        of("member"), of("last_four"), untouched=False, reserves=of("reserves"),
    )  # fmt: skip
    return TransferRow(of("seq"), account, of("card_last_four"), of("points_expired"), of("lots_moved") or b"")


def _change(change: AccountChange) -> tuple[Any, ...]:
    before = change.before
    return (
        before.shard, before.id, before.version, change.points, change.credit, change.lots, change.status,
        change.member, change.club, change.born, change.enrolled_on,
        change.flags, change.grants, change.reserves,
    )  # fmt: skip


def _account(new: NewAccount) -> tuple[Any, ...]:
    token = new.token
    return (
        token.shard, token.id, token.low, new.programme, new.last_four, new.club, new.born, new.enrolled_on, new.flags,
    )  # fmt: skip


def _card(new: NewCard) -> tuple[Any, ...]:
    token = new.token
    return (token.shard, token.bytes, *new.account, new.programme, new.kind, new.last_four, new.expires_on, new.since)


def _member(new: NewMember) -> tuple[Any, ...]:
    return (*new.account, new.mobile, *_told(new.told), *(new.referrer or (None, None)), new.fee_owed)


def _told(data: MemberData) -> tuple[Any, ...]:
    return (data.name, data.born, data.gender, data.education, data.region)


def _row(e: Transaction, side: JournalSide, message_class: int, place: Place, at: dt.datetime) -> tuple[Any, ...]:
    d, terminal = side.decision, e.terminal
    return (
        *place, e.sent_on, e.key, terminal.id, message_class, e.mti, e.processing_code, at, e.business_date,
        e.fingerprint, terminal.institution_id, terminal.merchant_id, e.programme, e.programme_version, side.account,
        side.last_four, e.request.currency, e.amount, e.response_code, d.points_earned, d.points_redeemed,
        d.points_expired, d.points_adjusted, d.credit_granted, d.credit_spent, d.points_balance, d.credit_balance,
        d.lots_moved or None, e.rrn, e.stored_reply, side.original_seq,
        None if side.original_seq is None or e.original_name is None else e.original_name.sent_on, e.request.entry_mode,
        e.asked, d.reserves_moved or None,
    )  # fmt: skip
