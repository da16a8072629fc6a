"""The wrong, the huge, the half and the hostile: each gets its answer or a closed connection with a counted reason."""

import contextlib
import resource
import socket
import struct
import time

import pytest

from protocol.message import Message
from tests.wire.running import RunningSwitch, Till, card, message

pytestmark = pytest.mark.integration


def refused(running: RunningSwitch, reason: str) -> float:
    return running.metric(f'loyalty_refused_total{{reason="{reason}"}}')


def assert_serves(running: RunningSwitch) -> None:
    with running.till() as till:
        assert till.ask(message(pan=card(1))).fields[39] == "00"


def test_a_broken_field_is_named_if_it_is_known_whom_to_answer(switch: RunningSwitch) -> None:
    with switch.till() as till:
        payload = bytearray(till.codec.encode(message(pan=card(1), amount=500_000)))
        at = payload.index(b"000000500000")
        payload[at : at + 12] = b"00000050000X"
        till.send_frame(bytes(payload))
        reply = till.hear()
        assert (reply.mti, reply.fields[39]) == ("0210", "30")
        assert str(reply.fields[44]).startswith("DE4:")
        # The connection goes on.
        assert till.ask(message(pan=card(1))).fields[39] == "00"


@pytest.mark.parametrize(
    "payload",
    [b"\x00", b"garbage", b"0200", b"0200ZZZZZZZZZZZZZZZZ", b"9999" + b"0" * 16, bytes(range(256)) * 8],
)
def test_nobody_to_answer_closes_the_connection(switch: RunningSwitch, payload: bytes) -> None:
    with switch.till() as till:
        till.send_frame(payload)
        assert till.closed()
    assert_serves(switch)


def test_trailing_bytes_are_a_format_error(switch: RunningSwitch) -> None:
    with switch.till() as till:
        till.send_frame(till.codec.encode(message(pan=card(1))) + b"TAIL")
        assert till.hear().fields[39] == "30"


@pytest.mark.parametrize(("mti", "code"), [("0500", "40"), ("0320", "40"), ("0600", "12"), ("0300", "12")])
def test_mtis_that_are_not_served(switch: RunningSwitch, mti: str, code: str) -> None:
    with switch.till() as till:
        reply = till.ask(message(mti))
        assert reply.mti == f"{mti[:2]}{int(mti[2]) + 1}0"
        assert reply.fields[39] == code


def test_a_response_sent_to_us_closes(switch: RunningSwitch) -> None:
    with switch.till() as till:
        till.send(message("0210"))
        assert till.closed()
    assert refused(switch, "unknown_mti") >= 1


@pytest.mark.parametrize("missing", [3, 4, 7, 11, 32, 41, 49])
def test_a_missing_element_is_named(switch: RunningSwitch, missing: int) -> None:
    sent = message(pan=card(1))
    del sent.fields[missing]
    with switch.till() as till:
        reply = till.ask(sent)
        assert reply.fields[39] == "30"
        assert reply.fields[44] == f"DE{missing} is missing"


def test_precedence_before_the_card(switch: RunningSwitch) -> None:
    """Each message is wrong in several ways; the first in wire.md's order answers."""
    wrong: list[tuple[str, Message]] = [
        ("30", message(de41="T9999999", de42="M99999999999999", code="123456", de7="1332000000")),
        ("58", message(de41="T9999999", de42="M99999999999999", code="123456")),
        ("58", message(de41="X0000001", de42="M99999999999999")),
        ("03", message(de42="M99999999999999", code="900000")),
        ("40", message(code="960000", pan="6037990000000000")),
        ("12", message(code="123456", pan="6037990000000000")),
        ("14", message(pan="6037990000000000", amount=0)),
        ("78", message(pan=card(999_999_991), amount=0)),
        ("54", message(pan=card(999_999_992), amount=0)),
        ("57", message(de32="639607", de41="A0000001", de42="A00000000000001", amount=0)),
        ("13", message(code="006000", amount=0)),
        ("51", message(code="006000", pan=card(399), de48="PT012999999999999")),
    ]
    with switch.till() as till:
        assert [till.ask(sent).fields[39] for _, sent in wrong] == [code for code, _ in wrong]


@pytest.mark.parametrize(
    "private", ["PT", "PT003", "PT0051", "PTxxx5", "PT001A", "PT013" + "9" * 13, "MB003abc", "PT001-"]
)
def test_broken_private_data(switch: RunningSwitch, private: str) -> None:
    sent = message(pan=card(1), code="006000", de48=private)
    if private.startswith("MB"):
        del sent.fields[2]
    with switch.till() as till:
        assert till.ask(sent).fields[39] == "30"


def test_unknown_private_tags_are_ignored(switch: RunningSwitch) -> None:
    with switch.till() as till:
        assert till.ask(message(pan=card(1), de48="ZZ005helloLG002fa")).fields[39] == "00"


@pytest.mark.parametrize(
    "original", ["9" * 42, "0200000001" + "1332000000" + "0" * 22, "0800000001" + "1123000000" + "0" * 22]
)
def test_a_broken_original(switch: RunningSwitch, original: str) -> None:
    with switch.till() as till:
        assert till.ask(message("0400", pan=card(1), de90=original)).fields[39] == "30"


@pytest.mark.parametrize("prefix", [b"\x00\x00", b"\xff\xff", struct.pack(">H", 8_193)])
def test_a_length_of_zero_or_too_long_closes(switch: RunningSwitch, prefix: bytes) -> None:
    with switch.till() as till:
        till.socket.sendall(prefix + b"0" * 64)
        assert till.closed()
    assert refused(switch, "framing") >= 1
    assert_serves(switch)


def test_a_good_message_before_a_bad_length_is_answered(switch: RunningSwitch) -> None:
    with switch.till() as till:
        payload = till.codec.encode(message("0800", de70="301"))
        till.socket.sendall(struct.pack(">H", len(payload)) + payload + b"\x00\x00")
        assert till.hear().fields[39] == "00"
        assert till.closed()


def test_half_a_frame_then_silence(filled_url: str) -> None:
    with RunningSwitch(filled_url, LOYALTY_LIMITS__HALF_FRAME_S="0.2") as running:
        with running.till() as till:
            till.socket.sendall(b"\x00")
            assert till.closed()
        assert refused(running, "half_frame") == 1
        assert_serves(running)


def test_an_idle_connection(filled_url: str) -> None:
    with RunningSwitch(filled_url, LOYALTY_LIMITS__IDLE_S="0.5", LOYALTY_LIMITS__HALF_FRAME_S="0.3") as running:
        with running.till() as till:
            assert till.closed()
        assert refused(running, "idle") == 1


def test_a_client_that_never_reads_is_cut_and_others_go_on(filled_url: str) -> None:
    limits = {"LOYALTY_LIMITS__WRITE_BUFFER_BYTES_MAX": "65536"}
    with RunningSwitch(filled_url, **limits) as running:
        greedy = socket.socket()
        greedy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        greedy.connect(("127.0.0.1", running.port))
        greedy.settimeout(0.2)
        till = Till(running.port)
        payload = till.codec.encode(message("0800", de70="301"))
        frames = (struct.pack(">H", len(payload)) + payload) * 500
        limit = time.monotonic() + 30
        while refused(running, "slow_reader") == 0 and time.monotonic() < limit:
            with contextlib.suppress(TimeoutError, ConnectionError):
                greedy.sendall(frames)
            assert till.ask(message(pan=card(2))).fields[39] == "00"
        assert refused(running, "slow_reader") == 1
        greedy.close()
        till.socket.close()


def test_many_in_flight_are_held_back_not_refused(filled_url: str) -> None:
    with (
        RunningSwitch(filled_url, LOYALTY_LIMITS__IN_FLIGHT_PER_CONNECTION_MAX="8") as running,
        running.till() as till,
    ):
        sent = [message(pan=card(n % 50)) for n in range(200)]
        for one in sent:
            till.send(one)
        codes = [till.hear().fields[39] for _ in sent]
        assert codes == ["00"] * 200
        assert refused(running, "in_flight_paused") >= 1


def test_too_many_connections(filled_url: str) -> None:
    with RunningSwitch(filled_url, LOYALTY_LIMITS__CONNECTIONS_MAX="20") as running:
        tills = [running.till() for _ in range(20)]
        for till in tills:
            assert till.ask(message("0800", de70="301")).fields[39] == "00"
        with running.till() as extra:
            assert extra.closed()
        assert refused(running, "too_many_connections") >= 1
        assert tills[0].ask(message(pan=card(3))).fields[39] == "00"
        for till in tills:
            till.socket.close()


def test_ten_thousand_idle_connections(filled_url: str) -> None:
    wanted = 10_000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted + 200:
        wanted = hard - 200
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted + 200), hard))
    with RunningSwitch(filled_url) as running:
        idle: list[socket.socket] = []
        try:
            for number in range(wanted):
                # Loopback has more addresses than one, and each has its own client ports.
                client = socket.socket()
                client.bind((f"127.0.0.{2 + number % 50}", 0))
                client.connect(("127.0.0.1", running.port))
                idle.append(client)
            running.wait_metric("loyalty_connections", wanted)
            with running.till() as till:
                for _ in range(50):
                    assert till.ask(message(pan=card(4))).fields[39] == "00"
        finally:
            for client in idle:
                client.close()
        assert_serves(running)


def test_a_port_that_is_taken_is_said(filled_url: str) -> None:
    with RunningSwitch(filled_url) as running:
        second = RunningSwitch(filled_url)
        second.ports = running.ports
        second._specs = running._specs
        with pytest.raises(AssertionError, match="choose another port with --listen"):
            second.start()
        assert second.process is not None
        assert second.process.returncode == 2
