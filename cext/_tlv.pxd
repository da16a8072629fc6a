# cython: language_level=3
"""Tag, length, value, as DE62 has it, written in C: tag 2 characters, length 3 digits (bytes), value."""

from libc.stdint cimport int64_t, uint64_t

cdef enum:
    TLV_HEAD_BYTES = 5
    TLV_VALUE_BYTES_MAX = 999
    # A signed 64-bit number in decimal.
    NUMBER_BYTES_MAX = 20


cdef inline int put_number(char *at, int64_t value) noexcept nogil:
    """Write a signed number in decimal; returns how many characters it took (at most 20)."""
    cdef char[NUMBER_BYTES_MAX] reverse
    cdef int count = 0, written = 0
    cdef uint64_t rest = <uint64_t>value
    if value < 0:
        at[0] = b"-"
        written = 1
        rest = <uint64_t>0 - rest
    while True:
        reverse[count] = <char>(48 + rest % 10)
        rest //= 10
        count += 1
        if rest == 0:
            break
    while count:
        count -= 1
        at[written] = reverse[count]
        written += 1
    return written


cdef inline void put_tlv_head(char *at, const char *tag, Py_ssize_t size) noexcept nogil:
    """Write tag and length; `size` is at most TLV_VALUE_BYTES_MAX."""
    at[0] = tag[0]
    at[1] = tag[1]
    at[2] = <char>(48 + size // 100)
    at[3] = <char>(48 + size // 10 % 10)
    at[4] = <char>(48 + size % 10)
