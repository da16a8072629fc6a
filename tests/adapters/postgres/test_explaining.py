"""`explain`: a message in full, from the journal alone."""

import asyncio
import datetime as dt

import pytest

from adapters.postgres.explaining import explain, month_name, rule_names
from tests.adapters.postgres.ledger import DAY, open_ledger, post

pytestmark = [pytest.mark.integration, pytest.mark.handwritten_journal]

PURCHASE, REDEMPTION, REFUND, UNDONE, DECLINE, INQUIRY, TOMBSTONE, STRANGER = (
    f"632710{5000 + n:06d}" for n in range(1, 9)
)


@pytest.fixture(scope="module")
def ledger_url(database_url: str) -> str:
    """A database with the ledger in it, and one RRN that was used twice."""

    async def write() -> None:
        opened = await open_ledger(database_url)
        await post(
            opened,
            rrn=PURCHASE,
            terminal=2,
            sent_on=DAY + dt.timedelta(days=1),
            key=1124_110000_000042,
            amount=7,
            to_pay=7,
        )
        await opened.close()

    asyncio.run(write())
    return database_url


async def test_a_purchase_in_full(ledger_url: str) -> None:
    (entry,) = await explain(ledger_url, PURCHASE, terminal="T0000001")
    assert (entry.mti, entry.processing_code, entry.response_code) == ("0200", "000000", "00")
    assert (entry.sent_at, entry.stan) == ("2026-11-23 10:00:00", "005001")
    assert (entry.acquirer, entry.institution, entry.terminal) == ("581672", "KHATAM", "T0000001")
    assert (entry.merchant, entry.merchant_name) == ("M00000000000001", "Bazaar")
    assert (entry.programme, entry.programme_version, entry.rules) == ("bazaar", 1, ("base", "double"))
    assert (entry.amount, entry.currency, entry.to_pay) == (500_000, 364, 500_000)
    assert entry.legs == (("points_earned", 5),)
    assert entry.lots == (("2028-12", 5),)
    assert entry.card_last_four == "0006"
    assert entry.reply == {39: "00", 37: PURCHASE, 62: "PE00215"}
    assert entry.original is None
    assert [(linked.mti, linked.processing_code, linked.rrn) for linked in entry.undone_by] == [
        ("0200", "200000", REFUND)
    ]


async def test_a_refund_names_what_it_undoes_and_what_undid_it(ledger_url: str) -> None:
    (entry,) = await explain(ledger_url, REFUND)
    assert entry.original is not None
    assert (entry.original.rrn, entry.original.stan, entry.original.amount) == (PURCHASE, "005001", 500_000)
    assert [(linked.mti, linked.rrn) for linked in entry.undone_by] == [("0400", UNDONE)]
    assert entry.legs == (("points_earned", -2),)


async def test_the_newest_comes_first(ledger_url: str) -> None:
    entries = await explain(ledger_url, PURCHASE)
    assert [entry.sent_at[:10] for entry in entries] == ["2026-11-24", "2026-11-23"]
    assert [entry.terminal for entry in entries] == ["T0000002", "T0000001"]


async def test_terminal_and_date_choose(ledger_url: str) -> None:
    (entry,) = await explain(ledger_url, PURCHASE, date=DAY)
    assert entry.terminal == "T0000001"
    assert await explain(ledger_url, PURCHASE, terminal="T0000002", date=DAY) == []
    assert await explain(ledger_url, "000000000000") == []


async def test_a_decline_a_tombstone_and_an_unknown_card(ledger_url: str) -> None:
    (decline,) = await explain(ledger_url, DECLINE)
    assert (decline.response_code, decline.legs, decline.tombstone) == ("51", (), False)
    (tombstone,) = await explain(ledger_url, TOMBSTONE)
    assert (tombstone.response_code, tombstone.tombstone, tombstone.reply) == ("12", True, {})
    (stranger,) = await explain(ledger_url, STRANGER)
    assert (stranger.response_code, stranger.programme, stranger.card_last_four) == ("14", None, None)


async def test_what_was_expired_is_told_lot_by_lot(ledger_url: str) -> None:
    (entry,) = await explain(ledger_url, "632710006003")
    assert entry.legs == (("points_earned", 1), ("points_expired", 50))
    assert entry.lots == (("2028-12", -50), ("2029-01", 1))


@pytest.mark.parametrize(
    ("month", "name"), [(0, "2000-01"), (11, "2000-12"), (346, "2028-11"), (347, "2028-12"), (-1, "owed")]
)
def test_months_are_named(month: int, name: str) -> None:
    assert month_name(month) == name


def test_a_rule_that_the_version_does_not_have_keeps_its_number() -> None:
    assert rule_names(b"\0\1\0\0\1\2", ["base", "double"]) == ("double", "base", "rule 258")
    assert rule_names(b"", ["base"]) == ()
