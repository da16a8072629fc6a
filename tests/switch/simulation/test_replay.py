from hypothesis import given
from hypothesis import strategies as st

from switch.simulation.replay import Quarters, replayed
from tests.switch.simulation.worlds import START_S, ZONE, World, programme, read, world

LIVE = programme()
FAR = 10**11
LEGS = (
    "rc", "points_earned", "points_redeemed", "points_expired", "credit_granted", "credit_spent", "discount", "to_pay",
    "lots_moved", "rules", "counters_moved", "grants_moved", "tier_after", "reserves_moved",
)  # fmt: skip


def legs(decision):
    return {name: getattr(decision, name) for name in LEGS}


def again(made: World, draft=LIVE, start_s: int = 0, end_s: int = FAR):
    return list(replayed(draft.kernel, made.history(start_s), Quarters(ZONE), end_s, read))


@given(st.integers(0, 10**9), st.integers(1, 40))
def test_the_programme_that_decided_decides_the_same_again(seed, steps):
    made = world(seed, steps, LIVE.kernel)
    found = again(made)
    assert [row.seq for row, _, _ in found] == [row.seq for row in made.rows]
    for (_, decision, _), first in zip(found, made.decisions, strict=True):
        assert legs(decision) == legs(first)


@given(st.integers(0, 10**9), st.integers(2, 40), st.integers(1, 39))
def test_a_period_begins_with_the_account_as_it_was(seed, steps, at):
    made = world(seed, steps, LIVE.kernel)
    start_s = [START_S, *(row.at for row in made.rows)][min(at, len(made.rows))]
    expected = {row.seq: decision for row, decision in zip(made.rows, made.decisions, strict=True)}
    found = again(made, start_s=start_s)
    assert [row.seq for row, _, _ in found] == [row.seq for row in made.rows if row.at >= start_s]
    for row, decision, _ in found:
        assert legs(decision) == legs(expected[row.seq])
