# cython: language_level=3, boundscheck=True, wraparound=False, cdivision=True
"""The rows of a dialect's table in C, and the questions that reading and writing both ask of a value."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.object cimport PyObject
from libc.string cimport memcpy

from cext._cursor cimport byte, find_control, find_not_digit, find_not_printable, find_not_track

cdef extern from "Python.h":
    PyObject *PyUnicode_New(Py_ssize_t size, Py_UCS4 maxchar) except NULL
    void *PyUnicode_DATA(PyObject *text) noexcept
    bint PyUnicode_IS_COMPACT_ASCII(PyObject *text) noexcept
    Py_ssize_t PyUnicode_GET_LENGTH(PyObject *text) noexcept
    bint PyUnicode_Check(PyObject *value) noexcept
    const char *PyUnicode_AsUTF8AndSize(PyObject *text, Py_ssize_t *size) except NULL
    bint PyBytes_Check(PyObject *value) noexcept
    bint PyLong_Check(PyObject *value) noexcept
    long PyLong_AsLongAndOverflow(PyObject *value, int *overflow) except? -1
    void Py_DECREF(PyObject *value) noexcept
    void Py_INCREF(PyObject *value) noexcept
    int set_item "PyDict_SetItem" (PyObject *mapping, PyObject *key, PyObject *value) except -1

cdef enum:
    # As in cext/__init__.py; the assertions below hold the two together.
    CLASS_DIGITS, CLASS_TRACK, CLASS_PRINTABLE, CLASS_SIGNED, CLASS_UNICODE, CLASS_BYTES
cdef enum:
    ENCODING_TEXT, ENCODING_BCD, ENCODING_RAW, ENCODING_HEX
cdef enum:
    FINE, SHORT, LENGTH_DIGITS, LENGTH_ABOVE, LENGTH_OTHER, NOT_DIGIT, NOT_TRACK, NOT_PRINTABLE, NOT_UTF8
    NOT_HEX, PAD_DIGIT, SIGN, UNDEFINED, THIRD, TRAILING, NOT_MAP, BAD_KEY, TWICE, NOT_TEXT, NOT_BINARY, NO_MTI
    # What only an encoder finds; these are not in the table of reasons.
    TYPE_TEXT, TYPE_BYTES
cdef enum:
    DATA_ELEMENT_MAX = 128
    THIRD_BITMAP = 65
    TEXT_MAX = 999
    SCRATCH = 1024
    STACK_BUFFER = 2048
    NOBODY = -1


cdef struct Row:
    bint defined
    byte character_class
    byte encoding
    byte length_digits
    byte prefix_bytes
    bint pad_left
    Py_ssize_t maximum
    Py_ssize_t widest  # bytes on the wire at most, with the prefix


cdef struct Fault:
    int reason
    int data_element
    Py_ssize_t offset
    Py_ssize_t first
    Py_ssize_t second


cdef struct Buffer:
    byte *start
    byte *at
    byte *end
    bint on_heap


cdef inline int fail(
    Fault *fault, int reason, Py_ssize_t offset, Py_ssize_t first=0, Py_ssize_t second=0
) noexcept:
    fault.reason = reason
    fault.offset = offset
    fault.first = first
    fault.second = second
    return reason


cdef inline Py_ssize_t wire_bytes(const Row *row, Py_ssize_t length) noexcept nogil:
    if row.encoding == ENCODING_HEX:
        return 2 * length
    if row.encoding == ENCODING_BCD:
        return 1 + length // 2 if row.character_class == CLASS_SIGNED else (length + 1) // 2
    return length


cdef inline int misfit(
    const byte *at, Py_ssize_t size, int character_class, Py_ssize_t *index
) noexcept nogil:
    """Why `size` characters aren't of the class, and the index of the first at fault; UTF-8 is not proven."""
    cdef int reason = NOT_DIGIT
    if character_class == CLASS_DIGITS:
        index[0] = find_not_digit(at, size)
    elif character_class == CLASS_PRINTABLE:
        index[0] = find_not_printable(at, size)
        reason = NOT_PRINTABLE
    elif character_class == CLASS_TRACK:
        index[0] = find_not_track(at, size)
        reason = NOT_TRACK
    elif character_class == CLASS_UNICODE:
        index[0] = find_control(at, size)
        reason = NOT_UTF8
    else:
        if size and at[0] != 0x43 and at[0] != 0x44:
            index[0] = 0
            return SIGN
        index[0] = find_not_digit(at + 1, size - 1) if size else -1
        if index[0] >= 0:
            index[0] += 1
    return FINE if index[0] < 0 else reason


cdef inline int reserve(Buffer *buffer, Py_ssize_t size) except -1:
    """Room for `size` more bytes."""
    cdef Py_ssize_t used = buffer.at - buffer.start
    cdef Py_ssize_t capacity
    cdef byte *grown
    if buffer.end - buffer.at >= size:
        return 0
    capacity = 2 * (buffer.end - buffer.start) + size
    grown = <byte *>PyMem_Malloc(capacity)
    if grown == NULL:
        raise MemoryError
    memcpy(grown, buffer.start, used)
    if buffer.on_heap:
        PyMem_Free(buffer.start)
    buffer.start = grown
    buffer.at = grown + used
    buffer.end = grown + capacity
    buffer.on_heap = True
    return 0


cdef inline int surrogate_reason(int character_class, str text) except -1:
    """Why text with a lone surrogate in it, which has no UTF-8, does not fit a class."""
    if character_class == CLASS_UNICODE:
        return NOT_UTF8
    if character_class == CLASS_PRINTABLE:
        return NOT_PRINTABLE
    if character_class == CLASS_TRACK:
        return NOT_TRACK
    return SIGN if character_class == CLASS_SIGNED and text[:1] not in ("C", "D") else NOT_DIGIT


cdef inline int source(const Row *row, PyObject *value, const byte **at, Py_ssize_t *length) except -1:
    """Where the bytes of a value stand in its own object: one a character, or UTF-8."""
    if row.character_class == CLASS_BYTES:
        if not PyBytes_Check(value):
            return TYPE_BYTES
        at[0] = <const byte *>PyBytes_AS_STRING(<object>value)
        length[0] = PyBytes_GET_SIZE(<object>value)
        return FINE
    if not PyUnicode_Check(value):
        return TYPE_TEXT
    if PyUnicode_IS_COMPACT_ASCII(value):
        at[0] = <const byte *>PyUnicode_DATA(value)
        length[0] = PyUnicode_GET_LENGTH(value)
        return FINE
    try:
        at[0] = <const byte *>PyUnicode_AsUTF8AndSize(value, length)
    except UnicodeEncodeError:
        return surrogate_reason(row.character_class, <object>value)
    return FINE
