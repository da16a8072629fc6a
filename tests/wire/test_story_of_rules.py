"""What the customer described, told over the wire with its numbers: stamps, once, for a year, wholesale, birthday,
check-ins, tickets, tiers.
"""

import asyncio
import datetime as dt
from contextlib import AbstractContextManager
from pathlib import Path

import asyncpg
import pytest

from tests.wire.running import card
from tests.wire.stories import AT_THE_BARBER, Story, told

pytestmark = pytest.mark.integration

START = dt.date(2027, 1, 3)
HEAD = """
programme: bazaar
owner: KHATAM
currency: {currency}
timezone: Asia/Tehran
point: {{value: 100, expires: 24 months}}
rules:
"""
BASE = "  - id: base\n    then: {points: {per: 100000}}\n"
CARDS = f"pan,programme,name,birth_date\n{card(5)},bazaar,Sara,1990-03-21\n{card(6)},bazaar,Reza,\n"


class Teller:
    """Opens stories; each has a database of its own."""

    def __init__(self, url: str, folder: Path) -> None:
        self._url = url
        self._folder = folder

    def __call__(self, rules: str, *, currency: int = 364, more: str = "") -> AbstractContextManager[Story]:
        return told(
            self._url, self._folder, HEAD.format(currency=currency) + rules + more, first_day=START, cards=CARDS
        )


@pytest.fixture
def tell(fresh_database_url: str, tmp_path: Path) -> Teller:
    return Teller(fresh_database_url, tmp_path)


def execute(url: str, statement: str, *arguments: object) -> None:
    async def run() -> None:
        opened = await asyncpg.connect(url)
        await opened.execute(statement, *arguments)
        await opened.close()

    asyncio.run(run())


BARBER = """  - id: barber
    when: category == "haircut"
    then: {stamp: {key: cut, need: 10, reward: {free: CUT}}}
"""


def cut(story: Story, amount: int = 300_000) -> tuple[int, list[str]]:
    reply = story.after(1).buy(amount, **AT_THE_BARBER)
    assert reply.code == "00"
    return reply.to_pay, reply.all("SP")


def test_ten_visits_and_the_next_is_free(tell: Teller) -> None:
    with tell(BARBER) as story:
        for visit in range(1, 11):
            assert cut(story) == (300_000, [f"cut:{visit}/10"])
        # The eleventh is free and brings no stamp; with the twelfth it begins anew.
        assert cut(story) == (0, [])
        assert cut(story) == (300_000, ["cut:1/10"])


def test_a_stamp_elsewhere_does_not_count(tell: Teller) -> None:
    with tell(BARBER) as story:
        assert story.buy(300_000).all("SP") == []
        assert cut(story) == (300_000, ["cut:1/10"])


def test_the_free_item_is_the_one_in_the_basket(tell: Teller) -> None:
    with tell(BARBER) as story:
        for _ in range(10):
            cut(story)
        # A basket without the free item: everything is paid, and the reward waits.
        shampoo = story.buy(90_000, de63="LI025SHAMPOO;cosmetics;1;90000", **AT_THE_BARBER)
        assert (shampoo.to_pay, shampoo.all("SP")) == (90_000, ["cut:10/10"])
        both = story.buy(390_000, de63="LI020CUT;haircut;1;300000LI025SHAMPOO;cosmetics;1;90000", **AT_THE_BARBER)
        assert (both.discount, both.to_pay, both.all("SP")) == (300_000, 90_000, [])


def test_a_reversal_takes_the_stamp_back_and_gives_the_reward_back(tell: Teller) -> None:
    with tell(BARBER) as story:
        for _ in range(10):
            cut(story)
        free = story.after(1).buy(300_000, **AT_THE_BARBER)
        assert free.to_pay == 0
        story.undo(free)
        assert story.after(1).buy(300_000, **AT_THE_BARBER).to_pay == 0
        first = story.after(1).buy(300_000, **AT_THE_BARBER)
        assert first.all("SP") == ["cut:1/10"]
        story.undo(first)
        assert story.after(1).buy(300_000, **AT_THE_BARBER).all("SP") == ["cut:1/10"]


def test_twenty_per_cent_once_from_two_hundred_dollars(tell: Teller) -> None:
    rule = """  - id: once20
    when: amount >= 20000 and currency == 840
    uses: {life: 1}
    then: {discount: 20%}
"""
    with tell(rule, currency=840) as story:
        assert story.buy(19_999, de49="840").discount == 0
        first = story.buy(20_000, de49="840")
        assert (first.discount, first.to_pay) == (4_000, 16_000)
        assert story.after(100).buy(50_000, de49="840").discount == 0
        assert story.buy(50_000, de49="364").code == "12"
        # Another member has the own one; who reverses has it again.
        other = story.buy(20_000, card(2), de49="840")
        assert other.discount == 4_000
        story.undo(other, card(2))
        assert story.buy(30_000, card(2), de49="840").discount == 6_000


def test_ten_per_cent_for_a_year_from_joining(tell: Teller) -> None:
    rule = """  - id: year10
    when: days_since_enrolment < 365
    exclusive: welcome
    then: {discount: 10%}
"""
    with tell(rule) as story:
        execute(story.url, "UPDATE account SET enrolled_on = $1", START)
        assert story.buy(100_000).discount == 10_000
        story.walk_to(START + dt.timedelta(days=364))
        assert story.buy(100_001).discount == 10_000
        assert story.after(1).buy(100_000).discount == 0


def test_ten_per_cent_for_ever(tell: Teller) -> None:
    with tell("  - id: always10\n    then: {discount: 10%}\n" + BASE) as story:
        reply = story.buy(1_000_000)
        # A discount never earns points: nine for the 900,000 that are really paid.
        assert (reply.discount, reply.to_pay, reply.earned) == (100_000, 900_000, 9)
        story.walk_to(START + dt.timedelta(days=1_000))
        assert story.buy(1_000_000).discount == 100_000


def test_wholesale_by_the_basket(tell: Teller) -> None:
    rule = '  - id: bulk\n    when: qty(category="parcel") >= 50\n    then: {discount: 15%}\n'
    with tell(rule) as story:
        for quantity, discount in ((49, 0), (50, 150_000)):
            basket = f"A1;parcel;{quantity - 9};600000", "B2;parcel;9;300000", "C3;paper;99;100000"
            de63 = "".join(f"LI{len(line):03d}{line}" for line in basket)
            assert story.buy(1_000_000, de63=de63).discount == discount
        assert story.buy(1_000_000).discount == 0


def test_a_birthday(tell: Teller) -> None:
    rule = """  - id: birthday
    when: days_to_birthday <= 3
    uses: {year: 1}
    then: {discount: 15%, message: {fa: "تولدتان مبارک", en: "Happy birthday"}}
"""
    with tell(rule) as story:
        story.walk_to(dt.date(2027, 3, 17))
        assert story.buy(100_000, card(5)).discount == 0
        assert story.after(1).buy(100_000, card(5)).discount == 15_000
        assert story.after(1).buy(100_000, card(5)).discount == 0
        # Who told no birth date has none.
        assert story.buy(100_000, card(6)).discount == 0
        story.walk_to(dt.date(2028, 3, 20))
        assert story.buy(100_000, card(5)).discount == 15_000


def test_points_for_a_check_in_once_a_day(tell: Teller) -> None:
    rule = '  - id: checkin\n    when: event == "checkin"\n    uses: {day: 1}\n    then: {points: 50}\n'
    with tell(rule + BASE) as story:

        def happens(event: str) -> tuple[str, int]:
            reply = story.ask("0200", "950000", pan=card(0), amount=0, de48=f"EV{len(event):03d}{event}")
            return reply.code, reply.earned

        assert happens("checkin") == ("00", 50)
        assert happens("checkin") == ("00", 0)
        assert happens("unheard_of") == ("00", 0)
        assert story.after(1) is story
        assert happens("checkin") == ("00", 50)
        assert story.balance().points == 100
        # A purchase is no check-in, and an event no visit.
        assert story.buy(100_000).earned == 1
        (row,) = story.rows("SELECT visits FROM account WHERE visits > 0")
        assert row["visits"] == 1


def test_an_event_without_its_code_is_a_format_error(tell: Teller) -> None:
    with tell(BASE) as story:
        reply = story.ask("0200", "950000", pan=card(0), amount=0)
        assert (reply.code, reply.reason) == ("30", "DE48 EV is missing")


def test_tickets_for_a_draw(tell: Teller) -> None:
    rule = "  - id: nowruz\n    then: {ticket: {draw: nowruz, per: 500000}}\n"
    with tell(rule) as story:
        assert story.buy(499_999).all("TK") == []
        bought = story.buy(1_600_000)
        assert bought.all("TK") == ["nowruz:3"]
        assert story.buy(500_000).all("TK") == ["nowruz:4"]
        # Half of it comes back: of the three tickets one (a half of three, rounded down).
        story.refund(bought, 800_000)
        assert story.balance().all("TK") == ["nowruz:3"]


TIERS = """tiers:
  - {id: silver, from: {points: 1000}, multiply: 1.25}
  - {id: gold, from: {points: 5000}, multiply: 1.5}
"""


def test_tiers_are_entered_at_once_and_count_from_the_next_purchase(tell: Teller) -> None:
    with tell(BASE, more=TIERS) as story:
        entered = story.buy(100_000_000)
        assert (entered.earned, entered.all("TR")) == (1_000, ["silver"])
        # Silver: a quarter more; 3,200 points make 4,000.
        more = story.buy(320_000_000)
        assert (more.earned, more.points, more.all("TR")) == (4_000, 5_000, ["gold"])
        assert story.buy(300_000).earned == 4
        assert story.balance().all("TR") == ["gold"]
        assert story.buy(100_000, card(2)).all("TR") == []


def test_who_is_silver_gets_what_is_for_silver(tell: Teller) -> None:
    rule = BASE + '  - id: silver_day\n    when: tier == "silver"\n    then: {discount: 5%}\n'
    with tell(rule, more=TIERS) as story:
        assert story.buy(100_000_000).discount == 0
        assert story.buy(100_000).discount == 5_000
