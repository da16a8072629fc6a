"""The door of the jobs: lanes of a process's own, without a listener, and tasks that are sent down and seen through.

A task whose outcome is not known (the store was away) is sent again under the same key; one whose key belongs to
something else takes the next. Whatever is said of it here, the journal's row is the truth.
"""

import asyncio
from collections.abc import Callable, Sequence
from enum import Enum
from time import monotonic
from typing import NamedTuple, cast

from protocol.message import Message
from switch.deciding import Decider, Programmes
from switch.jobs.tasks import Sender, Task, transaction_of
from switch.lane import Lane
from switch.lane_base import FAULT, OTHER_CONTENT, STORE_OUT_OF_REACH
from switch.lanes import Lanes
from switch.limits import Limits
from switch.ports import Store, Telemetry
from switch.programme.calendar import LocalCalendar
from switch.recent import RecentKeys
from switch.replies import APPROVED, Replier
from switch.transaction import Link, Transaction
from switch.wide_lane import WideLane

IN_FLIGHT_MAX = 1_000
"""Tasks that are sent down before the first of them is answered."""
ATTEMPTS_MAX = 16
"""Keys that a task tries: that so many belong to other things of the same day and shard does not happen."""
TRIES_MAX = 20
"""Times that a task is sent under one key while nobody answers: with the deadline of a reply some minutes."""
TRY_PAUSE_S = 0.2
_NOT_KNOWN = frozenset({"", STORE_OUT_OF_REACH, FAULT})


class Outcome(Enum):
    """What became of a task."""

    DONE = "done"
    BEFORE = "done before"
    REFUSED = "refused"
    UNKNOWN = "not known"


class Result(NamedTuple):
    """What became of a task, and the shard and key of its journal row."""

    task: Task
    outcome: Outcome
    shard: int
    key: int


class _Answer:
    """Hears the one answer to a task's message. It does not hold the message, which holds it."""

    __slots__ = ("decided", "heard")

    def __init__(self) -> None:
        self.heard = asyncio.Event()
        self.decided: dict[int, str | bytes] = {}

    def accept(self) -> None:
        """Nothing is counted here: the door bounds what is under way."""

    def release(self) -> None:
        """The fate of the message is not known."""
        self.heard.set()

    def answer(self, message: Message, header: bytes) -> None:  # noqa: ARG002  # a task has no header
        """Declines that need no decision come by `reply`, too."""
        self.decided = dict(message.fields)
        self.heard.set()

    def reply(self, request: Message, decided: dict[int, str | bytes], header: bytes) -> None:  # noqa: ARG002  # likewise
        """What was decided, now or for the first copy."""
        self.decided = decided
        self.heard.set()

    def flush(self) -> None:
        """There is no connection."""


class Door:
    """Sends tasks down the lanes. `start`, then `carry` as often as needed, then `stop`."""

    def __init__(
        self,
        *,
        store: Store,
        programmes: Programmes,
        telemetry: Telemetry,
        lanes: int,
        limits: Limits,
        wall_clock: Callable[[], float],
    ) -> None:
        self._wall_clock = wall_clock
        self._deadline_s = limits.reply_deadline_s
        self._calendars: dict[str, LocalCalendar] = {}
        decider = Decider(programmes, telemetry.shadowed)
        replier = Replier(telemetry, monotonic)
        recent = RecentKeys(limits.recent_keys_max)
        # No task touches two accounts: there is no wide lane.
        made: list[Lane | WideLane] = []
        self._lanes = Lanes(made, lanes, recent, replier, telemetry)
        made.extend(
            Lane(
                number,
                store=store,
                decider=decider,
                replier=replier,
                recent=recent,
                limits=limits,
                telemetry=telemetry,
                submit=self._lanes.forward,
                wall_clock=wall_clock,
                loop_clock=monotonic,
            )
            for number in range(lanes)
        )

    def start(self) -> None:
        """Start the lanes."""
        self._lanes.start()

    async def stop(self) -> None:
        """Let the lanes end what is under way."""
        await self._lanes.stop()

    async def carry(self, sender: Sender, tasks: Sequence[Task]) -> list[Result]:
        """Send tasks down and see each through, IN_FLIGHT_MAX at a time; what became of them, in their order."""
        results: list[Result] = []
        for first in range(0, len(tasks), IN_FLIGHT_MAX):
            part = tasks[first : first + IN_FLIGHT_MAX]
            results += await asyncio.gather(*(self._see_through(sender, task) for task in part))
        return results

    async def _see_through(self, sender: Sender, task: Task) -> Result:
        attempt = tries = 0
        while True:
            sent, answer = await self._ask(sender, task, attempt)
            code = str(answer.decided.get(39, ""))
            if code == OTHER_CONTENT and attempt < ATTEMPTS_MAX:
                attempt += 1
            elif code in _NOT_KNOWN and tries < TRIES_MAX:
                tries += 1
                await asyncio.sleep(TRY_PAUSE_S)
            else:
                return Result(task, _outcome(code, sent, answer), sent.shard, sent.key)

    async def _ask(self, sender: Sender, task: Task, attempt: int) -> tuple[Transaction, _Answer]:
        answer = _Answer()
        zone = sender.programme.compiled.timezone
        calendar = self._calendars.get(zone)
        if calendar is None:
            calendar = self._calendars[zone] = LocalCalendar(zone)
        at = calendar.at(int(self._wall_clock()))
        received = monotonic()
        sent = transaction_of(
            task, sender, at, attempt=attempt, link=cast("Link", answer), received=received,
            deadline=received + self._deadline_s,
        )  # fmt: skip
        self._lanes.submit(sent)
        await answer.heard.wait()
        return sent, answer


def _outcome(code: str, sent: Transaction, answer: _Answer) -> Outcome:
    if code in _NOT_KNOWN:
        return Outcome.UNKNOWN
    if code != APPROVED:
        return Outcome.REFUSED
    # A repeat's answer is read from the journal; a new one's is the very one that was decided here.
    return Outcome.DONE if answer.decided is sent.reply_fields else Outcome.BEFORE
