# cython: language_level=3, boundscheck=True, wraparound=False, freethreading_compatible=True
"""The two parts of a reply: what the message itself says, and what was decided, as the journal keeps it.

`cext/reference/reply.py` says in plain Python what each function does. The stored form is msgpack, so that any tool can
read a journal row.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_Copy, PyDict_GetItem, PyDict_SetItem
from cpython.object cimport PyObject
from cpython.unicode cimport PyUnicode_AsUTF8AndSize
from libc.stdint cimport uint8_t
from libc.string cimport memcpy

cdef enum:
    ELEMENT_MAX = 128
    STORED_BYTES_MAX = 8_192
    FIXSTR_MAX = 31
    BYTE_MAX = 255



def echoed(dict fields not None, tuple numbers not None, dict decided not None):
    """The data elements of a reply: those of `numbers` as they came, and over them what was decided."""
    cdef dict together = PyDict_Copy(decided)
    cdef object number
    cdef PyObject *value
    for number in numbers:
        value = PyDict_GetItem(fields, number)
        if value is not NULL and PyDict_GetItem(together, number) is NULL:
            PyDict_SetItem(together, number, <object>value)
    return together


def packed(dict decided not None):
    """What was decided, as a msgpack map of data element to string (or binary).

    Raises TypeError for a value that is neither str nor bytes, ValueError for a number that is no data element or a map
    of more than fifteen, OverflowError if it would be longer than a frame may be.
    """
    cdef char[STORED_BYTES_MAX] out
    cdef Py_ssize_t at = 1, size
    cdef const char *data
    cdef object number, value
    cdef long element
    cdef bint text
    if len(decided) > 15:
        raise ValueError("more data elements than a reply has")
    out[0] = <char>(0x80 | len(decided))
    for number, value in decided.items():
        element = number
        if element < 0 or element > ELEMENT_MAX:
            raise ValueError("not a data element's number")
        text = isinstance(value, str)
        if text:
            data = PyUnicode_AsUTF8AndSize(value, &size)
        elif isinstance(value, bytes):
            data = PyBytes_AS_STRING(value)
            size = PyBytes_GET_SIZE(value)
        else:
            raise TypeError("a data element is text or bytes")
        # The longest head of key and value is five bytes.
        if at + 5 + size > STORED_BYTES_MAX:
            raise OverflowError("a reply that is longer than a frame")
        if element < ELEMENT_MAX:
            out[at] = <char>element
            at += 1
        else:
            out[at] = <char>0xCC
            out[at + 1] = <char>element
            at += 2
        if text and size <= FIXSTR_MAX:
            out[at] = <char>(0xA0 | size)
            at += 1
        elif size <= BYTE_MAX:
            out[at] = <char>(0xD9 if text else 0xC4)
            out[at + 1] = <char><uint8_t>size
            at += 2
        else:
            out[at] = <char>(0xDA if text else 0xC5)
            out[at + 1] = <char><uint8_t>(size >> 8)
            out[at + 2] = <char><uint8_t>(size & 0xFF)
            at += 3
        memcpy(out + at, data, size)
        at += size
    return PyBytes_FromStringAndSize(out, at)
