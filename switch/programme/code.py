"""Terms to instructions of the kernel's table (`cext.programme_table`)."""

from dataclasses import dataclass, field

from cext.programme_table import STACK_MAX, TARGET_FALSE, Instruction, Opcode
from switch.programme.errors import ExpressionError
from switch.programme.terms import (
    All,
    Arithmetic,
    Comparison,
    Constant,
    Look,
    Negative,
    Truth,
    Value,
    looks_of,
)


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
            (int(opcode), fact, constant, TARGET_FALSE if label is None or label.at is None else start + label.at)
            for opcode, fact, constant, label in self.rows
        ]


def condition_code(truth: Truth, start: int) -> list[Instruction]:
    """The code of a condition that will begin at `start`. Raises ExpressionError if it needs too much stack."""
    code = _Code()
    # This label is never placed: a jump to it makes the condition false.
    _Emitter(code).branch(truth, _Label(), when=False)
    return code.finished(start)


def number_code(value: Value, start: int) -> list[Instruction]:
    """Code that leaves a value on the stack. Raises ExpressionError if it needs too much stack."""
    code = _Code()
    emitter = _Emitter(code)
    emitter.require(value)
    if emitter.push(value) > STACK_MAX:
        raise ExpressionError(_TOO_DEEP)
    return code.finished(start)


_TOO_DEEP = f"the arithmetic needs more than {STACK_MAX} values at once: use fewer brackets"


class _Emitter:
    """Emits one condition. Every jump goes forward, as an inner part is complete before what follows it."""

    def __init__(self, code: _Code) -> None:
        self._code = code

    def branch(self, truth: Truth, target: _Label, *, when: bool) -> None:
        """Emit code that goes to `target` if the truth is `when`, and goes on otherwise."""
        if isinstance(truth, Comparison):
            self._compare(truth, target, when)
            return
        if isinstance(truth, All) is not when:
            # `and` that is false, `or` that is true: any part alone decides.
            for part in truth.parts:
                self.branch(part, target, when=when)
            return
        end = _Label()
        for part in truth.parts[:-1]:
            self.branch(part, end, when=not when)
        self.branch(truth.parts[-1], target, when=when)
        self._code.place(end)

    def _compare(self, comparison: Comparison, target: _Label, when: bool) -> None:
        # An instruction jumps if its relation does not hold, so a jump on true is one on the opposite being
        # false.
        relation = comparison.relation.negated if when else comparison.relation
        self.require(comparison)
        left, right = comparison.left, comparison.right
        if isinstance(left, Look) and isinstance(right, Constant):
            self._code.emit(Opcode(Opcode.FACT_EQ + relation), left.number, right.value, target)
            return
        depth = self.push(left)
        if max(depth, self.push(right) + 1) > STACK_MAX:
            raise ExpressionError(_TOO_DEEP)
        self._code.emit(Opcode(Opcode.STACK_EQ + relation), target=target)

    def require(self, term: Value | Truth) -> None:
        """Make the condition false unless every fact that it looks at exists."""
        for number in sorted({look.number for look in looks_of(term) if look.conditional}):
            self._code.emit(Opcode.REQUIRE, number)

    def push(self, value: Value) -> int:
        """Emit code that leaves the value on the stack; returns how many values it holds at most."""
        match value:
            case Constant():
                self._code.emit(Opcode.PUSH_CONSTANT, constant=value.value)
                return 1
            case Look():
                self._code.emit(Opcode.PUSH_FACT, value.number)
                return 1
            case Negative(operand):
                depth = self.push(operand)
                self._code.emit(Opcode.NEGATE)
                return depth
            case Arithmetic(opcode, left, right):
                depth = max(self.push(left), self.push(right) + 1)
                self._code.emit(opcode)
                return depth
