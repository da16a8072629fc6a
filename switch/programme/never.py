"""Finds conditions that can never hold, from the bounds that they set to single facts.

What it finds is so; what it does not find may be so all the same, as arithmetic and the relations between facts
are not looked into.
"""

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from switch.programme.terms import All, Comparison, Constant, Either, Look, Relation, Texts, Truth

_RELATIONS: tuple[Callable[[int, int], bool], ...] = (
    operator.eq,
    operator.ne,
    operator.lt,
    operator.le,
    operator.gt,
    operator.ge,
)
_ENUMERABLE = 64


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a fact may still be."""

    low: int | None
    high: int | None
    excluded: frozenset[int] = frozenset()

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left."""
        if self.low is None or self.high is None:
            return False
        if self.high - self.low >= _ENUMERABLE:
            return False
        return all(number in self.excluded for number in range(self.low, self.high + 1))

    def narrowed(self, relation: Relation, value: int) -> "Bounds":
        """What is left once the fact has this relation to `value`."""
        match relation:
            case Relation.NE:
                return replace(self, excluded=self.excluded | {value})
            case Relation.EQ:
                return self._between(value, value)
            case Relation.LT:
                return self._between(None, value - 1)
            case Relation.LE:
                return self._between(None, value)
            case Relation.GT:
                return self._between(value + 1, None)
            case Relation.GE:
                return self._between(value, None)

    def _between(self, low: int | None, high: int | None) -> "Bounds":
        lows = [bound for bound in (self.low, low) if bound is not None]
        highs = [bound for bound in (self.high, high) if bound is not None]
        return replace(self, low=max(lows, default=None), high=min(highs, default=None))


class Contradictions:
    """Looks for contradictions; `known` bounds facts, by their number, closer than the facts themselves do."""

    def __init__(self, known: Mapping[int, Bounds]) -> None:
        self._known = known
        self._texts: dict[str, int] = {}

    def why_never(self, truth: Truth) -> str | None:
        """Why a condition can never hold; None if it may."""
        return self._why({}, truth)

    def _why(self, bounds: Mapping[int, Bounds], truth: Truth) -> str | None:
        left = dict(bounds)
        choices: list[Either] = []
        for part in _flat(truth):
            if isinstance(part, Either):
                choices.append(part)
                continue
            why = self._take(left, part)
            if why is not None:
                return why
        for choice in choices:
            reasons = [self._why(left, part) for part in choice.parts]
            if None not in reasons:
                return reasons[0]
        return None

    def _take(self, bounds: dict[int, Bounds], comparison: Comparison) -> str | None:
        """Narrow the bounds by a comparison; why that leaves nothing, if it does."""
        look, constant = comparison.left, comparison.right
        if isinstance(look, Constant) and isinstance(constant, Constant):
            holds = _RELATIONS[comparison.relation](look.value, constant.value)
            return None if holds else "it compares two numbers, and that is false"
        if not isinstance(look, Look) or not isinstance(constant, Constant):
            return None
        whole = self._known.get(look.number) or _whole(look)
        value = self._value(look, constant)
        bounds[look.number] = bounds.get(look.number, whole).narrowed(comparison.relation, value)
        if not bounds[look.number].is_empty:
            return None
        if whole.narrowed(comparison.relation, value).is_empty:
            return f"{look.name} is {_range(whole)}"
        return f"what it asks of {look.name} contradicts itself"

    def _value(self, look: Look, constant: Constant) -> int:
        if constant.text is None or look.texts in (Texts.TIER, Texts.WEEKDAY, Texts.DATE):
            return constant.value
        # Texts are told apart here even where the numbers of a database are not at hand.
        return self._texts.setdefault(constant.text, len(self._texts))


def _flat(truth: Truth) -> Iterator[Comparison | Either]:
    if isinstance(truth, All):
        for part in truth.parts:
            yield from _flat(part)
    else:
        yield truth


def _whole(look: Look) -> Bounds:
    if look.texts not in (None, Texts.TIER, Texts.WEEKDAY, Texts.DATE):
        return Bounds(None, None)
    return Bounds(look.lowest, look.highest)


def _range(bounds: Bounds) -> str:
    if bounds.low == bounds.high:
        return f"always {bounds.low}"
    if bounds.high is None:
        return f"never below {bounds.low}"
    return f"{bounds.low} to {bounds.high}"
