"""Who is too young: for a club, for a reward of the catalogue, for a rule; on the birthday it is over."""

import asyncio
import datetime as dt
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.postgres import programme_versions
from adapters.postgres.coupons import generate, listed
from adapters.postgres.explaining import explain
from protocol import tlv
from protocol.codes import ProcessingCode
from tests.conftest import TOKEN_KEY
from tests.wire.running import card, changed
from tests.wire.stories import AT_A_PRINTER, NOON, Reply, Story, told

pytestmark = pytest.mark.integration

START = dt.date(2027, 2, 27)
PROGRAMME = """
programme: bazaar
owner: KHATAM
currency: 364
timezone: Asia/Tehran
point: {value: 100, expires: 24 months}
rules:
  - id: base
    then: {points: {per: 100000}}
  - id: adults
    when: age >= 18
    then: {points: 3}
  - id: minors
    when: not age >= 18
    then: {points: 1}
  - id: toast
    when: coupon == "toast" and age >= 18
    then: {points: 7}
coupons:
  - {id: toast, kind: multi, uses: 10}
rewards:
  - {code: WINE, points: 5, then: {free: WINE}, min_age: 18, message: {en: "Cheers"}}
  - {code: CAP, points: 5, message: {en: "A cap"}}
clubs:
  - {code: CREDIT, name: Credit, fee: 20000, required: [birth_date], min_age: 18}
  - {code: OPEN, name: Open}
"""
OPEN = "{code: OPEN, name: Open}"
RICH = 700
CARDS = f"serial,programme,credit\n{RICH},bazaar,80000\n"
YOUNG = "20090301"
"""Eighteen on 1 March 2027."""
YOUNG_WRITTEN = (YOUNG, "2009-03-01")
LEAP = "20080229"
"""Nineteen on 1 March 2027, as that year has no 29 February."""
FOLLOWS_WITHIN_S = 8.0
BASKET = tlv.build([("LI", "WINE;wine;1;400000"), ("LI", "SOAP;soap;1;600000")])


@pytest.fixture
def story(fresh_database_url: str, tmp_path: Path) -> Iterator[Story]:
    with told(fresh_database_url, tmp_path, PROGRAMME, first_day=START, cards=CARDS, seeded=40) as begun:
        yield begun


def mobile(serial: int) -> str:
    return f"0912555{serial:04d}"


def enrol(
    story: Story, serial: int, *, mti: str = "0200", at: dt.time = NOON, alone: bool = False, **tags: str
) -> Reply:
    text = tlv.build({"MB": mobile(serial), **tags}.items())
    shown = {"de2": ""} if alone else {}
    return story.ask(mti, ProcessingCode.ENROLMENT, pan=card(serial), amount=0, at=at, de48=text, **shown)


def answer(reply: Reply) -> tuple[str, str]:
    return reply.code, reply.reason


TOO_YOUNG = ("05", "under age 18")


TABLES = """
    SELECT c.oid::regclass::text AS name FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
     WHERE c.relkind = 'r' AND n.nspname = 'public' ORDER BY name
"""


def tables_with(story: Story, *texts: str) -> list[str]:
    """The tables in which one of these is written."""
    patterns = [f"%{text}%" for text in texts]
    query = "SELECT 1 FROM {} AS t WHERE t::text LIKE ANY ($1::text[]) LIMIT 1"
    names = [row["name"] for row in story.rows(TABLES)]
    return [name for name in names if story.rows(query.format(name), patterns)]


def test_who_is_under_age_does_not_join_until_the_birthday(story: Story) -> None:
    refused = enrol(story, RICH, CL="CREDIT", NA="Sara", BD=YOUNG)
    assert answer(refused) == TOO_YOUNG
    # A repeat hears the same; an advice, a mobile alone and a card that is blocked come no further.
    assert story.till.ask(changed(refused.sent, "0201")).fields == refused.heard.fields
    assert answer(enrol(story, RICH, mti="0220", CL="CREDIT", BD=YOUNG)) == TOO_YOUNG
    assert answer(enrol(story, 1, alone=True, CL="CREDIT", BD=YOUNG)) == TOO_YOUNG
    # Without a birth date, or with one that is none, it is the message that is wrong.
    assert answer(enrol(story, RICH, CL="CREDIT")) == ("30", "DE48 BD is missing")
    assert answer(enrol(story, RICH, CL="CREDIT", BD="20270230")) == ("30", "DE48 BD is no birth date")
    # Nobody became a member, nothing was paid, and the birth date and the mobiles are nowhere.
    assert story.rows("SELECT 1 FROM member") == []
    assert story.rows("SELECT 1 FROM account WHERE born <> 0 OR club <> 0 OR member IS NOT NULL") == []
    assert story.rows("SELECT 1 FROM card") == []
    assert story.rows("SELECT 1 FROM leg WHERE leg = 'credit_spent'") == []
    assert story.rows("SELECT 1 FROM journal WHERE asked IS NOT NULL") == []
    assert tables_with(story, *YOUNG_WRITTEN, mobile(RICH)[1:], mobile(1)[1:]) == []
    assert story.balance(card(RICH)).credit == 80_000

    # On the last evening before the birthday it is too early; in the first minutes of the day, in Tehran, it is not.
    story.after(1)
    assert story.today == dt.date(2027, 2, 28)
    assert answer(enrol(story, RICH, CL="CREDIT", BD=YOUNG, at=dt.time(23, 59))) == TOO_YOUNG
    joined = enrol(story.after(1), RICH, CL="CREDIT", NA="Sara", BD=YOUNG, at=dt.time(0, 1))
    assert (joined.code, joined.number("CS"), joined.credit) == ("00", 20_000, 60_000)
    assert story.buy(1_000_000, card(RICH)).earned == 13
    assert tables_with(story, *YOUNG_WRITTEN) == ["account", "member"]
    assert tables_with(story, mobile(RICH)[1:]) == ["member"]


def test_a_leap_day_counts_from_the_first_of_march_on(story: Story) -> None:
    nineteen = PROGRAMME.replace("min_age: 18}", "min_age: 19}")
    make_live(story, nineteen, 2)
    assert answer(enrol(story.after(1), 2, CL="CREDIT", BD=LEAP)) == ("05", "under age 19")
    # Of age, but without the credit that the club costs.
    assert answer(enrol(story.after(1), 2, CL="CREDIT", BD=LEAP)) == ("51", "too little for the fee")


def make_live(story: Story, text: str, version: int) -> None:
    asyncio.run(programme_versions.submit(story.url, text, maker="sara"))
    asyncio.run(programme_versions.activate(story.url, "bazaar", version, checker="reza"))
    follow(story, version)


def follow(story: Story, version: int) -> None:
    """Wait until the switch decides by a version."""
    until = time.monotonic() + FOLLOWS_WITHIN_S
    while story.balance(card(19)).number("RV") != version:
        assert time.monotonic() < until, "the switch does not follow"


def test_a_birth_date_that_comes_later_is_refused_with_the_rest_of_its_message(story: Story) -> None:
    assert enrol(story, 3, CL="OPEN").code == "00"
    assert enrol(story, 4, CL="OPEN").code == "00"
    # The club takes adults only from now on. Who is in it stays, and is asked for the birth date.
    make_live(story, PROGRAMME.replace(OPEN, "{code: OPEN, name: Open, required: [birth_date], min_age: 18}"), 2)
    asked = story.buy(100_000, card(3), **AT_A_PRINTER)
    assert asked.all("MS")[-2:] == ["Please tell us your name", "Please tell us your birth date"]
    refused = enrol(story, 3, NA="Reza", BD=YOUNG, GE="M", ED="school", RE="Tehran")
    assert answer(refused) == TOO_YOUNG
    assert story.till.ask(changed(refused.sent, "0201")).fields == refused.heard.fields
    assert answer(enrol(story, 3, mti="0220", BD=YOUNG)) == TOO_YOUNG
    (kept,) = story.rows("SELECT name, birth_date, gender, education, region FROM member WHERE mobile LIKE '%0003'")
    assert set(kept) == {None}
    assert story.rows("SELECT 1 FROM account WHERE born <> 0") == []
    # The rest may be told, and whatever is of age.
    assert enrol(story, 3, NA="Reza").code == "00"
    assert enrol(story, 4, BD="20090227").code == "00"
    assert story.buy(100_000, card(4)).earned == 4
    # On the birthday the date is taken.
    assert enrol(story.after(2), 3, BD=YOUNG).code == "00"
    assert story.buy(100_000, card(3)).earned == 4


def test_a_draft_lets_nobody_in(story: Story) -> None:
    """What a club's terms are takes two persons."""
    for text in (
        PROGRAMME.replace("min_age: 18}", "min_age: 12}"),
        PROGRAMME.replace("required: [birth_date], min_age: 18", "fee_due: true"),
        PROGRAMME + "  - {code: KIDS, name: Kids}\n",
    ):
        asyncio.run(programme_versions.submit(story.url, text, maker="sara"))
    assert answer(enrol(story, RICH, CL="CREDIT", BD=YOUNG)) == TOO_YOUNG
    assert answer(enrol(story, RICH, CL="CREDIT")) == ("30", "DE48 BD is missing")
    assert answer(enrol(story, RICH, CL="KIDS", BD=YOUNG)) == ("05", "club is not open")
    asyncio.run(programme_versions.activate(story.url, "bazaar", 4, checker="reza"))
    follow(story, 4)
    assert enrol(story, RICH, CL="KIDS", BD=YOUNG).code == "00"


def test_a_club_that_is_left_out_is_closed(story: Story) -> None:
    """Else whoever knows its code might join it at any age."""
    assert enrol(story, 3, CL="OPEN").code == "00"
    make_live(story, PROGRAMME.partition("clubs:")[0], 2)
    assert answer(enrol(story, RICH, CL="CREDIT", BD=YOUNG)) == ("05", "club is not open")
    # Its members stay, and tell what they like.
    assert enrol(story, 3, BD=YOUNG).code == "00"


def wine(
    story: Story, serial: int, *, mti: str = "0200", code: str = "000000", wish: str = "WINE", **more: str
) -> Reply:
    text = tlv.build([("RW", wish)])
    return story.ask(mti, code, pan=card(serial), amount=1_000_000, de48=text, **({"de63": BASKET} | more))


def test_a_reward_for_adults(story: Story) -> None:
    assert enrol(story, 5, BD=YOUNG).code == "00"
    assert enrol(story, 6, BD="19880321").code == "00"
    assert enrol(story, 7).code == "00"
    # Rules that ask for an age do not know whose birth date nobody told, whichever way they ask.
    assert [story.buy(1_000_000, card(serial)).earned for serial in (5, 6, 7)] == [11, 13, 10]
    young = wine(story, 5)
    assert (*answer(young), young.to_pay) == (*TOO_YOUNG, 1_000_000)
    assert answer(wine(story, 5, code="006000")) == TOO_YOUNG
    assert answer(wine(story, 5, mti="0100")) == TOO_YOUNG
    assert answer(wine(story, 7)) == ("05", "RW wants a birth date")
    assert answer(wine(story, 6, de63="")) == ("05", "RW is not in the basket")
    assert [story.balance(card(serial)).points for serial in (5, 6, 7)] == [11, 13, 10]
    # Why is known without telling the age.
    (found,) = asyncio.run(explain(story.url, str(young.heard.fields[37])))
    lacked = {rule.id: rule.hindrances for rule in found.why.rules}
    assert lacked["rewards.WINE"] == ("age was …; needs ≥ 18",)
    assert found.why.note == ""
    # What is not for adults only is had by all.
    cap = wine(story, 7, wish="CAP")
    assert (cap.code, cap.redeemed) == ("00", 5)
    adult = wine(story, 6, **AT_A_PRINTER)
    assert (adult.code, adult.redeemed, adult.to_pay) == ("00", 5, 600_000)
    assert "Cheers" in adult.all("MS")
    # What happened already is taken, without the wine.
    late = wine(story, 5, mti="0220")
    assert (late.code, late.redeemed, late.to_pay, late.earned) == ("00", 0, 1_000_000, 11)
    on_the_day = wine(story.after(2), 5)
    assert (on_the_day.code, on_the_day.redeemed, on_the_day.to_pay, on_the_day.earned) == ("00", 5, 600_000, 9)
    # And who tells the birth date may have it, in the same minute.
    assert enrol(story, 7, BD="20000101").code == "00"
    assert wine(story, 7).code == "00"


def test_a_coupon_for_adults_stays_good_for_one(story: Story, tmp_path: Path) -> None:
    codes = tmp_path / "codes.txt"
    asyncio.run(
        generate(story.url, TOKEN_KEY, "bazaar", "toast", count=1, out=codes, maker="maryam", code="TOAST-2027")
    )

    def shows(serial: int, reward: str | None = None) -> Reply:
        wishes = [("CP", "TOAST-2027"), *([("RW", reward)] if reward else [])]
        return story.ask("0200", "000000", pan=card(serial), amount=1_000_000, de48=tlv.build(wishes), de63=BASKET)

    assert enrol(story, 5, BD=YOUNG).code == "00"
    assert [story.buy(1_000_000, card(serial)).code for serial in (5, 7)] == ["00", "00"]
    assert answer(shows(5)) == answer(shows(7)) == ("05", "CP asks for more")
    assert answer(shows(5, "WINE")) == TOO_YOUNG
    assert answer(shows(7, "WINE")) == ("05", "RW wants a birth date")
    assert story.balance(card(5)).points == 11
    assert [batch.used for batch in asyncio.run(listed(story.url, "bazaar"))] == [0]
    story.after(2)
    both = shows(5, "WINE")
    assert (both.code, both.redeemed, both.to_pay, both.earned) == ("00", 5, 600_000, 6 + 3 + 7)
    assert [batch.used for batch in asyncio.run(listed(story.url, "bazaar"))] == [1]
