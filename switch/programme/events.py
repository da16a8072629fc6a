"""Events without a purchase: which a programme knows, and whether a rule is for them alone."""

from collections.abc import Mapping

from switch.programme.facts import EVENT_FACT
from switch.programme.terms import All, Comparison, Constant, Either, Look, Relation, Truth


def events_in(truth: Truth) -> frozenset[str]:
    """The events that a condition names."""
    match truth:
        case Comparison(_, Look(number=number), Constant(text=str(text))) if number == EVENT_FACT:
            return frozenset({text})
        case All(parts) | Either(parts):
            return frozenset[str]().union(*map(events_in, parts))
    return frozenset()


def numbered(truth: Truth, events: Mapping[str, int]) -> Truth:
    """The condition with each event's number."""
    match truth:
        case Comparison(relation, Look(number=number) as look, Constant(text=str(text))) if number == EVENT_FACT:
            return Comparison(relation, look, Constant(events[text], text))
        case All(parts):
            return All(tuple(numbered(part, events) for part in parts))
        case Either(parts):
            return Either(tuple(numbered(part, events) for part in parts))
    return truth


def is_false_without_event(truth: Truth) -> bool:
    """Whether a condition is false for every message that is no event."""
    match truth:
        case Comparison(relation, Look(number=number), Constant()) if number == EVENT_FACT:
            return relation is Relation.EQ
        case All(parts):
            return any(map(is_false_without_event, parts))
        case Either(parts):
            return all(map(is_false_without_event, parts))
    return False
