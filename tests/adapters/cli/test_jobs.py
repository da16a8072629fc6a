"""`jobs run`, `jobs list`, `member tag`: what is printed, the exit codes, and what is refused."""

import asyncio
import datetime as dt
from collections.abc import Callable

import pytest
from typer.testing import CliRunner, Result

from adapters.cli import app
from adapters.postgres.connecting import connection
from adapters.postgres.seeding import seed
from switch.jobs.due import forgotten_before
from tests.wire.running import card

pytestmark = pytest.mark.integration

TOMORROW = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=2)
PROGRAMME = """
programme: bazaar
owner: KHATAM
currency: 364
timezone: Asia/Tehran
point: {value: 100, expires: 24 months}
tags: [staff, ambassador]
rules:
  - id: base
    then: {points: {per: 100000}}
  - id: birthday
    when: event == "birthday"
    then: {points: 40}
"""


@pytest.fixture
def url(loaded: Callable[[str], str], token_key: bytes) -> str:
    url = loaded(PROGRAMME)
    asyncio.run(seed(url, token_key, cards=20, terminals=1))
    return url


def run(*arguments: object, typed: str = "") -> Result:
    return CliRunner().invoke(app, [*map(str, arguments)], input=typed, env={"COLUMNS": "160"})


def value(url: str, query: str) -> object:
    async def fetch() -> object:
        async with connection(url) as opened:
            return await opened.fetchval(query)

    return asyncio.run(fetch())


def born_today(url: str, days: int = 0) -> dt.date:
    """Everybody's birthday is today, in Tehran."""
    zone = dt.timezone(dt.timedelta(hours=3, minutes=30))
    today = dt.datetime.now(zone).date() - dt.timedelta(days=days)
    value(url, f"UPDATE account SET born = 19800000 + {today.month * 100 + today.day} RETURNING 1")
    return today


def test_all_jobs_and_what_came_of_them(url: str) -> None:
    born_today(url)
    first = run("jobs", "run")
    assert first.exit_code == 0, first.output
    names = [line.split()[0] for line in first.output.splitlines()]
    assert names == ["job", "upkeep", "birthdays", "payouts", "expiry-notice", "level", "forgotten-mobiles"]
    assert first.output.splitlines()[2].split()[3:] == ["20", "20", "20", "0", "0", "0"]
    again = run("jobs", "run", "--job", "birthdays", "--programme", "bazaar")
    assert again.output.splitlines()[1].split()[3:] == ["20", "20", "0", "20", "0", "0"]
    listed = run("jobs", "list")
    assert listed.exit_code == 0
    assert len(listed.output.splitlines()) == 8
    assert value(url, "SELECT sum(points) FROM account") == 800


def test_a_day_that_was_missed(url: str) -> None:
    day = born_today(url, days=3)
    assert run("jobs", "run", "--job", "birthdays").output.splitlines()[1].split()[3:5] == ["20", "0"]
    caught_up = run("jobs", "run", "--job", "birthdays", "--date", day)
    assert caught_up.output.splitlines()[1].split()[2:6] == [str(day), "20", "20", "20"]
    assert value(url, "SELECT count(*) FROM journal WHERE processing_code = 950000") == 20


FORGOTTEN = """
WITH added AS (
    INSERT INTO forgotten_mobile (shard, token, at)
    SELECT n % 3, decode(lpad(to_hex(n), 32, '0'), 'hex'), now() - make_interval(days => n, hours => 12)
      FROM generate_series(1, 2000) AS n
    RETURNING 1)
SELECT count(*) FROM added
"""


def test_mobiles_of_who_was_erased_are_forgotten_after_half_a_year(url: str) -> None:
    before = forgotten_before(int(dt.datetime.now(dt.UTC).timestamp()))
    too_old = sum(dt.datetime.now(dt.UTC) - dt.timedelta(days=n, hours=12) < before for n in range(1, 2001))
    assert value(url, FORGOTTEN) == 2_000
    of_one = run("jobs", "run", "--programme", "bazaar")
    assert "forgotten-mobiles" not in of_one.output
    assert value(url, "SELECT count(*) FROM forgotten_mobile") == 2_000
    today = str(dt.datetime.now(dt.UTC).date())
    (_, line) = run("jobs", "run", "--job", "forgotten-mobiles").output.splitlines()
    assert line.split() == ["forgotten-mobiles", "all", today, "2,000", f"{too_old:,}", f"{too_old:,}", "0", "0", "0"]
    kept = value(url, "SELECT min(at) FROM forgotten_mobile")
    assert isinstance(kept, dt.datetime)
    assert kept > before
    # Again, as after a run that broke off: what is gone is gone.
    (_, line) = run("jobs", "run", "--job", "forgotten-mobiles").output.splitlines()
    assert line.split()[3:] == [f"{2_000 - too_old:,}", "0", "0", "0", "0", "0"]
    newest = run("jobs", "list").output.splitlines()[1]
    assert newest.split()[3:6] == ["forgotten-mobiles", "all", today]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--job", "lottery"], "there is no job 'lottery'"),
        (["--date", TOMORROW], "that day is still to come"),
        (["--date", "2026-13-01"], "does not match"),
        (["--clock", "message"], "give it"),
        (["--clock", "sun"], "a clock is wall or message"),
        (["--programme", "bazar"], "no programme bazar is live"),
        (["--job", "forgotten-mobiles", "--programme", "bazaar"], "is for all programmes at once"),
    ],
)
def test_what_is_refused(url: str, arguments: list[object], reason: str) -> None:
    refused = run("jobs", "run", *arguments)
    assert refused.exit_code == 2
    assert reason in refused.output
    assert "Traceback" not in refused.output


def test_a_till_that_bears_the_house_s_name(url: str) -> None:
    value(
        url,
        "INSERT INTO terminal (institution, merchant, code)"
        " SELECT p.institution, m.id, 'JOBS0000' FROM programme p JOIN merchant m USING (institution) LIMIT 1"
        " RETURNING 1",
    )
    refused = run("jobs", "run")
    assert refused.exit_code == 2
    assert "a till of KHATAM bears the code JOBS0000" in refused.output


def test_tagging(url: str) -> None:
    assert run("member", "tag", "bazaar", "ambassador", typed=f"{card(3)}\n").output.strip().endswith("tagged")
    assert value(url, "SELECT max(flags) FROM account") == 512
    assert "nothing to change" in run("member", "tag", "bazaar", "ambassador", "--number", card(3)).output
    taken = run("member", "tag", "bazaar", "ambassador", "--remove", typed=card(3))
    assert "tag taken off" in taken.output
    assert value(url, "SELECT max(flags) FROM account") == 0


def test_a_tag_that_the_programme_does_not_have(url: str) -> None:
    refused = run("member", "tag", "bazaar", "vip", typed=card(3))
    assert refused.exit_code == 2
    assert "has no tag vip" in refused.output
    assert card(3) not in refused.output
