"""What is pending or held stays with its member, whatever a wide message wants of it."""

import datetime as dt
from dataclasses import replace

import pytest

from cext.reference.lots import pack
from cext.reference.reserves import Reserve, unpack
from cext.reference.reserves import pack as pack_reserves
from switch.card_checks import Context
from switch.card_link import decide_link
from switch.enrolment import Scene, decide_enrolment
from switch.refusals import Refusal
from switch.transfer import decide_conversion, decide_transfer
from switch.transfer_reversal import decide_reversal
from switch.wide_ports import Club, Effects, Party, TransferRecord, TransferRow
from switch.wide_requests import CardLink, Conversion, Enrolment, Transfer
from tests.switch.fakes import TOKENS
from tests.switch.parties import DAY, MONTH, account, context, party

RECEIVER = TOKENS.card("6037990000000014")
TODAY = (DAY - dt.date(1970, 1, 1)).days
NOW = TODAY * 86_400
PENDING = Reserve(0, TODAY, 6, 0)
HELD = Reserve(7, NOW, 1, 400)
OVER = Reserve(0, TODAY - 1, 2, 0)
LATE = Reserve(7, NOW - 1, 2, 0)


def rich(*reserves: Reserve, points: int = 10, credit: int = 500, member: int | None = 1) -> Party:
    lots = pack([(MONTH, points)])
    packed = pack_reserves(sorted(reserves))
    return party(account(1, points=points, credit=credit, lots=lots, member=member, reserves=packed))


def at(**given: object) -> Context:
    return context(now=NOW, **given)


@pytest.mark.parametrize(("points", "code"), [(3, "00"), (4, "51")])
def test_points_that_are_pending_or_held_are_not_given_away(points: int, code: str) -> None:
    outcome = decide_transfer(Transfer(RECEIVER, points), rich(PENDING, HELD), party(account(2)), at())
    if isinstance(outcome, Refusal):
        assert outcome.response_code == code
        return
    assert code == "00"
    decision = outcome.decision
    assert (decision.points_balance, decision.points_pending, decision.points_held, decision.credit_held) == (
        7,
        6,
        1,
        400,
    )
    giver, receiver = outcome.changes
    assert unpack(giver.reserves or b"") == [PENDING, HELD]
    assert receiver.reserves == b""


def test_what_is_over_binds_nobody_and_is_dropped() -> None:
    outcome = decide_transfer(Transfer(RECEIVER, 10), rich(OVER, LATE), party(account(2)), at())
    assert isinstance(outcome, Effects)
    assert outcome.changes[0].reserves == b""
    assert unpack(outcome.decision.reserves_moved) == [Reserve(*OVER[:2], -2, 0), Reserve(*LATE[:2], -2, 0)]


def test_reserves_of_points_that_lapse_on_the_way_are_given_up() -> None:
    lots = pack([(MONTH - 1, 8), (MONTH, 2)])
    row = account(1, points=10, lots=lots, reserves=pack_reserves([PENDING]))
    outcome = decide_transfer(
        Transfer(RECEIVER, 1), party(account(3, points=9, lots=pack([(MONTH, 9)]))), party(row), at()
    )
    assert isinstance(outcome, Effects)
    assert outcome.other is not None
    got = outcome.other.decision
    # Eight of ten points lapse; of the six that were pending three at most are left.
    assert (got.points_balance, got.points_pending) == (3, 3)
    assert unpack(got.reserves_moved) == [Reserve(0, TODAY, -3, 0)]


@pytest.mark.parametrize(("points", "code"), [(3, "00"), (4, "51")])
def test_points_that_are_reserved_do_not_become_credit(points: int, code: str) -> None:
    outcome = decide_conversion(Conversion(points), rich(PENDING, HELD), at(currency=364))
    assert (outcome.response_code if isinstance(outcome, Refusal) else "00") == code


def test_a_transfer_is_not_taken_back_out_of_what_is_held() -> None:
    receiver = rich(replace_points(HELD, 8)).account
    moved = pack([(MONTH, -5)])
    record = TransferRecord(
        TransferRow(8, account(2), "0006", 0, moved), TransferRow(9, receiver, "0014", 0, pack([(MONTH, 5)])), None
    )
    outcome = decide_reversal(record, partial=False, context=at())
    assert isinstance(outcome, Refusal)
    assert outcome.response_code == "51"
    free = replace(record, receiver=replace(record.receiver, account=rich(replace_points(HELD, 5)).account))
    assert isinstance(decide_reversal(free, partial=False, context=at()), Effects)


def replace_points(reserve: Reserve, points: int) -> Reserve:
    return reserve._replace(points=points)


@pytest.mark.parametrize(("fee", "paid"), [(100, True), (101, False)])
def test_a_fee_is_not_paid_out_of_held_credit(fee: int, paid: bool) -> None:
    blank = rich(HELD, member=None)
    scene = Scene(
        blank,
        TOKENS.mobile("bazaar", "+989121234567"),
        None,
        Club(3, True, fee, False, frozenset()),
        None,
        virtual_cards=True,
        points_left=10,
    )
    outcome = decide_enrolment(Enrolment("+989121234567", club="OPEN"), scene, at())
    if isinstance(outcome, Refusal):
        assert (outcome.response_code, paid) == ("51", False)
        return
    assert paid
    decision = outcome.decision
    assert (decision.credit_balance, decision.credit_held, decision.points_held) == (400, 400, 1)
    # The account keeps what it had set aside: nothing about it is written.
    assert outcome.changes[0].reserves is None
    assert decision.reserves_moved == b""


def test_a_link_tells_what_may_be_spent() -> None:
    blank = party(account(2))
    outcome = decide_link(CardLink(RECEIVER), rich(PENDING, HELD), blank, 10, at())
    assert isinstance(outcome, Effects)
    assert (outcome.decision.points_balance, outcome.decision.points_pending) == (10, 6)
