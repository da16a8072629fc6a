"""Several workers behind one set of listeners: SO_REUSEPORT spreads connections, a supervisor keeps the workers.

Workers share nothing but the database (architecture.md, 1), so a worker that dies is simply started again; what it had
acknowledged is in the journal, and what it had not, the tills repeat.
"""

import multiprocessing
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

import structlog

from adapters.cli.databases import Opened
from adapters.cli.screen import Screen
from monitoring.metrics import Interval, Metrics, Snapshot, together
from switch.server import Listening
from switch.settings import Endpoint, Settings

log = structlog.get_logger(__name__)

EXIT_DRAINED = 0
EXIT_CANNOT_START = 2
RESTART_PAUSES_S = (0.1, 0.5, 2.0, 5.0)
HEALTHY_AFTER_S = 30.0
STOP_MARGIN_S = 5.0


@dataclass(slots=True)
class _Worker:
    """A child process, and the end of the pipe on which it tells a second's numbers."""

    index: int
    process: BaseProcess
    reports: Connection
    started: float
    deaths: int = 0
    last: Snapshot | None = None


def _work(settings: Settings, opened: Opened, index: int, reports: Connection) -> None:
    """The child's main: one worker that reports its totals each second."""
    import sys  # noqa: PLC0415
    from contextlib import suppress  # noqa: PLC0415

    import uvloop  # noqa: PLC0415

    from adapters.cli.running import Worker, configure_logging  # noqa: PLC0415
    from switch.errors import SwitchError  # noqa: PLC0415

    configure_logging()

    def report(metrics: Metrics) -> None:
        with suppress(BrokenPipeError):  # the supervisor is gone: its parent's signal is on its way
            reports.send(metrics.snapshot())

    try:
        code = uvloop.run(Worker(settings, opened, index, report).run(show=False))
    except SwitchError as fault:
        print(fault, file=sys.stderr)  # noqa: T201  # the operator's one sentence
        code = EXIT_CANNOT_START
    sys.exit(code)


class Supervisor:
    """Starts workers, starts them again, and passes the signal to stop on."""

    def __init__(self, settings: Settings, opened: Opened) -> None:
        self._settings = settings
        self._opened = opened
        # A fresh interpreter for each: nothing of the supervisor's (signal handlers, the embedded server) is inherited.
        self._context = multiprocessing.get_context("spawn")
        self._workers: list[_Worker] = []
        self._stopping = False
        self._before = together(())

    def _start(self, index: int, deaths: int) -> _Worker:
        ours, theirs = self._context.Pipe(duplex=False)
        process = self._context.Process(
            target=_work, args=(self._settings, self._opened, index, theirs), name=f"worker-{index}"
        )
        process.start()
        theirs.close()
        return _Worker(index, process, ours, time.monotonic(), deaths)

    def run(self, screen: Callable[["Supervisor"], Screen]) -> int:
        """Until SIGINT or SIGTERM; 0 if every worker drained."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stop)
        self._workers = [self._start(index, 0) for index in range(self._settings.workers)]
        shown = screen(self)
        code = EXIT_DRAINED
        due = time.monotonic() + 1.0
        while not self._stopping:
            self._collect(max(due - time.monotonic(), 0.0))
            if time.monotonic() >= due:
                shown.tick()
                due += 1.0
            code = self._revive()
            if code:
                break
        shown.say("draining")
        self._end()
        shown.finish()
        return code

    def _stop(self, _number: int, _frame: object) -> None:
        self._stopping = True

    def _collect(self, timeout_s: float) -> None:
        by_pipe = {worker.reports: worker for worker in self._workers}
        for ready in wait([*by_pipe], timeout=timeout_s):
            assert isinstance(ready, Connection)
            worker = by_pipe[ready]
            try:
                worker.last = ready.recv()
            except EOFError:
                worker.last = None
                worker.process.join(0.5)

    def _revive(self) -> int:
        """Start dead workers again; give up on one that cannot start at all."""
        for place, worker in enumerate(self._workers):
            if worker.process.is_alive() or self._stopping:
                continue
            if worker.process.exitcode == EXIT_CANNOT_START:
                return EXIT_CANNOT_START
            lived = time.monotonic() - worker.started
            deaths = 1 if lived > HEALTHY_AFTER_S else worker.deaths + 1
            log.error("worker_died", index=worker.index, exitcode=worker.process.exitcode, deaths=deaths)
            worker.reports.close()
            time.sleep(RESTART_PAUSES_S[min(deaths, len(RESTART_PAUSES_S)) - 1])
            self._workers[place] = self._start(worker.index, deaths)
        return EXIT_DRAINED

    def _end(self) -> None:
        for worker in self._workers:
            if worker.process.is_alive():
                worker.process.terminate()
        limit = time.monotonic() + self._settings.limits.drain_s + STOP_MARGIN_S
        for worker in self._workers:
            worker.process.join(max(limit - time.monotonic(), 0.1))
            if worker.process.is_alive():
                log.error("worker_killed", index=worker.index)
                worker.process.kill()
                worker.process.join()

    def interval(self) -> Interval:
        """What all workers together did since this was last asked."""
        now = together(worker.last for worker in self._workers if worker.last is not None)
        # A worker that was started again counts from zero: its second is not shown rather than shown below zero.
        before = self._before if self._before.messages <= now.messages else now
        self._before = now
        return now.since(before)


def supervise(settings: Settings, opened: Opened) -> int:
    """Run `settings.workers` workers until told to stop."""
    for spec in settings.listeners:
        if spec.endpoint.port == 0:
            from switch.errors import ConfigurationError  # noqa: PLC0415

            raise ConfigurationError("several workers share a listener, so its port must be named (not 0)")
    listening = [Listening(s.endpoint.host, s.endpoint.port, s.dialect, s.framing) for s in settings.listeners]
    metrics = Endpoint.parse(settings.metrics)
    return Supervisor(settings, opened).run(
        lambda meter: Screen(meter, listening, metrics, f"{opened.description}, {settings.workers} workers")
    )
