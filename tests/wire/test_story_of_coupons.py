"""Coupons over the wire: a hundred single-use codes, one code for three purchases, and everything that may be wrong."""

import asyncio
import datetime as dt
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from adapters.postgres.coupons import generate, listed, withdraw_code
from protocol.tlv import build
from tests.conftest import TOKEN_KEY
from tests.wire.running import RunningSwitch, card, changed, message, original_of
from tests.wire.stories import Reply, Story, told

pytestmark = pytest.mark.integration

PROGRAMME = """
programme: bazaar
owner: KHATAM
currency: 364
timezone: Asia/Tehran
point: {value: 100, expires: 24 months}
coupons:
  - {id: spring, kind: single, per_member: 2, valid: {from: 2027-03-01, until: 2027-03-20}}
  - {id: welcome, kind: multi, uses: 3, per_member: 1}
  - {id: gift, kind: single}
rewards:
  - {code: CUP, points: 5, message: {en: "Hand over a cup"}}
rules:
  - id: base
    then: {points: {per: 100000}}
  - id: spring10
    when: coupon == "spring" and amount >= 500000
    then: {discount: 10%, message: {en: "Spring has come"}}
  - id: welcome50
    when: coupon == "welcome"
    then: {points: 50}
  - id: present
    when: coupon == "gift"
    then: {credit: 30000}
  - id: without
    when: coupon != "spring" and amount >= 5000000
    then: {points: 7}
"""
OTHER = """
programme: other
owner: FUELCO
currency: 364
timezone: Asia/Tehran
point: {value: 100, expires: 24 months}
partners: [{institution: KHATAM, role: both}]
coupons: [{id: fuel, kind: multi, uses: 10}]
rules:
  - id: base
    when: coupon == "fuel"
    then: {points: 1}
"""
START = dt.date(2027, 3, 1)
ALI, SARA, REZA = card(1), card(2), card(3)


class Shop:
    """A story with codes."""

    def __init__(self, story: Story, folder: Path) -> None:
        self.story = story
        self.folder = folder
        self.spring = self.make("spring", count=100)
        self.gift = self.make("gift", count=60)
        self.welcome = self.make("welcome", code="WELCOME-3")[0]

    def make(self, campaign: str, *, count: int = 1, code: str | None = None, programme: str = "bazaar") -> list[str]:
        out = self.folder / f"{programme}-{campaign}.txt"
        asyncio.run(
            generate(self.story.url, TOKEN_KEY, programme, campaign, count=count, out=out, maker="maryam", code=code)
        )
        assert stat.S_IMODE(out.stat().st_mode) == 0o600
        return out.read_text().split()

    def buy(self, amount: int, *codes: str, pan: str = ALI, mti: str = "0200", **more: str) -> Reply:
        return self.story.ask(mti, "000000", pan=pan, amount=amount, de48=shown(*codes), **more)

    def check(self, *codes: str, amount: int = 0, pan: str = ALI) -> Reply:
        more = {} if amount else {"de4": "", "de49": ""}
        return self.story.ask("0100", "920000", pan=pan, amount=amount, de48=shown(*codes), **more)

    def used(self) -> dict[str, int]:
        return {batch.campaign: batch.used for batch in asyncio.run(listed(self.story.url, "bazaar"))}


def shown(*codes: str) -> str:
    return build([("CP", code) for code in codes])


def heard(reply: Reply) -> tuple[str, str]:
    return reply.code, reply.reason


@pytest.fixture
def shop(fresh_database_url: str, tmp_path: Path) -> Iterator[Shop]:
    with told(fresh_database_url, tmp_path, PROGRAMME, first_day=START, others=[OTHER]) as story:
        yield Shop(story, tmp_path)


def test_a_coupon_is_taken_once(shop: Shop) -> None:
    code = shop.spring[0]
    first = shop.buy(1_000_000, code)
    assert (first.code, first.discount, first.to_pay, first.earned) == ("00", 100_000, 900_000, 9)
    assert first.all("OF") == ["spring10"]
    for pan in (ALI, SARA):
        again = shop.buy(1_000_000, code, pan=pan)
        assert heard(again) == ("05", "CP used already")
    # However it is typed, it is the same code.
    assert heard(shop.buy(1_000_000, code.lower().replace("-", " "))) == ("05", "CP used already")
    assert shop.used() == {"spring": 1, "gift": 0, "welcome": 0}
    assert shop.story.balance(ALI).points == 9


def test_a_repeat_uses_nothing_more(shop: Shop) -> None:
    first = shop.buy(1_000_000, shop.welcome)
    repeat = Reply(first.sent, shop.story.till.ask(changed(first.sent, "0201")))
    assert repeat.heard.fields == first.heard.fields
    assert shop.used()["welcome"] == 1


def test_the_code_for_many_ends_with_its_uses_and_each_member_has_one(shop: Shop) -> None:
    for serial in (1, 2):
        assert shop.buy(100_000, "welcome3", pan=card(serial)).earned == 51
    assert heard(shop.buy(100_000, "WELCOME3", pan=ALI)) == ("65", "CP: no more for you")
    assert shop.buy(100_000, "WELC0ME-3", pan=REZA).earned == 51
    assert heard(shop.buy(100_000, "WELCOME3", pan=card(4))) == ("05", "CP used already")
    assert shop.used()["welcome"] == 3


def test_what_a_coupon_asks_for_is_said_before_it_is_used_up(shop: Shop) -> None:
    code = shop.spring[0]
    assert heard(shop.buy(499_999, code)) == ("05", "CP asks for more")
    assert shop.story.balance(ALI).points == 0
    assert shop.used()["spring"] == 0
    assert shop.buy(500_000, code).discount == 50_000


def test_what_is_wrong_with_a_code_is_said_and_nothing_moves(shop: Shop) -> None:
    fuel = shop.make("fuel", code="FUEL", programme="other")[0]
    asyncio.run(withdraw_code(shop.story.url, TOKEN_KEY, "bazaar", shop.spring[9], user="maryam"))
    one, two, three = shop.spring[:3]
    for codes, answer in (
        (("0000-0000-0000-0000",), ("05", "CP unknown")),
        (("",), ("05", "CP unknown")),
        (("🎁🎁🎁🎁🎁",), ("05", "CP unknown")),
        (("X" * 990,), ("05", "CP unknown")),
        (("'; DROP TABLE coupon; --",), ("05", "CP unknown")),
        ((shop.spring[9],), ("05", "CP withdrawn")),
        ((fuel,), ("57", "CP of another programme")),
        ((one, two), ("05", "CP: one of a kind at once")),
        ((one, one.lower()), ("30", "DE48 has one CP twice")),
        ((one, two, three, *shop.gift[:2], shop.welcome), ("30", "DE48 has more than 5 CP")),
        ((one, "nothing"), ("05", "CP unknown")),
    ):
        assert heard(shop.buy(1_000_000, *codes)) == answer
    assert heard(shop.story.ask("0200", "950000", pan=ALI, amount=0, de48=shown(one) + build([("EV", "x")]))) == (
        "30",
        "DE48 CP needs a purchase",
    )
    assert shop.story.balance(ALI).points == 0
    assert shop.used() == {"spring": 0, "gift": 0, "welcome": 0}
    # A heavier reason comes first.
    assert shop.buy(1_000_000, "unknown", de49="840").code == "12"


def test_a_coupon_is_good_on_its_days_and_twice_for_a_member(shop: Shop) -> None:
    assert shop.buy(500_000, shop.spring[0]).discount == 50_000
    shop.story.after(19)
    assert shop.buy(500_000, shop.spring[1]).discount == 50_000
    assert heard(shop.buy(500_000, shop.spring[2])) == ("65", "CP: no more for you")
    assert shop.buy(500_000, shop.spring[2], pan=SARA).discount == 50_000
    shop.story.after(1)
    assert heard(shop.buy(500_000, shop.spring[3], pan=REZA)) == ("05", "CP not valid today")


def test_several_coupons_go_together(shop: Shop) -> None:
    reply = shop.buy(1_000_000, shop.spring[0], shop.gift[0], shop.welcome)
    assert (reply.discount, reply.granted, reply.earned) == (100_000, 30_000, 59)
    assert reply.all("OF") == ["spring10", "welcome50", "present"]
    assert shop.used() == {"spring": 1, "gift": 1, "welcome": 1}
    # `coupon != …` is a fact like any other, and uses nothing up.
    assert shop.buy(5_000_000, pan=SARA).earned == 57
    assert shop.buy(5_000_000, shop.spring[1], pan=SARA).earned == 45


def test_a_reversal_gives_it_back_once_and_a_refund_does_not(shop: Shop) -> None:
    code = shop.spring[0]
    first = shop.buy(1_000_000, code)
    assert shop.story.undo(first, ALI).code == "00"
    assert shop.used()["spring"] == 0
    # A second reversal gets the first one's answer and gives nothing back.
    assert shop.story.undo(first, ALI).code == "00"
    again = shop.buy(1_000_000, code, pan=SARA)
    assert again.discount == 100_000
    assert shop.story.undo(first, ALI).code == "00"
    assert heard(shop.buy(1_000_000, code, pan=ALI)) == ("05", "CP used already")
    refunded = shop.story.refund(again, 1_000_000, SARA)
    assert (refunded.code, refunded.discount) == ("00", -100_000)
    assert shop.used()["spring"] == 1
    assert heard(shop.buy(1_000_000, code, pan=ALI)) == ("05", "CP used already")


def test_a_partial_reversal_leaves_it_used(shop: Shop) -> None:
    first = shop.buy(1_000_000, shop.spring[0])
    part = shop.story.ask(
        "0400",
        "000000",
        pan=ALI,
        amount=0,
        de90=original_of(first.sent),
        de95=f"{400_000:012d}" + "0" * 12 + "C00000000" * 2,
    )
    assert part.code == "00"
    assert shop.used()["spring"] == 1


def test_an_advice_takes_the_coupons_that_can_be_taken(shop: Shop) -> None:
    reply = shop.buy(1_000_000, shop.spring[0], "unknown", shop.gift[0], mti="0220")
    assert (reply.code, reply.discount, reply.granted) == ("00", 100_000, 30_000)
    late = shop.buy(100_000, shop.spring[1], shop.spring[0], mti="0220")
    assert (late.code, late.discount) == ("00", 0)
    assert shop.used() == {"spring": 1, "gift": 1, "welcome": 0}


def test_a_check_tells_and_uses_nothing(shop: Shop) -> None:
    code = shop.spring[0]
    assert heard(shop.check("unknown")) == ("05", "CP unknown")
    assert shop.check(code).code == "00"
    assert heard(shop.check(code, amount=499_999)) == ("05", "CP asks for more")
    good = shop.check(code, amount=1_000_000)
    assert (good.code, good.all("OF"), good.discount) == ("00", ["spring10"], 0)
    assert shop.used()["spring"] == 0
    assert shop.story.balance(ALI).points == 0
    assert heard(shop.story.ask("0100", "920000", pan=ALI, amount=0, de4="", de49="")) == ("30", "DE48 CP is missing")
    assert shop.buy(1_000_000, code).discount == 100_000
    assert heard(shop.check(code, amount=1_000_000)) == ("05", "CP used already")


def test_a_quote_tells_what_a_coupon_would_bring_and_uses_nothing(shop: Shop) -> None:
    code = shop.spring[0]
    quoted = shop.buy(1_000_000, code, mti="0100")
    assert (quoted.code, quoted.discount, quoted.to_pay, quoted.all("OF")) == ("00", 100_000, 900_000, ["spring10"])
    assert heard(shop.buy(400_000, code, mti="0100")) == ("05", "CP asks for more")
    assert shop.used()["spring"] == 0
    assert shop.buy(1_000_000, code).discount == 100_000
    assert heard(shop.buy(1_000_000, code, mti="0100")) == ("05", "CP used already")


def test_a_hold_takes_no_coupon(shop: Shop) -> None:
    asked = {"pan": ALI, "amount": 1_000, "de48": build([("PT", "1"), ("CP", shop.gift[0])])}
    assert heard(shop.story.ask("0100", "006000", **asked)) == ("30", "DE48 CP needs a purchase")
    assert shop.used()["gift"] == 0


def test_a_coupon_and_a_reward_go_with_one_purchase(shop: Shop) -> None:
    shop.buy(1_000_000, shop.welcome)
    both = build([("CP", shop.spring[0]), ("RW", "CUP")])
    reply = shop.story.ask("0200", "000000", pan=ALI, amount=1_000_000, de48=both)
    assert (reply.code, reply.discount, reply.redeemed, reply.earned) == ("00", 100_000, 5, 9)
    (row,) = shop.story.rows("SELECT asked FROM journal WHERE rc = '00' AND class = 2 AND points_redeemed > 0")
    assert row["asked"] == build([("RW", "CUP"), ("CP", "spring")])
    refused = build([("CP", shop.spring[1]), ("RW", "PLATE")])
    reply = shop.story.ask("0200", "000000", pan=ALI, amount=1_000_000, de48=refused)
    assert heard(reply) == ("05", "RW is no reward here")
    assert shop.used()["spring"] == 1


def test_no_code_is_kept_in_clear(shop: Shop) -> None:
    code = shop.spring[0]
    shop.buy(1_000_000, code, shop.welcome)
    (row,) = shop.story.rows("SELECT asked FROM journal WHERE rc = '00' AND class = 2")
    assert row["asked"] == build([("CP", "spring"), ("CP", "welcome")])
    for table in ("coupon", "coupon_use", "coupon_batch", "journal"):
        text = str(shop.story.rows(f"SELECT t::text FROM {table} t"))
        assert code not in text
        assert code.replace("-", "") not in text
        assert "WELC" not in text


def test_two_tills_at_two_switches_one_wins(shop: Shop) -> None:
    """Each code is shown by two members at two workers in the same moment."""
    de7 = str(shop.story.balance(ALI).sent.fields[7])
    other = RunningSwitch(shop.story.url).with_arguments("--clock", "message")
    with other, other.till() as second, ThreadPoolExecutor(2) as together:
        for place, code in enumerate(shop.gift[:40]):
            sent = [
                message(pan=card(3 + (place + at) % 15), stan=500_000 + 2 * place + at, de7=de7, de48=shown(code))
                for at in (0, 1)
            ]
            heard_by = together.map(lambda till, asked: till.ask(asked).fields, (shop.story.till, second), sent)
            assert sorted((str(f[39]), str(f.get(44, ""))) for f in heard_by) == [("00", ""), ("05", "CP used already")]
    assert shop.used()["gift"] == 40
    assert shop.story.rows("SELECT token FROM coupon_use GROUP BY token HAVING count(*) > 1") == []


def test_a_switch_that_dies_uses_each_coupon_once(shop: Shop) -> None:
    """Killed with coupons under way; what the till repeats then is taken once, whether it had been taken or not."""
    de7 = str(shop.story.balance(ALI).sent.fields[7])
    sent = [
        message(pan=card(place % 15), stan=600_000 + place, de7=de7, de48=shown(code))
        for place, code in enumerate(shop.gift)
    ]
    with RunningSwitch(shop.story.url).with_arguments("--clock", "message") as dying, dying.till() as till:
        for each in sent:
            till.send(each)
        till.hear()
        dying.kill()
    with RunningSwitch(shop.story.url).with_arguments("--clock", "message") as living, living.till() as till:
        for each in sent:
            assert till.ask(changed(each, "0201")).fields[39] == "00"
    assert shop.used()["gift"] == len(sent)


def test_a_lost_connection_uses_each_coupon_once(shop: Shop) -> None:
    """The database cuts the lanes' connections again and again while coupons are used."""
    de7 = str(shop.story.balance(ALI).sent.fields[7])
    cut = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE application_name = 'loyalty-switch lane' AND datname = current_database()"
    )
    for place, code in enumerate(shop.gift[:12]):
        sent = message(pan=card(place % 15), stan=700_000 + place, de7=de7, de48=shown(code))
        shop.story.till.send(sent)
        shop.story.rows(cut)
        first = shop.story.till.hear()
        if first.fields[39] != "00":
            assert first.fields[39] == "91"
            assert shop.story.till.ask(changed(sent, "0201")).fields[39] == "00"
    assert shop.used()["gift"] == 12
