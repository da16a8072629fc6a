# cython: language_level=3, boundscheck=True, wraparound=False
"""Reserves, and the spend of the last days, as an account keeps them: `cext/reference/reserves.py` and `recent.py`."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport int32_t, int64_t, uint8_t

from cext._kernel_arithmetic cimport BALANCE_MAX, read_number

cdef enum:
    RESERVE_BYTES = 32
    RESERVES_MAX = 48
    RECENT_BYTES = 12
    RECENT_DAYS_MAX = 31

cdef struct Reserve:
    int64_t key
    int64_t until
    int64_t points
    int64_t credit


cdef inline Reserve read_reserve(const uint8_t *at) noexcept nogil:
    cdef Reserve reserve
    reserve.key = read_number(at, 8)
    reserve.until = read_number(at + 8, 8)
    reserve.points = read_number(at + 16, 8)
    reserve.credit = read_number(at + 24, 8)
    return reserve


cdef inline int check_reserves(bytes packed) except -1:
    """Raise ValueError unless these are reserves as a decision leaves them."""
    cdef const uint8_t *at = <const uint8_t *>PyBytes_AS_STRING(packed)
    cdef Py_ssize_t size = PyBytes_GET_SIZE(packed)
    cdef Py_ssize_t i
    cdef Reserve reserve
    cdef int64_t key = -1, until = -1
    if size % RESERVE_BYTES:
        raise ValueError("packed reserves must be 32 bytes each")
    if size > RESERVES_MAX * RESERVE_BYTES:
        raise ValueError(f"an account has at most {RESERVES_MAX} reserves")
    for i in range(size // RESERVE_BYTES):
        reserve = read_reserve(at + i * RESERVE_BYTES)
        if reserve.key < key or (reserve.key == key and reserve.until <= until):
            raise ValueError("reserves must be sorted by key and until, each pair once, from 0")
        if (
            reserve.until < 0
            or not 0 <= reserve.points <= BALANCE_MAX
            or not 0 <= reserve.credit <= BALANCE_MAX
            or (reserve.points == 0 and reserve.credit == 0)
        ):
            raise ValueError(f"a reserve must be 1 to {BALANCE_MAX} points or minor units")
        key = reserve.key
        until = reserve.until
    return 0


cdef inline int check_reserve_moves(bytes packed) except -1:
    """Raise ValueError unless these are moves of reserves."""
    cdef const uint8_t *at = <const uint8_t *>PyBytes_AS_STRING(packed)
    cdef Py_ssize_t size = PyBytes_GET_SIZE(packed)
    cdef Py_ssize_t i
    cdef Reserve reserve
    if size % RESERVE_BYTES:
        raise ValueError("packed reserves must be 32 bytes each")
    for i in range(size // RESERVE_BYTES):
        reserve = read_reserve(at + i * RESERVE_BYTES)
        if (
            reserve.key < 0
            or reserve.until < 0
            or not -BALANCE_MAX <= reserve.points <= BALANCE_MAX
            or not -BALANCE_MAX <= reserve.credit <= BALANCE_MAX
        ):
            raise ValueError(f"a reserve's move must be by at most {BALANCE_MAX}")
    return 0


cdef inline int check_recent(bytes packed) except -1:
    """Raise ValueError unless these are days of spend as a decision leaves them."""
    cdef const uint8_t *at = <const uint8_t *>PyBytes_AS_STRING(packed)
    cdef Py_ssize_t size = PyBytes_GET_SIZE(packed)
    cdef Py_ssize_t i
    cdef int32_t previous = -1, day
    if size % RECENT_BYTES:
        raise ValueError("packed days must be 12 bytes each")
    if size > RECENT_DAYS_MAX * RECENT_BYTES:
        raise ValueError(f"an account keeps at most {RECENT_DAYS_MAX} days of spend")
    for i in range(size // RECENT_BYTES):
        day = <int32_t>read_number(at + i * RECENT_BYTES, 4)
        if day <= previous:
            raise ValueError("days of spend must be sorted, each day once, from 0")
        if not -BALANCE_MAX <= read_number(at + i * RECENT_BYTES + 4, 8) <= BALANCE_MAX:
            raise ValueError(f"a day's spend must be at most {BALANCE_MAX}")
        previous = day
    return 0
