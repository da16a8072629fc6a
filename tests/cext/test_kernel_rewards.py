"""What must hold of counters, limits, grants and tiers, whatever happens to a member."""

from collections import Counter

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cext import _kernel
from cext.programme_table import FACTS_MAX, NO_CAP, TARGET_FALSE, Effect, Fact, Lookup, Opcode, Period, TierBasis
from cext.reference import kernel as reference
from tests.cext.kernel_cases import (
    BASE,
    DAY_S,
    TODAY,
    account,
    grant,
    original,
    request,
    rule,
    state_of,
    unpack_counters,
    unpack_grants,
    whole_table,
)
from tests.cext.kernel_story import Story
from tests.cext.kernel_strategies import EVENT, NUMBERS, PURCHASE, REDEMPTION, REVERSAL, USES, accounts, programmes

CUT, DRAW = 5, 6
LIMITS = {21: (Period.DAY, 2), 22: (Period.LIFE, 5), 23: (Period.DAY, 1), 24: (Period.MONTH, 3)}
OFFER = 31
MOST_DISCOUNT = 4


def limits(*slots):
    return [(slot, *LIMITS[slot]) for slot in slots]


PROGRAMME = whole_table(
    [
        rule(
            [(Opcode.FACT_GE, FACTS_MAX, 4, TARGET_FALSE)],
            [(Effect.COUNTER_FIXED, -4, 1, NO_CAP, CUT), (Effect.FREE_ITEM, 0, 1, NO_CAP)],
            group=1,
        ),
        rule(effects=[(Effect.COUNTER_FIXED, 1, 1, NO_CAP, CUT)], group=1),
        rule(effects=[BASE, (Effect.POINTS_PER, 3, 7_001, NO_CAP), (Effect.COUNTER_PER, 1, 7_000, NO_CAP, DRAW)]),
        rule(effects=[(Effect.DISCOUNT_RATE, 1, 5, NO_CAP)], limits=limits(21, 22)),
        rule(effects=[(Effect.CREDIT_AMOUNT, 9, 1, NO_CAP)], limits=limits(21, 24)),
        rule(
            [
                (Opcode.PUSH_FACT, Fact.AMOUNT, 0, 0),
                (Opcode.PUSH_FACT, FACTS_MAX + 1, 0, 0),
                (Opcode.STACK_GE, 0, 0, TARGET_FALSE),
            ],
            [(Effect.CREDIT_RATE, 1, 9, 5_000)],
            grant=1,
        ),
        rule(effects=[(Effect.POINTS_FIXED, 20, 1, NO_CAP)], occasion=1, limits=limits(23)),
        rule(effects=[(Effect.POINTS_FIXED, 1, 1, NO_CAP)], occasion=1, grant=1, limits=limits(22)),
    ],
    header=(364, 100, 24, 0, 1, MOST_DISCOUNT),
    lookups=[(Lookup.COUNTER, CUT, Period.LIFE), (Lookup.GRANT, 0, 0)],
    grants=[
        grant(
            OFFER,
            [(Opcode.FACT_GE, Fact.VISITS, 2, TARGET_FALSE)],
            5,
            [[(Opcode.REQUIRE, Fact.MEAN_AMOUNT, 0, -1), (Opcode.PUSH_FACT, Fact.MEAN_AMOUNT, 0, 0)]],
        )
    ],
    tiers=[(TierBasis.TIER_POINTS, 60, 5, 4), (TierBasis.SPEND, 900_000, 2, 1)],
)


class Rewards:
    """What the decisions so far come to; compared with the account after each."""

    def __init__(self) -> None:
        self.counted: Counter[tuple[int, int]] = Counter()
        self.used: Counter[tuple[int, int]] = Counter()
        self.tier = 0

    def check(self, kind, day, before, decision, member):
        self.forget(before)
        added = {(slot, number): count for slot, number, count in unpack_counters(decision.counters_moved)}
        self.counted.update(added)
        for slot, number, count in unpack_counters(member.counters):
            assert self.counted[slot, number] == count
            # A refund that is itself reversed counts again what was done, though others came in between.
            if slot in LIMITS and kind in (PURCHASE, REDEMPTION, EVENT) and (slot, number) in added:
                assert count <= LIMITS[slot][1]
        assert min(self.counted.values(), default=0) >= 0
        held = {slot: (until, state) for slot, until, state, *_ in unpack_grants(before["grants"]) if day <= until}
        for slot, until, state, *_ in unpack_grants(decision.grants_moved):
            if state == 1:
                assert held[slot] == (until, 0), "only a live grant is used"
                self.used[slot, until] += 1
            elif state == 0 and kind != REVERSAL:
                assert slot not in held, "given once in its life"
            elif state == 0:
                assert held[slot] == (until, 1), "only a used grant comes alive again"
                self.used[slot, until] -= 1
        assert set(self.used.values()) <= {0, 1}
        assert decision.tier_after == member.tier >= self.tier
        self.tier = member.tier
        assert member.tier_points >= 0

    def forget(self, before):
        """A counter that a reversal emptied is not kept, nor is its period: a late message may begin an earlier one."""
        kept = {slot for slot, _, _ in unpack_counters(before["counters"])}
        for slot, number in self.counted:
            if slot not in kept:
                self.counted[slot, number] = 0


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_member_s_story_keeps_the_rewards_right(data):
    story = Story(PROGRAMME)
    rewards = Rewards()
    compiled = story.members[0]
    steps = ["buy", "buy", "buy", "late", "redeem", "event", "undo", "undo", "day"]
    for _ in range(data.draw(st.integers(3, 40))):
        step = data.draw(st.sampled_from(steps))
        before, told = state_of(compiled), len(story.journal)
        changes = {}
        if step == "day":
            story.day += data.draw(st.integers(1, 6))
            story.now += DAY_S
            continue
        if step == "undo":
            story.undo(data)
        elif step == "event":
            story.tell(EVENT, 0, event=1)
        else:
            amount = data.draw(st.integers(1, 300_000))
            if step == "late":
                changes = {"advice": True, "local_day": story.day - data.draw(st.integers(1, 3))}
            story.tell(REDEMPTION if step == "redeem" else PURCHASE, amount, **changes)
        if len(story.journal) > told:
            entry = story.journal[-1]
            decision = entry["decisions"][_kernel.__name__]
            rewards.check(entry["kind"], changes.get("local_day", story.day), before, decision, compiled)
            if entry["kind"] in (PURCHASE, REDEMPTION):
                assert decision.discount <= entry["amount"] // MOST_DISCOUNT


def live(member):
    """The counters that are worth something today, and the grants that are kept today."""
    counters = [
        (slot, number, count)
        for slot, number, count in unpack_counters(member.counters)
        if slot not in USES or number >= NUMBERS[USES[slot]]
    ]
    return counters, [row for row in unpack_grants(member.grants) if row[1] >= TODAY]


@pytest.mark.parametrize("kernel", [_kernel, reference], ids=["compiled", "reference"])
@settings(max_examples=100, deadline=None)
@given(
    table=programmes(),
    has=accounts(wild=False),
    kind=st.sampled_from([PURCHASE, PURCHASE, EVENT]),
    amount=st.integers(1, 10_000),
)
def test_a_full_reversal_restores_counters_and_grants(kernel, table, has, kind, amount):
    """Whatever the programme, and whatever the account held."""
    programme = kernel.Programme(table)
    member = account(kernel, **has | {"status": 0})
    before = live(member)
    bought = kernel.decide(programme, member, request(kernel, kind, amount))
    assume(bought.rc == "00")
    assert bought.discount <= amount
    named = original(kernel, kind, amount, bought)
    assert kernel.decide(programme, member, request(kernel, REVERSAL, amount, original=named)).rc == "00"
    assert live(member) == before
