# cython: language_level=3, boundscheck=True, wraparound=False, cdivision=True, freethreading_compatible=True
"""Frames out of a stream, and messages into frames; `cext.reference.framing` is its plain-Python twin.

A read that holds whole frames only, as nearly all do, is split where it lies: nothing is copied but the
messages. What is left of an incomplete frame is held until its end comes, and an idle stream holds nothing.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Free, PyMem_Realloc
from libc.string cimport memcmp, memcpy, memmove

from cext._cursor cimport (
    byte, read_bcd_number, read_big, read_decimal, write_bcd_number, write_big, write_decimal,
)

import cython

from cext import (
    FRAMING_REASONS, HEADER_LITERAL as PY_HEADER_LITERAL, LENGTH_ASCII as PY_LENGTH_ASCII,
    FRAME_NO_HEADER as PY_FRAME_NO_HEADER, LENGTH_MAX, TPDU_BYTES as PY_TPDU_BYTES, TPDU_ID as PY_TPDU_ID,
)

cdef enum:
    # As in cext/__init__.py; the assertions below hold the two together.
    LENGTH_BINARY, LENGTH_BCD, LENGTH_ASCII
cdef enum:
    HEADER_NONE, HEADER_TPDU, HEADER_LITERAL
cdef enum:
    FINE, NOT_DECIMAL, EMPTY, TOO_LONG, NO_PAYLOAD, BAD_TPDU_ID, BAD_HEADER, BAD_TPDU_SIZE, NO_HEADER
cdef enum:
    TPDU_BYTES = 5
    TPDU_ID = 0x60

assert (PY_HEADER_LITERAL, PY_LENGTH_ASCII, PY_FRAME_NO_HEADER) == (HEADER_LITERAL, LENGTH_ASCII, NO_HEADER)
assert (PY_TPDU_BYTES, PY_TPDU_ID) == (TPDU_BYTES, TPDU_ID)


@cython.final
cdef class Framer:
    """One kind of framing; see `cext.reference.framing.Framer`."""

    cdef readonly int length_kind
    cdef readonly int header_kind
    cdef readonly bytes literal
    cdef readonly Py_ssize_t frame_bytes_max
    cdef readonly Py_ssize_t header_bytes
    cdef readonly object error
    cdef int length_bytes

    def __cinit__(self, int length_kind, int header_kind, bytes literal not None, Py_ssize_t
    frame_bytes_max, error):
        if not 0 <= length_kind <= LENGTH_ASCII or not 0 <= header_kind <= HEADER_LITERAL:
            raise ValueError("no such framing")
        self.length_kind = length_kind
        self.header_kind = header_kind
        self.literal = literal
        self.frame_bytes_max = min(frame_bytes_max, <Py_ssize_t>LENGTH_MAX[length_kind])
        self.header_bytes = 0
        if header_kind == HEADER_TPDU:
            self.header_bytes = TPDU_BYTES
        elif header_kind == HEADER_LITERAL:
            self.header_bytes = len(literal)
        self.length_bytes = 4 if length_kind == LENGTH_ASCII else 2
        self.error = error

    def splitter(self):
        """A splitter for one stream."""
        return Splitter(self)

    cdef object fault(self, int reason, Py_ssize_t first=0, Py_ssize_t second=0):
        return self.error(FRAMING_REASONS[reason].format(first, second))

    def wrap(self, bytes payload not None, bytes header not None=b""):
        """The frame of a message. `header` is the request's: a TPDU goes back with its addresses swapped."""
        cdef Py_ssize_t given = PyBytes_GET_SIZE(header)
        cdef Py_ssize_t size = self.header_bytes + PyBytes_GET_SIZE(payload)
        cdef const byte *source = <const byte *>PyBytes_AS_STRING(header)
        cdef int reason = self.misfit(source, given)
        cdef bytes frame
        cdef byte *to
        if reason != FINE:
            raise self.fault(reason)
        if PyBytes_GET_SIZE(payload) == 0:
            raise self.fault(NO_PAYLOAD)
        if size > self.frame_bytes_max:
            raise self.fault(TOO_LONG, size, self.frame_bytes_max)
        frame = PyBytes_FromStringAndSize(NULL, self.length_bytes + size)
        to = <byte *>PyBytes_AS_STRING(frame)
        if self.length_kind == LENGTH_BINARY:
            write_big(to, size, 2)
        elif self.length_kind == LENGTH_BCD:
            write_bcd_number(to, size, 2)
        else:
            write_decimal(to, size, 4)
        to += self.length_bytes
        if self.header_kind == HEADER_TPDU:
            write_tpdu(to, source, given)
        elif self.header_kind == HEADER_LITERAL:
            memcpy(to, PyBytes_AS_STRING(self.literal), self.header_bytes)
        memcpy(to + self.header_bytes, PyBytes_AS_STRING(payload), PyBytes_GET_SIZE(payload))
        return frame

    cdef int misfit(self, const byte *header, Py_ssize_t given) noexcept:
        """Why the header of a request can't be answered in this framing. None given is always fine."""
        if given == 0:
            return FINE
        if self.header_kind == HEADER_NONE:
            return NO_HEADER
        if self.header_kind == HEADER_TPDU:
            if given != TPDU_BYTES:
                return BAD_TPDU_SIZE
            return FINE if header[0] == TPDU_ID else BAD_TPDU_ID
        if given == self.header_bytes and memcmp(header, PyBytes_AS_STRING(self.literal), given) == 0:
            return FINE
        return BAD_HEADER

    cdef Py_ssize_t size_at(self, const byte *at) noexcept:
        """What the length prefix says; -1 if it isn't decimal."""
        if self.length_kind == LENGTH_BINARY:
            return <Py_ssize_t>read_big(at, 2)
        if self.length_kind == LENGTH_BCD:
            return read_bcd_number(at, 2)
        return read_decimal(at, 4)

    cdef Py_ssize_t frame_end(self, const byte *at, Py_ssize_t left, int *reason, Py_ssize_t *size) noexcept:
        """The bytes of the frame that begins at `at`, prefix included; 0 if it is not all there or `reason`
        is set.

        Its header is proven as soon as it is there.
        """
        cdef const byte *header = at + self.length_bytes
        if left < self.length_bytes:
            return 0
        size[0] = self.size_at(at)
        if size[0] < 0:
            reason[0] = NOT_DECIMAL
        elif size[0] == 0:
            reason[0] = EMPTY
        elif size[0] > self.frame_bytes_max:
            reason[0] = TOO_LONG
        elif size[0] <= self.header_bytes:
            reason[0] = NO_PAYLOAD
        elif left - self.length_bytes >= self.header_bytes:
            if self.header_kind == HEADER_TPDU and header[0] != TPDU_ID:
                reason[0] = BAD_TPDU_ID
            elif (
                self.header_kind == HEADER_LITERAL
                and memcmp(header, PyBytes_AS_STRING(self.literal), self.header_bytes) != 0
            ):
                reason[0] = BAD_HEADER
        if reason[0] != FINE or left - self.length_bytes < size[0]:
            return 0
        return self.length_bytes + size[0]


cdef void write_tpdu(byte *to, const byte *header, Py_ssize_t given) noexcept:
    """A TPDU whose destination is the source of the one given, and the other way round."""
    to[0] = TPDU_ID
    if given:
        memcpy(to + 1, header + 3, 2)
        memcpy(to + 3, header + 1, 2)
    else:
        to[1] = to[2] = to[3] = to[4] = 0


@cython.final
cdef class Splitter:
    """Frames out of one stream; see `cext.reference.framing.Splitter`."""

    cdef Framer framer
    cdef byte *held
    cdef Py_ssize_t capacity
    cdef readonly Py_ssize_t pending
    cdef readonly object error

    def __cinit__(self, Framer framer not None):
        self.framer = framer
        self.error = None

    def __dealloc__(self):
        PyMem_Free(self.held)

    def feed(self, bytes data not None):
        """(message, header) of each frame that `data` completes, those before a bad frame included."""
        cdef list frames = []
        with cython.critical_section(self):
            if self.error is None:
                if self.pending == 0:
                    self.split(<const byte *>PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data), frames)
                else:
                    self.hold(<const byte *>PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))
                    self.split(self.held, self.pending, frames)
        return frames

    cdef int split(self, const byte *start, Py_ssize_t size, list frames) except -1:
        """Takes the frames of `start`, and holds what is left of it."""
        cdef Py_ssize_t at = 0, message_at, frame, said = 0
        cdef int reason = FINE
        while True:
            frame = self.framer.frame_end(start + at, size - at, &reason, &said)
            if frame == 0:
                break
            message_at = at + self.framer.length_bytes + self.framer.header_bytes
            header = b""
            if self.framer.header_bytes:
                header = PyBytes_FromStringAndSize(
                    <const char *>start + message_at - self.framer.header_bytes, self.framer.header_bytes
                )
            message = PyBytes_FromStringAndSize(<const char *>start + message_at, at + frame - message_at)
            frames.append((message, header))
            at += frame
        if reason != FINE:
            self.error = self.framer.fault(reason, said, self.framer.frame_bytes_max)
            at = size
        self.keep(start + at, size - at)
        return 0

    cdef int hold(self, const byte *data, Py_ssize_t size) except -1:
        """`size` more bytes behind those held."""
        cdef byte *grown
        if self.capacity - self.pending < size:
            grown = <byte *>PyMem_Realloc(self.held, self.pending + size)
            if grown == NULL:
                raise MemoryError
            self.held = grown
            self.capacity = self.pending + size
        memcpy(self.held + self.pending, data, size)
        self.pending += size
        return 0

    cdef int keep(self, const byte *rest, Py_ssize_t size) except -1:
        """Holds `rest` and nothing else; it may be a part of what is held."""
        if size == 0:
            PyMem_Free(self.held)
            self.held = NULL
            self.capacity = self.pending = 0
        elif self.pending:
            if rest != self.held:
                memmove(self.held, rest, size)
            self.pending = size
        else:
            self.hold(rest, size)
        return 0
