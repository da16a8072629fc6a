"""Money is not days."""

import pytest

from switch.programme.errors import ExpressionError
from switch.programme.expression import read_condition, read_number
from switch.programme.terms import Unit
from switch.programme.units import unit_of
from tests.switch.programme.programmes import scope


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("amount > visits", "money is compared with a count"),
        ("amount >= days_since_last", "money is compared with days"),
        ("4 * mean_amount > mean_gap", "money is compared with days"),
        ("hour == weekday", "an hour is compared with a weekday"),
        ("points > credit", "points is compared with money"),
        ("1 < amount < visits", "money is compared with a count"),
        ("hour in (3, visits)", "an hour is compared with a count"),
        ("amount + visits > 3", "money is added to a count"),
        ("age - days_to_birthday > 3", "years is taken from days"),
        ("-amount > visits", "money is compared with a count"),
        ("amount // 2 > visits", "money is compared with a count"),
        ("amount % 2 > visits", "money is compared with a count"),
        ("visits * amount > visits", "money is compared with a count"),
        ('stamps("cut") > amount', "a count is compared with money"),
    ],
)
def test_different_things_are_not_compared(text, reason):
    with pytest.raises(ExpressionError, match=reason):
        read_condition(text, scope())


@pytest.mark.parametrize(
    "text",
    [
        "amount > 2 * mean_amount + credit",
        "amount >= visits * 50000",
        "amount >= visits * mean_amount",
        "spend // visits > mean_amount",
        "amount * 10 > amount // visits",
        "points * 100 >= amount",
        "days_since_last > mean_gap + 3",
        "amount >= grant.goal and days_since_last < grant.within",
        'qty(sku="A") > visits',
        "amount * amount > visits",
    ],
)
def test_what_may_be_alike_is(text):
    read_condition(text, scope())


def test_a_sum_of_different_things_is_no_number():
    with pytest.raises(ExpressionError, match="money is added to days"):
        read_number("mean_amount + mean_gap", scope())
    assert unit_of(read_number("4 * mean_amount", scope())) is Unit.MONEY
    assert unit_of(read_number("20", scope())) is None
