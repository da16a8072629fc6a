"""Names and their numbers."""

import pytest

import switch.programme
from cext.programme_table import FACTS_MAX, SLOTS_MAX, Lookup, Period
from switch.programme.errors import ExpressionError
from switch.programme.names import Declared, Names, SlotsInOrder
from tests.switch.programme.programmes import ids, load, rules


def names(slots=None):
    return Names(Declared(), ids, slots or SlotsInOrder())


def test_slots_are_numbered_by_first_mention():
    slots = SlotsInOrder()
    assert [slots("stamp", "a"), slots("ticket", "a"), slots("stamp", "a"), slots("stamp", "b")] == [1, 2, 1, 3]


def test_tags_take_the_last_slots_and_the_rest_the_first():
    slots = SlotsInOrder()
    assert [slots("tag", "a"), slots("stamp", "a"), slots("tag", "b"), slots("tag", "a")] == [4_095, 1, 4_094, 4_095]
    assert slots("uses", "a/day") == 2
    assert [slots("tag", str(number)) for number in range(15)][-2:] == [4_080, 0]
    assert slots("grant", "a") == 3


def test_a_slot_is_asked_for_once():
    asked = []
    known = names(lambda kind, name: asked.append((kind, name)) or 7)
    assert [known.slot("stamp", "a"), known.slot("stamp", "a"), known.uses_slot("r", "day")] == [7, 7, 7]
    assert asked == [("stamp", "a"), ("uses", "r/day")]
    assert known.allotted == {("stamp", "a"): 7, ("uses", "r/day"): 7}


@pytest.mark.parametrize("slot", [-1, 0, SLOTS_MAX + 1])
def test_a_slot_outside_the_table_is_refused(slot):
    with pytest.raises(ExpressionError, match="more than 4095"):
        names(lambda _kind, _name: slot).slot("stamp", "a")


def test_the_same_look_has_the_same_number():
    known = names()
    looks = [
        known.stamps("a"),
        known.quantity("sku", "a"),
        known.stamps("a"),
        known.quantity("category", "a"),
        known.uses("a"),
        known.offered(0, 1, "goal", None),
        known.quantity("sku", "a"),
    ]
    assert [look.number - FACTS_MAX for look in looks] == [0, 1, 0, 2, 3, 4, 1]
    assert [look.conditional for look in looks] == [False] * 5 + [True, False]
    assert list(known.lookups) == [
        (Lookup.COUNTER, 1, Period.LIFE),
        (Lookup.QUANTITY, 0, 0),
        (Lookup.QUANTITY, 1, 0),
        (Lookup.COUNTER, 2, Period.LIFE),
        (Lookup.GRANT, 0, 1),
    ]
    assert list(known.quantities) == [("sku", "a"), ("category", "a")]


def test_a_name_may_stand_without_quotes():
    quoted, plain = (
        load(rules("id: a, then: {points: 1}", f"id: b, when: 'uses({name}) > 1', then: {{points: 1}}"))
        for name in ('"a"', "a")
    )
    assert quoted.kernel.table == plain.kernel.table


def test_merchants_institutions_and_categories_are_asked_for_by_name():
    asked = []

    def note(kind, name):
        asked.append((kind, name))
        return 5

    condition = 'merchant == "M1" or institution in ("A", "581672") or category != "tea"'
    switch.programme.load(rules(f"id: a, when: '{condition}', then: {{points: 1}}"), ids=note)
    assert asked == [("merchant", "M1"), ("institution", "A"), ("institution", "581672"), ("category", "tea")]
