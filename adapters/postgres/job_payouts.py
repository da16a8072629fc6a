"""What members are owed beside their purchases: draw prizes, and gifts for bringing a friend.

Each is noted once with the day under which the journal files it; from that its key follows, so that a gift which was
given in a run that broke off is found, not given again.
"""

import datetime as dt
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from adapters.postgres.connecting import Connection
from adapters.postgres.errors import DatabaseError
from adapters.postgres.queries import named
from switch.deciding import GIFT
from switch.jobs.door import Result
from switch.jobs.due import ReferralTerms
from switch.jobs.tasks import MESSAGE_CLASS, Task

PAGE_GIFTS = 1_000
_POINTS = "points"
_SQL = named("jobs")


class Owed(Protocol):
    """Something that is owed: the task that gives it, and how it is marked as paid."""

    @property
    def task(self) -> Task:
        """The message that gives it."""

    async def mark(self, opened: Connection, shard: int, seq: int) -> None:
        """Note the journal row by which it was given."""


@dataclass(frozen=True, slots=True)
class OwedPrize:
    """A prize of a draw."""

    draw: int
    prize: int
    task: Task

    async def mark(self, opened: Connection, shard: int, seq: int) -> None:
        """Note the journal row by which it was given."""
        await opened.execute(_SQL["prize_paid"], self.draw, self.prize, shard, seq, self.task.day)


@dataclass(frozen=True, slots=True)
class OwedReferral:
    """What one side gets for a member who was brought."""

    shard: int
    member: int
    side: str
    task: Task

    async def mark(self, opened: Connection, shard: int, seq: int) -> None:  # noqa: ARG002  # the account's own
        """Note the journal row by which it was given."""
        await opened.execute(_SQL["referral_paid"], self.shard, self.member, self.side, seq, self.task.day)


async def note_referrals(
    opened: Connection, programme: int, terms: ReferralTerms, today: dt.date, timezone: str
) -> int:
    """Note what both sides get for each member whose first purchase is new; returns how many gifts were noted.

    A programme without terms notes that nothing is due: terms that come later are for friends who come later.
    """
    bit = await opened.fetchval(_SQL["tag_bit"], programme, terms.ambassadors)
    noted = await opened.execute(
        _SQL["note_referrals"], programme, today, timezone, bit or 0, *terms.referrer, *terms.ambassador, *terms.member
    )
    return int(noted.rsplit(" ", 1)[1])


async def owed_referrals(opened: Connection, programme: int) -> AsyncIterator[list[OwedReferral]]:
    """What is still to be given for friends, page by page."""
    place: tuple[int, int, str] = (-1, 0, "")
    while rows := await opened.fetch(_SQL["referral_gifts"], programme, *place, PAGE_GIFTS):
        yield [
            OwedReferral(
                row["shard"], row["member"], row["side"],
                Task(
                    f"referral {row['shard']}:{row['member']}:{row['side']}", row["noted_on"], GIFT,
                    row["account_shard"], row["account"], row["token_low"], row["points"], row["credit"],
                    f"referral, {row['side']}",
                ),
            )
            for row in rows
        ]  # fmt: skip
        place = rows[-1]["shard"], rows[-1]["member"], rows[-1]["side"]


async def owed_prizes(opened: Connection, programme: int) -> AsyncIterator[list[OwedPrize]]:
    """Points and credit that winners of draws are owed, page by page."""
    place = (0, 0)
    while rows := await opened.fetch(_SQL["draw_prizes"], programme, *place, PAGE_GIFTS):
        yield [
            OwedPrize(
                row["draw"], row["prize"],
                Task(
                    f"draw {row['draw']}:{row['prize']}", row["revealed_on"], GIFT, row["shard"], row["account"],
                    row["token_low"],
                    points=row["amount"] if row["kind"] == _POINTS else 0,
                    credit=0 if row["kind"] == _POINTS else row["amount"],
                    cause=f"draw {row['name']}, prize {row['prize']}",
                ),
            )
            for row in rows
        ]  # fmt: skip
        place = rows[-1]["draw"], rows[-1]["prize"]


async def mark_paid(opened: Connection, owed: Owed, result: Result, terminal: int) -> None:
    """Note that something was given, by the journal row of its key. Raises `DatabaseError` if there is none."""
    seq = await opened.fetchval(_SQL["journal_row"], result.shard, result.key, terminal, MESSAGE_CLASS, result.task.day)
    if seq is None:
        raise DatabaseError(f"the journal has no row of {result.task.what}: run the audit, then the job again.")
    await owed.mark(opened, result.shard, seq)
