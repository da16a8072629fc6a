"""What forbids cards to take part in a wide message: 78, 54, 57 and 12, each with its DE44."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from protocol.codes import ResponseCode
from switch.deciding import REASONS, LiveProgramme
from switch.refusals import Refusal
from switch.wide_ports import ACTIVE, Party

EPOCH = dt.date(1970, 1, 1)
UNKNOWN_SECOND = Refusal(ResponseCode.UNKNOWN_CARD, "DE103: no such card")
SAME_ACCOUNT = Refusal(ResponseCode.INVALID_TRANSACTION, "DE103 is the same account")
OTHER_PROGRAMME = Refusal(ResponseCode.NOT_ALLOWED_TO_CARD, "DE103: other programme")


@dataclass(frozen=True, slots=True)
class Context:
    """What a decision knows beside the cards: the programme, where and when.

    `institution` is the till's; `local_month` counts from 2000-01; `currency` is DE49, 0 if there is none; `held` is
    what was wrong with the message itself, but comes after the card in the order of DE39; `now` in epoch seconds.
    """

    programme: LiveProgramme | None
    institution: int
    business_date: dt.date
    local_date: dt.date
    local_month: int
    currency: int = 0
    advice: bool = False
    held: Refusal | None = None
    now: int = 0

    @property
    def local_day(self) -> int:
        """Days since 1970-01-01."""
        return (self.local_date - EPOCH).days


def usual(code: str) -> Refusal:
    """A refusal with the reason that it usually has."""
    return Refusal(code, REASONS[code])


def card_refusals(party: Party, context: Context, *, second: bool = False) -> Iterator[Refusal]:
    """78 and 54 of a card, or of the `second` one (DE103). An advice is taken from any card that there is."""
    if context.advice:
        return
    if party.status != ACTIVE or party.account.status != ACTIVE:
        yield Refusal(ResponseCode.CARD_BLOCKED, "DE103: card blocked") if second else usual(ResponseCode.CARD_BLOCKED)
    if party.expires_on is not None and party.expires_on < context.business_date:
        yield Refusal(ResponseCode.EXPIRED_CARD, "DE103: card expired") if second else usual(ResponseCode.EXPIRED_CARD)


def till_refusals(context: Context) -> Iterator[Refusal]:
    """57 unless the programme is live and serves this till; and what was held."""
    programme = context.programme
    if programme is None or (not context.advice and context.institution not in programme.participants):
        yield usual(ResponseCode.NOT_ALLOWED_TO_CARD)
    if context.held is not None:
        yield context.held


def pair_refusals(first: Party, second: Party, context: Context) -> Iterator[Refusal]:
    """What forbids two cards to deal with each other: 12, 78, 54, 57."""
    if first.account.key == second.account.key:
        yield SAME_ACCOUNT
    yield from card_refusals(first, context)
    yield from card_refusals(second, context, second=True)
    if first.account.programme != second.account.programme:
        yield OTHER_PROGRAMME
