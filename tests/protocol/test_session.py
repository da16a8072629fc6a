import pytest

from protocol import session as session_module
from protocol.codec import codec_for
from protocol.errors import MtiError
from protocol.message import Message
from protocol.session import NetworkKind, Session

T1, T2 = "T0000001", "T0000002"


def network(code: str, terminal: str | None = None, mti: str = "0800") -> Message:
    fields: dict[int, str | bytes] = {7: "1122000001", 11: "000001", 70: code}
    if terminal is not None:
        fields[41] = terminal
    return Message(mti, fields)


def sent(mti: str, terminal: str | None = T1) -> Message:
    return Message(mti, {} if terminal is None else {41: terminal})


@pytest.mark.parametrize(
    ("code", "kind", "answer"),
    [
        ("001", NetworkKind.SIGN_ON, "00"),
        ("002", NetworkKind.SIGN_OFF, "00"),
        ("301", NetworkKind.ECHO, "00"),
        ("101", NetworkKind.KEY_CHANGE, "40"),
        ("201", NetworkKind.CUT_OVER, "00"),
        ("999", NetworkKind.UNKNOWN, "40"),
    ],
)
def test_what_each_code_asks_for(code: str, kind: NetworkKind, answer: str) -> None:
    request = Session().network(network(code))
    assert request.kind is kind
    reply = request.reply()
    assert reply.mti == "0810"
    assert reply.fields[39] == answer
    assert (44 in reply.fields) == (kind is NetworkKind.UNKNOWN)
    assert reply.fields[70] == code


def test_a_reply_says_again_what_names_the_request() -> None:
    named: dict[int, str | bytes] = {
        7: "1122000001",
        11: "000001",
        12: "000001",
        13: "1122",
        32: "581672",
        33: "636795",
        37: "632612345678",
        41: T1,
        42: "M00000000000001",
        70: "301",
    }
    request = Session().network(Message("0800", {**named, 48: "MB0040912", 53: "0" * 16}))
    assert request.reply("00").fields == {**named, 39: "00"}
    assert request.reply("00", "1123").fields == {**named, 39: "00", 15: "1123"}
    assert request.reply("96").fields == {**named, 39: "96"}


def test_a_repeat_and_an_advice_have_their_answers() -> None:
    assert Session().network(network("301", mti="0801")).reply().mti == "0810"
    assert Session().network(network("301", mti="0820")).reply().mti == "0830"
    with pytest.raises(MtiError):
        Session().network(network("301", mti="0810")).reply()


@pytest.mark.parametrize(
    ("missing", "reason"),
    [
        ([70], "DE70 missing"),
        ([7], "DE7 missing"),
        ([11], "DE11 missing"),
        ([70, 7, 11], "DE70 DE7 DE11 missing"),
    ],
)
def test_a_network_message_without_its_elements_is_answered_30(missing: list[int], reason: str) -> None:
    message = network("002")
    for number in missing:
        del message.fields[number]
    session = Session()
    request = session.network(message)
    assert request.kind is NetworkKind.MALFORMED
    reply = request.reply()
    assert (reply.fields[39], reply.fields[44]) == ("30", reason)
    assert not set(missing) & set(reply.fields)
    assert codec_for("iso87-ascii").encode(reply)
    assert session.admits(sent("0200")), "a message that could not be read changes nothing"


def test_a_connection_starts_signed_on() -> None:
    session = Session()
    assert session.signed_on()
    assert session.admits(sent("0200"))


@pytest.mark.parametrize(
    ("story", "admitted"),
    [
        # (code, terminal) of each network message; who may send a request afterwards: T1, T2, nobody named
        ([], (True, True, True)),
        ([("002", T1)], (False, True, True)),
        ([("002", T1), ("001", T1)], (True, True, True)),
        ([("002", T1), ("001", T2)], (False, True, True)),
        ([("002", T1), ("002", T2)], (False, False, True)),
        ([("002", None)], (False, False, False)),
        ([("002", None), ("001", T1)], (True, False, False)),
        ([("002", None), ("001", T1), ("002", T1)], (False, False, False)),
        ([("002", None), ("001", None)], (True, True, True)),
        ([("002", T1), ("001", None)], (True, True, True)),
        ([("002", None), ("001", T1), ("002", None)], (False, False, False)),
        ([("002", T1), ("301", T1), ("999", T1), ("101", T1), ("201", T1)], (False, True, True)),
    ],
)
def test_who_is_signed_on(story: list[tuple[str, str | None]], admitted: tuple[bool, bool, bool]) -> None:
    session = Session()
    for code, terminal in story:
        session.network(network(code, terminal))
    assert tuple(session.admits(sent("0200", terminal)) for terminal in (T1, T2, None)) == admitted


@pytest.mark.parametrize("terminal", [T1, None])
@pytest.mark.parametrize(
    ("mti", "passes"),
    [
        ("0100", False),
        ("0200", False),
        ("0500", False),
        ("0300", False),
        ("0201", True),
        ("0101", True),
        ("0220", True),
        ("0221", True),
        ("0320", True),
        ("0400", True),
        ("0401", True),
        ("0420", True),
        ("0421", True),
        ("0800", True),
        ("0210", True),
        ("9999", True),
    ],
)
def test_what_passes_while_signed_off(mti: str, terminal: str | None, *, passes: bool) -> None:
    session = Session()
    session.network(network("002"))
    assert session.admits(sent(mti, terminal)) is passes


def test_the_terminals_set_apart_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "TERMINALS_MAX", 2)
    session = Session()
    for terminal in ("A", "B"):
        assert session.network(network("002", terminal)).reply().fields[39] == "00"
    refused = session.network(network("002", "C")).reply()
    assert (refused.fields[39], refused.fields[44]) == ("65", "too many terminals")
    assert session.admits(sent("0200", "C"))
    assert session.network(network("002", "B")).reply().fields[39] == "00"
    assert session.network(network("001", "A")).reply().fields[39] == "00"
    assert session.network(network("002", "C")).reply().fields[39] == "00"
    assert not session.admits(sent("0200", "C"))
