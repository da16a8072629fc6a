# cython: language_level=3
"""PostgreSQL's binary format of integers, arrays and rows, to write and to read.

An array begins with `int32 dimensions, int32 has-nulls, int32 element OID, int32 length, int32 lower bound`
(`array_recv`, `utils/adt/arrayfuncs.c`). A row is `int32 number of fields`, then for each field `int32 OID, int32 byte
length (-1: null), bytes` (`record_recv`, `utils/adt/rowtypes.c`).
"""

from libc.stdint cimport int16_t, int32_t, int64_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy

cdef extern from *:
    """
    #define PG_NULL_LENGTH 0xFFFFFFFFU
    """
    const uint32_t NULL_LENGTH "PG_NULL_LENGTH"

cdef enum:
    OID_BYTEA = 17
    OID_INT8 = 20
    OID_INT2 = 21
    OID_INT4 = 23
    OID_TEXT = 25
    OID_TID = 27
    OID_DATE = 1082
    ARRAY_HEADER_BYTES = 20
    # PostgreSQL counts days from 2000-01-01, Python's ordinals from 0001-01-01.
    POSTGRES_EPOCH_ORDINAL = 730120


cdef inline void put16(char *at, uint16_t value) noexcept nogil:
    at[0] = <char>(value >> 8)
    at[1] = <char>(value & 0xFF)


cdef inline void put32(char *at, uint32_t value) noexcept nogil:
    at[0] = <char>(value >> 24)
    at[1] = <char>((value >> 16) & 0xFF)
    at[2] = <char>((value >> 8) & 0xFF)
    at[3] = <char>(value & 0xFF)


cdef inline void put64(char *at, int64_t value) noexcept nogil:
    put32(at, <uint32_t>(<uint64_t>value >> 32))
    put32(at + 4, <uint32_t>value)


cdef inline void put_header(char *at, bint nulls, uint32_t oid, Py_ssize_t length) noexcept nogil:
    put32(at, 1)
    put32(at + 4, 1 if nulls else 0)
    put32(at + 8, oid)
    put32(at + 12, <uint32_t>length)
    put32(at + 16, 1)


cdef struct RowWriter:
    # Where the next field goes; where the row began; how many fields it has so far.
    char *at
    char *begun
    uint32_t fields


cdef inline void begin_row(RowWriter *row) noexcept nogil:
    """Leave room for the row's length, as an element of an array, and for its number of fields."""
    row.begun = row.at
    row.at += 8
    row.fields = 0


cdef inline void end_row(RowWriter *row) noexcept nogil:
    put32(row.begun, <uint32_t>(row.at - row.begun - 4))
    put32(row.begun + 4, row.fields)


cdef inline void put_head(RowWriter *row, uint32_t oid, uint32_t size) noexcept nogil:
    put32(row.at, oid)
    put32(row.at + 4, size)
    row.at += 8
    row.fields += 1


cdef inline void put_null(RowWriter *row, uint32_t oid) noexcept nogil:
    put_head(row, oid, NULL_LENGTH)


cdef inline void put_int8(RowWriter *row, int64_t value) noexcept nogil:
    put_head(row, OID_INT8, 8)
    put64(row.at, value)
    row.at += 8


cdef inline int put_int4(RowWriter *row, int64_t value) except -1:
    if not -2147483648 <= value <= 2147483647:
        raise OverflowError("a value does not fit an int4 column")
    put_head(row, OID_INT4, 4)
    put32(row.at, <uint32_t>value)
    row.at += 4
    return 0


cdef inline int put_int2(RowWriter *row, int64_t value) except -1:
    if not -32768 <= value <= 32767:
        raise OverflowError("a value does not fit an int2 column")
    put_head(row, OID_INT2, 2)
    put16(row.at, <uint16_t>value)
    row.at += 2
    return 0


cdef inline void put_date(RowWriter *row, int32_t ordinal) noexcept nogil:
    """A day, as its proleptic ordinal."""
    put_head(row, OID_DATE, 4)
    put32(row.at, <uint32_t>(ordinal - POSTGRES_EPOCH_ORDINAL))
    row.at += 4


cdef inline void put_tid(RowWriter *row, uint32_t block, uint16_t offset) noexcept nogil:
    put_head(row, OID_TID, 6)
    put32(row.at, block)
    put16(row.at + 4, offset)
    row.at += 6


cdef inline void put_data(RowWriter *row, uint32_t oid, const char *data, Py_ssize_t size) noexcept nogil:
    put_head(row, oid, <uint32_t>size)
    memcpy(row.at, data, size)
    row.at += size


cdef struct RowReader:
    # Where the next field begins; where the row ends; how many fields are left.
    const char *at
    const char *end
    int64_t left


cdef inline uint32_t get32(const char *at) noexcept nogil:
    cdef const unsigned char *bytes = <const unsigned char *>at
    return (
        (<uint32_t>bytes[0] << 24) | (<uint32_t>bytes[1] << 16) | (<uint32_t>bytes[2] << 8) | <uint32_t>bytes[3]
    )


cdef inline int open_row(RowReader *row, const char *data, Py_ssize_t size) except -1:
    if size < 4:
        raise ValueError("a row is cut")
    row.at = data + 4
    row.end = data + size
    row.left = <int32_t>get32(data)
    return 0


cdef inline Py_ssize_t next_field(RowReader *row, const char **data) except -2:
    """The length of the next field and where its value stands; -1 for a null."""
    cdef Py_ssize_t size
    if row.left <= 0 or row.end - row.at < 8:
        raise ValueError("a row has fewer fields than it must")
    size = <int32_t>get32(row.at + 4)
    row.at += 8
    row.left -= 1
    if size < 0:
        return -1
    if size > row.end - row.at:
        raise ValueError("a field of a row is cut")
    data[0] = row.at
    row.at += size
    return size


cdef inline int64_t get_integer(RowReader *row) except? -1:
    """An int2, int4, int8 or date (days since 2000)."""
    cdef const char *data = NULL
    cdef Py_ssize_t size = next_field(row, &data)
    if size == 8:
        return <int64_t>((<uint64_t>get32(data) << 32) | get32(data + 4))
    if size == 4:
        return <int32_t>get32(data)
    if size == 2:
        return <int16_t>((<uint16_t><unsigned char>data[0] << 8) | <unsigned char>data[1])
    raise ValueError("a field of a row is no integer")


cdef inline int close_row(RowReader *row) except -1:
    if row.left != 0 or row.at != row.end:
        raise ValueError("a row has more fields than it must")
    return 0
