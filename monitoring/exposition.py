"""Metric families made of a worker's counts when Prometheus asks, not before."""

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Final

from prometheus_client import GC_COLLECTOR, PLATFORM_COLLECTOR, PROCESS_COLLECTOR, CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from monitoring.histogram import BATCH_BOUNDS_MESSAGES, LATENCY_BOUNDS_S
from monitoring.loop_lag import LoopLag
from monitoring.metrics import Metrics

PREFIX: Final = "loyalty_"

Buckets = list[tuple[str, float]]


class SwitchCollector(Collector):
    """Yields the families of one worker."""

    def __init__(self, metrics: Metrics, lag: LoopLag) -> None:
        self._metrics = metrics
        self._lag = lag

    def collect(self) -> Iterator[Metric]:
        """The families; nothing is kept between two calls."""
        yield from self._answers()
        yield from self._batches()
        yield from self._lanes()
        yield from self._edge()
        yield from self._shadows()
        yield GaugeMetricFamily(
            PREFIX + "event_loop_lag_seconds",
            "The longest delay of a timer of the event loop within the last 15 s",
            value=self._lag.worst_s,
        )

    def _answers(self) -> Iterator[Metric]:
        metrics = self._metrics
        answers = CounterMetricFamily(
            PREFIX + "answers",
            "Replies by message type, response code (DE39) and acquiring institution (DE32)",
            labels=("mti", "response_code", "institution"),
        )
        for labels, count in metrics.answers().items():
            answers.add_metric(labels, count)
        yield answers
        latency = HistogramMetricFamily(
            PREFIX + "answer_latency_seconds", "From the arrival of a message to its reply", labels=("mti",)
        )
        for mti, histogram in metrics.latency_by_mti().items():
            latency.add_metric((mti,), _cumulative(histogram, LATENCY_BOUNDS_S), sum_value=histogram[-1])
        yield latency
        yield CounterMetricFamily(
            PREFIX + "repeats",
            "Messages answered with the reply of their first copy",
            value=metrics.snapshot().repeats,
        )

    def _batches(self) -> Iterator[Metric]:
        metrics = self._metrics
        for name, text, histogram, bounds in (
            ("batch_messages", "Messages of a batch", metrics.batch_messages, BATCH_BOUNDS_MESSAGES),
            ("batch_read_seconds", "Reading a batch's accounts", metrics.batch_read_s, LATENCY_BOUNDS_S),
            (
                "batch_commit_seconds",
                "Deciding and committing a batch",
                metrics.batch_commit_s,
                LATENCY_BOUNDS_S,
            ),
        ):
            yield HistogramMetricFamily(
                PREFIX + name, text, buckets=_cumulative(histogram, bounds), sum_value=histogram[-1]
            )

    def _lanes(self) -> Iterator[Metric]:
        metrics = self._metrics
        queue = GaugeMetricFamily(PREFIX + "lane_queue_messages", "Messages waiting in a lane", labels=("lane",))
        for lane, waiting in metrics.lane_queues().items():
            queue.add_metric((str(lane),), waiting)
        yield queue
        retried = CounterMetricFamily(
            PREFIX + "conflicts_retried",
            "Messages decided again because an account changed meanwhile or a key was taken",
            labels=("lane",),
        )
        for lane in sorted(metrics.lane_queues().keys() | metrics.retries().keys()):
            retried.add_metric((str(lane),), metrics.retries().get(lane, 0))
        yield retried

    def _shadows(self) -> Iterator[Metric]:
        decisions = CounterMetricFamily(
            PREFIX + "shadow_decisions",
            "Messages that a programme's version in shadow decided too, by whether it came to the same",
            labels=("programme", "outcome"),
        )
        differences = GaugeMetricFamily(
            PREFIX + "shadow_difference",
            "What the version in shadow gave more than the live one since the start: points, or minor units",
            labels=("programme", "leg"),
        )
        for programme, counts in self._metrics.shadows().items():
            decisions.add_metric((programme, "same"), counts.same)
            decisions.add_metric((programme, "different"), counts.different)
            for leg in ("points", "discount", "credit"):
                differences.add_metric((programme, leg), getattr(counts, leg))
        yield decisions
        yield differences

    def _edge(self) -> Iterator[Metric]:
        metrics = self._metrics
        yield GaugeMetricFamily(
            PREFIX + "connections", "Open connections of clients", value=metrics.snapshot().connections
        )
        refused = CounterMetricFamily(
            PREFIX + "refused", "Frames, messages and connections refused, by reason", labels=("reason",)
        )
        for reason, count in metrics.refusals().items():
            refused.add_metric((reason,), count)
        yield refused
        store = CounterMetricFamily(
            PREFIX + "store_events",
            "Connections to the store made and lost, commits of unknown outcome",
            labels=("event",),
        )
        for event, count in metrics.store_events().items():
            store.add_metric((event,), count)
        yield store


def registry_of(metrics: Metrics, lag: LoopLag) -> CollectorRegistry:
    """A registry of one worker: its counts, its process, its garbage collector and its Python."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(SwitchCollector(metrics, lag))
    for collector in (PROCESS_COLLECTOR, GC_COLLECTOR, PLATFORM_COLLECTOR):
        registry.register(collector)
    return registry


def _cumulative(histogram: Sequence[float], bounds: Sequence[float]) -> Buckets:
    """Buckets as Prometheus wants them: each counts all below its bound."""
    names = [*map(str, bounds), "+Inf"]
    return list(zip(names, accumulate(histogram[: len(bounds) + 1]), strict=True))
