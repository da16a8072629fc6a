"""Replaying on all cores: one process each, over shards of their own, and their sums added up.

Processes are spawned, not forked: asyncpg and the parent's threads stay out of them. What they share with the parent
is a count of rows read.
"""

import asyncio
import multiprocessing as mp
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from multiprocessing.sharedctypes import Synchronized
from typing import TypeVar

from adapters.postgres.replaying import Ground, Span, histories
from switch.simulation import uplift
from switch.simulation.reading import BasketReader
from switch.simulation.simulate import Question, RuleSet, Simulation
from switch.simulation.standing import TierTerms, terms_of
from switch.simulation.totals import Report

LOOK_EVERY_S = 0.2

_rows_read: "Synchronized[int] | None" = None
Answer = TypeVar("Answer")
Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Work:
    """What a worker does. `url` may carry a password, so it is not shown."""

    url: str = field(repr=False)
    span: Span


def spans(ground: Ground, start_s: int, workers: int | None = None, tiers: TierTerms | None = None) -> list[Span]:
    """The shards in as many ranges as there are workers (None: one for each core)."""
    count = max(1, min(workers or os.cpu_count() or 1, ground.shards))
    bounds = [ground.shards * part // count for part in range(count + 1)]
    days_of = ground.draft.timezone if ground.draft.looks_back else None
    return [Span(ground.programme, first, end, start_s, days_of, tiers) for first, end in pairwise(bounds)]


def simulate(
    url: str, ground: Ground, start_s: int, end_s: int, end_date: int, *, workers: int | None, progress: Progress
) -> Report:
    """Replay the journal through the draft; `progress` is told how many rows have been read."""
    draft = ground.draft
    question = Question(
        RuleSet(draft.kernel.table, draft.rule_ids), ground.live_versions, draft.timezone, end_s, end_date,
        ground.live.tiers,
    )  # fmt: skip
    reader = BasketReader.of(draft)
    whole = Report()
    works = [(Work(url, span), question, reader) for span in spans(ground, start_s, workers, terms_of(ground.live))]
    for part in _on_all_cores(_simulate_span, works, progress):
        whole.add(part)
    return whole


def compare(
    url: str, ground: Ground, question: uplift.Question, start_s: int, *, workers: int | None, progress: Progress
) -> uplift.Uplift:
    """Compare members with and without a rule."""
    whole = uplift.Uplift()
    works = [(Work(url, span), question) for span in spans(ground, start_s, workers)]
    for part in _on_all_cores(_compare_span, works, progress):
        whole.add(part)
    return whole


def _on_all_cores(
    work: Callable[..., Answer], works: Sequence[tuple[object, ...]], progress: Progress
) -> Iterator[Answer]:
    context = mp.get_context("spawn")
    rows_read = context.Value("q", 0)
    with ProcessPoolExecutor(len(works), context, initializer=_begin, initargs=(rows_read,)) as pool:
        waiting = {pool.submit(work, *arguments) for arguments in works}
        with _cancelling(pool):
            while waiting:
                done, waiting = wait(waiting, LOOK_EVERY_S, FIRST_COMPLETED)
                progress(rows_read.value)
                for future in done:
                    yield future.result()


@contextmanager
def _cancelling(pool: ProcessPoolExecutor) -> Iterator[None]:
    """A fault in one range ends the others before they begin."""
    try:
        yield
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        raise


def _begin(rows_read: "Synchronized[int]") -> None:
    global _rows_read  # noqa: PLW0603  # a worker's only state, given when it is made
    _rows_read = rows_read


def _told(rows: int) -> None:
    if _rows_read is not None:
        with _rows_read.get_lock():
            _rows_read.value += rows


def _simulate_span(work: Work, question: Question, reader: BasketReader) -> Report:
    simulation = Simulation(question, reader)

    async def go() -> None:
        async for history in histories(work.url, work.span, _told):
            simulation.take(history)

    asyncio.run(go())
    return simulation.report()


def _compare_span(work: Work, question: uplift.Question) -> uplift.Uplift:
    sums = uplift.Uplift()

    async def go() -> None:
        async for history in histories(work.url, work.span, _told):
            uplift.take(sums, question, history)

    asyncio.run(go())
    return sums
