"""Enrolment in one message at the till: a card (or a mobile alone) gets a member. Nothing here waits or keeps time.

What a person does not tell may be told later: a name or a birth date that is missing forbids nothing, unless the club
requires it. A club that is not open takes nobody at a till; a fee is paid from the account's credit, all of it or
nothing, and is owed if that does not suffice and the club (or the till, by an advice) has let the member in.
"""

from dataclasses import dataclass

from cext._kernel import Decision
from protocol.codes import ResponseCode
from switch.card_checks import Context, card_refusals, till_refusals, usual
from switch.kept_back import reserves_of, tell
from switch.refusals import Refusal, first_of
from switch.tokens import Token
from switch.transaction import AccountKey
from switch.wide_ports import MOBILE, AccountChange, Club, Effects, NewAccount, NewCard, NewMember, Party
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
    `points_left` are the account's points that have not lapsed; `virtual_cards`: whether a mobile alone will do.
    """

    card: Party | None
    mobile_token: Token
    holder: Party | None
    club: Club | None
    referrer: AccountKey | None
    virtual_cards: bool
    points_left: int = 0


def decide_enrolment(request: Enrolment, scene: Scene, context: Context) -> Effects | Refusal:
    """What an enrolment does, or why it is declined (the first in the order of wire.md)."""
    if scene.card is None and not request.without_card:
        return usual(ResponseCode.UNKNOWN_CARD)
    refusal = first_of(
        [
            *_card(scene, context),
            *till_refusals(context),
            *_mobile(request, scene),
            *_club(request, scene),
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


def _club(request: Enrolment, scene: Scene) -> list[Refusal]:
    if request.club is None:
        return []
    club = scene.club
    if club is None:
        return [UNKNOWN_CLUB]
    refusals = [
        Refusal(ResponseCode.FORMAT_ERROR, f"DE48 {tag} is missing") for tag in sorted(club.required - request.tags)
    ]
    if not club.open:
        refusals.append(CLUB_NOT_OPEN)
    return refusals


def _free_credit(party: Party, context: Context) -> int:
    """The account's credit that no till holds."""
    return party.account.credit - reserves_of(party.account, context).credit


def _enrolled(request: Enrolment, scene: Scene, context: Context, paid: int, owed: int) -> Effects:
    programme = context.programme
    assert programme is not None
    club = 0 if scene.club is None else scene.club.id
    born = 0 if request.born is None else int(f"{request.born:%Y%m%d}")
    last_four = request.mobile[-4:]
    token = scene.mobile_token
    party = scene.card
    key = (token.shard, token.id) if party is None else party.account.key
    member = NewMember(key, programme.id, request.mobile, request.name, request.born, scene.referrer, owed)
    if party is None:
        return Effects(
            Decision(ResponseCode.APPROVED),
            account=NewAccount(token, programme.id, last_four, club, born, context.local_date),
            member=member,
        )
    credit = party.account.credit - paid
    change = AccountChange(
        party.account, credit=credit, member=key[1], club=club, born=born, enrolled_on=context.local_date
    )
    decision = Decision(
        ResponseCode.APPROVED, credit_spent=paid, points_balance=scene.points_left, credit_balance=credit
    )
    tell(decision, reserves_of(party.account, context))
    return Effects(
        decision,
        changes=(change,),
        member=member,
        card=NewCard(token, key, programme.id, MOBILE, last_four),
    )
