"""Reasons in words: for people, and as compact ASCII for a till (docs/wire-profile.md, NR).

Age and days to the birthday would tell a member's birth date: whether a comparison of them held is told, what they
were is not.
"""

import datetime as dt
from collections.abc import Callable, Iterator

from cext.programme_table import Fact, Opcode
from switch.programme.calendar import EPOCH_ORDINAL
from switch.programme.compile import CompiledProgramme
from switch.programme.evaluation import Check
from switch.programme.facts import COUPON, HOLDOUT, REWARD, WEEKDAYS
from switch.programme.table import CHOSEN, FREE
from switch.programme.terms import (
    All,
    Arithmetic,
    Comparison,
    Constant,
    Either,
    Look,
    Negative,
    Texts,
    Truth,
    Unit,
    Value,
    looks_of,
)
from switch.programme.why import (
    BudgetUsedUp,
    GroupTaken,
    HeldOut,
    Hindrance,
    LimitReached,
    NoCoupon,
    NoOffer,
    NotChosen,
    OtherOccasion,
    Unmet,
)

NameOf = Callable[[str, int], str | None]
"""(kind, number) → the name of a category, merchant, institution or club; None: it has none."""

PERSONAL = frozenset({int(Fact.AGE), int(Fact.DAYS_TO_BIRTHDAY)})
HIDDEN = "…"
ABSENT = "not there yet"
_SIGNS = ("=", "≠", "<", "≤", ">", "≥")
_ASCII_SIGNS = ("==", "!=", "<", "<=", ">", ">=")
"""In the order of `Relation`."""
_OPERATORS = {
    Opcode.ADD: "+",
    Opcode.SUBTRACT: "-",
    Opcode.MULTIPLY: "*",
    Opcode.FLOOR_DIVIDE: "//",
    Opcode.MODULO: "%",
}
_UNITS = {
    Unit.MONEY: "{:,} minor units",
    Unit.POINTS: "{:,} points",
    Unit.DAYS: "{:,} days",
    Unit.YEARS: "{:,} years",
}
_FREE = (f'qty({FREE}="', f'qty({CHOSEN}="')
"""How the facts begin that ask for free goods; no author writes them."""
_YES_OR_NO = ("no", "yes")
_UNWRITTEN = {REWARD: "chosen at the till", HOLDOUT: "not held out"}
"""What comparisons of facts come to that no author writes."""
_SAID: dict[Hindrance, str] = {
    OtherOccasion(True): "it is for events, and this was none",
    OtherOccasion(False): "it is for purchases, and this was an event",
    NotChosen(): "the till did not ask for it",
    BudgetUsedUp(): "its budget, which all members share, is used up",
    HeldOut(): "the member is held out of this rule, for as long as it is measured",
}
_WEEKDAYS = {number: name for name, number in WEEKDAYS.items()}


def _nobody_knows(_kind: str, _number: int) -> str | None:
    return None


class Words:
    """The words of one programme."""

    def __init__(self, programme: CompiledProgramme, name_of: NameOf = _nobody_knows) -> None:
        self._tiers = ("none", *programme.tiers)
        self._name_of = name_of
        # A name that a condition compares with is known without asking anybody.
        self._named = {
            (look.texts, constant.value): constant.text
            for rule in programme.rules
            if rule.condition is not None
            for look, constant in _named_in(rule.condition)
        }
        self._named |= {(Texts.EVENT, number): event for event, number in programme.events.items()}

    def value(self, look: Look, number: int | None) -> str:
        """What a fact was, with its unit."""
        if number is None:
            return ABSENT
        if look.number in PERSONAL:
            return HIDDEN
        if look.unit is Unit.TRUTH:
            return _YES_OR_NO[bool(number)]
        if look.unit in _UNITS and look.texts is None:
            return _UNITS[look.unit].format(number)
        return self._plain(look, number)

    def _plain(self, look: Look | None, number: int | None, *, grouped: bool = True) -> str:
        """A number that stands beside a fact, by its name if it has one."""
        if number is None:
            return HIDDEN if look is not None and look.number in PERSONAL else "?"
        texts = None if look is None else look.texts
        if texts is Texts.TIER:
            return self._tiers[number] if 0 <= number < len(self._tiers) else str(number)
        if texts is Texts.WEEKDAY:
            return _WEEKDAYS.get(number, str(number))
        if texts is Texts.DATE:
            return _date(number)
        if texts in (Texts.EVENT, Texts.CLUB) and number == 0:
            return "none"
        if texts is not None:
            # The numbers that a database gives to names are of no use at a till.
            unknown = str(number) if grouped else "other"
            return self._named.get((texts, number)) or self._name_of(texts.value, number) or unknown
        return f"{number:,}" if grouped and (look is None or look.unit is not Unit.CODE) else str(number)

    def comparison(self, check: Check) -> str:
        """A comparison with what its sides were, such as `amount 180,000 ≥ 200,000`."""
        left, right = check.comparison.left, check.comparison.right
        sign = _SIGNS[check.comparison.relation]
        if isinstance(left, Look) and left.name in _UNWRITTEN:
            return f"{_UNWRITTEN[left.name]}: {_YES_OR_NO[check.held]}"
        if isinstance(left, Look) and left.name == COUPON and isinstance(right, Constant):
            return f"{COUPON} {sign} {right.text}: {_YES_OR_NO[check.held]}"
        if isinstance(left, Look) and left.unit is Unit.TRUTH:
            return f"{left.name}: {_YES_OR_NO[bool(check.left)]}"
        return f"{self._side(left, check.left, left)} {sign} {self._side(right, check.right, left)}"

    def _side(self, value: Value, number: int | None, look: Value) -> str:
        """What is written, and what it came to unless that is the same."""
        beside = look if isinstance(look, Look) else None
        if isinstance(value, Constant):
            return self._plain(beside, number)
        if number is None:
            return f"{written(value)} ({ABSENT})"
        if _is_personal(value):
            return f"{written(value)} {HIDDEN}"
        return f"{written(value)} {self._plain(value if isinstance(value, Look) else beside, number)}"

    def hindrance(self, hindrance: Hindrance) -> str:
        """What stood in a rule's way, and what would have been needed."""
        match hindrance:
            case Unmet(choice):
                was, needed = zip(*map(self._unmet, choice), strict=True)
                return f"{' and '.join(dict.fromkeys(was))}; needs {' or '.join(dict.fromkeys(needed))}"
            case LimitReached(period, used, most):
                scope = "in all" if period == "life" else f"that {period}"
                return f"the rule was used {used:,} {'time' if used == 1 else 'times'} {scope}; the limit is {most:,}"
            case NoOffer(None, _):
                return "the member had no open offer of this rule; needs one"
            case NoOffer(int(until), True):
                return f"the offer was used already; a new one can be made after {_date(until)}"
            case NoOffer(int(until), False):
                return f"the offer had ended on {_date(until)}; needs an open one"
            case NoCoupon(campaigns):
                return f"no coupon of {' or '.join(campaigns)} was taken"
            case GroupTaken(group, by):
                return f"{by} fired first; of the group {group} only the first rule counts"
        return _SAID[hindrance]

    def _unmet(self, check: Check) -> tuple[str, str]:
        """What was, and what would have been needed."""
        left, right = check.comparison.left, check.comparison.right
        beside = left if isinstance(left, Look) else None
        sign = _SIGNS[check.comparison.relation]
        if beside is not None and beside.name.startswith(_FREE):
            _, _, named = beside.name.partition('"')
            return f"{named[:-2]} was not in the basket", "one"
        if beside is not None and beside.name == COUPON and isinstance(right, Constant):
            return (
                f"a coupon of {right.text} was {'taken' if check.left else 'not taken'}",
                f"{COUPON} {sign} {right.text}",
            )
        if beside is not None and beside.unit is Unit.TRUTH:
            return f"{beside.name} was {_YES_OR_NO[bool(check.left)]}", _YES_OR_NO[not check.left]
        if check.missing:
            names = " and ".join(look.name for look in check.missing)
            return f"{names} was {ABSENT}", f"{written(left)} {sign} {written(right)}"
        was = HIDDEN if _is_personal(left) else self._plain(beside, check.left)
        needed = HIDDEN if _is_personal(right) else self._plain(beside, check.right)
        if not isinstance(right, Constant):
            needed = f"{written(right)} = {needed}"
        return f"{written(left)} was {was}", f"{sign} {needed}"

    def compact(self, hindrance: Hindrance) -> tuple[str, str] | None:
        """What was and what was needed, as a till gets it; None for what no member can do anything about."""
        match hindrance:
            case Unmet(choice):
                was, needed = zip(*map(self._compact_check, choice), strict=True)
                return ",".join(dict.fromkeys(was)), "|".join(dict.fromkeys(needed))
            case LimitReached(period, used, most):
                return f"uses/{period}={used}", f"uses/{period}<{most}"
            case NoOffer(until, used):
                state = "none" if until is None else "used" if used else "ended"
                return f"offer={state}", "offer=open"
        return None

    def _compact_check(self, check: Check) -> tuple[str, str]:
        left, right = check.comparison.left, check.comparison.right
        beside = left if isinstance(left, Look) else None
        name = written(left).replace(" ", "")
        was = "?" if _is_personal(left) else self._plain(beside, check.left, grouped=False)
        if check.left is None:
            was = "none"
        needs = "?" if _is_personal(right) else self._plain(beside, check.right, grouped=False)
        if check.right is None:
            needs = written(right).replace(" ", "")
        return f"{name}={was}", f"{name}{_ASCII_SIGNS[check.comparison.relation]}{needs}"


def written(value: Value) -> str:
    """A value as an author would write it."""
    match value:
        case Constant(number, text):
            return f"{number:,}" if text is None else f'"{text}"'
        case Look(name=name):
            return name
        case Negative(operand):
            return f"-{_bracketed(operand)}"
        case Arithmetic(opcode, left, right):
            return f"{_bracketed(left)} {_OPERATORS[opcode]} {_bracketed(right)}"


def _bracketed(value: Value) -> str:
    return f"({written(value)})" if isinstance(value, Arithmetic) else written(value)


def _is_personal(value: Value) -> bool:
    return any(look.number in PERSONAL for look in looks_of(value))


def _date(day: int) -> str:
    try:
        return dt.date.fromordinal(day + EPOCH_ORDINAL).isoformat()
    except (ValueError, OverflowError):
        return str(day)


def _named_in(truth: Truth) -> Iterator[tuple[Look, Constant]]:
    """The facts that are compared with a name, and the name."""
    match truth:
        case Comparison(_, Look() as look, Constant(text=str()) as constant):
            yield look, constant
        case All(parts) | Either(parts):
            for part in parts:
                yield from _named_in(part)


__all__ = ["ABSENT", "HIDDEN", "PERSONAL", "NameOf", "Words", "written"]
