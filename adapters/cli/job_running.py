"""Runs jobs: finds what is due over one connection, sends it down lanes of its own, and keeps what came of it."""

import datetime as dt
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import time

from adapters.cli.databases import Opened
from adapters.cli.running import compiled_programmes, make_partitions
from adapters.postgres import budgets, job_forgetting, job_payouts, jobs
from adapters.postgres.connecting import Connection, connection
from adapters.postgres.jobs import DueAccount, Page, Tally
from adapters.postgres.store import PostgresStore
from monitoring.metrics import Metrics
from switch.deciding import EVENT, UPKEEP
from switch.errors import ConfigurationError
from switch.jobs.door import Door, Outcome, Result
from switch.jobs.due import (
    BIRTHDAY,
    birthdays_on,
    forgotten_before,
    lapsing_months,
    referral_terms,
    tells_birthdays,
    upkeep_terms,
)
from switch.jobs.tasks import Sender, Task, sender_of
from switch.programme.calendar import LocalCalendar, LocalTime
from switch.settings import Settings

UPKEEP_JOB, BIRTHDAYS, PAYOUTS, NOTICE, LEVEL = "upkeep", "birthdays", "payouts", "expiry-notice", "level"
FORGETTING = "forgotten-mobiles"
OF_A_PROGRAMME = (UPKEEP_JOB, BIRTHDAYS, PAYOUTS, NOTICE, LEVEL)
JOBS = (*OF_A_PROGRAMME, FORGETTING)
"""In the order in which they run: what has lapsed is gone before anybody is told of it."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What a job came to on one day in one programme, or in all at once (None)."""

    job: str
    programme: str | None
    day: dt.date
    tally: Tally


Progress = Callable[[str, str | None, Tally, int], None]
"""(job, programme or None for all, so far, accounts in all) → shown."""


def show_nothing(_job: str, _programme: str | None, _tally: Tally, _accounts: int) -> None:
    """For where nobody looks."""


@asynccontextmanager
async def _door(
    opened: Opened, settings: Settings, clock: Callable[[], float]
) -> AsyncIterator[tuple[Door, list[Sender]]]:
    """An open door, and the sender of each programme."""
    store = PostgresStore(opened.url, lanes=settings.lanes, shards=opened.shards)
    directory = await store.directory()
    programmes = compiled_programmes(directory)
    senders = [sender_of(directory, programme, opened.shards) for programme in programmes.live.values()]
    door = Door(
        store=store,
        programmes=programmes,
        telemetry=Metrics(),
        lanes=settings.lanes,
        limits=settings.limits,
        wall_clock=clock,
    )
    door.start()
    try:
        yield door, [sender for sender in senders if sender is not None]
    finally:
        await door.stop()
        await store.close()


async def run_jobs(
    opened: Opened,
    settings: Settings,
    wanted: Sequence[str] = JOBS,
    *,
    programme: str | None = None,
    day: dt.date | None = None,
    clock: Callable[[], float] = time,
    progress: Progress = show_nothing,
) -> list[Summary]:
    """Run jobs for the live programmes, or for one; returns what came of each. Of one, `FORGETTING` is left out.

    `day` is the day whose work is done, by default the one that it is in the programme's zone. Raises
    `ConfigurationError` if there is no such programme, and `DatabaseError`.
    """
    await jobs.prepare(opened.url)
    await make_partitions(opened.url)
    summaries = []
    async with (
        _door(opened, settings, clock) as (door, senders),
        connection(opened.url, application=jobs.APPLICATION) as reading,
    ):
        chosen = [sender for sender in senders if programme in (None, sender.programme.name)]
        if programme is not None and not chosen:
            raise ConfigurationError(f"no programme {programme} is live: `loyalty-switch programme list` shows those.")
        for sender in chosen:
            at = LocalCalendar(sender.programme.compiled.timezone).at(int(clock()))
            run = _Run(reading, door, sender, at, day or at.date, int(clock()), progress)
            summaries += [await run.job(job) for job in OF_A_PROGRAMME if job in wanted]
        if FORGETTING in wanted and programme is None:
            summaries.append(await _forget(reading, opened.shards, day, int(clock()), progress))
    return summaries


async def _forget(opened: Connection, shards: int, day: dt.date | None, now_s: int, progress: Progress) -> Summary:
    """Delete the mobiles of erased members that need not be remembered any longer, shard by shard."""
    before = forgotten_before(now_s)
    today = day or dt.datetime.fromtimestamp(now_s, dt.UTC).date()
    tally = Tally()
    kept = [await job_forgetting.forgotten_mobiles(opened, shard) for shard in range(shards)]
    run = await jobs.begin_run(opened, FORGETTING, None, today)
    for shard, mobiles in enumerate(kept):
        deleted = await job_forgetting.delete_forgotten(opened, shard, before) if mobiles else 0
        tally.looked_at += mobiles
        tally.due += deleted
        tally.done += deleted
        progress(FORGETTING, None, tally, sum(kept))
    await jobs.end_run(opened, run, tally)
    return Summary(FORGETTING, None, today, tally)


@dataclass(slots=True)
class _Run:
    """The jobs of one programme on one day. `at` is the local time, `day` whose work is done."""

    reading: Connection
    door: Door
    sender: Sender
    at: LocalTime
    day: dt.date
    now_s: int
    progress: Progress
    tally: Tally = field(default_factory=Tally)
    accounts: int = 0

    async def job(self, job: str) -> Summary:
        """Run one of OF_A_PROGRAMME."""
        number = self.sender.programme.id
        self.tally = Tally()
        self.accounts = await jobs.accounts(self.reading, number)
        run = await jobs.begin_run(self.reading, job, number, self.day)
        work = {
            LEVEL: self._level,
            UPKEEP_JOB: self._upkeep,
            BIRTHDAYS: self._birthdays,
            PAYOUTS: self._payouts,
            NOTICE: self._notices,
        }
        await work[job]()
        await jobs.end_run(self.reading, run, self.tally)
        return Summary(job, self.sender.programme.name, self.day, self.tally)

    async def _upkeep(self) -> None:
        terms = upkeep_terms(self.sender.programme.compiled, self.at, self.now_s)
        pages = jobs.due_for_upkeep(self.reading, self.sender.programme.id, terms)
        await self._go_through(UPKEEP_JOB, pages, lambda a: Task(
            f"upkeep {a.shard}:{a.id}", self.day, UPKEEP, a.shard, a.id, a.token_low
        ))  # fmt: skip

    async def _birthdays(self) -> None:
        if not tells_birthdays(self.sender.programme.compiled):
            return
        pages = jobs.due_for_birthday(self.reading, self.sender.programme.id, birthdays_on(self.day))
        await self._go_through(BIRTHDAYS, pages, lambda a: Task(
            f"birthday {a.shard}:{a.id}", self.day, EVENT, a.shard, a.id, a.token_low, event=BIRTHDAY
        ))  # fmt: skip

    async def _go_through(self, job: str, pages: AsyncIterator[Page], task_of: Callable[[DueAccount], Task]) -> None:
        async for page in pages:
            self.tally.looked_at += page.looked_at
            self._count(await self.door.carry(self.sender, [task_of(account) for account in page.due]))
            self._show(job)

    async def _payouts(self) -> None:
        compiled, number = self.sender.programme.compiled, self.sender.programme.id
        await job_payouts.note_referrals(self.reading, number, referral_terms(compiled), self.day, compiled.timezone)
        await self._pay(job_payouts.owed_referrals(self.reading, number))
        await self._pay(job_payouts.owed_prizes(self.reading, number))

    async def _pay(self, pages: AsyncIterator[Sequence[job_payouts.Owed]]) -> None:
        async for page in pages:
            self.tally.looked_at += len(page)
            results = await self.door.carry(self.sender, [each.task for each in page])
            for each, result in zip(page, results, strict=True):
                if result.outcome in (Outcome.DONE, Outcome.BEFORE):
                    await job_payouts.mark_paid(self.reading, each, result, self.sender.terminal.id)
            self._count(results)
            self._show(PAYOUTS)

    async def _notices(self) -> None:
        months = lapsing_months(self.sender.programme.compiled, self.at)
        for shard in range(self.sender.shards) if months else ():
            looked_at, added = await jobs.note_lapsing(self.reading, shard, self.sender.programme.id, months, self.day)
            self.tally.looked_at += looked_at
            self.tally.due += added
            self.tally.done += added
            self._show(NOTICE)

    async def _level(self) -> None:
        """Here budgets are counted, not accounts."""
        tally = self.tally
        self.accounts, tally.due = await budgets.level_over(self.reading, self.sender.programme.name)
        tally.looked_at, tally.done = self.accounts, tally.due
        self._show(LEVEL)

    def _count(self, results: Sequence[Result]) -> None:
        tally = self.tally
        tally.due += len(results)
        outcomes = [result.outcome for result in results]
        tally.done += outcomes.count(Outcome.DONE)
        tally.before += outcomes.count(Outcome.BEFORE)
        tally.refused += outcomes.count(Outcome.REFUSED)
        tally.unknown += outcomes.count(Outcome.UNKNOWN)

    def _show(self, job: str) -> None:
        self.progress(job, self.sender.programme.name, self.tally, self.accounts)
