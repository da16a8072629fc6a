# cython: language_level=3, boundscheck=True, wraparound=False
"""The spend of the last days in C. See `cext/reference/recent.py`."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport int32_t, int64_t, uint8_t
from libc.string cimport memmove

from cext._kernel_arithmetic cimport BALANCE_MAX, larger, read_number, write_number
from cext._kernel_reserves cimport RECENT_BYTES, RECENT_DAYS_MAX

cdef enum:
    SPEND_DAYS = 30
    DAY_SLOTS = 32

cdef struct Day:
    int64_t amount
    int32_t day

cdef struct Recent:
    int32_t count
    bint changed
    Day days[DAY_SLOTS]


cdef inline int64_t spent_lately(bytes packed, int64_t local_day) noexcept:
    """What was spent on the last days up to this one, at least 0."""
    cdef const uint8_t *at = <const uint8_t *>PyBytes_AS_STRING(packed)
    cdef Py_ssize_t i
    cdef int64_t total = 0, day
    for i in range(PyBytes_GET_SIZE(packed) // RECENT_BYTES):
        day = read_number(at + i * RECENT_BYTES, 4)
        if local_day - SPEND_DAYS < day <= local_day:
            total += read_number(at + i * RECENT_BYTES + 4, 8)
    return larger(0, total)


cdef inline void begin_recent(Recent *r, bytes packed) noexcept:
    cdef const uint8_t *at = <const uint8_t *>PyBytes_AS_STRING(packed)
    cdef int32_t i
    r.count = <int32_t>(PyBytes_GET_SIZE(packed) // RECENT_BYTES)
    r.changed = False
    for i in range(r.count):
        r.days[i].day = <int32_t>read_number(at + i * RECENT_BYTES, 4)
        r.days[i].amount = read_number(at + i * RECENT_BYTES + 4, 8)


cdef inline void drop_day(Recent *r, int32_t at) noexcept nogil:
    r.count -= 1
    memmove(&r.days[at], &r.days[at + 1], (r.count - at) * sizeof(Day))
    r.changed = True


cdef inline void spend_on(Recent *r, int32_t local_day, int64_t amount) noexcept nogil:
    """Add to a day, and leave out those that no message from this day on asks for."""
    cdef int32_t at
    if amount == 0:
        return
    while r.count and r.days[0].day <= local_day - SPEND_DAYS:
        drop_day(r, 0)
    at = r.count
    while at > 0 and r.days[at - 1].day >= local_day:
        at -= 1
    if at < r.count and r.days[at].day == local_day:
        r.days[at].amount += amount
        r.changed = True
        if r.days[at].amount == 0:
            drop_day(r, at)
        return
    if r.count == RECENT_DAYS_MAX and at == 0:
        return
    memmove(&r.days[at + 1], &r.days[at], (r.count - at) * sizeof(Day))
    r.days[at].day = local_day
    r.days[at].amount = amount
    r.count += 1
    r.changed = True
    if r.count > RECENT_DAYS_MAX:
        drop_day(r, 0)


cdef inline bint recent_within_bounds(const Recent *r) noexcept nogil:
    cdef int32_t at
    for at in range(r.count):
        if not -BALANCE_MAX <= r.days[at].amount <= BALANCE_MAX:
            return False
    return True


cdef inline bytes packed_recent(const Recent *r):
    cdef uint8_t packed[DAY_SLOTS * RECENT_BYTES]
    cdef int32_t at
    for at in range(r.count):
        write_number(packed + at * RECENT_BYTES, 4, r.days[at].day)
        write_number(packed + at * RECENT_BYTES + 4, 8, r.days[at].amount)
    return PyBytes_FromStringAndSize(<const char *>packed, r.count * RECENT_BYTES)
