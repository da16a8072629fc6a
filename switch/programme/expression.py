"""Reads conditions and numbers: text to the terms of `switch.programme.terms`.

Python's own parser reads the text and a whitelist of its nodes is taken; nothing is ever evaluated as Python.
Integers only; `+ - * // %` over constants and facts; comparisons may be chained; `in` takes a list in
brackets. A fault among constants is an error here; one while a condition is walked makes it false.
"""

import ast
import warnings
from collections.abc import Iterator
from typing import Protocol

from cext.programme_table import Opcode
from switch.programme.errors import ExpressionError, shown
from switch.programme.terms import (
    All,
    Arithmetic,
    Comparison,
    Constant,
    Either,
    Look,
    Negative,
    Relation,
    Texts,
    Truth,
    Unit,
    Value,
)
from switch.programme.units import check_alike, unit_of

CHARACTERS_MAX = 1_000
DEPTH_MAX = 32
INT64_MIN = -(2**63)
INT64_MAX = 2**63 - 1

_RELATIONS: dict[type[ast.cmpop], Relation] = {
    ast.Eq: Relation.EQ,
    ast.NotEq: Relation.NE,
    ast.Lt: Relation.LT,
    ast.LtE: Relation.LE,
    ast.Gt: Relation.GT,
    ast.GtE: Relation.GE,
}
_OPERATORS: dict[type[ast.operator], Opcode] = {
    ast.Add: Opcode.ADD,
    ast.Sub: Opcode.SUBTRACT,
    ast.Mult: Opcode.MULTIPLY,
    ast.FloorDiv: Opcode.FLOOR_DIVIDE,
    ast.Mod: Opcode.MODULO,
}
_ORDERED = frozenset({Texts.TIER, Texts.DATE})
_NUMBERED = frozenset({Texts.WEEKDAY})


class Scope(Protocol):
    """What names mean where an expression stands. Each raises ExpressionError for what there is not."""

    def fact(self, name: str) -> Look:
        """A fact that is a plain word."""

    def call(self, name: str, plain: list[str], named: dict[str, str]) -> Look:
        """A fact that takes names in brackets."""

    def member(self, name: str, part: str) -> Look:
        """A fact of the shape `name.part`."""

    def number_of(self, look: Look, text: str) -> int:
        """The number that stands for a text which a fact is compared with."""


def read_condition(text: str, scope: Scope) -> Truth:
    """Read a condition. Raises ExpressionError."""
    return _Reader(scope).truth(_parse(text), negated=False)


def read_number(text: str, scope: Scope) -> Value:
    """Read arithmetic. Raises ExpressionError."""
    value = _Reader(scope).value(_parse(text))
    unit_of(value)
    return value


def _parse(text: str) -> ast.expr:
    if len(text) > CHARACTERS_MAX:
        raise ExpressionError(f"a condition has at most {CHARACTERS_MAX} characters")
    if "\\" in text or "\0" in text:
        raise ExpressionError("backslashes have no meaning here")
    one_line = " ".join(text.split())
    if not one_line:
        raise ExpressionError("the condition is empty")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            tree = ast.parse(one_line, mode="eval").body
    except SyntaxError as error:
        raise ExpressionError(f"cannot be read: {error.msg[:80]} (at character {error.offset or 1})") from None
    except (ValueError, RecursionError, MemoryError):
        raise ExpressionError("cannot be read: it is nested too deeply") from None
    if any(depth > DEPTH_MAX for depth in _depths(tree)):
        raise ExpressionError(f"nested deeper than {DEPTH_MAX} levels")
    return tree


def _depths(tree: ast.AST) -> Iterator[int]:
    waiting = [(tree, 1)]
    while waiting:
        node, depth = waiting.pop()
        yield depth
        if depth <= DEPTH_MAX:
            waiting += [(child, depth + 1) for child in ast.iter_child_nodes(node)]


class _Reader:
    """Turns one parsed tree into terms."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def truth(self, node: ast.expr, *, negated: bool) -> Truth:
        """The node's truth, or its opposite."""
        if isinstance(node, ast.BoolOp):
            parts = tuple(self.truth(part, negated=negated) for part in node.values)
            return _joined(parts, by_and=isinstance(node.op, ast.And) is not negated)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return self.truth(node.operand, negated=not negated)
        if isinstance(node, ast.Compare):
            lefts = [node.left, *node.comparators[:-1]]
            links = zip(lefts, node.ops, node.comparators, strict=True)
            # `a < b <= c` is `a < b and b <= c`; values are pure, so b may be worked out twice.
            return _joined(tuple(self._link(*link, negated=negated) for link in links), by_and=not negated)
        if isinstance(node, ast.Name | ast.Call):
            look = self._look(node)
            if look is not None and look.unit is Unit.TRUTH:
                return Comparison(Relation.EQ if negated else Relation.NE, look, Constant(0))
        if isinstance(node, ast.Name | ast.Constant | ast.BinOp | ast.UnaryOp):
            raise ExpressionError("a condition compares, such as `amount >= 200000`")
        if isinstance(node, ast.Call | ast.Attribute):
            self.value(node)
            raise ExpressionError("a condition compares, such as `amount >= 200000`")
        raise ExpressionError(f"{_words(node)} is not allowed")

    def _link(self, left: ast.expr, operator: ast.cmpop, right: ast.expr, *, negated: bool) -> Truth:
        if isinstance(operator, ast.In | ast.NotIn):
            if not isinstance(right, ast.Tuple | ast.List | ast.Set) or not right.elts:
                raise ExpressionError("`in` takes a list such as (6, 7)")
            among = isinstance(operator, ast.In) is not negated
            relation = Relation.EQ if among else Relation.NE
            return _joined(tuple(self._compared(left, relation, item) for item in right.elts), by_and=not among)
        found = _RELATIONS.get(type(operator))
        if found is None:
            raise ExpressionError("`is` is not allowed: compare with ==")
        return self._compared(left, found.negated if negated else found, right)

    def _compared(self, left: ast.expr, relation: Relation, right: ast.expr) -> Comparison:
        if _is_text(left):
            left, relation, right = right, relation.mirrored, left
        if isinstance(right, ast.Constant) and isinstance(right.value, str):
            return self._with_text(left, relation, right.value)
        before, after = self._side(left), self._side(right)
        check_alike(unit_of(before), unit_of(after), "compared with")
        if isinstance(before, Constant) and isinstance(after, Look):
            return Comparison(relation.mirrored, after, before)
        return Comparison(relation, before, after)

    def _with_text(self, left: ast.expr, relation: Relation, text: str) -> Comparison:
        if _is_text(left):
            raise ExpressionError("a text is compared with text: one side should be a fact")
        look = self.value(left, may_be_name=True)
        if not isinstance(look, Look) or look.texts is None:
            what = look.name if isinstance(look, Look) else "a number"
            raise ExpressionError(f"{what} is compared with text {shown(text)}, but it is a number")
        if relation not in (Relation.EQ, Relation.NE) and look.texts not in _ORDERED:
            raise ExpressionError("text is compared with ==, != or in")
        return Comparison(relation, look, Constant(self._scope.number_of(look, text), text))

    def _side(self, node: ast.expr) -> Value:
        """One side of a comparison of numbers."""
        value = self.value(node, may_be_name=True)
        if isinstance(value, Look) and value.texts is not None and value.texts not in _NUMBERED:
            raise ExpressionError(f"{value.name} is compared with text in quotes")
        return value

    def value(self, node: ast.expr, *, may_be_name: bool = False) -> Value:
        """Arithmetic over constants and facts, its constants folded."""
        look = self._look(node)
        if look is not None:
            if look.unit is Unit.TRUTH:
                raise ExpressionError(f"{look.name} is true or not and stands by itself")
            if look.texts is not None and look.texts not in _NUMBERED and not may_be_name:
                raise ExpressionError(f"{look.name} is a name and takes no part in arithmetic")
            return look
        if isinstance(node, ast.Constant):
            if type(node.value) is not int:
                raise ExpressionError(f"{_words(node)} is not a whole number")
            return Constant(_bounded(node.value))
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            operand = self.value(node.operand)
            return Constant(_bounded(-operand.value)) if isinstance(operand, Constant) else Negative(operand)
        if isinstance(node, ast.BinOp):
            opcode = _OPERATORS.get(type(node.op))
            if opcode is None:
                hint = ": divide with //, which rounds down" if isinstance(node.op, ast.Div) else ""
                raise ExpressionError("arithmetic knows + - * // and %" + hint)
            left, right = self.value(node.left), self.value(node.right)
            if isinstance(left, Constant) and isinstance(right, Constant):
                return Constant(_folded(opcode, left.value, right.value))
            return Arithmetic(opcode, left, right)
        raise ExpressionError(f"{_words(node)} is not allowed")

    def _look(self, node: ast.expr) -> Look | None:
        if isinstance(node, ast.Name):
            return self._scope.fact(node.id)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            return self._scope.member(node.value.id, node.attr)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            plain = [_name_in_brackets(argument) for argument in node.args]
            named = {keyword.arg or "**": _name_in_brackets(keyword.value) for keyword in node.keywords}
            return self._scope.call(node.func.id, plain, named)
        return None


def _joined(parts: tuple[Truth, ...], *, by_and: bool) -> Truth:
    if len(parts) == 1:
        return parts[0]
    return All(parts) if by_and else Either(parts)


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _name_in_brackets(node: ast.expr) -> str:
    """`"cut"` or `cut`."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    raise ExpressionError('brackets take a name, such as stamps("cut")')


def _bounded(number: int) -> int:
    if not INT64_MIN <= number <= INT64_MAX:
        raise ExpressionError("the number is too large")
    return number


def _folded(opcode: Opcode, left: int, right: int) -> int:
    if opcode in (Opcode.FLOOR_DIVIDE, Opcode.MODULO) and right == 0:
        raise ExpressionError("division by zero")
    return _bounded(
        {
            Opcode.ADD: lambda: left + right,
            Opcode.SUBTRACT: lambda: left - right,
            Opcode.MULTIPLY: lambda: left * right,
            Opcode.FLOOR_DIVIDE: lambda: left // right,
            Opcode.MODULO: lambda: left % right,
        }[opcode]()
    )


def _words(node: ast.expr) -> str:
    """What a node is called in an error."""
    if isinstance(node, ast.Constant):
        return "true or false" if isinstance(node.value, bool) else f"a {type(node.value).__name__}"
    return {
        "Call": "a call",
        "Attribute": "a dot",
        "Subscript": "an index",
        "Lambda": "a function",
        "IfExp": "if … else",
        "NamedExpr": ":=",
        "Tuple": "a list",
        "List": "a list",
    }.get(type(node).__name__, f"{type(node).__name__}")
