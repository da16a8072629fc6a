"""Conditions that can never hold."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cext.programme_table import Fact
from switch.programme.expression import read_condition
from switch.programme.never import Bounds, Contradictions
from tests.switch.programme.programmes import scope

KNOWN = {int(Fact.CURRENCY): Bounds(364, 364), int(Fact.TIER): Bounds(0, 2)}


def why_never(text):
    return Contradictions(KNOWN).why_never(read_condition(text, scope()))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("1 == 2", "it compares two numbers, and that is false"),
        ("amount >= 200 and amount < 100", "what it asks of amount contradicts itself"),
        ("amount >= 200 and (visits > 3 and 100 > amount)", "what it asks of amount contradicts itself"),
        ("100 < amount < 101", "what it asks of amount contradicts itself"),
        ("amount < 1", "amount is 1 to 999999999999"),
        ("visits < 0", "visits is never below 0"),
        ("hour == 24", "hour is 0 to 23"),
        ("hour < 3 and hour > 22", "what it asks of hour contradicts itself"),
        ("weekday == 7", "weekday is 0 to 6"),
        ('weekday == "friday" and weekday == "monday"', "what it asks of weekday contradicts itself"),
        ('weekday == "friday" and weekday != 4', "what it asks of weekday contradicts itself"),
        ("weekday not in (0, 1, 2, 3, 4, 5, 6)", "what it asks of weekday contradicts itself"),
        ("currency == 840", "currency is always 364"),
        ('tier > "gold"', "tier is 0 to 2"),
        ('tier < "silver" and tier >= "gold"', "what it asks of tier contradicts itself"),
        ('category == "grocery" and category == "haircut"', "what it asks of category contradicts itself"),
        ('category == "grocery" and category != "grocery"', "what it asks of category contradicts itself"),
        ('event == "a" and event == "b"', "what it asks of event contradicts itself"),
        ("hour == 24 or amount < 1", "hour is 0 to 23"),
        ("amount > 5 and (amount < 3 or amount == 1)", "what it asks of amount contradicts itself"),
        ('qty(sku="A") < 0', "is never below 0"),
    ],
)
def test_found(text, why):
    found = why_never(text)
    assert found is not None
    assert why in found


@pytest.mark.parametrize(
    "text",
    [
        "1 == 1",
        "amount >= 100 and amount < 200",
        "amount < 100 or amount >= 200",
        "points < 0",
        "credit < 0",
        "currency == 364",
        "weekday not in (0, 1, 2, 3, 4, 5)",
        'category != "grocery" and category != "haircut"',
        'event == "a" or event == "b"',
        'qty(sku="A") < 2 and qty(sku="B") > 2',
        "amount > 5 and (amount < 3 or amount == 6)",
        "amount < visits * 0",
        "grant.goal < 0",
    ],
)
def test_not_found(text):
    assert why_never(text) is None


@st.composite
def conditions(draw, depth=2):
    if depth == 0 or draw(st.booleans()):
        return f"{draw(st.sampled_from(['hour', 'weekday']))} {draw(st.sampled_from(['==', '!=', '<', '>=']))} " + str(
            draw(st.integers(-1, 8))
        )
    joint = draw(st.sampled_from([" and ", " or "]))
    return joint.join(f"({draw(conditions(depth=depth - 1))})" for _ in range(2))


@settings(max_examples=300, deadline=None)
@given(conditions())
def test_what_is_found_is_so(text):
    if why_never(text) is not None:
        for hour, weekday in itertools.product(range(24), range(7)):
            assert not eval(text, {"__builtins__": {}}, {"hour": hour, "weekday": weekday})
