# cython: language_level=3, boundscheck=True, wraparound=False, freethreading_compatible=True
"""Python lists → PostgreSQL's binary array format, for the columns of a batch.

One call makes one column: `int32 dimensions, int32 has-nulls, int32 element OID, int32 length, int32 lower bound`,
then for each element `int32 byte length (-1: null), bytes` (PostgreSQL source: `array_recv`, `utils/adt/arrayfuncs.c`).
A general driver spends about 0.2 µs on each element; a batch row has some forty.

`row_array` makes an array of a composite type: `unnest` of one such array costs PostgreSQL a quarter of what `unnest` of
one array for each column does, which keeps a tuplestore for every one of them. An element is `int32 number of fields`, then
for each field `int32 OID, int32 byte length (-1: null), bytes` (`record_recv`, `utils/adt/rowtypes.c`).

An integer that does not fit its column raises OverflowError; a value of another type raises TypeError.
"""

from cpython.bytes cimport (
    PyBytes_AS_STRING, PyBytes_AsString, PyBytes_FromStringAndSize, PyBytes_GET_SIZE, PyBytes_Size,
)
from cpython.long cimport PyLong_AsLongLong
from cpython.unicode cimport PyUnicode_AsUTF8AndSize
from libc.stdint cimport int16_t, int32_t, int64_t, uint16_t, uint32_t
from libc.string cimport memcpy

from cext._pgwire cimport (
    ARRAY_HEADER_BYTES, NULL_LENGTH, OID_BYTEA, OID_DATE, OID_INT2, OID_INT4, OID_INT8, OID_TEXT, OID_TID,
    POSTGRES_EPOCH_ORDINAL, put16, put32, put64, put_header,
)


cdef bytes fixed(list values, uint32_t oid, int width):
    """A column of integers of `width` bytes; None is a null."""
    cdef Py_ssize_t count = len(values)
    # A null takes less room than a value, so this is the most that can be written.
    cdef bytes out = PyBytes_FromStringAndSize(NULL, ARRAY_HEADER_BYTES + count * (4 + width))
    cdef char *start = PyBytes_AS_STRING(out)
    cdef char *at = start + ARRAY_HEADER_BYTES
    cdef bint nulls = False
    cdef int64_t value
    cdef object item
    for item in values:
        if item is None:
            nulls = True
            put32(at, NULL_LENGTH)
            at += 4
            continue
        value = PyLong_AsLongLong(item)
        put32(at, width)
        if width == 8:
            put64(at + 4, value)
        elif width == 4:
            if value < -2147483648 or value > 2147483647:
                raise OverflowError("a value does not fit an int4 column")
            put32(at + 4, <uint32_t><int32_t>value)
        else:
            if value < -32768 or value > 32767:
                raise OverflowError("a value does not fit an int2 column")
            put16(at + 4, <uint16_t><int16_t>value)
        at += 4 + width
    put_header(start, nulls, oid, count)
    return out if not nulls else PyBytes_FromStringAndSize(start, at - start)


def int8_array(list values not None):
    """`bigint[]` of ints or Nones."""
    return fixed(values, OID_INT8, 8)


def int4_array(list values not None):
    """`integer[]` of ints or Nones."""
    return fixed(values, OID_INT4, 4)


def int2_array(list values not None):
    """`smallint[]` of ints or Nones."""
    return fixed(values, OID_INT2, 2)


def date_array(list ordinals not None):
    """`date[]` of proleptic ordinals (`date.toordinal()`) or Nones."""
    cdef object item
    return fixed([None if item is None else item - POSTGRES_EPOCH_ORDINAL for item in ordinals], OID_DATE, 4)


cdef bytes variable(list values, uint32_t oid):
    """A column of byte strings; None is a null."""
    cdef Py_ssize_t total = ARRAY_HEADER_BYTES
    cdef bytes item
    cdef bint nulls = False
    for item in values:
        total += 4
        if item is None:
            nulls = True
        else:
            total += PyBytes_GET_SIZE(item)
    cdef bytes out = PyBytes_FromStringAndSize(NULL, total)
    cdef char *at = PyBytes_AS_STRING(out)
    cdef Py_ssize_t size
    put_header(at, nulls, oid, len(values))
    at += ARRAY_HEADER_BYTES
    for item in values:
        if item is None:
            put32(at, NULL_LENGTH)
            at += 4
            continue
        size = PyBytes_GET_SIZE(item)
        put32(at, <uint32_t>size)
        memcpy(at + 4, PyBytes_AS_STRING(item), size)
        at += 4 + size
    return out


def bytea_array(list values not None):
    """`bytea[]` of bytes or Nones."""
    return variable(values, OID_BYTEA)


cdef inline int put_integer(char *at, object item, int width, uint32_t oid, int64_t offset) except -1:
    """OID, length and value of an integer field; returns the bytes written."""
    cdef int64_t value = PyLong_AsLongLong(item) - offset
    put32(at, oid)
    put32(at + 4, width)
    if width == 8:
        put64(at + 8, value)
    elif width == 4:
        if value < -2147483648 or value > 2147483647:
            raise OverflowError("a value does not fit an int4 column")
        put32(at + 8, <uint32_t><int32_t>value)
    else:
        if value < -32768 or value > 32767:
            raise OverflowError("a value does not fit an int2 column")
        put16(at + 8, <uint16_t><int16_t>value)
    return 8 + width


cdef inline Py_ssize_t put_bytes(char *at, const char *data, Py_ssize_t size, uint32_t oid) noexcept:
    put32(at, oid)
    put32(at + 4, <uint32_t>size)
    memcpy(at + 8, data, size)
    return 8 + size


cdef uint32_t oid_of(char kind) except 0:
    if kind == b"q":
        return OID_INT8
    if kind == b"i":
        return OID_INT4
    if kind == b"h":
        return OID_INT2
    if kind == b"d":
        return OID_DATE
    if kind == b"t":
        return OID_TEXT
    if kind == b"b":
        return OID_BYTEA
    if kind == b"p":
        return OID_TID
    raise ValueError("a kind of field is one of q i h d t b p")


cdef Py_ssize_t room_for(tuple row, const char *kinds, Py_ssize_t fields) except -1:
    """The most bytes that a row can take: OID and length of each field, and what is in it."""
    cdef Py_ssize_t room = 4 + 4 + fields * 16, size
    cdef Py_ssize_t place
    cdef object item
    if len(row) != fields:
        raise ValueError("a row has a value for each field")
    for place in range(fields):
        if kinds[place] == b"t" or kinds[place] == b"b":
            item = row[place]
            if item is None:
                continue
            if kinds[place] == b"b":
                room += PyBytes_Size(item)
            else:
                PyUnicode_AsUTF8AndSize(item, &size)
                room += size
    return room


cdef Py_ssize_t put_field(char *at, object item, char kind) except -1:
    cdef const char *data
    cdef Py_ssize_t size
    cdef uint32_t block
    cdef uint16_t offset
    if item is None:
        put32(at, oid_of(kind))
        put32(at + 4, NULL_LENGTH)
        return 8
    if kind == b"q":
        return put_integer(at, item, 8, OID_INT8, 0)
    if kind == b"i":
        return put_integer(at, item, 4, OID_INT4, 0)
    if kind == b"h":
        return put_integer(at, item, 2, OID_INT2, 0)
    if kind == b"d":
        return put_integer(at, item, 4, OID_DATE, POSTGRES_EPOCH_ORDINAL)
    if kind == b"t":
        data = PyUnicode_AsUTF8AndSize(item, &size)
        return put_bytes(at, data, size, OID_TEXT)
    if kind == b"b":
        return put_bytes(at, PyBytes_AsString(item), PyBytes_Size(item), OID_BYTEA)
    block, offset = <tuple?>item
    put32(at, OID_TID)
    put32(at + 4, 6)
    put32(at + 8, block)
    put16(at + 12, offset)
    return 14


def row_array(uint32_t oid, bytes kinds not None, list rows not None):
    """An array of the composite type `oid`. `kinds` has a letter for each field: q int8, i int4, h int2, d date (a
    proleptic ordinal), t text, b bytea, p tid (a pair of block and offset). Each row is a tuple; None is a null.
    """
    cdef Py_ssize_t fields = PyBytes_GET_SIZE(kinds), total = ARRAY_HEADER_BYTES, place
    cdef const char *kind = PyBytes_AS_STRING(kinds)
    cdef tuple row
    for place in range(fields):
        oid_of(kind[place])
    for row in rows:
        total += room_for(row, kind, fields)
    cdef bytes out = PyBytes_FromStringAndSize(NULL, total)
    cdef char *start = PyBytes_AS_STRING(out)
    cdef char *at = start + ARRAY_HEADER_BYTES
    cdef char *head
    put_header(start, False, oid, len(rows))
    for row in rows:
        head = at
        at += 8
        for place in range(fields):
            at += put_field(at, row[place], kind[place])
        put32(head, <uint32_t>(at - head - 4))
        put32(head + 4, <uint32_t>fields)
    return PyBytes_FromStringAndSize(start, at - start)
