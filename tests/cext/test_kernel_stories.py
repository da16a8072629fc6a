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
    state_of,
    table,
)
from tests.cext.kernel_story import Story
from tests.cext.kernel_strategies import (
    CREDIT_PURCHASE,
    INQUIRY,
    LEGS_UNDONE,
    PURCHASE,
    REDEMPTION,
    REFUND,
    REVERSAL,
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
