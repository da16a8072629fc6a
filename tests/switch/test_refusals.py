"""Of several refusals the first in the order of DE39 answers."""

import itertools

import pytest

from protocol.codes import PRECEDENCE
from switch.refusals import Refusal, first_of


@pytest.mark.parametrize(("earlier", "later"), list(itertools.combinations(PRECEDENCE, 2)))
def test_the_first_in_the_order_of_de39_answers(earlier: str, later: str) -> None:
    a, b = Refusal(earlier, "a"), Refusal(later, "b")
    assert first_of([b, a]) == first_of([a, b]) == a


def test_of_two_with_one_code_the_first_said_answers() -> None:
    assert first_of([Refusal("30", "name"), Refusal("30", "date")]) == Refusal("30", "name")


def test_without_any_nothing_is_refused() -> None:
    assert first_of([]) is None
