"""The operator's door over a real socket, to clients that behave and to clients that don't."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.http import (
    REQUEST_BYTES_MAX,
    Bounds,
    Readiness,
    RequestError,
    parse_request,
    serve,
    takes_gzip,
)
from monitoring.metrics import Metrics

BOUNDS = Bounds(request_timeout_s=0.2, response_timeout_s=0.2, linger_timeout_s=0.2, clients_max=4)


@dataclass
class Door:
    port: int = 0
    metrics: Metrics = field(default_factory=Metrics)
    readiness: Readiness = field(default_factory=lambda: Readiness(ready=True))
    accepting: bool = True
    fault: Exception | None = None

    def ready(self) -> Readiness:
        if self.fault is not None:
            raise self.fault
        return self.readiness

    async def accepts(self) -> bool:
        return self.accepting


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    door = Door()
    server = await serve("127.0.0.1", 0, door.metrics, door.ready, door.accepts, bounds=BOUNDS)
    door.port = server.sockets[0].getsockname()[1]
    yield door
    server.close()
    await server.wait_closed()


async def said(port: int, request: bytes, *, eof: bool = False) -> bytes:
    """Everything the server answers until it closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    if eof:
        writer.write_eof()
    try:
        answer = await reader.read()
    except ConnectionResetError:
        answer = b""
    writer.close()
    return answer


async def asked(port: int, request: bytes) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of a response."""
    head, _, body = (await said(port, request)).partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    return int(first.split()[1]), dict(line.split(": ", 1) for line in lines), body


async def got(port: int, path: str, headers: str = "") -> tuple[int, dict[str, str], bytes]:
    return await asked(port, f"GET {path} HTTP/1.1\r\nHost: x\r\n{headers}\r\n".encode())


async def test_metrics(door: Door) -> None:
    door.metrics.answered("0200", "00", "581672", 0.001)
    status, headers, body = await got(door.port, "/metrics?name=x")
    assert status == 200
    assert headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert int(headers["Content-Length"]) == len(body)
    assert b'loyalty_answers_total{institution="581672",mti="0200",response_code="00"} 1.0' in body


async def test_metrics_compressed(door: Door) -> None:
    status, headers, body = await got(door.port, "/metrics", "Accept-Encoding: br, gzip;q=0.5\r\n")
    assert (status, headers["Content-Encoding"]) == (200, "gzip")
    assert b"python_info" in gzip.decompress(body)


async def test_head_has_the_headers_and_no_body(door: Door) -> None:
    status, headers, body = await asked(door.port, b"HEAD /metrics HTTP/1.0\r\n\r\n")
    assert status == 200
    assert int(headers["Content-Length"]) > 1_000
    assert body == b""


async def test_ready_says_why_not(door: Door) -> None:
    status, headers, body = await got(door.port, "/readyz")
    assert (status, json.loads(body)) == (200, {"ready": True, "reasons": []})
    assert headers["Content-Type"] == "application/json"
    door.readiness = Readiness(ready=False, reasons=("lane 1 has no store",))
    status, _, body = await got(door.port, "/readyz")
    assert (status, json.loads(body)) == (503, {"ready": False, "reasons": ["lane 1 has no store"]})


async def test_health_follows_the_listeners(door: Door) -> None:
    assert (await got(door.port, "/healthz"))[0] == 200
    door.accepting = False
    assert (await got(door.port, "/healthz"))[0] == 503


async def test_a_failing_check_is_answered_and_survived(door: Door) -> None:
    door.fault = RuntimeError("broken")
    status, _, body = await got(door.port, "/readyz")
    assert status == 500
    assert b"broken" not in body
    assert (await got(door.port, "/healthz"))[0] == 200


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", 404),
        (b"GET /metrics/ HTTP/1.1\r\n\r\n", 404),
        (b"GET /../../etc/passwd HTTP/1.1\r\n\r\n", 404),
        (b"POST /metrics HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", 405),
        (b"DELETE / HTTP/1.1\r\n\r\n", 405),
        (b"GET /metrics\r\n\r\n", 400),
        (b"GET  /metrics HTTP/1.1\r\n\r\n", 400),
        (b"GET metrics HTTP/1.1\r\n\r\n", 400),
        (b"GET http://elsewhere/metrics HTTP/1.1\r\n\r\n", 400),
        (b"CONNECT a:443 HTTP/1.1\r\n\r\n", 400),
        (b"GET /metrics HTTP/2.0\r\n\r\n", 505),
        (b"GET /metrics HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (b"GET /metrics HTTP/1.1\r\nA: b\r\n folded\r\n\r\n", 400),
        (b"GET /metrics HTTP/1.1\r\nA: b\nc: d\r\n\r\n", 400),
        (b"GET /metrics HTTP/1.1\r\nA : b\r\n\r\n", 400),
        (b"\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        (b"\x00\xb20200" + bytes(200) + b"\r\n\r\n", 400),
        (b"GET /" + b"a" * REQUEST_BYTES_MAX + b" HTTP/1.1\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 5_000 + b"\r\n", 431),
        (b"GET /metrics HTTP/1.1\r\nHost: x\r\n", 408),
        (b"G", 408),
    ],
)
async def test_what_is_no_good_request_gets_its_status(door: Door, request_bytes: bytes, status: int) -> None:
    found, headers, body = await asked(door.port, request_bytes)
    assert found == status
    assert headers["Connection"] == "close"
    assert int(headers["Content-Length"]) == len(body)
    assert (await got(door.port, "/readyz"))[0] == 200


async def test_half_a_request_and_goodbye(door: Door) -> None:
    assert (await said(door.port, b"GET /met", eof=True)).startswith(b"HTTP/1.1 400 ")
    assert await said(door.port, b"", eof=True) == b""


async def test_a_second_request_on_the_connection_is_not_served(door: Door) -> None:
    answer = await said(door.port, b"GET /readyz HTTP/1.1\r\n\r\n" * 2)
    assert answer.count(b"HTTP/1.1 ") == 1


async def test_silent_connections_are_bounded_and_let_go(door: Door) -> None:
    silent = [await asyncio.open_connection("127.0.0.1", door.port) for _ in range(BOUNDS.clients_max)]
    assert await said(door.port, b"GET /readyz HTTP/1.1\r\n\r\n") == b"", "one too many is closed at once"
    for reader, writer in silent:
        assert (await reader.read()).startswith(b"HTTP/1.1 408 ")
        writer.close()
    answers = [await said(door.port, b"GET /readyz HTTP/1.1\r\n\r\n") for _ in range(BOUNDS.clients_max)]
    assert answers[-1].startswith(b"HTTP/1.1 200 ")


async def test_a_client_that_sends_for_ever_is_cut_off(door: Door) -> None:
    async def send_for_ever() -> None:
        _reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
        writer.transport.set_write_buffer_limits(0)
        while True:
            writer.write(b"A" * 65_536)
            await writer.drain()

    with pytest.raises(ConnectionError):
        await asyncio.wait_for(send_for_ever(), 10)
    assert (await got(door.port, "/readyz"))[0] == 200


@given(st.binary(max_size=200))
def test_parsing_gives_a_request_or_says_why_not(head: bytes) -> None:
    try:
        path = parse_request(head).path
    except RequestError:
        return
    assert path.startswith("/")


@pytest.mark.parametrize(
    ("header", "taken"),
    [
        ("gzip", True),
        ("deflate, GZIP", True),
        ("gzip;q=1.0", True),
        ("gzip; q=0.001", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("", False),
        ("identity", False),
        ("xgzip", False),
    ],
)
def test_gzip_only_for_those_who_take_it(header: str, taken: bool) -> None:
    assert takes_gzip(header) is taken
