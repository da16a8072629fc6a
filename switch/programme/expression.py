"""Conditions: comparisons over facts, joined by `and`, `or` and `not`, compiled to the kernel's flat table.

Python's own parser reads the text and a whitelist of its nodes is compiled; nothing is ever evaluated as
Python. Integers only; `+ - * // %` over constants and facts; comparisons may be chained; `in` takes a list in
brackets. Text in quotes stands for a category, a merchant or an institution and is turned into its number
here. A fault while a condition is walked makes it false (`cext.programme_table`); a fault among constants is
an error here.
"""

import ast
import difflib
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from cext.programme_table import CONDITIONAL_FACTS, STACK_MAX, TARGET_FALSE, Fact, Instruction, Opcode
from switch.programme.errors import shown

CHARACTERS_MAX = 1_000
DEPTH_MAX = 32
INT64_MIN = -(2**63)
INT64_MAX = 2**63 - 1

Ids = Callable[[str, str], int]
"""(kind, name) → number, where kind is `category`, `merchant` or `institution`. KeyError: there is none."""

FACTS = {fact.name.lower(): fact for fact in Fact}
NAMED_FACTS = frozenset({Fact.CATEGORY, Fact.MERCHANT, Fact.INSTITUTION})
FACTS_TO_COME = frozenset(
    {
        "age",
        "club",
        "coupon",
        "days_to_birthday",
        "event",
        "grant",
        "qty",
        "spend_30d",
        "stamps",
        "uses",
    }
)

_RELATIONS: dict[type[ast.cmpop], int] = {
    ast.Eq: 0,
    ast.NotEq: 1,
    ast.Lt: 2,
    ast.LtE: 3,
    ast.Gt: 4,
    ast.GtE: 5,
}
_EQUAL, _NOT_EQUAL = 0, 1
_NEGATED = (1, 0, 5, 4, 3, 2)
_MIRRORED = (0, 1, 4, 5, 2, 3)
_OPERATORS: dict[type[ast.operator], Opcode] = {
    ast.Add: Opcode.ADD,
    ast.Sub: Opcode.SUBTRACT,
    ast.Mult: Opcode.MULTIPLY,
    ast.FloorDiv: Opcode.FLOOR_DIVIDE,
    ast.Mod: Opcode.MODULO,
}


class ExpressionError(ValueError):
    """What is wrong with a condition, in words for its author."""


@dataclass(slots=True, eq=False)
class _Label:
    """A place in the code that jumps lead to; it is known once it is reached."""

    at: int | None = None


@dataclass(slots=True)
class _Code:
    """Instructions of one condition, with labels for targets until it is complete."""

    rows: list[tuple[Opcode, int, int, _Label | None]] = field(default_factory=list)

    def emit(self, opcode: Opcode, fact: int = 0, constant: int = 0, target: _Label | None = None) -> None:
        self.rows.append((opcode, fact, constant, target))

    def place(self, label: _Label) -> None:
        label.at = len(self.rows)

    def finished(self, start: int) -> list[Instruction]:
        """The instructions as they stand from `start` on in the whole code."""
        return [
            (
                int(opcode),
                int(fact),
                constant,
                TARGET_FALSE if label is None or label.at is None else start + label.at,
            )
            for opcode, fact, constant, label in self.rows
        ]


def compile_condition(text: str, ids: Ids, start: int) -> list[Instruction]:
    """Compile a condition whose code will begin at `start`. Raises ExpressionError."""
    tree = _parse(text)
    code = _Code()
    # This label is never placed: a jump to it makes the condition false.
    _Compiler(code, ids).branch(tree, _Label(), when=False)
    return code.finished(start)


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
        raise ExpressionError(f"cannot be read: {error.msg} (at character {error.offset or 1})") from None
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


class _Compiler:
    """Emits one condition. Every jump goes forward, as an inner part is complete before what follows it."""

    def __init__(self, code: _Code, ids: Ids) -> None:
        self._code = code
        self._ids = ids

    def branch(self, node: ast.expr, target: _Label, *, when: bool) -> None:
        """Emit code that goes to `target` if the node's truth is `when`, and goes on otherwise."""
        if isinstance(node, ast.BoolOp):
            self._join(node.values, target, when, joined_by_and=isinstance(node.op, ast.And))
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            self.branch(node.operand, target, when=not when)
        elif isinstance(node, ast.Compare):
            self._chain(node, target, when)
        elif isinstance(node, ast.Name | ast.Constant | ast.BinOp | ast.UnaryOp):
            raise ExpressionError("a condition compares, such as `amount >= 200000`")
        else:
            raise ExpressionError(f"{_words(node)} is not allowed")

    def _join(self, parts: list[ast.expr], target: _Label, when: bool, *, joined_by_and: bool) -> None:
        if joined_by_and is not when:
            # `and` that is false, `or` that is true: any part alone decides.
            for part in parts:
                self.branch(part, target, when=when)
            return
        end = _Label()
        for part in parts[:-1]:
            self.branch(part, end, when=not when)
        self.branch(parts[-1], target, when=when)
        self._code.place(end)

    def _chain(self, node: ast.Compare, target: _Label, when: bool) -> None:
        """`a < b <= c` is `a < b and b <= c`; the values are pure, so b may be worked out twice."""
        if len(node.ops) == 1:
            self._compare(node.left, node.ops[0], node.comparators[0], target, when)
            return
        lefts = [node.left, *node.comparators[:-1]]
        links: list[ast.expr] = [
            ast.Compare(left, [relation], [right])
            for left, relation, right in zip(lefts, node.ops, node.comparators, strict=True)
        ]
        self._join(links, target, when, joined_by_and=True)

    def _compare(self, left: ast.expr, relation: ast.cmpop, right: ast.expr, target: _Label, when: bool) -> None:
        if isinstance(relation, ast.In | ast.NotIn):
            if not isinstance(right, ast.Tuple | ast.List | ast.Set) or not right.elts:
                raise ExpressionError("`in` takes a list such as (6, 7)")
            equals: list[ast.expr] = [ast.Compare(left, [ast.Eq()], [item]) for item in right.elts]
            wanted = when if isinstance(relation, ast.In) else not when
            self._join(equals, target, wanted, joined_by_and=False)
            return
        kind = _RELATIONS.get(type(relation))
        if kind is None:
            raise ExpressionError("`is` is not allowed: compare with ==")
        # An instruction jumps if its relation does not hold, so a jump on true is one on the opposite being
        # false.
        if when:
            kind = _NEGATED[kind]
        if _names(left) or _names(right) or _is_text(left) or _is_text(right):
            self._compare_text(left, right, kind, target)
        else:
            self._compare_numbers(left, right, kind, target)

    def _compare_text(self, left: ast.expr, right: ast.expr, kind: int, target: _Label) -> None:
        if _is_text(left):
            left, right = right, left
        if not _names(left) or not isinstance(right, ast.Constant) or not isinstance(right.value, str):
            raise ExpressionError("category, merchant and institution are compared with text in quotes, and only they")
        if kind not in (_EQUAL, _NOT_EQUAL):
            raise ExpressionError("text is compared with ==, != or in")
        assert isinstance(left, ast.Name)
        try:
            number = self._ids(left.id, right.value)
        except KeyError:
            raise ExpressionError(f"there is no {left.id} {shown(right.value)}") from None
        self._code.emit(Opcode(Opcode.FACT_EQ + kind), FACTS[left.id], number, target)

    def _compare_numbers(self, left: ast.expr, right: ast.expr, kind: int, target: _Label) -> None:
        for fact in sorted(_facts_of(left) | _facts_of(right)):
            if fact in CONDITIONAL_FACTS:
                self._code.emit(Opcode.REQUIRE, fact)
        if _constant(left) is not None and isinstance(right, ast.Name):
            left, right, kind = right, left, _MIRRORED[kind]
        constant = _constant(right)
        if isinstance(left, ast.Name) and constant is not None:
            self._code.emit(Opcode(Opcode.FACT_EQ + kind), _fact(left), constant, target)
            return
        depth = self._push(left)
        if max(depth, self._push(right) + 1) > STACK_MAX:
            raise ExpressionError(f"the arithmetic needs more than {STACK_MAX} values at once: use fewer brackets")
        self._code.emit(Opcode(Opcode.STACK_EQ + kind), target=target)

    def _push(self, node: ast.expr) -> int:
        """Emit code that leaves the node's value on the stack; returns how many values it holds at most."""
        constant = _constant(node)
        if constant is not None:
            self._code.emit(Opcode.PUSH_CONSTANT, constant=constant)
            return 1
        if isinstance(node, ast.Name):
            self._code.emit(Opcode.PUSH_FACT, _fact(node))
            return 1
        if isinstance(node, ast.UnaryOp):
            depth = self._push(node.operand)
            self._code.emit(Opcode.NEGATE)
            return depth
        assert isinstance(node, ast.BinOp)
        depth = max(self._push(node.left), self._push(node.right) + 1)
        self._code.emit(_OPERATORS[type(node.op)])
        return depth


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _names(node: ast.expr) -> bool:
    """Whether a node is a fact that is a name: category, merchant, institution."""
    return isinstance(node, ast.Name) and FACTS.get(node.id) in NAMED_FACTS


def _fact(node: ast.Name) -> Fact:
    fact = FACTS.get(node.id)
    if fact is None:
        if node.id in FACTS_TO_COME:
            raise ExpressionError(f"the fact {node.id} is not supported yet")
        near = difflib.get_close_matches(node.id, FACTS, n=1)
        raise ExpressionError(f"unknown fact {shown(node.id)}" + (f"; did you mean {near[0]}?" if near else ""))
    if fact in NAMED_FACTS:
        raise ExpressionError(f"{node.id} is a name and takes no part in arithmetic")
    return fact


def _facts_of(node: ast.expr) -> set[Fact]:
    """The facts that a value is made of. Raises ExpressionError for what is not integer arithmetic."""
    if isinstance(node, ast.Name):
        return {_fact(node)}
    if isinstance(node, ast.Constant):
        if type(node.value) is not int:
            raise ExpressionError(f"{_words(node)} is not a whole number")
        if node.value > INT64_MAX:
            raise ExpressionError("the number is too large")
        return set()
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return _facts_of(node.operand)
    if isinstance(node, ast.BinOp):
        if type(node.op) not in _OPERATORS:
            raise ExpressionError("arithmetic knows + - * // and %" + _hint(node.op))
        return _facts_of(node.left) | _facts_of(node.right)
    if isinstance(node, ast.Call | ast.Attribute):
        root = node.func if isinstance(node, ast.Call) else node.value
        if isinstance(root, ast.Name) and root.id in FACTS_TO_COME:
            raise ExpressionError(f"the fact {root.id} is not supported yet")
    raise ExpressionError(f"{_words(node)} is not allowed")


def _hint(operator: ast.operator) -> str:
    return ": divide with //, which rounds down" if isinstance(operator, ast.Div) else ""


def _constant(node: ast.expr) -> int | None:
    """The value of arithmetic that has no facts; None if it has some. Raises ExpressionError on a fault."""
    if isinstance(node, ast.Constant):
        assert type(node.value) is int
        return node.value
    if isinstance(node, ast.UnaryOp):
        operand = _constant(node.operand)
        return None if operand is None else -operand
    if not isinstance(node, ast.BinOp):
        return None
    left, right = _constant(node.left), _constant(node.right)
    if left is None or right is None:
        return None
    return _folded(_OPERATORS[type(node.op)], left, right)


def _folded(opcode: Opcode, left: int, right: int) -> int:
    if opcode in (Opcode.FLOOR_DIVIDE, Opcode.MODULO) and right == 0:
        raise ExpressionError("division by zero")
    value = {
        Opcode.ADD: lambda: left + right,
        Opcode.SUBTRACT: lambda: left - right,
        Opcode.MULTIPLY: lambda: left * right,
        Opcode.FLOOR_DIVIDE: lambda: left // right,
        Opcode.MODULO: lambda: left % right,
    }[opcode]()
    if not INT64_MIN <= value <= INT64_MAX:
        raise ExpressionError("the number is too large")
    return value


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
