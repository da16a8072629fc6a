"""One worker: listeners, lanes and the tasks that keep them, from start to drain."""

import asyncio
import resource
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic, time

import structlog

from protocol.codec import codec_for
from protocol.framing import framing_for
from switch.authorise import Authoriser
from switch.calendars import Calendars
from switch.clocks import FollowingAuthoriser, MessageClock
from switch.connection import Connection, Service
from switch.deciding import Decider, Programmes
from switch.errors import ConfigurationError, StoreError
from switch.institutions import Directory
from switch.lane import Lane
from switch.lanes import Lanes
from switch.limits import Limits
from switch.network import NetworkDesk
from switch.ports import Store, Telemetry
from switch.recent import RecentKeys
from switch.replies import Replier
from switch.settings import ListenerSpec
from switch.tokens import Tokens
from switch.wide_deciding import WideDecider
from switch.wide_lane import WideLane
from switch.wide_ports import WideStore

log = structlog.get_logger(__name__)

REFRESH_S = 1.0
SWEEP_S = 1.0
FILES_KEPT_FREE = 64
"""File descriptors for the store, the metrics, logs and the listeners themselves."""
BACKLOG = 4_096


@dataclass(frozen=True, slots=True)
class Listening:
    """An open listener: the address really bound, and what it speaks."""

    host: str
    port: int
    dialect: str
    framing: str


class Switch:
    """A worker. `start`, then `drain`; whoever owns the process decides when."""

    def __init__(
        self,
        *,
        store: Store,
        wide_store: WideStore,
        telemetry: Telemetry,
        tokens: Tokens,
        listeners: Sequence[ListenerSpec],
        lanes: int,
        limits: Limits,
        programmes_of: Callable[[Directory], Programmes],
        wall_clock: Callable[[], float] = time,
    ) -> None:
        self._store = store
        self._wide_store = wide_store
        self._telemetry = telemetry
        self._tokens = tokens
        self._specs = listeners
        self._lane_count = lanes
        self._limits = limits
        self._programmes_of = programmes_of
        self._wall_clock = wall_clock
        self._connections: set[Connection] = set()
        self._services: list[Service] = []
        self._servers: list[asyncio.Server] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._directory_version = -1
        self.listening: list[Listening] = []

    async def start(self, *, reuse_port: bool = False) -> None:
        """Read the reference data, start the lanes, then listen. Raises ConfigurationError or StoreError."""
        limits = self._limits
        limits = self._limits = raise_file_limit(limits, len(self._specs) + self._lane_count)
        self._directory_version = await self._store.directory_version()
        directory = await self._store.directory()
        calendars = Calendars(self._wall_clock)
        make = FollowingAuthoriser if isinstance(self._wall_clock, MessageClock) else Authoriser
        self._authoriser = make(directory, self._tokens, calendars, limits.reply_deadline_s, self._wall_clock)
        self._decider = Decider(self._programmes_of(directory), self._telemetry.shadowed)
        replier = Replier(self._telemetry, monotonic)
        recent = RecentKeys(limits.recent_keys_max)
        self._lanes = self._make_lanes(recent, replier)
        self._desk = NetworkDesk(
            authoriser=self._authoriser,
            calendars=calendars,
            store=self._store,
            telemetry=self._telemetry,
            refresh=self._refresh,
        )
        self._lanes.start()
        for spec in self._specs:
            await self._listen(spec, reuse_port=reuse_port)
        self._tasks = [
            asyncio.create_task(self._sweep(), name="sweep"),
            asyncio.create_task(self._follow_directory(), name="directory"),
        ]

    def _make_lanes(self, recent: RecentKeys, replier: Replier) -> Lanes:
        made: list[Lane | WideLane] = []
        lanes = Lanes(made, self._lane_count, recent, replier, self._telemetry)
        made.extend(
            Lane(
                number,
                store=self._store,
                decider=self._decider,
                replier=replier,
                recent=recent,
                limits=self._limits,
                telemetry=self._telemetry,
                submit=lanes.forward,
                wall_clock=self._wall_clock,
                loop_clock=monotonic,
            )
            for number in range(self._lane_count)
        )
        made.append(
            WideLane(
                self._lane_count,
                store=self._wide_store,
                decider=WideDecider(self._decider, self._wide_store, self._tokens),
                replier=replier,
                recent=recent,
                limits=self._limits,
                telemetry=self._telemetry,
                wall_clock=self._wall_clock,
                loop_clock=monotonic,
            )
        )
        return lanes

    async def _listen(self, spec: ListenerSpec, *, reuse_port: bool) -> None:
        codec = codec_for(spec.dialect)
        framing = framing_for(spec.framing, frame_bytes_max=self._limits.frame_bytes_max)
        service = Service(
            name=str(spec),
            codec=codec,
            framing=framing,
            authoriser=self._authoriser,
            lanes=self._lanes,
            desk=self._desk,
            limits=self._limits,
            telemetry=self._telemetry,
            connections=self._connections,
        )
        loop = asyncio.get_running_loop()
        try:
            server = await loop.create_server(
                lambda: Connection(service),
                spec.endpoint.host,
                spec.endpoint.port,
                reuse_port=reuse_port or None,
                backlog=BACKLOG,
            )
        except OSError as fault:
            raise ConfigurationError(
                f"cannot listen on {spec.endpoint}: {fault.strerror or fault}. "
                "Stop what listens there, or choose another port with --listen."
            ) from fault
        self._services.append(service)
        self._servers.append(server)
        host, port = server.sockets[0].getsockname()[:2]
        self.listening.append(Listening(host, port, spec.dialect, spec.framing))

    @property
    def ready(self) -> bool:
        """Listening, and every lane has its connection to the store."""
        return bool(self._servers) and self._lanes.ready and not any(s.draining for s in self._services)

    @property
    def messages_waiting(self) -> int:
        """Messages queued or under way."""
        return self._lanes.waiting

    def knows_institution(self, code: str) -> bool:
        """Whether a DE32 is one of ours: what a stranger writes there is not worth a label of its own."""
        return self._authoriser.directory.institution(code) is not None

    async def accepts(self) -> bool:
        """Connect to the own listeners: an accept that failed silently is found here (pitfalls.md, uvloop)."""
        for listening in self.listening:
            host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(listening.host, listening.host)  # noqa: S104
            try:
                async with asyncio.timeout(2.0):
                    _reader, writer = await asyncio.open_connection(host, listening.port)
            except OSError:
                return False
            writer.close()
        return True

    async def drain(self) -> None:
        """Stop accepting, answer what was accepted, then close."""
        for server in self._servers:
            server.close()
        for service in self._services:
            service.draining = True
        for connection in list(self._connections):
            connection.pause_for_drain()
        try:
            async with asyncio.timeout(self._limits.drain_s):
                await self._lanes.stop()
                await self._desk.drain()
        except TimeoutError:
            log.error("drain_timed_out", messages=self._lanes.waiting)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._part()
        self._wide_store.terminate()
        await self._store.close()

    async def _part(self) -> None:
        """End every connection so that its last answers arrive; clients that stay are closed on."""
        for connection in list(self._connections):
            connection.say_goodbye()
        limit = monotonic() + self._limits.linger_s
        while self._connections and monotonic() < limit:  # noqa: ASYNC110  # once, at the very end
            await asyncio.sleep(0.01)
        for connection in list(self._connections):
            connection.close("", "")
        await asyncio.sleep(0)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_S)
            now = monotonic()
            for connection in list(self._connections):
                connection.sweep(now)

    async def _refresh(self) -> None:
        """Take over the reference data if it has changed."""
        version = await self._store.directory_version()
        if version == self._directory_version:
            return
        directory = await self._store.directory()
        self._decider.take(self._programmes_of(directory))
        self._authoriser.directory = directory
        self._directory_version = version
        log.info("directory_refreshed", version=version)

    async def _follow_directory(self) -> None:
        while True:
            await asyncio.sleep(REFRESH_S)
            try:
                await self._refresh()
            except StoreError as fault:
                log.debug("directory_out_of_reach", reason=str(fault))
            except ConfigurationError as fault:
                log.error("directory_refused", reason=str(fault))


def raise_file_limit(limits: Limits, others: int) -> Limits:
    """Raise the soft limit of open files as far as needed and allowed; bound the connections by what there is."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = limits.connections_max + others + FILES_KEPT_FREE
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
        soft = allowed
    room = (wanted if soft == resource.RLIM_INFINITY else soft) - others - FILES_KEPT_FREE
    if room >= limits.connections_max:
        return limits
    if room < 1:
        raise ConfigurationError(f"only {soft} open files are allowed: raise the limit (ulimit -n)")
    log.warning("connections_bounded_by_open_files", connections_max=room, wanted=limits.connections_max)
    return limits.model_copy(update={"connections_max": room})
