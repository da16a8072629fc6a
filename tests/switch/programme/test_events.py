"""Rules for events alone."""

import pytest

from switch.programme.events import events_in, is_false_without_event, numbered
from switch.programme.expression import read_condition
from switch.programme.terms import Comparison
from tests.switch.programme.programmes import scope


def read(text):
    return read_condition(text, scope())


@pytest.mark.parametrize(
    ("text", "events", "alone"),
    [
        ("visits > 3", set(), False),
        ('event == "a"', {"a"}, True),
        ('"a" == event', {"a"}, True),
        ('event != "a"', {"a"}, False),
        ('not event != "a"', {"a"}, True),
        ('event in ("a", "b")', {"a", "b"}, True),
        ('event not in ("a", "b")', {"a", "b"}, False),
        ('event == "a" and visits > 3', {"a"}, True),
        ('event == "a" or visits > 3', {"a"}, False),
        ('event == "a" or event == "b" and age > 3', {"a", "b"}, True),
        ('(event == "a" or visits > 3) and event == "b"', {"a", "b"}, True),
        ('not (event == "a" and visits > 3)', {"a"}, False),
    ],
)
def test_which_and_whether_alone(text, events, alone):
    assert events_in(read(text)) == events
    assert is_false_without_event(read(text)) is alone


def test_numbers_are_put_in():
    truth = numbered(read('(event == "b" or event == "a") and visits > 3'), {"a": 1, "b": 2})
    either, visits = truth.parts
    assert [part.right.value for part in either.parts] == [2, 1]
    assert isinstance(visits, Comparison)
    assert visits.right.value == 3
