"""Worlds written into a database as the switch would, and read back as histories."""

import asyncio
import dataclasses

import pytest

from adapters.postgres import replay_workers, replaying
from adapters.postgres.errors import ProgrammeRefused
from switch.simulation import uplift
from switch.simulation.reading import BasketReader
from switch.simulation.simulate import Question, RuleSet, Simulation
from tests.adapters.postgres.written_worlds import DOUBLED, END_S, SPLIT_S, TEXT, worlds, write
from tests.switch.simulation.worlds import DAY_S, ZONE, programme

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def journal(database_url):
    made = worlds()
    asyncio.run(write(database_url, made))
    return database_url, made


def survey(url, text=None):
    return asyncio.run(replaying.survey(url, text, "world"))


@pytest.mark.parametrize("start_s", [0, SPLIT_S, SPLIT_S + 7 * DAY_S])
@pytest.mark.parametrize("days_of", [None, ZONE])
def test_histories_come_back_as_they_were_written(journal, start_s, days_of):
    url, made = journal

    async def read():
        return [history async for history in replaying.histories(url, replaying.Span(1, 0, 64, start_s, days_of))]

    found = asyncio.run(read())
    expected = []
    for one in sorted(made, key=lambda one: one.account.shard):
        history = one.history(start_s)
        if days_of is None:
            history = dataclasses.replace(history, past=history.past._replace(recent=b""))
        gender = "female" if one.account.id % 2 else "male"
        if history.rows:
            person = history.person._replace(gender=gender, region="Tehran")
            expected.append(dataclasses.replace(history, person=person))
    assert found == expected
    assert any(history.past.recent for history in found) == (start_s > 0 and days_of is not None)


@pytest.mark.parametrize("workers", [1, 3])
def test_any_number_of_workers_finds_the_same(journal, workers):
    url, made = journal
    ground = survey(url, DOUBLED)
    rows_read = []
    found = replay_workers.simulate(url, ground, SPLIT_S, END_S, 20260101, workers=workers, progress=rows_read.append)
    live = ground.live
    draft = ground.draft
    question = Question(
        RuleSet(draft.kernel.table, draft.rule_ids), {1: RuleSet(live.kernel.table, live.rule_ids)}, "Asia/Tehran",
        END_S, 20260101, live.tiers,
    )  # fmt: skip
    simulation = Simulation(question, BasketReader.of(draft))
    for one in made:
        gender = "female" if one.account.id % 2 else "male"
        history = one.history(SPLIT_S)
        simulation.take(dataclasses.replace(history, person=history.person._replace(gender=gender, region="Tehran")))
    assert found == simulation.report()
    assert found.messages == sum(row.at >= SPLIT_S for one in made for row in one.rows)
    assert found.broken == 0
    assert rows_read[-1] == found.messages


@pytest.mark.parametrize("start_s", [0, SPLIT_S])
def test_the_very_programme_changes_nothing(journal, start_s):
    url, _ = journal
    found = replay_workers.simulate(url, survey(url), start_s, END_S, 20260101, workers=1, progress=lambda _rows: None)
    assert found.whole.live == found.whole.draft
    assert all(pair.live == pair.draft for pair in found.rules.values())


def test_a_rule_is_compared_by_workers(journal):
    url, made = journal
    index = programme(TEXT).rule_ids.index("back")
    question = uplift.Question("world", "back", {1: (index,)}, 10, END_S)
    found = replay_workers.compare(url, survey(url), question, 0, workers=2, progress=lambda _rows: None)
    alone = uplift.Uplift()
    for one in made:
        uplift.take(alone, question, one.history())
    assert found == alone
    assert found.had.members


def test_a_period_without_messages_is_empty(journal):
    url, _ = journal
    found = replay_workers.simulate(
        url, survey(url), END_S - 1, END_S, 20260101, workers=1, progress=lambda _rows: None
    )
    assert found.messages == 0
    assert not found.rules


def test_another_currency_is_refused(journal):
    with pytest.raises(ProgrammeRefused, match="currency 364, the draft of 840"):
        survey(journal[0], TEXT.replace("currency: 364", "currency: 840"))


def test_a_programme_that_is_not_there_is_refused(journal):
    with pytest.raises(ProgrammeRefused, match="no programme other is live"):
        survey(journal[0], TEXT.replace("programme: world", "programme: other"))
