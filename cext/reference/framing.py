"""The plain-Python twin of `cext._framing`: frames out of a stream, and messages into frames."""

from collections.abc import Callable

import cext


class Framer:
    """One kind of framing. `error` makes the caller's exception of a reason.

    `length_kind` and `header_kind` are those of `cext`; `literal` is the header agreed upon;
    `frame_bytes_max` bounds what the length prefix may say: header and message.
    """

    def __init__(
        self,
        length_kind: int,
        header_kind: int,
        literal: bytes,
        frame_bytes_max: int,
        error: Callable[[str], Exception],
    ) -> None:
        self.length_kind = length_kind
        self.header_kind = header_kind
        self.literal = literal
        self.frame_bytes_max = min(frame_bytes_max, cext.LENGTH_MAX[length_kind])
        self.header_bytes = {cext.HEADER_TPDU: cext.TPDU_BYTES, cext.HEADER_LITERAL: len(literal)}.get(header_kind, 0)
        self.error = error

    def splitter(self) -> "Splitter":
        """A splitter for one stream."""
        return Splitter(self)

    def fault(self, reason: int, first: int = 0, second: int = 0) -> Exception:
        """The caller's exception."""
        return self.error(cext.FRAMING_REASONS[reason].format(first, second))

    def wrap(self, payload: bytes, header: bytes = b"") -> bytes:
        """The frame of a message. `header` is the request's: a TPDU goes back with its addresses swapped."""
        front = self._front(header)
        size = len(front) + len(payload)
        if not payload:
            raise self.fault(cext.FRAME_NO_PAYLOAD)
        if size > self.frame_bytes_max:
            raise self.fault(cext.FRAME_LONG, size, self.frame_bytes_max)
        if self.length_kind == cext.LENGTH_BINARY:
            prefix = size.to_bytes(2, "big")
        elif self.length_kind == cext.LENGTH_BCD:
            prefix = bytes.fromhex(f"{size:04}")
        else:
            prefix = b"%04d" % size
        return prefix + front + payload

    def _front(self, header: bytes) -> bytes:
        if self.header_kind == cext.HEADER_LITERAL:
            if header not in {b"", self.literal}:
                raise self.fault(cext.FRAME_HEADER)
            return self.literal
        if self.header_kind == cext.HEADER_NONE:
            if header:
                raise self.fault(cext.FRAME_NO_HEADER)
            return b""
        if not header:
            return bytes((cext.TPDU_ID, 0, 0, 0, 0))
        if len(header) != cext.TPDU_BYTES:
            raise self.fault(cext.FRAME_TPDU_SIZE)
        if header[0] != cext.TPDU_ID:
            raise self.fault(cext.FRAME_TPDU_ID)
        return header[:1] + header[3:5] + header[1:3]


class Splitter:
    """Frames out of one stream, whatever pieces it comes in.

    `error` is None until the stream can't be read on; from then on `feed` gives nothing. `pending` counts
    the bytes of an incomplete frame that are held.
    """

    def __init__(self, framer: Framer) -> None:
        self._framer = framer
        self._held = b""
        self.error: Exception | None = None

    @property
    def pending(self) -> int:
        """Bytes of an incomplete frame."""
        return len(self._held)

    def feed(self, data: bytes) -> list[tuple[bytes, bytes]]:
        """(message, header) of each frame that `data` completes, those before a bad frame included."""
        frames: list[tuple[bytes, bytes]] = []
        if self.error is not None:
            return frames
        data = self._held + data
        at = 0
        try:
            while (end := self._end(data, at)) is not None:
                start = at + cext.LENGTH_BYTES[self._framer.length_kind]
                message_at = start + self._framer.header_bytes
                frames.append((data[message_at:end], data[start:message_at]))
                at = end
        except _Bad as bad:
            self.error = bad.error
            at = len(data)
        self._held = data[at:]
        return frames

    def _end(self, data: bytes, at: int) -> int | None:
        """Where the frame at `at` ends; None if it is not all there. Its header is proven as soon as it is
        there.
        """
        framer = self._framer
        start = at + cext.LENGTH_BYTES[framer.length_kind]
        if start > len(data):
            return None
        size = self._size(data[at:start])
        if size == 0:
            raise _Bad(framer.fault(cext.FRAME_EMPTY))
        if size > framer.frame_bytes_max:
            raise _Bad(framer.fault(cext.FRAME_LONG, size, framer.frame_bytes_max))
        if size <= framer.header_bytes:
            raise _Bad(framer.fault(cext.FRAME_NO_PAYLOAD))
        header = data[start : start + framer.header_bytes]
        if len(header) < framer.header_bytes:
            return None
        if framer.header_kind == cext.HEADER_TPDU and header[0] != cext.TPDU_ID:
            raise _Bad(framer.fault(cext.FRAME_TPDU_ID))
        if framer.header_kind == cext.HEADER_LITERAL and header != framer.literal:
            raise _Bad(framer.fault(cext.FRAME_HEADER))
        end = start + size
        return end if end <= len(data) else None

    def _size(self, prefix: bytes) -> int:
        if self._framer.length_kind == cext.LENGTH_BINARY:
            return int.from_bytes(prefix, "big")
        digits = prefix.hex().encode() if self._framer.length_kind == cext.LENGTH_BCD else prefix
        if not digits.isdigit():
            raise _Bad(self._framer.fault(cext.FRAME_NOT_DECIMAL))
        return int(digits)


class _Bad(Exception):
    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error
