"""Sheets: shares and means, names of groups, order of lines."""

import datetime as dt

import pytest

from adapters.cli.report_sheets import (
    Quantity,
    by_sheet,
    label_of,
    overview_sheet,
    plain,
    readable,
    rfm_sheet,
    spread_sheet,
)
from adapters.postgres.report_figures import (
    UNKNOWN,
    Dimension,
    Distribution,
    Group,
    Overview,
    Scope,
    Segment,
    Spread,
)

SCOPE = Scope("bazaar", 1, 364, 100, "Asia/Tehran", dt.date(2026, 11, 1), dt.date(2026, 11, 30))
NOTHING = Overview(*[0] * 17)


def shown(cells: tuple[object, ...]) -> list[str]:
    return [readable(cell) if isinstance(cell, Quantity) else str(cell) for cell in cells]


@pytest.mark.parametrize(
    ("quantity", "machine", "person"),
    [
        (Quantity(1_234_567, "money"), "1234567", "1,234,567"),
        (Quantity(-1_234, "points"), "-1234", "-1,234"),
        (Quantity(125, "percent"), "12.5", "12.5 %"),
        (Quantity(-5, "percent"), "-0.5", "-0.5 %"),
        (Quantity(12_345_0, "percent"), "12345.0", "12,345.0 %"),
        (Quantity(None, "money"), "", "–"),
        (Quantity(None, "percent"), "", "–"),
    ],
)
def test_a_quantity_in_digits(quantity: Quantity, machine: str, person: str) -> None:
    assert (plain(quantity), readable(quantity)) == (machine, person)


def test_the_overview_divides_at_the_edge() -> None:
    found = Overview(
        members=9, joined=2, active=3, visits=3, spend=100, discount=5, opening=50, issued=70, clawed_back=10,
        redeemed=20, expired=4, adjusted=-1, outstanding=85, liability=8_500, credit_granted=7, credit_spent=6,
        credit_outstanding=8,
    )  # fmt: skip
    rows = {str(name): shown((value, unit)) for name, value, unit in overview_sheet(SCOPE, found).rows}
    assert rows["mean basket"] == ["33", "minor units"]
    assert rows["redemption rate"] == ["33.3 %", ""]
    assert rows["points outstanding"] == ["85", "points"]
    assert rows["liability"] == ["8,500", "minor units"]
    assert rows["members"] == ["9", ""]
    assert len(rows) == 19


def test_nothing_is_divided_by_nothing() -> None:
    rows = {str(name): shown((value,)) for name, value, _ in overview_sheet(SCOPE, NOTHING).rows}
    assert (rows["mean basket"], rows["redemption rate"]) == (["–"], ["–"])


def test_shares_of_segments_are_of_what_is_shown() -> None:
    segments = [Segment("champions", 5, 10, 2_000), Segment(None, 10, 10, 1_000)]
    sheet = rfm_sheet(SCOPE, segments, smallest=5)
    assert [shown(row) for row in sheet.rows] == [
        ["champions", "5", "33.3 %", "10", "2,000", "66.7 %", "200"],
        ["other", "10", "66.7 %", "10", "1,000", "33.3 %", "100"],
    ]
    assert sheet.notes == ("other: groups of fewer than 5 members, put together.",)
    assert rfm_sheet(SCOPE, segments[:1], smallest=5).notes == ()


def test_groups_are_in_order_with_unknown_and_other_last() -> None:
    def group(key: str | None, spend: int) -> Group:
        return Group(key, 5, 5, spend, 0, 0)

    def order(dimension: Dimension, *groups: Group) -> list[object]:
        return [row[0] for row in by_sheet(SCOPE, dimension, groups, smallest=5).rows]

    told = order(Dimension.REGION, group(None, 99), group(UNKNOWN, 98), group("a", 1), group("b", 2))
    assert told == ["b", "a", "unknown", "other"]
    told = order(Dimension.HOUR, group("10", 9), group("9", 1), group(None, 1))
    assert told == ["09:00", "10:00", "other"]
    told = order(Dimension.AGE, group("6", 9), group(UNKNOWN, 10), group("0", 1))
    assert told == ["under 18", "65 and over", "unknown"]


@pytest.mark.parametrize(
    ("dimension", "key", "label"),
    [
        (Dimension.AGE, "1", "18–24"),
        (Dimension.AGE, "5", "55–64"),
        (Dimension.WEEKDAY, "1", "Monday"),
        (Dimension.WEEKDAY, "7", "Sunday"),
        (Dimension.HOUR, "0", "00:00"),
        (Dimension.GENDER, "female", "female"),
        (Dimension.GENDER, UNKNOWN, "unknown"),
        (Dimension.HOUR, None, "other"),
    ],
)
def test_the_name_of_a_group(dimension: Dimension, key: str | None, label: str) -> None:
    assert label_of(dimension, key) == label


def test_hours_say_whose_they_are() -> None:
    group = Group("1", 5, 5, 5, 0, 0)
    assert by_sheet(SCOPE, Dimension.HOUR, [group], smallest=5).notes == ("Hours and days are those of Asia/Tehran.",)
    assert by_sheet(SCOPE, Dimension.AGE, [group], smallest=5).notes == ()


def test_a_spread_stands_side_by_side() -> None:
    members = Distribution(10, 5_500, 100, 1_000, (100, 200, 300, 400, 500, 600, 700, 800, 900), 1_000)
    baskets = Distribution(1, 7, 7, 7, (7,) * 9, 7)
    sheet = spread_sheet(SCOPE, Spread(members, baskets), smallest=5)
    rows = {str(row[0]): shown(row[1:]) for row in sheet.rows}
    assert rows["median"] == ["500", "7"]
    assert rows["mean"] == ["550", "7"]
    assert rows["decile 9"] == ["900", "7"]
    assert rows["share of the top 10 %"] == ["18.2 %", "100.0 %"]
    assert spread_sheet(SCOPE, Spread(members, None), smallest=5).columns == ("measure", "spend of a member")


def test_too_few_members_are_said_to_be_that() -> None:
    words = ("Fewer than 5 members in this period: no groups are shown.",)
    assert spread_sheet(SCOPE, Spread(None, None), smallest=5).notes == words
    assert rfm_sheet(SCOPE, [], smallest=5).notes == words
