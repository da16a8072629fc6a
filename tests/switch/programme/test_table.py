"""Stamp cards, limits, offers and tiers as rows of the table."""

from cext.programme_table import FACTS_MAX, NO_CAP, Effect, Fact, Lookup, Occasion, Opcode, Period, TierBasis
from tests.switch.programme.programmes import HEAD, load, rules


def test_a_stamp_card_is_two_rows():
    programme = load(
        rules(
            "id: base, then: {points: 1}",
            """id: barber, when: category == "haircut" or hour == 3, exclusive: g, uses: {day: 1},
               then: {points: 5, stamp: {key: cut, need: 10, reward: {discount: 50%, cap: 900, message: {en: Yes}}}}""",
        )
    )
    _, code, rows, effects, lookups, limits, *_ = programme.kernel.table
    stamps, uses = programme.slots["stamp", "cut"], programme.slots["uses", "barber/day"]
    assert programme.rule_ids == ("base", "barber.reward", "barber")
    assert lookups == ((Lookup.COUNTER, stamps, Period.LIFE),)
    assert code == (
        (Opcode.FACT_NE, Fact.CATEGORY, 4, 2),
        (Opcode.FACT_EQ, Fact.HOUR, 3, -1),
        (Opcode.FACT_GE, FACTS_MAX, 10, -1),
        (Opcode.FACT_NE, Fact.CATEGORY, 4, 5),
        (Opcode.FACT_EQ, Fact.HOUR, 3, -1),
        (Opcode.FACT_LT, FACTS_MAX, 10, -1),
    )
    assert rows[1:] == ((0, 3, 1, 1, 4, 0, 0, 0, 1), (3, 6, 1, 4, 6, 0, 0, 1, 2))
    assert effects[1:] == (
        (Effect.DISCOUNT_RATE, 1, 2, 900, 0),
        (Effect.COUNTER_FIXED, -10, 1, NO_CAP, stamps),
        (Effect.MESSAGE, 0, 1, NO_CAP, 0),
        (Effect.POINTS_FIXED, 5, 1, NO_CAP, 0),
        (Effect.COUNTER_FIXED, 1, 1, NO_CAP, stamps),
    )
    assert limits == ((uses, Period.DAY, 1), (uses, Period.DAY, 1))


def test_limits_of_every_period():
    programme = load(rules("id: a, uses: {life: 9, day: 1, year: 5, month: 3}, then: {points: 1}"))
    slots = programme.slots
    assert programme.kernel.table[5] == (
        (slots["uses", "a/day"], Period.DAY, 1),
        (slots["uses", "a/month"], Period.MONTH, 3),
        (slots["uses", "a/year"], Period.YEAR, 5),
        (slots["uses", "a/life"], Period.LIFE, 9),
    )
    assert programme.kernel.table[2][0][-2:] == (0, 4)


def test_uses_that_are_asked_for_are_counted_once():
    programme = load(
        rules(
            "id: free, then: {points: 1}",
            "id: bound, uses: {life: 3}, then: {points: 1}",
            "id: asks, when: 'uses(free) > 2 and uses(\"bound\") == 3', then: {points: 1}",
        )
    )
    free, bound = programme.slots["uses", "free/life"], programme.slots["uses", "bound/life"]
    _, _, _, effects, lookups, limits, *_ = programme.kernel.table
    assert lookups == ((Lookup.COUNTER, free, Period.LIFE), (Lookup.COUNTER, bound, Period.LIFE))
    assert [row for row in effects if row[0] == Effect.COUNTER_FIXED] == [(Effect.COUNTER_FIXED, 1, 1, NO_CAP, free)]
    assert limits == ((bound, Period.LIFE, 3),)


def test_offers_are_numbered_as_written_and_rules_by_priority():
    programme = load(
        rules(
            "id: one, grant: {if: visits > 1, set: {a: 20, b: 2 * spend}, lives: 9 days}, when: amount > grant.b,"
            " then: {points: 1}",
            "id: two, grant: {if: visits > 2, lives: 1 day}, priority: 5, then: {points: 1}",
        )
    )
    _, code, rows, _, lookups, _, grants, values, _ = programme.kernel.table
    assert programme.rule_ids == ("two", "one")
    assert [row[6] for row in rows] == [2, 1]
    assert lookups == ((Lookup.GRANT, 0, 1),)
    assert grants == (
        (programme.slots["grant", "one"], 0, 1, 9, 0, 2),
        (programme.slots["grant", "two"], 5, 6, 1, 2, 2),
    )
    assert values == ((1, 2), (2, 5))
    assert code[1] == (Opcode.PUSH_CONSTANT, 0, 20, -1)
    assert code[6:] == (
        (Opcode.REQUIRE, FACTS_MAX, 0, -1),
        (Opcode.PUSH_FACT, Fact.AMOUNT, 0, -1),
        (Opcode.PUSH_FACT, FACTS_MAX, 0, -1),
        (Opcode.STACK_GT, 0, 0, -1),
    )


def test_quantities_are_numbered_by_first_mention():
    programme = load(
        rules(
            'id: a, when: \'qty(sku="A1") > 2 or qty(category="tea") > 3\', then: {points: 1}',
            "id: b, when: 'qty(category=\"tea\") > 2', then: {points: 1}",
        )
    )
    assert programme.quantities == (("sku", "A1"), ("category", "tea"))
    assert programme.kernel.table[4] == ((Lookup.QUANTITY, 0, 0), (Lookup.QUANTITY, 1, 0))


def test_events_have_their_occasion_and_numbers_in_alphabetical_order():
    programme = load(
        rules(
            "id: a, when: event == 'survey', then: {points: 1}",
            "id: b, then: {points: 1}",
            'id: c, when: \'event in ("checkin", "app") and visits > 3\', then: {points: 1}',
        )
    )
    assert programme.events == {"app": 1, "checkin": 2, "survey": 3}
    assert [row[5] for row in programme.kernel.table[2]] == [Occasion.EVENT, Occasion.PURCHASE, Occasion.EVENT]
    assert programme.kernel.table[1][0] == (Opcode.FACT_EQ, Fact.EVENT, 3, -1)


def test_tiers_and_the_most_that_discounts_may_be():
    programme = load(
        HEAD
        + """\
max_discount: 30%
rules:
  - {id: a, when: tier >= "gold", then: {points: 1}}
tiers:
  - {id: silver, from: {spend: 1000}}
  - {id: gold, from: {spend: 5000}, multiply: 1.25}
"""
    )
    assert programme.kernel.table[0] == (364, 100, 24, 0, 3, 10, 0, 0, 0)
    assert programme.kernel.table[1] == ((Opcode.FACT_GE, Fact.TIER, 2, -1),)
    assert programme.kernel.table[8] == ((TierBasis.SPEND, 1_000, 1, 1), (TierBasis.SPEND, 5_000, 5, 4))
