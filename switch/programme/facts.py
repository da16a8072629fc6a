"""Every fact that a condition may look at: its number in the table, what it counts, and what it can be."""

from cext.programme_table import AMOUNT_MAX, CONDITIONAL_FACTS, Fact
from switch.programme.terms import Look, Texts, Unit

WEEKDAYS = {
    "monday": 0,
    "tuesday": 1,
    "wednesday": 2,
    "thursday": 3,
    "friday": 4,
    "saturday": 5,
    "sunday": 6,
}


def _look(
    fact: Fact, unit: Unit, *, lowest: int | None = 0, highest: int | None = None, texts: Texts | None = None
) -> Look:
    return Look(fact.name.lower(), int(fact), unit, lowest, highest, texts, fact in CONDITIONAL_FACTS)


_ALL = (
    _look(Fact.AMOUNT, Unit.MONEY, lowest=1, highest=AMOUNT_MAX),
    _look(Fact.HOUR, Unit.HOUR, highest=23),
    _look(Fact.WEEKDAY, Unit.WEEKDAY, highest=6, texts=Texts.WEEKDAY),
    _look(Fact.DAY_OF_MONTH, Unit.DAY_OF_MONTH, lowest=1, highest=31),
    _look(Fact.ENTRY_MODE, Unit.CODE, highest=99),
    _look(Fact.MERCHANT, Unit.CODE, texts=Texts.MERCHANT),
    _look(Fact.INSTITUTION, Unit.CODE, texts=Texts.INSTITUTION),
    _look(Fact.CATEGORY, Unit.CODE, texts=Texts.CATEGORY),
    _look(Fact.CURRENCY, Unit.CODE, highest=999),
    _look(Fact.TIER, Unit.CODE, texts=Texts.TIER),
    _look(Fact.VISITS, Unit.COUNT),
    _look(Fact.DAYS_SINCE_LAST, Unit.DAYS),
    _look(Fact.MEAN_AMOUNT, Unit.MONEY),
    _look(Fact.MEAN_GAP, Unit.DAYS),
    _look(Fact.SPEND, Unit.MONEY),
    _look(Fact.POINTS, Unit.POINTS, lowest=None),
    _look(Fact.CREDIT, Unit.MONEY, lowest=None),
    _look(Fact.DAYS_SINCE_ENROLMENT, Unit.DAYS),
    _look(Fact.CLUB, Unit.CODE, texts=Texts.CLUB),
    _look(Fact.AGE, Unit.YEARS, highest=199),
    _look(Fact.DAYS_TO_BIRTHDAY, Unit.DAYS, highest=366),
    _look(Fact.EVENT, Unit.CODE, texts=Texts.EVENT),
    _look(Fact.TODAY, Unit.DATE, texts=Texts.DATE),
    _look(Fact.SPEND_30D, Unit.MONEY),
)
COUPON_FACT = -1
"""What stands for `coupon` until `switch.programme.coupons` has put a number of the programme in its place."""
COUPON = "coupon"
FACTS = {look.name: look for look in _ALL} | {COUPON: Look(COUPON, COUPON_FACT, Unit.CODE, texts=Texts.COUPON)}
"""The facts that are a plain word, by that word."""

QTY, STAMPS, USES, GRANT, TAGGED = "qty", "stamps", "uses", "grant", "tagged"
SHAPES = {
    QTY: 'qty(sku="…") or qty(category="…")',
    STAMPS: 'stamps("key")',
    USES: 'uses("rule")',
    GRANT: "grant.NAME",
    TAGGED: 'tagged("tag")',
}
"""The facts that take a name, and how they are written."""

REFERRED = "referred"
"""A fact that is true or not, and stands by itself."""

REWARD, HOLDOUT = "reward", "holdout"
"""Facts that no author writes: what was chosen out of the catalogue, and the place among the members of a hold-out."""

WORDS = (*FACTS, *SHAPES, REFERRED)

PURCHASE_ONLY = frozenset({"amount", COUPON})
"""Facts that an event without a purchase does not have; nor has it quantities."""
EVENT_FACT = int(Fact.EVENT)
