"""What a condition is once it has been read: comparisons of values, joined by all and any.

There is no `not`: it is pushed down to the comparisons while reading. That is the same, as a fault anywhere
makes the whole condition false whatever stands around it (`cext.programme_table`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, IntEnum

from cext.programme_table import Opcode


class Relation(IntEnum):
    """How two values are compared; the numbers are the distances to `Opcode.FACT_EQ` and `Opcode.STACK_EQ`."""

    EQ = 0
    NE = 1
    LT = 2
    LE = 3
    GT = 4
    GE = 5

    @property
    def negated(self) -> "Relation":
        """What holds if this does not."""
        return _NEGATED[self]

    @property
    def mirrored(self) -> "Relation":
        """What holds with the sides changed."""
        return _MIRRORED[self]


_NEGATED = (Relation.NE, Relation.EQ, Relation.GE, Relation.GT, Relation.LE, Relation.LT)
_MIRRORED = (Relation.EQ, Relation.NE, Relation.GT, Relation.GE, Relation.LT, Relation.LE)


class Unit(Enum):
    """What a number counts, in the words of an error."""

    MONEY = "money"
    POINTS = "points"
    DAYS = "days"
    YEARS = "years"
    COUNT = "a count"
    HOUR = "an hour"
    WEEKDAY = "a weekday"
    DAY_OF_MONTH = "a day of the month"
    DATE = "a date"
    CODE = "a code"
    TRUTH = "a yes or no"


class Texts(Enum):
    """Which texts a fact may be compared with, by the word that an error calls them."""

    CATEGORY = "category"
    MERCHANT = "merchant"
    INSTITUTION = "institution"
    CLUB = "club"
    EVENT = "event"
    TIER = "tier"
    WEEKDAY = "weekday"
    DATE = "date"
    COUPON = "coupon"


@dataclass(frozen=True, slots=True)
class Constant:
    """A number; `text`: what it was written as, if it stands for a name."""

    value: int
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """A look at a fact.

    `number` is the table's; `name` is as an author writes it; `lowest` and `highest` bound what it can be, None
    where nothing does; `conditional`: it may not exist yet.
    """

    name: str
    number: int
    unit: Unit | None = None
    lowest: int | None = 0
    highest: int | None = None
    texts: Texts | None = None
    conditional: bool = False


@dataclass(frozen=True, slots=True)
class Negative:
    """A value with the other sign."""

    operand: "Value"


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """Two values joined by one of `+ - * // %`."""

    opcode: Opcode
    left: "Value"
    right: "Value"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two values compared; a single look at a fact stands on the left if a constant is the other side."""

    relation: Relation
    left: "Value"
    right: "Value"


@dataclass(frozen=True, slots=True)
class All:
    """True if every part is."""

    parts: tuple["Truth", ...]


@dataclass(frozen=True, slots=True)
class Either:
    """True if a part is."""

    parts: tuple["Truth", ...]


Value = Constant | Look | Negative | Arithmetic
Truth = Comparison | All | Either


def looks_of(term: Value | Truth) -> Iterator[Look]:
    """Every look at a fact, in the order of writing."""
    match term:
        case Look():
            yield term
        case Negative(operand):
            yield from looks_of(operand)
        case Arithmetic(_, left, right) | Comparison(_, left, right):
            yield from looks_of(left)
            yield from looks_of(right)
        case All(parts) | Either(parts):
            for part in parts:
                yield from looks_of(part)
