import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switch.programme.holdout import is_held_out
from switch.simulation.history import History, Present, Row
from switch.simulation.uplift import (
    MEMBERS_MIN,
    Group,
    Question,
    Uplift,
    spend_difference,
    student_quantile,
    take,
    visits_difference,
)

RULE = b"\0\3"
QUESTION = Question("p", "r", {1: (3,)}, 20, 10_000)


def row(seq, kind=1, amount=100, **given):
    fields = {
        "seq": seq, "at": seq, "kind": kind, "amount": amount, "currency": 364, "merchant": 1, "institution": 1,
        "category": 1, "entry_mode": 0, "version": 1, "points_earned": 0, "points_redeemed": 0, "points_expired": 0,
        "points_adjusted": 0, "credit_granted": 0, "credit_spent": 0, "discount": 0, "to_pay": amount,
    }  # fmt: skip
    return Row(**(fields | given))


def history(account, *rows, referred=()):
    return History(Present(1, account, 0, 0, 0, 0, 0, 0, 0, 0, 0, b""), list(rows), referred=referred)


def uplift_of(*histories, question=QUESTION):
    found = Uplift()
    for one in histories:
        take(found, question, one)
    return found


def group(values):
    made = Group()
    for value in values:
        made.take(value, 1)
    return made


def test_spend_is_net_of_what_was_undone():
    one = history(
        1, row(1), row(2, amount=50), row(3, 4, 30, original_seq=1), row(4, 5, 30, original_seq=3),
        row(5, 5, 50, original_seq=2), row(20_000, amount=999),
    )  # fmt: skip
    found = uplift_of(one)
    assert (found.had_not.members, found.had_not.spend, found.had_not.visits) == (1, 100, 2)


def test_an_account_that_bought_nothing_is_not_counted():
    assert uplift_of(history(1, row(1, 7, 0)), history(2)) == Uplift()


def test_who_always_has_a_discount_hunts_them():
    found = uplift_of(history(1, row(1, discount=1), row(2, discount=2)), history(2, row(1, discount=5), row(2)))
    assert found.hunters.members == found.loyal.members == 1


def test_without_a_hold_out_members_are_told_apart_by_the_rule():
    found = uplift_of(*(history(n, row(1, rules=RULE if n % 2 else None)) for n in range(200)))
    assert found.had.members == found.had_not.members == 100
    assert found.fired_in_control > 0
    assert not found.is_randomised(20)


def test_a_hold_out_shows_in_what_fired():
    held = [is_held_out("p", "r", 1, n, 20) for n in range(200)]
    found = uplift_of(*(history(n, row(1, rules=None if held[n] else b"\0\1" + RULE)) for n in range(200)))
    assert found.is_randomised(20)
    assert found.control.members == sum(held)


def test_a_rule_that_few_had_proves_no_hold_out():
    free = [n for n in range(200) if not is_held_out("p", "r", 1, n, 20)]
    found = uplift_of(*(history(n, row(1, rules=RULE if n in free[:5] else None)) for n in range(200)))
    assert found.fired_in_control == 0
    assert not found.is_randomised(20)


def test_a_rule_is_found_at_its_place_only():
    found = uplift_of(history(1, row(1, rules=b"\3\0\0\4")), history(2, row(1, rules=RULE, version=2)))
    assert found.had.members == 0


def test_the_interval_is_welchs():
    # By hand: means 39.5 and 59.5, variances 136.67 of 40 each, s.e. 2.614, 78 degrees of freedom, t 1.9908.
    found = spend_difference(group(range(20, 60)), group(range(40, 80)))
    assert found.difference == -20
    assert found.low == pytest.approx(-25.2042, abs=1e-3)
    assert found.high == pytest.approx(-14.7958, abs=1e-3)
    assert found.is_clear


def test_too_few_members_have_no_interval():
    found = spend_difference(group([1] * (MEMBERS_MIN - 1)), group([2] * 500))
    assert (found.low, found.high, found.is_clear) == (None, None, False)
    assert spend_difference(Group(), Group()).difference == 0


def test_groups_without_variance_differ_exactly():
    found = visits_difference(group([5] * 40), group([9] * 40))
    assert (found.difference, found.low, found.high, found.is_clear) == (0, 0, 0, False)


@pytest.mark.parametrize(("freedom", "expected"), [(20, 2.08596), (30, 2.04227), (58, 2.00172), (1_000, 1.96234)])
def test_students_quantile_is_the_tables(freedom, expected):
    assert student_quantile(0.975, freedom) == pytest.approx(expected, abs=2e-5)


@given(
    st.lists(st.integers(0, 10**12), min_size=40, max_size=80),
    st.lists(st.integers(0, 10**12), min_size=40, max_size=80),
)
def test_sums_of_squares_lose_no_digits(one, other):
    found = spend_difference(group(one), group(other))
    error = statistics.variance(one) / len(one) + statistics.variance(other) / len(other)
    assert found.low is not None
    reach = found.difference - found.low
    assert 1.95 * error**0.5 <= reach <= 2.03 * error**0.5 or error == 0
