"""Tables that are unsafe to walk, or that say two things at once, are refused; by both kernels alike."""

from types import ModuleType

import pytest

from cext import _kernel
from cext.programme_table import (
    AMOUNT_MAX,
    FACTOR_MAX,
    FACTS_MAX,
    NO_CAP,
    TARGET_FALSE,
    Effect,
    Fact,
    Lookup,
    Opcode,
    Period,
)
from cext.reference import kernel as reference
from tests.cext.kernel_cases import BASE, HEADER, grant, rule, table, whole_table

LIFE, YEAR, MONTH, DAY = Period
STAMP = (Effect.COUNTER_FIXED, 1, 1, NO_CAP, 5)
ONE = [(Opcode.PUSH_CONSTANT, 0, 1, 0)]


@pytest.fixture(params=[_kernel, reference], ids=["compiled", "reference"])
def kernel(request: pytest.FixtureRequest) -> ModuleType:
    return request.param


def limited(*limits):
    return whole_table([rule(limits=limits)])


def test_the_largest_of_everything_is_accepted(kernel):
    some = whole_table(
        [rule(effects=[STAMP], limits=[(4_095, DAY, FACTOR_MAX)], group=1_024, occasion=1, grant=256)],
        header=(999, FACTOR_MAX, 35, 1, FACTOR_MAX, FACTOR_MAX),
        lookups=[(Lookup.GRANT, 255, 3), *[(Lookup.QUANTITY, 255, 0)] * 511],
        grants=[grant(slot, life=3_660, values=[ONE] * 4) for slot in range(1, 257)],
        tiers=[(0, 2**63 - 1, FACTOR_MAX, FACTOR_MAX), *[(1, at, 0, 1) for at in range(1, 16)]],
    )
    assert kernel.Programme(some).table == some


UNSAFE = [
    (whole_table([], header=(1_000, 100, 24, 0, 1, 1)), "currency"),
    (whole_table([], header=(364, 0, 24, 0, 1, 1)), "point_value"),
    (whole_table([], header=(364, 100, 36, 0, 1, 1)), "expiry_months"),
    (whole_table([], header=(364, 100, 24, 0, 2, 1)), "max_discount"),
    (whole_table([], header=(364, 100, 24, 0, -1, 1)), "max_discount"),
    (whole_table([], header=(364, 100, 24, 0, 0, 0)), "max_discount"),
    (whole_table([rule([(Opcode.FACT_EQ, len(Fact), 0, TARGET_FALSE)])]), "unknown fact"),
    (whole_table([rule([(Opcode.FACT_EQ, FACTS_MAX, 0, TARGET_FALSE)])]), "unknown fact"),
    (
        whole_table([rule([(Opcode.FACT_EQ, FACTS_MAX + 1, 0, TARGET_FALSE)])], lookups=[(Lookup.QUANTITY, 0, 0)]),
        "unknown fact",
    ),
    (whole_table([rule(occasion=2)]), "occasion"),
    (whole_table([rule(grant=1)]), "grant"),
    (whole_table([rule(grant=-1)], grants=[grant(1)]), "grant"),
    (limited((0, DAY, 1)), "slot"),
    (limited((4_096, DAY, 1)), "slot"),
    (limited((1, 4, 1)), "period"),
    (limited((1, DAY, 0)), "limit"),
    (limited((1, DAY, FACTOR_MAX + 1)), "limit"),
    (limited((1, DAY, 1), (1, DAY, 2)), "two limits of a rule have one slot"),
    (whole_table([rule(limits=[(1, DAY, 1)]), rule(limits=[(1, LIFE, 1)])]), "two periods"),
    (whole_table([rule(effects=[STAMP], limits=[(5, LIFE, 1)])]), "a limit and an effect"),
    (whole_table([rule(effects=[STAMP])], lookups=[(Lookup.COUNTER, 5, DAY)]), "two periods"),
    (whole_table([rule(limits=[(5, DAY, 1)])], lookups=[(Lookup.COUNTER, 5, LIFE)]), "two periods"),
    (whole_table([], lookups=[(Lookup.COUNTER, 5, LIFE), (Lookup.COUNTER, 5, DAY)]), "two periods"),
    (whole_table([], lookups=[(len(Lookup), 0, 0)]), "unknown lookup"),
    (whole_table([], lookups=[(Lookup.HOLDOUT, -1, 0)]), "seed"),
    (whole_table([], lookups=[(Lookup.HOLDOUT, 2**31, 0)]), "seed"),
    (whole_table([], lookups=[(Lookup.FLAG, 0, 0)]), "flag"),
    (whole_table([], lookups=[(Lookup.FLAG, 2**31, 0)]), "flag"),
    (whole_table([], lookups=[(Lookup.FLAG, 3, 0)]), "a flag is one bit"),
    (whole_table([], lookups=[(Lookup.COUNTER, 0, LIFE)]), "slot"),
    (whole_table([], lookups=[(Lookup.COUNTER, 1, 4)]), "period"),
    (whole_table([], lookups=[(Lookup.QUANTITY, 256, 0)]), "index"),
    (whole_table([], lookups=[(Lookup.QUANTITY, -1, 0)]), "index"),
    (whole_table([], lookups=[(Lookup.QUANTITY, 0, 2**31)]), "lookup"),
    (whole_table([], lookups=[(Lookup.GRANT, 0, 0)]), "grant"),
    (whole_table([], lookups=[(Lookup.GRANT, 0, 0)], grants=[grant(1)]), "value"),
    (whole_table([], lookups=[(Lookup.GRANT, 0, 1)], grants=[grant(1, values=[ONE])]), "value"),
    (whole_table([], lookups=[(Lookup.QUANTITY, 0, 0)] * 513), "number of lookups"),
    (whole_table([], grants=[grant(1), grant(1)]), "two grants have one slot"),
    (whole_table([], grants=[grant(0)]), "slot"),
    (whole_table([], grants=[grant(1, life=0)]), "life_days"),
    (whole_table([], grants=[grant(1, life=3_661)]), "life_days"),
    (whole_table([], grants=[grant(1, values=[ONE] * 5)]), "values"),
    (whole_table([], grants=[grant(1, values=[[]])]), "does not leave one number"),
    (whole_table([], grants=[grant(1, values=[ONE * 2])]), "does not leave one number"),
    (whole_table([], grants=[grant(1, values=[[(Opcode.NEGATE, 0, 0, 0)]])]), "the stack is empty"),
    (whole_table([], grants=[grant(1, values=[ONE * 17])]), "the stack is too deep"),
    (whole_table([], grants=[grant(1, values=[[(Opcode.FACT_EQ, 0, 0, TARGET_FALSE), *ONE]])]), "a value compares"),
    (whole_table([], grants=[grant(1, ONE)]), "empty stack"),
    (whole_table([], tiers=[(3, 1, 1, 1)]), "basis"),
    (whole_table([], tiers=[(0, 0, 1, 1)]), "threshold"),
    (whole_table([], tiers=[(0, 5, 1, 1), (1, 3, 1, 1), (0, 5, 1, 1)]), "threshold"),
    (whole_table([], tiers=[(0, 5, 1, 0)]), "denominator"),
    (whole_table([], tiers=[(0, 5, -1, 1)]), "numerator"),
    (whole_table([], tiers=[(0, at, 1, 1) for at in range(1, 18)]), "number of tiers"),
    (table((len(Effect), 1, 1, NO_CAP)), "unknown effect"),
    (table((Effect.PRICE, -1, 1, NO_CAP)), "n must be"),
    (table((Effect.PRICE, AMOUNT_MAX + 1, 1, NO_CAP)), "n must be"),
    (table((Effect.POINTS_PER, 1, 1, NO_CAP, 1)), "slot"),
    (table((Effect.COUNTER_FIXED, 1, 1, NO_CAP, 0)), "slot"),
    (table((Effect.COUNTER_PER, 1, 0, NO_CAP, 1)), "denominator"),
    (table((Effect.COUNTER_PER, -1, 1, NO_CAP, 1)), "n must be"),
    (table((Effect.COUNTER_FIXED, -FACTOR_MAX - 1, 1, NO_CAP, 1)), "n must be"),
    (table((Effect.COUNTER_PER, 1, AMOUNT_MAX + 1, NO_CAP, 1)), "denominator"),
    (table((Effect.FREE_ITEM, 256, 1, NO_CAP)), "n must be"),
    (table((Effect.MESSAGE, 4_096, 1, NO_CAP)), "n must be"),
    (table((Effect.TIER_SET, 1, 1, NO_CAP)), "tier"),
    (table((Effect.TIER_SET, 0, 1, NO_CAP), tiers=((0, 1, 1, 1),)), "tier"),
    (table((Effect.POINTS_FIXED, -1, 1, NO_CAP)), "n must be"),
    (table((Effect.POINTS_FIXED, 1, 1, -2)), "cap"),
]


@pytest.mark.parametrize(("unsafe", "reason"), UNSAFE)
def test_an_unsafe_table_is_refused(kernel, unsafe, reason):
    with pytest.raises(ValueError, match=reason):
        kernel.Programme(unsafe)


@pytest.mark.parametrize(
    ("part", "row"),
    [
        (2, (0, 1, 0, 0, 0, 0, 0, 0, 0)),
        (2, (0, 0, 0, 0, 2, 0, 0, 0, 0)),
        (2, (0, 0, 0, 1, 0, 0, 0, 0, 0)),
        (2, (0, 0, 0, 0, 0, 0, 0, 0, 1)),
        (2, (0, 0, 0, 0, 0, 0, 0, -1, 0)),
        (6, (1, 0, 1, 5, 0, 0)),
        (6, (1, 0, 0, 5, 0, 1)),
        (6, (1, 0, 0, 5, -1, 0)),
        (7, (0, 1)),
        (7, (-1, 0)),
    ],
)
def test_a_row_that_points_outside_the_table_is_refused(kernel, part, row):
    parts = [(*HEADER, 0, 0, 0), (), (), ((*BASE, 0),), (), (), (), (), ()]
    parts[part] = (row,)
    with pytest.raises(ValueError, match="outside the table"):
        kernel.Programme(tuple(parts))
