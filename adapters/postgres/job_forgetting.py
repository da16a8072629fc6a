"""What an erasure keeps for a while: the tokens of mobiles, deleted once no message of before can come any more."""

import datetime as dt

from adapters.postgres.connecting import Connection
from adapters.postgres.queries import named

_SQL = named("jobs")


async def forgotten_mobiles(opened: Connection, shard: int) -> int:
    """How many mobiles are kept in a shard."""
    count: int = await opened.fetchval(_SQL["forgotten_mobiles"], shard)
    return count


async def delete_forgotten(opened: Connection, shard: int, before: dt.datetime) -> int:
    """Delete those of a shard whose members were erased before a moment; returns how many there were."""
    deleted = await opened.execute(_SQL["delete_forgotten"], shard, before)
    return int(deleted.rsplit(" ", 1)[1])
