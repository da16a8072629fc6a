"""Enrolment decided: what becomes of a card, a mobile, a club's fee; and why not."""

import datetime as dt
from dataclasses import replace

import pytest

from switch.deciding import LiveProgramme
from switch.enrolment import Scene, decide_enrolment
from switch.member_data import INCOMPLETE, NAME_UNKNOWN, REFERRED, MemberData
from switch.programme import load
from switch.referral import code_of
from switch.refusals import Refusal
from switch.tokens import Token
from switch.wide_ports import AccountChange, AccountRow, Club, Effects, MoreData, NewAccount, NewCard, NewMember
from switch.wide_requests import Enrolment
from tests.switch import fakes
from tests.switch.fakes import TOKENS
from tests.switch.parties import DAY, account, context, party

MOBILE = "+989121234567"
TOKEN = TOKENS.mobile("bazaar", MOBILE)
BORN = dt.date(1988, 3, 21)
TOLD = MemberData("Sara", BORN)
ASKED = Enrolment(MOBILE, told=TOLD)
BLANK = party(account(1, points=7, credit=500))
TAKEN = party(account(2, member=2))
EXPIRED = party(account(1), expires_on=dt.date(2020, 1, 1))
ALONE = replace(ASKED, without_card=True)
SCENE = Scene(BLANK, TOKEN, None, None, None, virtual_cards=True, points_left=5)
OPEN = Club(3, True, 0, False, frozenset())
CODE = code_of(TOKENS, (1, 2))


def decide(asked: Enrolment = ASKED, scene: Scene = SCENE, **given: object) -> Effects | Refusal:
    return decide_enrolment(asked, scene, context(**given))


def test_a_blank_card_gets_a_member_and_the_mobile_becomes_a_card() -> None:
    effects = decide()
    assert isinstance(effects, Effects)
    assert effects.changes == (
        AccountChange(BLANK.account, credit=500, member=1, club=0, born=19_880_321, enrolled_on=DAY, flags=0),
    )
    assert effects.member == NewMember((1, 1), 1, MOBILE, TOLD, None, 0)
    assert effects.card == NewCard(TOKEN, (1, 1), 1, 5, "4567")
    assert effects.account is None
    assert (effects.decision.points_balance, effects.decision.credit_balance) == (5, 500)


def test_a_mobile_alone_gets_an_account() -> None:
    effects = decide(replace(ASKED, without_card=True, club="OPEN"), replace(SCENE, card=None, club=OPEN))
    assert isinstance(effects, Effects)
    assert effects.account == NewAccount(TOKEN, 1, "4567", 3, 19_880_321, DAY, 0)
    assert effects.member is not None
    assert effects.member.account == (TOKEN.shard, TOKEN.id)
    assert (effects.card, effects.changes) == (None, ())


def test_who_brought_the_member_is_kept() -> None:
    effects = decide(scene=replace(SCENE, referrer=(2, 9)))
    assert isinstance(effects, Effects)
    assert effects.member is not None
    assert effects.member.referrer == (2, 9)
    assert effects.changes[0].flags == REFERRED


@pytest.mark.parametrize(
    ("fee", "may_be_owed", "advice", "paid", "owed"),
    [
        (0, False, False, 0, 0),
        (500, False, False, 500, 0),
        (500, True, False, 500, 0),
        (501, True, False, 0, 501),
        (501, False, True, 0, 501),
        (501, False, False, None, None),
    ],
)
def test_a_fee_is_paid_or_owed_or_too_much(
    fee: int, may_be_owed: bool, advice: bool, paid: int | None, owed: int | None
) -> None:
    club = Club(3, True, fee, may_be_owed, frozenset())
    outcome = decide(replace(ASKED, club="PAID"), replace(SCENE, club=club), advice=advice)
    if paid is None:
        assert outcome == Refusal("51", "too little for the fee")
        return
    assert isinstance(outcome, Effects)
    assert outcome.member is not None
    assert (outcome.decision.credit_spent, outcome.member.fee_owed) == (paid, owed)
    assert outcome.changes[0].credit == 500 - paid
    assert outcome.changes[0].club == 3


def test_what_a_club_requires_is_named() -> None:
    club = Club(3, True, 0, False, frozenset({"NA", "BD", "RF"}))
    scene = replace(SCENE, club=club)
    assert decide(replace(ASKED, club="LONG"), scene) == Refusal("30", "DE48 RF is missing")
    assert decide(Enrolment(MOBILE, club="LONG"), scene) == Refusal("30", "DE48 BD is missing")


@pytest.mark.parametrize(
    ("asked", "scene", "given", "refusal"),
    [
        (ASKED, replace(SCENE, card=None), {}, ("14", "no such card")),
        (Enrolment(MOBILE), replace(SCENE, card=TAKEN, holder=TAKEN), {}, ("05", "card is enrolled")),
        (ASKED, replace(SCENE, holder=TAKEN), {}, ("05", "mobile has card 0006")),
        (Enrolment(MOBILE, True), replace(SCENE, card=None, holder=TAKEN), {}, ("05", "mobile has card 0006")),
        (ALONE, replace(SCENE, card=None, virtual_cards=False), {}, ("05", "a card is needed")),
        (replace(ASKED, club="X"), SCENE, {}, ("30", "DE48 CL unknown")),
        (replace(ASKED, referrer=CODE), SCENE, {}, ("30", "DE48 RF unknown")),
        (replace(ASKED, club="G"), replace(SCENE, club=replace(OPEN, open=False)), {}, ("05", "club is not open")),
        (ASKED, replace(SCENE, card=party(account(1), status=1)), {}, ("78", "card or account blocked")),
        (ASKED, replace(SCENE, card=party(account(1, status=2))), {}, ("78", "card or account blocked")),
        (ASKED, replace(SCENE, card=EXPIRED), {}, ("54", "the card has expired")),
        (ASKED, SCENE, {"institution": 2}, ("57", "programme not served here")),
        (ASKED, SCENE, {"programme": None}, ("57", "programme not served here")),
        # Several at once.
        (replace(ASKED, club="X"), replace(SCENE, card=party(account(1), status=1)), {}, ("30", "DE48 CL unknown")),
        (ASKED, replace(SCENE, holder=TAKEN), {"institution": 2}, ("57", "programme not served here")),
    ],
)  # fmt: skip
def test_declines(asked: Enrolment, scene: Scene, given: dict[str, object], refusal: tuple[str, str]) -> None:
    outcome = decide(asked, scene, **given)
    assert outcome == Refusal(*refusal)
    assert len(refusal[1]) <= 25


def test_an_advice_is_taken_from_a_blocked_card_but_not_for_a_member_twice() -> None:
    blocked = party(account(1, status=1), status=1, expires_on=dt.date(2020, 1, 1))
    assert isinstance(decide(scene=replace(SCENE, card=blocked), advice=True, institution=2), Effects)
    outcome = decide(scene=replace(SCENE, card=TAKEN), advice=True)
    assert outcome == Refusal("05", "card is enrolled")


@pytest.mark.parametrize(
    ("told", "flags"),
    [
        (MemberData("Sara", BORN), 0),
        (MemberData(name="Sara"), INCOMPLETE),
        (MemberData(born=BORN), INCOMPLETE | NAME_UNKNOWN),
        (MemberData(gender="female", region="Tehran"), INCOMPLETE | NAME_UNKNOWN),
    ],
)
def test_who_has_not_told_all_is_marked(told: MemberData, flags: int) -> None:
    effects = decide(replace(ASKED, told=told))
    assert isinstance(effects, Effects)
    assert effects.changes[0].flags == flags
    alone = decide(replace(ASKED, told=told, without_card=True), replace(SCENE, card=None))
    assert isinstance(alone, Effects)
    assert alone.account is not None
    assert alone.account.flags == flags


def test_marks_of_others_stay() -> None:
    tagged = party(replace(account(1), flags=256))
    effects = decide(scene=replace(SCENE, card=tagged))
    assert isinstance(effects, Effects)
    assert effects.changes[0].flags == 256


MEMBER = party(replace(account(2, member=2, points=7, credit=50), flags=REFERRED | INCOMPLETE | NAME_UNKNOWN | 512))
THEIRS = replace(SCENE, card=MEMBER, holder=MEMBER, points_left=7, known=frozenset({"RE"}))


def test_a_member_tells_what_was_missing() -> None:
    effects = decide(scene=THEIRS)
    assert isinstance(effects, Effects)
    assert effects.more == MoreData((2, 2), TOLD)
    assert effects.changes == (AccountChange(MEMBER.account, born=19_880_321, flags=REFERRED | 512),)
    assert (effects.decision.points_balance, effects.decision.credit_balance) == (7, 50)
    assert (effects.member, effects.card, effects.account) == (None, None, None)


def test_a_part_of_it_leaves_the_mark() -> None:
    effects = decide(Enrolment(MOBILE, told=MemberData(name="Sara")), THEIRS)
    assert isinstance(effects, Effects)
    assert effects.changes == (AccountChange(MEMBER.account, born=0, flags=REFERRED | INCOMPLETE | 512),)


def test_a_birth_date_that_is_known_stays() -> None:
    born = party(replace(MEMBER.account, born=19_700_101))
    effects = decide(scene=replace(THEIRS, card=born, holder=born, known=frozenset({"BD"})))
    assert isinstance(effects, Effects)
    assert effects.changes[0].born is None


def test_whose_first_card_is_the_mobile_tells_it_by_the_mobile() -> None:
    assert isinstance(decide(ALONE, replace(THEIRS, card=None)), Effects)
    further = replace(MEMBER, is_first=False)
    assert decide(ALONE, replace(THEIRS, card=None, holder=further)) == Refusal("05", "mobile has card 0006")


@pytest.mark.parametrize(
    ("asked", "scene", "refusal"),
    [
        (ASKED, replace(THEIRS, holder=None), ("05", "card is enrolled")),
        (ASKED, replace(THEIRS, holder=TAKEN, card=party(account(3, member=3))), ("05", "card is enrolled")),
        (Enrolment(MOBILE), THEIRS, ("05", "card is enrolled")),
        (replace(ASKED, club="OPEN"), replace(THEIRS, club=OPEN), ("05", "card is enrolled")),
        (replace(ASKED, referrer=CODE), replace(THEIRS, referrer=(1, 1)), ("05", "card is enrolled")),
        (ASKED, replace(THEIRS, card=replace(MEMBER, status=1)), ("78", "card or account blocked")),
    ],
)
def test_what_completes_nothing(asked: Enrolment, scene: Scene, refusal: tuple[str, str]) -> None:
    assert decide(asked, scene) == Refusal(*refusal)


CLUBS = "clubs: [{code: ADULT, name: Adults, min_age: 18, required: [birth_date]}, {code: OPEN, name: Open}]"
BY_AGE = LiveProgramme(1, 1, load(fakes.BAZAAR + CLUBS, ids=lambda _kind, _name: 1), frozenset({1}))
ADULTS = replace(SCENE, club=Club(3, True, 501, False, frozenset({"BD"})))
BIRTHDAY = dt.date(2008, 11, 23)
"""Of who is eighteen on `DAY`."""
TOMORROW = dt.date(2008, 11, 24)


def by_age(asked: Enrolment, scene: Scene = ADULTS, **given: object) -> Effects | Refusal:
    return decide(asked, scene, **({"programme": BY_AGE} | given))


def adult(born: dt.date | None = TOMORROW, **more: object) -> Enrolment:
    told = MemberData("Sara", born)
    return replace(Enrolment(MOBILE, told=told, club="ADULT"), **more)  # type: ignore[arg-type]  # each test names its own


def test_the_day_of_the_birthday_is_old_enough() -> None:
    free = replace(SCENE, club=replace(ADULTS.club or OPEN, fee=0))
    effects = by_age(adult(BIRTHDAY), free)
    assert isinstance(effects, Effects)
    assert effects.changes[0].born == 20_081_123
    assert by_age(adult(TOMORROW), free) == Refusal("05", "under age 18")
    # The programme's own day counts, whatever the business date is.
    assert by_age(adult(BIRTHDAY), free, local_date=DAY - dt.timedelta(1)) == Refusal("05", "under age 18")
    assert isinstance(by_age(adult(TOMORROW), free, local_date=DAY + dt.timedelta(1)), Effects)


@pytest.mark.parametrize(
    ("asked", "scene", "given", "refusal"),
    [
        (adult(), ADULTS, {}, ("05", "under age 18")),
        (adult(without_card=True), replace(ADULTS, card=None), {}, ("05", "under age 18")),
        # A till's own advice lets nobody in either.
        (adult(), ADULTS, {"advice": True}, ("05", "under age 18")),
        # Born after today, as the business date is ahead.
        (adult(DAY + dt.timedelta(1)), ADULTS, {}, ("05", "under age 18")),
        (adult(None), ADULTS, {}, ("30", "DE48 BD is missing")),
        # The version that takes over asks nobody for it any more, and this one decides still.
        (adult(None), replace(ADULTS, club=OPEN), {}, ("30", "DE48 BD is missing")),
        # Several at once: the first in the order of DE39; the fee is asked of whoever may join.
        (adult(), replace(ADULTS, card=party(account(1), status=1)), {}, ("78", "card or account blocked")),
        (adult(), ADULTS, {"institution": 2}, ("57", "programme not served here")),
        (adult(referrer=CODE), ADULTS, {}, ("30", "DE48 RF unknown")),
        (adult(), replace(ADULTS, holder=TAKEN), {}, ("05", "mobile has card 0006")),
        (adult(), replace(ADULTS, club=replace(OPEN, open=False)), {}, ("05", "club is not open")),
        (adult(BIRTHDAY), ADULTS, {}, ("51", "too little for the fee")),
    ],
)
def test_who_is_too_young_for_a_club(
    asked: Enrolment, scene: Scene, given: dict[str, object], refusal: tuple[str, str]
) -> None:
    assert by_age(asked, scene, **given) == Refusal(*refusal)


@pytest.mark.parametrize("club", ["OPEN", None])
def test_elsewhere_the_young_are_welcome(club: str | None) -> None:
    scene = replace(SCENE, club=OPEN if club else None)
    assert isinstance(by_age(adult(club=club), scene), Effects)
    assert isinstance(by_age(adult(None, club=club), scene), Effects)


def member_of(club: str | None, born: int = 0) -> Scene:
    """A member whose birth date is not known, unless `born` is given."""
    own: AccountRow = replace(MEMBER.account, club=club, born=born)
    return replace(THEIRS, card=party(own), holder=party(own), known=frozenset({"BD"} if born else ()))


@pytest.mark.parametrize("advice", [False, True])
def test_a_birth_date_that_comes_later_and_is_too_young_is_refused(advice: bool) -> None:
    tells = adult(club=None)
    assert by_age(tells, member_of("ADULT"), advice=advice) == Refusal("05", "under age 18")
    assert isinstance(by_age(adult(BIRTHDAY, club=None), member_of("ADULT"), advice=advice), Effects)
    # The rest may be told without it.
    assert isinstance(by_age(adult(None, club=None), member_of("ADULT"), advice=advice), Effects)


@pytest.mark.parametrize("club", ["OPEN", "CLOSED LONG AGO", None])
def test_a_birth_date_that_comes_later_is_nobody_elses_business(club: str | None) -> None:
    effects = by_age(adult(club=None), member_of(club))
    assert isinstance(effects, Effects)
    assert effects.changes[0].born == 20_081_124


def test_another_birth_date_than_the_one_that_is_known_changes_nothing() -> None:
    effects = by_age(adult(club=None), member_of("ADULT", born=19_700_101))
    assert isinstance(effects, Effects)
    assert effects.changes[0].born is None


def test_what_is_wrong_with_the_card_or_the_till_comes_before_the_age() -> None:
    scene = member_of("ADULT")
    assert scene.card is not None
    blocked = replace(scene, card=replace(scene.card, status=1))
    assert by_age(adult(club=None), blocked) == Refusal("78", "card or account blocked")
    assert by_age(adult(club=None), scene, institution=2) == Refusal("57", "programme not served here")
    assert by_age(adult(club=None), scene, programme=None) == Refusal("57", "programme not served here")


FORGOTTEN = dt.datetime(2026, 11, 20, 8, tzinfo=dt.UTC)
RENUMBERED = Token(TOKEN.shard, 77, 78)


def test_a_mobile_of_somebody_who_was_erased_knows_since_when_it_leads_where() -> None:
    scene = replace(SCENE, account=RENUMBERED, since=FORGOTTEN)
    effects = decide(scene=scene)
    assert isinstance(effects, Effects)
    assert effects.card == NewCard(TOKEN, (1, 1), 1, 5, "4567", since=FORGOTTEN)
    assert effects.account is None


def test_alone_such_a_mobile_stands_among_the_further_cards() -> None:
    effects = decide(ALONE, replace(SCENE, card=None, account=RENUMBERED, since=FORGOTTEN))
    assert isinstance(effects, Effects)
    assert effects.account is not None
    assert effects.account.token == RENUMBERED
    assert effects.member is not None
    assert effects.member.account == (RENUMBERED.shard, RENUMBERED.id)
    assert effects.card == NewCard(TOKEN, (RENUMBERED.shard, RENUMBERED.id), 1, 5, "4567", since=FORGOTTEN)
