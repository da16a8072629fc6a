"""What the files given to `load` may say, field by field."""

import datetime as dt
import re
from enum import StrEnum
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from adapters.postgres.seeding import BIN, CARDS_MAX, CardNumbers
from switch.receipts import WIDTH_MAX, WIDTH_MIN
from switch.tokens import TokenError, is_card_number, normalise_mobile

POINTS_MAX = 10**15
_PRINTABLE = re.compile(r"[ -~]+")
_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
_FIRST_YEAR = 2000
_LAST_YEAR = 2099


def _digits(text: str) -> str:
    if not (text.isascii() and text.isdecimal() and len(text) <= 11):
        raise ValueError("must be at most 11 digits, as tills send it in DE32")
    return text


def _merchant_code(text: str) -> str:
    if len(text) != 15 or not _PRINTABLE.fullmatch(text):
        raise ValueError("must be exactly 15 ASCII characters, as tills send it in DE42")
    return text


def _terminal_code(text: str) -> str:
    if len(text) != 8 or not _PRINTABLE.fullmatch(text):
        raise ValueError("must be exactly 8 ASCII characters, as tills send it in DE41")
    return text


def _zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        raise ValueError("must be an IANA time zone, such as Asia/Tehran") from None
    return text


def _card_number(text: str) -> str:
    digits = text.replace(" ", "").replace("-", "")
    if not is_card_number(digits):
        raise ValueError("is no card number: 12 to 19 digits, the last one being the Luhn digit")
    return digits


def _mobile(text: str) -> str:
    try:
        return normalise_mobile(text)
    except TokenError as fault:
        raise ValueError(str(fault)) from None


def _month(text: str) -> str:
    if not _MONTH.fullmatch(text) or not _FIRST_YEAR <= int(text[:4]) <= _LAST_YEAR:
        raise ValueError("must be a month from 2000 on, such as 2028-11")
    return text


def _date(value: object) -> object:
    if isinstance(value, str):
        try:
            return dt.datetime.strptime(value, "%Y-%m-%d").date()  # noqa: DTZ007  # a date has no zone
        except ValueError:
            raise ValueError("must be a date, such as 2028-11-30") from None
    return value


Acquirer = Annotated[str, AfterValidator(_digits)]
MerchantCode = Annotated[str, AfterValidator(_merchant_code)]
TerminalCode = Annotated[str, AfterValidator(_terminal_code)]
Date = Annotated[dt.date, BeforeValidator(_date)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
ShortName = Annotated[str, Field(min_length=1, max_length=40)]


class Status(StrEnum):
    """Of a terminal or a card."""

    ACTIVE = "active"
    BLOCKED = "blocked"
    CLOSED = "closed"

    @property
    def number(self) -> int:
        """As it is kept."""
        return list(Status).index(self)


class CardKind(StrEnum):
    """What a card is."""

    STRIPE = "stripe"
    BARCODE = "barcode"
    VIRTUAL = "virtual"
    BANK = "bank"

    @property
    def number(self) -> int:
        """As it is kept."""
        return list(CardKind).index(self) + 1


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class MerchantEntry(_Entry):
    """A store under its institution."""

    code: MerchantCode
    name: Name
    category: ShortName


class InstitutionEntry(_Entry):
    """A bank, a chain or the operator."""

    code: Acquirer
    name: ShortName
    title: Name
    kind: Annotated[str, Field(pattern="^(operator|bank|chain)$")]
    timezone: Annotated[str, AfterValidator(_zone)]
    cut_over: Annotated[str, Field(pattern="^(automatic|wire)$")] = "automatic"
    merchants: tuple[MerchantEntry, ...] = ()


class InstitutionsFile(_Entry):
    """institutions.yaml."""

    institutions: tuple[InstitutionEntry, ...]


class MerchantRow(_Entry):
    """A line of merchants.csv."""

    acquirer: Acquirer
    code: MerchantCode
    name: Name
    category: ShortName


class TerminalRow(_Entry):
    """A line of terminals.csv. The last four columns say how the till prints receipts; `switch.receipts` tells more."""

    acquirer: Acquirer
    code: TerminalCode
    merchant: MerchantCode
    status: Status = Status.ACTIVE
    receipt_language: Annotated[str, Field(pattern="^(fa|en)$")] | None = None
    receipt_width: Annotated[int, Field(ge=WIDTH_MIN, le=WIDTH_MAX)] = 32
    receipt_digits: Annotated[str, Field(pattern="^(persian|latin)$")] = "persian"
    receipt_mark: bool = False


class CardRow(_Entry):
    """A line of cards.csv: a card by its number, or by its serial in the BIN of the examples."""

    pan: Annotated[str, AfterValidator(_card_number)] | None = Field(default=None, repr=False)
    serial: Annotated[int, Field(ge=0, lt=CARDS_MAX)] | None = None
    programme: ShortName
    kind: CardKind = CardKind.STRIPE
    status: Status = Status.ACTIVE
    expires: Date | None = None
    name: Name | None = Field(default=None, repr=False)
    mobile: Annotated[str, AfterValidator(_mobile)] | None = Field(default=None, repr=False)
    birth_date: Date | None = Field(default=None, repr=False)
    gender: Annotated[str, Field(pattern="^(female|male)$")] | None = None
    education: ShortName | None = None
    region: ShortName | None = None
    points: Annotated[int, Field(ge=0, le=POINTS_MAX)] = 0
    points_expire: Annotated[str, AfterValidator(_month)] | None = None
    credit: Annotated[int, Field(ge=0, le=POINTS_MAX)] = 0

    @model_validator(mode="after")
    def _is_whole(self) -> "CardRow":
        if (self.pan is None) == (self.serial is None):
            raise ValueError(f"a card has either a pan or a serial (of BIN {BIN}), not both and not neither")
        if (self.points > 0) != (self.points_expire is not None):
            raise ValueError("points and points_expire go together: the last month in which they can be spent")
        return self

    def number(self, numbers: CardNumbers) -> str:
        """The card number."""
        if self.pan is not None:
            return self.pan
        assert self.serial is not None
        return numbers.number(self.serial)

    @property
    def expiry_month(self) -> int | None:
        """The month of `points_expire`, in months since January 2000."""
        if self.points_expire is None:
            return None
        return (int(self.points_expire[:4]) - _FIRST_YEAR) * 12 + int(self.points_expire[5:]) - 1

    @property
    def has_member(self) -> bool:
        """Whether the line tells anything about the person."""
        return any(
            value is not None
            for value in (self.name, self.mobile, self.birth_date, self.gender, self.education, self.region)
        )
