"""Grants worked out by hand, for the compiled kernel and its reference alike."""

from types import ModuleType

import pytest

from cext import _kernel
from cext.programme_table import FACTS_MAX, GRANTS_MAX, NO_CAP, TARGET_FALSE, Effect, Fact, Lookup, Opcode, Period
from cext.reference import kernel as reference
from tests.cext.kernel_cases import (
    DAY_S,
    NOW,
    TODAY,
    account,
    grant,
    original,
    pack_counters,
    pack_grants,
    request,
    rule,
    state_of,
    unpack_grants,
    whole_table,
)

PURCHASE, REDEMPTION, CREDIT_PURCHASE, REFUND, REVERSAL, INQUIRY, EVENT = range(1, 8)
OFFER, OTHER = 31, 32
GOAL = FACTS_MAX
CREDIT = (Effect.CREDIT_RATE, 1, 5, 1_000_000, 0)


@pytest.fixture(params=[_kernel, reference], ids=["compiled", "reference"])
def kernel(request: pytest.FixtureRequest) -> ModuleType:
    return request.param


def run(kernel, programme, member, kind, amount, **changes):
    return kernel.decide(kernel.Programme(programme), member, request(kernel, kind, amount, **changes))


def grants_of(member):
    return unpack_grants(member.grants)


def push(constant):
    return [(Opcode.PUSH_CONSTANT, 0, constant, 0)]


def offer(code=(), life=30, values=(), slot=OFFER, effects=(CREDIT,)):
    """A rule that needs the grant, and the grant."""
    return whole_table([rule(effects=effects, grant=1)], grants=[grant(slot, code, life, values)])


def test_a_bigger_basket_within_thirty_days_earns_credit(kernel):
    """The goal is frozen at the end of the visit at which the offer is given: four times the mean amount then."""
    goal = [
        (Opcode.REQUIRE, Fact.MEAN_AMOUNT, 0, TARGET_FALSE),
        (Opcode.PUSH_FACT, Fact.MEAN_AMOUNT, 0, 0),
        (Opcode.PUSH_CONSTANT, 0, 4, 0),
        (Opcode.MULTIPLY, 0, 0, 0),
    ]
    reaches = [
        (Opcode.REQUIRE, GOAL, 0, TARGET_FALSE),
        (Opcode.PUSH_FACT, Fact.AMOUNT, 0, 0),
        (Opcode.PUSH_FACT, GOAL, 0, 0),
        (Opcode.STACK_GE, 0, 0, TARGET_FALSE),
    ]
    programme = whole_table(
        [rule(reaches, [CREDIT], grant=1)],
        lookups=[(Lookup.GRANT, 0, 0)],
        grants=[grant(OFFER, [(Opcode.FACT_GE, Fact.VISITS, 2, TARGET_FALSE)], 30, [goal])],
    )
    member = account(kernel)
    first, second = (run(kernel, programme, member, PURCHASE, amount) for amount in (400, 600))
    assert first.grants_moved == b""
    assert unpack_grants(second.grants_moved) == grants_of(member) == [(OFFER, TODAY + 30, 0, 2_000)]
    small = run(kernel, programme, member, PURCHASE, 1_999)
    assert (small.rule_list, small.grants_moved) == ([], b"")
    large = run(kernel, programme, member, PURCHASE, 2_000)
    assert (large.rule_list, large.credit_granted) == ([0], 400)
    assert unpack_grants(large.grants_moved) == grants_of(member) == [(OFFER, TODAY + 30, 1, 2_000)]
    assert run(kernel, programme, member, PURCHASE, 9_000).rule_list == []


def test_a_grant_looks_at_the_account_as_the_purchase_leaves_it(kernel):
    facts = [Fact.AMOUNT, Fact.VISITS, Fact.DAYS_SINCE_LAST, Fact.POINTS]
    values = [[(Opcode.PUSH_FACT, fact, 0, 0)] for fact in facts]
    programme = whole_table(
        [rule(effects=[(Effect.POINTS_FIXED, 9, 1, NO_CAP)])], grants=[grant(OFFER, [], 30, values)]
    )
    member = account(kernel, visits=4, last_visit=NOW - 9 * DAY_S, first_visit=NOW - 99 * DAY_S)
    run(kernel, programme, member, PURCHASE, 70)
    assert grants_of(member) == [(OFFER, TODAY + 30, 0, 70, 5, 0, 9)]


def test_a_grant_sees_counters_and_grants_after_the_message(kernel):
    programme = whole_table(
        [rule(effects=[(Effect.COUNTER_FIXED, 3, 1, NO_CAP, 5)], grant=1)],
        lookups=[(Lookup.COUNTER, 5, Period.LIFE), (Lookup.GRANT, 0, 0)],
        grants=[
            grant(OFFER, values=[push(1)]),
            grant(OTHER, values=[[(Opcode.PUSH_FACT, FACTS_MAX, 0, 0)]]),
            grant(33, [(Opcode.REQUIRE, FACTS_MAX + 1, 0, TARGET_FALSE)]),
        ],
    )
    member = account(kernel, counters=pack_counters((5, 0, 4)), grants=pack_grants((OFFER, TODAY, 0, 1)))
    run(kernel, programme, member, PURCHASE, 70)
    assert grants_of(member) == [(OFFER, TODAY, 1, 1), (OTHER, TODAY + 30, 0, 7)]


@pytest.mark.parametrize(
    ("held", "fires"),
    [
        ([], False),
        ([(OFFER, TODAY - 1, 0)], False),
        ([(OFFER, TODAY, 0)], True),
        ([(OFFER, TODAY, 1)], False),
        ([(OTHER, TODAY, 0)], False),
    ],
)
def test_a_rule_fires_only_while_its_grant_is_alive(kernel, held, fires):
    never = [(Opcode.FACT_LT, Fact.AMOUNT, 0, TARGET_FALSE)]
    member = account(kernel, grants=pack_grants(*held))
    assert run(kernel, offer(never), member, PURCHASE, 5).rule_list == ([0] if fires else [])


def test_two_rules_do_not_use_one_grant_twice(kernel):
    programme = whole_table([rule(grant=1), rule(grant=1)], grants=[grant(OFFER)])
    member = account(kernel, grants=pack_grants((OFFER, TODAY, 0)))
    assert run(kernel, programme, member, PURCHASE, 5).rule_list == [0]


def test_an_offer_is_given_once_in_its_life(kernel):
    member = account(kernel)
    days = [TODAY, TODAY + 1, TODAY + 2, TODAY + 3]
    decisions = [run(kernel, offer(life=2), member, PURCHASE, 5, local_day=day) for day in days]
    assert [decision.rule_list for decision in decisions] == [[], [0], [], []]
    assert [[row[1:3] for row in unpack_grants(decision.grants_moved)] for decision in decisions] == [
        [(TODAY + 2, 0)],
        [(TODAY + 2, 1)],
        [],
        [(TODAY + 5, 0)],
    ]


def test_a_value_that_cannot_be_worked_out_gives_no_grant(kernel):
    fault = [*push(1), *push(0), (Opcode.FLOOR_DIVIDE, 0, 0, 0)]
    missing = [(Opcode.REQUIRE, Fact.AGE, 0, TARGET_FALSE), (Opcode.PUSH_FACT, Fact.AGE, 0, 0)]
    for code in (fault, missing):
        member = account(kernel)
        assert run(kernel, offer(values=[push(1), code]), member, PURCHASE, 5).grants_moved == b""
        assert member.grants == b""


def test_a_grant_that_finds_no_room_is_not_given(kernel):
    crowd = [(slot, TODAY, 0) for slot in range(100, 100 + GRANTS_MAX)]
    member = account(kernel, grants=pack_grants(*crowd))
    decision = run(kernel, offer(), member, PURCHASE, 5)
    assert (decision.rc, decision.grants_moved, grants_of(member)) == ("00", b"", crowd)
    run(kernel, offer(), member, PURCHASE, 5, local_day=TODAY + 1)
    assert grants_of(member) == [(OFFER, TODAY + 31, 0)]


def test_a_decline_uses_up_no_grant(kernel):
    member = account(kernel, grants=pack_grants((OFFER, TODAY, 0), (OTHER, TODAY - 1, 0)))
    before = state_of(member)
    decision = run(kernel, offer(), member, REDEMPTION, 500)
    assert (decision.rc, decision.grants_moved) == ("51", b"")
    assert state_of(member) == before


def test_a_full_reversal_takes_back_what_was_given(kernel):
    member = account(kernel)
    before = state_of(member)
    bought = run(kernel, offer(values=[push(8)]), member, PURCHASE, 500)
    undone = run(kernel, offer(), member, REVERSAL, 500, original=original(kernel, PURCHASE, 500, bought))
    assert unpack_grants(undone.grants_moved) == [(OFFER, TODAY + 30, 2, 8)]
    assert state_of(member) == before


def test_what_was_given_and_used_since_stays(kernel):
    member = account(kernel)
    bought = run(kernel, offer(), member, PURCHASE, 500)
    run(kernel, offer(), member, PURCHASE, 500)
    undone = run(kernel, offer(), member, REVERSAL, 500, original=original(kernel, PURCHASE, 500, bought))
    assert (undone.grants_moved, grants_of(member)) == (b"", [(OFFER, TODAY + 30, 1)])


@pytest.mark.parametrize(("day", "held"), [(TODAY, [(OFFER, TODAY, 0, 6)]), (TODAY + 1, [])])
def test_a_full_reversal_makes_a_used_grant_alive_again_while_it_lives(kernel, day, held):
    member = account(kernel, grants=pack_grants((OFFER, TODAY, 0, 6)))
    bought = run(kernel, offer(), member, PURCHASE, 500)
    assert grants_of(member) == [(OFFER, TODAY, 1, 6)]
    named = original(kernel, PURCHASE, 500, bought)
    undone = run(kernel, offer(), member, REVERSAL, 500, original=named, local_day=day)
    assert unpack_grants(undone.grants_moved) == grants_of(member) == held


@pytest.mark.parametrize(("kind", "changes"), [(REFUND, {}), (REVERSAL, {"replacement_amount": 1})])
def test_a_refund_or_a_partial_reversal_leaves_grants_alone(kernel, kind, changes):
    member = account(kernel)
    bought = run(kernel, offer(), member, PURCHASE, 500)
    before = member.grants
    named = original(kernel, PURCHASE, 500, bought)
    assert run(kernel, offer(), member, kind, 500, original=named, **changes).rc == "00"
    assert member.grants == before


@pytest.mark.parametrize(
    "grants",
    [
        b"1",
        pack_grants((2, TODAY, 0), (1, TODAY, 0)),
        pack_grants((1, TODAY, 0), (1, TODAY, 0)),
        pack_grants((0, TODAY, 0)),
        pack_grants((4_096, TODAY, 0)),
        pack_grants((1, TODAY, 2)),
        pack_grants((1, TODAY, 0, 0))[:-1] + b"\x01",
        pack_grants((1, TODAY, 0))[:7] + b"\x05" + bytes(32),
        pack_grants(*[(slot, TODAY, 0) for slot in range(1, GRANTS_MAX + 2)]),
    ],
)
def test_grants_that_no_decision_leaves_are_refused(kernel, grants):
    with pytest.raises(ValueError, match="grant"):
        account(kernel, grants=grants)


def test_an_original_refuses_broken_grants(kernel):
    for moved in (b"1", pack_grants((1, TODAY, 3)), pack_grants((1, TODAY, 2)) * (GRANTS_MAX + 1)):
        with pytest.raises(ValueError, match="grant"):
            original(kernel, PURCHASE, 1, kernel.Decision("00"), grants_moved=moved)
    assert original(kernel, PURCHASE, 1, kernel.Decision("00"), grants_moved=pack_grants((1, TODAY, 2))).grants_moved
