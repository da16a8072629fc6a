"""An erasure within the wide lane's transaction: what names a person goes, what the ledger needs stays.

The account's number is half of its card's token, so that whoever has the card number and the key could find its rows:
it is replaced by one at random everywhere. Of a mobile the moment is kept, without what it led to:
a message that was sent before must not count for whoever has that mobile next.
"""

import datetime as dt

import asyncpg

from adapters.postgres.queries import named
from switch.transaction import AccountKey
from switch.wide_ports import Erasure

_SQL = named("members")
_RENUMBERED = (
    "erase_opening",
    "erase_referrer",
    "erase_tickets",
    "erase_brought",
    "erase_gifts",
    "erase_requests",
    "erase_journal",
)


async def card_shards(connection: "asyncpg.Connection[asyncpg.Record]", account: AccountKey) -> set[int]:
    """Where an account's further cards are kept."""
    return {row["shard"] for row in await connection.fetch(_SQL["card_shards"], *account)}


async def erase(connection: "asyncpg.Connection[asyncpg.Record]", erasure: Erasure, at: dt.datetime) -> None:
    """Erase whose account it was. The shards of the account and of its cards are held."""
    (shard, account), alias = erasure.account, erasure.alias
    number = (shard, account, alias.id)
    await connection.execute(_SQL["erase_blanks"], shard, account)
    await connection.execute(_SQL["forget_mobiles"], shard, account, at)
    await connection.execute(_SQL["erase_cards"], shard, account)
    await connection.execute(_SQL["erase_code"], shard, account)
    await connection.execute(_SQL["erase_notices"], shard, account)
    await connection.execute(_SQL["erase_member"], *number, at)
    await connection.execute(_SQL["erase_account"], *number, alias.low)
    for query in _RENUMBERED:
        await connection.execute(_SQL[query], *number)


async def finish(
    connection: "asyncpg.Connection[asyncpg.Record]", request: int, approved_by: str | None, at: dt.datetime
) -> None:
    """Note that a request was done, in the transaction that does it."""
    await connection.execute(_SQL["done"], request, approved_by, at)
