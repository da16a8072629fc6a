"""The operator's door: /metrics, /healthz and /readyz over HTTP/1.1, one request a connection.

Every bound of it stands here. It shares the event loop with the tills, so nothing a client does may cost more
than a few milliseconds, and nothing a client leaves undone may keep a connection: requests are small,
everything has a deadline, and there are never more than `CLIENTS_MAX` connections.
"""

import asyncio
import gzip
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

import structlog
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from monitoring.exposition import registry_of
from monitoring.loop_lag import LoopLag
from monitoring.metrics import Metrics

log = structlog.get_logger(__name__)

REQUEST_BYTES_MAX: Final = 8_192
REQUEST_TIMEOUT_S: Final = 5.0
RESPONSE_TIMEOUT_S: Final = 10.0
LINGER_TIMEOUT_S: Final = 1.0
LINGER_BYTES_MAX: Final = 65_536
CHECK_TIMEOUT_S: Final = 3.0
CLIENTS_MAX: Final = 32
GZIP_BYTES_MIN: Final = 1_024
GZIP_LEVEL: Final = 1
JSON_TYPE: Final = "application/json"

_END_OF_HEAD: Final = b"\r\n\r\n"
_REQUEST_LINE: Final = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+) (\S+) HTTP/([0-9])\.([0-9])")
_HEADER: Final = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\x20-\x7e\x80-\xff\t]*)")
_GZIP_REFUSED: Final = re.compile(r"q=0(\.0{0,3})?")


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether messages can be served now; if not, why."""

    ready: bool
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Bounds:
    """Deadlines and sizes of a connection. Times in seconds."""

    request_timeout_s: float = REQUEST_TIMEOUT_S
    response_timeout_s: float = RESPONSE_TIMEOUT_S
    linger_timeout_s: float = LINGER_TIMEOUT_S
    clients_max: int = CLIENTS_MAX


@dataclass(frozen=True, slots=True)
class Request:
    """What is looked at of a request. Header names are lower-case."""

    method: str
    path: str
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Response:
    """A status, a body and its type, and headers of its own."""

    status: HTTPStatus
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)


class RequestError(Exception):
    """A request that cannot be served; `status` says why. Answered, never let through."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


async def serve(
    host: str,
    port: int,
    metrics: Metrics,
    ready: Callable[[], Readiness],
    accepts: Callable[[], Awaitable[bool]],
    *,
    bounds: Bounds | None = None,
) -> asyncio.Server:
    """Listen until the returned server is closed. OSError if the address cannot be had.

    `ready` must not wait. `accepts` says whether the process serves at all, such as by connecting to its own
    listeners.
    """
    lag = LoopLag()
    desk = _Desk(registry_of(metrics, lag), ready, accepts, bounds or Bounds())
    server = await asyncio.start_server(desk.serve, host, port, limit=REQUEST_BYTES_MAX)
    lag.start(asyncio.get_running_loop(), server.is_serving)
    return server


class _Desk:
    """Serves the connections of one server."""

    def __init__(
        self,
        registry: CollectorRegistry,
        ready: Callable[[], Readiness],
        accepts: Callable[[], Awaitable[bool]],
        bounds: Bounds,
    ) -> None:
        self._registry = registry
        self._ready = ready
        self._accepts = accepts
        self._bounds = bounds
        self._clients = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection: one request, one response."""
        self._clients += 1
        try:
            if self._clients <= self._bounds.clients_max:
                await self._converse(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            # TimeoutError is among them: a client that goes away, or neither reads nor writes, is only let
            # go.
            pass
        finally:
            self._clients -= 1
            writer.transport.abort()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        bounds = self._bounds
        with_body = True
        try:
            async with asyncio.timeout(bounds.request_timeout_s):
                request = parse_request(await _head(reader))
            with_body = request.method != "HEAD"
            response = await self._respond(request)
        except RequestError as fault:
            response = _plain(fault.status)
        except TimeoutError:
            response = _plain(HTTPStatus.REQUEST_TIMEOUT)
        # No buffer of ours: `drain` then waits until the kernel has taken everything.
        writer.transport.set_write_buffer_limits(0)
        writer.write(_wire(response, with_body=with_body))
        async with asyncio.timeout(bounds.response_timeout_s):
            await writer.drain()
        await self._linger(reader, writer)

    async def _linger(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Let the client finish: closing on unread bytes would reset the connection under the response."""
        writer.write_eof()
        async with asyncio.timeout(self._bounds.linger_timeout_s):
            left = LINGER_BYTES_MAX
            while left > 0 and (data := await reader.read(left)):
                left -= len(data)

    async def _respond(self, request: Request) -> Response:
        if request.method not in {"GET", "HEAD"}:
            return _plain(HTTPStatus.METHOD_NOT_ALLOWED, {"Allow": "GET, HEAD"})
        try:
            if request.path == "/metrics":
                return self._metrics(request)
            if request.path == "/healthz":
                return await self._health()
            if request.path == "/readyz":
                return self._readiness()
        except Exception as fault:
            # A failing check must not end the door that tells of it.
            log.exception("monitoring_request_failed", path=request.path, fault=type(fault).__name__)
            return _plain(HTTPStatus.INTERNAL_SERVER_ERROR)
        return _plain(HTTPStatus.NOT_FOUND)

    def _metrics(self, request: Request) -> Response:
        body = generate_latest(self._registry)
        headers = {"Vary": "Accept-Encoding"}
        if len(body) >= GZIP_BYTES_MIN and takes_gzip(request.headers.get("accept-encoding", "")):
            body = gzip.compress(body, GZIP_LEVEL, mtime=0)
            headers["Content-Encoding"] = "gzip"
        return Response(HTTPStatus.OK, body, CONTENT_TYPE_PLAIN_0_0_4, headers)

    async def _health(self) -> Response:
        try:
            async with asyncio.timeout(CHECK_TIMEOUT_S):
                accepts = await self._accepts()
        except TimeoutError:
            accepts = False
        reasons = () if accepts else ("a listener does not accept connections",)
        return _report("healthy", Readiness(accepts, reasons))

    def _readiness(self) -> Response:
        return _report("ready", self._ready())


async def _head(reader: asyncio.StreamReader) -> bytes:
    """The request line and the headers, with their last line end."""
    try:
        return (await reader.readuntil(_END_OF_HEAD))[: -len(_END_OF_HEAD)]
    except asyncio.LimitOverrunError:
        raise RequestError(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE) from None
    except asyncio.IncompleteReadError as fault:
        if fault.partial:
            raise RequestError(HTTPStatus.BAD_REQUEST) from None
        raise


def parse_request(head: bytes) -> Request:
    """Read the request line and the headers (RFC 9112, 3 and 5); a RequestError if they are anything else."""
    first, *lines = head.decode("latin-1").split("\r\n")
    parsed = _REQUEST_LINE.fullmatch(first)
    if parsed is None:
        raise RequestError(HTTPStatus.BAD_REQUEST)
    method, target, major, _minor = parsed.groups()
    if major != "1":
        raise RequestError(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED)
    if not target.startswith("/"):
        raise RequestError(HTTPStatus.BAD_REQUEST)
    headers: dict[str, str] = {}
    for line in lines:
        header = _HEADER.fullmatch(line)
        if header is None:
            raise RequestError(HTTPStatus.BAD_REQUEST)
        headers[header[1].lower()] = header[2].strip()
    return Request(method, target.partition("?")[0], headers)


def takes_gzip(accept_encoding: str) -> bool:
    """Whether a client that sent this Accept-Encoding takes gzip (RFC 9110, 12.5.3)."""
    for part in accept_encoding.lower().split(","):
        coding, *parameters = (piece.strip() for piece in part.split(";"))
        if coding == "gzip":
            return not any(_GZIP_REFUSED.fullmatch(parameter) for parameter in parameters)
    return False


def _plain(status: HTTPStatus, headers: dict[str, str] | None = None) -> Response:
    return Response(status, f"{status.value} {status.phrase}\n".encode(), headers=headers or {})


def _report(name: str, readiness: Readiness) -> Response:
    body = json.dumps({name: readiness.ready, "reasons": list(readiness.reasons)}).encode() + b"\n"
    return Response(HTTPStatus.OK if readiness.ready else HTTPStatus.SERVICE_UNAVAILABLE, body, JSON_TYPE)


def _wire(response: Response, *, with_body: bool) -> bytes:
    headers = {
        "Content-Type": response.content_type,
        "Content-Length": str(len(response.body)),
        "Cache-Control": "no-store",
        "Connection": "close",
        **response.headers,
    }
    lines = [
        f"HTTP/1.1 {response.status.value} {response.status.phrase}",
        *(f"{k}: {v}" for k, v in headers.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode() + (response.body if with_body else b"")
