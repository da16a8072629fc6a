"""Messages from and to bytes, by dialect: the compiled codec, or its plain twin when asked for."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from functools import cache
from typing import TYPE_CHECKING, Protocol

import cext
from cext.reference.iso8583 import Iso8583 as PlainIso8583
from cext.reference.values import Element
from protocol import iso93
from protocol.dialect import Dialect, load
from protocol.errors import DecodeError, EncodeError, ExtensionMissing
from protocol.message import Message

if TYPE_CHECKING:
    from cext._iso8583 import Iso8583

# The edition of the standard whose meanings the switch speaks.
CANONICAL_VERSION = 1987


def today_utc() -> date:
    """The day in UTC; injected where another clock is wanted."""
    return datetime.now(UTC).date()


class Codec:
    """One dialect at work. It holds no state between messages.

    `decode` and `encode` are those of the implementation, so that no call stands between.
    """

    decode: Callable[[bytes], Message]
    """A DecodeError names the data element, the offset and the reason; nothing is ever guessed."""
    encode: Callable[[Message], bytes]
    """An EncodeError names the data element and what it must be."""
    encode_reply: "EncodeReply"
    """The same, of a reply that is not put together first."""

    def __init__(self, dialect: Dialect, *, compiled: bool = True, today: Callable[[], date] = today_utc) -> None:
        self.name = dialect.name
        self.dialect = dialect
        self.is_canonical = dialect.version == CANONICAL_VERSION
        self._today = today
        self._plain = PlainIso8583(dialect.table, Message, DecodeError, EncodeError)
        implementation: Iso8583 | PlainIso8583 = self._plain
        if compiled:
            implementation = compiled_codec(dialect.table)
        self.decode = implementation.decode
        self.encode = implementation.encode
        self.encode_reply = implementation.encode_reply

    def explain(self, data: bytes) -> Iterator[Element]:
        """Each data element where it stands, the broken ones with their fault, until the next can't be
        found.
        """
        return self._plain.walk(data)

    def salvage(self, data: bytes) -> Message | None:
        """Whatever is readable of a broken message, elements after the first fault included.

        None without an MTI. What `canonical` would refuse is left out, so that it takes the rest.
        """
        mti: str | None = None
        fields: dict[int, str | bytes] = {}
        for element in self.explain(data):
            if element.fault is not None or element.number is None or element.number == 1:
                continue
            if element.number == 0:
                mti = str(element.value)
            else:
                fields[element.number] = element.value
        if mti is None:
            return None
        message = Message(mti, fields)
        return message if self.is_canonical else iso93.translatable(message)

    def canonical(self, message: Message) -> Message:
        """The message with the MTIs, codes and meanings of 1987, which the switch speaks; itself in a 1987
        dialect.

        A DecodeError (offset 0) if DE56 names no original."""
        return message if self.is_canonical else iso93.canonical(message)

    def native(self, message: Message) -> Message:
        """The opposite. A date without a year gets the one that brings it nearest to today."""
        return message if self.is_canonical else iso93.native(message, self._today())


class EncodeReply(Protocol):
    """The bytes of what was decided, and of those data elements in `echoed` that only the request has."""

    def __call__(
        self, mti: str, decided: dict[int, str | bytes], asked: dict[int, str | bytes], echoed: tuple[int, ...], /
    ) -> bytes:
        """See the class."""


def compiled_codec(table: cext.Table) -> "Iso8583":
    """The extension's codec for a table; an ExtensionMissing that says how to build it."""
    try:
        from cext import _iso8583  # noqa: PLC0415 - its absence is answered here, not at import
    except ImportError as error:
        raise ExtensionMissing(
            "cext._iso8583 is not compiled; install the package again with a C compiler at hand, or run "
            "`python setup.py build_ext --inplace`"
        ) from error
    return _iso8583.Iso8583(table, Message, DecodeError, EncodeError)


@cache
def codec_for(name: str, *, compiled: bool = True) -> Codec:
    """The codec of a dialect by name; a DialectError if there is none, ExtensionMissing if it isn't
    compiled.
    """
    return Codec(load(name), compiled=compiled)
