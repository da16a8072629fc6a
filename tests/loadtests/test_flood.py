"""The flood client against servers that answer well, badly, late or not at all."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict

import pytest

from loadtests.flood import Flood, Plan, Report, lines, main
from loadtests.frames import LENGTH_BYTES
from loadtests.servers import parsed
from loadtests.yardstick import FrameServer, listen
from protocol.codec import codec_for
from protocol.message import Message

CODEC = codec_for("iso87-ascii")

OnFrame = Callable[[FrameServer, bytes], None]


def reply(frame: bytes, code: str = "00", **changes: str) -> bytes:
    fields = CODEC.decode(frame[LENGTH_BYTES:]).fields
    answer = {number: fields[number] for number in (2, 3, 4, 7, 11, 32, 37, 41)} | {
        39: code,
        54: "6002999C" + "0" * 12,
    }
    answer |= {int(name[2:]): value for name, value in changes.items()}
    body = CODEC.encode(Message("0210", answer))
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


@asynccontextmanager
async def serving(on_frame: OnFrame) -> AsyncIterator[int]:
    server = await listen(on_frame, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


async def flooded(on_frame: OnFrame, **plan: float) -> Report:
    settings = {"connections": 3, "cards": 100, "warm_up_s": 0.0, "duration_s": 0.2, "grace_s": 0.2} | plan
    async with serving(on_frame) as port:
        return await Flood(Plan("127.0.0.1", port, **settings)).run()  # type: ignore[arg-type]


async def test_closed_loop_has_one_message_in_flight_on_each_connection() -> None:
    under_way: dict[FrameServer, int] = {}
    most = 0

    def answer_later(client: FrameServer, frame: bytes) -> None:
        nonlocal most
        under_way[client] = under_way.get(client, 0) + 1
        most = max(most, *under_way.values())

        def answer() -> None:
            under_way[client] -= 1
            client.answer(reply(frame))

        asyncio.get_running_loop().call_soon(answer)

    report = await flooded(answer_later)
    assert report.sound
    assert most == 1
    assert len(under_way) == 3
    assert report.codes == {"00": report.messages}
    assert report.messages_per_s == pytest.approx(report.messages / 0.2)
    assert report.latency is not None


async def test_every_key_is_sent_once_and_each_connection_is_a_terminal() -> None:
    keys: list[tuple[object, ...]] = []
    terminals: dict[FrameServer, set[object]] = {}

    def keep(client: FrameServer, frame: bytes) -> None:
        fields = CODEC.decode(frame[LENGTH_BYTES:]).fields
        keys.append((fields[41], fields[7], fields[11]))
        terminals.setdefault(client, set()).add(fields[41])
        client.answer(reply(frame))

    report = await flooded(keep)
    assert len(set(keys)) == len(keys) == report.sent > 3
    assert sorted(terminals.values(), key=str) == [{"T0000001"}, {"T0000002"}, {"T0000003"}]


async def test_declines_are_counted_by_code() -> None:
    codes = iter(["00", "14"] * 1_000_000)
    report = await flooded(lambda client, frame: client.answer(reply(frame, next(codes))))
    assert report.codes.keys() == {"00", "14"}
    assert sum(report.codes.values()) == report.messages


async def test_an_echo_is_an_answer_without_a_code() -> None:
    report = await flooded(lambda client, frame: client.answer(frame))
    assert report.sound
    assert report.codes == {"": report.messages}


async def test_replies_in_pieces_are_put_together() -> None:
    def drip(client: FrameServer, frame: bytes) -> None:
        answer = reply(frame)
        loop = asyncio.get_running_loop()
        client.answer(answer[:1])
        loop.call_later(0.001, client.answer, answer[1:40])
        loop.call_later(0.002, client.answer, answer[40:])

    report = await flooded(drip)
    assert report.sound
    assert report.codes == {"00": report.messages}


async def test_an_answer_to_something_else_is_a_mismatch() -> None:
    def answer_the_next_one(client: FrameServer, frame: bytes) -> None:
        stan = CODEC.decode(frame[LENGTH_BYTES:]).fields[11]
        client.answer(reply(frame, DE11=f"{(int(stan) + 1) % 1_000_000:06d}"))

    report = await flooded(answer_the_next_one)
    assert report.mismatched > 0
    assert report.messages == 0
    assert not report.sound


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x00\x04abcd",
        b"\x00\x20" + b"x" * 32,
        b"\x00\x16" + b"0210" + b"Z" * 18,
        b"\x00\x14" + b"0210" + b"2000000000000000",
    ],
)
async def test_what_is_no_reply_is_malformed(garbage: bytes) -> None:
    report = await flooded(lambda client, frame: client.answer(garbage))
    assert report.malformed > 0
    assert not report.sound


async def test_two_answers_to_one_message_are_malformed() -> None:
    report = await flooded(lambda client, frame: client.answer(reply(frame) * 2))
    assert report.malformed > 0


async def test_silence_is_counted() -> None:
    report = await flooded(lambda client, frame: None)
    assert (report.messages, report.unanswered, report.latency) == (0, 3, None)
    assert not report.sound


async def test_lost_connections_are_counted_with_what_they_owed() -> None:
    def hang_up(client: FrameServer, frame: bytes) -> None:
        assert client.transport is not None
        client.transport.abort()

    report = await flooded(hang_up)
    assert (report.lost_connections, report.unanswered) == (3, 3)


async def test_open_loop_sends_what_was_offered() -> None:
    report = await flooded(lambda client, frame: client.answer(reply(frame)), rate=500.0, duration_s=0.4)
    assert report.sound
    assert report.rate == 500.0
    assert 0 < report.messages <= 200 + 1


async def test_open_loop_latency_counts_from_when_a_message_was_due() -> None:
    held: list[tuple[FrameServer, bytes]] = []

    def stall(client: FrameServer, frame: bytes) -> None:
        """The one connection's first message is answered after a quarter of a second, the others at once."""
        if not held:
            held.append((client, frame))
            asyncio.get_running_loop().call_later(0.25, client.answer, reply(frame))
        else:
            client.answer(reply(frame))

    report = await flooded(stall, connections=1, rate=200.0, duration_s=0.4, grace_s=5.0)
    assert report.latency is not None
    # Fifty messages fell due meanwhile; a client that waited with them would see one slow among eighty.
    assert report.latency.p50_s > 0.005
    assert report.latency.max_s >= 0.24


async def test_a_backlog_is_sent_after_the_end_and_its_latency_is_known() -> None:
    def slowly(client: FrameServer, frame: bytes) -> None:
        asyncio.get_running_loop().call_later(0.02, client.answer, reply(frame))

    report = await flooded(slowly, connections=1, rate=200.0, duration_s=0.2, grace_s=10.0)
    assert report.sound
    assert report.sent >= 35
    assert report.latency is not None
    assert report.latency.max_s > 0.2


async def test_messages_that_could_not_go_out_are_unanswered() -> None:
    report = await flooded(lambda client, frame: None, connections=1, rate=100.0)
    assert report.unanswered > 1


async def test_a_report_survives_the_way_through_json() -> None:
    report = await flooded(lambda client, frame: client.answer(reply(frame)))
    assert parsed(json.dumps(asdict(report))) == report
    assert any(text.startswith("DE39: 00 ") for text in lines(report))
    assert "messages/s" in "\n".join(lines(report))


def test_nobody_there_is_said_and_is_no_result(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--port", "1", "--connections", "1", "--cards", "1", "--warm-up", "0", "--duration", "0"]) == 2
    assert "cannot flood" in capsys.readouterr().err
