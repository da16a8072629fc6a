"""The window of recent keys: bounded, oldest out first, never forgetting what is under way."""

from typing import cast

from switch.recent import RecentKeys
from switch.transaction import Transaction


class Under:
    """Stands for a transaction: the window never looks inside."""


def under_way() -> Transaction:
    return cast("Transaction", Under())


def test_answers_are_kept_up_to_the_bound() -> None:
    recent = RecentKeys(3)
    for number in range(10):
        recent.finish((number, 1, 2), (number, b"reply"))
    assert [number for number in range(10) if recent.find((number, 1, 2))] == [7, 8, 9]
    assert len(recent) == 3


def test_what_is_under_way_is_never_forgotten() -> None:
    recent = RecentKeys(2)
    held = under_way()
    recent.begin((0, 1, 2), held)
    for number in range(1, 20):
        recent.finish((number, 1, 2), (number, b""))
    assert recent.find((0, 1, 2)) is held


def test_a_key_that_begins_again_outlives_its_old_answer() -> None:
    recent = RecentKeys(2)
    recent.finish((1, 1, 2), (7, b""))
    recent.forget((1, 1, 2))
    held = under_way()
    recent.begin((1, 1, 2), held)
    for number in range(2, 6):
        recent.finish((number, 1, 2), (number, b""))
    assert recent.find((1, 1, 2)) is held


def test_forgotten_is_gone() -> None:
    recent = RecentKeys(2)
    recent.begin((1, 1, 2), under_way())
    recent.forget((1, 1, 2))
    recent.forget((1, 1, 2))
    assert recent.find((1, 1, 2)) is None
