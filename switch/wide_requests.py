"""What the messages ask for that touch more than one account, or people and cards beside accounts.

They are read here, before anything is looked up, so that what is wrong in the message itself is answered with 30
(naming the tag) at once. None of them is for the kernel: their kinds are numbered apart from its own.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from cext._marks import fingerprint
from protocol.codes import ResponseCode
from protocol.tlv import parse
from switch.member_data import GENDERS, NOTHING_TOLD, MemberData
from switch.referral import ReferralCode, read_code
from switch.refusals import Refusal
from switch.tokens import PAN_DIGITS_MAX, PAN_DIGITS_MIN, Token, TokenError, Tokens, normalise_mobile

ENROLMENT, CARD_LINK, TRANSFER, CONVERSION, LEAVING = 101, 102, 103, 104, 105
WIDE_KINDS = frozenset({ENROLMENT, CARD_LINK, TRANSFER, CONVERSION})
"""Of messages that tills may send: nobody leaves at a till."""
END_CODE, ERASURE_CODE = 930_000, 940_000
"""DE3 of what the house sends itself; from a till they are unknown."""
_NAME_SECOND_CARD = frozenset({CARD_LINK, TRANSFER})

NAME_CHARACTERS_MAX = 200
CLUB_CHARACTERS_MAX = 40
WORD_CHARACTERS_MAX = 40
"""Of an education or a region."""
BORN_FROM = dt.date(1900, 1, 1)
"""An earlier date is a Persian year, or a slip of the hand."""

TextFields = Mapping[int, str]


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A person becomes a member: by the card that the message names, or `without_card` by the mobile alone.

    `mobile` is E.164. Its token depends on the programme, which is the card's: it is made when the card is known.
    """

    mobile: str = field(repr=False)
    without_card: bool = False
    told: MemberData = NOTHING_TOLD
    referrer: ReferralCode | None = field(default=None, repr=False)
    club: str | None = None

    @property
    def tags(self) -> frozenset[str]:
        """Which of the tags that a club may require were given."""
        return self.told.tags if self.referrer is None else self.told.tags | {"RF"}


@dataclass(frozen=True, slots=True)
class CardLink:
    """A blank card (DE103) joins the account of the card that the message names."""

    further: Token


@dataclass(frozen=True, slots=True)
class Transfer:
    """Points go to the account of another card (DE103)."""

    receiver: Token
    points: int


@dataclass(frozen=True, slots=True)
class Conversion:
    """Points become club credit of the same account, at the programme's point value."""

    points: int


@dataclass(frozen=True, slots=True)
class TransferReversal:
    """A transfer is taken back: the one that the message's DE90 names. A lane finds out that it is one."""


@dataclass(frozen=True, slots=True)
class Leaving:
    """Somebody leaves. It comes from the house: `request` is the number under which it keeps who asked for it.

    Credit that is left must be given up in so many words. With an `alias` the person is erased: the account gets this
    number, at random and in its shard, instead of the one that its card's token gave it.
    """

    request: int
    asked_by: str
    approved_by: str | None = None
    forfeits_credit: bool = False
    alias: Token | None = None


WideRequest = Enrolment | CardLink | Transfer | Conversion | TransferReversal | Leaving


class Wide(NamedTuple):
    """A wide message: the card that it names, and what it asks for."""

    card: Token
    request: WideRequest


def read_request(
    kind: int, fields: TextFields, card: Token, points_wanted: int, tokens: Tokens, today: dt.date
) -> WideRequest | Refusal:
    """Read what a message of one of `WIDE_KINDS` asks for, or refuse it.

    `card` is the card that it names, `today` the business date, `points_wanted` DE48 PT: below zero if there is none.
    """
    if kind == ENROLMENT:
        return _enrolment(fields, tokens, today)
    if kind != CARD_LINK and points_wanted < 0:
        return _wrong("DE48 PT is missing")
    if kind not in _NAME_SECOND_CARD:
        return Conversion(points_wanted)
    second = _second_card(fields, tokens)
    if isinstance(second, Refusal):
        return second
    if second == card:
        return Refusal(ResponseCode.INVALID_TRANSACTION, "DE103 is the same card")
    return CardLink(second) if kind == CARD_LINK else Transfer(second, points_wanted)


def with_second_card(digest: int, fields: TextFields, tokens: Tokens) -> int:
    """A message's fingerprint, DE103 included if there is one: as a token, so that the digest tells nothing of it."""
    if 103 not in fields:
        return digest
    second = tokens.card(fields[103])
    return fingerprint(digest, 0, f"{second.id} {second.low}")


def _wrong(reason: str) -> Refusal:
    return Refusal(ResponseCode.FORMAT_ERROR, reason)


def _second_card(fields: TextFields, tokens: Tokens) -> Token | Refusal:
    number = fields.get(103)
    if number is None:
        return _wrong("DE103 is missing")
    if not (number.isascii() and number.isdecimal() and PAN_DIGITS_MIN <= len(number) <= PAN_DIGITS_MAX):
        return _wrong("DE103 is no card number")
    return tokens.card(number)


def _enrolment(fields: TextFields, tokens: Tokens, today: dt.date) -> Enrolment | Refusal:
    told = dict(parse(fields.get(48, "")))
    if not told.get("MB"):
        return _wrong("DE48 MB is missing")
    try:
        mobile = normalise_mobile(told["MB"])
    except TokenError:
        return _wrong("DE48 MB is not a mobile")
    data = _member_data(told, today)
    if isinstance(data, Refusal):
        return data
    referrer = None
    if told.get("RF"):
        referrer = read_code(tokens, told["RF"])
        if referrer is None:
            return _wrong("DE48 RF unknown")
    club = told.get("CL") or None
    if club is not None and len(club) > CLUB_CHARACTERS_MAX:
        return _wrong("DE48 CL unknown")
    return Enrolment(mobile, not {2, 35} & fields.keys(), data, referrer, club)


def _member_data(told: Mapping[str, str], today: dt.date) -> MemberData | Refusal:
    """What the tags say of the person; an empty one says nothing."""
    name = told.get("NA", "").strip() or None
    if name is not None and not _is_text(name, NAME_CHARACTERS_MAX):
        return _wrong("DE48 NA is no name")
    born = None
    if told.get("BD"):
        born = _birth_date(told["BD"], today)
        if born is None:
            return _wrong("DE48 BD is no birth date")
    gender = None
    if told.get("GE"):
        gender = GENDERS.get(told["GE"])
        if gender is None:
            return _wrong("DE48 GE is not F or M")
    words = [told.get(tag, "").strip() or None for tag in ("ED", "RE")]
    for tag, word in zip(("ED", "RE"), words, strict=True):
        if word is not None and not _is_text(word, WORD_CHARACTERS_MAX):
            return _wrong(f"DE48 {tag} is no such word")
    return MemberData(name, born, gender, *words)


def _is_text(text: str, characters_max: int) -> bool:
    return len(text) <= characters_max and text.replace("\u200c", "").isprintable()


def _birth_date(text: str, today: dt.date) -> dt.date | None:
    """YYYYMMDD of somebody who may stand at a till; None if it is none."""
    if len(text) != 8 or not (text.isascii() and text.isdecimal()):
        return None
    try:
        born = dt.date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return None
    return born if BORN_FROM <= born <= today else None
