"""What a till is told when it asks for the last movements and live offers (DE3 380000), and why its answer is kept."""

import datetime as dt
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.wire.running import RunningSwitch, card, changed, message
from tests.wire.stories import Reply, Story, told

pytestmark = pytest.mark.integration

PROGRAMME = """
programme: bazaar
owner: KHATAM
currency: 364
timezone: Asia/Tehran
point: {value: 100, expires: 24 months}
rules:
  - id: base
    then: {points: {per: 100000}}
  - id: large
    when: amount >= 2000000
    then: {points: 50}
  - id: huge
    when: amount >= 50000000
    then: {points: 500}
  - id: bigger_basket
    grant:
      if: visits >= 2
      set: {goal: 4 * mean_amount}
      lives: 30 days
      message: {en: "20% credit when you spend {goal} rial"}
    when: amount >= grant.goal
    then: {credit: 20%}
  - id: once
    when: amount >= 300000
    uses: {life: 1}
    then: {discount: 100000}
  - id: grocer
    when: category == "haircut"
    then: {points: 1}
  - id: cut
    then: {stamp: {key: cut, need: 4, reward: {points: 5}}}
  - id: lots
    then: {ticket: {draw: nowruz, per: 500000}}
  - id: app
    when: event == "app"
    then: {points: 7}
tiers:
  - {id: silver, from: {points: 10}}
"""
MEMBER, OTHER = card(1), card(2)
START = dt.date(2027, 1, 3)
DE62_BYTES_MAX = 999
REFERENCE_TIMEOUT_S = 10.0


@pytest.fixture
def story(fresh_database_url: str, tmp_path: Path) -> Iterator[Story]:
    with told(fresh_database_url, tmp_path, PROGRAMME, first_day=START) as begun:
        yield begun


def movements(story: Story, pan: str = MEMBER, **more: str) -> Reply:
    """The inquiry."""
    return story.ask("0100", "380000", pan=pan, amount=0, **more)


def test_who_did_nothing_has_no_movements(story: Story) -> None:
    reply = movements(story, OTHER)
    assert (reply.code, reply.points, reply.all("MV"), reply.all("FR"), reply.all("NR")) == ("00", 0, [], [], [])
    assert reply.heard.mti == "0110"
    assert str(reply.heard.fields[54]).startswith("6002999C")


def test_what_happened_is_told_newest_first(story: Story) -> None:
    first = story.buy(1_800_000, MEMBER)
    second = story.after(2).buy(400_000, MEMBER)
    story.ask("0200", "950000", pan=MEMBER, amount=0, de48="EV003app")
    story.refund(first, 600_000, MEMBER)
    story.undo(second, MEMBER)
    story.buy(500_000_000_000, "6037991234567893")
    story.ask("0200", "006000", pan=MEMBER, amount=1_000, de48="PT0019")
    reply = movements(story)
    assert reply.all("MV") == [
        "20270105;006000;1000;-9;0",
        "20270105;000000;-400000;-4;0",
        "20270105;200000;-600000;-5;0",
        "20270105;950000;0;7;0",
        "20270105;000000;400000;4;0",
        "20270103;000000;1800000;17;0",
    ]
    assert reply.points == 17 + 4 + 7 - 5 - 4 - 9
    assert reply.all("TR") == ["silver"]
    # Balances and standing are those of a balance inquiry.
    asked = story.balance(MEMBER)
    for tag in ("PB", "CB", "RV", "TR", "SP", "TK"):
        assert reply.all(tag) == asked.all(tag)
    assert reply.heard.fields[54] == asked.heard.fields[54]


def test_the_last_purchase_is_told_with_what_it_lacked(story: Story) -> None:
    story.buy(1_000_000, MEMBER)
    first = movements(story)
    assert first.all("FR") == ["base", "once", "cut", "lots"]
    assert first.all("NR") == [
        "large;amount=1000000;amount>=2000000",
        "huge;amount=1000000;amount>=50000000",
        'cut.reward;stamps("cut")=0;stamps("cut")>=4',
        "grocer;category=other;category==haircut",
    ]
    story.after(1).buy(1_800_000, MEMBER)
    story.after(1).buy(4_000_000, MEMBER)
    reply = movements(story.after(1))
    assert reply.all("FR") == ["base", "large", "cut", "lots"]
    assert reply.all("NR") == [
        "bigger_basket;amount=4000000;amount>=5600000",
        'cut.reward;stamps("cut")=2;stamps("cut")>=4',
        "huge;amount=4000000;amount>=50000000",
        "once;uses/life=1;uses/life<1",
        "grocer;category=other;category==haircut",
    ]
    assert reply.all("OF") == ["bigger_basket"]
    assert reply.all("SP") == ["cut:3/4"]


def test_what_came_after_the_last_purchase_does_not_change_what_it_lacked(story: Story) -> None:
    story.buy(1_000_000, MEMBER)
    used = story.after(1).buy(1_800_000, MEMBER)
    before = movements(story)
    story.ask("0200", "950000", pan=MEMBER, amount=0, de48="EV003app")
    story.refund(used, 100_000, MEMBER)
    assert movements(story).all("NR") == before.all("NR")
    story.undo(used, MEMBER)
    assert movements(story.after(1)).all("FR") == before.all("FR")


def test_ten_movements_at_most_and_never_more_than_fits(story: Story) -> None:
    for _ in range(13):
        story.after(1).buy(400_000, MEMBER)
    reply = movements(story)
    text = str(reply.heard.fields[62])
    assert len(text.encode()) <= DE62_BYTES_MAX
    assert len(reply.all("MV")) == 10
    assert [value[:8] for value in reply.all("MV")] == [f"202701{16 - back:02d}" for back in range(10)]


def test_a_till_that_prints_gets_the_offer_in_words(story: Story) -> None:
    story.rows("UPDATE terminal SET receipt_language = 'fa' WHERE code = 'T0000001'")
    story.rows("UPDATE setting SET value = (value::bigint + 1)::text WHERE name = 'reference_version'")
    limit = time.monotonic() + REFERENCE_TIMEOUT_S
    while not story.balance(OTHER).all("MS"):
        assert time.monotonic() < limit, "the switch does not take the terminal's language"
    story.after(1).buy(1_000_000, MEMBER)
    story.after(1).buy(1_800_000, MEMBER)
    for _ in range(12):
        story.after(1).buy(400_000, MEMBER)
    reply = movements(story, de48="LG002en")
    lines = " ".join(reply.all("MS"))
    assert "20% credit when you spend 5,600,000 rial" in lines
    assert len(str(reply.heard.fields[62]).encode()) <= DE62_BYTES_MAX
    assert len(reply.all("MV")) >= 3


def test_a_repeat_gets_the_first_answer(story: Story) -> None:
    story.buy(1_000_000, MEMBER)
    first = movements(story)
    story.buy(1_800_000, MEMBER)
    again = story.till.ask(changed(first.sent, "0101"))
    assert again.mti == "0110"
    assert again.fields == first.heard.fields
    rows = story.rows("SELECT rc, points_earned, amount FROM journal WHERE processing_code = 380000")
    assert [tuple(row) for row in rows] == [("00", 0, 0)]


def test_a_burst_of_inquiries_and_purchases_is_answered_in_order(story: Story) -> None:
    """Purchases and inquiries on one card, all sent before the first answer: each tells what came before it."""
    moment = dt.datetime.combine(story.today, dt.time(9), tzinfo=dt.UTC)
    sent = []
    for number in range(40):
        code, mti = ("000000", "0200") if number % 2 == 0 else ("380000", "0100")
        de7 = f"{moment + dt.timedelta(seconds=number):%m%d%H%M%S}"
        sent.append(message(mti, code, pan=MEMBER, amount=100_000 if mti == "0200" else 0, stan=5000 + number, de7=de7))
    for each in sent:
        story.till.send(each)
    heard = {reply.fields[11]: reply for reply in (story.till.hear() for _ in sent)}
    replies = [Reply(asked, heard[asked.fields[11]]) for asked in sent]
    assert {reply.code for reply in replies} == {"00"}
    for number in range(1, 40, 2):
        bought, reply = replies[number - 1], replies[number]
        assert reply.points == bought.points
        assert len(reply.all("MV")) == min(10, (number + 1) // 2)


@pytest.fixture
def blocked(story: Story) -> str:
    story.rows("UPDATE account SET status = 1 WHERE last_four = $1", OTHER[-4:])
    return OTHER


def test_what_is_wrong_is_declined_as_for_a_balance(story: Story, blocked: str) -> None:
    stranger = movements(story, "6037991234567893")
    assert (stranger.code, stranger.reason, stranger.all("MV")) == ("14", "no such card", [])
    assert (movements(story, blocked).code, movements(story, blocked).reason) == ("78", "card or account blocked")
    foreign = movements(story, MEMBER, de32="603799", de41="N0000001", de42="N00000000000001")
    assert (foreign.code, foreign.reason, 62 in foreign.heard.fields) == ("57", "programme not served here", False)
    assert story.ask("0200", "380000", pan=MEMBER, amount=0).code == "40"
    assert story.ask("0220", "380000", pan=MEMBER, amount=0).code == "40"


def test_the_switch_that_is_started_with_several_workers_tells_the_same(own_url: str) -> None:
    with RunningSwitch(own_url).with_arguments("--workers", "2") as switch:
        with switch.till() as till:
            assert till.ask(message(pan=card(5), amount=500_000)).fields[39] == "00"
        for _ in range(4):
            with switch.till() as till:
                sent = message("0100", "380000", pan=card(5), amount=0)
                reply = Reply(sent, till.ask(sent))
                assert [value.split(";")[1:] for value in reply.all("MV")] == [["000000", "500000", "5", "0"]]
                assert reply.all("FR") == ["base"]
