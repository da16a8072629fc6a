"""Rewards chosen at the till, members held out, what was spent lately, and first purchases, told with their numbers."""

import asyncio
import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from adapters.postgres.explaining import explain
from protocol.tlv import build
from switch.programme.holdout import is_held_out
from switch.tokens import Tokens
from tests.conftest import TOKEN_KEY
from tests.wire.running import card, message, original_of
from tests.wire.stories import AT_A_PRINTER, Reply, Story, told

pytestmark = pytest.mark.integration

START = dt.date(2027, 1, 3)
HEAD = """
programme: bazaar
owner: KHATAM
currency: 364
timezone: Asia/Tehran
point: {value: 100, expires: 24 months}
rules:
"""
SEPHORA = (
    HEAD
    + """  - id: base
    then: {points: {per: 10000}}
rewards:
  - {code: LIP, points: 500, then: {free: LIPSTICK}, message: {fa: "رژ لب، هدیه شما", en: "Your lipstick"}}
  - {code: TENTH, points: 100, then: {discount: 10%}, when: tier >= "silver"}
  - {code: PURSE, points: 200, then: {credit: 25000}, uses: {month: 1}}
  - {code: SAMPLE, points: 0, message: {en: "Hand over a sample"}, uses: {year: 1}}
tiers:
  - {id: silver, from: {points: 5000}}
"""
)
LIPSTICK = "LIPSTICK;cosmetics;1;400000"
SOAP = "SOAP;cosmetics;2;600000"
THREE_SOAPS = "SOAP;cosmetics;3;1000000"
SHARDS = 64


@pytest.fixture
def sephora(fresh_database_url: str, tmp_path: Path) -> Iterator[Story]:
    with told(fresh_database_url, tmp_path, SEPHORA, first_day=START) as begun:
        yield begun


def wish(code: str, points: int | None = None) -> str:
    """DE48."""
    paid = "" if points is None else f"PT{len(str(points)):03d}{points}"
    return f"{paid}RW{len(code):03d}{code}"


def basket(*lines: str) -> str:
    """DE63."""
    return build([("LI", line) for line in lines])


WITH_LIPSTICK = basket(LIPSTICK, SOAP)


def lipstick(story: Story, **more: str) -> Reply:
    """A purchase of 1,000,000 with a lipstick of 400,000 in it."""
    return story.buy(1_000_000, **({"de63": WITH_LIPSTICK, "de48": wish("LIP")} | more))


def refused(reply: Reply) -> tuple[str, str]:
    assert reply.to_pay == int(str(reply.sent.fields[4]))
    return reply.code, reply.reason


def test_buying_until_it_is_enough_and_choosing(sephora: Story) -> None:
    story = sephora
    assert [story.after(7).buy(1_000_000).points for _ in range(4)] == [100, 200, 300, 400]
    # 400 points, and the lipstick costs 500: the whole purchase is refused, and the till rings it up without.
    assert refused(lipstick(story)) == ("51", "too few points or credit")
    assert story.balance().points == 400
    assert story.after(7).buy(1_200_000).points == 520
    chosen = lipstick(story, **AT_A_PRINTER)
    assert (chosen.code, chosen.redeemed, chosen.discount, chosen.to_pay) == ("00", 500, 400_000, 600_000)
    assert (chosen.earned, chosen.points) == (60, 520 - 500 + 60)
    assert "Your lipstick" in chosen.all("MS")
    assert "Points spent: 500" in chosen.all("MS")
    (found,) = asyncio.run(explain(story.url, str(chosen.heard.fields[37])))
    assert found.rules == ("base", "rewards.LIP")
    assert found.asked.startswith("RW003LIP")
    assert {rule.id: rule.hindrances for rule in found.why.rules}["rewards.PURSE"] == ("the till did not ask for it",)
    # Once more: the same message has the same answer, another wish under its key is another message.
    again = story.till.ask(message_like(chosen.sent, "0201"))
    assert (again.fields[39], again.fields[62]) == ("00", chosen.heard.fields[62])
    other = story.till.ask(message_like(chosen.sent, "0201", de48=wish("PURSE")))
    assert other.fields[39] == "94"
    assert story.balance().points == 80


def message_like(sent: object, mti: str, **more: str):  # type: ignore[no-untyped-def]  # fields as they were
    fields = {f"de{number}": str(value) for number, value in sent.fields.items() if number not in (2, 3, 4, 7, 11)}  # type: ignore[attr-defined]
    old = sent.fields  # type: ignore[attr-defined]
    return message(mti, old[3], pan=old[2], amount=int(old[4]), stan=int(old[11]), de7=old[7], **{**fields, **more})


@pytest.mark.parametrize(
    ("code", "lines", "answer"),
    [
        ("LIPS", WITH_LIPSTICK, ("05", "RW is no reward here")),
        ("lip", WITH_LIPSTICK, ("05", "RW is no reward here")),
        ("LIP", basket(THREE_SOAPS), ("05", "RW is not in the basket")),
        ("LIP", None, ("05", "RW is not in the basket")),
        ("TENTH", None, ("05", "RW is not available now")),
        ("ten per cent", None, ("30", "DE48 RW is not one code")),
        ("", None, ("30", "DE48 RW is not one code")),
        ("LIPRW003LIP", None, ("05", "RW is no reward here")),
    ],
)
def test_what_cannot_be_had_moves_nothing(
    sephora: Story, code: str, lines: str | None, answer: tuple[str, str]
) -> None:
    story = sephora
    story.buy(9_000_000)
    more = {} if lines is None else {"de63": lines}
    reply = story.buy(1_000_000, de48=wish(code), **more)
    assert refused(reply) == answer
    if answer[0] == "05":
        # Decided again from the journal, it is refused again, and the rules' reasons are known.
        (found,) = asyncio.run(explain(story.url, str(reply.heard.fields[37])))
        assert found.why.note == ""
        lacked = {rule.id: rule.hindrances for rule in found.why.rules}
        assert (lacked["rewards.LIP"] == ("LIPSTICK was not in the basket; needs one",)) is ("basket" in answer[1])
    assert story.balance().points == 900


def test_a_limit_points_that_pay_and_what_is_handed_over(sephora: Story) -> None:
    story = sephora
    story.buy(6_000_000)
    purse = story.after(1).buy(10_000, de48=wish("PURSE"))
    assert (purse.redeemed, purse.granted, purse.credit, purse.points) == (200, 25_000, 25_000, 401)
    assert refused(story.buy(10_000, de48=wish("PURSE"))) == ("65", "RW was had often enough")
    # The use comes back with the reversal, and so do the points.
    story.undo(purse)
    assert (story.balance().points, story.balance().credit) == (600, 0)
    paid = story.ask("0200", "006000", pan=card(0), amount=30_000, de48=wish("PURSE", 100))
    assert (paid.redeemed, paid.to_pay, paid.points) == (300, 20_000, 302)
    # In the next month again, with all that is left of the points for a purchase of 9,000.
    rest = story.after(31).ask("0200", "006000", pan=card(0), amount=9_000, de48=wish("PURSE"))
    assert (rest.redeemed, rest.to_pay, rest.points) == (200 + 90, 0, 12)
    sample = story.buy(10_000, de48=wish("SAMPLE"), **AT_A_PRINTER)
    assert (sample.code, sample.redeemed) == ("00", 0)
    assert "Hand over a sample" in sample.all("MS")
    assert refused(story.buy(10_000, de48=wish("SAMPLE"))) == ("65", "RW was had often enough")


def test_a_refund_gives_the_price_back_in_proportion(sephora: Story) -> None:
    story = sephora
    story.buy(5_000_000)
    story.walk_to(dt.date(2027, 2, 3)).buy(2_000_000)
    chosen = lipstick(story)
    assert (chosen.redeemed, chosen.points) == (500, 200 + 60)
    # 30 per cent of the purchase: 150 points of the price come back, 18 of the 60 that it brought go.
    part = story.after(1).refund(chosen, 300_000)
    assert (part.redeemed, part.earned, part.points) == (-150, -18, 392)
    whole = story.refund(chosen, 700_000)
    assert (whole.redeemed, whole.points) == (-350, 700)
    (row,) = story.rows("SELECT lots FROM account WHERE points = 700")
    # January's 500 and February's 200, each in its own lot.
    points = [int.from_bytes(row["lots"][at + 2 : at + 10], "big") for at in range(0, len(row["lots"]), 10)]
    assert points == [500, 200]


def test_an_advice_is_taken_with_the_points_there_are(sephora: Story) -> None:
    story = sephora
    story.buy(3_000_000)
    told_later = story.ask("0220", "000000", pan=card(0), amount=1_000_000, de63=WITH_LIPSTICK, de48=wish("LIP"))
    assert (told_later.code, told_later.redeemed, told_later.to_pay) == ("00", 300, 600_000)
    unknown = story.ask("0220", "000000", pan=card(0), amount=1_000_000, de48=wish("NONE"))
    assert (unknown.code, unknown.redeemed, unknown.points) == ("00", 0, 60 + 100)


def test_a_reward_goes_with_a_purchase_only(sephora: Story) -> None:
    story = sephora
    bought = story.buy(6_000_000)
    named = original_of(bought.sent)
    for mti, code, more in (
        ("0200", "200000", {"de90": named}),
        ("0100", "310000", {}),
        ("0200", "950000", {"de48": "EV007checkin" + wish("LIP")}),
        ("0200", "406065", {"de48": wish("LIP", 5)}),
    ):
        reply = story.ask(mti, code, pan=card(0), amount=10_000, **({"de48": wish("LIP")} | more))
        assert (reply.code, reply.reason) == ("30", "RW goes with a purchase")
    # A reversal may say again what its original said.
    back = story.ask("0400", "000000", pan=card(0), amount=0, de90=named, de48=wish("LIP"))
    assert (back.code, back.points) == ("00", 0)


def test_who_is_held_out_never_gets_it(fresh_database_url: str, tmp_path: Path) -> None:
    rules = """  - id: spring
    when: amount >= 100000
    holdout: 50%
    then: {discount: 10%}
  - id: offer
    grant: {if: visits >= 1, lives: 30 days}
    holdout: 50%
    then: {credit: 1000}
"""
    tokens = Tokens(TOKEN_KEY, SHARDS)

    def held_out(number: int, rule: str) -> bool:
        token = tokens.card(card(number))
        return is_held_out("bazaar", rule, token.shard, token.id, 50)

    with told(fresh_database_url, tmp_path, HEAD + rules, first_day=START) as story:
        outcomes = set()
        for number in range(20):
            is_out = held_out(number, "spring")
            bought = story.buy(200_000, card(number))
            assert (bought.discount, bought.to_pay) == ((0, 200_000) if is_out else (20_000, 180_000))
            offered = story.buy(1_000, card(number))
            assert offered.granted == (0 if held_out(number, "offer") else 1_000)
            assert offered.all("OF") == ([] if held_out(number, "offer") else ["offer"])
            outcomes.add((is_out, held_out(number, "offer")))
        assert len(outcomes) == 4, "being held out of one rule says nothing of the other"


def test_what_was_spent_on_the_last_thirty_days(fresh_database_url: str, tmp_path: Path) -> None:
    rules = "  - id: busy_month\n    when: spend_30d >= 5000000\n    then: {discount: 5%, cap: 200000}\n"
    with told(fresh_database_url, tmp_path, HEAD + rules, first_day=START) as story:
        assert story.buy(3_000_000).discount == 0
        # This one makes it five millions, and counts from the next one on, on the same day already.
        assert story.after(17).buy(2_000_000).discount == 0
        assert story.buy(100_000).discount == 5_000
        # On the thirtieth day, 1 February, the first purchase still counts; on the next it does not.
        story.walk_to(START + dt.timedelta(days=29))
        assert story.today == dt.date(2027, 2, 1)
        assert story.buy(1_000_000).discount == 50_000
        assert story.after(1).buy(1_000_000).discount == 0
        big = story.buy(2_000_000)
        assert story.buy(100_000).discount == 5_000
        # What is given back counts on its own day, whether in part or whole, by advice or request.
        story.refund(big, 1_500_000)
        assert story.buy(100_000).discount == 0
        late = story.ask("0220", "000000", pan=card(0), amount=1_500_000)
        assert (late.code, story.buy(100_000).discount) == ("00", 5_000)
        story.undo(late)
        assert story.buy(100_000).discount == 0
        (row,) = story.rows("SELECT recent FROM account WHERE recent <> ''")
        days = [int.from_bytes(row["recent"][at : at + 4], "big") for at in range(0, len(row["recent"]), 12)]
        first = (START - dt.date(1970, 1, 1)).days
        assert days == [first + 17, first + 29, first + 30]


def test_a_first_purchase_a_joining_bonus_a_friend_and_an_ambassador(fresh_database_url: str, tmp_path: Path) -> None:
    rules = """  - {id: first_purchase, when: visits == 0, then: {points: 20}}
  - {id: joined_today, when: days_since_enrolment == 0 and visits == 0, then: {points: 50}}
  - {id: friend, when: referred and visits == 0, then: {credit: 100000}}
  - {id: ambassador, when: tagged("ambassador"), then: {credit: 3%, cap: 300000}}
tags: [press, ambassador]
"""
    with told(fresh_database_url, tmp_path, HEAD + rules, first_day=START) as story:
        execute(story.url, "UPDATE account SET enrolled_on = $1", START)
        first = story.buy(1_000)
        assert (first.earned, first.granted) == (70, 0)
        assert story.buy(1_000).earned == 0
        # The next day it is too late for the joining bonus; the first purchase is one whenever it comes.
        story.after(1)
        assert story.buy(1_000, card(2)).earned == 20
        # A first purchase that is taken back was none.
        taken_back = story.buy(1_000, card(3))
        story.undo(taken_back, card(3))
        assert story.buy(1_000, card(3)).earned == 20
        flag(story, card(4), 1)
        friend = story.buy(1_000, card(4))
        assert (friend.earned, friend.granted) == (20, 100_000)
        # The second tag of the file is the second bit of the programme's own.
        flag(story, card(5), 512)
        assert story.buy(1_000_000, card(5)).granted == 30_000
        flag(story, card(6), 256)
        assert story.buy(1_000_000, card(6)).granted == 0
        kept = {
            (row["kind"], row["name"]): row["slot"] for row in story.rows("SELECT kind, name, slot FROM programme_slot")
        }
        assert kept == {("tag", "press"): 4_095, ("tag", "ambassador"): 4_094}


def flag(story: Story, pan: str, bits: int) -> None:
    token = Tokens(TOKEN_KEY, SHARDS).card(pan)
    execute(story.url, "UPDATE account SET flags = $3 WHERE shard = $1 AND id = $2", token.shard, token.id, bits)


def execute(url: str, statement: str, *arguments: object) -> None:
    async def run() -> None:
        opened = await asyncpg.connect(url)
        await opened.execute(statement, *arguments)
        await opened.close()

    asyncio.run(run())
