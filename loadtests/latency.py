"""Latencies as they were measured, every one of them, and percentiles without buckets."""

from array import array
from dataclasses import dataclass
from math import ceil


@dataclass(frozen=True, slots=True)
class Latency:
    """Percentiles of a run in seconds."""

    p50_s: float
    p90_s: float
    p99_s: float
    p999_s: float
    max_s: float
    mean_s: float


def percentile(ordered: "array[float]", share: float) -> float:
    """The smallest value that at least `share` (0 to 1) of the ordered values do not exceed: the nearest
    rank.
    """
    if not ordered:
        raise ValueError("no latencies")
    return ordered[max(0, ceil(share * len(ordered)) - 1)]


def summary(latencies: "array[float]") -> Latency | None:
    """The percentiles; None without a single latency."""
    if not latencies:
        return None
    ordered = array("d", sorted(latencies))
    return Latency(
        p50_s=percentile(ordered, 0.5),
        p90_s=percentile(ordered, 0.9),
        p99_s=percentile(ordered, 0.99),
        p999_s=percentile(ordered, 0.999),
        max_s=ordered[-1],
        mean_s=sum(ordered) / len(ordered),
    )
