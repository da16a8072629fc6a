"""A blank card joins a member's account: family members collect into one balance, each with a card."""

from cext._kernel import Decision
from protocol.codes import ResponseCode
from switch.card_checks import UNKNOWN_SECOND, Context, pair_refusals, till_refusals, usual
from switch.kept_back import reserves_of, tell
from switch.refusals import Refusal, first_of
from switch.tokens import Token
from switch.wide_ports import CLOSED, AccountChange, Effects, NewCard, Party
from switch.wide_requests import CardLink

NO_MEMBER = Refusal(ResponseCode.REFUSED, "card is not enrolled")
NOT_BLANK = Refusal(ResponseCode.REFUSED, "DE103 is not a blank card")


def decide_link(
    request: CardLink, sharing: Party | None, blank: Party | None, points_left: int, context: Context
) -> Effects | Refusal:
    """What linking does, or why it is declined. `points_left`: the account's points that have not lapsed."""
    if sharing is None:
        return usual(ResponseCode.UNKNOWN_CARD)
    if blank is None:
        return UNKNOWN_SECOND
    refusals = [*pair_refusals(sharing, blank, context), *till_refusals(context)]
    if sharing.account.member is None:
        refusals.append(NO_MEMBER)
    if not _is_blank(blank):
        refusals.append(NOT_BLANK)
    refusal = first_of(refusals)
    if refusal is not None:
        return refusal
    effects = _linked(request.further, sharing, blank, points_left)
    tell(effects.decision, reserves_of(sharing.account, context))
    return effects


def _is_blank(party: Party) -> bool:
    """Whether nobody has this card yet: it is its account's only card, never used, and nothing is on it."""
    return party.is_first and party.account.member is None and party.account.untouched


def _linked(card: Token, sharing: Party, blank: Party, points_left: int) -> Effects:
    """The card's own account is closed, and the card stands among the further cards from now on."""
    account = sharing.account
    return Effects(
        Decision(ResponseCode.APPROVED, points_balance=points_left, credit_balance=account.credit),
        changes=(AccountChange(blank.account, status=CLOSED),),
        card=NewCard(card, account.key, account.programme, blank.kind, blank.last_four, blank.expires_on),
    )
