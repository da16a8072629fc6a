"""Histograms and their quantiles, against values worked out by hand and against the observations."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.histogram import LATENCY_BOUNDS_S, combined, empty, observe, quantile

BOUNDS = (1.0, 2.0, 4.0)


def test_a_value_on_a_bound_belongs_below_it() -> None:
    histogram = empty(BOUNDS)
    for value in (1.0, 1.5, 2.0, 4.0, 4.5):
        observe(histogram, BOUNDS, value)
    assert histogram == [1, 2, 1, 1, 13.0]


@pytest.mark.parametrize(
    ("counts", "share", "expected"),
    [
        ([0, 0, 0, 0], 0.5, None),
        ([10, 0, 0, 0], 0.5, 0.5),
        ([0, 10, 0, 0], 0.5, 1.5),
        ([5, 0, 5, 0], 0.75, 3.0),
        ([5, 0, 5, 0], 0.5, 1.0),
        ([0, 0, 0, 3], 0.99, 4.0),
        ([1, 0, 0, 1], 0.5, 1.0),
        ([4, 0, 0, 0], 1.0, 1.0),
        ([0, 4, 0, 0], 0.0, 1.0),
    ],
)
def test_quantiles_are_linear_within_a_bucket(counts: list[float], share: float, expected: float | None) -> None:
    assert quantile(counts, BOUNDS, share) == expected


@given(st.lists(st.floats(min_value=0, max_value=7.9), min_size=1), st.floats(min_value=0.01, max_value=1))
def test_a_quantile_lies_in_the_bucket_of_the_observation_it_stands_for(values: list[float], share: float) -> None:
    histogram = empty(LATENCY_BOUNDS_S)
    for value in values:
        observe(histogram, LATENCY_BOUNDS_S, value)
    found = quantile(histogram[:-1], LATENCY_BOUNDS_S, share)
    exact = next(v for i, v in enumerate(sorted(values), 1) if i >= share * len(values))
    upper = next(b for b in LATENCY_BOUNDS_S if exact <= b)
    lower = max((b for b in LATENCY_BOUNDS_S if b < upper), default=0.0)
    assert found is not None
    assert lower <= found <= upper


def test_combining_adds_bucket_by_bucket() -> None:
    assert combined([[1, 2, 3, 4, 10.0], [1, 0, 0, 1, 5.5]], BOUNDS) == [2, 2, 3, 5, 15.5]
    assert combined([], BOUNDS) == empty(BOUNDS)
