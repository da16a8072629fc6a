"""Budgets over the wire: what all members together may get, to the last rial, whoever comes first."""

import asyncio
import datetime as dt
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from adapters.postgres.budgets import Budget, add, level, listed
from adapters.postgres.coupons import generate
from adapters.postgres.explaining import explain
from adapters.postgres.programme_versions import activate, submit
from protocol.tlv import build
from tests.conftest import TOKEN_KEY
from tests.wire.running import RunningSwitch, card, changed, message
from tests.wire.stories import Reply, Story, told

pytestmark = pytest.mark.integration

PROGRAMME = """
programme: bazaar
owner: KHATAM
currency: 364
timezone: Asia/Tehran
point: {value: 100, expires: 24 months}
coupons:
  - {id: welcome, kind: multi, uses: 100}
rewards:
  - {code: MUG, points: 10, then: {discount: 40000}, budget: {amount: 70000}}
rules:
  - id: base
    then: {points: {per: 100000}}
  - id: opening
    then: {discount: 10%}
    cap: 100000
    budget: {amount: 250000}
  - id: welcome
    when: coupon == "welcome"
    then: {points: 50}
    budget: {points: 50}
  - id: checkin
    when: event == "checkin"
    then: {points: 4}
    budget: {points: 10}
"""
START = dt.date(2027, 3, 1)
ALI, SARA, REZA = card(1), card(2), card(3)
PATIENCE_S = 5.0


def heard(reply: Reply) -> tuple[str, str]:
    return reply.code, reply.reason


def budgets(story: Story) -> dict[str, Budget]:
    return {budget.rule: budget for budget in asyncio.run(listed(story.url))}


def left(story: Story, rule: str = "opening") -> int:
    return budgets(story)[rule].left


@pytest.fixture
def story(fresh_database_url: str, tmp_path: Path) -> Iterator[Story]:
    with told(fresh_database_url, tmp_path, PROGRAMME, first_day=START) as story:
        yield story


def test_it_is_given_until_it_is_used_up_and_not_a_rial_more(story: Story) -> None:
    first = story.buy(1_500_000, ALI)
    assert (first.discount, first.to_pay, first.earned) == (100_000, 1_400_000, 14)
    second = story.buy(1_000_000, SARA)
    assert (second.discount, left(story)) == (100_000, 50_000)
    # The last gift is what is left.
    third = story.buy(900_000, REZA)
    assert (third.discount, third.to_pay, left(story)) == (50_000, 850_000, 0)
    # The purchase goes on without it.
    after = story.buy(900_000, REZA)
    assert (after.code, after.discount, after.earned) == ("00", 0, 9)
    quote = story.ask("0100", "000000", pan=ALI, amount=900_000)
    assert (quote.code, quote.discount) == ("00", 0)
    assert budgets(story)["opening"].drawn == 250_000


def test_what_is_undone_is_given_back_to_all(story: Story) -> None:
    first = story.buy(1_000_000, ALI)
    second = story.buy(1_000_000, SARA)
    assert left(story) == 50_000
    assert (story.undo(second, SARA).code, left(story)) == ("00", 150_000)
    assert (story.undo(second, SARA).code, left(story)) == ("00", 150_000)
    part = story.refund(first, 250_000, ALI)
    assert (part.code, part.discount, left(story)) == ("00", -25_000, 175_000)
    assert (story.buy(800_000, REZA).discount, left(story)) == (80_000, 95_000)
    assert (story.undo(part, ALI).code, left(story)) == ("00", 70_000)
    assert (story.refund(first, 1_000_000, ALI).code, left(story)) == ("00", 170_000)


def test_what_a_reversed_refund_takes_again_counts_though_there_is_nothing_left(story: Story) -> None:
    """A refund gave back, others took it; then the refund is reversed: the member has the gift, nobody gets more."""
    first = story.buy(1_000_000, ALI)
    part = story.refund(first, 1_000_000, ALI)
    assert [story.buy(1_000_000, pan).discount for pan in (SARA, REZA, SARA)] == [100_000, 100_000, 50_000]
    assert left(story) == 0
    undone = story.undo(part, ALI)
    assert (undone.code, undone.discount) == ("00", 100_000)
    owed = budgets(story)["opening"]
    assert (owed.written, owed.dealt, owed.left, owed.drawn) == (250_000, 350_000, 0, 350_000)
    assert story.buy(1_000_000, REZA).discount == 0
    # Raised by less than was given beyond it, it has still nothing.
    assert asyncio.run(add(story.url, "bazaar", "opening", 80_000, user="maryam")).left == 0
    assert asyncio.run(add(story.url, "bazaar", "opening", 30_000, user="maryam")).left == 10_000


def test_a_coupon_is_refused_and_not_used_up(story: Story, tmp_path: Path) -> None:
    out = tmp_path / "codes.txt"
    asyncio.run(generate(story.url, TOKEN_KEY, "bazaar", "welcome", count=1, out=out, maker="maryam", code="WELCOME"))
    shown = build([("CP", "WELCOME")])
    assert story.ask("0200", "000000", pan=ALI, amount=100_000, de48=shown).earned == 50
    refused = story.ask("0200", "000000", pan=SARA, amount=100_000, de48=shown)
    assert heard(refused) == ("05", "CP: budget is used up")
    assert story.balance(SARA).points == 0
    assert heard(story.ask("0100", "920000", pan=SARA, amount=0, de4="", de49="", de48=shown))[0] == "00"
    check = story.ask("0100", "920000", pan=SARA, amount=100_000, de48=shown)
    assert heard(check) == ("05", "CP: budget is used up")
    assert left(story, "welcome") == 0


def test_a_reward_is_given_in_full_or_refused(story: Story) -> None:
    for pan in (ALI, SARA):
        story.buy(2_000_000, pan)
    mug = build([("RW", "MUG")])
    given = story.ask("0200", "000000", pan=ALI, amount=200_000, de48=mug)
    assert (given.code, given.redeemed, left(story, "rewards.MUG")) == ("00", 10, 30_000)
    before = story.balance(SARA).points
    refused = story.ask("0200", "000000", pan=SARA, amount=200_000, de48=mug)
    assert heard(refused) == ("05", "RW: budget is used up")
    assert (story.balance(SARA).points, left(story, "rewards.MUG")) == (before, 30_000)
    assert heard(story.ask("0200", "000000", pan=SARA, amount=200_000, de48=build([("RW", "CUP")]))) == (
        "05",
        "RW is no reward here",
    )


def test_an_offer_that_is_claimed_is_refused(story: Story) -> None:
    claimed = {"amount": 1_000_000, "de48": build([("OF", "opening")])}
    given = [story.ask("0200", "000000", pan=pan, **claimed).discount for pan in (ALI, SARA, REZA)]
    assert given == [100_000, 100_000, 50_000]
    assert heard(story.ask("0200", "000000", pan=ALI, **claimed)) == ("05", "OF: budget is used up")
    assert heard(story.ask("0200", "000000", pan=ALI, amount=1, de48=build([("OF", "welcome")]))) == (
        "05",
        "OF does not apply now",
    )


def test_an_event_draws_too(story: Story) -> None:
    checkin = {"pan": ALI, "amount": 0, "de4": "", "de49": "", "de48": build([("EV", "checkin")])}
    assert [story.ask("0200", "950000", **checkin).earned for _ in range(4)] == [4, 4, 2, 0]
    assert left(story, "checkin") == 0


def test_the_reasons_say_that_it_is_used_up(story: Story) -> None:
    for pan in (ALI, SARA, REZA):
        story.buy(1_000_000, pan)
    last = story.buy(1_000_000, ALI, de37="999999999999")
    assert last.discount == 0
    (found,) = asyncio.run(explain(story.url, "999999999999"))
    (rule,) = [rule for rule in found.why.rules if rule.id == "opening"]
    assert rule.hindrances == ("its budget, which all members share, is used up",)


def test_it_is_raised_beside_the_programme_and_by_a_new_version(story: Story) -> None:
    for pan in (ALI, SARA, REZA):
        story.buy(1_000_000, pan)
    raised = asyncio.run(add(story.url, "bazaar", "opening", 30_000, user="maryam"))
    assert (raised.dealt, raised.left, raised.drawn, raised.added) == (280_000, 30_000, 250_000, 30_000)
    assert _within_a_second(story) == 30_000
    assert left(story) == 0
    _, version = asyncio.run(submit(story.url, PROGRAMME.replace("250000", "300000"), maker="maryam"))
    asyncio.run(activate(story.url, "bazaar", version, checker="sara"))
    assert (left(story), _within_a_second(story)) == (50_000, 50_000)
    # What is drawn stays drawn, however little is written.
    _, version = asyncio.run(submit(story.url, PROGRAMME.replace("250000", "1000"), maker="maryam"))
    asyncio.run(activate(story.url, "bazaar", version, checker="sara"))
    lowered = budgets(story)["opening"]
    assert (lowered.written, lowered.dealt, lowered.left) == (1_000, 330_000, 0)


def _within_a_second(story: Story) -> int:
    """What the first purchase gets that is decided after the switch has seen that there is more."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        discount = story.buy(1_000_000, REZA).discount
        if discount:
            return discount
    return 0


def test_two_switches_on_one_budget_never_overdraw_it(story: Story) -> None:
    """Sixty members at two workers at once want three times what there is; a third worker levels meanwhile."""
    asyncio.run(add(story.url, "bazaar", "opening", 750_000, user="maryam"))
    de7 = str(story.balance(ALI).sent.fields[7])
    given = []
    other = RunningSwitch(story.url).with_arguments("--clock", "message")
    with other, other.till() as second, ThreadPoolExecutor(2) as together:
        for place in range(30):
            sent = [
                message(pan=card((2 * place + at) % 18), amount=1_000_000, stan=500_000 + 2 * place + at, de7=de7)
                for at in (0, 1)
            ]
            replies = together.map(lambda till, asked: till.ask(asked), (story.till, second), sent)
            given += [Reply(asked, reply) for asked, reply in zip(sent, replies, strict=True)]
            asyncio.run(level(story.url))
    assert {reply.code for reply in given} == {"00"}
    assert sum(reply.discount for reply in given) == 1_000_000
    assert (budgets(story)["opening"].drawn, left(story)) == (1_000_000, 0)


def test_a_budget_of_many_shares_adds_up_while_it_is_dealt_out_anew(story: Story) -> None:
    """Two workers draw from eight shares, while the budget is levelled, and dealt out into four by a new version."""
    asyncio.run(add(story.url, "bazaar", "opening", 500_000_000, user="maryam"))
    assert budgets(story)["opening"].shares == 8
    de7 = str(story.balance(ALI).sent.fields[7])
    given: list[Reply] = []
    other = RunningSwitch(story.url).with_arguments("--clock", "message")
    with other, other.till() as second, ThreadPoolExecutor(2) as together:
        for place in range(40):
            sent = [
                message(pan=card((2 * place + at) % 18), amount=1_000_000, stan=500_000 + 2 * place + at, de7=de7)
                for at in (0, 1)
            ]
            replies = together.map(lambda till, asked: till.ask(asked), (story.till, second), sent)
            given += [Reply(asked, reply) for asked, reply in zip(sent, replies, strict=True)]
            if place == 20:
                text = PROGRAMME.replace("cap: 100000", "cap: 90000000")
                _, version = asyncio.run(submit(story.url, text, maker="maryam"))
                asyncio.run(activate(story.url, "bazaar", version, checker="sara"))
                assert budgets(story)["opening"].shares == 4
            asyncio.run(level(story.url))
    assert {reply.code for reply in given} == {"00"}
    # The worker that was there before learns within a second that there is more.
    assert 4_000_000 <= sum(reply.discount for reply in given) <= 8_000_000
    assert sum(reply.discount for reply in given) == budgets(story)["opening"].drawn


def test_a_switch_that_dies_draws_each_gift_once(story: Story) -> None:
    """Killed with gifts under way; what the till repeats then is drawn once, whether it had been drawn or not."""
    asyncio.run(add(story.url, "bazaar", "opening", 5_000_000, user="maryam"))
    de7 = str(story.balance(ALI).sent.fields[7])
    sent = [message(pan=card(place % 15), amount=1_000_000, stan=600_000 + place, de7=de7) for place in range(40)]
    with RunningSwitch(story.url).with_arguments("--clock", "message") as dying, dying.till() as till:
        for each in sent:
            till.send(each)
        till.hear()
        dying.kill()
    with RunningSwitch(story.url).with_arguments("--clock", "message") as living, living.till() as till:
        for each in sent:
            assert till.ask(changed(each, "0201")).fields[39] == "00"
    assert budgets(story)["opening"].drawn == 4_000_000
