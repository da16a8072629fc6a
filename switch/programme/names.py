"""What the names in a programme mean: facts, texts, stamp cards, offers, and the numbers they get.

One `Names` serves a whole programme and gathers what its conditions mention; a `RuleScope` is what a single
condition sees of it.
"""

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from cext.programme_table import FACTS_MAX, SLOTS_MAX, Lookup, LookupRow, Period
from switch.programme import flags
from switch.programme.calendar import EPOCH_ORDINAL
from switch.programme.errors import ExpressionError, did_you_mean, shown
from switch.programme.facts import (
    COUPON,
    EVENT_FACT,
    FACTS,
    GRANT,
    HOLDOUT,
    QTY,
    REFERRED,
    SHAPES,
    STAMPS,
    TAGGED,
    USES,
    WEEKDAYS,
    WORDS,
)
from switch.programme.model import NO_TIER, ProgrammeModel
from switch.programme.terms import Look, Texts, Unit
from switch.programme.values import CODE, LABEL

Ids = Callable[[str, str], int]
"""(kind, name) → number, where kind is `category`, `merchant`, `institution` or `club`. KeyError: there is none."""

Slots = Callable[[str, str], int]
"""(kind, name) → the slot of a counter or an offer: `stamp` and its key, `ticket` and its draw, `uses` and
`rule/day` (or month, year, life), `grant` and the rule's id, `coupon` and its id, `budget` and `rule/points` or
`rule/amount`, `tag` and its name (`flags` says which slots tags take). Stable for a programme across its versions."""


class SlotsInOrder:
    """Slots from 1 on in the order of first mention: for where no database keeps them."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, str], int] = {}

    def __call__(self, kind: str, name: str) -> int:
        slot = self._numbers.get((kind, name))
        if slot is None:
            taken = frozenset(self._numbers.values())
            # 0 is none, and refused where it is asked for.
            slot = (flags.free_tag_slot(taken) if kind == flags.TAG else flags.free_slot(taken)) or 0
            self._numbers[kind, name] = slot
        return slot


@dataclass(frozen=True, slots=True)
class Declared:
    """The names that a programme itself declares; None: not known, as the file is wrong, so any will do."""

    rules: tuple[str, ...] | None = None
    stamps: tuple[str, ...] | None = None
    tiers: tuple[str, ...] | None = None
    clubs: tuple[str, ...] | None = None
    coupons: tuple[str, ...] | None = None
    tags: tuple[str, ...] | None = None

    @classmethod
    def by(cls, model: ProgrammeModel) -> "Declared":
        """What a valid programme declares."""
        return cls(
            rules=tuple(rule.id for rule in model.rules),
            stamps=tuple(rule.then.stamp.key for rule in model.rules if rule.then.stamp is not None),
            tiers=tuple(tier.id for tier in model.tiers),
            clubs=tuple(club.code for club in model.clubs),
            coupons=tuple(coupon.id for coupon in model.coupons),
            tags=tuple(model.tags),
        )


@dataclass(slots=True)
class Names:
    """Gathers and numbers what a programme mentions.

    `lookups`: programme-specific facts, and `quantities`: what is counted in the basket, ('sku', 'category' or
    'free', name), and which coupons are shown, ('coupon', id), each with its place, which is the order of first
    mention. `allotted`: every slot in use. `counted`: rules whose uses are asked for.
    """

    declared: Declared
    ids: Ids
    slots: Slots
    lookups: dict[LookupRow, int] = field(default_factory=dict)
    quantities: dict[tuple[str, str], int] = field(default_factory=dict)
    allotted: dict[tuple[str, str], int] = field(default_factory=dict)
    counted: set[str] = field(default_factory=set)

    def slot(self, kind: str, name: str) -> int:
        """The slot of a named thing. Raises ExpressionError if there are no more."""
        if (kind, name) not in self.allotted:
            self.allotted[kind, name] = self.slots(kind, name)
        slot = self.allotted[kind, name]
        if kind == flags.TAG:
            if not flags.is_tag_slot(slot):
                raise ExpressionError(f"more than {flags.TAGS_MAX} tags, those of earlier versions counted in")
            return slot
        if not 1 <= slot <= SLOTS_MAX:
            raise ExpressionError(f"more than {SLOTS_MAX} stamp cards, draws, limits, coupons, budgets and offers")
        return slot

    def uses_slot(self, rule: str, period: str) -> int:
        """The slot of a rule's uses in a period, by its word in `uses`."""
        return self.slot("uses", f"{rule}/{period}")

    def look_up(self, row: LookupRow) -> int:
        """The number of a programme-specific fact."""
        return FACTS_MAX + self.lookups.setdefault(row, len(self.lookups))

    def stamps(self, key: str) -> Look:
        """How many stamps a card has."""
        row = (int(Lookup.COUNTER), self.slot("stamp", key), int(Period.LIFE))
        return Look(f'stamps("{key}")', self.look_up(row), Unit.COUNT)

    def uses(self, rule: str) -> Look:
        """How often a member had a rule."""
        self.counted.add(rule)
        row = (int(Lookup.COUNTER), self.uses_slot(rule, "life"), int(Period.LIFE))
        return Look(f'uses("{rule}")', self.look_up(row), Unit.COUNT)

    def place(self, seed: int) -> Look:
        """The account's place among those of a rule, 0 … 99."""
        return Look(HOLDOUT, self.look_up((int(Lookup.HOLDOUT), seed, 0)), Unit.COUNT, highest=99)

    def flag(self, name: str, bit: int) -> Look:
        """Whether something is true of the member."""
        return Look(name, self.look_up((int(Lookup.FLAG), bit, 0)), Unit.TRUTH, highest=1)

    def tagged(self, tag: str) -> Look:
        """Whether the member has a tag."""
        return self.flag(f'tagged("{tag}")', flags.tag_bit(self.slot(flags.TAG, tag)))

    def quantity(self, kind: str, name: str) -> Look:
        """How many pieces of a sku or a category are in the basket."""
        place = self.quantities.setdefault((kind, name), len(self.quantities))
        return Look(f'qty({kind}="{name}")', self.look_up((int(Lookup.QUANTITY), place, 0)), Unit.COUNT)

    def coupon(self, campaign: str) -> Look:
        """Whether a coupon of a campaign is shown: 1, or 0."""
        place = self.quantities.setdefault((COUPON, campaign), len(self.quantities))
        return Look(COUPON, self.look_up((int(Lookup.QUANTITY), place, 0)), Unit.COUNT, highest=1)

    def offered(self, grant: int, index: int, name: str, unit: Unit | None) -> Look:
        """A number that was frozen in an offer: value `index` of grant `grant`."""
        number = self.look_up((int(Lookup.GRANT), grant, index))
        return Look(f"grant.{name}", number, unit, lowest=None, conditional=True)


@dataclass(frozen=True, slots=True)
class RuleScope:
    """What one condition sees: `grant` is the number of its rule's offer, `values` what that freezes.

    `at_grant`: the condition or number stands in a grant, and is worked out at the end of a purchase.
    """

    names: Names
    grant: int | None = None
    values: Mapping[str, Unit | None] = field(default_factory=dict)
    at_grant: bool = False

    def fact(self, name: str) -> Look:
        """A fact that is a plain word. Raises ExpressionError."""
        if name == REFERRED:
            return self.names.flag(REFERRED, flags.REFERRED)
        look = FACTS.get(name)
        if look is None:
            raise ExpressionError(_unknown("fact", name))
        if self.at_grant and look.number == EVENT_FACT:
            raise ExpressionError("an offer is made at the end of a purchase, which has no event")
        if self.at_grant and name == COUPON:
            raise ExpressionError("an offer is made by what a member does, not for a coupon: let the rule's `when` ask")
        return look

    def call(self, name: str, plain: list[str], named: dict[str, str]) -> Look:
        """A fact that takes a name. Raises ExpressionError."""
        if name == QTY:
            return self._quantity(plain, named)
        known = self.names.declared
        look: Callable[[str], Look]
        if name == STAMPS:
            what, declared, look = "stamp card", known.stamps, self.names.stamps
        elif name == USES:
            what, declared, look = "rule", known.rules, self.names.uses
        elif name == TAGGED:
            what, declared, look = "tag", known.tags, self.names.tagged
        else:
            is_word = name in FACTS or name == REFERRED
            raise ExpressionError(f"{name} takes no brackets" if is_word else _unknown("function", name))
        if len(plain) != 1 or named:
            raise ExpressionError(f"{name} is asked as {SHAPES[name]}")
        if declared is None:
            return Look(name, 0, Unit.TRUTH if name == TAGGED else Unit.COUNT)
        if plain[0] not in declared:
            raise ExpressionError(f"there is no {what} {shown(plain[0])}" + did_you_mean(plain[0], declared))
        return look(plain[0])

    def _quantity(self, plain: list[str], named: dict[str, str]) -> Look:
        unknown = sorted(set(named) - {"sku", "category"})
        if unknown:
            raise ExpressionError(f"qty has no {shown(unknown[0])}" + did_you_mean(unknown[0], ("sku", "category")))
        if plain or len(named) != 1:
            raise ExpressionError(f"qty is asked as {SHAPES[QTY]}")
        ((kind, of),) = named.items()
        if re.fullmatch(LABEL, of) is None:
            raise ExpressionError(f"a {kind} has 1 to 64 characters and no semicolon")
        return self.names.quantity(kind, of)

    def member(self, name: str, part: str) -> Look:
        """`grant.NAME`. Raises ExpressionError."""
        if name != GRANT:
            raise ExpressionError("a dot is not allowed" if name in FACTS else _unknown("fact", name))
        if self.at_grant:
            raise ExpressionError("a grant cannot look at its own numbers: they are worked out together")
        if self.grant is None:
            raise ExpressionError(f"grant.{part[:40]} can be asked only in a rule that has a grant")
        if part not in self.values:
            raise ExpressionError(f"the grant sets no {shown(part)}" + did_you_mean(part, self.values))
        return self.names.offered(self.grant, list(self.values).index(part), part, self.values[part])

    def number_of(self, look: Look, text: str) -> int:
        """The number for a text that a fact is compared with. Raises ExpressionError."""
        match look.texts:
            case Texts.DATE:
                return _day(text)
            case Texts.WEEKDAY:
                if text not in WEEKDAYS:
                    raise ExpressionError(f"weekday is never {shown(text)}" + did_you_mean(text, WEEKDAYS))
                return WEEKDAYS[text]
            case Texts.TIER:
                return self._tier(text)
            case Texts.EVENT:
                if re.fullmatch(CODE, text) is None:
                    raise ExpressionError("an event is a code of at most 32 letters, digits, _ and -")
                # All events of a programme are numbered once all are known.
                return 1
            case Texts.COUPON:
                self._require("coupon", self.names.declared.coupons, text)
                # The campaigns that rules ask for become facts of their own.
                return 1
            case Texts.CLUB:
                if self.names.declared.clubs is None:
                    return 0
                self._require("club", self.names.declared.clubs, text)
        try:
            return self.names.ids(look.name, text)
        except KeyError:
            raise ExpressionError(f"there is no {look.name} {shown(text)}") from None

    @staticmethod
    def _require(what: str, declared: tuple[str, ...] | None, text: str) -> None:
        if declared is not None and text not in declared:
            raise ExpressionError(f"there is no {what} {shown(text)}" + did_you_mean(text, declared))

    def _tier(self, text: str) -> int:
        tiers = self.names.declared.tiers
        if text == NO_TIER or tiers is None:
            return 0
        if text not in tiers:
            raise ExpressionError(f"there is no tier {shown(text)}" + did_you_mean(text, (*tiers, NO_TIER)))
        return tiers.index(text) + 1


def _day(text: str) -> int:
    """A date as the number of the day that the kernel counts from 1970-01-01. Raises ExpressionError."""
    try:
        return dt.date.fromisoformat(text).toordinal() - EPOCH_ORDINAL
    except ValueError:
        raise ExpressionError(f"a date is written YYYY-MM-DD, not {shown(text)}") from None


def _unknown(what: str, name: str) -> str:
    if name in SHAPES:
        return f"{name} is asked as {SHAPES[name]}"
    return f"unknown {what} {shown(name)}" + did_you_mean(name, WORDS)
