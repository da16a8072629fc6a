import builtins
from datetime import date
from typing import Any

import iso8583
import pytest
from hypothesis import given, settings

from loadtests.bench_codec import purchase, run, specification
from protocol import codec as codec_module
from protocol.codec import Codec, codec_for
from protocol.dialect import load, names
from protocol.errors import DecodeError, DialectError, EncodeError, ExtensionMissing
from protocol.message import Message
from tests.protocol.messages import messages
from tests.protocol.vectors import VECTORS, Vector


@pytest.mark.parametrize("vector", VECTORS, ids=str)
@pytest.mark.parametrize("compiled", [True, False])
def test_vectors_both_ways(vector: Vector, *, compiled: bool) -> None:
    codec = codec_for(vector.dialect, compiled=compiled)
    assert codec.name == vector.dialect
    message = codec.decode(vector.data)
    assert message == Message(vector.mti, vector.fields)
    assert isinstance(message, Message)
    assert codec.encode(message) == vector.data


def test_an_error_is_a_decode_error_with_what_stood_before() -> None:
    for compiled in (True, False):
        codec = codec_for("iso87-ascii", compiled=compiled)
        data = codec.encode(Message("0200", {3: "000000", 4: "000000500000", 41: "T0000001"}))
        with pytest.raises(DecodeError) as caught:
            codec.decode(data[:30])
        error = caught.value
        assert (error.data_element, error.offset) == (4, 26)
        assert error.partial == Message("0200", {3: "000000"})
        assert str(error) == "DE 4, offset 26: needs 12 bytes, 4 left"
        with pytest.raises(DecodeError) as caught:
            codec.decode(b"02")
        assert caught.value.partial is None
        assert str(caught.value) == "MTI, offset 0: needs 4 bytes, 2 left"
        with pytest.raises(EncodeError) as unfit:
            codec.encode(Message("0200", {3: "1"}))
        assert str(unfit.value) == "DE 3: length 1, must be 6"


def test_salvage_reads_on_after_a_bad_value() -> None:
    codec = codec_for("iso87-ascii")
    message = Message("0200", {4: "000000500000", 11: "123456", 41: "T0000001"})
    data = bytearray(codec.encode(message))
    assert codec.salvage(bytes(data)) == message
    data[25] = ord("x")
    assert codec.salvage(bytes(data)) == Message("0200", {11: "123456", 41: "T0000001"})
    assert codec.salvage(bytes(data[:-1])) == Message("0200", {11: "123456"})
    assert codec.salvage(bytes(data) + b"more") == Message("0200", {11: "123456", 41: "T0000001"})
    assert codec.salvage(b"02x0" + bytes(data[4:])) is None
    assert codec.salvage(b"") is None
    assert codec.salvage(b"0200zz") == Message("0200", {})


def test_salvage_leaves_out_what_can_not_be_translated() -> None:
    codec = codec_for("iso93-ascii")
    named: dict[int, str | bytes] = {11: "123456", 41: "T0000001"}
    broken = Message("1420", {**named, 56: "1200"})
    assert codec.salvage(codec.encode(broken)) == Message("1420", named)
    good = Message("1420", {**named, 56: "1200" + "123456" + "261122063551" + "00"})
    assert codec.salvage(codec.encode(good)) == good
    assert codec.salvage(codec.encode(Message("0420", named))) is None


@pytest.mark.parametrize("name", names())
def test_salvage_of_every_truncation_has_what_the_decoder_had(name: str) -> None:
    codec = codec_for(name)
    mti = "0200" if codec.is_canonical else "1200"
    message = Message(mti, {3: "000000", 11: "123456", 41: "T" * 8, 48: "MB0040912", 70: "001"})
    if name == "base24":
        message.fields[41] = "T" * 16
    data = codec.encode(message)
    for length in range(len(data)):
        with pytest.raises(DecodeError) as caught:
            codec.decode(data[:length])
        salvaged = codec.salvage(data[:length])
        assert salvaged == caught.value.partial


def test_explain_tells_where_each_element_stands() -> None:
    codec = codec_for("iso87-binary")
    data = codec.encode(Message("0200", {2: "6037991", 11: "123456"}))
    told = [(element.number, element.at, element.start, element.end, element.value) for element in codec.explain(data)]
    assert told == [
        (0, 0, 0, 2, "0200"),
        (1, 2, 2, 10, bytes.fromhex("4020000000000000")),
        (2, 10, 11, 15, "6037991"),
        (11, 15, 15, 18, "123456"),
    ]


def test_dialects_of_1987_are_canonical() -> None:
    message = Message("0200", {3: "000000"})
    for name in names():
        codec = codec_for(name)
        assert codec.is_canonical == (not name.startswith("iso93"))
        if codec.is_canonical:
            assert codec.canonical(message) is message
            assert codec.native(message) is message


def test_the_day_is_injected() -> None:
    codec = Codec(load("iso93-ascii"), today=lambda: date(2031, 1, 2))
    assert codec.native(Message("0210", {15: "1231"})).fields == {15: "301231"}
    assert codec_module.today_utc() >= date(2025, 1, 1)


def test_an_unknown_dialect() -> None:
    with pytest.raises(DialectError):
        codec_for("nobody's")


def test_a_missing_extension_is_never_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, globals_: Any = None, locals_: Any = None, fromlist: Any = (), level: int = 0) -> Any:
        if name == "cext" and fromlist and "_iso8583" in fromlist:
            raise ImportError("no _iso8583")
        return real(name, globals_, locals_, fromlist, level)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ExtensionMissing, match="_iso8583 is not compiled"):
        Codec(load("iso87-ascii"))
    with pytest.raises(ImportError):
        Codec(load("iso87-ascii"))
    Codec(load("iso87-ascii"), compiled=False)


SPECIFICATION = specification()


@settings(max_examples=100, deadline=None)
@given(message=messages("iso87-ascii"))
def test_pyiso8583_agrees(message: Message) -> None:
    ours = codec_for("iso87-ascii").encode(message)
    ascii_only = all(isinstance(value, bytes) or value.isascii() for value in message.fields.values())
    if not ascii_only:
        return
    document = {"t": message.mti} | {
        str(number): value.hex().upper() if isinstance(value, bytes) else value
        for number, value in message.fields.items()
    }
    theirs, _ = iso8583.encode(dict(document), SPECIFICATION)
    assert bytes(theirs) == ours
    decoded, _ = iso8583.decode(ours, SPECIFICATION)
    assert {key: decoded[key] for key in document} == document


def test_the_benchmark_measures_messages_that_both_read() -> None:
    message = purchase(7)
    assert len(message.fields) == 16
    data = codec_for("iso87-ascii").encode(message)
    decoded, _ = iso8583.decode(data, SPECIFICATION)
    assert all(decoded[str(number)] == value for number, value in message.fields.items())
    assert callable(run)
