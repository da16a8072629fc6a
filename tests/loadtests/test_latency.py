"""Percentiles by the nearest rank."""

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.latency import percentile, summary


@pytest.mark.parametrize(
    ("share", "expected"), [(0.5, 50.0), (0.9, 90.0), (0.99, 99.0), (0.999, 100.0), (1.0, 100.0), (0.0, 1.0)]
)
def test_percentiles_of_one_to_a_hundred(share: float, expected: float) -> None:
    assert percentile(array("d", range(1, 101)), share) == expected


@given(st.lists(st.floats(min_value=0, max_value=60), min_size=1), st.floats(min_value=0.001, max_value=1))
def test_the_share_does_not_exceed_it_and_nothing_smaller_will_do(values: list[float], share: float) -> None:
    ordered = array("d", sorted(values))
    found = percentile(ordered, share)
    assert sum(value <= found for value in values) >= share * len(values) - 1e-9
    assert sum(value < found for value in values) < share * len(values) + 1e-9


def test_a_summary_needs_no_order() -> None:
    found = summary(array("d", [0.3, 0.1, 0.2, 0.4]))
    assert found is not None
    assert (found.p50_s, found.p99_s, found.max_s) == (0.2, 0.4, 0.4)
    assert found.mean_s == pytest.approx(0.25)


def test_nothing_has_no_summary() -> None:
    assert summary(array("d")) is None
    with pytest.raises(ValueError, match="no latencies"):
        percentile(array("d"), 0.5)
