"""Reports: figures worked out by hand, and the SQL against a plain computation over the same messages."""

import asyncio
import datetime as dt
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.postgres import reports
from adapters.postgres.connecting import Connection
from adapters.postgres.errors import ReportRefused
from adapters.postgres.report_figures import ABSENT, AGES, UNKNOWN, Dimension, Distribution, Overview, Scope, segment_of
from tests.adapters.postgres.sales import (
    AFTER,
    BEFORE,
    FIRST,
    LAST,
    MERCHANTS,
    PEOPLE,
    POINT_VALUE,
    Person,
    open_sales,
    refund,
    reverse,
    sell,
    tell,
)

pytestmark = pytest.mark.integration

SCOPE = Scope("bazaar", 1, 364, POINT_VALUE, "Asia/Tehran", FIRST, LAST)
TEHRAN = ZoneInfo("Asia/Tehran")
NOW = dt.datetime(2026, 11, 30, 21, 0, tzinfo=dt.UTC)
ANNA, BEN, CYRA, DARA, EVA, FARID, GITI, HAMID = PEOPLE
TIMEOUT_S = 60


@pytest.fixture(scope="module")
def sales_url(database_url: str) -> str:
    """A database with members and no sales."""

    async def write() -> None:
        await (await open_sales(database_url)).close()

    asyncio.run(write())
    return database_url


@pytest.fixture
async def opened(sales_url: str) -> AsyncIterator[Connection]:
    """A connection whose writing is forgotten at the end."""
    connection = await asyncpg.connect(sales_url)
    transaction = connection.transaction()
    await transaction.start()
    yield connection
    await transaction.rollback()
    await connection.close()


# ── by hand ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def write_the_month(opened: Connection) -> None:
    """Anna buys and gives part back; Ben's purchase is reversed; Cyra's refund is reversed; Dara gives back what he
    bought before; Eva is declined; Farid buys before and after the period.
    """
    await opened.execute("UPDATE account SET points = 50 WHERE shard = 5 AND id = 100")
    day = dt.date(2026, 11, 10)
    bought = await sell(opened, ANNA, day, 100_000, points_earned=10, discount=5_000, credit_granted=900)
    await refund(
        opened, ANNA, day, 40_000, bought, points_earned=-4, discount=-2_000, credit_granted=-360, merchant=2
    )  # fmt: skip
    bought = await sell(opened, BEN, day, 50_000, points_earned=5, merchant=3)
    await reverse(opened, BEN, day, 50_000, bought, points_earned=-5)
    bought = await sell(opened, CYRA, day, 30_000, processing_code=6000, points_redeemed=2, points_expired=1)
    returned = await refund(opened, CYRA, day, 30_000, bought, points_redeemed=-2)
    await reverse(opened, CYRA, day, 30_000, returned, points_redeemed=2)
    bought = await sell(opened, DARA, BEFORE, 20_000, points_earned=2)
    await refund(opened, DARA, day, 5_000, bought, points_earned=-1)
    declined = await sell(opened, EVA, day, 90_000, rc="51")
    await reverse(opened, EVA, day, 90_000, declined)
    await tell(opened, EVA, day, mti=400, amount=70_000)
    await tell(opened, EVA, day, mti=100, processing_code=310_000)
    await sell(opened, FARID, BEFORE, 8_000, points_earned=8)
    await sell(opened, FARID, AFTER, 10_000, points_earned=1, credit_granted=7, processing_code=6500, credit_spent=3)
    await tell(opened, FARID, day, processing_code=999, points_adjusted=6)


async def test_the_overview_of_a_month(opened: Connection) -> None:
    await write_the_month(opened)
    assert await reports.overview(opened, SCOPE) == Overview(
        members=8,
        joined=4,
        active=2,
        visits=2,
        spend=60_000 + 0 + 30_000 - 5_000,
        discount=3_000,
        opening=50 + 2 + 8,
        issued=10 + 5,
        clawed_back=4 + 5 + 1,
        redeemed=2,
        expired=1,
        adjusted=6,
        outstanding=60 + 15 - 10 - 2 - 1 + 6,
        liability=6_800,
        credit_granted=540,
        credit_spent=0,
        credit_outstanding=540,
    )


async def test_a_refund_counts_on_its_own_date_and_in_the_store_of_its_purchase(opened: Connection) -> None:
    await write_the_month(opened)
    shops = {group.key: group for group in await reports.by(opened, SCOPE, Dimension.MERCHANT, smallest=1)}
    # In the third store nothing is left of the only purchase.
    assert shops.keys() == {"Bazaar (M00000000000001)"}
    bazaar = shops["Bazaar (M00000000000001)"]
    assert (bazaar.members, bazaar.visits, bazaar.spend, bazaar.points, bazaar.discount) == (2, 2, 85_000, 5, 3_000)


async def test_segments_have_everybody_and_all_spend(opened: Connection) -> None:
    await write_the_month(opened)
    segments = {each.name: each for each in await reports.rfm(opened, SCOPE, smallest=1)}
    assert sum(each.members for each in segments.values()) == 8
    assert sum(each.spend for each in segments.values()) == 85_000
    assert (segments[ABSENT].members, segments[ABSENT].spend) == (6, -5_000)
    assert set(segments) == {"lost", "hibernating", ABSENT}


async def test_the_spread_of_ten_members_baskets(opened: Connection) -> None:
    day = dt.date(2026, 11, 10)
    for amount in range(100, 1_100, 100):
        bought = await sell(opened, ANNA, day, amount)
    await refund(opened, ANNA, day, 1_000, bought)
    await sell(opened, BEN, day, 5_500)
    # What a reversed refund brings back of an earlier purchase is no basket.
    bought = await sell(opened, CYRA, BEFORE, 70)
    returned = await refund(opened, CYRA, BEFORE, 70, bought)
    await reverse(opened, CYRA, day, 70, returned)
    found = await reports.spread(opened, SCOPE, smallest=2)
    assert found.members == Distribution(2, 10_000, 4_500, 5_500, (4_500,) * 5 + (5_500,) * 4, 5_500)
    assert found.baskets == Distribution(
        10, 10_000, 100, 5_500, (100, 200, 300, 400, 500, 600, 700, 800, 900), 5_500
    )  # fmt: skip


async def test_a_partial_reversal_and_a_whole_refund_leave_the_visit(opened: Connection) -> None:
    day = dt.date(2026, 11, 10)
    bought = await sell(opened, ANNA, day, 1_000)
    await reverse(opened, ANNA, day, 400, bought)
    await refund(opened, ANNA, day, 600, bought)
    found = await reports.overview(opened, SCOPE)
    assert (found.visits, found.spend) == (1, 0)


async def test_a_reversal_of_what_refunds_left_takes_the_visit(opened: Connection) -> None:
    day = dt.date(2026, 11, 10)
    bought = await sell(opened, ANNA, BEFORE, 1_000)
    await refund(opened, ANNA, BEFORE, 400, bought)
    await reverse(opened, ANNA, day, 600, bought)
    found = await reports.overview(opened, SCOPE)
    assert (found.visits, found.spend, found.active) == (-1, -600, 0)


async def test_a_refund_that_was_declined_is_not_undone_by_its_reversal(opened: Connection) -> None:
    day = dt.date(2026, 11, 10)
    bought = await sell(opened, ANNA, day, 1_000)
    declined = await refund(opened, ANNA, day, 700, bought, rc="13")
    await reverse(opened, ANNA, day, 700, declined)
    assert (await reports.overview(opened, SCOPE)).spend == 1_000


async def test_rows_of_different_shards_may_have_one_number(opened: Connection) -> None:
    day = dt.date(2026, 11, 10)
    bought, other = await sell(opened, ANNA, day, 1_000), await sell(opened, EVA, day, 1_000)
    assert bought == other
    await refund(opened, EVA, day, 600, other)
    await tell(opened, ANNA, day, mti=100, processing_code=310_000)
    await reverse(opened, ANNA, day, 500, bought)
    found = await reports.overview(opened, SCOPE)
    assert (found.visits, found.spend) == (2, 900)


async def test_a_purchase_that_was_reversed_is_not_the_last_visit(opened: Connection) -> None:
    for number, person in enumerate(PEOPLE[:5]):
        await sell(opened, person, FIRST + dt.timedelta(days=number), 1_000 if number else 5_000)
    bought = await sell(opened, ANNA, LAST, 800)
    await reverse(opened, ANNA, LAST, 800, bought)
    segments = {each.name: each.spend for each in await reports.rfm(opened, SCOPE, smallest=1)}
    assert segments["lost"] == 5_000


async def test_hours_and_days_are_those_of_the_programme(opened: Connection) -> None:
    sunday = dt.datetime(2026, 11, 22, 20, 45, tzinfo=dt.UTC)
    await sell(opened, ANNA, sunday.date(), 1_000, at=sunday)
    (hour,) = await reports.by(opened, SCOPE, Dimension.HOUR, smallest=1)
    (weekday,) = await reports.by(opened, SCOPE, Dimension.WEEKDAY, smallest=1)
    assert (hour.key, weekday.key) == ("0", "1")


async def test_ages_are_those_on_the_last_day(opened: Connection) -> None:
    for person in PEOPLE:
        await sell(opened, person, FIRST, 1_000)
    groups = {group.key: group.members for group in await reports.by(opened, SCOPE, Dimension.AGE, smallest=1)}
    assert groups == {"3": 1, "2": 1, "0": 1, "6": 1, "4": 1, UNKNOWN: 3}


async def test_small_groups_are_put_together_with_enough_others(opened: Connection) -> None:
    for person in PEOPLE:
        await sell(opened, person, FIRST, 1_000)
    regions = {group.key: group.members for group in await reports.by(opened, SCOPE, Dimension.REGION, smallest=1)}
    assert regions == {"تهران": 3, "قم": 2, "یزد": 1, UNKNOWN: 2}
    regions = {group.key: group.members for group in await reports.by(opened, SCOPE, Dimension.REGION, smallest=2)}
    # One member alone in `other` could be told: the smallest group has to join.
    assert regions == {"تهران": 3, "قم": 2, None: 3}
    assert await reports.by(opened, SCOPE, Dimension.REGION, smallest=9) == []
    assert (await reports.spread(opened, SCOPE, smallest=9)).members is None


async def test_who_comes_at_many_hours_is_one_member_of_what_is_put_together(opened: Connection) -> None:
    for hour in range(3, 9):
        await sell(opened, ANNA, FIRST, 1_000, at=dt.datetime(2026, 11, 1, hour, tzinfo=dt.UTC))
    for person in PEOPLE:
        await sell(opened, person, FIRST, 1_000)
    hours = {group.key: group.members for group in await reports.by(opened, SCOPE, Dimension.HOUR, smallest=2)}
    assert hours == {None: 8}


# ── against a plain computation ─────────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class Sale:
    """A purchase as the kernel would know it: what is left of it, and whether it is a visit still."""

    person: Person
    whole: int
    at: dt.datetime
    merchant: int
    name: dict[str, Any]
    undone: int = 0
    is_reversed: bool = False
    refunds: list[tuple[dict[str, Any], int]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Effect:
    """One message's effect, for the plain computation."""

    sale: int
    person: Person
    date: dt.date
    at: dt.datetime
    merchant: int
    visits: int
    spend: int
    points: int


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(("sale",) * 5 + ("refund", "reverse", "reverse partly", "reverse refund", "decline")),
        st.sampled_from(PEOPLE),
        st.integers(1, 2_000),
        st.dates(BEFORE, AFTER),
        st.integers(0, 23),
        st.sampled_from(sorted(MERCHANTS)),
        st.integers(0, 1_000),
    ),
    max_size=40,
)


async def write(opened: Connection, events: list[Any]) -> list[Effect]:
    """Write the events as rows, as far as the kernel would allow them; returns what they should come to."""
    sales: list[Sale] = []
    effects: list[Effect] = []
    for what, person, amount, date, hour, merchant, choice in events:
        if what == "sale":
            at = dt.datetime.combine(date, dt.time(hour, 40), dt.UTC)
            name = await sell(opened, person, date, amount, at=at, merchant=merchant, points_earned=amount // 10)
            effects.append(Effect(len(sales), person, date, at, merchant, 1, amount, amount // 10))
            sales.append(Sale(person, amount, at, merchant, name))
            continue
        if what == "decline":
            name = await sell(opened, person, date, amount, rc="51", merchant=merchant)
            await reverse(opened, person, date, amount, name)
            continue
        if not sales:
            continue
        index = choice % len(sales)
        sale = sales[index]
        left = sale.whole - sale.undone
        if sale.is_reversed or (what != "reverse refund" and left == 0):
            continue
        visits = 0
        points = amount % 5
        if what == "refund":
            part = min(amount, left)
            name = await refund(opened, sale.person, date, part, sale.name, points_earned=-points)
            sale.refunds.append((name, part))
        elif what == "reverse refund":
            if not sale.refunds:
                continue
            name, part = sale.refunds.pop()
            await reverse(opened, sale.person, date, part, name, points_earned=-points)
            part = -part
        else:
            part = left if what == "reverse" else min(amount, left - 1)
            if part == 0:
                continue
            await reverse(opened, sale.person, date, part, sale.name, points_earned=-points)
            visits = -1 if what == "reverse" else 0
            # One reversal only, be it partial; refunds of the rest are not tried here.
            sale.is_reversed = True
        sale.undone += part
        effects.append(Effect(index, sale.person, date, sale.at, sale.merchant, visits, -part, -points))
    return [effect for effect in effects if FIRST <= effect.date <= LAST]


def key_of(effect: Effect, dimension: Dimension) -> str:
    """A group's key, worked out without SQL."""
    local = effect.at.astimezone(TEHRAN)
    name, code, category = MERCHANTS[effect.merchant]
    person = effect.person
    born = person.birth_date
    age = UNKNOWN
    if born is not None and born <= LAST:
        years = LAST.year - born.year - ((LAST.month, LAST.day) < (born.month, born.day))
        age = str(sum(years >= begin for begin in AGES))
    return {
        "hour": str(local.hour),
        "weekday": str(local.isoweekday()),
        "category": category,
        "merchant": f"{name} ({code})",
        "gender": person.gender or UNKNOWN,
        "region": (person.region or UNKNOWN).strip(),
        "education": (person.education or UNKNOWN).strip(),
        "age": age,
    }[dimension]


def distribution(values: list[int]) -> Distribution | None:
    """A distribution by sorting."""
    if not values:
        return None
    values = sorted(values)
    n = len(values)
    top = values[-((n + 9) // 10) :]
    deciles = tuple(values[-(-d * n // 10) - 1] for d in range(1, 10))
    return Distribution(n, sum(values), values[0], values[-1], deciles, sum(top))


def quintiles(members: list[Any], order: Any) -> dict[Any, int]:
    """NTILE(5): as even as can be, the first ones being larger."""
    size, rest = divmod(len(members), 5)
    edges = [(size + 1) * tile if tile <= rest else size * tile + rest for tile in range(1, 6)]
    return {
        member: next(tile for tile, edge in enumerate(edges, 1) if place < edge)
        for place, member in enumerate(sorted(members, key=order))
    }


async def compare(opened: Connection, effects: list[Effect]) -> None:
    by_person: dict[Person, list[Effect]] = defaultdict(list)
    by_sale: dict[int, list[Effect]] = defaultdict(list)
    for effect in effects:
        by_person[effect.person].append(effect)
        by_sale[effect.sale].append(effect)
    visits = {person: sum(effect.visits for effect in done) for person, done in by_person.items()}
    spend = {person: sum(effect.spend for effect in done) for person, done in by_person.items()}
    active = [person for person in by_person if visits[person] > 0]

    found = await reports.overview(opened, SCOPE)
    assert (found.active, found.visits, found.spend) == (len(active), sum(visits.values()), sum(spend.values()))
    assert found.issued - found.clawed_back == sum(effect.points for effect in effects)
    assert found.opening + found.issued - found.clawed_back == found.outstanding

    for dimension in Dimension:
        groups: dict[str, list[Effect]] = defaultdict(list)
        for effect in effects:
            groups[key_of(effect, dimension)].append(effect)
        told = {group.key: group for group in await reports.by(opened, SCOPE, dimension, smallest=1)}
        figures = {
            key: (people_of(done), sum(e.visits for e in done), sum(e.spend for e in done), sum(e.points for e in done))
            for key, done in groups.items()
        }
        assert {key: (group.members, group.visits, group.spend, group.points) for key, group in told.items()} == {
            key: those for key, those in figures.items() if any(those)
        }
        for smallest in (2, 3):
            shown = await reports.by(opened, SCOPE, dimension, smallest=smallest)
            assert all(group.members >= smallest for group in shown)
            if shown:
                assert sum(group.spend for group in shown) == sum(spend.values())

    last = {
        person: max(e.date for sale in by_sale.values() for e in sale
                    if e.person == person and e.visits == 1 and sum(other.visits for other in sale) == 1)
        for person in active
    }  # fmt: skip

    def place(person: Person) -> tuple[int, int]:
        return person.shard, person.account

    recency = quintiles(active, lambda p: (last[p], visits[p], spend[p], place(p)))
    frequency = quintiles(active, lambda p: (visits[p], last[p], spend[p], place(p)))
    monetary = quintiles(active, lambda p: (spend[p], last[p], visits[p], place(p)))
    wanted: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for person in active:
        name = segment_of(recency[person], frequency[person], monetary[person])
        wanted[name] = (wanted[name][0] + 1, wanted[name][1] + spend[person])
    segments = {each.name: (each.members, each.spend) for each in await reports.rfm(opened, SCOPE, smallest=1)}
    assert {name: figures for name, figures in segments.items() if name not in {ABSENT, None}} == wanted

    spread = await reports.spread(opened, SCOPE, smallest=1)
    assert spread.members == distribution([spend[person] for person in active])
    if active:
        left = [
            sum(e.spend for e in sale) for sale in by_sale.values() if sum(e.visits for e in sale) == 1
        ]  # fmt: skip
        assert spread.baskets == distribution([amount for amount in left if amount > 0])


def people_of(effects: list[Effect]) -> int:
    """How many people have a visit in these effects."""
    visits: dict[Person, int] = defaultdict(int)
    for effect in effects:
        visits[effect.person] += effect.visits
    return sum(count > 0 for count in visits.values())


@given(events=EVENTS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_sql_agrees_with_a_plain_computation(sales_url: str, events: list[Any]) -> None:
    async def work() -> None:
        connection = await asyncpg.connect(sales_url)
        try:
            transaction = connection.transaction()
            await transaction.start()
            await compare(connection, await write(connection, events))
            await transaction.rollback()
        finally:
            await connection.close()

    asyncio.run(work())


# ── the connection and the period ───────────────────────────────────────────────────────────────────────────────────


async def test_the_connection_cannot_write_and_says_what_it_is(sales_url: str) -> None:
    async with reports.reading(sales_url, timeout_s=TIMEOUT_S) as opened:
        session = {
            name: await opened.fetchval(f"SHOW {name}")
            for name in ("application_name", "default_transaction_read_only", "statement_timeout",
                         "transaction_isolation")
        }  # fmt: skip
        assert session == {
            "application_name": "loyalty-switch report",
            "default_transaction_read_only": "on",
            "statement_timeout": "1min",
            "transaction_isolation": "repeatable read",
        }
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            await opened.execute("UPDATE account SET points = 0")


async def test_what_takes_too_long_is_one_sentence(sales_url: str) -> None:
    with pytest.raises(ReportRefused, match="took longer than 1 s"):
        async with reports.reading(sales_url, timeout_s=1) as opened:
            await opened.fetch("SELECT pg_sleep(30)")


async def test_the_period_is_the_last_thirty_days_there(sales_url: str) -> None:
    async with reports.reading(sales_url, timeout_s=TIMEOUT_S) as opened:
        scope = await reports.scope_of(opened, "bazaar", None, None, now=NOW)
        # It is past midnight in Tehran.
        assert scope == Scope(
            "bazaar", 1, 364, POINT_VALUE, "Asia/Tehran", dt.date(2026, 11, 2), dt.date(2026, 12, 1)
        )  # fmt: skip
        scope = await reports.scope_of(opened, "bazaar", None, dt.date(2026, 3, 30), now=NOW)
        assert (scope.first, scope.last) == (dt.date(2026, 3, 1), dt.date(2026, 3, 30))
        with pytest.raises(ReportRefused, match="before it begins"):
            await reports.scope_of(opened, "bazaar", dt.date(2026, 12, 2), None, now=NOW)
        with pytest.raises(ReportRefused, match="there is no programme nowhere"):
            await reports.scope_of(opened, "nowhere", None, None, now=NOW)
