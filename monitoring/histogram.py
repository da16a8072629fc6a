"""Histograms as plain lists of counts, and quantiles read from them.

A histogram of n upper bounds has n + 1 buckets (the last one is everything above) and, behind them, the sum
of what was observed: one list, so that an observation costs one `bisect` and two additions.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Final

LATENCY_BOUNDS_S: Final = (
    0.0005,
    0.001,
    0.002,
    0.004,
    0.008,
    0.016,
    0.032,
    0.064,
    0.125,
    0.25,
    0.5,
    1.0,
    2.0,
    4.0,
    8.0,
)
"""Half a millisecond to the reply deadline's default of 8 s, each about twice the one before."""

BATCH_BOUNDS_MESSAGES: Final = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 300.0, 500.0, 1_000.0, 2_000.0)

BUCKETS_MAX: Final = 16
assert len(LATENCY_BOUNDS_S) + 1 <= BUCKETS_MAX
assert len(BATCH_BOUNDS_MESSAGES) + 1 <= BUCKETS_MAX


def empty(bounds: Sequence[float]) -> list[float]:
    """A histogram of nothing yet: a count for each bound, one for what lies above, and the sum."""
    return [0] * (len(bounds) + 1) + [0.0]


def observe(histogram: list[float], bounds: Sequence[float], value: float) -> None:
    """Count a value in the first bucket whose bound is not below it."""
    histogram[bisect_left(bounds, value)] += 1
    histogram[-1] += value


def combined(histograms: Iterable[Sequence[float]], bounds: Sequence[float]) -> list[float]:
    """The histogram of all observations of several histograms with the same bounds."""
    total = empty(bounds)
    for histogram in histograms:
        for index, count in enumerate(histogram):
            total[index] += count
    return total


def quantile(counts: Sequence[float], bounds: Sequence[float], share: float) -> float | None:
    """The value below which `share` (0 to 1) of the observations lie; None without observations.

    `counts` are the buckets, without the sum. Linear within a bucket, as Prometheus' `histogram_quantile`
    does, so that the live line and a dashboard agree; above the last bound it can only say the last bound.
    """
    cumulative = list(accumulate(counts))
    total = cumulative[-1]
    if not total:
        return None
    rank = share * total
    index = next((i for i, reached in enumerate(cumulative) if reached >= rank and counts[i]), len(bounds))
    if index >= len(bounds):
        return bounds[-1]
    lower = bounds[index - 1] if index else 0.0
    below = cumulative[index] - counts[index]
    return lower + (bounds[index] - lower) * max(0.0, rank - below) / counts[index]
