"""What jobs read and keep: the accounts that something is due for, their runs, notices, and the internal terminals."""

import datetime as dt
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import asyncpg

from adapters.postgres import reference
from adapters.postgres.connecting import Connection, connection, maintenance
from adapters.postgres.errors import DatabaseError
from adapters.postgres.migrations import require_schema
from adapters.postgres.queries import named
from switch.jobs.due import LapsingMonth, UpkeepTerms
from switch.jobs.tasks import MERCHANT_CODE, TERMINAL_CODE

APPLICATION = "loyalty-switch jobs"
PAGE_ACCOUNTS = 5_000
RUNS_SHOWN = 30
BEFORE_ALL = (-1, 0)
"""The account after which a job begins."""

_SQL = named("jobs")


class DueAccount(NamedTuple):
    """An account that something is due for."""

    shard: int
    id: int
    token_low: int


@dataclass(frozen=True, slots=True)
class Page:
    """Some accounts in order: how many were looked at, and which of them are due."""

    looked_at: int
    due: list[DueAccount]


@dataclass(slots=True)
class Tally:
    """What a run came to: accounts looked at; messages due, and what became of them."""

    looked_at: int = 0
    due: int = 0
    done: int = 0
    before: int = 0
    refused: int = 0
    unknown: int = 0


@dataclass(frozen=True, slots=True)
class Run:
    """A run as it is kept. `programme` is None if it was for all of them, `ended_at` if it is under way or was broken
    off.
    """

    job: str
    programme: str | None
    day: dt.date
    started_at: dt.datetime
    ended_at: dt.datetime | None
    tally: Tally = field(default_factory=Tally)


async def prepare(url: str) -> None:
    """Make the internal terminal of each programme's owner, if need be.

    Raises `DatabaseError` if a till bears its code already.
    """
    async with connection(url, application=APPLICATION) as opened:
        await require_schema(opened)
        usurped = await opened.fetch(_SQL["usurped"], TERMINAL_CODE)
        if usurped:
            raise DatabaseError(
                f"a till of {usurped[0]['name']} bears the code {TERMINAL_CODE}, which is that of jobs: "
                "give it another one."
            )
        async with maintenance(opened), opened.transaction():
            await opened.execute(_SQL["add_category"])
            await opened.execute(_SQL["add_merchants"], MERCHANT_CODE)
            if await opened.execute(_SQL["add_terminals"], MERCHANT_CODE, TERMINAL_CODE) != "INSERT 0 0":
                await reference.bump(opened)


async def accounts(opened: Connection, programme: int) -> int:
    """How many accounts a programme has."""
    count: int = await opened.fetchval(_SQL["accounts"], programme)
    return count


async def due_for_upkeep(opened: Connection, programme: int, terms: UpkeepTerms) -> AsyncIterator[Page]:
    """The accounts of a programme, page by page, with those that are due for upkeep."""
    day = dt.date(1970, 1, 1) + dt.timedelta(days=terms.local_day)

    async def fetch(shard: int, account: int) -> list[asyncpg.Record]:
        return await opened.fetch(
            _SQL["upkeep_page"], programme, shard, account, PAGE_ACCOUNTS, terms.local_month, day, list(terms.slots),
            list(terms.numbers), terms.local_day, terms.now_s, terms.tier_year, terms.grace_is_over,
        )  # fmt: skip

    async for page in _pages(fetch):
        yield page


async def due_for_birthday(opened: Connection, programme: int, days: list[int]) -> AsyncIterator[Page]:
    """The active accounts of a programme, page by page, with those whose birthday it is (month · 100 + day)."""

    async def fetch(shard: int, account: int) -> list[asyncpg.Record]:
        return await opened.fetch(_SQL["birthday_page"], programme, shard, account, PAGE_ACCOUNTS, days)

    async for page in _pages(fetch):
        yield page


async def _pages(fetch: Callable[[int, int], Awaitable[list[asyncpg.Record]]]) -> AsyncIterator[Page]:
    place = BEFORE_ALL
    while rows := await fetch(*place):
        yield Page(len(rows), [DueAccount(shard, id_, low) for shard, id_, low, is_due in rows if is_due])
        place = rows[-1][0], rows[-1][1]


async def note_lapsing(
    opened: Connection, shard: int, programme: int, months: list[LapsingMonth], today: dt.date
) -> tuple[int, int]:
    """Note whom to tell of points that lapse, in one shard; returns accounts looked at and notices that are new."""
    looked_at = await opened.fetchval(_SQL["accounts_of_shard"], shard, programme)
    added = await opened.execute(
        _SQL["add_notices"], shard, programme, [each.month for each in months], [each.last_day for each in months],
        today,
    )  # fmt: skip
    return looked_at, int(added.rsplit(" ", 1)[1])


async def begin_run(opened: Connection, job: str, programme: int | None, day: dt.date) -> int:
    """Keep that a run has begun, for a programme or for all of them; returns its number."""
    number: int = await opened.fetchval(_SQL["begin_run"], job, programme, day)
    return number


async def end_run(opened: Connection, number: int, tally: Tally) -> None:
    """Keep what a run came to."""
    await opened.execute(
        _SQL["end_run"], number, tally.looked_at, tally.due, tally.done, tally.before, tally.refused, tally.unknown
    )


async def runs(url: str, most: int = RUNS_SHOWN) -> list[Run]:
    """The last runs, newest first."""
    async with connection(url, application=APPLICATION) as opened:
        await require_schema(opened)
        return [
            Run(
                row["job"], row["programme"], row["day"], row["started_at"], row["ended_at"],
                Tally(row["looked_at"], row["due"], row["done"], row["before"], row["refused"], row["unknown"]),
            )
            for row in await opened.fetch(_SQL["runs"], most)
        ]  # fmt: skip
