"""Reports: what members of a programme did in a period, in groups that name nobody.

They read one snapshot on a connection of their own that cannot write, so that they may run on a standby or beside
a busy switch. Refunds and reversals undo what they name; `queries/reports.sql` says how.
"""

import datetime as dt
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from zoneinfo import ZoneInfo

import asyncpg

from adapters.postgres.connecting import Connection, connection
from adapters.postgres.errors import ReportRefused
from adapters.postgres.migrations import require_schema
from adapters.postgres.queries import named
from adapters.postgres.report_figures import (
    ABSENT,
    AGES,
    SEGMENTS,
    Dimension,
    Distribution,
    Group,
    Overview,
    Scope,
    Segment,
    Spread,
    added,
    segment_of,
    small,
    suppressed,
)
from switch.programme import load

APPLICATION = "loyalty-switch report"
DEFAULT_DAYS = 30
_SESSION = {
    "default_transaction_read_only": "on",
    "work_mem": "128MB",
    # The journal has no index by which a refund finds its purchase: a loop would read a shard for each of them.
    "enable_nestloop": "off",
}

_FIGURES = ("members", "visits", "spend", "points", "discount")
_SQL = named("reports")
_OWN = frozenset({"programme", "balances", "movements"})


def statement(name: str) -> str:
    """The text of a query of reports.sql, as PostgreSQL gets it."""
    return _SQL[name] if name in _OWN else f"{_SQL['effects']}\n{_SQL[name]}"


@asynccontextmanager
async def reading(url: str, *, timeout_s: int) -> AsyncIterator[Connection]:
    """One snapshot of the database, on a connection that cannot write and that no lane uses.

    A statement that takes longer than `timeout_s`, or that a standby ends, is a `ReportRefused`.
    """
    session = {**_SESSION, "statement_timeout": f"{timeout_s}s"}
    async with connection(url, application=APPLICATION, session=session) as opened:
        await require_schema(opened)
        try:
            async with opened.transaction(isolation="repeatable_read", readonly=True):
                yield opened
        except asyncpg.QueryCanceledError:
            raise ReportRefused(
                f"The report took longer than {timeout_s} s and was given up: ask for a shorter period, or for more "
                "time with --timeout."
            ) from None
        except asyncpg.SerializationError:
            raise ReportRefused(
                "The standby ended the report, as it had to apply changes of the primary: run it again, or raise "
                "max_standby_streaming_delay there."
            ) from None


async def scope_of(
    opened: Connection, name: str, first: dt.date | None, last: dt.date | None, *, now: dt.datetime
) -> Scope:
    """The programme and the period: by default the last thirty days, today in the programme's time zone included.

    Raises `ReportRefused` if there is no such programme, or no day in the period.
    """
    row = await opened.fetchrow(statement("programme"), name)
    if row is None:
        raise ReportRefused(f"there is no programme {name}: `loyalty-switch programme list` shows those there are.")
    # Only the time zone is wanted, so that it does not matter which numbers the names in conditions have.
    timezone = load(row["source"], ids=lambda _kind, _name: 1).timezone
    last = last or now.astimezone(ZoneInfo(timezone)).date()
    first = first or last - dt.timedelta(days=DEFAULT_DAYS - 1)
    if first > last:
        raise ReportRefused(f"the period ends on {last}, before it begins on {first}: check --from and --to.")
    return Scope(name, row["id"], row["currency"], row["point_value"], timezone, first, last)


async def overview(opened: Connection, scope: Scope) -> Overview:
    """The period in totals. Balances are those at its end: today's, without what moved since."""
    balances = await _row(opened, "balances", scope)
    moved = await _row(opened, "movements", scope)
    activity = await _row(opened, "activity", scope)
    outstanding = balances["points"] - moved["points_later"]
    change = moved["issued"] - moved["clawed_back"] - moved["redeemed"] - moved["expired"] + moved["adjusted"]
    return Overview(
        members=balances["members"],
        joined=balances["joined"],
        active=activity["active"],
        visits=activity["visits"],
        spend=activity["spend"],
        discount=activity["discount"],
        opening=outstanding - change,
        issued=moved["issued"],
        clawed_back=moved["clawed_back"],
        redeemed=moved["redeemed"],
        expired=moved["expired"],
        adjusted=moved["adjusted"],
        outstanding=outstanding,
        liability=outstanding * scope.point_value,
        credit_granted=moved["credit_granted"],
        credit_spent=moved["credit_spent"],
        credit_outstanding=balances["credit"] - moved["credit_later"],
    )


async def rfm(opened: Connection, scope: Scope, *, smallest: int) -> list[Segment]:
    """Members by segment, in the order of `SEGMENTS`, then small ones together; those with nobody are left out.

    Who was a member and did not come is `absent`, so that members and spend add up to those of the overview.
    """
    balances = await _row(opened, "balances", scope)
    activity = await _row(opened, "activity", scope)
    found = {name: Segment(name, 0, 0, 0) for name in SEGMENTS}
    for row in await opened.fetch(statement("rfm"), scope.number, scope.first, scope.last):
        name = segment_of(row["recency"], row["frequency"], row["monetary"])
        found[name] = added(found[name], Segment(name, row["members"], row["visits"], row["spend"]))
    found[ABSENT] = Segment(
        ABSENT,
        max(0, balances["members"] - activity["active"]),
        activity["visits"] - sum(each.visits for each in found.values()),
        activity["spend"] - sum(each.spend for each in found.values()),
    )
    there = [each for each in found.values() if each.members or each.visits or each.spend]
    return suppressed(there, smallest)


async def by(opened: Connection, scope: Scope, dimension: Dimension, *, smallest: int) -> list[Group]:
    """Groups by a dimension, in no order; small ones together under None, and none if everybody is too few.

    A member who came at two hours is in both groups, so that what is put together has to be counted anew.
    """
    together: frozenset[str] = frozenset()
    while True:
        rows = await opened.fetch(
            statement("by"),
            scope.number,
            scope.first,
            scope.last,
            dimension.value,
            scope.timezone,
            list(AGES),
            list(together),
        )
        groups = [Group(**dict(row)) for row in rows if any(row[figure] for figure in _FIGURES)]
        few = small([(group.key, group.members) for group in groups], smallest)
        if not few:
            return [group for group in groups if group.key is not None or group.members >= smallest]
        together |= few


async def spread(opened: Connection, scope: Scope, *, smallest: int) -> Spread:
    """How spend is spread; nothing of it if fewer than `smallest` members were active."""
    rows = await opened.fetch(statement("spread"), scope.number, scope.first, scope.last)
    found = {
        row["kind"]: Distribution(
            row["count"], row["total"], row["least"], row["most"], tuple(row["deciles"]), row["top"]
        )
        for row in rows
    }
    members = found.get("members")
    if members is None or members.count < smallest:
        return Spread(None, None)
    return Spread(members, found.get("baskets"))


async def _row(opened: Connection, name: str, scope: Scope) -> asyncpg.Record:
    row = await opened.fetchrow(statement(name), scope.number, scope.first, scope.last)
    assert row is not None, "a query of sums has a row"
    return row
