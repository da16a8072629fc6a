"""What Prometheus reads, parsed by its own client library."""

import asyncio
import re
from pathlib import Path

import prometheus_client
import yaml
from prometheus_client.parser import text_string_to_metric_families

import monitoring
from monitoring.exposition import registry_of
from monitoring.histogram import BUCKETS_MAX
from monitoring.loop_lag import PROBE_EVERY_S, LoopLag
from monitoring.metrics import Metrics

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def scraped(metrics: Metrics, lag: LoopLag | None = None) -> Samples:
    text = prometheus_client.generate_latest(registry_of(metrics, lag or LoopLag())).decode()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def used() -> Metrics:
    metrics = Metrics()
    metrics.answered("0200", "00", "581672", 0.0015)
    metrics.answered("0200", "00", "581672", 100.0)
    metrics.answered("0420", "25", "589210", 0.003)
    metrics.batch(0, 2, 0.001, 0.002)
    metrics.retried(0, 3)
    metrics.repeated(2)
    metrics.refused("slow_reader")
    metrics.connections(5)
    metrics.gauge_lane_queue(0, lambda: 17)
    metrics.gauge_lane_queue(1, lambda: 0)
    metrics.store("lost")
    return metrics


def test_every_family_has_what_was_reported() -> None:
    samples = scraped(used())
    answers = {"mti": "0200", "response_code": "00", "institution": "581672"}
    expected: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {
        ("loyalty_answers_total", tuple(sorted(answers.items()))): 2,
        ("loyalty_answer_latency_seconds_bucket", (("le", "0.001"), ("mti", "0200"))): 0,
        ("loyalty_answer_latency_seconds_bucket", (("le", "0.002"), ("mti", "0200"))): 1,
        ("loyalty_answer_latency_seconds_bucket", (("le", "8.0"), ("mti", "0200"))): 1,
        ("loyalty_answer_latency_seconds_bucket", (("le", "+Inf"), ("mti", "0200"))): 2,
        ("loyalty_answer_latency_seconds_count", (("mti", "0200"),)): 2,
        ("loyalty_answer_latency_seconds_sum", (("mti", "0200"),)): 100.0015,
        ("loyalty_batch_messages_sum", ()): 2,
        ("loyalty_batch_commit_seconds_count", ()): 1,
        ("loyalty_lane_queue_messages", (("lane", "0"),)): 17,
        ("loyalty_conflicts_retried_total", (("lane", "0"),)): 3,
        ("loyalty_conflicts_retried_total", (("lane", "1"),)): 0,
        ("loyalty_repeats_total", ()): 2,
        ("loyalty_refused_total", (("reason", "slow_reader"),)): 1,
        ("loyalty_connections", ()): 5,
        ("loyalty_store_events_total", (("event", "lost"),)): 1,
        ("loyalty_event_loop_lag_seconds", ()): 0,
    }
    assert {key: samples.get(key) for key in expected} == expected


def test_process_garbage_collector_and_python_are_there() -> None:
    names = {name for name, _ in scraped(Metrics())}
    assert {"process_resident_memory_bytes", "python_gc_collections_total", "python_info"} <= names


def test_no_histogram_has_more_than_sixteen_buckets() -> None:
    buckets: dict[tuple[str, tuple[tuple[str, str], ...]], int] = {}
    for name, labels in scraped(used()):
        if name.startswith("loyalty_") and name.endswith("_bucket"):
            key = (name, tuple(pair for pair in labels if pair[0] != "le"))
            buckets[key] = buckets.get(key, 0) + 1
    assert len(buckets) == 5
    assert max(buckets.values()) <= BUCKETS_MAX


def test_the_rules_name_only_metrics_that_are_exported() -> None:
    exported = {name for name, _ in scraped(used())}
    place = Path(monitoring.__file__).parent / "prometheus"
    rules = yaml.safe_load((place / "alerts.yml").read_text())
    used_names = {
        name
        for group in rules["groups"]
        for rule in group["rules"]
        for name in re.findall(r"\bloyalty_\w+", rule["expr"])
    }
    assert used_names
    assert used_names <= exported
    scrape = yaml.safe_load((place / "scrape.yml").read_text())
    assert scrape["scrape_configs"][0]["job_name"] in str(rules)


class FakeLoop(asyncio.AbstractEventLoop):
    """A loop whose only timer fires when told to."""

    def __init__(self) -> None:
        self.now = 10.0
        self.timers: list[tuple[float, object, tuple[object, ...]]] = []

    def time(self) -> float:
        return self.now

    def call_at(self, when, callback, *args, context=None):  # type: ignore[no-untyped-def]
        self.timers.append((when, callback, args))

    def fire(self, late: float) -> None:
        when, callback, args = self.timers.pop()
        self.now = when + late
        callback(*args)  # type: ignore[operator]


def test_loop_lag_keeps_the_worst_of_the_last_probes() -> None:
    loop, lag = FakeLoop(), LoopLag()
    lag.start(loop, lambda: loop.now < 1_000)
    assert loop.timers[0][0] == 10.0 + PROBE_EVERY_S
    for late in (0.001, 0.3, 0.002):
        loop.fire(late)
    assert round(lag.worst_s, 6) == 0.3
    for _ in range(30):
        loop.fire(0.01)
    assert round(lag.worst_s, 6) == 0.01
    loop.fire(2_000.0)
    assert loop.timers == []
