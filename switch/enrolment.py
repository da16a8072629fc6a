"""Enrolment in one message at the till: a card (or a mobile alone) gets a member. Nothing here waits or keeps time.

What a person does not tell may be told later: a name or a birth date that is missing forbids nothing, unless the club
requires it. The account is marked, receipts ask for it, and the same message once more, from the same mobile, tells
it: that completes the member's data and moves nothing.

A club that is not open takes nobody at a till, and one with a least age nobody who is younger. That holds as well for a
member of it who tells the birth date later: the whole message is refused, and nothing of it is kept. A fee is paid from
the account's credit, all of it or nothing, and is owed if that does not suffice and the club (or the till, by an
advice) has let the member in.
"""

import datetime as dt
from dataclasses import dataclass

from cext._kernel import Decision
from protocol.codes import ResponseCode
from switch.ages import is_under, under_age
from switch.card_checks import Context, card_refusals, till_refusals, usual
from switch.kept_back import reserves_of, tell
from switch.member_data import OWN_FLAGS, REFERRED, Before, MemberData, flags_of, kept_before
from switch.refusals import Refusal, first_of
from switch.tokens import Token
from switch.transaction import AccountKey
from switch.wide_ports import MOBILE, AccountChange, Club, Effects, MoreData, NewAccount, NewCard, NewMember, Party
from switch.wide_requests import Enrolment

ENROLLED_ALREADY = Refusal(ResponseCode.REFUSED, "card is enrolled")
CARD_WANTED = Refusal(ResponseCode.REFUSED, "a card is needed")
CLUB_NOT_OPEN = Refusal(ResponseCode.REFUSED, "club is not open")
UNKNOWN_CLUB = Refusal(ResponseCode.FORMAT_ERROR, "DE48 CL unknown")
UNKNOWN_REFERRER = Refusal(ResponseCode.FORMAT_ERROR, "DE48 RF unknown")


@dataclass(frozen=True, slots=True)
class Scene:
    """What the store knows of the message: None is what there is not.

    `card` is the card that DE2 or DE35 names (None for a mobile alone), `holder` whose mobile it is already.
    `points_left` are the account's points that have not lapsed; `virtual_cards`: whether a mobile alone will do;
    `known` are the tags that whoever holds the mobile has told.

    `account` is the number of an account that the mobile alone would get: its token, unless somebody with this mobile
    was erased (`since`). Then the mobile stands among the further cards, which know since when they lead where.
    """

    card: Party | None
    mobile_token: Token
    holder: Party | None
    club: Club | None
    referrer: AccountKey | None
    virtual_cards: bool
    points_left: int = 0
    known: frozenset[str] = frozenset()
    account: Token | None = None
    since: dt.datetime | None = None

    def tells_more(self, request: Enrolment) -> Party | None:
        """The member's own card, if this is a member who tells what was missing; by the mobile alone, if that is the
        account's first card.
        """
        holder = self.holder
        if holder is None or holder.account.member is None or request.club is not None or not request.told.tags:
            return None
        if request.without_card:
            return holder if holder.is_first else None
        is_own = self.card is not None and self.card.account.key == holder.account.key
        return self.card if is_own and request.referrer is None else None


def decide_enrolment(request: Enrolment, scene: Scene, context: Context) -> Effects | Refusal:
    """What an enrolment does, or why it is declined (the first in the order of wire.md)."""
    if scene.card is None and not request.without_card:
        return usual(ResponseCode.UNKNOWN_CARD)
    own = scene.tells_more(request)
    if own is not None:
        return _completed(request, scene, own, context)
    refusal = first_of(
        [
            *_card(scene, context),
            *till_refusals(context),
            *_mobile(request, scene),
            *_club(request, scene, context),
            *([UNKNOWN_REFERRER] if request.referrer is not None and scene.referrer is None else []),
        ]
    )
    if refusal is not None:
        return refusal
    credit = 0 if scene.card is None else _free_credit(scene.card, context)
    fee = 0 if scene.club is None else scene.club.fee
    is_paid = fee <= credit
    if not is_paid and not context.advice and (scene.club is None or not scene.club.fee_may_be_owed):
        return Refusal(ResponseCode.NOT_ENOUGH, "too little for the fee")
    paid, owed = (fee, 0) if is_paid else (0, fee)
    return _enrolled(request, scene, context, paid, owed)


def _completed(request: Enrolment, scene: Scene, own: Party, context: Context) -> Effects | Refusal:
    """A member tells what was missing; what is known already stays, and nothing of it is told."""
    account, told = own.account, request.told
    assert account.member is not None
    born = _born(told) if account.born == 0 and "BD" not in scene.known else None
    age = _age(_min_age(account.club, context), born, context) if born else []
    refusal = first_of([*card_refusals(own, context), *till_refusals(context), *age])
    if refusal is not None:
        return refusal
    flags = flags_of(scene.known | told.tags, referred=bool(account.flags & REFERRED)) | account.flags & ~OWN_FLAGS
    return Effects(
        Decision(ResponseCode.APPROVED, points_balance=scene.points_left, credit_balance=account.credit),
        changes=(AccountChange(account, born=born, flags=flags),),
        more=MoreData((account.shard, account.member), told),
        asked=kept_before(Before(tells_birth_date=bool(born))),
    )


def _born(told: MemberData) -> int:
    return 0 if told.born is None else int(f"{told.born:%Y%m%d}")


def _card(scene: Scene, context: Context) -> list[Refusal]:
    if scene.card is None:
        return []
    refusals = list(card_refusals(scene.card, context))
    if scene.card.account.member is not None:
        refusals.append(ENROLLED_ALREADY)
    return refusals


def _mobile(request: Enrolment, scene: Scene) -> list[Refusal]:
    """05 with the card that its holder has: whoever forgot it asks for it by the mobile."""
    if scene.holder is not None and (scene.card is None or scene.card.account.member is None):
        return [Refusal(ResponseCode.REFUSED, f"mobile has card {scene.holder.account.last_four or ''}".rstrip())]
    return [CARD_WANTED] if request.without_card and not scene.virtual_cards else []


def _club(request: Enrolment, scene: Scene, context: Context) -> list[Refusal]:
    if request.club is None:
        return []
    club = scene.club
    if club is None:
        return [UNKNOWN_CLUB]
    min_age = _min_age(request.club, context)
    # While a version takes over, the store's club may be the next one's: it may ask nobody for an age any more.
    required = club.required if min_age is None else club.required | {"BD"}
    refusals = [Refusal(ResponseCode.FORMAT_ERROR, f"DE48 {tag} is missing") for tag in sorted(required - request.tags)]
    if not club.open:
        refusals.append(CLUB_NOT_OPEN)
    return refusals + _age(min_age, _born(request.told), context)


def _min_age(club: str | None, context: Context) -> int | None:
    """How old the members of a club have to be by the version that decides; None: as old as they like."""
    clubs = () if context.programme is None else context.programme.compiled.clubs
    return next((each.min_age for each in clubs if each.code == club), None)


def _age(min_age: int | None, born: int, context: Context) -> list[Refusal]:
    if min_age is None or not is_under(min_age, born, context.local_date):
        return []
    return [Refusal(ResponseCode.REFUSED, under_age(min_age))]


def _free_credit(party: Party, context: Context) -> int:
    """The account's credit that no till holds."""
    return party.account.credit - reserves_of(party.account, context).credit


def _enrolled(request: Enrolment, scene: Scene, context: Context, paid: int, owed: int) -> Effects:
    programme = context.programme
    assert programme is not None
    club = 0 if scene.club is None else scene.club.id
    born, flags = _born(request.told), flags_of(request.told.tags, referred=scene.referrer is not None)
    last_four = request.mobile[-4:]
    token = scene.mobile_token
    party = scene.card
    own = scene.account or token
    key = (own.shard, own.id) if party is None else party.account.key
    card = NewCard(token, key, programme.id, MOBILE, last_four, since=scene.since)
    member = NewMember(key, programme.id, request.mobile, request.told, scene.referrer, owed)
    if party is None:
        return Effects(
            Decision(ResponseCode.APPROVED),
            account=NewAccount(own, programme.id, last_four, club, born, context.local_date, flags),
            member=member,
            card=card if own != token else None,
        )
    credit = party.account.credit - paid
    change = AccountChange(
        party.account,
        credit=credit,
        member=key[1],
        club=club,
        born=born,
        enrolled_on=context.local_date,
        flags=flags | party.account.flags & ~OWN_FLAGS,
    )
    decision = Decision(
        ResponseCode.APPROVED, credit_spent=paid, points_balance=scene.points_left, credit_balance=credit
    )
    tell(decision, reserves_of(party.account, context))
    return Effects(
        decision,
        changes=(change,),
        member=member,
        card=card,
        asked=kept_before(Before(party.account.enrolled_on, born != 0)),
    )
