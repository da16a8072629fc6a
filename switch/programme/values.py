"""The plain values of a programme and their bounds: names, rates, shares, months, days."""

import datetime as dt
import re
import zoneinfo
from fractions import Fraction
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, StringConstraints, WithJsonSchema

from cext.programme_table import AMOUNT_MAX, EXPIRY_MONTHS_MAX, FACTOR_MAX, LIFE_DAYS_MAX, PENDING_DAYS_MAX
from switch.programme.calendar import EPOCH_ORDINAL

HOLD_DAYS_MAX = 31
AGE_MAX = 120

NAME = r"^[a-z][a-z0-9_]{0,63}$"
CODE = r"^[A-Za-z0-9_-]{1,32}$"
LABEL = r"^[^\x00-\x1f\x7f;]{1,64}$"
LINE = r"^[^\x00-\x1f\x7f]{1,120}$"

PATTERNS = {
    NAME: "should be a name of lower-case letters, digits and _ that begins with a letter",
    CODE: "should be a code of letters, digits, _ and -",
    LABEL: "should be 1 to 64 characters on one line, without a semicolon",
    LINE: "should be 1 to 120 characters on one line",
}
"""What a text has to look like, in words."""

_RATE = re.compile(r"([0-9]{1,9})(?:/([0-9]{1,9})|\.([0-9]{1,6}))?", re.ASCII)
_PERCENTAGE = re.compile(r"([0-9]{1,3})(?:\.([0-9]{1,6}))?%", re.ASCII)
_WHOLE_PERCENTAGE = re.compile(r"([1-9][0-9]?)%", re.ASCII)
_MONTHS = re.compile(r"([1-9][0-9]?) months?", re.ASCII)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_SPAN = re.compile(r"([1-9][0-9]{0,4}) (minute|hour|day)s?", re.ASCII)
_DAYS = re.compile(r"([1-9][0-9]{0,3}) days?", re.ASCII)
_UNITS_S = {"minute": 60, "hour": 3_600, "day": 86_400}

_RATE_SCHEMA = {"type": ["number", "string"], "examples": [2, 1.25, "3/2"]}
_PERCENTAGE_PATTERN = r"^[0-9]{1,3}(\.[0-9]{1,6})?%$|^[0-9]{1,9}/[0-9]{1,9}$"
_PERCENTAGE_SCHEMA = {"type": "string", "pattern": _PERCENTAGE_PATTERN, "examples": ["20%", "12.5%", "1/3"]}
_SHARE_SCHEMA = {"anyOf": [_PERCENTAGE_SCHEMA, {"type": "integer", "minimum": 1, "maximum": AMOUNT_MAX}]}


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


def percentage_of(value: object) -> Fraction:
    """A percentage (`20%`, `12.5%`) or `n/d`, above nothing and at most the whole. Raises ValueError."""
    text = value if isinstance(value, str) else ""
    found = _PERCENTAGE.fullmatch(text)
    if found is not None:
        share = _decimal(*found.groups()) / 100
    elif "/" in text:
        share = rate_of(text)
    else:
        raise ValueError("should be a percentage such as 20%")
    if not 0 < share <= 1:
        raise ValueError("should be above 0% and at most 100%")
    return share


def share_of(value: object) -> Fraction | int:
    """A percentage as a Fraction, or an amount in minor units as an int. Raises ValueError."""
    if isinstance(value, int) and not isinstance(value, bool):
        if not 1 <= value <= AMOUNT_MAX:
            raise ValueError(f"an amount should be 1 to {AMOUNT_MAX} minor units")
        return value
    if not isinstance(value, str) or not ("%" in value or "/" in value):
        raise ValueError("should be a percentage such as 20%, or an amount in minor units such as 50000")
    return percentage_of(value)


def whole_percentage_of(value: object) -> int:
    """`10%` as 10. Raises ValueError."""
    found = _WHOLE_PERCENTAGE.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("should be a whole percentage from 1% to 99%, such as 10%")
    return int(found[1])


def months_of(value: object) -> int:
    """`24 months` as 24. Raises ValueError."""
    found = _MONTHS.fullmatch(value) if isinstance(value, str) else None
    if found is None or int(found[1]) > EXPIRY_MONTHS_MAX:
        raise ValueError(f"should be `1 month` to `{EXPIRY_MONTHS_MAX} months`, such as `24 months`")
    return int(found[1])


def days_of(value: object) -> int:
    """`30 days` as 30. Raises ValueError."""
    found = _DAYS.fullmatch(value) if isinstance(value, str) else None
    if found is None or int(found[1]) > LIFE_DAYS_MAX:
        raise ValueError(f"should be `1 day` to `{LIFE_DAYS_MAX} days`, such as `30 days`")
    return int(found[1])


def date_of(value: object) -> int:
    """`2026-11-01` as days since 1970-01-01. Raises ValueError."""
    if not isinstance(value, str) or _DATE.fullmatch(value) is None:
        raise ValueError("should be a date such as 2026-11-01")
    try:
        return dt.date.fromisoformat(value).toordinal() - EPOCH_ORDINAL
    except ValueError:
        raise ValueError("should be a date such as 2026-11-01") from None


def pending_of(value: object) -> int:
    """`14 days` as 14, at most `PENDING_DAYS_MAX`. Raises ValueError."""
    found = _DAYS.fullmatch(value) if isinstance(value, str) else None
    if found is None or int(found[1]) > PENDING_DAYS_MAX:
        raise ValueError(f"should be `1 day` to `{PENDING_DAYS_MAX} days`, such as `14 days`")
    return int(found[1])


def age_of(value: object) -> int:
    """An age in whole years. Raises ValueError."""
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= AGE_MAX:
        raise ValueError(f"should be whole years from 1 to {AGE_MAX}, such as 18")
    return value


def span_of(value: object) -> int:
    """`30 minutes`, `2 hours` or `3 days` in seconds, at most `HOLD_DAYS_MAX` days. Raises ValueError."""
    found = _SPAN.fullmatch(value) if isinstance(value, str) else None
    span_s = 0 if found is None else int(found[1]) * _UNITS_S[found[2]]
    if not 0 < span_s <= HOLD_DAYS_MAX * _UNITS_S["day"]:
        raise ValueError(f"should be minutes, hours or days up to `{HOLD_DAYS_MAX} days`, such as `30 minutes`")
    return span_s


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


def _expression(value: object) -> object:
    """A bare number is an expression too: `within: 20`."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Rate = Annotated[Fraction, PlainValidator(rate_of), WithJsonSchema(_RATE_SCHEMA)]
Percentage = Annotated[Fraction, PlainValidator(percentage_of), WithJsonSchema(_PERCENTAGE_SCHEMA)]
Share = Annotated[Fraction | int, PlainValidator(share_of), WithJsonSchema(_SHARE_SCHEMA)]
WholePercentage = Annotated[
    int,
    PlainValidator(whole_percentage_of),
    WithJsonSchema({"type": "string", "pattern": r"^[1-9][0-9]?%$", "examples": ["10%"]}),
]
Months = Annotated[
    int,
    PlainValidator(months_of),
    WithJsonSchema({"type": "string", "pattern": r"^[1-9][0-9]? months?$", "examples": ["24 months"]}),
]
Days = Annotated[
    int,
    PlainValidator(days_of),
    WithJsonSchema({"type": "string", "pattern": r"^[1-9][0-9]{0,3} days?$", "examples": ["30 days"]}),
]
Date = Annotated[int, PlainValidator(date_of), WithJsonSchema({"type": "string", "format": "date"})]
"""Days since 1970-01-01."""
PendingDays = Annotated[
    int,
    PlainValidator(pending_of),
    WithJsonSchema({"type": "string", "pattern": r"^[1-9][0-9]? days?$", "examples": ["14 days"]}),
]
SpanSeconds = Annotated[
    int,
    PlainValidator(span_of),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^[1-9][0-9]{0,4} (minute|hour|day)s?$",
            "examples": ["30 minutes", "2 hours", "3 days"],
        }
    ),
]
Age = Annotated[
    int, PlainValidator(age_of), WithJsonSchema({"type": "integer", "minimum": 1, "maximum": AGE_MAX, "examples": [18]})
]
Name = Annotated[str, StringConstraints(pattern=NAME)]
Code = Annotated[str, StringConstraints(pattern=CODE), BeforeValidator(_text)]
Label = Annotated[str, StringConstraints(pattern=LABEL), BeforeValidator(_text)]
Line = Annotated[str, StringConstraints(pattern=LINE), BeforeValidator(_text)]
Timezone = Annotated[str, StringConstraints(max_length=64), AfterValidator(_timezone)]
Expression = Annotated[
    str,
    BeforeValidator(_expression),
    WithJsonSchema({"type": ["string", "integer"], "examples": ["4 * mean_amount", 20]}),
]
Amount = Annotated[int, Field(ge=1, le=AMOUNT_MAX)]
Factor = Annotated[int, Field(ge=1, le=FACTOR_MAX)]
Cap = Annotated[int, Field(ge=0, le=AMOUNT_MAX)]
