"""The shape of a programme's YAML: every key and how keys go together. `values` has the plain values."""

import re
from fractions import Fraction
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Discriminator, Field, Tag, model_validator

from cext.programme_table import RULES_MAX, TIERS_MAX, VALUES_PER_GRANT_MAX
from switch.programme.flags import TAGS_MAX
from switch.programme.lifecycle import PART, Referral, TierYear
from switch.programme.values import (
    Age,
    Amount,
    Cap,
    Code,
    Date,
    Days,
    Expression,
    Factor,
    Label,
    Line,
    Months,
    Name,
    PendingDays,
    Percentage,
    Rate,
    Share,
    SpanSeconds,
    Timezone,
    WholePercentage,
)

CLUBS_MAX = 256
COUPONS_MAX = 64
REWARDS_MAX = 256
NOTICE_DAYS_MAX = 92
NO_TIER = "none"

_BRACED = re.compile(r"\{([a-z][a-z0-9_]{0,63})\}")


class _Part(BaseModel):
    """Part of a programme."""

    model_config = PART


class Point(_Part):
    """What a point is worth, and how long it is good."""

    value: Factor
    """Minor units of the programme's currency for one point."""
    expires: Months
    """How long a point is good: it lapses at the end of that month."""
    notice: Annotated[Days, Field(le=NOTICE_DAYS_MAX)] | None = None
    """How long before points lapse the member is told."""
    pending: PendingDays = 0
    """The return window: so many days, that of the purchase counted, must be over before its points may be spent."""


class Hold(_Part):
    """What a till may keep back of a member's points and credit for a purchase to come."""

    lives: SpanSeconds = 900
    """How long it is kept back, unless the till comes back or gives it up before; without it, 15 minutes."""


class PointsPer(_Part):
    """`points` for each whole `per` minor units that are really paid."""

    per: Amount
    """Minor units."""
    points: Factor = 1


def _kind_of_points(value: object) -> str:
    return "for each amount" if isinstance(value, dict | PointsPer) else "fixed"


Points = Annotated[
    Annotated[Amount, Tag("fixed")] | Annotated[PointsPer, Tag("for each amount")],
    Discriminator(_kind_of_points),
]


class Message(_Part):
    """A line for the receipt, in one language or both."""

    fa: Line | None = None
    en: Line | None = None

    @model_validator(mode="after")
    def _has_text(self) -> Self:
        if self.fa is None and self.en is None:
            raise ValueError("should have a text: fa, en or both")
        return self

    @property
    def texts(self) -> dict[str, str]:
        """The texts by language."""
        return {language: text for language, text in (("fa", self.fa), ("en", self.en)) if text is not None}


class Reward(_Part):
    """What a full stamp card gives."""

    points: Points | None = None
    discount: Share | None = None
    credit: Share | None = None
    free: Label | None = None
    """The sku that is free."""
    message: Message | None = None
    cap: Cap | None = None

    @model_validator(mode="after")
    def _effects(self) -> Self:
        _check_cap(self.cap, gifts_of(self))
        if not gifts_of(self):
            raise ValueError("a reward should give free, discount, points or credit")
        return self


class Stamp(_Part):
    """A stamp card: `need` visits, and the one after them brings the reward and no stamp."""

    key: Name
    need: Annotated[int, Field(ge=1, le=1_000)]
    reward: Reward


class Ticket(_Part):
    """Tickets for a draw: one for each whole `per` minor units that are really paid, or a fixed `count`."""

    draw: Name
    per: Amount | None = None
    """Minor units for one ticket."""
    count: Factor | None = None
    """Tickets each time; with `per`, for each of those amounts."""

    @model_validator(mode="after")
    def _amount_or_count(self) -> Self:
        if self.per is None and self.count is None:
            raise ValueError("should say per (minor units for a ticket) or count")
        return self


class Budget(_Part):
    """What a rule may give to all members together, one of these. What is drawn once is gone, until it is raised."""

    points: Amount | None = None
    """Of a rule that gives points, before the multipliers of other rules and of tiers."""
    amount: Amount | None = None
    """Minor units: of a rule that gives a discount, credit or free goods."""

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.points is None) == (self.amount is None):
            raise ValueError("should be points, or amount (minor units)")
        return self

    @property
    def total(self) -> int:
        """How much in all."""
        return self.points or self.amount or 0

    @property
    def unit(self) -> Literal["points", "amount"]:
        """What it is counted in."""
        return "points" if self.points is not None else "amount"

    def bounds(self, gift: str) -> bool:
        """Whether this kind of gift is counted in its unit."""
        return (gift in POINT_GIFTS) == (self.unit == "points")


class Then(_Part):
    """What a rule does."""

    points: Points | None = None
    multiply: Rate | None = None
    """Makes the points for amounts that many times as many."""
    discount: Share | None = None
    credit: Share | None = None
    free: Label | None = None
    """The sku that is free."""
    stamp: Stamp | None = None
    ticket: Ticket | None = None
    message: Message | None = None
    tier: Name | None = None
    """The tier that is entered, unless a higher one is reached already."""
    cap: Cap | None = None
    """Bounds the one gift of this rule: points, or minor units."""

    @model_validator(mode="after")
    def _effects(self) -> Self:
        _check_cap(self.cap, gifts_of(self))
        others = (self.stamp, self.ticket, self.message, self.tier)
        if not gifts_of(self) and all(other is None for other in others):
            raise ValueError("should give points, multiply, discount, credit, free, stamp, ticket, message or tier")
        return self


POINT_GIFTS = ("points", "multiply")
GIFTS = (*POINT_GIFTS, "discount", "credit", "free")
"""The effects that a cap or a budget may bound."""


def gifts_of(given: "Then | Reward | Gift") -> tuple[str, ...]:
    """Which of the effects that a cap may bound are there."""
    return tuple(gift for gift in GIFTS if getattr(given, gift, None) is not None)


def _check_budget(budget: Budget | None, gifts: tuple[str, ...]) -> None:
    if budget is None:
        return
    if not gifts:
        raise ValueError("budget has nothing to bound: it goes with points, multiply, discount, credit or free")
    if not all(map(budget.bounds, gifts)):
        fits = "points and multiply" if budget.unit == "points" else "discount, credit and free (minor units)"
        raise ValueError(f"a budget of {budget.unit} bounds {fits}: give what else the rule gives a rule of its own")


def _check_cap(cap: int | None, gifts: tuple[str, ...]) -> None:
    if cap is None:
        return
    if not gifts:
        raise ValueError("cap has nothing to bound: it goes with points, multiply, discount, credit or free")
    if len(gifts) > 1:
        raise ValueError("cap bounds one effect: give each effect a rule of its own")


class Uses(_Part):
    """How often a member may have a rule, in the programme's own days, months and years."""

    day: Factor | None = None
    month: Factor | None = None
    year: Factor | None = None
    life: Factor | None = None

    @model_validator(mode="after")
    def _some(self) -> Self:
        if self.day is self.month is self.year is self.life is None:
            raise ValueError("should say day, month, year or life")
        return self


class Grant(_Part):
    """An offer that is made at the end of a purchase, with thresholds that are worked out then and kept."""

    if_: Annotated[str, Field(alias="if")]
    """The condition at the end of a purchase under which the offer is made."""
    set_: Annotated[dict[Name, Expression], Field(alias="set", max_length=VALUES_PER_GRANT_MAX)] = {}
    """Numbers that are worked out when the offer is made: the rule's `when` calls them grant.NAME."""
    lives: Days
    """How long the offer is good; before that has passed it is not made again."""
    message: Message | None = None
    """What receipts say of the open offer; {NAME} stands for one of its numbers."""

    @model_validator(mode="after")
    def _message_names_its_numbers(self) -> Self:
        for text in () if self.message is None else self.message.texts.values():
            unknown = set(_BRACED.findall(text)) - set(self.set_)
            if unknown or len(_BRACED.findall(text)) != text.count("{") or text.count("{") != text.count("}"):
                raise ValueError("braces stand around the name of a number in `set`, such as {goal}")
        return self


class Rule(_Part):
    """When what happens. Rules run by falling `priority`; of an `exclusive` group only the first fires."""

    id: Name
    grant: Grant | None = None
    """The rule fires only for a member who holds this offer, once for each offer."""
    when: str | None = None
    """A condition such as `amount >= 200000 and weekday == "friday"`; without one it always holds."""
    uses: Uses | None = None
    holdout: WholePercentage | None = None
    """A share of the members, by their accounts' numbers, who never get this rule or its offer: `uplift` compares."""
    then: Then
    cap: Cap | None = None
    """The same as in `then`."""
    budget: Budget | None = None
    """What all members together may get by this rule."""
    priority: Annotated[int, Field(ge=-1_000, le=1_000)] = 0
    exclusive: Name | None = None
    """A group: only the first of its rules that fires counts."""

    @model_validator(mode="after")
    def _one_cap(self) -> Self:
        if self.cap is not None:
            if self.then.cap is not None:
                raise ValueError("cap is given twice: beside `then` and in it")
            _check_cap(self.cap, gifts_of(self.then))
        card = self.then.stamp
        _check_budget(self.budget, gifts_of(self.then) + (() if card is None else gifts_of(card.reward)))
        return self

    @property
    def bound(self) -> int | None:
        """The cap, wherever it stands."""
        return self.cap if self.cap is not None else self.then.cap


class Gift(_Part):
    """What a member buys for points: one of these."""

    free: Label | None = None
    """The sku that is free. It has to be in the basket."""
    discount: Share | None = None
    credit: Share | None = None
    cap: Cap | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(gift is not None for gift in (self.free, self.discount, self.credit)) != 1:
            raise ValueError("should be one of free, discount and credit; what is handed over is a message")
        return self


class Choice(_Part):
    """A thing of the catalogue: a till asks for it by its code (DE48 RW), and the member pays it with points."""

    code: Code
    points: Cap
    """What it costs."""
    then: Gift | None = None
    message: Message | None = None
    """What the receipt says, such as what the cashier hands over."""
    when: str | None = None
    """A condition on member and purchase; without one everybody may have it."""
    min_age: Age | None = None
    """How old who chooses it has to be, whole years; whose birth date is not known may not have it."""
    uses: Uses | None = None
    budget: Budget | None = None
    """What all members together may get of it."""

    @model_validator(mode="after")
    def _gives(self) -> Self:
        if self.then is None and self.message is None:
            raise ValueError("should have a message that says what is handed over, or a gift in `then`")
        _check_budget(self.budget, () if self.then is None else gifts_of(self.then))
        return self

    @property
    def rule(self) -> Rule:
        """The rule that it comes to, beside its price."""
        gift = self.then or Gift.model_construct()
        return Rule.model_construct(
            id=f"{REWARDS}.{self.code}",
            when=self.when,
            uses=self.uses,
            then=Then.model_construct(free=gift.free, discount=gift.discount, credit=gift.credit, message=self.message),
            cap=gift.cap,
            budget=self.budget,
        )


REWARDS = "rewards"
"""The catalogue's key; rules made of its entries are called `rewards.CODE`."""


class TierFrom(_Part):
    """What a member needs for a tier, one of these."""

    points: Amount | None = None
    """Tier points: all points earned since the tier year began."""
    spend: Amount | None = None
    """Minor units spent since joining."""
    visits: Amount | None = None
    """Visits since joining."""

    @model_validator(mode="after")
    def _one(self) -> Self:
        if len(self.model_fields_set) != 1 or None in (self.basis, self.threshold):
            raise ValueError("should be one of points, spend or visits")
        return self

    @property
    def basis(self) -> str | None:
        """`points`, `spend` or `visits`."""
        return next((name for name in ("points", "spend", "visits") if getattr(self, name) is not None), None)

    @property
    def threshold(self) -> int:
        """How much of it."""
        return self.points or self.spend or self.visits or 0


class Tier(_Part):
    """A level of members, and what it makes of their points for amounts."""

    id: Name
    from_: Annotated[TierFrom, Field(alias="from")]
    multiply: Rate = Fraction(1)

    @model_validator(mode="after")
    def _not_none(self) -> Self:
        if self.id == NO_TIER:
            raise ValueError(f"{NO_TIER} stands for members without a tier")
        return self


class Club(_Part):
    """A kind of membership."""

    code: Code
    name: Label
    audience: Literal["customers", "agents", "employees"] = "customers"
    open: bool = True
    """Whether anybody may join; if not, membership is given."""
    fee: Annotated[int, Field(ge=0, le=10**12 - 1)] = 0
    """What joining costs, in minor units."""
    fee_due: bool = False
    """Whether who has too little credit for the fee joins all the same, and owes it."""
    required: list[Literal["name", "birth_date", "gender", "education", "region", "referrer"]] = []
    """What a member has to tell on joining, besides the mobile number."""
    min_age: Age | None = None
    """How old who joins has to be, whole years; the birth date is then `required`."""


class Validity(_Part):
    """From when until when, both days included, in the programme's zone."""

    from_: Annotated[Date | None, Field(alias="from")] = None
    until: Date | None = None

    @model_validator(mode="after")
    def _days(self) -> Self:
        if self.from_ is None and self.until is None:
            raise ValueError("should say from, until or both")
        if self.from_ is not None and self.until is not None and self.from_ > self.until:
            raise ValueError("from should not be after until")
        return self

    def holds(self, local_day: int) -> bool:
        """Whether a day (days since 1970-01-01) is one of them."""
        return (self.from_ is None or self.from_ <= local_day) and (self.until is None or local_day <= self.until)


class Coupon(_Part):
    """A campaign whose codes a till may send in DE48 CP. Rules ask for it: `coupon == "spring"`."""

    id: Name
    kind: Literal["single", "multi"]
    """single: many codes, each good for one purchase; multi: one code, good for `uses` purchases."""
    uses: Factor | None = None
    """Of a multi-use code: how many purchases it is good for in all."""
    per_member: Factor | None = None
    """How often one member may use coupons of this campaign."""
    valid: Validity | None = None

    @model_validator(mode="after")
    def _uses_of_multi(self) -> Self:
        if (self.kind == "multi") != (self.uses is not None):
            raise ValueError("uses says how often a multi-use code is good for in all; a single-use code has none")
        return self


class Partner(_Part):
    """Another institution that takes part; prices in minor units for a point. Kept, and not used yet."""

    institution: Code
    role: Literal["earn", "burn", "both"]
    redeem_price: Amount | None = None
    accrual_price: Amount | None = None


class ProgrammeModel(_Part):
    """A loyalty programme: who may take part, what a point is worth, and rules."""

    programme: Name
    owner: Code
    """The institution that it belongs to."""
    currency: Annotated[int, Field(ge=1, le=999)]
    """ISO 4217's number, as in DE49; all amounts are in its minor units."""
    timezone: Timezone
    """Where its days and hours are counted."""
    point: Point
    hold: Hold = Hold()
    """For how long tills may keep points and credit back."""
    deficit: Literal["allow", "forbid"] = "forbid"
    """Whether a claw-back may leave a member owing points that were spent already."""
    max_discount: Percentage | None = None
    """All discounts of a purchase together are at most this share of its amount."""
    rules: Annotated[list[Rule], Field(max_length=RULES_MAX)]
    tiers: Annotated[list[Tier], Field(max_length=TIERS_MAX)] = []
    """From the lowest to the highest."""
    tier_year: TierYear | None = None
    """Without one, tier points count for life and no tier is ever left."""
    referral: Referral | None = None
    """What bringing a friend is worth."""
    clubs: Annotated[list[Club], Field(max_length=CLUBS_MAX)] = []
    coupons: Annotated[list[Coupon], Field(max_length=COUPONS_MAX)] = []
    partners: list[Partner] = []
    rewards: Annotated[list[Choice], Field(max_length=REWARDS_MAX)] = []
    """What members may choose for points."""
    tags: Annotated[list[Name], Field(max_length=TAGS_MAX)] = []
    """Names for groups of members that are put together by hand, such as ambassadors."""
