"""How messages stand in a stream: a length prefix, and perhaps a header between it and the message.

A framing's name: `length2` (two bytes big-endian), `bcd2` (two bytes of BCD) or `ascii4` (four digits),
each alone, or with `+tpdu` (five bytes: 60, destination, source) or `+header=HEX` (bytes agreed upon). The
length counts what follows.
"""

import re
from collections.abc import Callable
from types import MappingProxyType
from typing import Final, Protocol, cast

import cext
from cext.reference.framing import Framer as PlainFramer
from protocol.errors import ExtensionMissing, FramingError

FRAME_BYTES_MAX: Final = 8192

_LENGTHS: Final = MappingProxyType(
    {"length2": cext.LENGTH_BINARY, "bcd2": cext.LENGTH_BCD, "ascii4": cext.LENGTH_ASCII}
)
_NAME: Final = re.compile(r"(length2|bcd2|ascii4)(?:\+(tpdu)|\+header=((?:[0-9A-Fa-f]{2}){1,64}))?")


class Splitter(Protocol):
    """Frames out of one stream, whatever pieces it comes in."""

    @property
    def pending(self) -> int:
        """Bytes of an incomplete frame that are held."""

    @property
    def error(self) -> FramingError | None:
        """The FramingError that ended the stream: from then on `feed` gives nothing."""

    def feed(self, data: bytes) -> list[tuple[bytes, bytes]]:
        """(message, header) of each frame that `data` completes, those before a bad frame included."""


class Framing:
    """One kind of framing, by name; `splitter` and `wrap` are those of the implementation."""

    splitter: Callable[[], Splitter]
    """Makes a splitter for one stream."""
    wrap: "Wrap"
    """The frame of a message. `header` is the request's: a TPDU goes back with its addresses swapped."""

    def __init__(self, name: str, framer: PlainFramer) -> None:
        self.name = name
        self.frame_bytes_max = framer.frame_bytes_max
        self.splitter = cast("Callable[[], Splitter]", framer.splitter)
        self.wrap = framer.wrap


class Wrap(Protocol):
    """The frame of `payload`; a FramingError if it is empty, too long, or can't have that header."""

    def __call__(self, payload: bytes, header: bytes = b"") -> bytes:
        """See the class."""


def framing_for(name: str, frame_bytes_max: int = FRAME_BYTES_MAX, *, compiled: bool = True) -> Framing:
    """The framing of that name; a FramingError if there is none.

    `frame_bytes_max` bounds what a length prefix may say: header and message together.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        raise FramingError(f"{name!r} is no framing: {', '.join(_LENGTHS)}, each alone or with +tpdu or +header=HEX")
    length, tpdu, header = match.groups()
    header_kind = cext.HEADER_TPDU if tpdu else cext.HEADER_LITERAL if header else cext.HEADER_NONE
    make = _compiled_framer() if compiled else PlainFramer
    return Framing(
        name, make(_LENGTHS[length], header_kind, bytes.fromhex(header or ""), frame_bytes_max, FramingError)
    )


def _compiled_framer() -> type[PlainFramer]:
    try:
        from cext import _framing  # noqa: PLC0415 - its absence is answered here, not at import
    except ImportError as error:
        raise ExtensionMissing(
            "cext._framing is not compiled; install the package again with a C compiler at hand, or run "
            "`python setup.py build_ext --inplace`"
        ) from error
    return _framing.Framer  # type: ignore[return-value] # the twins have the same shape
