"""More of what the customer named: an app, check-ins, miles that pay for petrol, and levels of beauty."""

import datetime as dt
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from protocol.codes import ProcessingCode
from tests.wire.running import card
from tests.wire.stories import Reply, Story, told

pytestmark = pytest.mark.integration

START = dt.date(2027, 1, 3)
AT_THE_PETROL_STATION = {"de32": "639607", "de41": "F0000001", "de42": "F00000000000001"}
AT_A_STRANGER = {"de32": "603799", "de41": "N0000001", "de42": "N00000000000001"}
AT_THE_PRINTER = {"de41": "T0000004"}
HEAD = """
programme: bazaar
owner: KHATAM
currency: 364
timezone: Asia/Tehran
point: {{value: {value}, expires: 35 months}}
rules:
"""

Teller = Callable[[str], AbstractContextManager[Story]]


@pytest.fixture
def tell(fresh_database_url: str, tmp_path: Path) -> Teller:
    return lambda programme: told(fresh_database_url, tmp_path, programme, first_day=START)


def happens(story: Story, event: str, pan: str | None = None, **more: str) -> Reply:
    return story.ask(
        "0200", ProcessingCode.EVENT, pan=pan or card(0), amount=0, de48=f"EV{len(event):03d}{event}", **more
    )


APP = (
    HEAD.format(value=100)
    + """
  - id: base
    then: {points: {per: 100000}}
  - id: app
    when: event == "app-download"
    uses: {life: 1}
    then: {points: 500, message: {fa: "به برنامه خوش آمدید", en: "Welcome to the app"}}
  - id: checkin             # once a day at the door
    when: event == "checkin"
    uses: {day: 1}
    then: {points: 20}
  - id: regular             # five times at the door, and the sixth brings 30,000 rial
    when: event == "checkin"
    uses: {day: 1}
    then: {stamp: {key: door, need: 5, reward: {credit: 30000}}}
  - id: survey
    when: event == "survey"
    uses: {month: 1}
    then: {points: 50}
"""
)


def test_the_app_is_rewarded_once_in_a_life(tell: Teller) -> None:
    with tell(APP) as story:
        first = happens(story, "app-download", **AT_THE_PRINTER)
        assert (first.code, first.earned, first.points) == ("00", 500, 500)
        assert "به برنامه خوش آمدید" in first.all("MS")
        assert happens(story, "app-download").earned == 0
        # A new telephone, two years later.
        story.walk_to(START + dt.timedelta(days=730))
        assert happens(story, "app-download").earned == 0
        # Another member has a life of his own; in English if the till says so.
        other = story.ask(
            "0200", ProcessingCode.EVENT, pan=card(2), amount=0, de48="EV012app-downloadLG002en", **AT_THE_PRINTER
        )
        assert (other.earned, other.points) == (500, 500)
        assert "Welcome to the app" in other.all("MS")
        # Who takes it back may have it again.
        undone = story.undo(other, card(2))
        assert (undone.code, undone.points) == ("00", 0)
        assert happens(story, "app-download", card(2)).earned == 500


def test_check_ins_and_a_survey(tell: Teller) -> None:
    with tell(APP) as story:
        for day in range(1, 6):
            reply = happens(story.after(1), "checkin")
            assert (reply.earned, reply.points, reply.all("SP")) == (20, 20 * day, [f"door:{day}/5"])
            assert happens(story, "checkin").earned == 0
        sixth = happens(story.after(1), "checkin")
        assert (sixth.earned, sixth.granted, sixth.credit, sixth.all("SP")) == (20, 30_000, 30_000, [])
        assert [happens(story, "survey").earned for _ in range(2)] == [50, 0]
        assert happens(story.after(31), "survey").earned == 50
        assert story.balance().points == 220


MILES = (
    HEAD.format(value=300)
    + """
  - id: miles               # a mile for each 20,000 of the fare
    when: institution == "KHATAM"
    then: {points: {per: 20000}}
partners:
  - {institution: FUELCO, role: burn, redeem_price: 280}
"""
)


def test_miles_are_earned_by_flying_and_spent_on_petrol(tell: Teller) -> None:
    with tell(MILES) as story:
        assert story.buy(30_000_000).points == 1_500
        # 1,000 miles of 300 rial pay 300,000 of the fill; the rest is cash, and petrol earns no miles.
        fill = story.after(3).ask(
            "0200", "006000", pan=card(0), amount=400_000, de48="PT0041000", **AT_THE_PETROL_STATION
        )
        assert (fill.code, fill.to_pay, fill.number("PR"), fill.points, fill.earned) == ("00", 100_000, 1_000, 500, 0)
        # As far as they go: 500 miles, 150,000 rial.
        rest = story.ask("0200", "006000", pan=card(0), amount=200_000, **AT_THE_PETROL_STATION)
        assert (rest.to_pay, rest.number("PR"), rest.points) == (50_000, 500, 0)
        none = story.ask("0200", "006000", pan=card(0), amount=200_000, de48="PT0011", **AT_THE_PETROL_STATION)
        assert (none.code, none.points) == ("51", 0)
        # Where the programme has no partner row nothing is earned or spent.
        assert story.buy(1_000_000, **AT_A_STRANGER).code == "57"
        # The pump was broken: the miles come back, at their own dates.
        undone = story.ask("0400", "006000", pan=card(0), amount=0, de90=_original(rest), **AT_THE_PETROL_STATION)
        assert (undone.code, undone.points) == ("00", 500)
        # What the station gets for the miles follows from the journal and the price that was agreed.
        (owed,) = story.rows(
            "SELECT sum(j.points_redeemed)::bigint AS miles, sum(j.points_redeemed * p.redeem_price)::bigint AS rial"
            " FROM journal AS j JOIN programme_partner AS p USING (programme, institution)"
        )
        assert tuple(owed) == (1_000, 280_000)


def _original(reply: Reply) -> str:
    fields = reply.sent.fields
    return f"{reply.sent.mti}{fields[11]}{fields[7]}{int(str(fields[32])):011d}{0:011d}"


BEAUTY = (
    HEAD.format(value=100)
    + """
  - id: base
    then: {points: {per: 100000}}
  - id: icon_gift           # what only the highest level gets
    when: tier == "icon"
    then: {discount: 5%}
tiers:                      # fan, pro and icon, as e.l.f. has them
  - {id: fan, from: {points: 1}}
  - {id: pro, from: {points: 300}, multiply: 1.25}
  - {id: icon, from: {points: 1000}, multiply: 1.5}
"""
)


def test_levels_are_reached_by_buying(tell: Teller) -> None:
    with tell(BEAUTY) as story:
        first = story.buy(20_000_000, **AT_THE_PRINTER, de48="LG002en")
        assert (first.earned, first.all("TR")) == (200, ["fan"])
        assert "100 points to pro" in first.all("MS")
        pro = story.after(10).buy(10_000_000, **AT_THE_PRINTER)
        assert (pro.earned, pro.points, pro.all("TR")) == (100, 300, ["pro"])
        assert "سطح: pro" in pro.all("MS")
        assert "۷۰۰ امتیاز تا icon" in pro.all("MS")
        # A quarter more from now on.
        icon = story.after(10).buy(56_000_000)
        assert (icon.earned, icon.points, icon.all("TR"), icon.discount) == (700, 1_000, ["icon"], 0)
        # Half as many again, and 5% off: 9,500,000 are paid, 95 points and 47.
        best = story.after(10).buy(10_000_000)
        assert (best.discount, best.to_pay, best.earned) == (500_000, 9_500_000, 142)
        assert story.balance().all("TR") == ["icon"]
