"""What a member tells of himself or herself, by tag of DE48, and the marks of it that an account carries.

A mark is a bit of `account.flags`. The names are those of a programme's text (`club.required`).

Rules look at the club, the age and the days since enrolment, which a message may change under way. The journal row of
such a message says (`journal.asked`) what the account was before, as far as that names nobody: `EB`, the day it counted
as enrolled on, without a club; `BT`, the birth date was told just then.
"""

import datetime as dt
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import NamedTuple

from protocol.errors import TlvError
from protocol.tlv import build, parse

REFERRED = 1
"""Was brought by another member."""
INCOMPLETE = 2
"""Has not told all that is wanted: `WANTED` of everybody."""
NAME_UNKNOWN = 4
"""Has not told the name. Whether the birth date is known is in the account anyway (`born`)."""
OWN_FLAGS = REFERRED | INCOMPLETE | NAME_UNKNOWN
"""All that enrolment sets; the other bits are others'."""

TAGS = {
    "name": "NA",
    "birth_date": "BD",
    "gender": "GE",
    "education": "ED",
    "region": "RE",
    "referrer": "RF",
}
WANTED = frozenset({"NA", "BD"})
GENDERS = {"F": "female", "M": "male"}


@dataclass(frozen=True, slots=True)
class MemberData:
    """What somebody tells beside the mobile number; None: not told. `gender` is `female` or `male`."""

    name: str | None = field(default=None, repr=False)
    born: dt.date | None = field(default=None, repr=False)
    gender: str | None = field(default=None, repr=False)
    education: str | None = field(default=None, repr=False)
    region: str | None = field(default=None, repr=False)

    @property
    def tags(self) -> frozenset[str]:
        """Which tags of DE48 are told."""
        told = {"NA": self.name, "BD": self.born, "GE": self.gender, "ED": self.education, "RE": self.region}
        return frozenset(tag for tag, value in told.items() if value is not None)


NOTHING_TOLD = MemberData()


def flags_of(known: AbstractSet[str], *, referred: bool) -> int:
    """The marks of a member of whom these tags are known."""
    flags = REFERRED if referred else 0
    if not known >= WANTED:
        flags |= INCOMPLETE
    if "NA" not in known:
        flags |= NAME_UNKNOWN
    return flags


def asked_for(flags: int, born: int) -> tuple[str, ...]:
    """What a receipt may ask a member for (`switch.receipts.Receipt.asks_for`); `born` is the account's, 0: unknown."""
    if not flags & INCOMPLETE:
        return ()
    name = ("name",) if flags & NAME_UNKNOWN else ()
    return name if born else (*name, "birth_date")


class Before(NamedTuple):
    """What an account was before a message told who its member is. `enrolled_on`: None, it was enrolled already."""

    enrolled_on: dt.date | None = None
    tells_birth_date: bool = False


def kept_before(before: Before) -> str | None:
    """As the journal keeps it; None: nothing."""
    tags = [] if before.enrolled_on is None else [("EB", f"{before.enrolled_on:%Y%m%d}")]
    if before.tells_birth_date:
        tags.append(("BT", "1"))
    return build(tags) or None


def read_before(asked: str) -> Before:
    """What `kept_before` kept. What cannot be read counts as not kept."""
    try:
        tags = dict(parse(asked))
        day = tags.get("EB")
        enrolled_on = None if day is None else dt.date(int(day[:4]), int(day[4:6]), int(day[6:]))
    except (TlvError, ValueError):
        return Before()
    return Before(enrolled_on, "BT" in tags)
