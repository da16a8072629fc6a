import builtins
from typing import Any

import pytest

from protocol.errors import ExtensionMissing, FramingError
from protocol.framing import framing_for

NAMES = [f"{length}{header}" for length in ("length2", "bcd2", "ascii4") for header in ("", "+tpdu", "+header=0a0b")]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("compiled", [True, False])
def test_every_framing_by_name(name: str, *, compiled: bool) -> None:
    framing = framing_for(name, compiled=compiled)
    assert framing.name == name
    assert framing.frame_bytes_max == 8192
    splitter = framing.splitter()
    frame = framing.wrap(b"hello")
    assert splitter.feed(frame[:3]) == []
    assert splitter.pending == 3
    ((payload, header),) = splitter.feed(frame[3:])
    assert payload == b"hello"
    expected = {"tpdu": b"\x60\0\0\0\0", "header=0a0b": b"\x0a\x0b"}.get(name.partition("+")[2], b"")
    assert header == expected
    assert framing.wrap(payload, header) == frame


@pytest.mark.parametrize("compiled", [True, False])
def test_a_bad_frame_is_a_framing_error(*, compiled: bool) -> None:
    framing = framing_for("length2", 100, compiled=compiled)
    splitter = framing.splitter()
    assert splitter.feed(b"\x00\x01x\x00\x65") == [(b"x", b"")]
    assert isinstance(splitter.error, FramingError)
    assert splitter.error.reason == "frame of 101 bytes is longer than 100"
    with pytest.raises(FramingError):
        framing.wrap(b"")


@pytest.mark.parametrize(
    "name",
    [
        "",
        "length4",
        "length2+",
        "length2+header=",
        "length2+header=0",
        "length2+header=xy",
        "length2+tpdu+tpdu",
    ],
)
def test_an_unknown_name_tells_those_known(name: str) -> None:
    with pytest.raises(FramingError, match="length2, bcd2, ascii4"):
        framing_for(name)


def test_a_missing_extension_is_never_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, globals_: Any = None, locals_: Any = None, fromlist: Any = (), level: int = 0) -> Any:
        if name == "cext" and fromlist and "_framing" in fromlist:
            raise ImportError("no _framing")
        return real(name, globals_, locals_, fromlist, level)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ExtensionMissing, match="_framing is not compiled"):
        framing_for("length2")
    assert framing_for("length2", compiled=False).wrap(b"x") == b"\x00\x01x"
