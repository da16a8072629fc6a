"""Reads every expression of a programme's file, even if the file is wrong elsewhere."""

from dataclasses import dataclass, field

from switch.programme.coupons import counted, coupons_in, is_false_without
from switch.programme.document import Document, Path
from switch.programme.document import Value as Content
from switch.programme.errors import PROBLEMS_MAX, ExpressionError, Problem
from switch.programme.expression import read_condition, read_number
from switch.programme.model import REWARDS
from switch.programme.names import Names, RuleScope
from switch.programme.problems import problem_at
from switch.programme.terms import Truth, Unit, Value
from switch.programme.units import unit_of


@dataclass(slots=True)
class RuleTerms:
    """What a rule's expressions were read to. `grant`: the number of its offer, if it has one.

    `coupons`: the campaigns whose coupons it uses up when it fires.
    """

    when: Truth | None = None
    grant: int | None = None
    offered_if: Truth | None = None
    values: dict[str, Value] = field(default_factory=dict)
    coupons: tuple[str, ...] = ()


class Reading:
    """The terms of all rules and of the catalogue's rewards, in the order of the file, and what is wrong with them.

    After `PROBLEMS_MAX` mistakes the rest is not read.
    """

    def __init__(self, document: Document, names: Names) -> None:
        self.rules: list[RuleTerms] = []
        self.rewards: list[RuleTerms] = []
        self.problems: list[Problem] = []
        self._document = document
        self._names = names
        self._grants = 0
        content = document.content
        for key, read in (("rules", self.rules), (REWARDS, self.rewards)):
            written = content.get(key) if isinstance(content, dict) else None
            for index, rule in enumerate(written if isinstance(written, list) else []):
                if isinstance(rule, dict) and len(self.problems) < PROBLEMS_MAX:
                    read.append(self._rule((key, index), rule))
                else:
                    read.append(RuleTerms())

    def _rule(self, path: Path, rule: dict[str, Content]) -> RuleTerms:
        terms = RuleTerms()
        grant = rule.get("grant")
        units: dict[str, Unit | None] = {}
        if isinstance(grant, dict):
            terms.grant = self._grants
            self._grants += 1
            self._grant((*path, "grant"), grant, terms)
            frozen = grant.get("set")
            # A number that could not be read is known by name, so that one mistake is told once.
            units = dict.fromkeys(frozen) if isinstance(frozen, dict) else {}
            units |= {name: unit_of(value) for name, value in terms.values.items()}
        when = rule.get("when")
        if isinstance(when, str):
            scope = RuleScope(self._names, terms.grant, units)
            try:
                self._when(read_condition(when, scope), terms)
            except ExpressionError as error:
                self._wrong((*path, "when"), error)
        return terms

    def _when(self, condition: Truth, terms: RuleTerms) -> None:
        terms.coupons = coupons_in(condition)
        if any(not is_false_without(condition, campaign) for campaign in terms.coupons):
            raise ExpressionError(
                "a rule that asks for a coupon uses it up, so it may not fire without: join `coupon == …` to the rest "
                "with `and`, and give each coupon a rule of its own"
            )
        terms.when = counted(condition, self._names)

    def _grant(self, path: Path, grant: dict[str, Content], terms: RuleTerms) -> None:
        scope = RuleScope(self._names, at_grant=True)
        given = grant.get("if")
        if isinstance(given, str):
            try:
                terms.offered_if = read_condition(given, scope)
            except ExpressionError as error:
                self._wrong((*path, "if"), error)
        frozen = grant.get("set")
        for name, text in frozen.items() if isinstance(frozen, dict) else ():
            if isinstance(text, str) or (isinstance(text, int) and not isinstance(text, bool)):
                try:
                    terms.values[name] = read_number(str(text), scope)
                except ExpressionError as error:
                    self._wrong((*path, "set", name), error)

    def _wrong(self, path: Path, error: ExpressionError) -> None:
        self.problems.append(problem_at(self._document, path, str(error)))
