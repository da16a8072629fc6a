"""Budgets of rules: what they may bound, their numbers and slots, and how large a single gift is."""

import pytest

from cext.programme_table import BUDGETS_MAX, Effect
from switch.programme import ProgrammeError
from switch.programme.budgets import RuleBudget
from tests.switch.programme.programmes import load, rules


def budget_rows(programme):
    return [row for row in programme.kernel.table[3] if row[0] == Effect.BUDGET]


def test_each_has_a_slot_of_its_own_and_a_number_in_the_order_of_evaluation():
    programme = load(
        rules(
            "id: a, then: {points: 5}, budget: {points: 100}",
            "id: b, priority: 5, then: {discount: 700}, budget: {amount: 9000}",
            "id: c, then: {points: 1}",
        )
    )
    a, b = programme.slots["budget", "a/points"], programme.slots["budget", "b/amount"]
    assert programme.budgets == (RuleBudget("b", b, "amount", 9_000, 700), RuleBudget("a", a, "points", 100, 5))
    assert [(n, slot) for _, n, _, _, slot in budget_rows(programme)] == [(0, b), (1, a)]


def test_a_budget_in_another_unit_is_another_budget():
    points = load(rules("id: a, then: {points: 5}, budget: {points: 100}"))
    amount = load(rules("id: a, then: {discount: 5}, budget: {amount: 100}"))
    assert set(points.slots) == {("budget", "a/points")}
    assert set(amount.slots) == {("budget", "a/amount")}


def test_of_a_stamp_card_the_reward_draws_and_the_stamps_do_not():
    programme = load(
        rules("id: a, then: {stamp: {key: cut, need: 3, reward: {discount: 5%}}}, budget: {amount: 100000}")
    )
    assert programme.rule_ids == ("a.reward", "a")
    start, end = programme.kernel.table[2][0][3:5]
    assert [row[0] for row in programme.kernel.table[3][start:end]].count(Effect.BUDGET) == 1
    assert len(budget_rows(programme)) == 1


@pytest.mark.parametrize(
    ("then", "total", "gift"),
    [
        ("then: {discount: 700}", 9_000, 700),
        ("then: {discount: 10%, cap: 650}", 9_000, 650),
        ("then: {discount: 200, credit: 300}", 9_000, 500),
        ("then: {discount: 10%}", 10_240, 10),
        ("then: {free: CAKE}", 10_240, 10),
        ("then: {discount: 10%}", 9, 1),
        ("then: {discount: 10}", 9, 9),
    ],
)
def test_a_single_gift_is_as_large_as_its_bounds_say(then, total, gift):
    programme = load(rules(f"id: a, {then}, budget: {{amount: {total}}}"))
    assert programme.budgets[0].gift == gift


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ("then: {points: 5}, budget: {amount: 9}", "a budget of amount bounds discount, credit and free"),
        ("then: {discount: 5}, budget: {points: 9}", "a budget of points bounds points and multiply"),
        ("then: {points: 5, credit: 5}, budget: {points: 9}", "a rule of its own"),
        ("then: {message: {en: Hello}}, budget: {points: 9}", "budget has nothing to bound"),
        ("then: {ticket: {draw: d, count: 1}}, budget: {amount: 9}", "budget has nothing to bound"),
        (
            "then: {stamp: {key: k, need: 2, reward: {points: 5}}}, budget: {amount: 9}",
            "a budget of amount bounds discount, credit and free",
        ),
    ],
)
def test_what_a_budget_cannot_bound_is_a_mistake(rule, reason):
    with pytest.raises(ProgrammeError) as caught:
        load(rules(f"id: a, {rule}"))
    assert reason in str(caught.value)


def test_there_may_be_so_many_budgets():
    with pytest.raises(ProgrammeError) as caught:
        load(rules(*[f"id: r{n}, then: {{points: 1}}, budget: {{points: 9}}" for n in range(BUDGETS_MAX + 1)]))
    assert "budget" in str(caught.value)


def test_a_budget_bounds_a_cost():
    text = rules("id: a, then: {credit: 20%}", "id: b, then: {credit: 20%}, budget: {amount: 1000}")
    assert [warning.path for warning in load(text).warnings if "no bound" in warning.reason] == ["rules[0].then.credit"]
