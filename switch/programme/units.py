"""What the numbers of a condition count, so that money is never compared with days.

A plain number counts whatever it stands beside. Money times a number is money still; anything else times a
number may be anything (`visits * 50000` is money), and so is a quotient of two facts.
"""

from cext.programme_table import Opcode
from switch.programme.errors import ExpressionError
from switch.programme.terms import Arithmetic, Constant, Look, Negative, Unit, Value


def unit_of(value: Value) -> Unit | None:
    """What a value counts; None if that is open. Raises ExpressionError for a sum of different things."""
    match value:
        case Constant():
            return None
        case Look(unit=unit):
            return unit
        case Negative(operand):
            return unit_of(operand)
        case Arithmetic(opcode, left, right):
            return _joined(opcode, unit_of(left), unit_of(right), right)


def _joined(opcode: Opcode, left: Unit | None, right: Unit | None, divisor: Value) -> Unit | None:
    if opcode in (Opcode.ADD, Opcode.SUBTRACT):
        check_alike(left, right, "added to" if opcode is Opcode.ADD else "taken from")
        return left or right
    if opcode is Opcode.MODULO:
        return left
    if opcode is Opcode.FLOOR_DIVIDE:
        return left if isinstance(divisor, Constant) else None
    is_money_by_number = (
        Unit.MONEY in (left, right) and {left, right} <= {Unit.MONEY, Unit.COUNT, None} and left is not right
    )
    return Unit.MONEY if is_money_by_number else None


def check_alike(left: Unit | None, right: Unit | None, done: str) -> None:
    """Raise ExpressionError if two values count different things."""
    if left is not None and right is not None and left is not right:
        raise ExpressionError(f"{left.value} is {done} {right.value}")
