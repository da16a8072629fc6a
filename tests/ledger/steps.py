"""What every step of the state machine is made of: what is drawn, and the run that it is told to."""

from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant

from tests.ledger.bench import Bench
from tests.ledger.run import Run
from tests.ledger.terms import REWARDS

RECENT = 3

workers = st.integers(0, 1)
members = st.sampled_from([0, 0, 1])
amounts = st.one_of(
    st.sampled_from([1, 9_999, 10_000, 499_999, 500_000, 1_000_000, 1_999_999, 2_000_000, 3_333_333, 6_000_000]),
    st.integers(1, 4_000_000),
)
shares = st.sampled_from(["all", "half", "third", "one", "beyond"])
wishes = st.sampled_from(["all", "half", "third", "one", "none", "beyond"])
rewards = st.sampled_from([*REWARDS, "NOTHING"])
acts = st.sampled_from(["all", "half", "third", "one", "back", "back", "wait"])


def part_of(rest: int, share: str) -> int:
    """A share of what is there."""
    parts = {
        "all": rest,
        "half": max(1, rest // 2),
        "third": max(1, rest // 3),
        "one": 1,
        "beyond": rest + 1,
        "none": 0,
    }
    return parts.get(share, rest + 1)


def pick(names: str) -> st.SearchStrategy[Any]:
    """One of the run's messages, by the name of a method that lists those that will do; mostly one of the latest.

    What goes wrong goes wrong when several messages follow each other on the same original.
    """

    def choose(machine: "Steps") -> st.SearchStrategy[Any]:
        found = getattr(machine.told, names)()[::-1]
        return st.sampled_from(found[:RECENT]) | st.sampled_from(found)

    return st.runner().flatmap(choose)


class Steps(RuleBasedStateMachine):
    """A run of the machine."""

    bench: ClassVar[Bench]

    def __init__(self) -> None:
        super().__init__()
        self.told = Run(self.bench)

    def teardown(self) -> None:
        """Audit and replay of the run."""
        self.told.finish()

    @invariant()
    def nothing_is_below_zero(self) -> None:
        """I5, of the model: what the accounts were compared with."""
        for member in self.told.members.values():
            assert member["credit"] >= 0
            assert member["visits"] >= 0
            assert all(count > 0 for count in member["lots"].values())

    def _credit(self, member: int, wish: str) -> int:
        return part_of(self.told.standing(member).credit, wish)

    def _points(self, member: int, wish: str) -> int:
        return part_of(self.told.standing(member).points, wish)
