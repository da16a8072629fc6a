"""The audit: silent on a ledger that agrees with itself, and loud on each way of breaking it."""

import asyncio
import struct
from collections.abc import AsyncIterator

import asyncpg
import pytest

from adapters.postgres.audit import audit, checks, examine
from adapters.postgres.connecting import Connection
from adapters.postgres.errors import DatabaseUnreachable, MigrationError
from tests.adapters.postgres.ledger import (
    ACCOUNT,
    DAY,
    MONTH,
    OTHER_ACCOUNT,
    OTHER_SHARD,
    SHARD,
    lots,
    open_ledger,
    post,
)

pytestmark = [pytest.mark.integration, pytest.mark.handwritten_journal]

HERE = f"shard = {SHARD} AND seq"
OWNER = f"shard = {SHARD} AND id = {ACCOUNT}"
OTHER = f"id = {OTHER_ACCOUNT}"
TO = f"'\\x{lots((MONTH, 4)).hex()}'"
UNSORTED = f"'\\x{lots((MONTH, 1), (MONTH - 1, 1)).hex()}'"
BELOW_ZERO = f"'\\x{lots((MONTH, 4), (MONTH + 1, -2)).hex()}'"


def reserves(*entry: int) -> str:
    """One entry of `account.reserves`: key, until, points, credit."""
    return f"'\\x{struct.pack('>4q', *entry).hex()}'"


LINKED_BUT_NOT_EMPTY = f"""
    INSERT INTO card (shard, token, account_shard, account, programme, kind)
         VALUES ({SHARD}, int8send({ACCOUNT}) || int8send(1), {OTHER_SHARD}, {OTHER_ACCOUNT}, 1, 1);
    UPDATE account SET status = 2, credit = 5 WHERE {OWNER}
"""

REFERRAL_PAID = f"""
    INSERT INTO referral_gift (shard, member, side, programme, account_shard, account, points, credit, noted_on,
                               paid_seq, paid_sent_on)
         VALUES ({OTHER_SHARD}, 1, '{{side}}', 1, {SHARD}, {ACCOUNT}, {{points}}, 0, '{DAY}', 1, '{DAY}')
"""
A_GIFT = f"UPDATE journal SET processing_code = 990100 WHERE {HERE} = 1"
PAID_TOO_LITTLE = f"{A_GIFT}; {REFERRAL_PAID.format(side='member', points=6)}"
PAID_BY_A_SALE = REFERRAL_PAID.format(side="member", points=5)
PAID_TWICE = "; ".join([A_GIFT, *(REFERRAL_PAID.format(side=side, points=5) for side in ("member", "referrer"))])
COUPON_USED_ONCE = f"""
    INSERT INTO coupon_batch (programme, campaign, kind, codes, made_by) VALUES (1, 'spring', 'single', 1, 'sara');
    INSERT INTO coupon (shard, token, programme, batch, uses, uses_left)
         SELECT 3, int8send(1) || int8send(2), 1, id, 1, 0 FROM coupon_batch;
    INSERT INTO coupon_use (shard, key, terminal, class, sent_on, coupon_shard, token, programme)
         SELECT shard, key, terminal, class, sent_on, 3, int8send(1) || int8send(2), 1 FROM journal WHERE {HERE} = 1
"""

BUDGET = """
    INSERT INTO programme_slot (programme, slot, kind, name) VALUES (1, 900, 'budget', 'a/points');
    INSERT INTO budget (programme, slot, written, gift, dealt) VALUES (1, 900, 100, 1, 100);
    INSERT INTO budget_share (programme, slot, share, remaining) VALUES (1, 900, 0, {remaining})
"""
DRAWN = f"UPDATE journal SET counters_moved = '\\x038400000000{40:016x}' WHERE {HERE} = 1"

BREACHES = [
    ("i1_points", f"UPDATE journal SET points_earned = 6 WHERE {HERE} = 1"),
    ("i1_points", f"UPDATE journal SET lots_moved = NULL WHERE {HERE} = 1"),
    ("i1_payment", f"UPDATE journal SET to_pay = to_pay - 1 WHERE {HERE} = 1"),
    ("i1_payment", f"UPDATE journal SET amount = 900 WHERE {HERE} = 2"),
    ("i1_payment", f"UPDATE journal SET asked = 'RW003LIP', to_pay = to_pay - 1 WHERE {HERE} = 1"),
    ("i1_payment", f"UPDATE journal SET asked = 'PT0011' , points_redeemed = points_redeemed + 1 WHERE {HERE} = 2"),
    ("i1_declined", f"UPDATE journal SET rc = '51' WHERE {HERE} = 1"),
    ("i1_declined", f"UPDATE journal SET discount = 5 WHERE {HERE} = 6"),
    ("i2_balances", f"UPDATE account SET points = points + 1 WHERE {OWNER}"),
    ("i2_balances", f"UPDATE account SET credit = 1 WHERE {OWNER}"),
    ("i2_balances", f"DELETE FROM account WHERE {OWNER}"),
    ("i2_balances", f"UPDATE account_opening SET points = 49 WHERE account = {OTHER_ACCOUNT}"),
    ("i2_lots", f"UPDATE account SET lots = {TO} WHERE {OWNER}"),
    ("i2_lots", f"UPDATE account SET lots = '\\x0102' WHERE {OWNER}"),
    ("i2_lot_moves", f"UPDATE account SET lots = '\\x{lots((MONTH + 1, 2)).hex()}' WHERE {OWNER}"),
    ("i2_reserve_moves", f"UPDATE account SET reserves = {reserves(0, 20_000, 1, 0)} WHERE {OWNER}"),
    ("i2_reserve_moves", f"UPDATE journal SET reserves_moved = {reserves(0, 20_000, 1, 0)} WHERE {HERE} = 1"),
    ("i2_cards", "UPDATE card SET account = 99"),
    ("i2_cards", "UPDATE card SET programme = 99"),
    ("i2_members", f"UPDATE account SET member = 99 WHERE {OWNER}"),
    ("i2_members", LINKED_BUT_NOT_EMPTY),
    ("i2_erased", f"INSERT INTO member (shard, id, erased_at) SELECT shard, id, now() FROM account WHERE {OWNER}"),
    ("i3_replies", f"UPDATE journal SET reply = NULL WHERE {HERE} = 1"),
    ("i3_replies", f"UPDATE journal SET reply = 'x' WHERE {HERE} = 7"),
    ("i3_decided", f"UPDATE journal SET programme_version = 9 WHERE {HERE} = 1"),
    ("i3_decided", f"UPDATE journal SET account = NULL WHERE {HERE} = 6"),
    ("i4_gifts", PAID_TOO_LITTLE),
    ("i4_gifts", PAID_BY_A_SALE),
    ("i4_gifts", PAID_TWICE),
    ("i4_index", "DROP INDEX journal_key"),
    (
        "i4_effects",
        f"UPDATE journal SET key = (SELECT key FROM journal WHERE {HERE} = 1) WHERE shard = 6 AND seq = 1",
    ),
    ("i4_dates", f"UPDATE journal SET sent_on = sent_on + 1 WHERE {HERE} = 8"),
    ("i5_balances", f"UPDATE account SET points = -1 WHERE {OWNER}"),
    ("i5_balances", f"UPDATE account SET credit = -1 WHERE {OTHER}"),
    ("i5_reserves", f"UPDATE account SET reserves = {reserves(0, 20_000, 10**9, 0)} WHERE {OWNER}"),
    ("i5_reserves", f"UPDATE account SET reserves = {reserves(7, 20_000, 0, 10**9)} WHERE {OWNER}"),
    ("i5_reserves", f"UPDATE account SET reserves = {reserves(7, 20_000, -1, 0)} WHERE {OWNER}"),
    ("i5_lots", f"UPDATE account SET lots = {UNSORTED} WHERE {OWNER}"),
    ("i5_lots", f"UPDATE account SET lots = {BELOW_ZERO} WHERE {OWNER}"),
    ("i5_budgets", BUDGET.format(remaining=99)),
    ("i5_budgets", f"{BUDGET.format(remaining=100)}; {DRAWN}"),
    ("i5_budgets", f"{BUDGET.format(remaining=100)}; UPDATE budget_share SET share = 1"),
    ("i5_budgets", f"{BUDGET.format(remaining=100)}; DELETE FROM budget_share"),
    ("i6_originals", f"UPDATE journal SET original_seq = 99 WHERE {HERE} = 3"),
    ("i6_originals", f"UPDATE journal SET account = 300 WHERE {HERE} = 3"),
    ("i6_refunds", f"UPDATE journal SET amount = 900000 WHERE {HERE} = 3"),
    ("i6_refunds", f"UPDATE journal SET points_earned = -8 WHERE {HERE} = 3"),
    ("i6_coupons", f"{COUPON_USED_ONCE}; UPDATE coupon SET uses_left = 1"),
    ("i6_coupons", f"{COUPON_USED_ONCE}; UPDATE coupon_use SET returned = true"),
    ("i6_coupons", f"{COUPON_USED_ONCE}; UPDATE coupon_use SET key = 5"),
    ("i6_coupons", f"{COUPON_USED_ONCE}; DELETE FROM coupon"),
    ("i7_gaps", f"UPDATE journal SET seq = 99 WHERE {HERE} = 8"),
    ("i7_gaps", f"DELETE FROM journal WHERE {HERE} = 6"),
    ("i7_gaps", f"DELETE FROM journal WHERE {HERE} = 1"),
    ("i7_last", f"DELETE FROM journal WHERE {HERE} = 8"),
    ("i7_last", "DELETE FROM shard WHERE shard = 6"),
    ("i8_programmes", f"UPDATE account SET points = points + 1 WHERE {OWNER}"),
    ("i8_programmes", f"UPDATE account SET credit = credit + 1 WHERE {OWNER}"),
    ("i8_tenants", f"UPDATE journal SET institution = 2 WHERE {HERE} = 1"),
    (
        "i8_tenants",
        "INSERT INTO programme (institution, name) VALUES (1, 'other'); UPDATE account SET programme = 2",
    ),
]


@pytest.fixture(scope="module")
def ledger_url(database_url: str) -> str:
    """A database with the ledger in it, for the whole module."""

    async def write() -> None:
        await (await open_ledger(database_url)).close()

    asyncio.run(write())
    return database_url


@pytest.fixture
async def opened(ledger_url: str) -> AsyncIterator[Connection]:
    """A connection in a transaction that is rolled back after the test."""
    connection = await asyncpg.connect(ledger_url)
    transaction = connection.transaction()
    await transaction.start()
    yield connection
    await transaction.rollback()
    await connection.close()


async def broken(opened: Connection) -> set[str]:
    return {finding.check.name for finding in await examine(opened) if not finding.sound}


async def test_a_ledger_that_agrees_with_itself_is_sound(ledger_url: str) -> None:
    findings = await audit(ledger_url)
    assert [(finding.check.name, finding.rows) for finding in findings if not finding.sound] == []
    assert {finding.check.invariant for finding in findings} == {f"I{n}" for n in range(1, 9)}


async def test_an_empty_database_is_sound(fresh_database_url: str) -> None:
    assert all(finding.sound for finding in await audit(fresh_database_url))


@pytest.mark.parametrize(("check", "breach"), BREACHES)
async def test_each_breach_is_found(opened: Connection, check: str, breach: str) -> None:
    await opened.execute(breach)
    assert check in await broken(opened)


def test_each_check_but_three_has_a_breach_that_it_finds() -> None:
    with_own_test = {"i1_entries", "i6_reversals", "i8_transfers"}
    assert {check for check, _ in BREACHES} == {check.name for check in checks()} - with_own_test


async def test_a_coupon_that_was_used_once_is_sound(opened: Connection) -> None:
    await opened.execute(COUPON_USED_ONCE)
    assert await broken(opened) == set()


async def test_a_budget_that_adds_up_is_sound(opened: Connection) -> None:
    await opened.execute(f"{BUDGET.format(remaining=60)}; {DRAWN}")
    assert "i5_budgets" not in await broken(opened)


async def test_a_second_reversal_with_effect_is_found(opened: Connection) -> None:
    for _ in range(2):
        await post(
            opened, mti=420, amount=200_000, points_earned=-2, lots_moved=lots((MONTH, -2)), original_seq=1,
            original_sent_on=DAY,
        )  # fmt: skip
    assert await broken(opened) >= {"i6_reversals"}


async def test_a_second_reversal_that_was_answered_with_the_first_ones_reply_is_none(
    opened: Connection,
) -> None:
    await post(
        opened,
        mti=420,
        amount=200_000,
        points_earned=-2,
        lots_moved=lots((MONTH, -2)),
        original_seq=2,
        original_sent_on=DAY,
    )
    await opened.execute(f"UPDATE journal SET original_seq = 1 WHERE {HERE} = 9")
    await post(opened, mti=421, amount=0)
    assert "i6_reversals" not in await broken(opened)


async def test_a_reversed_refund_makes_room_for_another(opened: Connection) -> None:
    await post(
        opened, processing_code=200_000, amount=500_000, points_earned=-2, lots_moved=lots((MONTH, -2)),
        original_seq=1, original_sent_on=DAY,
    )  # fmt: skip
    assert await broken(opened) == set()
    await post(opened, processing_code=200_000, amount=1, original_seq=1, original_sent_on=DAY)
    assert await broken(opened) == {"i6_refunds"}


async def transfer(opened: Connection, points: int = 2) -> None:
    """Points go from the account to the other one, in a shard of its own: rows 9 there and 4 here."""
    key = 1123_110000_000001
    await post(
        opened, processing_code=400_000, key=key, points_adjusted=-points, lots_moved=lots((MONTH, -points)),
        counterpart_shard=OTHER_SHARD, counterpart_seq=4,
    )  # fmt: skip
    await post(
        opened, shard=OTHER_SHARD, account=OTHER_ACCOUNT, processing_code=400_000, key=key, points_adjusted=2,
        lots_moved=lots((MONTH, 2)), counterpart_shard=SHARD, counterpart_seq=9,
    )  # fmt: skip
    await opened.execute(f"UPDATE journal SET class = 9 WHERE shard = {OTHER_SHARD} AND seq = 4")


async def test_a_transfer_is_sound(opened: Connection) -> None:
    await transfer(opened)
    assert await broken(opened) == set()


@pytest.mark.parametrize(
    "breach",
    [
        f"UPDATE journal SET counterpart_seq = NULL WHERE shard = {OTHER_SHARD} AND seq = 4",
        f"UPDATE journal SET counterpart_seq = 2 WHERE {HERE} = 9",
        f"UPDATE journal SET counterpart_seq = NULL, counterpart_shard = NULL WHERE {HERE} = 9",
        f"UPDATE journal SET key = key + 1 WHERE {HERE} = 9",
        f"UPDATE journal SET rc = '51' WHERE {HERE} = 9",
        f"UPDATE journal SET class = 9 WHERE {HERE} = 9",
        f"DELETE FROM journal WHERE {HERE} = 9",
    ],
)
async def test_half_a_transfer_is_found(opened: Connection, breach: str) -> None:
    await transfer(opened)
    await opened.execute(breach)
    assert "i8_transfers" in await broken(opened)


async def test_a_transfer_that_makes_points_is_found(opened: Connection) -> None:
    await transfer(opened, points=1)
    assert await broken(opened) == {"i8_transfers"}


async def test_points_owed_are_sound_where_the_programme_allows_them(opened: Connection) -> None:
    await post(opened, mti=420, points_adjusted=-12, lots_moved=lots((MONTH, -2), (-1, -10)))
    assert await broken(opened) == {"i5_balances"}
    await opened.execute("UPDATE programme_version SET deficit_allowed = true")
    assert await broken(opened) == set()


async def test_a_view_that_leaves_a_leg_out_is_found(opened: Connection) -> None:
    definition = await opened.fetchval("SELECT pg_get_viewdef('leg')")
    await opened.execute("CREATE OR REPLACE VIEW leg AS " + definition.replace("j.points_expired", "0::bigint"))
    assert await broken(opened) == {"i1_entries"}


async def test_at_most_twenty_rows_are_shown(opened: Connection) -> None:
    await opened.execute(
        "INSERT INTO account (shard, id, token_low, programme, credit) SELECT 1, n, n, 1, -1 FROM "
        "generate_series(1, 50) AS n"
    )
    findings = {finding.check.name: finding for finding in await examine(opened)}
    assert len(findings["i5_balances"].rows) == 20
    assert findings["i5_balances"].columns == ("shard", "account", "programme", "points", "credit")


async def test_the_double_entry_is_the_journal_from_both_sides(opened: Connection) -> None:
    legs = await opened.fetch(
        "SELECT seq, leg, unit, currency, debit, credit, amount FROM leg WHERE shard = $1 ORDER BY seq", SHARD
    )
    assert [tuple(leg) for leg in legs] == [
        (1, "points_earned", "points", None, "programme issue", "member points", 5),
        (2, "points_redeemed", "points", None, "member points", "programme redemption", 3),
        (3, "points_earned", "points", None, "member points", "programme issue", 2),
        (4, "points_earned", "points", None, "programme issue", "member points", 2),
    ]


async def test_without_a_schema_it_says_what_to_do(empty_database_url: str) -> None:
    with pytest.raises(MigrationError, match="loyalty-switch migrate"):
        await audit(empty_database_url)


async def test_without_a_server_it_says_so() -> None:
    with pytest.raises(DatabaseUnreachable, match="connection refused"):
        await audit("postgresql://someone:secret@127.0.0.1:1/nowhere")


async def test_it_tells_of_each_check_as_it_ends(ledger_url: str) -> None:
    heard: list[str] = []
    await audit(ledger_url, report=lambda finding: heard.append(finding.check.name))
    assert heard == [check.name for check in checks()]
