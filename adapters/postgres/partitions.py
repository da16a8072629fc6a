"""The journal's daily partitions, made ahead of the day on which messages need them."""

import datetime as dt

import asyncpg

from adapters.postgres.connecting import Connection, connection

DAYS_BEHIND = 8
"""Advices that a till kept through a long week-end still find their day."""
DAYS_AHEAD = 8
LOCK_WAIT_MS = 2_000
ATTEMPTS = 5


async def ensure(opened: Connection, today: dt.date, behind: int = DAYS_BEHIND, ahead: int = DAYS_AHEAD) -> list[str]:
    """Make the partitions of the days around `today` that are missing; returns the names of those that were
    made.

    Safe to call from several workers at once and under load. Each missing day needs the default partition
    alone for an instant; if the lanes do not let go of it within two seconds, the day is tried again rather
    than the lanes held up. Raises asyncpg.LockNotAvailableError after five attempts: calling again later is
    fine, the days ahead are a reserve.
    """
    first, last = today - dt.timedelta(days=behind), today + dt.timedelta(days=ahead)
    missing = await opened.fetch(
        """SELECT d::date AS day FROM generate_series($1::date, $2::date, interval '1 day') AS d
            WHERE to_regclass('journal_' || to_char(d, 'YYYYMMDD')) IS NULL ORDER BY d""",
        first,
        last,
    )
    made: list[str] = []
    for row in missing:
        made += await _make(opened, row["day"])
    return made


async def keep(url: str, today: dt.date) -> list[str]:
    """`ensure` over a connection of its own."""
    async with connection(url, application="loyalty-switch partitions") as opened:
        return await ensure(opened, today)


async def _make(opened: Connection, day: dt.date) -> list[str]:
    attempt = 1
    while True:
        try:
            async with opened.transaction():
                await opened.execute(f"SET LOCAL lock_timeout = {LOCK_WAIT_MS}")
                made: list[str] = await opened.fetchval("SELECT journal_partitions($1, $1)", day)
                return made
        except asyncpg.LockNotAvailableError:
            if attempt == ATTEMPTS:
                raise
            attempt += 1


async def days(opened: Connection) -> list[dt.date]:
    """The days that have a partition, newest first."""
    rows = await opened.fetch(
        """SELECT to_date(right(c.relname, 8), 'YYYYMMDD') AS day
             FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
            WHERE i.inhparent = 'journal'::regclass AND c.relname ~ '^journal_[0-9]{8}$' ORDER BY day DESC"""
    )
    return [row["day"] for row in rows]
