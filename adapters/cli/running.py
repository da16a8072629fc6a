"""Runs a switch: the database, the workers, the metrics, the signals and the line a second."""

import asyncio
import contextlib
import datetime as dt
import gc
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from time import time

import asyncpg
import structlog
import uvloop

from adapters.cli.databases import Opened, opened_database
from adapters.cli.screen import Screen
from adapters.postgres import partitions
from adapters.postgres.connecting import connection
from adapters.postgres.errors import DatabaseError
from adapters.postgres.store import PostgresStore
from adapters.postgres.wide import PostgresWideStore
from monitoring import http
from monitoring.metrics import Metrics
from switch.clocks import MessageClock
from switch.deciding import LiveProgramme, Programmes
from switch.errors import ConfigurationError
from switch.institutions import Directory, ProgrammeVersion
from switch.programme import ProgrammeError, load
from switch.server import Switch
from switch.settings import Endpoint, Settings
from switch.tokens import Tokens

log = structlog.get_logger(__name__)

EXIT_DRAINED = 0
PARTITIONS_EVERY_S = 3_600.0


def run(settings: Settings) -> int:
    """Run until told to stop; returns the exit code."""
    configure_logging()
    with opened_database(settings) as opened:
        if settings.workers == 1:
            return uvloop.run(Worker(settings, opened, index=0).run(show=True))
        from adapters.cli.supervisor import supervise  # noqa: PLC0415  # only several workers need processes

        return supervise(settings, opened)


class StandardError:
    """Writes log lines. A standard error that is closed, or a pipe that nobody reads, must not stop a lane."""

    def __init__(self, *_names: object) -> None:
        """structlog hands over what `get_logger` was given; it is in the lines already."""

    def msg(self, message: str) -> None:
        """Write one line."""
        with contextlib.suppress(OSError, ValueError):
            print(message, file=sys.stderr, flush=True)  # noqa: T201  # this is the log

    log = debug = info = warning = warn = error = err = critical = fatal = failure = exception = msg


def configure_logging() -> None:
    """Structured lines on standard error; the screen owns standard output."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.dev.ConsoleRenderer(colors=False)
            if sys.stderr.isatty()
            else structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"]),
        ],
        logger_factory=StandardError,
        wrapper_class=structlog.make_filtering_bound_logger("info"),
    )


def compiled_programmes(directory: Directory) -> Programmes:
    """Compile the programmes in force and in shadow. ConfigurationError if one does not compile."""
    return Programmes(
        {programme.id: _compiled(directory, programme) for programme in directory.programmes},
        {programme.id: _compiled(directory, programme) for programme in directory.shadows},
    )


def _compiled(directory: Directory, programme: ProgrammeVersion) -> LiveProgramme:
    def identify(kind: str, name: str) -> int:
        return programme.clubs[name] if kind == "club" else directory.identify(kind, name)

    try:
        compiled = load(programme.source, ids=identify, slots=lambda kind, name: programme.slots[kind, name])
    except (ProgrammeError, KeyError) as fault:
        raise ConfigurationError(
            f"programme {programme.name} version {programme.version} does not compile here ({fault}): "
            "submit it again with `loyalty-switch programme submit`"
        ) from fault
    return LiveProgramme(programme.id, programme.version, compiled, programme.participants)


def calm_collector() -> None:
    """Keep the garbage collector from walking the reference data and the recent keys thousands of times a minute.

    A message's objects hold no cycles, so reference counts free them; what is there at start is there to stay.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


async def make_partitions(url: str) -> None:
    """The journal's partitions of the days around today (UTC, as DE7)."""
    async with connection(url) as opened:
        await partitions.ensure(opened, dt.datetime.now(dt.UTC).date())


@dataclass(slots=True)
class Worker:
    """One process's switch and what surrounds it."""

    settings: Settings
    opened: Opened
    index: int
    report: Callable[[Metrics], None] | None = None

    async def run(self, *, show: bool) -> int:
        """Serve until SIGINT or SIGTERM, then drain."""
        settings, opened = self.settings, self.opened
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        metrics = Metrics()
        store = PostgresStore(opened.url, lanes=settings.lanes, shards=opened.shards)
        switch = Switch(
            store=store,
            wide_store=PostgresWideStore(opened.url),
            telemetry=metrics,
            tokens=Tokens(opened.token_key, opened.shards),
            listeners=settings.listeners,
            lanes=settings.lanes,
            limits=settings.limits,
            programmes_of=compiled_programmes,
            wall_clock=MessageClock() if settings.clock == "message" else time,
        )
        metrics.known_institution = switch.knows_institution
        await make_partitions(opened.url)
        await switch.start(reuse_port=settings.workers > 1)
        endpoint = Endpoint.parse(settings.metrics)
        server = await self._serve_metrics(endpoint, metrics, switch)
        keeper = asyncio.create_task(self._keep_partitions(), name="partitions")
        jobs = self._start_jobs()
        own = self._metrics_endpoint(endpoint)
        calm_collector()
        screen = Screen(metrics, switch.listening, own, opened.description) if show else None
        if settings.clock == "message":
            log.warning("clock_follows_messages", meaning="whoever writes DE7 says what day it is")
            if screen is not None:
                screen.say("THE CLOCK FOLLOWS THE MESSAGES: each DE7 is now. For stories and tests only.")
        ticker = asyncio.create_task(self._tick(screen, metrics), name="screen")
        await stop.wait()
        if screen is not None:
            screen.say("draining")
        await switch.drain()
        for task in (keeper, ticker, *jobs):
            task.cancel()
        await asyncio.gather(keeper, ticker, *jobs, return_exceptions=True)
        server.close()
        if screen is not None:
            screen.finish()
        return EXIT_DRAINED

    def _metrics_endpoint(self, endpoint: Endpoint) -> Endpoint:
        """Each process exports on a port of its own: the first one's number, plus its index."""
        return Endpoint(endpoint.host, endpoint.port + self.index if endpoint.port else 0)

    async def _serve_metrics(self, endpoint: Endpoint, metrics: Metrics, switch: Switch) -> asyncio.Server:
        own = self._metrics_endpoint(endpoint)

        def readiness() -> http.Readiness:
            reasons = [] if switch.ready else ["the store is out of reach or the switch is draining"]
            return http.Readiness(ready=not reasons, reasons=tuple(reasons))

        try:
            return await http.serve(own.host, own.port, metrics, readiness, switch.accepts)
        except OSError as fault:
            raise ConfigurationError(
                f"cannot serve metrics on {own}: {fault.strerror or fault}. Choose another address with --metrics."
            ) from fault

    async def _keep_partitions(self) -> None:
        """Make the journal's partitions ahead, every hour. What finds none goes into the default partition."""
        while True:
            await asyncio.sleep(PARTITIONS_EVERY_S)
            try:
                await make_partitions(self.opened.url)
            except (DatabaseError, asyncpg.PostgresError) as fault:
                log.warning("partitions_not_made", reason=type(fault).__name__)

    def _start_jobs(self) -> list[asyncio.Task[None]]:
        """The first worker runs the jobs, if the settings say when."""
        at = self.settings.jobs_at
        if at is None or self.index != 0:
            return []
        from adapters.cli.daily import run_daily  # noqa: PLC0415  # it builds on this module

        return [asyncio.create_task(run_daily(at, self.opened, self.settings), name="jobs")]

    async def _tick(self, screen: Screen | None, metrics: Metrics) -> None:
        while True:
            await asyncio.sleep(1.0)
            if screen is not None:
                screen.tick()
            if self.report is not None:
                self.report(metrics)
