"""What rules give, as rows of the table."""

import pytest

from cext.programme_table import NO_CAP, Effect
from switch.programme.model import Message
from tests.switch.programme.programmes import HEAD, load


def of(then, beside=""):
    return load(HEAD + f"rules:\n  - id: a\n    then: {then}\n{beside}tiers:\n  - {{id: gold, from: {{visits: 9}}}}\n")


@pytest.mark.parametrize(
    ("text", "effects"),
    [
        ("{points: 50}", [(Effect.POINTS_FIXED, 50, 1, NO_CAP, 0)]),
        ("{points: {per: 1000, points: 3}, cap: 9}", [(Effect.POINTS_PER, 3, 1_000, 9, 0)]),
        ("{multiply: 1.25}", [(Effect.MULTIPLY, 5, 4, NO_CAP, 0)]),
        ("{multiply: 3/2}", [(Effect.MULTIPLY, 3, 2, NO_CAP, 0)]),
        ("{multiply: 2}", [(Effect.MULTIPLY, 2, 1, NO_CAP, 0)]),
        ("{multiply: 0.1}", [(Effect.MULTIPLY, 1, 10, NO_CAP, 0)]),
        ("{discount: 20%}", [(Effect.DISCOUNT_RATE, 1, 5, NO_CAP, 0)]),
        ("{discount: 12.5%, cap: 70}", [(Effect.DISCOUNT_RATE, 1, 8, 70, 0)]),
        ("{discount: 1/3}", [(Effect.DISCOUNT_RATE, 1, 3, NO_CAP, 0)]),
        ("{discount: 5000}", [(Effect.DISCOUNT_AMOUNT, 5_000, 1, NO_CAP, 0)]),
        ("{credit: 100%}", [(Effect.CREDIT_RATE, 1, 1, NO_CAP, 0)]),
        ("{credit: 20%, cap: 1_000_000}", [(Effect.CREDIT_RATE, 1, 5, 1_000_000, 0)]),
        ("{credit: 7}", [(Effect.CREDIT_AMOUNT, 7, 1, NO_CAP, 0)]),
        ("{free: TEA, cap: 500}", [(Effect.FREE_ITEM, 0, 1, 500, 0)]),
        ("{ticket: {draw: d, per: 500}}", [(Effect.COUNTER_PER, 1, 500, NO_CAP, 1)]),
        ("{ticket: {draw: d, per: 500, count: 2}}", [(Effect.COUNTER_PER, 2, 500, NO_CAP, 1)]),
        ("{ticket: {draw: d, count: 2}}", [(Effect.COUNTER_FIXED, 2, 1, NO_CAP, 1)]),
        ("{message: {en: Hi}}", [(Effect.MESSAGE, 0, 1, NO_CAP, 0)]),
        ("{tier: gold}", [(Effect.TIER_SET, 1, 1, NO_CAP, 0)]),
        (
            "{message: {en: Hi}, credit: 7, discount: 1%, points: 1, multiply: 2, cap: }",
            [
                (Effect.DISCOUNT_RATE, 1, 100, NO_CAP, 0),
                (Effect.POINTS_FIXED, 1, 1, NO_CAP, 0),
                (Effect.MULTIPLY, 2, 1, NO_CAP, 0),
                (Effect.CREDIT_AMOUNT, 7, 1, NO_CAP, 0),
                (Effect.MESSAGE, 0, 1, NO_CAP, 0),
            ],
        ),
        (
            "{message: {en: Hi}, credit: 7%, cap: 5}",
            [(Effect.CREDIT_RATE, 7, 100, 5, 0), (Effect.MESSAGE, 0, 1, -1, 0)],
        ),
    ],
)
def test_effects(text, effects):
    assert of(text).kernel.table[3] == tuple(effects)


def test_a_cap_may_stand_beside_then():
    assert of("{credit: 20%}", "    cap: 1_000\n").kernel.table == of("{credit: 20%, cap: 1000}").kernel.table


def test_texts_and_goods_are_numbered_once():
    programme = load(
        HEAD
        + """\
rules:
  - {id: a, then: {free: TEA, message: {en: Hi, fa: سلام}}}
  - {id: b, then: {free: BUN, message: {en: Bye}}}
  - {id: c, then: {free: TEA, message: {fa: سلام, en: Hi}}}
"""
    )
    assert programme.free_skus == ("TEA", "BUN")
    assert programme.messages == (Message(en="Hi", fa="سلام"), Message(en="Bye"))
    numbers = [(row[0], row[1]) for row in programme.kernel.table[3]]
    free, message = Effect.FREE_ITEM, Effect.MESSAGE
    assert numbers == [(free, 0), (message, 0), (free, 1), (message, 1), (free, 0), (message, 0)]
