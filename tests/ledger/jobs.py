"""The upkeep job, one account at a time: what `jobs run` would find due and send down, beside the workers.

`jobs run` goes through all accounts. Those of earlier runs live at other times, so that only the run's own are looked
at, by the job's own query.
"""

import datetime as dt
from collections.abc import Callable

from adapters.cli.job_running import UPKEEP_JOB
from adapters.cli.running import compiled_programmes
from adapters.postgres import jobs
from adapters.postgres.connecting import Connection
from adapters.postgres.queries import named
from adapters.postgres.store import PostgresStore
from monitoring.metrics import Metrics
from switch.deciding import UPKEEP
from switch.jobs.door import Door, Outcome
from switch.jobs.due import upkeep_terms
from switch.jobs.tasks import Sender, Task, sender_of
from switch.limits import Limits
from switch.programme.calendar import LocalCalendar
from switch.tokens import Token

REOPENED_AFTER_S = 300 * 86_400
"""A door remembers the keys that it has carried, and keys have no year; a real one is open for one night."""
_PAGE = named("jobs")["upkeep_page"]


class Upkeep:
    """The job's door. `open` again whenever another version went live."""

    def __init__(self, url: str, shards: int, clock: Callable[[], float]) -> None:
        self._url = url
        self._shards = shards
        self._clock = clock
        self._door: Door | None = None
        self._store: PostgresStore | None = None

    async def open(self) -> None:
        """Take the versions that are live."""
        await self.close()
        await jobs.prepare(self._url)
        self._store = PostgresStore(self._url, lanes=1, shards=self._shards)
        directory = await self._store.directory()
        programmes = compiled_programmes(directory)
        (programme,) = programmes.live.values()
        sender = sender_of(directory, programme, self._shards)
        assert sender is not None
        self._sender: Sender = sender
        self._door = Door(
            store=self._store,
            programmes=programmes,
            telemetry=Metrics(),
            lanes=1,
            limits=Limits(linger_s=0.1),
            wall_clock=self._clock,
        )
        self._door.start()
        self._opened_s = self._clock()

    async def close(self) -> None:
        """Let the lane end."""
        if self._door is not None and self._store is not None:
            await self._door.stop()
            await self._store.close()

    async def keep_up(self, opened: Connection, token: Token) -> int | None:
        """Do what is due for an account; returns the key of the journal row.

        None if there was nothing, or it was done today already.
        """
        if abs(self._clock() - self._opened_s) > REOPENED_AFTER_S:
            await self.open()
        programme = self._sender.programme
        now_s = int(self._clock())
        at = LocalCalendar(programme.compiled.timezone).at(now_s)
        terms = upkeep_terms(programme.compiled, at, now_s)
        day = dt.date(1970, 1, 1) + dt.timedelta(days=terms.local_day)
        (row,) = await opened.fetch(
            _PAGE, programme.id, token.shard, token.id - 1, 1, terms.local_month, day, list(terms.slots),
            list(terms.numbers), terms.local_day, terms.now_s, terms.tier_year, terms.grace_is_over,
        )  # fmt: skip
        assert (row["shard"], row["id"]) == (token.shard, token.id)
        if not row["is_due"]:
            return None
        what = f"{UPKEEP_JOB} {token.shard}:{token.id}"
        task = Task(what, at.date, UPKEEP, token.shard, token.id, row["token_low"])
        assert self._door is not None
        (result,) = await self._door.carry(self._sender, [task])
        assert result.outcome in (Outcome.DONE, Outcome.BEFORE), result.outcome
        return result.key if result.outcome is Outcome.DONE else None
