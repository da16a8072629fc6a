# cython: language_level=3, boundscheck=True, wraparound=False, cdivision=True
"""The parts of a msgpack map of data elements; `cext.reference.msgpacked` says what such a map may hold."""

from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.object cimport PyObject
from libc.string cimport memset

from cext._cursor cimport byte, read_big, write_big
from cext._iso8583_rows cimport (
    BAD_KEY, Buffer, CLASS_BYTES, CLASS_DIGITS, DATA_ELEMENT_MAX, FINE, Fault, LENGTH_ABOVE, LENGTH_OTHER, NOBODY,
    NOT_BINARY, NOT_MAP, NOT_TEXT, NO_MTI, Py_DECREF, Py_INCREF, Row, SHORT, THIRD, THIRD_BITMAP, TRAILING, TWICE,
    UNDEFINED, fail, set_item,
)
from cext._iso8583_values cimport text_value


cdef inline int read_map_head(
    const byte *start, Py_ssize_t size, Py_ssize_t *at, Py_ssize_t *pairs, Fault *fault
) noexcept:
    cdef int width
    if size < 1:
        return fail(fault, SHORT, 0, 1, 0)
    if start[0] & 0xF0 == 0x80:
        pairs[0] = start[0] & 0x0F
        at[0] = 1
        return FINE
    if start[0] != 0xDE and start[0] != 0xDF:
        return fail(fault, NOT_MAP, 0)
    width = 2 if start[0] == 0xDE else 4
    if size < 1 + width:
        return fail(fault, SHORT, 1, width, size - 1)
    pairs[0] = <Py_ssize_t>read_big(start + 1, width)
    at[0] = 1 + width
    return FINE


cdef inline int read_key(const byte *start, Py_ssize_t size, Py_ssize_t *at, int *number, Fault *fault) noexcept:
    if at[0] >= size:
        return fail(fault, SHORT, at[0], 1, 0)
    if start[at[0]] < 0x80:
        number[0] = start[at[0]]
        at[0] += 1
        return FINE
    if start[at[0]] != 0xCC:
        return fail(fault, BAD_KEY, at[0])
    if at[0] + 2 > size:
        return fail(fault, SHORT, at[0] + 1, 1, 0)
    number[0] = start[at[0] + 1]
    at[0] += 2
    return FINE


cdef inline PyObject *read_map_value(
    const Row *row, const byte *start, Py_ssize_t size, Py_ssize_t *at, Fault *fault
) except? NULL:
    """The str or bin at `at`, which moves on; NULL and a fault if it can't be read."""
    cdef bint binary = row.character_class == CLASS_BYTES
    cdef Py_ssize_t length, value_at
    cdef int width = 0
    cdef byte head
    if at[0] >= size:
        fail(fault, SHORT, at[0], 1, 0)
        return NULL
    head = start[at[0]]
    if not binary and head & 0xE0 == 0xA0:
        length = head & 0x1F
    else:
        if binary and 0xC4 <= head <= 0xC6:
            width = 1 << (head - 0xC4)
        elif not binary and 0xD9 <= head <= 0xDB:
            width = 1 << (head - 0xD9)
        else:
            fail(fault, NOT_BINARY if binary else NOT_TEXT, at[0])
            return NULL
        if size - at[0] - 1 < width:
            fail(fault, SHORT, at[0] + 1, width, size - at[0] - 1)
            return NULL
        length = <Py_ssize_t>read_big(start + at[0] + 1, width)
    value_at = at[0] + 1 + width
    if length > row.maximum:
        fail(fault, LENGTH_ABOVE, at[0], length, row.maximum)
        return NULL
    if size - value_at < length:
        fail(fault, SHORT, value_at, length, size - value_at)
        return NULL
    if not row.length_digits and length != row.maximum:
        fail(fault, LENGTH_OTHER, at[0], length, row.maximum)
        return NULL
    at[0] = value_at + length
    if binary:
        value = PyBytes_FromStringAndSize(<const char *>start + value_at, length)
        Py_INCREF(<PyObject *>value)
        return <PyObject *>value
    return text_value(start + value_at, length, row.character_class, value_at, fault)


cdef inline void write_pair_head(Buffer *buffer, int number, Py_ssize_t length, bint binary) noexcept:
    """A key and the head of its value, each in the shortest form."""
    cdef byte *to = buffer.at
    if number < 0x80:
        to[0] = <byte>number
        to += 1
    else:
        to[0] = 0xCC
        to[1] = <byte>number
        to += 2
    if length < 32 and not binary:
        to[0] = <byte>(0xA0 | length)
        to += 1
    elif length < 256:
        to[0] = 0xC4 if binary else 0xD9
        to[1] = <byte>length
        to += 2
    else:
        to[0] = 0xC5 if binary else 0xDA
        write_big(to + 1, length, 2)
        to += 3
    buffer.at = to


cdef inline object read_map_mti(const byte *start, Py_ssize_t size, Py_ssize_t *at, Fault *fault):
    cdef Row row
    cdef PyObject *value
    row.character_class = CLASS_DIGITS
    row.length_digits = 0
    row.maximum = 4
    value = read_map_value(&row, start, size, at, fault)
    if value == NULL:
        return None
    mti = <object>value
    Py_DECREF(value)
    return mti


cdef inline object read_map(const Row *rows, const byte *start, Py_ssize_t size, dict fields, Fault *fault):
    """The MTI of a map, with its data elements put into `fields`; on a fault what stood before it."""
    cdef Py_ssize_t at = 0, pairs = 0, key_at, pair = 0
    cdef int number = 0
    cdef bint seen[DATA_ELEMENT_MAX + 1]
    cdef object mti = None, key
    cdef PyObject *value
    memset(seen, 0, sizeof(seen))
    fault.data_element = NOBODY
    if read_map_head(start, size, &at, &pairs, fault) != FINE:
        return None
    while pair < pairs:
        pair += 1
        fault.data_element = NOBODY
        key_at = at
        if read_key(start, size, &at, &number, fault) != FINE:
            return mti
        fault.data_element = number
        if number == 1 or number > DATA_ELEMENT_MAX:
            fail(fault, BAD_KEY, key_at)
            return mti
        if seen[number]:
            fail(fault, TWICE, key_at)
            return mti
        seen[number] = True
        if number == 0:
            mti = read_map_mti(start, size, &at, fault)
            if mti is None:
                return None
            continue
        if not rows[number].defined:
            fail(fault, THIRD if number == THIRD_BITMAP else UNDEFINED, key_at)
            return mti
        value = read_map_value(&rows[number], start, size, &at, fault)
        if value == NULL:
            return mti
        key = number
        try:
            set_item(<PyObject *>fields, <PyObject *>key, value)
        finally:
            Py_DECREF(value)
    if mti is None:
        fault.data_element = 0
        fail(fault, NO_MTI, at)
    elif at < size:
        fault.data_element = NOBODY
        fail(fault, TRAILING, at, size - at)
    return mti
