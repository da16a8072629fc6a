"""Conditions worked out as terms: the truth of the walk over their code, and what stands in the way of the rest."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cext.programme_table import FACTS_MAX, Fact
from cext.reference import conditions
from switch.programme.code import condition_code
from switch.programme.evaluation import checks, holds, in_the_way, worked_out
from switch.programme.expression import INT64_MAX, read_condition, read_number
from switch.programme.terms import (
    All,
    Arithmetic,
    Comparison,
    Constant,
    Either,
    Look,
    Negative,
    Opcode,
    Relation,
)
from tests.cext.kernel_cases import rule, whole_table
from tests.switch.programme.programmes import scope

NUMBERS = {Fact.AMOUNT: 180_000, Fact.VISITS: 3, Fact.HOUR: 12, Fact.MEAN_AMOUNT: 50_000}


def facts(absent=(Fact.MEAN_GAP, Fact.AGE), **numbers):
    values = [0] * FACTS_MAX
    for number, value in NUMBERS.items():
        values[number] = value
    for name, value in numbers.items():
        values[Fact[name.upper()]] = value
    return values, frozenset(absent)


def lacking(text, **numbers):
    """What stands in a condition's way: (what is looked at, by how it should compare)."""
    found = in_the_way(read_condition(text, scope()), facts(**numbers))
    return [[(each.comparison.left.name, each.comparison.relation.name) for each in choice] for choice in found]


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("amount >= 180000", True),
        ("amount > 180000", False),
        ("amount >= 2 * mean_amount and visits == 3", True),
        ("visits == 0 or mean_amount > 10000", True),
        ("visits == 3 or age > 5", True),
        ("age > 5 or visits == 3", False),
        ("not age > 5", False),
        ("visits // (visits - 3) == 1 or visits == 3", False),
        ("9223372036854775807 + visits > 0", False),
        ("-visits < 0 and visits % 2 == 1", True),
        ("10 <= hour < 14", True),
        ("hour in (1, 2)", False),
    ],
)
def test_a_condition_holds_or_not(text, held):
    assert holds(read_condition(text, scope()), facts()) is held


def test_nothing_stands_in_the_way_of_what_holds():
    assert lacking("amount >= 180000 and (hour == 1 or visits == 3)") == []


def test_each_part_of_a_conjunction_that_failed_is_named():
    assert lacking("amount >= 200000 and visits == 3") == [[("amount", "GE")]]
    assert lacking("amount >= 200000 and visits > 5") == [[("amount", "GE")], [("visits", "GT")]]


def test_of_a_choice_the_one_that_lacks_least_is_named():
    assert lacking("amount >= 200000 and visits > 5 or hour > 20") == [[("hour", "GT")]]


def test_choices_that_lack_one_thing_each_are_named_together():
    assert lacking("hour >= 22 or hour < 6") == [[("hour", "GE"), ("hour", "LT")]]


def test_a_fact_that_is_not_there_stands_in_the_way_of_all_that_follow():
    assert lacking("age > 5 or visits == 3") == [[("age", "GT")]]
    assert lacking("age > 5 or visits == 4") == [[("age", "GT")]]


def test_the_opposite_of_a_choice_is_told_part_by_part():
    assert lacking("not (hour == 12 or visits == 3)") == [[("hour", "NE")], [("visits", "NE")]]


def test_every_comparison_is_told_whether_it_was_looked_at_or_not():
    came_out = list(checks(read_condition("amount >= 200000 and (hour == 12 or age > 5)", scope()), facts()))
    assert [(each.left, each.right, each.held, each.faulted) for each in came_out] == [
        (180_000, 200_000, False, False),
        (12, 12, True, False),
        (None, 5, False, True),
    ]
    assert [look.name for look in came_out[2].missing] == ["age"]


def test_numbers_are_worked_out_as_the_kernel_does():
    assert worked_out(read_number("2 * mean_amount - amount // 2", scope()), facts()) == 10_000
    assert worked_out(read_number("amount // (visits - 3)", scope()), facts()) is None
    largest = Constant(INT64_MAX)
    assert worked_out(Arithmetic(Opcode.ADD, largest, Constant(1)), facts()) is None
    assert worked_out(Negative(Constant(-(2**63))), facts()) is None


LOOKS = [
    Look("amount", Fact.AMOUNT),
    Look("visits", Fact.VISITS),
    Look("mean_amount", Fact.MEAN_AMOUNT, conditional=True),
    Look("age", Fact.AGE, conditional=True),
]
NUMBER = st.one_of(st.integers(-3, 6), st.sampled_from([2**63 - 1, -(2**63)]))
VALUES = st.recursive(
    st.one_of(st.sampled_from(LOOKS), st.builds(Constant, NUMBER)),
    lambda inner: st.one_of(
        st.builds(Negative, inner),
        st.builds(
            Arithmetic,
            st.sampled_from([Opcode.ADD, Opcode.SUBTRACT, Opcode.MULTIPLY, Opcode.FLOOR_DIVIDE, Opcode.MODULO]),
            inner,
            inner,
        ),
    ),
    max_leaves=5,
)
TRUTHS = st.recursive(
    st.builds(Comparison, st.sampled_from(list(Relation)), VALUES, VALUES),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: All(tuple(parts))),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: Either(tuple(parts))),
    ),
    max_leaves=8,
)


@settings(max_examples=500, deadline=None)
@given(TRUTHS, st.lists(NUMBER, min_size=4, max_size=4), st.sets(st.sampled_from([Fact.MEAN_AMOUNT, Fact.AGE])))
def test_terms_come_to_what_their_code_comes_to(truth, numbers, absent):
    values = [0] * FACTS_MAX
    for look, number in zip(LOOKS, numbers, strict=True):
        values[look.number] = number
    seen = values, frozenset(absent)
    code = condition_code(truth, 0)
    programme = conditions.Programme(whole_table([rule(code)]))
    held = holds(truth, seen)
    assert held == conditions.holds(programme, 0, len(code), *seen)
    assert (in_the_way(truth, seen) == ()) == held
