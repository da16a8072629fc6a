"""The till against a switch of a few lines: what it sends, what it shows, how it ends."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from adapters.cli.till import app
from adapters.cli.till_memory import default_path
from protocol import tlv
from protocol.codec import codec_for
from protocol.framing import framing_for
from protocol.message import Message
from protocol.mti import RESPONSE_OF

CARD = "6037990000000006"
MASKED = "603799******0006"
OTHER_CARD = "6037990000000014"

Answer = Callable[[Message], Message | bytes | None]


def approve(message: Message) -> Message:
    """A reply as the switch would give it."""
    echoed = {
        number: message.fields[number] for number in (2, 3, 4, 7, 11, 32, 37, 41, 49, 70) if number in message.fields
    }
    return Message(RESPONSE_OF[message.mti], echoed | {39: "00"})


def with_fields(**fields: str) -> Answer:
    """A reply with these data elements, `de39="51"`."""
    added: dict[int, str | bytes] = {int(name.removeprefix("de")): value for name, value in fields.items()}
    return lambda message: Message(RESPONSE_OF[message.mti], approve(message).fields | added)


class Switch:
    """Answers one message on each connection: a reply, raw bytes, silence (None), or a closed line (b"")."""

    def __init__(self, answer: Answer, dialect: str, framing: str) -> None:
        self.heard: list[Message] = []
        self._answer = answer
        self._codec, self._framing = codec_for(dialect), framing_for(framing)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            line, _ = self._listener.accept()
            with line:
                payload, header = self._frame(line)
                if not payload:
                    return
                message = self._codec.canonical(self._codec.decode(payload))
                self.heard.append(message)
                answer = self._answer(message)
                if answer is None:
                    line.recv(1)
                elif isinstance(answer, bytes):
                    line.sendall(answer)
                else:
                    line.sendall(self._framing.wrap(self._codec.encode(self._codec.native(answer)), header))

    def _frame(self, line: socket.socket) -> tuple[bytes, bytes]:
        splitter = self._framing.splitter()
        while data := line.recv(7):
            if frames := splitter.feed(data):
                return frames[0]
        return b"", b""

    def stop(self) -> None:
        """A connection that says nothing ends it."""
        socket.create_connection(("127.0.0.1", self.port)).close()
        self._thread.join(timeout=10)
        self._listener.close()


@contextmanager
def switch(answer: Answer = approve, dialect: str = "iso87-ascii", framing: str = "length2") -> Iterator[Switch]:
    server = Switch(answer, dialect, framing)
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(autouse=True)
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return default_path()


def send(server: Switch | int, *arguments: str) -> Any:
    port = server if isinstance(server, int) else server.port
    return CliRunner().invoke(app, [*arguments, "--port", str(port)])


def test_a_purchase_carries_what_the_wire_profile_asks_for() -> None:
    with switch() as server:
        result = send(server, "purchase", "--card", CARD, "--amount", "500000")
    assert result.exit_code == 0, result.output
    message = server.heard[0]
    assert message.mti == "0200"
    expected = {2: CARD, 3: "000000", 4: "000000500000", 11: "000001", 22: "010", 25: "00", 32: "581672"}
    expected |= {41: "T0000001", 42: "M00000000000001", 49: "364"}
    assert expected.items() <= message.fields.items()
    assert set(message.fields) == {*expected, 7, 12, 13, 37}
    assert str(message.fields[37]).endswith("000001")


def test_the_card_is_shown_masked_and_nowhere_kept(memory: Path) -> None:
    with switch() as server:
        result = send(server, "purchase", "--amount", "1", "--tlv", "NA=Sara", "--mobile", "09121234567")
        second = send(server, "purchase", "--amount", "1", "--track2", f"{CARD}=29121011000")
        third = send(server, "purchase", "--amount", "1", "--json")
    shown = result.output + second.output + third.output
    assert MASKED in shown
    for secret in (CARD, "09121234567", "Sara", "29121011"):
        assert secret not in shown
        assert secret not in memory.read_text()
    assert memory.stat().st_mode & 0o077 == 0


def test_an_approval_says_what_was_decided() -> None:
    reply = with_fields(
        de62="PB0015CB00210PE0015DS00510000",
        de54="6002999C0000000000056502364D000000000010",
        de4="000000490000",
    )
    with switch(reply) as server:
        result = send(server, "purchase", "--amount", "500000")
    assert result.exit_code == 0
    assert "62 PE" in result.output
    assert "5 points; -10 minor units of credit" in " ".join(result.output.split())
    assert (
        "Approved: 5 points earned, 10000 of discount, 490,000 still to be paid, the balance is 5 points."
        in result.output
    )


def test_a_decline_ends_with_1_and_says_the_next_step() -> None:
    with switch(with_fields(de39="58", de44="DE41 unknown to DE32")) as server:
        result = send(server, "purchase", "--amount", "500000", "--terminal", "T9")
    assert result.exit_code == 1
    assert "Declined, 58: not allowed to this terminal (DE41 unknown to DE32)." in result.output
    assert "--terminal" in result.output
    assert server.heard[0].fields[41] == "T9      "


def test_a_response_code_that_nobody_knows_is_a_decline() -> None:
    with switch(with_fields(de39="ZZ")) as server:
        result = send(server, "echo")
    assert result.exit_code == 1
    assert "Declined, ZZ" in result.output


@pytest.mark.parametrize(
    ("command", "mti", "processing_code", "private"),
    [
        (["redeem"], "0200", "006000", None),
        (["redeem", "--points", "3"], "0200", "006000", "PT0013"),
        (["redeem", "--credit", "all"], "0200", "006500", None),
        (["redeem", "--credit", "2500", "--tlv", "LG=fa"], "0200", "006500", "CR0042500LG002fa"),
        (["redeem", "--points", "3", "--reward", "LIP"], "0200", "006000", "PT0013RW003LIP"),
        (["purchase", "--reward", "LIP"], "0200", "000000", "RW003LIP"),
        (["purchase", "--offer", "base", "--offer", "b.reward"], "0200", "000000", "OF004baseOF008b.reward"),
        (["redeem", "--points", "3", "--coupon", "ABCD", "--offer", "x"], "0200", "006000", "PT0013CP004ABCDOF001x"),
        (["advice", "--coupon", "ABCD"], "0220", "000000", "CP004ABCD"),
        (["advice"], "0220", "000000", None),
        (["advice", "--points", "all"], "0220", "006000", None),
        (["advice", "--credit", "7"], "0220", "006500", "CR0017"),
    ],
)
def test_ways_to_pay(command: list[str], mti: str, processing_code: str, private: str | None) -> None:
    with switch() as server:
        result = send(server, *command, "--amount", "9")
    assert result.exit_code == 0, result.output
    message = server.heard[0]
    assert (message.mti, message.fields[3], message.fields.get(48)) == (mti, processing_code, private)


def test_a_basket_is_de63() -> None:
    with switch() as server:
        send(server, "purchase", "--amount", "12", "--line", "7;tea;1;5", "--line", "9;قند;1;7")
    assert server.heard[0].fields[63] == "LI0097;tea;1;5LI0129;قند;1;7"


@pytest.mark.parametrize(
    ("command", "code"), [("echo", "301"), ("sign-on", "001"), ("sign-off", "002"), ("cut-over", "201")]
)
def test_network_management(command: str, code: str) -> None:
    with switch() as server:
        result = send(server, command)
    assert result.exit_code == 0, result.output
    message = server.heard[0]
    assert (message.mti, message.fields[70], message.fields[41]) == ("0800", code, "T0000001")
    assert (15 in message.fields) == (command == "cut-over")


def test_a_cut_over_names_the_date_that_begins() -> None:
    with switch() as server:
        send(server, "cut-over", "--date", "1124")
    assert server.heard[0].fields[15] == "1124"


def test_movements_are_shown_in_words() -> None:
    answer = with_fields(
        de62=tlv.build(
            [
                ("PB", "9"),
                ("MV", "20270105;000000;-400000;-4;1000"),
                ("NR", "large;amount=1800000;amount>=2000000|hour>20"),
                ("MV", "none of ours"),
            ]
        )
    )
    with switch(answer) as server:
        result = send(server, "movements")
    (asked,) = server.heard
    assert (asked.mti, asked.fields[3], 4 in asked.fields) == ("0100", "380000", False)
    said = " ".join(result.output.split())
    assert "2027-01-05 purchase: -400,000 minor units, -4 points, +1,000 of credit" in said
    assert "large lacked amount>=2000000 or hour>20; it was amount=1800000" in said
    assert "none of ours" in said


def test_a_balance_inquiry_has_no_amount() -> None:
    with switch() as server:
        assert send(server, "balance").exit_code == 0
    assert (server.heard[0].mti, server.heard[0].fields[3]) == ("0100", "310000")
    assert 4 not in server.heard[0].fields


def original_of(message: Message) -> str:
    """DE90 that names a message of the default acquirer."""
    return f"{message.mti}{message.fields[11]}{message.fields[7]}00000581672{'0' * 11}"


def test_a_refund_names_its_original_and_takes_its_amount() -> None:
    with switch() as server:
        send(server, "purchase", "--amount", "500000")
        send(server, "purchase", "--amount", "900", "--rrn", "ABCDEFGHIJKL")
        send(server, "refund", "--of", "ABCDEFGHIJKL")
        send(server, "refund", "--of", "ABCDEFGHIJKL", "--amount", "100")
    first, second, whole, part = server.heard
    assert first.fields[11] != second.fields[11]
    assert (whole.fields[3], whole.fields[4], whole.fields[90]) == (
        "200000",
        "000000000900",
        original_of(second),
    )
    assert (part.fields[4], part.fields[90]) == ("000000000100", original_of(second))


def test_a_reversal_of_the_last_message_even_if_it_was_not_answered() -> None:
    answers: list[Answer] = [lambda _: b"", approve, approve]

    def answer(message: Message) -> Message | bytes | None:
        return answers.pop(0)(message)

    with switch(answer) as server:
        assert send(server, "redeem", "--amount", "500000").exit_code == 2
        assert send(server, "reverse", "--last").exit_code == 0
        assert send(server, "reverse", "--last", "--advice", "--actual-amount", "200").exit_code == 0
    asked, reversal, advice = server.heard
    assert reversal.mti == "0400"
    assert (reversal.fields[3], reversal.fields[4]) == ("006000", "000000500000")
    assert reversal.fields[90] == advice.fields[90] == original_of(asked)
    assert advice.mti == "0420"
    assert advice.fields[95] == "000000000200" + "0" * 12 + "C00000000C00000000"
    assert 95 not in reversal.fields


def test_an_original_named_by_stan_and_time() -> None:
    with switch() as server:
        send(
            server,
            "reverse",
            "--original-stan",
            "77",
            "--original-time",
            "1123101112",
            "--original-mti",
            "0220",
        )
        wrong = send(server, "reverse", "--original-stan", "77")
    assert server.heard[0].fields[90] == f"02200000771123101112{'581672':0>11}{'0' * 11}"
    assert wrong.exit_code == 2
    assert "belong together" in wrong.output


def test_a_card_that_is_not_kept_is_asked_for() -> None:
    with switch() as server:
        send(server, "purchase", "--amount", "1", "--card", OTHER_CARD)
        wrong = send(server, "reverse", "--last")
        right = send(server, "reverse", "--last", "--card", OTHER_CARD)
    assert wrong.exit_code == 2
    assert "603799******0014" in wrong.output
    assert right.exit_code == 0
    assert server.heard[-1].fields[2] == OTHER_CARD


@pytest.mark.parametrize("command", ["refund", "reverse"])
def test_nothing_to_name(command: str) -> None:
    with switch() as server:
        unsaid = send(server, command)
        forgotten = send(server, command, "--of", "last")
    assert (unsaid.exit_code, forgotten.exit_code) == (2, 2)
    assert "--last" in unsaid.output
    assert "--original-stan" in forgotten.output
    assert server.heard == []


@pytest.mark.parametrize(
    "command",
    [
        ["purchase", "--amount", "7"],
        ["balance"],
        ["movements"],
        ["refund", "--of", "last"],
        ["reverse", "--last"],
        ["advice", "--amount", "7"],
    ],
)
def test_a_repeat_is_the_same_message_but_for_its_mti(command: list[str]) -> None:
    with switch() as server:
        send(server, "purchase", "--amount", "41")
        assert send(server, *command).exit_code == 0
        send(server, "echo")
        result = send(server, command[0], "--repeat")
    assert result.exit_code == 0, result.output
    first, again = server.heard[1], server.heard[3]
    assert again.mti == first.mti[:3] + "1"
    assert again.fields == first.fields


def test_a_repeat_of_a_named_stan_with_other_content() -> None:
    with switch() as server:
        send(server, "purchase", "--amount", "41", "--stan", "5")
        send(server, "purchase", "--amount", "42")
        send(server, "purchase", "--amount", "43", "--stan", "5", "--repeat")
        missing = send(server, "purchase", "--stan", "6", "--repeat")
    first, again = server.heard[0], server.heard[2]
    assert again.fields == first.fields | {4: "000000000043"}
    assert missing.exit_code == 2
    assert "remembers no such 0200" in missing.output


def test_json_is_one_object() -> None:
    with switch(with_fields(de39="51", de62="PB0015", de44="3 points short")) as server:
        result = send(server, "redeem", "--amount", "5", "--points", "8", "--json")
    assert result.exit_code == 1
    told = json.loads(result.output)
    assert told["request"]["mti"] == "0200"
    assert told["request"]["fields"]["2"] == MASKED
    assert told["request"]["private"]["48"] == [["PT", "8"]]
    assert told["reply"]["private"]["62"] == [["PB", "5"]]
    assert (told["response_code"], told["meaning"]) == ("51", "not enough points or credit")
    assert told["milliseconds"] > 0


@pytest.mark.parametrize(
    ("dialect", "framing"),
    [
        ("iso87-ascii", "ascii4"),
        ("iso87-binary", "length2+tpdu"),
        ("iso87-ebcdic", "bcd2"),
        ("iso93-ascii", "length2+header=CAFE"),
        ("msgpack", "length2"),
    ],
)
def test_every_dialect_and_framing(dialect: str, framing: str) -> None:
    spoken = ["--dialect", dialect, "--framing", framing]
    with switch(dialect=dialect, framing=framing) as server:
        results = [
            send(server, "purchase", "--amount", "500000", *spoken),
            send(server, "reverse", "--last", *spoken),
            send(server, "echo", *spoken),
        ]
    assert [result.exit_code for result in results] == [0, 0, 0], [result.output for result in results]
    purchase, reversal, echo = server.heard
    assert (purchase.mti, purchase.fields[2], purchase.fields[4]) == ("0200", CARD, "000000500000")
    assert str(reversal.fields[90])[:20] == f"0200{purchase.fields[11]}{purchase.fields[7]}"
    assert echo.fields[70] == "301"


def test_fields_are_put_in_and_left_out() -> None:
    with switch() as server:
        result = send(
            server,
            "purchase",
            "--amount",
            "1",
            "--field",
            "49=",
            "--field",
            "24=200",
            "--field",
            "52=0102030405060708",
        )
    assert result.exit_code == 0, result.output
    fields = server.heard[0].fields
    assert (49 in fields, fields[24], fields[52]) == (False, "200", bytes(range(1, 9)))
    assert "<8 bytes>" in result.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["purchase"], "--amount is missing"),
        (["purchase", "--amount", "-1"], "--amount"),
        (["purchase", "--amount", "1000000000000"], "--amount"),
        (["purchase", "--amount", "12.5"], "--amount"),
        (["purchase", "--amount", "1", "--card", "6037"], "12 to 19 digits"),
        (["purchase", "--amount", "1", "--card", "٦٠٣٧٩٩٠٠٠٠٠٠٠٠٠٠"], "12 to 19 digits"),
        (["purchase", "--amount", "1", "--terminal", "T00000001"], "1 to 8 printable"),
        (["purchase", "--amount", "1", "--stan", "1234567"], "1 to 6 digits"),
        (["purchase", "--amount", "1", "--time", "1123"], "exactly 10 digits"),
        (["purchase", "--amount", "1", "--rrn", "toolongforanrrn"], "DE37"),
        (["purchase", "--amount", "1", "--tlv", "LG"], "TAG=VALUE"),
        (["purchase", "--amount", "1", "--tlv", "LANG=fa"], "--tlv"),
        (["purchase", "--amount", "1", "--field", "4"], "NUMBER=VALUE"),
        (["purchase", "--amount", "1", "--field", "129=1"], "2 to 128"),
        (["purchase", "--amount", "1", "--field", "52=zz"], "hex"),
        (["purchase", "--amount", "1", "--field", "18=12345"], "DE 18"),
        (["purchase", "--amount", "1", "--dialect", "iso03"], "iso03"),
        (["purchase", "--amount", "1", "--framing", "length9"], "length9"),
        (["redeem", "--amount", "1", "--points", "many"], "PT"),
        (["purchase", "--repeat"], "remembers no such 0200"),
    ],
)
def test_options_that_make_no_message_end_with_2_and_name_the_field(arguments: list[str], said: str) -> None:
    with switch() as server:
        result = send(server, *arguments)
    assert result.exit_code == 2, result.output
    assert said in " ".join(result.output.replace("│", " ").split())
    assert "Traceback" not in result.output
    assert server.heard == []


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def test_nothing_listens() -> None:
    result = send(free_port(), "echo")
    assert result.exit_code == 2
    assert "Nothing listens on 127.0.0.1:" in result.output
    assert "make run" in result.output


def test_no_such_host() -> None:
    result = send(1, "echo", "--host", "no-such-host.invalid")
    assert result.exit_code == 2
    assert "--host" in result.output


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (None, "No answer in 0.2 s"),
        (b"", "ended without an answer"),
        (b"\x00\x00", "not in frames of kind length2"),
        (b"\x00\x04oops", "no iso87-ascii message"),
        (Message("0210", {11: "999999", 39: "00"}), "another message"),
        (Message("0410", {11: "000001", 39: "00"}), "another message"),
        (Message("0210", {11: "000001"}), "no DE39"),
    ],
)
def test_no_answer_that_can_be_used(answer: Message | bytes | None, said: str) -> None:
    with switch(lambda _: answer) as server:
        result = send(server, "purchase", "--amount", "1", "--timeout", "0.2")
    assert result.exit_code == 2
    assert said in " ".join(result.output.split())


def test_a_purchase_shows_its_coupons() -> None:
    with switch() as server:
        result = send(server, "purchase", "--amount", "500000", "--coupon", "7D4K-0QXW", "--coupon", "SPRING10")
    assert result.exit_code == 0, result.output
    assert server.heard[0].fields[48] == "CP0097D4K-0QXWCP008SPRING10"
    assert "SPRING10" not in result.output


def test_a_coupon_is_asked_about() -> None:
    with switch() as server:
        assert send(server, "coupon", "--coupon", "SPRING10").exit_code == 0
        assert send(server, "coupon", "--coupon", "SPRING10", "--amount", "500000").exit_code == 0
    first, second = server.heard
    assert (first.mti, first.fields[3], first.fields[48]) == ("0100", "920000", "CP008SPRING10")
    assert 4 not in first.fields
    assert second.fields[4] == "000000500000"
