"""Budgets in the database: dealt out by versions, raised and levelled."""

from pathlib import Path

import pytest

from adapters.postgres.audit import audit
from adapters.postgres.budgets import add, level, listed
from adapters.postgres.connecting import connection
from adapters.postgres.loading import load
from adapters.postgres.programme_versions import activate, submit
from adapters.postgres.store import PostgresStore
from switch.budgets import Share
from tests.wire.stories import TERMINALS, USUAL_STORES, institutions

pytestmark = pytest.mark.integration

PROGRAMME = """
programme: bazaar
owner: KHATAM
currency: 364
timezone: Asia/Tehran
point: {value: 100, expires: 24 months}
rules:
  - {id: a, then: {points: 5}, budget: {points: 10000}}
  - {id: b, then: {discount: 700}, budget: {amount: 9000}}
"""
SHARES = [Share(1, 1, number, 2_500) for number in range(4)] + [Share(1, 2, 0, 9_000)]


@pytest.fixture
async def url(fresh_database_url: str, token_key: bytes, tmp_path: Path) -> str:
    (tmp_path / "programmes").mkdir()
    (tmp_path / "institutions.yaml").write_text(institutions(*USUAL_STORES))
    (tmp_path / "programmes" / "bazaar.yaml").write_text(PROGRAMME)
    (tmp_path / "terminals.csv").write_text(TERMINALS)
    await load(fresh_database_url, token_key, tmp_path)
    return fresh_database_url


async def left(url: str) -> list[int]:
    async with connection(url) as opened:
        rows = await opened.fetch("SELECT remaining FROM budget_share ORDER BY programme, slot, share")
    return [row["remaining"] for row in rows]


async def spread(url: str, *remaining: int) -> None:
    """Let members draw so that the first budget's shares have this."""
    async with connection(url) as opened:
        for share, count in enumerate(remaining):
            await opened.execute("UPDATE budget_share SET remaining = $1 WHERE slot = 1 AND share = $2", count, share)


async def a_version(url: str, text: str) -> None:
    _, version = await submit(url, text, maker="sara")
    await activate(url, "bazaar", version, checker="maryam")


async def first(url: str) -> tuple[int, int, int]:
    budget = (await listed(url))[0]
    return budget.written, budget.dealt, budget.left


async def test_loading_deals_them_out(url: str) -> None:
    store = PostgresStore(url, lanes=1, shards=64)
    await store.connect(0)
    assert await store.budget_shares(0, hold=False) == SHARES
    await store.close()
    assert [(each.rule, each.unit, each.dealt, each.drawn) for each in await listed(url)] == [
        ("a", "points", 10_000, 0),
        ("b", "amount", 9_000, 0),
    ]
    assert all(finding.sound for finding in await audit(url))


async def test_a_draft_deals_nothing_out(url: str) -> None:
    await submit(url, PROGRAMME.replace("10000", "99999"), maker="sara")
    assert await left(url) == [2_500] * 4 + [9_000]


async def test_a_version_that_says_more_or_less_keeps_what_was_drawn(url: str) -> None:
    await spread(url, 1_000, 500, 0, 0)
    await a_version(url, PROGRAMME.replace("10000", "12000"))
    assert (await listed(url))[0].drawn == 8_500
    assert await left(url) == [1_750, 1_750, 9_000]
    await a_version(url, PROGRAMME.replace("10000", "8000"))
    assert await first(url) == (8_000, 8_500, 0)
    await a_version(url, PROGRAMME.replace("budget: {points: 10000}", "uses: {life: 1}"))
    assert await first(url) == (8_000, 8_500, 0)
    await a_version(url, PROGRAMME)
    assert await first(url) == (10_000, 10_000, 1_500)


async def test_what_is_added_is_beside_what_is_written(url: str) -> None:
    await add(url, "bazaar", "b", 500, user="sara")
    await a_version(url, PROGRAMME.replace("9000", "4000"))
    (_, budget) = await listed(url)
    assert (budget.written, budget.added, budget.dealt, budget.left) == (4_000, 500, 4_500, 4_500)


async def test_levelling_folds_what_is_left_into_fewer_shares(url: str) -> None:
    await spread(url, 2_500, 10, 0, 30)
    assert await level(url) == (2, 1)
    assert await left(url) == [2_540, 9_000]
    assert await level(url) == (2, 0)
