"""The end of a membership decided: what is written off, who may not leave yet, and what is forgotten."""

from dataclasses import replace

import pytest

from cext.reference import lots, reserves
from switch.leaving import decide_leaving
from switch.refusals import Refusal
from switch.tokens import Token
from switch.wide_ports import CLOSED, AccountChange, Effects, Erasure, Party
from switch.wide_requests import Leaving
from tests.switch.parties import account, context, party

LOTS = lots.pack([(300, 5), (310, 7)])
RESERVES = reserves.pack([reserves.Reserve(0, 20_000, 3, 40)])
MEMBER = replace(account(1, points=12, credit=50, lots=LOTS, member=1), reserves=RESERVES, flags=3)
END = Leaving(7, "sara", forfeits_credit=True)
ALIAS = Token(MEMBER.shard, -5, 6)
ERASE = replace(END, approved_by="reza", alias=ALIAS)


def decide(asked: Leaving = END, shown: Party | None = None, **given: object) -> Effects | Refusal:
    return decide_leaving(asked, shown or party(MEMBER), context(**given))


def test_everything_is_written_off_and_the_account_is_closed() -> None:
    effects = decide()
    assert isinstance(effects, Effects)
    decision = effects.decision
    assert (decision.points_expired, decision.credit_spent, decision.points_balance) == (12, 50, 0)
    assert lots.unpack(decision.lots_moved) == [(300, -5), (310, -7)]
    assert reserves.unpack(decision.reserves_moved) == [(0, 20_000, -3, -40)]
    assert effects.changes == (
        AccountChange(MEMBER, points=0, credit=0, lots=b"", status=CLOSED, grants=b"", reserves=b""),
    )
    assert (effects.erasure, effects.request) == (None, 7)


def test_what_is_owed_is_owed_no_more() -> None:
    debtor = account(1, points=-4, lots=lots.pack([(-1, -4)]), member=1)
    effects = decide(Leaving(7, "sara"), party(debtor))
    assert isinstance(effects, Effects)
    assert effects.decision.points_expired == -4
    assert lots.unpack(effects.decision.lots_moved) == [(-1, 4)]


def test_an_erasure_gives_the_account_another_number() -> None:
    effects = decide(ERASE)
    assert isinstance(effects, Effects)
    assert effects.erasure == Erasure(MEMBER.key, ALIAS)


@pytest.mark.parametrize("status", [0, 1, 2])
def test_whoever_was_blocked_or_has_left_may_be_erased(status: int) -> None:
    assert isinstance(decide(ERASE, party(replace(MEMBER, status=status), status=status)), Effects)


@pytest.mark.parametrize(
    ("asked", "shown", "given", "refusal"),
    [
        (replace(END, forfeits_credit=False), party(MEMBER), {}, ("05", "credit is left")),
        (replace(ERASE, forfeits_credit=False), party(MEMBER), {}, ("05", "credit is left")),
        (END, party(replace(MEMBER, status=2)), {}, ("05", "membership has ended")),
        (ERASE, party(account(1)), {}, ("05", "card is not enrolled")),
        (END, party(MEMBER), {"programme": None}, ("57", "programme not served here")),
    ],
)
def test_who_does_not_leave(asked: Leaving, shown: Party, given: dict[str, object], refusal: tuple[str, str]) -> None:
    assert decide(asked, shown, **given) == Refusal(*refusal)


def test_an_unknown_card() -> None:
    assert decide_leaving(END, None, context()) == Refusal("14", "no such card")
