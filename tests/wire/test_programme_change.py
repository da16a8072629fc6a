"""A programme is changed while tills are busy: no restart, no message dropped, each row with its version."""

import asyncio
import datetime as dt
import time
from pathlib import Path

import asyncpg
import pytest

from adapters.postgres import programme_versions
from tests.wire.conftest import BAZAAR
from tests.wire.jobs import tally_of
from tests.wire.running import RunningSwitch, card, message
from tests.wire.stories import told

pytestmark = pytest.mark.integration

FOLLOWS_WITHIN_S = 2.0
BASE = (BAZAAR / "programmes" / "bazaar.yaml").read_text()
DOUBLE = BASE.replace("per: 100000", "per: 50000")


async def rows_of(url: str) -> list[asyncpg.Record]:
    opened = await asyncpg.connect(url)
    try:
        return await opened.fetch(
            "SELECT programme_version, points_earned FROM journal WHERE rc = '00' ORDER BY at, shard, seq"
        )
    finally:
        await opened.close()


def test_a_version_goes_live_between_two_purchases(own_url: str) -> None:
    answers: list[tuple[float, int]] = []
    with RunningSwitch(own_url, LOYALTY_WORKERS="1") as switch, switch.till() as till:

        def buy(serial: int) -> None:
            reply = till.ask(message(pan=card(serial), amount=500_000))
            assert reply.fields[39] == "00"
            answers.append((time.monotonic(), 10 if "PE00210" in str(reply.fields[62]) else 5))

        for serial in range(50):
            buy(serial)
        asyncio.run(programme_versions.submit(own_url, DOUBLE, maker="sara"))
        for serial in range(50, 100):
            buy(serial)
        assert {earned for _, earned in answers} == {5}
        asyncio.run(programme_versions.activate(own_url, "bazaar", 2, checker="reza"))
        changed_at = time.monotonic()
        serial = 100
        while answers[-1][1] == 5:
            assert time.monotonic() < changed_at + 4 * FOLLOWS_WITHIN_S, "the switch does not follow"
            buy(serial % 400)
            serial += 1
        for more in range(20):
            buy(more)
    followed = [earned for _, earned in answers]
    # Once the new version has decided, the old one never decides again.
    assert followed == sorted(followed)
    rows = asyncio.run(rows_of(own_url))
    assert len(rows) == len(answers)
    assert {(row["programme_version"], row["points_earned"]) for row in rows} == {(1, 5), (2, 10)}


def test_a_shadow_decides_beside_the_live_version_and_moves_nothing(own_url: str) -> None:
    asyncio.run(programme_versions.submit(own_url, DOUBLE, maker="sara"))
    asyncio.run(programme_versions.put_in_shadow(own_url, "bazaar", 2))
    with RunningSwitch(own_url) as switch, switch.till() as till:
        for amount in (500_000, 500_000, 20_000):
            assert till.ask(message(pan=card(7), amount=amount)).fields[39] == "00"
        balance = till.ask(message("0100", "310000", pan=card(7)))
        assert str(balance.fields[54]).startswith("6002999C000000000010")
        assert switch.metric('loyalty_shadow_decisions_total{outcome="different",programme="bazaar"}') == 2
        # The small purchase gives nothing under either, and the inquiry nothing at all.
        assert switch.metric('loyalty_shadow_decisions_total{outcome="same",programme="bazaar"}') == 2
        assert switch.metric('loyalty_shadow_difference{leg="points",programme="bazaar"}') == 10
    assert {row["programme_version"] for row in asyncio.run(rows_of(own_url))} == {1}


COUNTED = BASE + (
    "  - {id: once, uses: {life: 1}, then: {discount: 20%}}\n"
    "  - {id: daily, uses: {day: 1}, then: {points: 3}}\n"
    "  - {id: cut, then: {stamp: {key: cut, need: 3, reward: {points: 50}}}}\n"
    "  - {id: nowruz, then: {ticket: {draw: nowruz, count: 2}}}\n"
)


def test_what_was_counted_is_still_there_when_a_rule_comes_back(fresh_database_url: str, tmp_path: Path) -> None:
    """Upkeep drops no counter of a rule that the live version leaves out: the next one may bring the rule back."""
    with told(fresh_database_url, tmp_path, COUNTED, first_day=dt.date(2027, 4, 3)) as story:

        def go_live(text: str, version: int) -> None:
            asyncio.run(programme_versions.submit(story.url, text, maker="sara"))
            asyncio.run(programme_versions.activate(story.url, "bazaar", version, checker="reza"))
            limit = time.monotonic() + 4 * FOLLOWS_WITHIN_S
            while story.balance(card(9)).number("RV") != version:
                assert time.monotonic() < limit, "the switch does not follow"

        first = story.buy(1_000_000)
        assert (first.discount, first.earned, first.all("SP"), first.all("TK")) == (
            200_000, 11, ["cut:1/3"], ["nowruz:2"],
        )  # fmt: skip
        go_live(BASE, 2)
        assert story.after(40).buy(1_000_000).earned == 10
        tally_of(story.url, story.after(1).today, "upkeep")
        # A draw of which no rule tells any more is still open: its tickets are those that were given.
        (kept,) = story.rows("SELECT count(*) FROM account CROSS JOIN counters_of(counters) WHERE visits > 0")
        assert kept["count"] == 4
        go_live(COUNTED, 3)
        again = story.buy(1_000_000)
        assert (again.discount, again.earned, again.all("SP"), again.all("TK")) == (0, 13, ["cut:2/3"], ["nowruz:4"])
