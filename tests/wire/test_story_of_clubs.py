"""Clubs: customers, agents and employees of one programme, each with rules of their own; a family; a gift wallet."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from protocol import tlv
from protocol.codes import ProcessingCode
from tests.wire.running import card
from tests.wire.stories import Reply, Story, told

pytestmark = pytest.mark.integration

START = dt.date(2027, 1, 3)
PROGRAMME = """
programme: bazaar
owner: KHATAM
currency: 364
timezone: Asia/Tehran
point: {value: 100, expires: 24 months}
rules:
  - id: base
    then: {points: {per: 100000}}
  - id: customers
    when: club == "CUST"
    then: {points: 5}
  - id: agents
    when: club == "AGENT"
    then: {credit: 2%}
  - id: employees           # twice a month
    when: club == "EMP"
    uses: {month: 2}
    then: {discount: 10%, cap: 500000}
  - id: wise                # who told a birth date, and is forty
    when: age >= 40 and club == "CUST"
    then: {points: 20}
  - id: settled             # whose account is a month old
    when: days_since_enrolment >= 30 and amount == 30000
    then: {points: 1}
  - id: gift
    when: amount >= 5000000
    then: {credit: 20%, cap: 1000000}
clubs:
  - {code: CUST, name: Customers}
  - {code: AGENT, name: Agents, audience: agents, fee: 50000}
  - {code: GOLD, name: Gold, fee: 1500, fee_due: true}
  - {code: EMP, name: Employees, audience: employees, required: [name, birth_date, gender, education, region]}
  - {code: BOARD, name: Board, audience: employees, open: false}
"""
RICH = 700
CARDS = f"serial,programme,credit\n{RICH},bazaar,80000\n"


@pytest.fixture
def story(fresh_database_url: str, tmp_path: Path) -> Iterator[Story]:
    with told(fresh_database_url, tmp_path, PROGRAMME, first_day=START, cards=CARDS, seeded=40) as begun:
        yield begun


def enrol(story: Story, serial: int, **tags: str) -> Reply:
    text = tlv.build({"MB": f"0912444{serial:04d}", **tags}.items())
    return story.ask("0200", ProcessingCode.ENROLMENT, pan=card(serial), amount=0, de48=text)


def test_three_clubs_get_three_results_for_the_same_purchase(story: Story) -> None:
    assert enrol(story, 1, CL="CUST").code == "00"
    # An agent pays the fee out of credit; who has none does not get in.
    poor = enrol(story, 2, CL="AGENT")
    assert (poor.code, poor.reason) == ("51", "too little for the fee")
    agent = enrol(story, RICH, CL="AGENT")
    assert (agent.code, agent.number("CS"), agent.credit) == ("00", 50_000, 30_000)
    # An employee fills in the long form, a tag at a time until nothing is missing.
    form = {"CL": "EMP", "NA": "Sara"}
    for tag, value in (("BD", "19880321"), ("ED", "PhD"), ("GE", "F"), ("RE", "Tehran")):
        missing = enrol(story, 3, **form)
        assert (missing.code, missing.reason) == ("30", f"DE48 {tag} is missing")
        form[tag] = value
    assert enrol(story, 3, **form).code == "00"
    assert enrol(story, 4, CL="BOARD").reason == "club is not open"

    customer = story.buy(1_000_000, card(1))
    assert (customer.to_pay, customer.earned, customer.credit) == (1_000_000, 15, 0)
    agent = story.buy(1_000_000, card(RICH))
    assert (agent.to_pay, agent.earned, agent.granted, agent.credit) == (1_000_000, 10, 20_000, 50_000)
    for _ in range(2):
        employee = story.buy(1_000_000, card(3))
        assert (employee.to_pay, employee.earned, employee.discount) == (900_000, 9, 100_000)
    # Twice a month; next month again.
    assert story.buy(1_000_000, card(3)).discount == 0
    assert story.after(31).buy(10_000_000, card(3)).discount == 500_000
    stranger = story.buy(1_000_000, card(4))
    assert (stranger.to_pay, stranger.earned, stranger.credit) == (1_000_000, 10, 0)


def test_what_came_before_joining_is_replayed_as_it_was(story: Story) -> None:
    """At its end every story is replayed: what the club and the birth date decide, they decide from then on only."""
    assert story.buy(1_000_000, card(5)).discount == 0
    # An account counts its days from its beginning, and from joining anew.
    story.rows("UPDATE account SET enrolled_on = $1 WHERE last_four = $2 RETURNING 1", START, card(5)[-4:])
    assert story.after(35).buy(30_000, card(5)).earned == 1
    form = {"CL": "EMP", "NA": "Sara", "BD": "19880321", "ED": "PhD", "GE": "F", "RE": "Tehran"}
    assert enrol(story.after(5), 5, **form).code == "00"
    joined = story.buy(1_000_000, card(5))
    assert (joined.discount, joined.earned) == (100_000, 9)
    assert story.buy(30_000, card(5)).earned == 0
    assert enrol(story, 6, CL="CUST", NA="Reza").code == "00"
    assert story.buy(1_000_000, card(6)).earned == 15
    assert enrol(story, 6, BD="19700101").code == "00"
    assert story.buy(1_000_000, card(6)).earned == 35


def test_a_fee_that_is_due_is_paid_when_points_become_credit(story: Story) -> None:
    story.buy(2_000_000, card(8))
    joined = enrol(story, 8, CL="GOLD")
    assert (joined.code, joined.number("CS"), joined.credit) == ("00", 0, 0)
    convert = {"pan": card(8), "amount": 0}
    # 1,000 rial of credit do not suffice; 2,000 do.
    first = story.ask("0200", ProcessingCode.POINTS_TO_CREDIT, de48="PT00210", **convert)
    assert (first.granted, first.number("CS"), first.credit) == (1_000, 0, 1_000)
    second = story.ask("0200", ProcessingCode.POINTS_TO_CREDIT, de48="PT00210", **convert)
    assert (second.granted, second.number("CS"), second.credit, second.points) == (1_000, 1_500, 500, 0)
    (member,) = story.rows("SELECT fee_owed FROM member WHERE mobile LIKE $1", "%9124440008")
    assert member["fee_owed"] == 0
    (leg,) = story.rows("SELECT debit, credit, amount FROM leg WHERE leg = 'credit_spent'")
    assert tuple(leg) == ("member credit", "programme fees", 1_500)
    story.buy(1_000_000, card(8))
    third = story.ask("0200", ProcessingCode.POINTS_TO_CREDIT, de48="PT00210", **convert)
    assert (third.number("CS"), third.credit) == (0, 1_500)


def test_a_family_shares_one_balance(story: Story) -> None:
    mother, daughter = card(10), card(11)
    assert enrol(story, 10, CL="CUST").code == "00"
    linked = story.ask("0200", ProcessingCode.CARD_LINK, pan=mother, amount=0, de103=daughter)
    assert linked.code == "00"
    assert story.buy(1_000_000, mother).points == 15
    # The daughter earns by the club of the account, and spends what the mother has earned.
    assert story.buy(500_000, daughter).points == 25
    spent = story.ask("0200", "006000", pan=daughter, amount=2_000, de48="PT00220")
    assert (spent.to_pay, spent.points) == (0, 10)
    # Hers is lost and blocked; the mother's goes on.
    story.rows("UPDATE card SET status = 1 WHERE last_four = $1 RETURNING 1", daughter[-4:])
    lost = story.buy(500_000, daughter)
    assert (lost.code, lost.reason) == ("78", "card or account blocked")
    assert story.ask("0200", "006000", pan=daughter, amount=500, de48="PT0015").code == "78"
    assert story.buy(100_000, mother).points == 16


def test_a_gift_wallet_is_filled_and_spent_in_part(story: Story) -> None:
    assert enrol(story, 20).code == "00"
    gift = story.buy(6_000_000, card(20))
    assert (gift.granted, gift.credit, gift.points) == (1_000_000, 1_000_000, 60)
    # As much as the member wishes; the rest is paid at the till, and earns.
    part = story.ask("0200", "006500", pan=card(20), amount=700_000, de48="CR006400000")
    assert (part.code, part.to_pay, part.number("CS"), part.credit, part.earned) == ("00", 300_000, 400_000, 600_000, 3)
    # Without a wish as far as it goes.
    rest = story.ask("0200", "006500", pan=card(20), amount=900_000)
    assert (rest.code, rest.to_pay, rest.credit, rest.earned) == ("00", 300_000, 0, 3)
    empty = story.ask("0200", "006500", pan=card(20), amount=100_000, de48="CR00510000")
    assert (empty.code, empty.credit) == ("51", 0)
    # Points fill the wallet, too: 66 of 100 rial each.
    filled = story.ask("0200", ProcessingCode.POINTS_TO_CREDIT, pan=card(20), amount=0, de48="PT00266")
    assert (filled.code, filled.number("PR"), filled.granted, filled.credit, filled.points) == (
        "00",
        66,
        6_600,
        6_600,
        0,
    )
    # What is given back comes back into the wallet.
    assert story.undo(part, card(20)).credit == 406_600


def test_the_receipt_of_a_gift_in_both_languages(story: Story) -> None:
    gift = story.buy(6_000_000, card(30), de41="T0000004")
    assert gift.all("MS") == [
        "امتیاز این خرید: ۶۰",
        "اعتبار هدیه: ۱٬۰۰۰٬۰۰۰ ریال",
        "مانده امتیاز: ۶۰",
        "مانده اعتبار: ۱٬۰۰۰٬۰۰۰ ریال",
    ]
    spent = story.ask("0200", "006500", pan=card(30), amount=400_000, de41="T0000004", de48="LG002en")
    assert spent.all("MS") == ["Credit spent: 400,000 rial", "Points balance: 60", "Credit balance: 600,000 rial"]
