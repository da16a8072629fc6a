"""A row, decided again with no more left of its budgets than it drew, comes out as it did (I9)."""

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cext import _kernel
from cext.programme_table import NO_CAP, Effect
from switch.simulation.drawn import budgets_then
from tests.cext.kernel_cases import account, legs_of, request, rule, state_of, whole_table
from tests.cext.kernel_strategies import EVENT, PURCHASE, accounts, programmes, requests

SLOT = 7
BUDGET = (Effect.BUDGET, 0, 1, NO_CAP, SLOT)


def decided(table, member, asked):
    named = asked["original"]
    original = None if named is None else _kernel.Original(**({"refunded_amount": 0} | named))
    mine = account(_kernel, **member)
    decision = _kernel.decide(_kernel.Programme(table), mine, request(_kernel, **(asked | {"original": original})))
    return decision, legs_of(decision), state_of(mine)


@settings(max_examples=800, deadline=None)
@given(st.data(), programmes(), accounts(wild=False), requests(wild=False))
def test_a_row_comes_out_the_same_on_what_it_drew(data, table, member, asked):
    asked |= {
        "kind": data.draw(st.sampled_from([PURCHASE, PURCHASE, EVENT])),
        "budgets": tuple(data.draw(st.lists(st.integers(0, 3_000), min_size=3, max_size=3))),
    }
    decision, legs, after = decided(table, member, asked)
    assume(decision.rc == "00")
    left = budgets_then(_kernel.Programme(table), decision.rules, decision.counters_moved)
    _, legs_again, after_again = decided(table, member, asked | {"budgets": left})
    assert (legs_again, after_again) == (legs, after)


def test_a_rule_that_fired_and_gave_nothing_is_left_1():
    table = whole_table([rule(effects=[(Effect.POINTS_PER, 1, 100, NO_CAP), BUDGET])])
    programme = _kernel.Programme(table)
    poor = _kernel.decide(programme, account(_kernel), request(_kernel, PURCHASE, 99, budgets=(50,)))
    assert (poor.rule_list, poor.points_earned, poor.counters_moved) == ([0], 0, b"")
    assert budgets_then(programme, poor.rules, poor.counters_moved) == (1,)
    rich = _kernel.decide(programme, account(_kernel), request(_kernel, PURCHASE, 9_900, budgets=(50,)))
    assert rich.points_earned == 50
    assert budgets_then(programme, rich.rules, rich.counters_moved) == (50,)
    empty = _kernel.decide(programme, account(_kernel), request(_kernel, PURCHASE, 9_900, budgets=(0,)))
    assert (empty.rule_list, empty.points_earned) == ([], 0)
    assert budgets_then(programme, empty.rules, empty.counters_moved) == (0,)


def test_a_programme_without_budgets_asks_for_none():
    assert budgets_then(_kernel.Programme(whole_table([rule()])), b"\x00\x00", None) == ()
