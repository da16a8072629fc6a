"""From a programme's YAML to the kernel's table: `load`."""

import difflib
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from cext._kernel import Programme
from cext.programme_table import INSTRUCTIONS_MAX, NO_CAP, Effect, EffectRow, Instruction, RuleRow, Table
from switch.programme.document import Document, Path, read
from switch.programme.errors import Problem, ProgrammeError, shown
from switch.programme.expression import ExpressionError, Ids, compile_condition
from switch.programme.model import CODE, NAME, Partner, PointsPer, ProgrammeModel, Rule, Then

KEYS_TO_COME = frozenset(
    {
        "budget",
        "free",
        "grant",
        "max_discount",
        "message",
        "stamp",
        "ticket",
        "tier",
        "tiers",
        "uses",
    }
)
_PATTERNS = {
    NAME: "should be a name of lower-case letters, digits and _ that begins with a letter",
    CODE: "should be a code of letters, digits, _ and -",
}
_KEYS = (*ProgrammeModel.model_fields, *Rule.model_fields, *Then.model_fields)


@dataclass(frozen=True, slots=True)
class CompiledProgramme:
    """A programme that is ready to run.

    `point_value` is in minor units of `currency`; `rule_ids` are in the order of evaluation, which is what a
    decision's `rules` count in; `source_hash` is the SHA-256 of the text, in hex.
    """

    name: str
    owner: str
    currency: int
    timezone: str
    point_value: int
    kernel: Programme
    rule_ids: tuple[str, ...]
    partners: tuple[Partner, ...]
    source_hash: str


def load(text: str, *, ids: Ids) -> CompiledProgramme:
    """Validate and compile a programme's YAML. Raises ProgrammeError, which names every mistake with its
    line.

    `ids(kind, name)` gives the number of a category, merchant or institution that a condition names, or
    raises KeyError.
    """
    document = read(text)
    try:
        model = ProgrammeModel.model_validate(document.content)
    except ValidationError as error:
        problems = [_problem(document, details) for details in error.errors(include_url=False, include_input=False)]
        raise ProgrammeError([*problems, *_faulty_conditions(document, ids)]) from None
    problems = [*_repeated_ids(document, model), *_faulty_conditions(document, ids)]
    if problems:
        raise ProgrammeError(problems)
    rules = sorted(model.rules, key=lambda rule: -rule.priority)
    return CompiledProgramme(
        name=model.programme,
        owner=model.owner,
        currency=model.currency,
        timezone=model.timezone,
        point_value=model.point.value,
        kernel=Programme(table_of(model, rules, ids)),
        rule_ids=tuple(rule.id for rule in rules),
        partners=tuple(model.partners),
        source_hash=hashlib.sha256(text.encode()).hexdigest(),
    )


def _problem(document: Document, details: ErrorDetails) -> Problem:
    """One of pydantic's errors, with its line and in the words of the file."""
    location: Path = details["loc"]
    line, path = document.place(location)
    kind = details["type"]
    if kind == "missing":
        reason = f"the key {location[-1]} is required"
    elif kind == "extra_forbidden":
        reason = _unknown_key(str(location[-1]), path)
    elif kind == "string_pattern_mismatch":
        reason = _PATTERNS[details["ctx"]["pattern"]]
    else:
        reason = details["msg"].removeprefix("Value error, ").removeprefix("Input ")
    return Problem(line, _written(path), reason)


def _unknown_key(key: str, path: Path) -> str:
    if key in KEYS_TO_COME:
        return f"{key} is not supported yet"
    if key == "cap" and len(path) == 3:
        return "cap belongs into `then`"
    near = difflib.get_close_matches(key, _KEYS, n=1)
    return f"unknown key {shown(key)}" + (f"; did you mean {near[0]}?" if near else "")


def _written(path: Path) -> str:
    """('rules', 2, 'then') as `rules[2].then`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")[:120]


def _conditions(document: Document) -> Iterator[tuple[Path, str]]:
    """Every condition that can be found, even if the file is wrong elsewhere."""
    rules = document.content.get("rules") if isinstance(document.content, dict) else None
    for index, rule in enumerate(rules if isinstance(rules, list) else []):
        when = rule.get("when") if isinstance(rule, dict) else None
        if isinstance(when, str):
            yield ("rules", index, "when"), when


def _faulty_conditions(document: Document, ids: Ids) -> Iterator[Problem]:
    for path, when in _conditions(document):
        try:
            compile_condition(when, ids, 0)
        except ExpressionError as error:
            yield Problem(document.lines[path], _written(path), str(error))


def _repeated_ids(document: Document, model: ProgrammeModel) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, rule in enumerate(model.rules):
        if rule.id in seen:
            path = ("rules", index, "id")
            yield Problem(document.lines[path], _written(path), f"a rule {rule.id} is there already")
        seen.add(rule.id)


def table_of(model: ProgrammeModel, rules: list[Rule], ids: Ids) -> Table:
    """The flat table (`cext.programme_table`) of a valid programme, its rules in the order of evaluation."""
    code: list[Instruction] = []
    rows: list[RuleRow] = []
    effects: list[EffectRow] = []
    groups: dict[str, int] = {}
    for rule in rules:
        condition = compile_condition(rule.when, ids, len(code)) if rule.when is not None else []
        group = groups.setdefault(rule.exclusive, len(groups) + 1) if rule.exclusive is not None else 0
        gives = list(_effects_of(rule.then))
        rows.append(
            (len(code), len(code) + len(condition), group, len(effects), len(effects) + len(gives)),
        )
        code += condition
        effects += gives
    if len(code) > INSTRUCTIONS_MAX:
        raise ProgrammeError([Problem(1, "rules", "the conditions are too long together")])
    header = (model.currency, model.point.value, model.point.expires, int(model.deficit == "allow"))
    return header, tuple(code), tuple(rows), tuple(effects)


def _effects_of(then: Then) -> Iterator[EffectRow]:
    cap = NO_CAP if then.cap is None else then.cap
    if then.discount is not None:
        yield _share(then.discount, Effect.DISCOUNT_RATE, Effect.DISCOUNT_AMOUNT, cap)
    if isinstance(then.points, PointsPer):
        yield int(Effect.POINTS_PER), then.points.points, then.points.per, cap
    elif then.points is not None:
        yield int(Effect.POINTS_FIXED), then.points, 1, cap
    if then.multiply is not None:
        yield int(Effect.MULTIPLY), then.multiply.numerator, then.multiply.denominator, cap
    if then.credit is not None:
        yield _share(then.credit, Effect.CREDIT_RATE, Effect.CREDIT_AMOUNT, cap)


def _share(share: Fraction | int, rate: Effect, amount: Effect, cap: int) -> EffectRow:
    if isinstance(share, int):
        return int(amount), share, 1, cap
    return int(rate), share.numerator, share.denominator, cap
