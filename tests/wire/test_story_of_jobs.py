"""What happens by the calendar, told over the wire: tier years, lapsing points, birthdays, prizes, gifts for friends.

Each story ends with an audit and a replay (I1 to I9).
"""

import asyncio
import datetime as dt
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from adapters.postgres import draws
from adapters.postgres.audit import audit
from adapters.postgres.explaining import explain
from adapters.postgres.tags import set_tag
from protocol import tlv
from protocol.codes import InternalCode, ProcessingCode
from switch.draws import Prize, PrizeKind, Terms
from switch.jobs.tasks import TERMINAL_CODE
from tests.conftest import TOKEN_KEY
from tests.replays import Replayer
from tests.wire.jobs import run_on, tally_of
from tests.wire.running import card
from tests.wire.stories import Reply, Story, told

pytestmark = pytest.mark.integration

START = dt.date(2027, 4, 3)
HEAD = """
programme: bazaar
owner: KHATAM
currency: 364
timezone: Asia/Tehran
"""
POINT = "point: {value: 100, expires: 24 months}\n"
BASE = "rules:\n  - id: base\n    then: {points: {per: 100000}}\n"
SARA, REZA, LEAP = card(5), card(6), card(7)
CARDS = (
    "pan,programme,name,birth_date\n"
    f"{SARA},bazaar,Sara,1990-06-21\n{REZA},bazaar,Reza,\n{LEAP},bazaar,Mina,1992-02-29\n"
)


class Teller:
    """Opens stories; each has a database of its own."""

    def __init__(self, url: str, folder: Path) -> None:
        self._url = url
        self._folder = folder

    def __call__(self, text: str) -> AbstractContextManager[Story]:
        return told(self._url, self._folder, HEAD + text, first_day=START, cards=CARDS)


@pytest.fixture
def tell(fresh_database_url: str, tmp_path: Path) -> Teller:
    return Teller(fresh_database_url, tmp_path)


def account(story: Story, pan: str) -> dict[str, object]:
    (row,) = story.rows("SELECT * FROM account WHERE last_four = $1 AND member IS NOT NULL", pan[-4:])
    return dict(row)


TIERS = """tiers:
  - {id: silver, from: {points: 10}, multiply: 2}
  - {id: gold, from: {points: 50}, multiply: 3}
tier_year: {begins: march, grace: 30 days}
"""


def test_a_tier_year_with_upgrade_its_end_grace_and_downgrade(tell: Teller) -> None:
    with tell(POINT + BASE + TIERS) as story:
        assert story.buy(6_000_000).all("TR") == ["gold"]
        story.walk_to(dt.date(2028, 2, 28))
        # Bought in the last days of the year: gold's threefold.
        assert story.buy(100_000).earned == 3
        # The year has come to gold (63 points), which holds for all of the next one.
        story.walk_to(dt.date(2028, 6, 1))
        assert story.buy(400_000).earned == 12
        story.walk_to(dt.date(2029, 3, 30))
        # 12 points were silver: in the days of grace gold goes on.
        assert story.buy(100_000).earned == 3
        reply = story.after(1).buy(100_000)
        assert (reply.earned, reply.all("TR")) == (2, ["silver"])


def differences_from_any_moment(story: Story) -> list[str]:
    """What comes out otherwise if a replay begins at any message, on accounts put together from the rows before."""
    replayer = Replayer(story.url, "bazaar")
    moments = [int(row["at"]) for row in story.rows("SELECT DISTINCT extract(epoch FROM at) AS at FROM journal")]
    return [line for start_s in moments for line in asyncio.run(replayer.differences(start_s=start_s))]


def test_a_replay_may_begin_in_the_middle_of_a_tier_year(tell: Teller) -> None:
    with tell(POINT + BASE + TIERS) as story:
        last_year = story.buy(4_000_000, SARA)
        story.buy(6_000_000, REZA)
        story.walk_to(dt.date(2028, 2, 27)).buy(100_000, SARA)
        # In the days of grace: this year's points are few, and last year's are taken back.
        story.walk_to(dt.date(2028, 3, 20)).buy(200_000, SARA)
        refund = story.refund(last_year, 2_000_000, SARA)
        story.undo(refund, SARA)
        story.undo(last_year, SARA)
        tally_of(story.url, story.today, "upkeep")
        assert story.after(40).buy(1_000_000, SARA).earned == 20
        assert story.buy(1_000_000, REZA).all("TR") == ["gold"]
        story.walk_to(dt.date(2029, 3, 5)).buy(100_000, REZA)
        # Silver of last year's 20 points; REZA's gold is over with the days of grace.
        story.walk_to(dt.date(2029, 5, 1))
        assert story.buy(100_000, SARA).earned == 2
        assert story.buy(100_000, REZA).all("TR") == ["silver"]
        # Who missed a year begins anew.
        story.walk_to(dt.date(2031, 6, 1))
        assert story.buy(100_000, SARA).earned == 1
        assert differences_from_any_moment(story) == []


def test_a_tier_ends_without_a_visit(tell: Teller) -> None:
    with tell(POINT + BASE + TIERS) as story:
        story.buy(6_000_000, SARA)
        story.buy(1_000_000, REZA)
        story.walk_to(dt.date(2028, 3, 1))
        assert tally_of(story.url, story.today, "upkeep").done == 2
        assert [account(story, pan)["tier"] for pan in (SARA, REZA)] == [2, 1]
        assert tally_of(story.url, story.today, "upkeep").due == 0
        story.walk_to(dt.date(2029, 3, 1))
        tally_of(story.url, story.today, "upkeep")
        story.walk_to(dt.date(2029, 3, 31))
        # The days of grace are over: nobody came, and both have left their tiers.
        assert tally_of(story.url, story.today, "upkeep").done == 2
        assert [account(story, pan)["tier"] for pan in (SARA, REZA)] == [0, 0]
        assert tally_of(story.url, story.today, "upkeep").due == 0


def test_undoing_last_year_s_purchase_leaves_this_year_alone(tell: Teller) -> None:
    with tell(POINT + BASE + TIERS) as story:
        story.walk_to(dt.date(2028, 2, 27))
        bought = story.buy(6_000_000, SARA)
        story.after(5).buy(500_000, SARA)
        assert account(story, SARA)["tier_points"] == 15
        refund = story.refund(bought, 6_000_000, SARA)
        assert (refund.earned, account(story, SARA)["tier_points"]) == (-60, 15)
        assert (story.undo(refund, SARA).earned, account(story, SARA)["tier_points"]) == (60, 15)
        assert (story.undo(bought, SARA).earned, account(story, SARA)["tier_points"]) == (-60, 15)


def test_points_lapse_without_a_visit_and_members_are_told_ahead(tell: Teller) -> None:
    point = "point: {value: 100, expires: 2 months, notice: 20 days}\n"
    with tell(point + BASE) as story:
        story.buy(500_000, SARA)
        story.after(20).buy(300_000, REZA)
        story.walk_to(dt.date(2027, 6, 9))
        assert tally_of(story.url, story.today, "expiry-notice").done == 0
        story.after(1)
        assert tally_of(story.url, story.today, "expiry-notice").done == 2
        assert tally_of(story.url, story.today, "expiry-notice").done == 0
        told_of = story.rows("SELECT kind, last_day, points, noted_on, sent_at FROM notice ORDER BY points")
        assert [tuple(row) for row in told_of] == [
            ("points_lapse", dt.date(2027, 6, 30), 3, story.today, None),
            ("points_lapse", dt.date(2027, 6, 30), 5, story.today, None),
        ]
        story.walk_to(dt.date(2027, 6, 30))
        assert tally_of(story.url, story.today, "upkeep").due == 0
        story.after(1)
        tally = tally_of(story.url, story.today, "upkeep")
        assert (tally.due, tally.done, tally.before, tally.refused) == (2, 2, 0, 0)
        assert [account(story, pan)["points"] for pan in (SARA, REZA)] == [0, 0]
        written_off = story.rows(
            "SELECT debit, credit, sum(amount) FROM leg WHERE leg = 'points_expired' GROUP BY 1, 2"
        )
        assert [tuple(row) for row in written_off] == [("member points", "programme breakage", 8)]
        assert tally_of(story.url, story.today, "upkeep").due == 0


def test_what_is_over_is_dropped(tell: Teller) -> None:
    rules = BASE + (
        "  - id: daily\n    uses: {day: 1}\n    then: {points: 1}\n"
        "  - id: soon\n    grant: {if: visits == 1, lives: 5 days}\n    then: {points: 9}\n"
    )
    with tell(POINT + rules) as story:
        story.buy(100_000, SARA)
        assert (account(story, SARA)["counters"], account(story, SARA)["grants"]) != (b"", b"")
        story.after(6)
        assert tally_of(story.url, story.today, "upkeep").done == 1
        assert (account(story, SARA)["counters"], account(story, SARA)["grants"]) == (b"", b"")


BIRTHDAY = BASE + '  - id: birthday\n    when: event == "birthday"\n    uses: {year: 1}\n    then: {points: 100}\n'


def test_a_birthday_is_told_once(tell: Teller) -> None:
    with tell(POINT + BIRTHDAY) as story:
        story.walk_to(dt.date(2027, 6, 20))
        assert tally_of(story.url, story.today, "birthdays").due == 0
        story.after(1)
        tally = tally_of(story.url, story.today, "birthdays")
        assert (tally.due, tally.done, tally.before) == (1, 1, 0)
        again = tally_of(story.url, story.today, "birthdays")
        assert (again.due, again.done, again.before) == (1, 0, 1)
        # A day that was missed is caught up later, and known by the same key.
        missed = tally_of(story.url, story.after(3).today - dt.timedelta(days=3), "birthdays")
        assert (missed.due, missed.done, missed.before) == (1, 0, 1)
        assert story.balance(SARA).points == 100


def test_who_was_born_on_a_leap_day_has_it_on_1_march(tell: Teller) -> None:
    with tell(POINT + BIRTHDAY) as story:
        story.walk_to(dt.date(2029, 2, 28))
        assert tally_of(story.url, story.today, "birthdays").due == 0
        assert tally_of(story.url, story.after(1).today, "birthdays").done == 1
        assert story.balance(LEAP).points == 100


def test_without_a_rule_for_it_nobody_is_looked_at(tell: Teller) -> None:
    with tell(POINT + BASE) as story:
        assert tally_of(story.url, dt.date(2027, 6, 21), "birthdays").looked_at == 0


def test_the_prizes_of_a_draw_are_paid_once(tell: Teller) -> None:
    tickets = BASE + "  - id: nowruz\n    then: {ticket: {draw: nowruz, per: 500000}}\n"
    terms = Terms(
        (
            Prize(PrizeKind.POINTS, 700),
            Prize(PrizeKind.CREDIT, 9_000),
            Prize(PrizeKind.THING, name_fa="x", name_en="x"),
        ),
        repeat=False,
        entropy_source="",
    )
    with tell(POINT + tickets) as story:
        for pan in (SARA, REZA, LEAP):
            story.buy(1_000_000, pan)
        asyncio.run(draws.close(story.url, "bazaar", "nowruz", terms, user="sara"))
        assert tally_of(story.url, story.today, "payouts").due == 0
        asyncio.run(draws.reveal(story.url, "bazaar", "nowruz", user="reza"))
        tally = tally_of(story.url, story.today, "payouts")
        assert (tally.due, tally.done) == (2, 2)
        assert tally_of(story.url, story.after(1).today, "payouts").due == 0
        rows = story.rows(
            "SELECT z.prize, z.state, j.points_earned, j.credit_granted, j.processing_code, j.account = t.account"
            "  FROM draw_prize AS z JOIN draw_ticket AS t ON t.first = z.winner"
            "  LEFT JOIN journal AS j ON j.shard = z.paid_shard AND j.seq = z.paid_seq AND j.sent_on = z.paid_sent_on"
            " ORDER BY z.prize"
        )
        assert [tuple(row) for row in rows] == [
            (1, "paid", 700, 0, 990_100, True),
            (2, "paid", 0, 9_000, 990_100, True),
            (3, "owed", None, None, None, None),
        ]
        assert sum(story.balance(pan).points for pan in (SARA, REZA, LEAP)) == 730
        given = story.rows("SELECT debit, credit, amount FROM leg WHERE leg = 'credit_granted'")
        assert [tuple(row) for row in given] == [("programme gifts", "member credit", 9_000)]


def test_a_blocked_winner_is_paid_when_the_block_is_lifted(tell: Teller) -> None:
    tickets = BASE + "  - id: nowruz\n    then: {ticket: {draw: nowruz, per: 500000}}\n"
    terms = Terms((Prize(PrizeKind.POINTS, 700),), repeat=False, entropy_source="")
    with tell(POINT + tickets) as story:
        story.buy(1_000_000, SARA)
        asyncio.run(draws.close(story.url, "bazaar", "nowruz", terms, user="sara"))
        asyncio.run(draws.reveal(story.url, "bazaar", "nowruz", user="reza"))
        block = "UPDATE account SET card_status = $2, version = version + 1 WHERE last_four = $1 RETURNING 1"
        story.rows(block, SARA[-4:], 1)
        assert tally_of(story.url, story.today, "payouts").due == 0
        story.rows(block, SARA[-4:], 0)
        assert tally_of(story.url, story.today, "payouts").done == 1


REFERRAL = """tags: [ambassador]
referral: {referrer: {points: 500}, member: {points: 300}, ambassador: {points: 1000, credit: 7000}}
"""


def mobile(number: int) -> str:
    return f"0912111{number:04d}"


def enrol(story: Story, serial: int, code: str = "") -> Reply:
    tags = {"MB": mobile(serial), **({"RF": code} if code else {})}
    return story.ask("0200", ProcessingCode.ENROLMENT, pan=card(serial), amount=0, de48=tlv.build(tags.items()))


def friends(story: Story) -> Reply:
    """The member of card 10 brings that of card 11; the reply that the former got."""
    first = enrol(story, 10)
    assert enrol(story, 11, first.all("RC")[0]).code == "00"
    return first


def points(story: Story, *serials: int) -> list[int]:
    return [story.balance(card(serial)).points for serial in serials]


def test_both_sides_get_theirs_after_the_first_purchase_and_once(tell: Teller) -> None:
    with tell(POINT + BASE + REFERRAL) as story:
        friends(story)
        assert tally_of(story.url, story.today, "payouts").due == 0
        story.after(3).buy(200_000, card(11))
        tally = tally_of(story.url, story.after(1).today, "payouts")
        assert (tally.due, tally.done) == (2, 2)
        story.buy(200_000, card(11))
        assert tally_of(story.url, story.after(1).today, "payouts").due == 0
        assert points(story, 10, 11) == [500, 304]
        legs = story.rows("SELECT debit, credit, sum(amount) FROM leg WHERE amount IN (300, 500) GROUP BY 1, 2")
        assert [tuple(row) for row in legs] == [("programme issue", "member points", 800)]
        why = story.rows("SELECT asked FROM journal WHERE processing_code = 990100 ORDER BY asked")
        assert [row["asked"] for row in why] == ["JB016referral, member", "JB018referral, referrer"]
        (row,) = story.rows("SELECT rrn FROM journal WHERE points_earned = 500")
        (entry,) = asyncio.run(explain(story.url, row["rrn"]))
        assert (entry.processing_code, entry.terminal, entry.legs) == (
            InternalCode.GIFT, TERMINAL_CODE, (("points_earned", 500),),
        )  # fmt: skip


def test_a_first_purchase_that_was_reversed_brings_nothing_and_the_next_one_does(tell: Teller) -> None:
    with tell(POINT + BASE + REFERRAL) as story:
        friends(story)
        story.undo(story.buy(200_000, card(11)), card(11))
        assert tally_of(story.url, story.after(1).today, "payouts").due == 0
        bought = story.buy(200_000, card(11))
        assert tally_of(story.url, story.after(1).today, "payouts").done == 2
        # It was paid for; reversing it later and buying again does not bring it twice.
        story.undo(bought, card(11))
        story.buy(200_000, card(11))
        assert tally_of(story.url, story.after(1).today, "payouts").due == 0
        assert points(story, 10, 11) == [500, 302]


def test_terms_that_come_later_are_for_friends_who_come_later(tell: Teller) -> None:
    with tell(POINT + BASE) as story:
        friends(story)
        story.buy(200_000, card(11))
        assert tally_of(story.url, story.today, "payouts").due == 0
        assert len(story.rows("SELECT 1 FROM referral_gift WHERE points + credit = 0")) == 2


def test_no_till_may_do_it(tell: Teller) -> None:
    with tell(POINT + BASE + REFERRAL) as story:
        run_on(story.url, story.today)
        for code in ("990000", "990100"):
            for mti in ("0100", "0200", "0220"):
                refused = story.ask(mti, code, pan=SARA, amount=0, de48="PT003999")
                assert refused.code == "12"
        as_the_house = {"de41": TERMINAL_CODE, "de42": ""}
        assert story.ask("0200", "000000", pan=SARA, amount=1_000, **as_the_house).code == "58"
        assert story.ask("0220", "990100", pan=SARA, amount=0, de48="PT003999", **as_the_house).code == "58"
        assert points(story, 5) == [0]


def test_a_gift_cannot_be_undone_at_a_till(tell: Teller) -> None:
    with tell(POINT + BIRTHDAY) as story:
        story.walk_to(dt.date(2027, 6, 21))
        tally_of(story.url, story.today, "birthdays")
        (row,) = story.rows("SELECT key, sent_on FROM journal WHERE processing_code = 950000")
        moment, stan = divmod(row["key"], 1_000_000)
        de90 = f"0220{stan:06d}{moment:010d}{581672:011d}{0:011d}"
        refused = story.ask("0200", "200000", pan=SARA, amount=100, de90=de90)
        assert refused.code == "25"
        # A reversal of what is not known is approved, and undoes nothing.
        assert story.ask("0400", "950000", pan=SARA, amount=0, de90=de90).code == "00"
        assert points(story, 5) == [100]
        assert all(finding.sound for finding in asyncio.run(audit(story.url)))


def tag(story: Story, pan: str, name: str, *, on: bool = True) -> bool:
    return asyncio.run(set_tag(story.url, TOKEN_KEY, "bazaar", name, pan, on=on))


REFERRED = BASE + "  - {id: brought, when: referred, then: {points: 7}}\n"


def test_who_is_brought_after_the_first_purchases_was_not_brought_before(tell: Teller) -> None:
    with tell(POINT + REFERRED) as story:
        code = enrol(story, 10).all("RC")[0]
        assert story.buy(200_000, card(11)).earned == 2
        assert enrol(story.after(1), 11, code).code == "00"
        assert story.after(1).buy(200_000, card(11)).earned == 9
        assert differences_from_any_moment(story) == []


def test_an_ambassador_gets_the_ambassadors_rate(tell: Teller) -> None:
    with tell(POINT + BASE + REFERRAL) as story:
        code = friends(story).all("RC")[0]
        assert tag(story, mobile(10), "ambassador")
        assert not tag(story, card(10), "ambassador")
        story.buy(200_000, card(11))
        assert tally_of(story.url, story.today, "payouts").done == 2
        assert (story.balance(card(10)).points, story.balance(card(10)).credit) == (1_000, 7_000)
        # A sale in between knows of the tag, as of every change of an account.
        story.buy(100_000, card(10))
        assert tag(story, card(10), "ambassador", on=False)
        assert enrol(story, 12, code).code == "00"
        story.buy(200_000, card(12))
        assert tally_of(story.url, story.today, "payouts").done == 2
        assert (story.balance(card(10)).points, story.balance(card(10)).credit) == (1_501, 7_000)


@pytest.mark.parametrize(
    ("programme", "name", "pan", "reason"),
    [
        ("bazar", "ambassador", card(10), "no programme bazar"),
        ("bazaar", "ambasador", card(10), "has no tag ambasador"),
        ("bazaar", "ambassador", card(900), "knows no such card"),
        ("bazaar", "ambassador", "09121110999", "knows no such card"),
        ("bazaar", "ambassador", "12", "mobile"),
    ],
)
def test_who_cannot_be_tagged(story_of_tags: Story, programme: str, name: str, pan: str, reason: str) -> None:
    with pytest.raises(Exception, match=reason):
        asyncio.run(set_tag(story_of_tags.url, TOKEN_KEY, programme, name, pan, on=True))


@pytest.fixture(scope="module")
def story_of_tags(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    with told(
        database_url, tmp_path_factory.mktemp("tags"), HEAD + POINT + BASE + REFERRAL, first_day=START
    ) as running:
        yield running
