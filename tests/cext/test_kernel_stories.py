"""A member's messages, one after another, decided by both kernels: what must hold whatever happens."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cext import _kernel
from cext.programme_table import NO_CAP, Effect
from cext.reference import kernel as reference
from tests.cext.kernel_cases import (
    BASE,
    DAY_S,
    MONTH,
    account,
    original,
    request,
    rule,
    state_of,
    table,
    whole_table,
)
from tests.cext.kernel_story import Story
from tests.cext.kernel_strategies import (
    CREDIT_PURCHASE,
    GIFT,
    INQUIRY,
    LEGS_UNDONE,
    PURCHASE,
    REDEMPTION,
    REFUND,
    REVERSAL,
    UPKEEP,
    lots,
)

STORY_RULES = (
    BASE,
    (Effect.POINTS_PER, 3, 7_001, NO_CAP),
    (Effect.CREDIT_RATE, 1, 9, 5_000),
    (Effect.DISCOUNT_RATE, 1, 11, 900),
)
STEPS = (
    "buy", "buy", "redeem", "credit", "undo", "undo", "month", "look", "time", "day", "hold", "hold", "complete",
    "quote",
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.data(), st.booleans(), st.sampled_from([0, 2, 31]))
def test_a_member_s_story_keeps_the_invariants(data, deficit, pending):
    story = Story(table(*STORY_RULES, expiry=data.draw(st.sampled_from([1, 3])), deficit=deficit, pending=pending))
    for _ in range(data.draw(st.integers(3, 40))):
        step = data.draw(st.sampled_from(STEPS))
        if step == "month":
            months = data.draw(st.integers(1, 3))
            story.month += months
            story.now += months * 30 * DAY_S
            story.day += months * 30
        elif step == "time":
            story.now += data.draw(st.sampled_from([60, 900, 901]))
        elif step == "day":
            story.day += 1
            story.now += DAY_S
        elif step == "undo":
            story.undo(data)
        elif step == "hold":
            story.hold(data.draw(st.integers(0, 30)), data.draw(st.integers(0, 3_000)))
        elif step == "complete":
            kind = data.draw(st.sampled_from([PURCHASE, REDEMPTION, CREDIT_PURCHASE]))
            story.complete(data, kind, data.draw(st.integers(1, 300_000)))
        elif step == "quote":
            story.quote_and_buy(data.draw(st.integers(1, 300_000)))
        elif step == "look":
            story.tell(INQUIRY, 0)
        else:
            kind = {"buy": PURCHASE, "redeem": REDEMPTION, "credit": CREDIT_PURCHASE}[step]
            story.tell(kind, data.draw(st.integers(1, 300_000)), advice=data.draw(st.booleans()))


@settings(max_examples=150, deadline=None)
@given(st.data(), st.integers(1, 12), st.sampled_from([0, 20, 60, 366]))
def test_a_member_s_tier_years(data, begins, grace):
    """Whatever happens: up at once, never below what the year has come to, and upkeep leaves nothing to keep up."""
    tiers = [(0, 10, 2, 1), (0, 40, 3, 1)]
    header = (364, 100, 24, 0, 1, 1, 0, begins, grace)
    story = Story(whole_table([rule(effects=[BASE])], header=header, tiers=tiers))
    story.day = MONTH * 30 + 11_000
    for _ in range(data.draw(st.integers(3, 40))):
        step = data.draw(st.sampled_from(["buy", "buy", "gift", "undo", "month", "upkeep"]))
        member = story.members[0]
        year, tier_points = member.tier_year, member.tier_points
        if step == "month":
            months = data.draw(st.integers(1, 14))
            story.month += months
            story.day += months * 30
        elif step == "undo":
            story.undo(data)
            assert member.tier_year == year
        elif step == "gift":
            story.tell(GIFT, 0, points_wanted=data.draw(st.integers(1, 100)))
            assert (member.tier_year, member.tier_points) == (year, tier_points)
        elif step == "buy":
            decision, _ = story.tell(PURCHASE, data.draw(st.integers(1, 3_000_000)))
            assert decision.tier_after >= member.tier_kept >= (member.tier_points >= 10) + (member.tier_points >= 40)
        else:
            story.tell(UPKEEP, 0)
            again, _ = story.tell(UPKEEP, 0)
            assert not again.changed
        assert member.tier >= member.tier_kept >= 0
        assert member.tier_points >= 0


@pytest.mark.parametrize("kernel", [_kernel, reference], ids=["compiled", "reference"])
@settings(max_examples=80, deadline=None)
@given(
    held=lots(st.integers(1, 2_000)).map(lambda some: [lot for lot in some if lot[0] >= MONTH]),
    amount=st.integers(1, 10**7),
    kind=st.sampled_from([PURCHASE, REDEMPTION, CREDIT_PURCHASE]),
    cuts=st.lists(st.integers(1, 10**7), max_size=5),
    end=st.sampled_from([REFUND, REVERSAL]),
)
def test_partial_refunds_sum_to_the_whole(kernel, held, amount, kind, cuts, end):
    """Whatever the parts, and the last a refund of the rest or a reversal: the purchase leaves nothing."""
    programme = kernel.Programme(table(*STORY_RULES))
    member = account(kernel, *held, credit=70_000)
    before = state_of(member)
    bought = kernel.decide(programme, member, request(kernel, kind, amount, advice=True))
    undoings = []
    edges = [0, *sorted({cut for cut in cuts if cut < amount}), amount]
    for start, stop in itertools.pairwise(edges):
        named = original(kernel, kind, amount, bought, *undoings)
        how = end if stop == amount else REFUND
        asked = request(kernel, how, stop - start, original=named)
        undoings.append((stop - start, kernel.decide(programme, member, asked)))
        assert undoings[-1][1].rc == "00"
    for leg in LEGS_UNDONE:
        assert sum(getattr(decision, leg) for _, decision in undoings) == -getattr(bought, leg)
    assert sum(decision.to_pay for _, decision in undoings) == bought.to_pay
    after = state_of(member)
    assert all(after[name] == before[name] for name in ("points", "credit", "lots"))
    assert (member.spend, member.visits) == (0, int(end == REFUND))
