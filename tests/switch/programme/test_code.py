"""What conditions compile to."""

import pytest

from cext.programme_table import FACTS_MAX, Fact, Opcode
from switch.programme.code import condition_code, number_code
from switch.programme.errors import ExpressionError
from switch.programme.expression import read_condition, read_number
from tests.switch.programme.programmes import scope


def condition(text, start):
    return condition_code(read_condition(text, scope()), start)


def number(text):
    return number_code(read_number(text, scope()), 0)


def test_the_table_is_flat_and_fused():
    assert condition("amount >= 5 and not (hour < 3 or visits == 1)", 10) == [
        (Opcode.FACT_GE, Fact.AMOUNT, 5, -1),
        (Opcode.FACT_GE, Fact.HOUR, 3, -1),
        (Opcode.FACT_NE, Fact.VISITS, 1, -1),
    ]
    assert condition("hour < 3 and visits == 1 or amount >= 5", 10) == [
        (Opcode.FACT_LT, Fact.HOUR, 3, 12),
        (Opcode.FACT_NE, Fact.VISITS, 1, 13),
        (Opcode.FACT_GE, Fact.AMOUNT, 5, -1),
    ]


def test_programme_specific_facts_are_fused_too():
    assert condition('stamps("cut") == 3 and amount >= grant.goal and grant.goal > 1', 0) == [
        (Opcode.FACT_EQ, FACTS_MAX, 3, -1),
        (Opcode.REQUIRE, FACTS_MAX + 1, 0, -1),
        (Opcode.PUSH_FACT, Fact.AMOUNT, 0, -1),
        (Opcode.PUSH_FACT, FACTS_MAX + 1, 0, -1),
        (Opcode.STACK_GE, 0, 0, -1),
        (Opcode.REQUIRE, FACTS_MAX + 1, 0, -1),
        (Opcode.FACT_GT, FACTS_MAX + 1, 1, -1),
    ]


def test_a_number_is_left_on_the_stack():
    assert number("20 + 1") == [(Opcode.PUSH_CONSTANT, 0, 21, -1)]
    assert number("4 * -mean_amount") == [
        (Opcode.REQUIRE, Fact.MEAN_AMOUNT, 0, -1),
        (Opcode.PUSH_CONSTANT, 0, 4, -1),
        (Opcode.PUSH_FACT, Fact.MEAN_AMOUNT, 0, -1),
        (Opcode.NEGATE, 0, 0, -1),
        (Opcode.MULTIPLY, 0, 0, -1),
    ]


def test_a_number_fits_the_stack():
    assert number("visits" + " + (visits" * 15 + ")" * 15)
    with pytest.raises(ExpressionError, match="use fewer brackets"):
        number("visits" + " + (visits" * 16 + ")" * 16)
