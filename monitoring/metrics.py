"""The counts of one worker: `switch.ports.Telemetry` in plain numbers.

prometheus-client costs 0.7 to 3 µs an update; at 50,000 messages/s five of them would be half a core. Here an
answer costs one dictionary look-up, one `bisect` and two additions (about 0.2 µs); `exposition` makes metric
families of the numbers when Prometheus asks.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import chain
from time import monotonic
from typing import Final, NamedTuple

from cext._kernel import Decision
from monitoring.histogram import BATCH_BOUNDS_MESSAGES, LATENCY_BOUNDS_S, combined, empty, observe, quantile
from protocol.codes import RESPONSE_MEANINGS, ResponseCode

OTHER: Final = "other"
SERVED_MTIS: Final = frozenset(
    mti
    for first in ("0100", "0200", "0220", "0320", "0400", "0420", "0500", "0520", "0800", "0820")
    for mti in (first, first[:3] + "1")
)
"""The MTIs of the wire profile and their repeats; whatever else is answered is counted as `other`."""
INSTITUTIONS_MAX: Final = 64
NAMES_MAX: Final = 64
"""Distinct reasons of refusal, and distinct events of the store; both are named by our own code."""

_BUCKETS: Final = len(LATENCY_BOUNDS_S) + 1


class AnswerKey(NamedTuple):
    """The labels of an answer, all of them bounded."""

    mti: str
    response_code: str
    institution: str


@dataclass(frozen=True, slots=True)
class Interval:
    """What happened between two snapshots. The quantiles are None when nothing was answered."""

    seconds: float
    messages: int
    declines: int
    p50_s: float | None
    p99_s: float | None
    repeats: int
    retried: int
    refused: int
    connections: int

    @property
    def messages_per_s(self) -> float:
        """Answers a second."""
        return self.messages / self.seconds if self.seconds > 0 else 0.0

    @property
    def declines_per_s(self) -> float:
        """Answers a second whose DE39 is not 00."""
        return self.declines / self.seconds if self.seconds > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The totals at one moment: plain numbers, so that a worker can send them to its supervisor.

    `latency_counts` are the buckets of `histogram.LATENCY_BOUNDS_S`, not cumulative.
    """

    at_s: float
    messages: int
    declines: int
    latency_counts: tuple[int, ...]
    repeats: int
    retried: int
    refused: int
    connections: int

    def since(self, earlier: "Snapshot") -> Interval:
        """What happened after `earlier`."""
        counts = [now - before for now, before in zip(self.latency_counts, earlier.latency_counts, strict=True)]
        return Interval(
            seconds=self.at_s - earlier.at_s,
            messages=self.messages - earlier.messages,
            declines=self.declines - earlier.declines,
            p50_s=quantile(counts, LATENCY_BOUNDS_S, 0.5),
            p99_s=quantile(counts, LATENCY_BOUNDS_S, 0.99),
            repeats=self.repeats - earlier.repeats,
            retried=self.retried - earlier.retried,
            refused=self.refused - earlier.refused,
            connections=self.connections,
        )


def together(snapshots: Iterable[Snapshot]) -> Snapshot:
    """The totals of several workers, at the latest of their moments."""
    every = list(snapshots)
    return Snapshot(
        at_s=max((s.at_s for s in every), default=0.0),
        messages=sum(s.messages for s in every),
        declines=sum(s.declines for s in every),
        latency_counts=tuple(
            map(sum, zip(*(s.latency_counts for s in every), strict=True)) if every else (0,) * _BUCKETS
        ),
        repeats=sum(s.repeats for s in every),
        retried=sum(s.retried for s in every),
        refused=sum(s.refused for s in every),
        connections=sum(s.connections for s in every),
    )


@dataclass(slots=True)
class ShadowCounts:
    """How a version in shadow decides beside the live one. The differences are shadow less live, summed."""

    same: int = 0
    different: int = 0
    points: int = 0
    discount: int = 0
    credit: int = 0

    def add(self, live: Decision, shadow: Decision) -> None:
        """Count one message."""
        points = shadow.points_earned - live.points_earned
        discount = shadow.discount - live.discount
        credit = shadow.credit_granted - live.credit_granted
        if points or discount or credit or shadow.rc != live.rc:
            self.different += 1
        else:
            self.same += 1
        self.points += points
        self.discount += discount
        self.credit += credit


class Metrics:
    """Counts what the switch reports. One instance a worker, used from one thread.

    `known_institution` says whether a DE32 is one of ours; without it the first `INSTITUTIONS_MAX` are taken
    at their word. Either way no more than that many become labels, and what a stranger writes into DE32 is
    counted as `other`.
    """

    def __init__(
        self,
        known_institution: Callable[[str], bool] | None = None,
        *,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.known_institution = known_institution
        self._clock = clock
        # Buckets of latency and their sum, by the labels as they were reported: the counter is the sum of the
        # buckets.
        self._answers: dict[tuple[str, str, str], list[float]] = {}
        self._institutions: set[str] = set()
        self._retried: dict[int, int] = {}
        self._repeated = 0
        self._refused: dict[str, int] = {}
        self._store_events: dict[str, int] = {}
        self._connections = 0
        self._shadows: dict[str, ShadowCounts] = {}
        self._lane_queues: dict[int, Callable[[], int]] = {}
        self.batch_messages = empty(BATCH_BOUNDS_MESSAGES)
        self.batch_read_s = empty(LATENCY_BOUNDS_S)
        self.batch_commit_s = empty(LATENCY_BOUNDS_S)
        self._last = self.snapshot()

    # The telemetry port

    def answered(self, mti: str, response_code: str, institution: str, latency_s: float) -> None:
        """One reply was handed to its connection."""
        try:
            cell = self._answers[mti, response_code, institution]
        except KeyError:
            cell = self._cell(mti, response_code, institution)
        cell[bisect_left(LATENCY_BOUNDS_S, latency_s)] += 1
        cell[-1] += latency_s

    def batch(self, lane: int, messages: int, read_s: float, commit_s: float) -> None:  # noqa: ARG002
        """One batch was made durable."""
        observe(self.batch_messages, BATCH_BOUNDS_MESSAGES, messages)
        observe(self.batch_read_s, LATENCY_BOUNDS_S, read_s)
        observe(self.batch_commit_s, LATENCY_BOUNDS_S, commit_s)

    def retried(self, lane: int, messages: int) -> None:
        """Messages are decided again, because an account changed meanwhile or a key was taken."""
        self._retried[lane] = self._retried.get(lane, 0) + messages

    def repeated(self, messages: int = 1) -> None:
        """Messages were answered with the reply of their first copy."""
        self._repeated += messages

    def refused(self, reason: str) -> None:
        """A frame, a message or a connection was refused."""
        _count(self._refused, reason)

    def connections(self, delta: int) -> None:
        """The number of open connections changed."""
        self._connections += delta

    def gauge_lane_queue(self, lane: int, read: Callable[[], int]) -> None:
        """Register how to read the length of a lane's queue."""
        self._lane_queues[lane] = read

    def shadowed(self, programme: str, live: Decision, shadow: Decision) -> None:
        """A version in shadow decided beside the live one."""
        counts = self._shadows.get(programme)
        if counts is None:
            counts = self._shadows[programme] = ShadowCounts()
        counts.add(live, shadow)

    def store(self, event: str) -> None:
        """The store was `connected` or `lost`, or a commit's `outcome_unknown`."""
        _count(self._store_events, event)

    # What is read of it

    def answers(self) -> dict[AnswerKey, int]:
        """Answers by MTI, DE39 and institution."""
        return {AnswerKey(*labels): int(sum(cell[:_BUCKETS])) for labels, cell in self._answers.items()}

    def latency_by_mti(self) -> dict[str, list[float]]:
        """A histogram of `LATENCY_BOUNDS_S` and its sum for each MTI."""
        by_mti: dict[str, list[list[float]]] = {}
        for (mti, _, _), cell in self._answers.items():
            by_mti.setdefault(mti, []).append(cell)
        return {mti: combined(cells, LATENCY_BOUNDS_S) for mti, cells in by_mti.items()}

    def shadows(self) -> dict[str, ShadowCounts]:
        """What versions in shadow came to, by programme."""
        return dict(self._shadows)

    def retries(self) -> dict[int, int]:
        """Messages decided again, by lane."""
        return dict(self._retried)

    def refusals(self) -> dict[str, int]:
        """Refusals by reason."""
        return dict(self._refused)

    def store_events(self) -> dict[str, int]:
        """The store's events by name."""
        return dict(self._store_events)

    def lane_queues(self) -> dict[int, int]:
        """The length of each lane's queue now."""
        return {lane: read() for lane, read in self._lane_queues.items()}

    def snapshot(self) -> Snapshot:
        """The totals now."""
        latency = combined(self._answers.values(), LATENCY_BOUNDS_S)[:_BUCKETS]
        approved = chain.from_iterable(
            cell[:_BUCKETS] for (_, code, _), cell in self._answers.items() if code == ResponseCode.APPROVED
        )
        messages = int(sum(latency))
        return Snapshot(
            at_s=self._clock(),
            messages=messages,
            declines=messages - int(sum(approved)),
            latency_counts=tuple(map(int, latency)),
            repeats=self._repeated,
            retried=sum(self._retried.values()),
            refused=sum(self._refused.values()),
            connections=self._connections,
        )

    def interval(self) -> Interval:
        """What happened since this was last called, or since the start."""
        now = self.snapshot()
        passed = now.since(self._last)
        self._last = now
        return passed

    def _cell(self, mti: str, response_code: str, institution: str) -> list[float]:
        """The counts of an answer with labels not seen before; what is not ours shares a cell."""
        labels = (
            mti if mti in SERVED_MTIS else OTHER,
            response_code if response_code in RESPONSE_MEANINGS else OTHER,
            institution if self._is_ours(institution) else OTHER,
        )
        cell = self._answers.get(labels)
        if cell is None:
            cell = self._answers[labels] = empty(LATENCY_BOUNDS_S)
        return cell

    def _is_ours(self, institution: str) -> bool:
        """Whether an institution may be a label.

        Asked anew each time, since the reference data may have grown.
        """
        if institution in self._institutions:
            return True
        known = self.known_institution
        if len(self._institutions) >= INSTITUTIONS_MAX or not (known is None or known(institution)):
            return False
        self._institutions.add(institution)
        return True


def _count(counts: dict[str, int], name: str) -> None:
    """Count one of a bounded number of names."""
    if name not in counts and len(counts) >= NAMES_MAX:
        name = OTHER
    counts[name] = counts.get(name, 0) + 1
