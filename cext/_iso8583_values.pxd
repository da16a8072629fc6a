# cython: language_level=3, boundscheck=True, wraparound=False, cdivision=True
"""Values of data elements made straight from the bytes of a message, checked before anything is made of them.

Each answers NULL and a fault if the bytes are not of the row's class. `offset` is that of the bytes in the message.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.object cimport PyObject
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.string cimport memcpy

from cext._cursor cimport byte, find_control, find_not_printable, read_bcd, read_hex, translate
from cext._iso8583_rows cimport (
    CLASS_SIGNED, CLASS_TRACK, CLASS_UNICODE, ENCODING_RAW, FINE, Fault, NOT_DIGIT, NOT_HEX, NOT_TRACK, NOT_UTF8,
    PAD_DIGIT, Py_DECREF, Py_INCREF, PyUnicode_DATA, PyUnicode_New, Row, SCRATCH, SIGN, fail, misfit,
)


cdef inline PyObject *unicode_value(const byte *at, Py_ssize_t length, Py_ssize_t offset, Fault *fault) except? NULL:
    cdef Py_ssize_t control = find_control(at, length)
    cdef object text
    if control >= 0:
        fail(fault, NOT_UTF8, offset + control)
        return NULL
    try:
        text = PyUnicode_DecodeUTF8(<const char *>at, length, NULL)
    except UnicodeDecodeError as error:
        fail(fault, NOT_UTF8, offset + error.start)
        return NULL
    Py_INCREF(<PyObject *>text)
    return <PyObject *>text


cdef inline PyObject *text_value(
    const byte *at, Py_ssize_t length, int character_class, Py_ssize_t offset, Fault *fault
) except? NULL:
    """Text of one byte a character, or of UTF-8, checked before anything is made of it."""
    cdef Py_ssize_t index = -1
    cdef PyObject *text
    cdef int reason
    if character_class == CLASS_UNICODE and find_not_printable(at, length) >= 0:
        return unicode_value(at, length, offset, fault)
    reason = FINE if character_class == CLASS_UNICODE else misfit(at, length, character_class, &index)
    if reason != FINE:
        fail(fault, reason, offset + index)
        return NULL
    text = PyUnicode_New(length, 127)
    memcpy(PyUnicode_DATA(text), at, length)
    return text


cdef inline PyObject *bcd_value(
    const Row *row, const byte *to_text, const byte *at, Py_ssize_t length, Py_ssize_t offset, Fault *fault
) except? NULL:
    cdef PyObject *text
    cdef byte *to
    cdef byte sign = 0
    cdef bint pad = False
    cdef bint track = row.character_class == CLASS_TRACK
    cdef Py_ssize_t bad, signs = 1 if row.character_class == CLASS_SIGNED else 0
    if signs:
        sign = to_text[at[0]]
        if sign != 0x43 and sign != 0x44:
            fail(fault, SIGN, offset)
            return NULL
    text = PyUnicode_New(length, 127)
    to = <byte *>PyUnicode_DATA(text)
    if signs:
        to[0] = sign
    bad = read_bcd(to + signs, at + signs, length - signs, row.pad_left, track, &pad)
    if bad >= 0:
        Py_DECREF(text)
        fail(fault, PAD_DIGIT if pad else NOT_TRACK if track else NOT_DIGIT, offset + signs + bad)
        return NULL
    return text


cdef inline PyObject *bytes_value(
    const Row *row, const byte *to_text, bint ascii, const byte *at, Py_ssize_t length, Py_ssize_t offset, Fault *fault
) except? NULL:
    cdef byte scratch[2 * SCRATCH]
    cdef bytes value
    cdef Py_ssize_t bad
    if row.encoding == ENCODING_RAW:
        value = PyBytes_FromStringAndSize(<const char *>at, length)
    else:
        if not ascii:
            translate(scratch, at, 2 * length, to_text)
            at = scratch
        value = PyBytes_FromStringAndSize(NULL, length)
        bad = read_hex(<byte *>PyBytes_AS_STRING(value), at, length)
        if bad >= 0:
            fail(fault, NOT_HEX, offset + bad)
            return NULL
    Py_INCREF(<PyObject *>value)
    return <PyObject *>value
