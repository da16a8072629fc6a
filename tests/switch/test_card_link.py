"""A blank card joins a member's account."""

import datetime as dt
from dataclasses import replace

import pytest

from switch.card_link import decide_link
from switch.refusals import Refusal
from switch.wide_ports import AccountChange, Effects, NewCard, Party
from switch.wide_requests import CardLink
from tests.switch.fakes import TOKENS
from tests.switch.parties import account, context, party

TOKEN = TOKENS.card("6037990000000014")
EXPIRES = dt.date(2030, 12, 31)
SHARING = party(account(1, points=9, credit=4, member=1))
BLANK = party(account(2), expires_on=EXPIRES)


def test_the_card_moves_and_its_own_account_is_closed() -> None:
    effects = decide_link(CardLink(TOKEN), SHARING, BLANK, 7, context())
    assert isinstance(effects, Effects)
    assert effects.changes == (AccountChange(BLANK.account, status=2),)
    assert effects.card == NewCard(TOKEN, (1, 1), 1, 1, "0006", EXPIRES)
    assert (effects.decision.points_balance, effects.decision.credit_balance) == (7, 4)
    assert not effects.decision.lots_moved


@pytest.mark.parametrize(
    ("sharing", "blank", "refusal"),
    [
        (None, BLANK, ("14", "no such card")),
        (SHARING, None, ("14", "DE103: no such card")),
        (SHARING, party(SHARING.account, is_first=False), ("12", "DE103 is the same account")),
        (party(account(1, member=1), status=1), BLANK, ("78", "card or account blocked")),
        (SHARING, party(account(2, status=2)), ("78", "DE103: card blocked")),
        (SHARING, party(account(2, programme=2)), ("57", "DE103: other programme")),
        (party(account(1)), BLANK, ("05", "card is not enrolled")),
        (SHARING, party(account(2, member=2)), ("05", "DE103 is not a blank card")),
        (SHARING, party(account(2, untouched=False)), ("05", "DE103 is not a blank card")),
        (SHARING, replace(BLANK, is_first=False), ("05", "DE103 is not a blank card")),
    ],
)
def test_declines(sharing: Party | None, blank: Party | None, refusal: tuple[str, str]) -> None:
    assert decide_link(CardLink(TOKEN), sharing, blank, 0, context()) == Refusal(*refusal)
    assert len(refusal[1]) <= 25
