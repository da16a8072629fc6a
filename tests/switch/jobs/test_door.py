"""The door of the jobs over a store in memory: things happen once, whatever the store does meanwhile."""

import datetime as dt
from dataclasses import replace

import pytest

from switch.deciding import EVENT, GIFT, UPKEEP, LiveProgramme, Programmes
from switch.jobs import door as door_module
from switch.jobs.door import ATTEMPTS_MAX, Door, Outcome
from switch.jobs.keys import key_of
from switch.jobs.tasks import TERMINAL_CODE, Sender, Task, sender_of, transaction_of
from switch.limits import Limits
from switch.programme import load
from switch.programme.calendar import LocalCalendar
from tests.switch import fakes
from tests.switch.fakes import BAZAAR, NOW, SHARDS, TILL, TOKENS, CollectingLink, CountingTelemetry, MemoryStore

DAY = dt.date(2026, 11, 23)
HOUSE = replace(TILL, id=9, code=TERMINAL_CODE, status=3)
BIRTHDAY = BAZAAR + '  - id: birthday\n    when: event == "birthday"\n    then: {points: 40}\n'


class World:
    """A store with some members, and a door to it."""

    def __init__(self, members: int = 5, **limits: float) -> None:
        self.store = MemoryStore()
        self.pans = [self.store.open_card(serial) for serial in range(members)]
        live = LiveProgramme(1, 1, load(BIRTHDAY, ids=lambda _kind, _name: 1), frozenset({1}))
        self.sender = Sender(live, HOUSE, SHARDS)
        self.door = Door(
            store=self.store,
            programmes=Programmes({1: live}),
            telemetry=CountingTelemetry(),
            lanes=2,
            limits=Limits(**limits),  # type: ignore[arg-type]  # by name
            wall_clock=lambda: NOW,
        )

    def tasks(self, kind: int = GIFT, what: str = "gift", **more: object) -> list[Task]:
        tokens = [TOKENS.card(pan) for pan in self.pans]
        given = {"points": 7} if kind == GIFT else {}
        return [
            Task(f"{what} {t.shard}:{t.id}", DAY, kind, t.shard, t.id, t.low, **(given | more))  # type: ignore[arg-type]
            for t in tokens
        ]

    async def run(self, tasks: list[Task]) -> list[Outcome]:
        self.door.start()
        try:
            return [result.outcome for result in await self.door.carry(self.sender, tasks)]
        finally:
            await self.door.stop()

    @property
    def points(self) -> list[int]:
        return [self.store.points(pan) for pan in self.pans]


async def test_each_gift_is_given_once() -> None:
    world = World()
    tasks = world.tasks()
    assert await world.run(tasks) == [Outcome.DONE] * 5
    again = World()
    again.store, again.pans = world.store, world.pans
    again.door = Door(
        store=world.store, programmes=Programmes({1: again.sender.programme}), telemetry=CountingTelemetry(), lanes=1,
        limits=Limits(), wall_clock=lambda: NOW,
    )  # fmt: skip
    assert await again.run(tasks) == [Outcome.BEFORE] * 5
    assert world.points == [7] * 5


async def test_the_same_task_twice_in_one_run() -> None:
    world = World(1)
    outcomes = await world.run(world.tasks() * 2)
    assert sorted(outcome.name for outcome in outcomes) == ["BEFORE", "DONE"]
    assert world.points == [7]


@pytest.mark.parametrize("fault", ["lost_before", "lost_after"])
async def test_a_commit_whose_outcome_is_not_known(fault: str) -> None:
    world = World()
    world.store.faults["commit"] = [fault]
    outcomes = await world.run(world.tasks())
    assert set(outcomes) <= {Outcome.DONE, Outcome.BEFORE}
    assert world.points == [7] * 5


async def test_a_key_that_belongs_to_something_else(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(4)
    tasks = world.tasks()

    def meeting(what: str, day: dt.date, *, shard: int, shards: int, attempt: int = 0) -> int:
        return key_of("the same" if attempt == 0 else what, day, shard=shard, shards=shards, attempt=attempt)

    monkeypatch.setattr("switch.jobs.tasks.key_of", meeting)
    assert await world.run(tasks) == [Outcome.DONE] * 4
    assert world.points == [7] * 4


async def test_keys_that_all_belong_to_something_else(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(1)
    (task,) = world.tasks()
    monkeypatch.setattr("switch.jobs.tasks.key_of", lambda *_, **__: 1_123_000_000_000_000)
    other = replace(task, points=8)
    assert await world.run([task, other]) == [Outcome.DONE, Outcome.REFUSED]
    assert ATTEMPTS_MAX < 100


async def test_a_store_that_stays_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door_module, "TRIES_MAX", 1)
    monkeypatch.setattr(door_module, "TRY_PAUSE_S", 0.0)
    world = World(2, reply_deadline_s=0.2)
    world.store.faults["connect"] = ["lost"] * 1_000
    world.door.start()
    results = await world.door.carry(world.sender, world.tasks())
    assert [result.outcome for result in results] == [Outcome.UNKNOWN] * 2
    world.store.faults.clear()
    await world.door.stop()
    assert world.points == [0, 0]


async def test_a_gift_of_nothing_is_refused() -> None:
    assert await World(1).run(World(1).tasks(points=0)) == [Outcome.REFUSED]


async def test_a_birthday_and_an_upkeep() -> None:
    world = World(2)
    assert await world.run(world.tasks(EVENT, "birthday", event="birthday")) == [Outcome.DONE] * 2
    assert world.points == [40, 40]
    ((row, *_), *_) = [(row.entry,) for row in world.store.journal.values()]
    assert (row.mti, row.processing_code, row.message_class, row.asked) == (220, 950_000, 2, "EV008birthday")
    upkeep = World(1)
    assert await upkeep.run(upkeep.tasks(UPKEEP, "upkeep")) == [Outcome.DONE]


async def test_who_is_not_there_is_refused() -> None:
    world = World(1)
    stranger = replace(world.tasks()[0], account=12345, token_low=1)
    assert await world.run([stranger]) == [Outcome.REFUSED]


def test_a_message_says_who_and_why() -> None:
    world = World(1)
    (task,) = world.tasks(cause="draw nowruz, prize 1")
    at = LocalCalendar("Asia/Tehran").at(int(NOW))
    made = transaction_of(task, world.sender, at, attempt=0, link=CollectingLink(), received=0.0, deadline=1.0)
    assert (made.terminal_id, made.sent_on, made.currency, made.suspect) == (9, DAY, "364", True)
    assert made.asked == "JB020draw nowruz, prize 1"
    assert made.request.advice
    assert 2 not in made.message.fields
    assert (made.request.points_wanted, made.request.credit_wanted) == (7, 0)


def test_without_an_internal_terminal_there_is_no_sender() -> None:
    world = World(1)
    directory = replace(
        fakes.directory(),
        programmes=(_version(),),
    )
    assert sender_of(directory, world.sender.programme, SHARDS) is None
    with_house = replace(directory, terminals=(*directory.terminals, HOUSE))
    found = sender_of(with_house, world.sender.programme, SHARDS)
    assert found is not None
    assert found.terminal is HOUSE


def _version() -> object:
    from switch.institutions import ProgrammeVersion

    return ProgrammeVersion(1, "bazaar", 1, "", BAZAAR, 1, frozenset({1}))
