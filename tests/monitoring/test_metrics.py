"""What was reported is what is counted, exactly; and no client can make labels."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.metrics import INSTITUTIONS_MAX, NAMES_MAX, OTHER, AnswerKey, Metrics, together


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["0200", "0100", "0420", "0800"]),
            st.sampled_from(["00", "14", "51", "91"]),
            st.sampled_from(["581672", "589210"]),
            st.floats(min_value=0, max_value=20),
        )
    )
)
def test_every_answer_is_counted_once_under_its_labels(answers: list[tuple[str, str, str, float]]) -> None:
    metrics = Metrics()
    for mti, code, institution, latency in answers:
        metrics.answered(mti, code, institution, latency)
    counted = metrics.answers()
    for key in {a[:3] for a in answers}:
        assert counted.pop(AnswerKey(*key)) == sum(a[:3] == key for a in answers)
    assert not counted
    snapshot = metrics.snapshot()
    assert snapshot.messages == len(answers) == sum(snapshot.latency_counts)
    assert snapshot.declines == sum(a[1] != "00" for a in answers)
    total = sum(h[-1] for h in metrics.latency_by_mti().values())
    assert total == pytest.approx(sum(a[3] for a in answers))


def test_strange_labels_are_other() -> None:
    metrics = Metrics(known_institution={"581672"}.__contains__)
    metrics.answered("0999", "ZZ", "666", 0.001)
    metrics.answered("0200", "00", "581672", 0.001)
    for number in range(1_000):
        metrics.answered(f"{number:04d}", "00", f"{number}", 0.001)
    institutions = {key.institution for key in metrics.answers()}
    assert institutions == {"581672", OTHER}
    assert len(metrics.answers()) < 30
    assert metrics.snapshot().messages == 1_002


def test_an_institution_is_named_once_it_is_known() -> None:
    known: set[str] = set()
    metrics = Metrics(known_institution=known.__contains__)
    metrics.answered("0200", "00", "581672", 0.001)
    known.add("581672")
    metrics.answered("0200", "00", "581672", 0.001)
    assert metrics.answers() == {AnswerKey("0200", "00", OTHER): 1, AnswerKey("0200", "00", "581672"): 1}


def test_without_a_directory_institutions_are_bounded() -> None:
    metrics = Metrics()
    for number in range(10 * INSTITUTIONS_MAX):
        metrics.answered("0200", "00", str(number), 0.001)
    assert len(metrics.answers()) == INSTITUTIONS_MAX + 1
    assert metrics.answers()[AnswerKey("0200", "00", OTHER)] == 9 * INSTITUTIONS_MAX


def test_reasons_and_events_are_bounded() -> None:
    metrics = Metrics()
    for number in range(2 * NAMES_MAX):
        metrics.refused(f"reason {number}")
        metrics.store(f"event {number}")
    assert metrics.refusals()[OTHER] == metrics.store_events()[OTHER] == NAMES_MAX
    assert sum(metrics.refusals().values()) == 2 * NAMES_MAX
    assert len(metrics.refusals()) == NAMES_MAX + 1


def test_batches_retries_repeats_connections_and_queues() -> None:
    metrics = Metrics()
    metrics.batch(0, 200, 0.0009, 0.003)
    metrics.batch(1, 1, 0.0004, 9.0)
    metrics.retried(1, 3)
    metrics.retried(1, 2)
    metrics.retried(0, 1)
    metrics.repeated()
    metrics.repeated(4)
    metrics.connections(1)
    metrics.connections(1)
    metrics.connections(-1)
    waiting = [7, 8, 9]
    metrics.gauge_lane_queue(0, waiting.__len__)
    assert metrics.batch_messages[-1] == 201
    assert metrics.batch_messages[0] == 1
    assert sum(metrics.batch_messages[:-1]) == sum(metrics.batch_read_s[:-1]) == 2
    assert metrics.batch_commit_s[-2] == 1, "above the last bound"
    assert metrics.batch_commit_s[-1] == pytest.approx(9.003)
    assert metrics.retries() == {0: 1, 1: 5}
    assert metrics.lane_queues() == {0: 3}
    waiting.clear()
    assert metrics.lane_queues() == {0: 0}
    snapshot = metrics.snapshot()
    assert (snapshot.repeats, snapshot.retried, snapshot.connections) == (5, 6, 1)


def test_an_interval_is_the_difference_of_two_snapshots() -> None:
    clock = Clock()
    metrics = Metrics(clock=clock)
    for _ in range(50):
        metrics.answered("0200", "00", "581672", 5.0)
    metrics.interval()
    clock.now += 2.0
    for _ in range(90):
        metrics.answered("0200", "00", "581672", 0.0015)
    for _ in range(10):
        metrics.answered("0200", "51", "581672", 0.003)
    metrics.refused("idle")
    metrics.connections(3)
    passed = metrics.interval()
    assert passed.messages == 100
    assert passed.messages_per_s == 50.0
    assert passed.declines_per_s == 5.0
    assert passed.p50_s == pytest.approx(0.001 + 0.001 * 50 / 90)
    assert passed.p99_s == pytest.approx(0.002 + 0.002 * 9 / 10)
    assert (passed.refused, passed.connections) == (1, 3)


def test_an_interval_without_answers_has_no_quantiles() -> None:
    passed = Metrics(clock=lambda: 1.0).interval()
    assert (passed.messages_per_s, passed.p50_s, passed.p99_s) == (0.0, None, None)


def test_workers_together() -> None:
    one, two = Metrics(clock=lambda: 5.0), Metrics(clock=lambda: 6.0)
    one.answered("0200", "00", "581672", 0.001)
    two.answered("0200", "14", "581672", 0.1)
    two.connections(2)
    total = together([one.snapshot(), two.snapshot()])
    assert (total.messages, total.declines, total.connections, total.at_s) == (2, 1, 2, 6.0)
    assert sum(total.latency_counts) == 2
    assert together([]).since(together([])).messages == 0
