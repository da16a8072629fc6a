"""The compiled kernel against its reference, field by field, over random programmes and messages."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from cext import _kernel
from cext.programme_table import Opcode
from cext.reference import kernel as reference
from tests.cext.kernel_cases import NOW, account, legs_of, request, rule, state_of, whole_table
from tests.cext.kernel_strategies import INT64, PURCHASE, conditions, decisions, programmes


def decide_in(kernel, programme, member, asked):
    named = asked["original"]
    fields = asked | {"original": None if named is None else kernel.Original(**({"refunded_amount": 0} | named))}
    mine = account(kernel, **member)
    decision = kernel.decide(kernel.Programme(programme), mine, request(kernel, **fields))
    return legs_of(decision) | {"rule_list": decision.rule_list}, state_of(mine) | {"lot_list": mine.lot_list}


@settings(max_examples=600, deadline=None)
@given(decisions())
def test_both_decide_the_same(inputs):
    assert decide_in(_kernel, *inputs) == decide_in(reference, *inputs)


def purchase_of(some, code):
    """A programme of one rule with this condition, and what both make of it."""
    programme = whole_table([rule(code)])
    results = []
    for kernel in (_kernel, reference):
        member = account(kernel, **some)
        decision = kernel.decide(kernel.Programme(programme), member, request(kernel, PURCHASE, 1_000))
        results.append((decision.rc, decision.rule_list))
    return results


@settings(max_examples=400, deadline=None)
@given(conditions(0), st.integers(0, 3), st.integers(0, 10**7))
@example(
    [
        (Opcode.PUSH_CONSTANT, 0, -(2**63), 0),
        (Opcode.NEGATE, 0, 0, 0),
        *[(Opcode.PUSH_CONSTANT, 0, 0, 0)],
        (Opcode.STACK_NE, 0, 0, -1),
    ],
    0,
    0,
)
def test_both_walk_conditions_alike(code, visits, spend):
    compiled, plain = purchase_of({"visits": visits, "spend": spend, "last_visit": visits * NOW}, code)
    assert compiled == plain


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_broken_table_is_refused_by_both_or_by_none(data):
    table = data.draw(programmes())
    number = st.one_of(st.integers(-3, 30), INT64)
    part = data.draw(st.integers(1, len(table) - 1))
    rows = list(table[part])
    width = len(rows[0]) if rows else (4, 9, 5, 3, 3, 6, 2, 4)[part - 1]
    row = data.draw(st.integers(0, len(rows)))
    if row == len(rows):
        rows.append(data.draw(st.tuples(*[number] * width)))
    else:
        column = data.draw(st.integers(0, width - 1))
        rows[row] = (*rows[row][:column], data.draw(number), *rows[row][column + 1 :])
    broken = (*table[:part], tuple(rows), *table[part + 1 :])
    outcomes = []
    for kernel in (_kernel, reference):
        try:
            kernel.Programme(broken)
        except ValueError as error:
            outcomes.append(str(error))
        else:
            outcomes.append("accepted")
    assert outcomes[0] == outcomes[1]
