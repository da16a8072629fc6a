"""Budgets: dealt out when a version that has them is made live, listed, raised, and levelled between their shares."""

import datetime as dt
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from adapters.postgres.connecting import Connection, connection
from adapters.postgres.errors import BudgetRefused
from adapters.postgres.migrations import require_schema
from adapters.postgres.queries import named
from adapters.postgres.users import user_of
from cext.programme_table import AMOUNT_MAX
from switch.budgets import dealt_out
from switch.programme.budgets import RuleBudget

_SQL = named("budgets")
APPLICATION = "loyalty-switch budgets"


@dataclass(frozen=True, slots=True)
class Budget:
    """A budget as a list shows it: in points, or in minor units if its unit is `amount`.

    `written` is what the programme says, `added` what it was raised by since; `dealt` is at least what was `drawn`.
    `shares`: how many parts it is dealt out into, `least` and `most` what is left of the poorest and the richest.
    """

    programme: str
    rule: str
    unit: str
    written: int
    added: int
    dealt: int
    left: int
    shares: int
    least: int
    most: int

    @property
    def drawn(self) -> int:
        """What members have got of it, net of what was given back."""
        return self.dealt - self.left


@dataclass(frozen=True, slots=True)
class Addition:
    """By how much a budget was raised, by whom and when (UTC)."""

    programme: str
    rule: str
    amount: int
    made_by: str
    made_at: dt.datetime


async def deal(opened: Connection, programme: int, budgets: Sequence[RuleBudget]) -> None:
    """Deal out the budgets of a version that is made live, within its transaction.

    What was drawn of a budget stays drawn: if less is written than that, nothing is left. A budget that the version
    does not name keeps what it has, and gets back what is reversed.
    """
    if not budgets:
        return
    shards = await _hold_shards(opened)
    for budget in budgets:
        name = f"{budget.rule}/{budget.unit}"
        slot = await opened.fetchval(_SQL["write"], programme, name, budget.total, budget.gift)
        await _deal_again(opened, programme, slot, shards)


async def _hold_shards(opened: Connection) -> int:
    """Hold every shard, in order, so that no lane draws meanwhile; returns how many there are."""
    return len(await opened.fetch(_SQL["hold_shards"]))


async def _deal_again(opened: Connection, programme: int, slot: int, shards: int) -> bool:
    """Put what is left, in view of what may be given in all, into shares of one size; whether that changed any."""
    row = await opened.fetchrow(_SQL["standing"], programme, slot)
    assert row is not None, "a budget is written before it is dealt out"
    drawn = row["dealt"] - row["remaining"]
    dealt = max(drawn, row["allowed"])
    parts = dealt_out(dealt - drawn, row["gift"], shards)
    if dealt == row["dealt"] and parts == row["parts"]:
        return False
    await opened.execute(_SQL["put"], programme, slot, dealt, list(range(len(parts))), parts)
    return True


@asynccontextmanager
async def _opened(url: str) -> AsyncIterator[Connection]:
    async with connection(url, application=APPLICATION) as opened:
        await require_schema(opened)
        yield opened


async def listed(url: str, programme: str | None = None) -> list[Budget]:
    """Every budget of a programme, or of all."""
    async with _opened(url) as opened:
        return [Budget(**dict(row)) for row in await opened.fetch(_SQL["budgets"], programme)]


async def additions(url: str, programme: str | None = None) -> list[Addition]:
    """By how much budgets of a programme, or of all, were raised, in order."""
    async with _opened(url) as opened:
        return [Addition(**dict(row)) for row in await opened.fetch(_SQL["additions"], programme)]


async def level(url: str, programme: str | None = None) -> tuple[int, int]:
    """Level every budget of a programme, or of all: see `level_over`."""
    async with _opened(url) as opened:
        return await level_over(opened, programme)


async def level_over(opened: Connection, programme: str | None = None) -> tuple[int, int]:
    """Put what is left of each budget into shares of one size; returns how many budgets there are, and how many of them
    that changed.

    One transaction, which holds all shards: lanes wait for it, and it for what they are committing.
    """
    async with opened.transaction():
        places = await opened.fetch(_SQL["places"], programme)
        if not places:
            return 0, 0
        shards = await _hold_shards(opened)
        changed = [await _deal_again(opened, place["programme"], place["slot"], shards) for place in places]
    return len(changed), sum(changed)


async def add(url: str, programme: str, rule: str, amount: int, *, user: str) -> Budget:
    """Raise the budget of a rule beside what its programme says. Raises `BudgetRefused`."""
    by = user_of(user, BudgetRefused)
    if not 1 <= amount <= AMOUNT_MAX:
        raise BudgetRefused(f"a budget is raised by 1 to {AMOUNT_MAX}.")
    async with _opened(url) as opened:
        async with opened.transaction():
            shards = await _hold_shards(opened)
            places = await opened.fetch(_SQL["places_of_rule"], programme, rule)
            if not places:
                raise BudgetRefused(
                    f"programme {programme} has no rule {rule} with a budget that was dealt out: "
                    "`loyalty-switch budgets list` shows those there are."
                )
            place = places[-1]
            allowed = await opened.fetchval(_SQL["add"], place["programme"], place["slot"], amount, by)
            if allowed > AMOUNT_MAX:
                raise BudgetRefused(f"the budget of {rule} would be {allowed:,} in all; {AMOUNT_MAX:,} is the most.")
            await _deal_again(opened, place["programme"], place["slot"], shards)
        found = [Budget(**dict(row)) for row in await opened.fetch(_SQL["budgets"], programme)]
        return next(budget for budget in found if f"{budget.rule}/{budget.unit}" == place["name"])
