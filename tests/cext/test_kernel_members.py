"""Who a member is to a rule: held out by the account's number, and flagged."""

from collections import Counter
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cext import _kernel
from cext.programme_table import FACTS_MAX, NO_CAP, SEED_MAX, TARGET_FALSE, Effect, Lookup, Opcode
from cext.reference import kernel as reference
from cext.reference.holdout import place_of
from tests.cext.kernel_cases import account, request, rule, whole_table

PURCHASE = 1
INT64 = st.integers(-(2**63), 2**63 - 1)


@pytest.fixture(params=[_kernel, reference], ids=["compiled", "reference"])
def kernel(request: pytest.FixtureRequest) -> ModuleType:
    return request.param


def credit(kernel, lookup, relation, constant, **member):
    """9 if the fact is so, 0 if not."""
    code = [(relation, FACTS_MAX, constant, TARGET_FALSE)]
    programme = whole_table([rule(code, [(Effect.CREDIT_AMOUNT, 9, 1, NO_CAP)])], lookups=[lookup])
    mine = account(kernel, **member)
    return kernel.decide(kernel.Programme(programme), mine, request(kernel, PURCHASE, 1_000)).credit_granted


@given(st.integers(0, SEED_MAX), INT64, INT64)
def test_both_kernels_find_the_same_place(seed, shard, number):
    place = place_of(seed, shard, number)
    assert 0 <= place < 100
    for kernel in (_kernel, reference):
        assert credit(kernel, (Lookup.HOLDOUT, seed, 0), Opcode.FACT_EQ, place, shard=shard, id=number) == 9


def test_places_are_spread_evenly():
    places = Counter(place_of(seed, 3, number) for seed in (1, 2) for number in range(50_000))
    assert set(places) == set(range(100))
    # 1,000 each: the standard deviation is 31.
    assert all(850 < count < 1_150 for count in places.values())
    both = sum(place_of(1, 3, number) < 10 and place_of(2, 3, number) < 10 for number in range(50_000))
    assert 400 < both < 600, "being held out of one rule says nothing of another"


@pytest.mark.parametrize(("flags", "held"), [(0, 0), (1, 0), (256, 9), (257, 9), (-1, 9), (512, 0)])
def test_a_flag_is_there_or_not(kernel, flags, held):
    assert credit(kernel, (Lookup.FLAG, 256, 0), Opcode.FACT_EQ, 1, flags=flags) == held
    assert credit(kernel, (Lookup.FLAG, 256, 0), Opcode.FACT_EQ, 0, flags=flags) == 9 - held
