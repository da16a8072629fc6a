"""The last movements of accounts, as the lane's store reads them."""

import datetime as dt
from collections.abc import AsyncIterator

import asyncpg
import pytest

from adapters.postgres.store import PostgresStore
from switch.movements import READ_MAX
from tests.adapters.postgres.ledger import ACCOUNT, DAY, OTHER_ACCOUNT, OTHER_SHARD, SHARD, open_ledger, post

pytestmark = [pytest.mark.integration, pytest.mark.handwritten_journal]

OWN, OTHER = (SHARD, ACCOUNT), (OTHER_SHARD, OTHER_ACCOUNT)
LONG_AGO = DAY - dt.timedelta(days=100)


@pytest.fixture
async def ledger(fresh_database_url: str) -> AsyncIterator[asyncpg.Connection]:
    opened = await open_ledger(fresh_database_url)
    yield opened
    await opened.close()


@pytest.fixture
async def store(ledger: asyncpg.Connection, fresh_database_url: str) -> AsyncIterator[PostgresStore]:
    made = PostgresStore(fresh_database_url, lanes=1, shards=64)
    await made.connect(0)
    yield made
    await made.close()


async def test_what_was_approved_is_read_newest_first(store: PostgresStore) -> None:
    found = await store.movements(0, [OWN, OTHER], LONG_AGO)
    own = found[OWN]
    # The inquiry, the declined message and the tombstone are not among them.
    assert [each.row.seq for each in own] == [4, 3, 2, 1]
    assert [(each.row.kind, each.processing_code) for each in own] == [(5, 200_000), (4, 200_000), (2, 6000), (1, 0)]
    assert [each.row.points_earned for each in own] == [2, -2, 0, 5]
    assert (own[1].row.original_seq, own[3].row.category, own[3].row.rules) == (1, 1, b"\0\0\0\1")
    assert [each.row.amount for each in found[OTHER]] == [100_000, 600, 1_000_000]


async def test_only_the_newest_purchase_brings_the_names_of_rules(store: PostgresStore) -> None:
    found = await store.movements(0, [OWN], LONG_AGO)
    assert [each.rule_ids for each in found[OWN]] == [None, None, ("base", "double"), None]


async def test_what_is_too_old_is_left_out(ledger: asyncpg.Connection, store: PostgresStore) -> None:
    await post(ledger, sent_on=LONG_AGO, amount=1, to_pay=1)
    assert len((await store.movements(0, [OWN], LONG_AGO))[OWN]) == 5
    assert len((await store.movements(0, [OWN], DAY))[OWN]) == 4
    assert await store.movements(0, [OWN], DAY + dt.timedelta(days=1)) == {}


async def test_so_many_rows_of_each_account_and_no_more(ledger: asyncpg.Connection, store: PostgresStore) -> None:
    for _ in range(READ_MAX):
        await post(ledger, amount=1, to_pay=1)
    found = await store.movements(0, [OWN, OTHER], LONG_AGO)
    assert (len(found[OWN]), len(found[OTHER])) == (READ_MAX, 3)


async def test_an_account_that_is_not_there_has_none(store: PostgresStore) -> None:
    assert await store.movements(0, [(1, -(2**63)), (SHARD, OTHER_ACCOUNT)], LONG_AGO) == {}


async def test_the_rows_are_found_by_the_account(ledger: asyncpg.Connection) -> None:
    """Neither the shard's other rows nor the other days' are gone through."""
    await ledger.execute("SET enable_seqscan = off")
    plan = await ledger.fetch(
        "EXPLAIN SELECT * FROM journal WHERE shard = 5 AND account = 100 AND sent_on >= $$2026-11-01$$::date "
        "AND rc = '00' AND class <> 1 ORDER BY seq DESC LIMIT 32"
    )
    text = "\n".join(row[0] for row in plan)
    assert "shard_account_seq_idx" in text
    assert "Merge Append" in text
    assert "->  Sort" not in text
