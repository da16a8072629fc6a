"""The store of the lanes: `switch.ports.Store` on PostgreSQL, one dedicated connection a lane.

No statement here has a client-side timeout and none is ever cancelled: on a deadline the lane terminates its
connection, the outcome counts as unknown, and the keys decide (architecture.md, 4; pitfalls.md).
"""

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import asyncpg

from adapters.postgres import reference
from adapters.postgres.binary_arrays import take_encoded_arrays
from adapters.postgres.columns import (
    coupon_columns,
    draw_columns,
    key_columns,
    original_key,
    owed_columns,
    shard_columns,
)
from adapters.postgres.queries import named
from cext._kernel import Original
from cext._pgarray import bytea_array, int2_array, int8_array
from cext._pgrows import account_rows, journal_rows
from protocol.tlv import values_of
from switch.authorise import FUNCTIONS
from switch.budgets import Share
from switch.coupons import Coupon, CouponKey
from switch.errors import KeyTaken, StaleAccounts, StoreError, StoreUnavailable
from switch.institutions import Directory
from switch.movements import READ_MAX, Movement
from switch.ports import Batch
from switch.simulation.history import Row
from switch.transaction import (
    AccountKey,
    AccountState,
    FurtherCard,
    JournalKey,
    OriginalRecord,
    StoredAnswer,
    Transaction,
)

CONNECT_TIMEOUT_S = 5.0
STALE = "LS001"
REVERSAL_CLASS = 4

LANE_SETTINGS = {
    "application_name": "loyalty-switch lane",
    "jit": "off",
    # The batch statements must visit rows in the order of their arrays, so that two workers lock alike: a nested loop
    # does, a hash or merge join does not.
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_seqscan": "off",
    "plan_cache_mode": "force_generic_plan",
}

LOST = (
    OSError,
    asyncio.TimeoutError,
    asyncpg.InterfaceError,
    # What asyncpg raises when the server's last words arrived between two statements.
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.exceptions.ConnectionDoesNotExistError,
    asyncpg.exceptions.AdminShutdownError,
    asyncpg.exceptions.CrashShutdownError,
    asyncpg.exceptions.CannotConnectNowError,
    asyncpg.exceptions.TooManyConnectionsError,
    asyncpg.exceptions.ReadOnlySQLTransactionError,
)
"""What means that the connection, or the server behind it, is of no use now."""

Connection = asyncpg.Connection
Prepared = asyncpg.prepared_stmt.PreparedStatement
Result = TypeVar("Result")


class _Reader:
    """The connection on which a lane looks things up, and its prepared statements."""

    __slots__ = (
        "accounts",
        "answers",
        "cards",
        "connection",
        "lock",
        "movements",
        "oids",
        "original",
        "shares",
        "undone",
    )

    def __init__(self, connection: "Connection[asyncpg.Record]") -> None:
        self.connection = connection
        self.oids: dict[str, int] = {}

    async def prepare(self) -> None:
        self.oids = await take_encoded_arrays(self.connection)
        lane = named("lane")
        prepare = self.connection.prepare
        self.accounts = await prepare(lane["read_accounts"])
        self.lock = await prepare(lane["lock_shards"])
        self.cards = await prepare(lane["further_cards"])
        self.answers = await prepare(lane["answers"])
        self.original = await prepare(lane["original"])
        self.undone = await prepare(lane["undone"])
        self.movements = await prepare(lane["movements"])
        self.shares = await prepare(lane["budget_shares"])


class _Writer(_Reader):
    """The connection on which a lane commits. While it holds locks, everything goes over it."""

    __slots__ = (
        "commit",
        "coupons_used",
        "hold_coupons",
        "hold_shares",
        "in_transaction",
        "move_coupons",
        "owe_budgets",
    )

    def __init__(self, connection: "Connection[asyncpg.Record]") -> None:
        super().__init__(connection)
        self.in_transaction = False

    async def prepare(self) -> None:
        await super().prepare()
        lane = named("lane")
        prepare = self.connection.prepare
        self.commit = await prepare(lane["commit_batch"])
        self.coupons_used = await prepare(lane["coupons_used"])
        self.hold_coupons = await prepare(lane["hold_coupons"])
        self.owe_budgets = await prepare(lane["owe_budgets"])
        self.hold_shares = await prepare(lane["hold_shares"])
        self.move_coupons = await prepare(lane["move_coupons"])


class _Link:
    """A lane's two connections: the next batch is read while the last one is being committed."""

    __slots__ = ("reader", "writer")

    def __init__(self, reader: _Reader, writer: _Writer) -> None:
        self.reader = reader
        self.writer = writer

    def terminate(self) -> None:
        self.reader.connection.terminate()
        self.writer.connection.terminate()

    def is_closed(self) -> bool:
        return self.reader.connection.is_closed() or self.writer.connection.is_closed()


class PostgresStore:
    """`switch.ports.Store` on PostgreSQL 15 to 18."""

    def __init__(self, url: str, *, lanes: int, shards: int) -> None:
        self._url = url
        self._shards = shards
        self._links: list[_Link | None] = [None] * lanes
        self._desk: Connection[asyncpg.Record] | None = None
        self._desk_lock = asyncio.Lock()

    @property
    def shards(self) -> int:
        """How many virtual shards the database was made with."""
        return self._shards

    async def connect(self, lane: int) -> None:
        """Open, or open again, the connections of a lane."""
        self.terminate(lane)
        made: list[Connection[asyncpg.Record]] = []
        try:
            for _ in range(2):
                made.append(  # noqa: PERF401  # what was made must be known when the second one fails
                    await asyncpg.connect(self._url, timeout=CONNECT_TIMEOUT_S, server_settings=LANE_SETTINGS)
                )
            link = _Link(_Reader(made[0]), _Writer(made[1]))
            await link.reader.prepare()
            await link.writer.prepare()
        except (*LOST, asyncpg.PostgresError) as fault:
            for connection in made:
                connection.terminate()
            raise StoreUnavailable(_text(fault)) from fault
        self._links[lane] = link

    def terminate(self, lane: int) -> None:
        """Cut the connections of a lane at once."""
        link = self._links[lane]
        if link is not None:
            self._links[lane] = None
            link.terminate()

    def _writer(self, lane: int) -> _Writer:
        link = self._links[lane]
        if link is None or link.is_closed():
            raise StoreUnavailable("the lane has no connection")
        return link.writer

    def _reader(self, lane: int) -> _Reader:
        """Where to look things up: beside the commit under way, or under the locks that are held."""
        writer = self._writer(lane)
        link = self._links[lane]
        assert link is not None
        return writer if writer.in_transaction else link.reader

    async def _fetch(self, statement: "Prepared[asyncpg.Record]", *arguments: Any) -> list[asyncpg.Record]:
        try:
            return await statement.fetch(*arguments)
        except LOST as fault:
            raise StoreUnavailable(_text(fault)) from fault

    async def accounts(self, lane: int, shards: list[int], ids: list[int]) -> list[AccountState]:
        """Read accounts by (shard, id)."""
        link = self._reader(lane)
        rows = await self._fetch(link.accounts, int2_array(shards), int8_array(ids))
        return [row[0] for row in rows]

    async def further_cards(self, lane: int, shards: list[int], tokens: list[bytes]) -> list[FurtherCard]:
        """Look up cards that are not their account's first."""
        link = self._reader(lane)
        rows = await self._fetch(link.cards, int2_array(shards), bytea_array(tokens))
        return [FurtherCard(*row) for row in rows]

    async def answers(self, lane: int, keys: Sequence[JournalKey]) -> list[StoredAnswer]:
        """Find journal rows by key, then wait until they are as durable as a commit of our own."""
        link = self._reader(lane)
        rows = await self._fetch(link.answers, *key_columns(keys))
        if rows:
            try:
                await link.connection.execute(named("lane")["fence"])
            except LOST as fault:
                raise StoreUnavailable(_text(fault)) from fault
        return [
            StoredAnswer(key, terminal, message_class, fingerprint, rc, reply, fingerprint == 0)
            for key, terminal, message_class, fingerprint, rc, reply in rows
        ]

    async def original(self, lane: int, transaction: Transaction) -> OriginalRecord | None:
        """Find what DE90 names, and what was undone of it."""
        name = transaction.original_name
        assert name is not None
        link = self._reader(lane)
        terminal = transaction.terminal
        found = await self._fetch(
            link.original,
            transaction.shard,
            name.key,
            name.message_class,
            name.sent_on,
            terminal.id,
            terminal.institution_id,
        )
        if not found:
            return None
        row = found[0]
        undone = await self._fetch(link.undone, transaction.shard, row["seq"])
        return _original_record(row, undone)

    async def movements(
        self, lane: int, accounts: Sequence[AccountKey], since: dt.date
    ) -> dict[AccountKey, list[Movement]]:
        """Read the last movements of accounts, newest first."""
        link = self._reader(lane)
        shards, ids = [shard for shard, _ in accounts], [number for _, number in accounts]
        found: dict[AccountKey, list[Movement]] = {}
        for shard, number, *columns, code, tier, rule_ids in await self._fetch(
            link.movements, int2_array(shards), int8_array(ids), since, READ_MAX
        ):
            names = None if rule_ids is None else tuple(rule_ids)
            found.setdefault((shard, number), []).append(Movement(Row(*columns), code, tier, names))
        return found

    async def lock(self, lane: int, shards: list[int]) -> None:
        """Begin a transaction that holds these shards."""
        link = self._writer(lane)
        try:
            await link.connection.execute("BEGIN")
        except LOST as fault:
            raise StoreUnavailable(_text(fault)) from fault
        link.in_transaction = True
        await self._fetch(link.lock, int2_array(shards))

    async def coupons_used(self, lane: int, transaction: Transaction) -> list[CouponKey]:
        """The coupons that the original of a reversal has used up, unless they were given back."""
        name, record = transaction.original_name, transaction.original_record
        assert name is not None
        assert record is not None
        key = original_key(transaction.shard, name, record)
        return [CouponKey(*row) for row in await self._fetch(self._writer(lane).coupons_used, *key)]

    async def hold_coupons(self, lane: int, shards: list[int], tokens: list[bytes]) -> list[Coupon]:
        """Read coupons and hold them until the commit, in the order given."""
        link = self._writer(lane)
        assert link.in_transaction, "what is not held may be used up by somebody else"
        try:
            rows = await link.hold_coupons.fetch(int2_array(shards), bytea_array(tokens))
        except LOST as fault:
            raise StoreUnavailable(_text(fault)) from fault
        except asyncpg.DeadlockDetectedError as fault:
            await self._rollback(link)
            raise StaleAccounts(fault.sqlstate or "") from fault
        return [
            Coupon(CouponKey(shard, token, programme), campaign, left, withdrawn)
            for shard, token, programme, campaign, left, withdrawn in rows
        ]

    async def budget_shares(self, lane: int, *, hold: bool) -> list[Share]:
        """Read the shares of all budgets; if they are held, other lanes wait for this one's commit."""
        if not hold:
            return [Share(*row) for row in await self._fetch(self._reader(lane).shares)]
        link = self._writer(lane)
        assert link.in_transaction, "what is not held may be drawn by somebody else"
        try:
            return [Share(*row) for row in await link.hold_shares.fetch()]
        except LOST as fault:
            raise StoreUnavailable(_text(fault)) from fault
        except asyncpg.DeadlockDetectedError as fault:
            await self._rollback(link)
            raise StaleAccounts(fault.sqlstate or "") from fault

    async def commit(self, lane: int, batch: Batch) -> None:
        """Make a batch durable, all of it or nothing."""
        link = self._writer(lane)
        try:
            if batch.entries:
                shards, counts = shard_columns(batch.entries)
                await link.commit.fetch(
                    shards,
                    counts,
                    account_rows(link.oids["account_change"], batch.accounts),
                    dt.datetime.fromtimestamp(batch.at_us / 1_000_000, dt.UTC),
                    journal_rows(link.oids["journal_entry"], batch.entries),
                    len(batch.accounts),
                    *draw_columns(batch.draws),
                )
            if batch.owed:
                await link.owe_budgets.fetch(*owed_columns(batch.owed))
            if batch.coupons:
                await link.move_coupons.fetch(*coupon_columns(batch.coupons))
            if link.in_transaction:
                link.in_transaction = False
                await link.connection.execute("COMMIT")
        except asyncpg.UniqueViolationError as fault:
            await self._rollback(link)
            raise KeyTaken(fault.constraint_name or "journal") from fault
        except LOST as fault:
            raise StoreUnavailable(_text(fault)) from fault
        except asyncpg.PostgresError as fault:
            await self._rollback(link)
            if fault.sqlstate == STALE:
                raise StaleAccounts(str(len(batch.accounts))) from fault
            if isinstance(fault, (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)):
                raise StaleAccounts(fault.sqlstate or "") from fault
            # The text of a database error may quote values; its code says enough.
            raise StoreError(f"the store refused a batch (SQLSTATE {fault.sqlstate})") from None

    @staticmethod
    async def _rollback(link: _Writer) -> None:
        if link.connection.is_in_transaction():
            try:
                await link.connection.execute("ROLLBACK")
            except LOST as fault:
                raise StoreUnavailable(_text(fault)) from fault
        link.in_transaction = False

    async def _at_desk(self, work: "Callable[[Connection[asyncpg.Record]], Awaitable[Result]]") -> "Result":
        """Reference data goes over a connection of its own, never a lane's, opened again whenever it was lost."""
        async with self._desk_lock:
            try:
                if self._desk is None or self._desk.is_closed():
                    self._desk = await asyncpg.connect(
                        self._url,
                        timeout=CONNECT_TIMEOUT_S,
                        server_settings={"application_name": "loyalty-switch desk"},
                    )
                return await work(self._desk)
            except LOST as fault:
                if self._desk is not None:
                    self._desk.terminate()
                    self._desk = None
                raise StoreUnavailable(_text(fault)) from fault
            except asyncpg.PostgresError as fault:
                raise StoreError(_text(fault)) from fault

    async def cut_over(self, institution_id: int, business_date: dt.date) -> dt.date:
        """Move an institution's business date forward."""
        return await self._at_desk(lambda c: reference.cut_over(c, institution_id, business_date))

    async def directory(self) -> Directory:
        """Read the reference data."""
        return await self._at_desk(reference.load)

    async def directory_version(self) -> int:
        """The version of the reference data."""
        return await self._at_desk(reference.version)

    async def close(self) -> None:
        """Close every connection. Nothing is in flight any more."""
        for lane in range(len(self._links)):
            self.terminate(lane)
        if self._desk is not None:
            self._desk.terminate()
            self._desk = None


def _original_record(row: asyncpg.Record, undone: Sequence[asyncpg.Record]) -> OriginalRecord:
    """The original's row and the sum of what was undone of it (rows carry the opposite signs of the original's)."""
    amount = sum(u["amount"] for u in undone)
    reversal = next((u for u in undone if u["refund"] is None and u["class"] == REVERSAL_CLASS), None)
    standing = _standing(undone)
    functions = FUNCTIONS.get(f"{row['mti']:04d}", {})
    original = Original(
        kind=functions.get(f"{row['processing_code']:06d}", 0),
        rc_approved=row["rc"] == "00",
        amount=row["amount"],
        points_earned=row["points_earned"],
        points_redeemed=row["points_redeemed"],
        credit_granted=row["credit_granted"],
        credit_spent=row["credit_spent"],
        discount=row["discount"],
        to_pay=row["to_pay"],
        lots_moved=row["lots_moved"] or b"",
        refunded_amount=amount,
        refunded_points_earned=-sum(u["points_earned"] for u in undone),
        refunded_points_redeemed=-sum(u["points_redeemed"] for u in undone),
        refunded_credit_granted=-sum(u["credit_granted"] for u in undone),
        refunded_credit_spent=-sum(u["credit_spent"] for u in undone),
        reversed=reversal is not None and amount >= row["amount"],
        refunded_lots=b"".join(u["lots_moved"] or b"" for u in standing),
        counters_moved=row["counters_moved"] or b"",
        grants_moved=row["grants_moved"] or b"",
        refunded_counters=b"".join(u["counters_moved"] or b"" for u in standing),
        reserves_moved=row["reserves_moved"] or b"",
        refunded_reserves=b"".join(u["reserves_moved"] or b"" for u in standing),
        refunded_discount=-sum(u["discount"] for u in undone),
        refunded_to_pay=sum(u["to_pay"] for u in undone),
    )
    return OriginalRecord(
        seq=row["seq"],
        sent_on=row["sent_on"],
        account=row["account"],
        original=original,
        reversal_reply=None if reversal is None else reversal["reply"],
        tombstone=row["fingerprint"] == 0,
        terminal=row["terminal"],
        used_coupons=row["rc"] == "00" and bool(values_of(row["asked"] or "", "CP")),
        earned_at=row["earned_at"],
    )


def _standing(undone: Sequence[asyncpg.Record]) -> list[asyncpg.Record]:
    """Those of `undone` whose lots and counters count: a refund that was reversed whole is as if it had never been.

    Its two rows' legs cancel, but lots are told apart by what was put in and what was taken out, and would not: what it
    brought back would be thought to be back, and come with a new month when it is refunded again.
    """
    reversed_amounts: dict[int, int] = {}
    for row in undone:
        if row["refund"] is not None:
            reversed_amounts[row["refund"]] = reversed_amounts.get(row["refund"], 0) - row["amount"]
    gone = {row["seq"] for row in undone if reversed_amounts.get(row["seq"], -1) >= row["amount"]}
    return [row for row in undone if not gone & {row["seq"], row["refund"]}]


def _text(fault: BaseException) -> str:
    """A connection's fault in a few words. Server errors may quote values, so of them only the code is told."""
    if isinstance(fault, asyncpg.PostgresError):
        return f"SQLSTATE {fault.sqlstate}"
    return f"{type(fault).__name__}: {fault}" if str(fault) else type(fault).__name__
