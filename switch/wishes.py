"""What a till asks for in DE48, and what of it the journal keeps (wire.md, DE48)."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from protocol.codes import ResponseCode
from protocol.tlv import TlvError, build, parse
from switch.receipts import Language
from switch.refusals import Refusal

NOT_WANTED = -1
NUMBER_DIGITS_MAX = 12
REPEATS_MAX = 5
"""Coupons that a purchase may show, and offers that it may claim."""

_CODE = re.compile(r"[A-Za-z0-9_-]{1,32}", re.ASCII)
_LANGUAGES: dict[str, Language] = {"fa": "fa", "en": "en"}


class Wishes(NamedTuple):
    """What DE48 asks for: points (PT) and credit in minor units (CR) to pay with, or `NOT_WANTED`, and the texts of MB,
    EV, RW, LG and of each CP and OF.
    """

    points: int
    credit: int
    mobile: str
    event: str
    reward: str
    language: Language | None
    coupons: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()


NO_WISHES = Wishes(NOT_WANTED, NOT_WANTED, "", "", "", None)


def read_wishes(text: str) -> Wishes | Refusal:
    """DE48 as the till sent it; 30 if it cannot be read. Of other tags than RW, CP and OF the last one counts."""
    try:
        pairs = parse(text)
        numbers = {tag: _number(value) for tag, value in pairs if tag in ("PT", "CR")}
    except TlvError:
        return Refusal(ResponseCode.FORMAT_ERROR, "DE48 is not tag-length-value")
    except ValueError:
        return Refusal(ResponseCode.FORMAT_ERROR, "DE48 PT or CR is no number")
    last = dict(pairs)
    each = {tag: tuple(value for found, value in pairs if found == tag) for tag in ("RW", "CP", "OF")}
    rewards = each["RW"]
    if len(rewards) > 1 or not all(_CODE.fullmatch(code) for code in rewards):
        return Refusal(ResponseCode.FORMAT_ERROR, "DE48 RW is not one code")
    return Wishes(
        numbers.get("PT", NOT_WANTED),
        numbers.get("CR", NOT_WANTED),
        last.get("MB", ""),
        last.get("EV", ""),
        last.get("RW", ""),
        _LANGUAGES.get(last.get("LG", "")),
        each["CP"],
        each["OF"],
    )


def refused_as_repeated(tag: str, values: Sequence[str | None]) -> Refusal | None:
    """30 for a tag that is there too often, or has a value twice; None is a value that is like no other."""
    if len(values) > REPEATS_MAX:
        return Refusal(ResponseCode.FORMAT_ERROR, f"DE48 has more than {REPEATS_MAX} {tag}")
    known = [value for value in values if value is not None]
    if len(set(known)) < len(known):
        return Refusal(ResponseCode.FORMAT_ERROR, f"DE48 has one {tag} twice")
    return None


def kept_of(wishes: Wishes, basket: str) -> str | None:
    """What the journal keeps of DE48 and DE63: what bears on the decision, and nothing that names a person.

    A reward stands first, as the audit looks for it there.
    """
    numbers = (("PT", wishes.points), ("CR", wishes.credit))
    wanted = [("RW", wishes.reward)] if wishes.reward else []
    wanted += [(tag, str(value)) for tag, value in numbers if value != NOT_WANTED]
    if wishes.event:
        wanted.append(("EV", wishes.event))
    return build(wanted) + basket or None


def _number(value: str) -> int:
    if not value.isdecimal() or len(value) > NUMBER_DIGITS_MAX:
        raise ValueError
    return int(value)
