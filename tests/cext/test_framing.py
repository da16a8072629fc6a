"""Both splitters, the compiled and the plain one, under the same tests, and against each other."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cext
from cext._framing import Framer as Compiled
from cext.reference.framing import Framer as Plain

LITERAL = bytes.fromhex("AABB")
KINDS = {
    f"{length}+{header}": (length_kind, header_kind, literal)
    for length_kind, length in enumerate(("length2", "bcd2", "ascii4"))
    for header_kind, (header, literal) in enumerate((("none", b""), ("tpdu", b""), ("literal", LITERAL)))
}
MAKERS = {"compiled": Compiled, "plain": Plain}
TPDU = bytes.fromhex("6000010002")
SWAPPED = bytes.fromhex("6000020001")


class Broken(Exception):
    pass


def framer(kind: str, implementation: str, frame_bytes_max: int = 8192) -> Any:
    return MAKERS[implementation](*KINDS[kind], frame_bytes_max, Broken)


@pytest.fixture(params=list(MAKERS))
def implementation(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(params=list(KINDS))
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


def header_given(kind: str) -> bytes:
    return TPDU if kind.endswith("tpdu") else b""


def header_read(kind: str) -> bytes:
    """What a splitter reads of a frame that was wrapped with `header_given`."""
    return {"none": b"", "tpdu": SWAPPED, "literal": LITERAL}[kind.partition("+")[2]]


def wrapped(kind: str, *payloads: bytes) -> bytes:
    plain = framer(kind, "plain")
    return b"".join(plain.wrap(payload, header_given(kind)) for payload in payloads)


def state(splitter: Any) -> tuple[int, str | None]:
    return splitter.pending, None if splitter.error is None else str(splitter.error)


@pytest.mark.parametrize(
    ("kind", "frame"),
    [
        ("length2+none", b"\x00\x03abc"),
        ("bcd2+none", b"\x00\x03abc"),
        ("ascii4+none", b"0003abc"),
        ("length2+tpdu", b"\x00\x08" + SWAPPED + b"abc"),
        ("bcd2+literal", b"\x00\x05" + LITERAL + b"abc"),
        ("ascii4+tpdu", b"0008" + SWAPPED + b"abc"),
    ],
)
def test_a_frame_by_hand(kind: str, frame: bytes, implementation: str) -> None:
    one = framer(kind, implementation)
    assert one.wrap(b"abc", header_given(kind)) == frame
    assert one.splitter().feed(frame) == [(b"abc", header_read(kind))]


def test_lengths_of_more_than_two_digits(implementation: str) -> None:
    payload = b"x" * 1234
    assert framer("length2+none", implementation).wrap(payload)[:2] == b"\x04\xd2"
    assert framer("bcd2+none", implementation).wrap(payload)[:2] == b"\x12\x34"
    assert framer("ascii4+none", implementation).wrap(payload)[:4] == b"1234"


def test_every_split_point(kind: str, implementation: str) -> None:
    stream = wrapped(kind, b"first", b"2", b"the third")
    expected = [(payload, header_read(kind)) for payload in (b"first", b"2", b"the third")]
    for cut in range(len(stream) + 1):
        splitter = framer(kind, implementation).splitter()
        assert splitter.feed(stream[:cut]) + splitter.feed(stream[cut:]) == expected
        assert state(splitter) == (0, None)


def test_a_byte_at_a_time(kind: str, implementation: str) -> None:
    stream = wrapped(kind, b"first", b"second")
    splitter = framer(kind, implementation).splitter()
    frames, held = [], 0
    for index in range(len(stream)):
        held += 1
        found = splitter.feed(stream[index : index + 1])
        held = 0 if found else held
        assert splitter.pending == held
        frames += found
    assert frames == [(b"first", header_read(kind)), (b"second", header_read(kind))]


def test_nothing_is_nothing(kind: str, implementation: str) -> None:
    splitter = framer(kind, implementation).splitter()
    assert splitter.feed(b"") == []
    assert state(splitter) == (0, None)


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_any_pieces_of_frames_and_noise_read_alike_in_both(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(sorted(KINDS)))
    payloads = data.draw(st.lists(st.binary(min_size=1, max_size=30), max_size=5))
    stream = wrapped(kind, *payloads) + data.draw(st.one_of(st.just(b""), st.binary(max_size=30)))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    pieces = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    splitters = [framer(kind, implementation, 64).splitter() for implementation in MAKERS]
    together: list[Any] = []
    for piece in pieces:
        compiled, plain = (splitter.feed(piece) for splitter in splitters)
        assert compiled == plain
        assert state(splitters[0]) == state(splitters[1])
        together += compiled
    assert together[: len(payloads)] == [(payload, header_read(kind)) for payload in payloads]
    whole = framer(kind, "plain", 64).splitter()
    assert whole.feed(stream) == together
    assert state(whole) == state(splitters[0])


@pytest.mark.parametrize(
    ("kind", "bad", "reason"),
    [
        ("length2+none", b"\x00\x00", "frame of length 0"),
        ("bcd2+none", b"\x00\x00", "frame of length 0"),
        ("ascii4+none", b"0000", "frame of length 0"),
        ("length2+none", b"\x20\x01", "frame of 8193 bytes is longer than 8192"),
        ("bcd2+none", b"\x81\x93", "frame of 8193 bytes is longer than 8192"),
        ("ascii4+none", b"9999", "frame of 9999 bytes is longer than 8192"),
        ("bcd2+none", b"\x0a\x00", "length of a frame is not decimal"),
        ("ascii4+none", b"00 5", "length of a frame is not decimal"),
        ("length2+tpdu", b"\x00\x05", "frame has no message after its header"),
        ("length2+literal", b"\x00\x02", "frame has no message after its header"),
        ("length2+tpdu", b"\x00\x09" + b"\x68\x00\x01\x00\x02", "TPDU does not begin with 60"),
        ("length2+literal", b"\x00\x09" + b"\xaa\xbc", "header is not the agreed one"),
    ],
)
def test_a_bad_frame_ends_the_stream_after_the_good_ones(
    kind: str, bad: bytes, reason: str, implementation: str
) -> None:
    good = wrapped(kind, b"good")
    for cut in range(len(good) + len(bad)):
        stream = good + bad
        splitter = framer(kind, implementation).splitter()
        frames = splitter.feed(stream[:cut])
        assert splitter.error is None
        frames += splitter.feed(stream[cut:])
        assert frames == [(b"good", header_read(kind))]
        assert isinstance(splitter.error, Broken)
        assert state(splitter) == (0, reason)
        assert splitter.feed(good) == []
        assert state(splitter) == (0, reason)


def test_the_greatest_frame(implementation: str) -> None:
    one = framer("length2+tpdu", implementation, 64)
    frame = one.wrap(b"x" * 59, TPDU)
    assert one.splitter().feed(frame) == [(b"x" * 59, SWAPPED)]
    with pytest.raises(Broken, match="frame of 65 bytes is longer than 64"):
        one.wrap(b"x" * 60, TPDU)


def test_a_tpdu_goes_back_with_its_addresses_swapped(implementation: str) -> None:
    one = framer("length2+tpdu", implementation)
    ((payload, header),) = one.splitter().feed(b"\x00\x06" + TPDU + b"x")
    assert header == TPDU
    assert one.wrap(payload, header) == b"\x00\x06" + SWAPPED + b"x"
    assert one.wrap(payload) == b"\x00\x06\x60\x00\x00\x00\x00x"


def test_a_header_that_comes_is_the_one_that_goes(implementation: str) -> None:
    one = framer("length2+literal", implementation)
    assert one.wrap(b"x", LITERAL) == one.wrap(b"x") == b"\x00\x03" + LITERAL + b"x"


@pytest.mark.parametrize(
    ("kind", "header", "reason"),
    [
        ("length2+none", b"x", "framing has no header"),
        ("length2+tpdu", b"\x60\x00", "TPDU must have 5 bytes"),
        ("length2+tpdu", b"\x68\x00\x01\x00\x02", "TPDU does not begin with 60"),
        ("length2+literal", b"xx", "header is not the agreed one"),
        ("length2+literal", b"x", "header is not the agreed one"),
    ],
)
def test_a_header_that_does_not_fit_is_refused(kind: str, header: bytes, reason: str, implementation: str) -> None:
    with pytest.raises(Broken, match=reason):
        framer(kind, implementation).wrap(b"x", header)


def test_an_empty_message_has_no_frame(kind: str, implementation: str) -> None:
    with pytest.raises(Broken, match="frame has no message after its header"):
        framer(kind, implementation).wrap(b"", header_given(kind))


def test_decimal_lengths_bound_the_frame(implementation: str) -> None:
    for kind in ("bcd2+none", "ascii4+none"):
        assert framer(kind, implementation, 60_000).frame_bytes_max == 9999
    assert framer("length2+none", implementation, 100_000).frame_bytes_max == cext.LENGTH_MAX[cext.LENGTH_BINARY]


def test_what_is_read_does_not_depend_on_the_reader_keeping_its_buffer() -> None:
    splitter = framer("length2+none", "compiled").splitter()
    for _ in range(200):
        assert splitter.feed(b"\x00\x64" + b"a" * 40) == []
        assert splitter.feed(b"b" * 60 + b"\x00") == [(b"a" * 40 + b"b" * 60, b"")]
        assert splitter.feed(b"\x01c") == [(b"c", b"")]
        assert splitter.pending == 0
