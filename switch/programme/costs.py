"""Rules whose cost has no bound: a share of any amount, however large, or something for a message that costs nothing.

Points for amounts are what a programme is made of and grow with what is paid; they are only told of when they are worth
much of it. What is fixed for a purchase is bounded by it. A rule is bounded by `cap`, `uses`, an offer (it is used up),
a hold-out (somebody measures it), a budget, or a condition that bounds the amount or the visits.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction

from cext.programme_table import Fact
from switch.programme.document import Path
from switch.programme.events import events_in
from switch.programme.model import PointsPer, ProgrammeModel, Rule
from switch.programme.reading import RuleTerms
from switch.programme.terms import All, Comparison, Constant, Look, Relation, Truth

Found = tuple[Path, str]

POINTS_SHARE_MAX = Fraction(1, 10)
"""Points that are worth this share of what is paid for them are told of."""
_FROM_ABOVE = (Relation.LT, Relation.LE, Relation.EQ)
_BOUNDING = (int(Fact.AMOUNT), int(Fact.VISITS))
_WAYS_OUT = "give it a cap, uses, a holdout or a budget"


def unbounded(model: ProgrammeModel, terms: Sequence[RuleTerms]) -> Iterator[Found]:
    """Each rule and reward whose cost has no bound, and why."""
    for index, (rule, read) in enumerate(zip(model.rules, terms, strict=True)):
        if _is_bounded(rule, read):
            continue
        for key, what in _without_bound(model, rule, read):
            yield ("rules", index, "then", key), f"the cost has no bound: {what}; {_WAYS_OUT}"
    for index, choice in enumerate(model.rewards):
        if choice.points == 0 and choice.uses is None and choice.budget is None:
            reason = "the cost has no bound: it costs no points and may be had with every purchase; give it uses"
            yield ("rewards", index, "points"), reason


def _is_bounded(rule: Rule, read: RuleTerms) -> bool:
    if any(bound is not None for bound in (rule.uses, rule.grant, rule.holdout, rule.budget)):
        return True
    return rule.bound is not None or any(map(_bounds, _joined_by_and(read.when)))


def _joined_by_and(when: Truth | None) -> Iterator[Truth]:
    if isinstance(when, All):
        for part in when.parts:
            yield from _joined_by_and(part)
    elif when is not None:
        yield when


def _bounds(part: Truth) -> bool:
    match part:
        case Comparison(relation, Look(number=number), Constant()):
            return number in _BOUNDING and relation in _FROM_ABOVE
    return False


def _without_bound(model: ProgrammeModel, rule: Rule, read: RuleTerms) -> Iterator[tuple[str, str]]:
    then = rule.then
    if read.when is not None and events_in(read.when):
        for key in ("points", "credit", "ticket"):
            if getattr(then, key) is not None:
                yield key, "an event costs nothing and may come any number of times"
        return
    if isinstance(then.discount, Fraction):
        yield "discount", "a share of any amount"
    if isinstance(then.credit, Fraction):
        yield "credit", "a share of any amount"
    if isinstance(then.points, PointsPer):
        worth = Fraction(then.points.points * model.point.value, then.points.per)
        if worth >= POINTS_SHARE_MAX:
            yield "points", f"points worth {float(worth):.0%} of any amount"
