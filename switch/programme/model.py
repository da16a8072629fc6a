"""The shape of a programme's YAML, as far as it is built: every key, unit and bound."""

import re
import zoneinfo
from fractions import Fraction
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PlainValidator,
    StringConstraints,
    Tag,
    model_validator,
)

from cext.programme_table import AMOUNT_MAX, EXPIRY_MONTHS_MAX, FACTOR_MAX, RULES_MAX

NAME = r"^[a-z][a-z0-9_]{0,63}$"
CODE = r"^[A-Za-z0-9_-]{1,32}$"

_RATE = re.compile(r"([0-9]{1,9})(?:/([0-9]{1,9})|\.([0-9]{1,6}))?", re.ASCII)
_PERCENTAGE = re.compile(r"([0-9]{1,3})(?:\.([0-9]{1,6}))?%", re.ASCII)
_MONTHS = re.compile(r"([1-9][0-9]?) months?", re.ASCII)


def _decimal(whole: str, digits: str | None) -> Fraction:
    return Fraction(int(whole + (digits or "")), 10 ** len(digits or ""))


def rate_of(value: object) -> Fraction:
    """A rational: `2`, `1.25` or `3/2`. Raises ValueError."""
    is_written = isinstance(value, str | int) and not isinstance(value, bool)
    found = _RATE.fullmatch(str(value)) if is_written else None
    if found is None:
        raise ValueError("should be a rate such as 2, 1.25 or 3/2")
    whole, denominator, digits = found.groups()
    if denominator is not None and int(denominator) == 0:
        raise ValueError("the denominator is zero")
    rate = Fraction(int(whole), int(denominator)) if denominator is not None else _decimal(whole, digits)
    if not 0 < rate <= 1_000 or rate.denominator > FACTOR_MAX:
        raise ValueError("should be above 0 and at most 1000")
    return rate


def share_of(value: object) -> Fraction | int:
    """A percentage (`20%`, `12.5%`) or `n/d` as a Fraction, or an amount in minor units as an int."""
    if isinstance(value, int) and not isinstance(value, bool):
        if not 1 <= value <= AMOUNT_MAX:
            raise ValueError(f"an amount should be 1 to {AMOUNT_MAX} minor units")
        return value
    text = value if isinstance(value, str) else ""
    found = _PERCENTAGE.fullmatch(text)
    if found is not None:
        share = _decimal(*found.groups()) / 100
    elif "/" in text:
        share = rate_of(text)
    else:
        raise ValueError("should be a percentage such as 20%, or an amount in minor units such as 50000")
    if not 0 < share <= 1:
        raise ValueError("should be above 0% and at most 100%")
    return share


def months_of(value: object) -> int:
    """`24 months` as 24."""
    found = _MONTHS.fullmatch(value) if isinstance(value, str) else None
    if found is None or int(found[1]) > EXPIRY_MONTHS_MAX:
        raise ValueError(f"should be `1 month` to `{EXPIRY_MONTHS_MAX} months`, such as `24 months`")
    return int(found[1])


def _timezone(name: str) -> str:
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("should be a time zone such as Asia/Tehran") from None
    return name


def _text(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool):
        raise ValueError("should be text: put it in quotes")
    return value


Rate = Annotated[Fraction, PlainValidator(rate_of)]
Share = Annotated[Fraction | int, PlainValidator(share_of)]
Months = Annotated[int, PlainValidator(months_of)]
Name = Annotated[str, StringConstraints(pattern=NAME)]
Code = Annotated[str, BeforeValidator(_text), StringConstraints(pattern=CODE)]
Timezone = Annotated[str, StringConstraints(max_length=64), AfterValidator(_timezone)]
Amount = Annotated[int, Field(ge=1, le=AMOUNT_MAX)]
Factor = Annotated[int, Field(ge=1, le=FACTOR_MAX)]


class _Part(BaseModel):
    """Part of a programme: exact keys, exact types, and no value in an error's text."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


class Point(_Part):
    """What a point is worth, in minor units of the programme's currency, and how long it is good."""

    value: Factor
    expires: Months


class PointsPer(_Part):
    """`points` for each whole `per` minor units that are really paid."""

    per: Amount
    points: Factor = 1


def _kind_of_points(value: object) -> str:
    return "for each amount" if isinstance(value, dict | PointsPer) else "fixed"


Points = Annotated[
    Annotated[Amount, Tag("fixed")] | Annotated[PointsPer, Tag("for each amount")],
    Discriminator(_kind_of_points),
]


class Then(_Part):
    """What a rule does. `cap` bounds its one effect: in points or in minor units."""

    points: Points | None = None
    multiply: Rate | None = None
    discount: Share | None = None
    credit: Share | None = None
    cap: Annotated[int, Field(ge=0, le=AMOUNT_MAX)] | None = None

    @model_validator(mode="after")
    def _effects(self) -> "Then":
        count = sum(effect is not None for effect in (self.points, self.multiply, self.discount, self.credit))
        if count == 0:
            raise ValueError("should give points, multiply, discount or credit")
        if self.cap is not None and count > 1:
            raise ValueError("cap bounds one effect: give each effect a rule of its own")
        return self


class Rule(_Part):
    """When what happens. Rules run by falling `priority`; of an `exclusive` group only the first fires."""

    id: Name
    when: str | None = None
    then: Then
    priority: Annotated[int, Field(ge=-1_000, le=1_000)] = 0
    exclusive: Name | None = None


class Partner(_Part):
    """Another institution that takes part; prices in minor units for a point. Kept, and not used yet."""

    institution: Code
    role: Literal["earn", "burn", "both"]
    redeem_price: Amount | None = None
    accrual_price: Amount | None = None


class ProgrammeModel(_Part):
    """A programme. `deficit`: whether a claw-back may leave a member owing points that were spent already."""

    programme: Name
    owner: Code
    currency: Annotated[int, Field(ge=1, le=999)]
    timezone: Timezone
    point: Point
    deficit: Literal["allow", "forbid"] = "forbid"
    rules: Annotated[list[Rule], Field(max_length=RULES_MAX)]
    partners: list[Partner] = []
