"""Histories of accounts out of the journal, a range of shards at a time: what `simulate` and `uplift` go through.

Read-only, in one snapshot for each range, and never on a lane's connection: a replica will do. Four cursors, all
ordered by account, are walked side by side, so that a worker holds one account's rows at a time, however long the
journal is.
"""

import datetime as dt
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from adapters.postgres.connecting import Connection, connection
from adapters.postgres.errors import ProgrammeRefused
from adapters.postgres.migrations import require_schema
from adapters.postgres.queries import named
from cext.programme_table import SPEND_DAYS
from cext.reference.recent import pack as pack_days
from switch.programme import CompiledProgramme, load
from switch.programme.flags import COUNTED_SLOTS_MAX, TAG, free_tag_slot
from switch.simulation.history import NO_PAST, History, Past, Person, Present, Row
from switch.simulation.simulate import RuleSet
from switch.simulation.standing import YEARS_READ, Standing, Step, TierTerms, standing_after

APPLICATION = "loyalty-switch simulate"
FETCHED_AT_ONCE = 2_000
WORK_MEMORY = "128MB"
"""For sorting a range's rows by account."""

_SQL = named("replaying")
Key = tuple[int, int]
"""(shard, account)"""


@dataclass(frozen=True, slots=True)
class Span:
    """Which histories: a programme's, in a range of shards, from a moment on. Goes to other processes.

    `days_of`: the time zone in which the spend of the days before it is told; None: nobody asks for it. `tiers`: the
    terms by which members stood in tiers; None: the accounts as they are now tell it.
    """

    programme: int
    first_shard: int
    end_shard: int
    start_s: int
    days_of: str | None = None
    tiers: TierTerms | None = None


@dataclass(frozen=True, slots=True)
class Ground:
    """What must be known before anything is replayed. `expected_rows`: about how many the journal has."""

    programme: int
    draft: CompiledProgramme
    live: CompiledProgramme
    live_versions: dict[int, RuleSet]
    shards: int
    expected_rows: int


async def survey(url: str, text: str | None, name: str | None = None) -> Ground:
    """Compile a draft with the numbers that the database gave, beside every version that may have decided.

    Without a text the live programme of that name is its own draft. Raises `ProgrammeError` for a text that is not
    sound, `ProgrammeRefused` if there is no such programme or its currency is another.
    """
    async with connection(url, application=APPLICATION) as opened:
        await require_schema(opened)
        name = name if text is None else load(text, ids=lambda _kind, _name: 1).name
        row = await opened.fetchrow(_SQL["programme"], name)
        if row is None:
            raise ProgrammeRefused(
                f"no programme {name} is live: `loyalty-switch programme list` shows those there are."
            )
        number = row["id"]
        compiled = await compiler(opened, number)
        live = compiled(row["source"])
        draft = live if text is None else compiled(text)
        if draft.currency != live.currency:
            raise ProgrammeRefused(
                f"programme {name} is of currency {live.currency}, the draft of {draft.currency}: "
                "what was paid in one cannot be replayed in the other."
            )
        versions = {
            version: RuleSet(programme.kernel.table, programme.rule_ids)
            for version, programme in [
                (v, compiled(source)) for v, source in await opened.fetch(_SQL["versions"], number)
            ]
        }
        shards = await opened.fetchval("SELECT value::integer FROM setting WHERE name = 'shards'")
        return Ground(number, draft, live, versions, shards, await opened.fetchval(_SQL["expected"]))


async def names_of(opened: Connection, programme: int) -> dict[tuple[str, str], int]:
    """The numbers of all that the conditions of a programme may name, by kind and name."""
    return {(kind, of): number for kind, of, number in await opened.fetch(_SQL["names"], programme)}


async def compiler(opened: Connection, programme: int) -> Callable[[str], CompiledProgramme]:
    """Compiles texts of a programme with the numbers that the database gave. It raises `ProgrammeError`."""
    names = await names_of(opened, programme)
    slots = {(kind, of): slot for kind, of, slot in await opened.fetch(_SQL["slots"], programme)}
    return lambda source: load(source, ids=_Ids(names), slots=_Slots(slots))


class _Ids:
    """What conditions may name. A category that no merchant has yet is of a number that no message has."""

    def __init__(self, names: dict[tuple[str, str], int]) -> None:
        self._names = dict(names)

    def __call__(self, kind: str, name: str) -> int:
        if kind == "category":
            return self._names.setdefault((kind, name), -1 - len(self._names))
        return self._names[kind, name]


class _Slots:
    """The slots that accounts are kept by, and for what only the draft names, free ones from the top."""

    def __init__(self, slots: dict[tuple[str, str], int]) -> None:
        self._slots = dict(slots)
        self._used = set(slots.values())

    def __call__(self, kind: str, name: str) -> int:
        slot = self._slots.get((kind, name))
        if slot is None:
            if kind == TAG:
                # 0 is none, and refused where it is asked for.
                slot = free_tag_slot(self._used) or 0
            else:
                slot = next(number for number in range(COUNTED_SLOTS_MAX, 0, -1) if number not in self._used)
            self._slots[kind, name] = slot
            self._used.add(slot)
        return slot


class _Walk:
    """A cursor's rows in the order of their keys, to be asked for by rising keys."""

    def __init__(self, rows: AsyncIterator[asyncpg.Record]) -> None:
        self._rows = rows
        self._next: asyncpg.Record | None = None

    async def begin(self) -> "_Walk":
        self._next = await anext(self._rows, None)
        return self

    async def at(self, key: Key) -> list[asyncpg.Record]:
        """The rows of a key."""
        found: list[asyncpg.Record] = []
        row = self._next
        while row is not None and (row[0], row[1]) <= key:
            if (row[0], row[1]) == key:
                found.append(row)
            row = await anext(self._rows, None)
        self._next = row
        return found


async def histories(
    url: str, span: Span, progress: Callable[[int], None] = lambda _rows: None
) -> AsyncIterator[History]:
    """The history of each account that has a row since the period began. `progress` is told of rows read."""
    async with _reading(url) as opened:
        start = dt.datetime.fromtimestamp(span.start_s, dt.UTC)
        place = (span.first_shard, span.end_shard, span.programme)
        accounts = await _Walk(_rows(opened, "accounts", *place)).begin()
        past = await _Walk(_rows(opened, "past", *place, start)).begin()
        days = span.days_of
        recent = None
        if days is not None:
            recent = await _Walk(_rows(opened, "recent", *place, start, days, SPEND_DAYS)).begin()
        stood = None
        if span.tiers is not None and span.start_s:
            terms = (span.tiers.timezone, span.tiers.month, YEARS_READ, span.tiers.grace_days)
            stood = await _Walk(_rows(opened, "stood", *place, start, *terms)).begin()
        referred = await _Walk(_rows(opened, "referred", *place, start)).begin()
        async for key, rows in _by_account(_rows(opened, "rows", *place, start), progress):
            found = await accounts.at(key)
            if not found:
                continue
            *present, gender, region = found[0]
            before = await past.at(key)
            known = Past(*before[0][2:]) if before else NO_PAST
            if recent is not None:
                spent = [(day, amount) for _, _, day, amount in await recent.at(key) if amount]
                known = known._replace(recent=pack_days(spent))
            if stood is not None:
                known = known._replace(standing=_standing(span, await stood.at(key), met=bool(before)))
            yield History(
                Present(*present),
                rows,
                known,
                [Row(*row[2:]) for row in await referred.at(key)],
                Person(gender, region),
            )


def _standing(span: Span, found: list[asyncpg.Record], *, met: bool) -> Standing:
    """Where a member stood when the period began. Who was met, but not in the years that are read, begins anew."""
    if span.tiers is None or not found:
        return Standing(0, dt.datetime.fromtimestamp(span.start_s, dt.UTC).year - YEARS_READ if met else 0, 0)
    return standing_after(span.tiers, map(Step._make, zip(*found[0][2:], strict=True)))


@asynccontextmanager
async def _reading(url: str) -> AsyncIterator[Connection]:
    async with (
        connection(url, application=APPLICATION) as opened,
        opened.transaction(isolation="repeatable_read", readonly=True),
    ):
        await opened.execute(f"SET LOCAL work_mem = '{WORK_MEMORY}'")
        yield opened


async def _rows(opened: Connection, query: str, *arguments: object) -> AsyncIterator[asyncpg.Record]:
    cursor = await opened.cursor(_SQL[query], *arguments)
    while batch := await cursor.fetch(FETCHED_AT_ONCE):
        for row in batch:
            yield row


async def _by_account(
    rows: AsyncIterator[asyncpg.Record], progress: Callable[[int], None]
) -> AsyncIterator[tuple[Key, list[Row]]]:
    key: Key | None = None
    gathered: list[Row] = []
    counted = 0
    async for row in rows:
        if (row[0], row[1]) != key:
            if key is not None:
                yield key, gathered
            counted += len(gathered)
            if counted >= FETCHED_AT_ONCE:
                progress(counted)
                counted = 0
            key, gathered = (row[0], row[1]), []
        gathered.append(Row(*row[2:]))
    if key is not None:
        yield key, gathered
    progress(counted + len(gathered))
