"""Segments, and what is put together so that nobody can be told."""

import itertools
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.postgres.report_figures import ABSENT, SEGMENTS, Segment, segment_of, small, suppressed

PAGE = (Path(__file__).parents[3] / "docs" / "reports.md").read_text(encoding="utf-8")
QUINTILES = range(1, 6)


@pytest.mark.parametrize(
    ("quintiles", "name"),
    [
        ((5, 5, 5), "champions"),
        ((4, 4, 4), "champions"),
        ((5, 5, 3), "loyal"),
        ((3, 4, 1), "loyal"),
        ((4, 2, 5), "promising"),
        ((5, 1, 5), "new"),
        ((3, 3, 5), "need attention"),
        ((3, 1, 1), "need attention"),
        ((1, 4, 4), "cannot lose"),
        ((1, 5, 3), "at risk"),
        ((2, 5, 5), "at risk"),
        ((1, 3, 1), "at risk"),
        ((2, 2, 5), "hibernating"),
        ((1, 2, 5), "lost"),
    ],
)
def test_the_segment_of(quintiles: tuple[int, int, int], name: str) -> None:
    assert segment_of(*quintiles) == name


def test_the_page_says_where_each_segment_begins() -> None:
    """The first line of the page's table that fits is the segment, for all 125."""
    lines = re.findall(r"^\| \*(.+?)\* \| (\S+) \| (\S+) \| (\S+) \|", PAGE, re.MULTILINE)
    assert tuple(name for name, *_ in lines) == SEGMENTS
    for quintiles in itertools.product(QUINTILES, repeat=3):
        first = next(
            name for name, *ranges in lines if all(map(_fits, ranges, quintiles))
        )  # fmt: skip
        assert segment_of(*quintiles) == first


def _fits(written: str, quintile: int) -> bool:
    if written == "–":
        return False
    first, _, last = written.partition("-")
    return int(first) <= quintile <= int(last or first)


def test_small_groups_are_named() -> None:
    assert small([("a", 4), ("b", 5), ("c", 1)], 5) == {"a", "c"}
    assert small([("a", 5), ("b", 6)], 5) == frozenset()


def test_what_is_together_and_too_few_takes_the_smallest_along() -> None:
    assert small([("a", 9), ("b", 6), (None, 3)], 5) == {"b"}
    assert small([(None, 3)], 5) == frozenset()


def test_one_shows_all() -> None:
    assert small([("a", 0), ("b", 1)], 1) == frozenset()


@given(st.lists(st.integers(0, 20), max_size=len(SEGMENTS)), st.integers(2, 12))
def test_suppression_keeps_the_totals_and_shows_no_small_segment(members: list[int], smallest: int) -> None:
    segments = [
        Segment(name, count, count * 2, count * 100) for name, count in zip(SEGMENTS, members, strict=False)
    ]  # fmt: skip
    shown = suppressed(segments, smallest)
    assert all(each.members >= smallest for each in shown)
    if sum(members) >= smallest:
        assert sum(each.members for each in shown) == sum(members)
        assert sum(each.visits for each in shown) == 2 * sum(members)
        assert sum(each.spend for each in shown) == 100 * sum(members)
    else:
        assert shown == []


def test_the_absent_can_be_put_together_too() -> None:
    shown = suppressed([Segment("lost", 9, 9, 9), Segment(ABSENT, 1, 0, -5)], 5)
    assert shown == [Segment(None, 10, 9, 4)]
