"""The parts of a programme's YAML that jobs see to: tier years, and what bringing a friend is worth."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from cext.programme_table import GRACE_DAYS_MAX
from switch.programme.values import Amount, Days

MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
Month = Literal[
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
]  # fmt: skip
AMBASSADOR = "ambassador"
"""The tag of members for whose friends the ambassadors' rate is paid."""


PART = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True, use_attribute_docstrings=True)
"""What every part of a programme is held to: exact keys, exact types, and no value in an error's text."""


class _Part(BaseModel):
    model_config = PART


class TierYear(_Part):
    """Tier points count within a year; a tier that was not earned again is kept for some days of the next one."""

    begins: Month
    """The month on whose first day it begins."""
    grace: Annotated[Days, Field(le=GRACE_DAYS_MAX)] | None = None
    """How long into the next tier year a tier is kept that was not earned again."""

    @property
    def month(self) -> int:
        """1 … 12."""
        return MONTHS.index(self.begins) + 1

    @property
    def grace_days(self) -> int:
        """0: a tier ends with the tier year."""
        return 0 if self.grace is None else self.grace


class Bonus(_Part):
    """Points, credit, or both."""

    points: Amount | None = None
    credit: Amount | None = None
    """Minor units."""

    @model_validator(mode="after")
    def _some(self) -> Self:
        if self.points is None and self.credit is None:
            raise ValueError("should give points, credit or both")
        return self


class Referral(_Part):
    """What is given when a member who was brought by another one has made the first purchase."""

    referrer: Bonus | None = None
    """To who brought the member."""
    member: Bonus | None = None
    """To the member who was brought."""
    ambassador: Bonus | None = None
    """To who brought the member, if tagged `ambassador`; without it ambassadors get what any referrer gets."""

    @model_validator(mode="after")
    def _some(self) -> Self:
        if self.referrer is self.member is self.ambassador is None:
            raise ValueError("should say what the referrer, the member or the ambassador gets")
        return self
