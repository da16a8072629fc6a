"""Jobs that are killed, cut off, run twice at once, or run beside a till that floods: each thing happens once."""

import asyncio
import datetime as dt
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.cli.databases import Opened
from adapters.cli.job_running import run_jobs
from adapters.postgres.audit import audit
from adapters.postgres.connecting import connection
from adapters.postgres.loading import load
from adapters.postgres.secrets import check
from adapters.postgres.seeding import seed
from switch.settings import Settings
from tests.conftest import TOKEN_KEY
from tests.wire.jobs import run_on
from tests.wire.running import RunningSwitch, card, message
from tests.wire.stories import TERMINALS, USUAL_STORES, institutions

pytestmark = [pytest.mark.integration, pytest.mark.fault]

MEMBERS = 3_000
DAY = dt.date(2026, 6, 21)
PROGRAMME = """
programme: bazaar
owner: KHATAM
currency: 364
timezone: Asia/Tehran
point: {value: 100, expires: 24 months}
rules:
  - id: base
    then: {points: {per: 100000}}
  - id: birthday
    when: event == "birthday"
    then: {points: 100}
"""
ONCE = """
SELECT count(*) AS messages, count(DISTINCT (shard, account)) AS accounts, sum(points_earned) AS points
  FROM journal WHERE processing_code = 950000 AND rc = '00'
"""


@pytest.fixture
def url(fresh_database_url: str, tmp_path: Path) -> str:
    """Members who all have their birthday on one day. No rule bounds how often it brings points: only the key does."""
    (tmp_path / "programmes").mkdir()
    (tmp_path / "programmes" / "bazaar.yaml").write_text(PROGRAMME, encoding="utf-8")
    (tmp_path / "institutions.yaml").write_text(institutions(*USUAL_STORES), encoding="utf-8")
    (tmp_path / "terminals.csv").write_text(TERMINALS, encoding="utf-8")
    asyncio.run(load(fresh_database_url, TOKEN_KEY, tmp_path))
    asyncio.run(seed(fresh_database_url, TOKEN_KEY, cards=MEMBERS, terminals=1))
    query(fresh_database_url, "UPDATE account SET born = 19900621")
    return fresh_database_url


def query(url: str, statement: str) -> list[tuple[object, ...]]:
    async def fetch() -> list[tuple[object, ...]]:
        async with connection(url) as opened:
            return [tuple(row) for row in await opened.fetch(statement)]

    return asyncio.run(fetch())


def rows(url: str) -> int:
    ((count, *_),) = query(url, ONCE)
    assert isinstance(count, int)
    return count


def wait_for_rows(url: str) -> None:
    """Until the job is in the middle of its work."""
    limit = time.monotonic() + 60
    while not rows(url):
        assert time.monotonic() < limit


def assert_all_once(url: str) -> None:
    assert query(url, ONCE) == [(MEMBERS, MEMBERS, MEMBERS * 100)]
    broken = [finding for finding in asyncio.run(audit(url)) if not finding.sound]
    assert not broken, broken


def started(url: str) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "adapters.cli", "jobs", "run", "--job", "birthdays", "--database", url]
    command += ["--date", str(DAY), "--clock", "message"]
    environment = {**os.environ, "LOYALTY_TOKEN_KEY": TOKEN_KEY.hex(), "LOYALTY_LIMITS__BATCH_MESSAGES_MAX": "20"}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def ended(process: "subprocess.Popen[bytes]") -> str:
    out, fault = process.communicate(timeout=120)
    assert process.returncode == 0, fault.decode()
    return out.decode()


def counts_of(out: str) -> list[int]:
    """The last line's looked at, due, done, done before, refused, not known."""
    return [int(word.replace(",", "")) for word in out.strip().splitlines()[-1].split()[-6:]]


def test_a_job_that_is_killed_is_run_again(url: str) -> None:
    broken_off = started(url)
    wait_for_rows(url)
    broken_off.kill()
    broken_off.communicate()
    some = rows(url)
    assert 0 < some < MEMBERS
    looked_at, due, done, before, refused, unknown = counts_of(ended(started(url)))
    assert (looked_at, due, refused, unknown) == (MEMBERS, MEMBERS, 0, 0)
    assert done + before == MEMBERS
    assert before >= some
    assert_all_once(url)
    assert query(url, "SELECT ended_at IS NULL FROM job_run ORDER BY id") == [(True,), (False,)]
    assert counts_of(ended(started(url)))[2:4] == [0, MEMBERS]
    assert_all_once(url)


def test_two_runs_at_once_share_the_work(url: str) -> None:
    run_on(url, DAY, "upkeep")
    both = [started(url), started(url)]
    done = [counts_of(ended(process))[2:4] for process in both]
    assert_all_once(url)
    assert sum(each[0] for each in done) == MEMBERS
    assert [sum(each) for each in done] == [MEMBERS, MEMBERS]


def test_a_connection_that_is_cut_costs_nothing(url: str) -> None:
    running = started(url)
    wait_for_rows(url)
    cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'loyalty-switch lane'"
    query(url, cut)
    _looked_at, due, done, before, refused, unknown = counts_of(ended(running))
    assert (due, done + before, refused, unknown) == (MEMBERS, MEMBERS, 0, 0)
    assert_all_once(url)


@pytest.fixture
def flood(url: str) -> Iterator[list[int]]:
    """Purchases of the same members, one after another, until the test ends; how many were approved."""
    approved = [0]
    stop = threading.Event()
    with RunningSwitch(url) as switch, switch.till() as till:

        def buy() -> None:
            serial = 0
            while not stop.is_set():
                serial = (serial + 1) % MEMBERS
                if till.ask(message(pan=card(serial), amount=100_000)).fields[39] == "00":
                    approved[0] += 1

        thread = threading.Thread(target=buy)
        thread.start()
        try:
            yield approved
        finally:
            stop.set()
            thread.join()


def test_beside_a_till_that_floods(url: str, flood: list[int]) -> None:
    _looked_at, due, done, _before, refused, unknown = counts_of(ended(started(url)))
    assert (due, done, refused, unknown) == (MEMBERS, MEMBERS, 0, 0)
    assert flood[0] > 0
    assert_all_once(url)


async def test_a_programme_that_is_not_there(fresh_database_url: str) -> None:
    shards = await asyncio.to_thread(check, fresh_database_url, TOKEN_KEY)
    opened = Opened(fresh_database_url, "test", shards, TOKEN_KEY)
    # What is for no programme alone is done all the same.
    assert [summary.programme for summary in await run_jobs(opened, Settings(database=fresh_database_url))] == [None]
    with pytest.raises(Exception, match="no programme bazar is live"):
        await run_jobs(opened, Settings(database=fresh_database_url), programme="bazar")
