"""What can go wrong between bytes and messages. No error's text ever carries the value of a data element.

ProtocolError
├── DecodeError      bytes are not a message of the dialect: data element, offset, reason
├── EncodeError      a message does not fit the dialect: data element, reason
├── FramingError     a stream is not made of frames of the agreed kind
├── TlvError         private data is not tag, length and value
├── MtiError         a message type that has no answer, or answers nothing
├── DialectError     a dialect file is missing or wrong
└── ExtensionMissing (also an ImportError) the compiled module was asked for and is not there
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from protocol.message import Message


def element_name(data_element: int | None) -> str:
    """How an error's text names a data element: 0 is the MTI, 1 the bitmap, None what stands outside of
    any.
    """
    if data_element is None:
        return "message"
    return {0: "MTI", 1: "bitmap"}.get(data_element, f"DE {data_element}")


class ProtocolError(Exception):
    """Anything that this package raises."""


class DecodeError(ProtocolError):
    """`data_element` is 0 for the MTI, 1 for the bitmap, None outside of any; `offset` counts bytes from
    the message's first; `partial` is the message up to the element at fault, if its MTI could be read."""

    def __init__(self, data_element: int | None, offset: int, reason: str, partial: Message | None = None) -> None:
        super().__init__(f"{element_name(data_element)}, offset {offset}: {reason}")
        self.data_element = data_element
        self.offset = offset
        self.reason = reason
        self.partial = partial


class EncodeError(ProtocolError):
    """`data_element` is 0 for the MTI, None for a key that is no number."""

    def __init__(self, data_element: int | None, reason: str) -> None:
        super().__init__(f"{element_name(data_element)}: {reason}")
        self.data_element = data_element
        self.reason = reason


class FramingError(ProtocolError):
    """The stream can't be read on: its frames have lost their beginnings."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class TlvError(ProtocolError):
    """`offset` counts the bytes of the UTF-8 text."""

    def __init__(self, offset: int, reason: str) -> None:
        super().__init__(f"offset {offset}: {reason}")
        self.offset = offset
        self.reason = reason


class MtiError(ProtocolError):
    """There is no such message type, or it has no answer."""


class DialectError(ProtocolError):
    """The dialect's file and what is wrong in it."""


class ExtensionMissing(ProtocolError, ImportError):
    """The compiled module is not there. It is never replaced silently by the plain one."""
