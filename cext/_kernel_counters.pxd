# cython: language_level=3, boundscheck=True, wraparound=False
"""Counters in C: a working copy of an account's counters that remembers its moves. See `cext/reference/counters.py`.

Nothing here but the packing and the checks touches a Python object. Entries are sorted by slot; one that falls to 0 stays among them,
so that its move is not lost, and is left out when they are packed.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport int32_t, int64_t, uint8_t
from libc.string cimport memmove

from cext._kernel_arithmetic cimport BALANCE_MAX, larger, read_number, share, write_number
from cext._kernel_table cimport DAY, LIFE, MONTH, PERIODS, YEAR, Limit

cdef enum:
    COUNTERS_MAX = 64
    COUNTER_MOVES_MAX = 128
    COUNTER_BYTES = 14
    SLOTS_MAX = 4095

cdef struct Counter:
    int64_t value
    int64_t moved
    int32_t number
    int32_t slot

cdef struct Counters:
    int32_t count
    bint overfull
    int32_t numbers[PERIODS]
    Counter entries[COUNTER_MOVES_MAX]


cdef inline Counter read_counter(const uint8_t *at) noexcept nogil:
    cdef Counter counter
    counter.slot = (at[0] << 8) | at[1]
    counter.number = <int32_t>read_number(at + 2, 4)
    counter.value = read_number(at + 6, 8)
    counter.moved = 0
    return counter


cdef inline int check_counters(bytes packed) except -1:
    """Raise ValueError unless these are counters as a decision leaves them."""
    cdef const uint8_t *at = <const uint8_t *>PyBytes_AS_STRING(packed)
    cdef Py_ssize_t size = PyBytes_GET_SIZE(packed)
    cdef Py_ssize_t i
    cdef int32_t previous = 0
    cdef Counter counter
    if size % COUNTER_BYTES:
        raise ValueError("packed counters must be 14 bytes each")
    if size > COUNTERS_MAX * COUNTER_BYTES:
        raise ValueError(f"an account has at most {COUNTERS_MAX} counters")
    for i in range(size // COUNTER_BYTES):
        counter = read_counter(at + i * COUNTER_BYTES)
        if not previous < counter.slot <= SLOTS_MAX:
            raise ValueError(f"counters must be sorted by slot, each slot once, 1 to {SLOTS_MAX}")
        if counter.number < 0 or not 0 < counter.value <= BALANCE_MAX:
            raise ValueError(f"a counter must be 1 to {BALANCE_MAX}, its period not below 0")
        previous = counter.slot
    return 0


cdef inline int check_counter_moves(bytes packed) except -1:
    """Raise ValueError unless these are moves of counters."""
    cdef const uint8_t *at = <const uint8_t *>PyBytes_AS_STRING(packed)
    cdef Py_ssize_t size = PyBytes_GET_SIZE(packed)
    cdef Py_ssize_t i
    cdef Counter move
    if size % COUNTER_BYTES:
        raise ValueError("packed counters must be 14 bytes each")
    for i in range(size // COUNTER_BYTES):
        move = read_counter(at + i * COUNTER_BYTES)
        if not 1 <= move.slot <= SLOTS_MAX or move.number < 0 or not -BALANCE_MAX <= move.value <= BALANCE_MAX:
            raise ValueError(f"a counter's move must be of slot 1 to {SLOTS_MAX}, by at most {BALANCE_MAX}")
    return 0


cdef inline void begin_counters(Counters *c, bytes packed, int32_t local_month, int32_t local_day) noexcept:
    """`packed` was checked when the account was made."""
    cdef const uint8_t *at = <const uint8_t *>PyBytes_AS_STRING(packed)
    cdef int32_t i
    c.count = <int32_t>(PyBytes_GET_SIZE(packed) // COUNTER_BYTES)
    c.overfull = False
    c.numbers[LIFE] = 0
    c.numbers[YEAR] = local_month // 12
    c.numbers[MONTH] = local_month
    c.numbers[DAY] = local_day
    for i in range(c.count):
        c.entries[i] = read_counter(at + i * COUNTER_BYTES)


cdef inline int32_t place_of(const Counters *c, int32_t slot) noexcept nogil:
    """The index of the first entry whose slot is not below this one."""
    cdef int32_t at = 0
    while at < c.count and c.entries[at].slot < slot:
        at += 1
    return at


cdef inline bint is_at(const Counters *c, int32_t at, int32_t slot) noexcept nogil:
    return at < c.count and c.entries[at].slot == slot


cdef inline int64_t count_of(const Counters *c, int32_t slot, int32_t period) noexcept nogil:
    """The counter now; 0 if its period is over."""
    cdef int32_t at = place_of(c, slot)
    if is_at(c, at, slot) and c.entries[at].number >= c.numbers[period]:
        return c.entries[at].value
    return 0


cdef inline bint insert_counter(Counters *c, int32_t at, int32_t slot, int32_t number) noexcept nogil:
    if c.count >= COUNTER_MOVES_MAX:
        c.overfull = True
        return False
    memmove(&c.entries[at + 1], &c.entries[at], (c.count - at) * sizeof(Counter))
    c.entries[at].slot = slot
    c.entries[at].number = number
    c.entries[at].value = 0
    c.entries[at].moved = 0
    c.count += 1
    return True


cdef inline void move_counter(Counters *c, int32_t at, int64_t count) noexcept nogil:
    cdef int64_t value = larger(0, c.entries[at].value + count)
    if value > BALANCE_MAX:
        c.overfull = True
        return
    c.entries[at].moved += value - c.entries[at].value
    c.entries[at].value = value


cdef inline void add_count(Counters *c, int32_t slot, int32_t period, int64_t count) noexcept nogil:
    """Add to a counter, in the period of the message or a later one; it does not fall below 0."""
    cdef int32_t at = place_of(c, slot)
    if not is_at(c, at, slot):
        if count <= 0 or not insert_counter(c, at, slot, c.numbers[period]):
            return
    elif c.entries[at].number < c.numbers[period]:
        c.entries[at].number = c.numbers[period]
        c.entries[at].value = 0
    move_counter(c, at, count)


cdef inline void give_back_count(Counters *c, int32_t slot, int32_t number, int64_t count) noexcept nogil:
    """Add to a counter if it is still of the period of this number; what is empty is of any."""
    cdef int32_t at = place_of(c, slot)
    if not is_at(c, at, slot) and (count <= 0 or not insert_counter(c, at, slot, number)):
        return
    if c.entries[at].number == number:
        move_counter(c, at, count)


cdef inline void count_back(Counters *c, bytes moved, bytes undone, int64_t done, int64_t whole) noexcept:
    """Undo a part of each counter's move, without what was undone of it before."""
    cdef const uint8_t *moves = <const uint8_t *>PyBytes_AS_STRING(moved)
    cdef const uint8_t *undoings = <const uint8_t *>PyBytes_AS_STRING(undone)
    cdef Counter move, other
    cdef int64_t size, before
    cdef Py_ssize_t i, j
    for i in range(PyBytes_GET_SIZE(moved) // COUNTER_BYTES):
        move = read_counter(moves + i * COUNTER_BYTES)
        size = larger(move.value, -move.value)
        before = 0
        for j in range(PyBytes_GET_SIZE(undone) // COUNTER_BYTES):
            other = read_counter(undoings + j * COUNTER_BYTES)
            if other.slot != move.slot or other.number != move.number or before >= size:
                continue
            if (other.value < 0) != (move.value < 0):
                before += larger(other.value, -other.value)
        size = larger(0, share(size, done, whole) - before)
        give_back_count(c, move.slot, move.number, size if move.value < 0 else -size)


cdef inline int32_t kept_counters(const Counters *c) noexcept nogil:
    cdef int32_t at, kept = 0
    for at in range(c.count):
        kept += c.entries[at].value > 0
    return kept


cdef inline void make_room(Counters *c, const Limit *limits, int32_t limits_count) noexcept nogil:
    """Too many: drop the limits' counters whose period is over."""
    if kept_counters(c) > COUNTERS_MAX:
        forget(c, limits, limits_count)


cdef inline bint forget(Counters *c, const Limit *limits, int32_t limits_count) noexcept nogil:
    """Drop the limits' counters whose period is over, unless this message moved them; whether there were any."""
    cdef int32_t i, at
    cdef bint found = False
    for i in range(limits_count):
        at = place_of(c, limits[i].slot)
        if not is_at(c, at, limits[i].slot) or c.entries[at].moved:
            continue
        if c.entries[at].number < c.numbers[limits[i].period]:
            c.count -= 1
            memmove(&c.entries[at], &c.entries[at + 1], (c.count - at) * sizeof(Counter))
            found = True
    return found


cdef inline bytes packed_counters(const Counters *c, bint moves):
    """What the account keeps, or what was moved, leaving out the zeros."""
    cdef uint8_t packed[COUNTER_MOVES_MAX * COUNTER_BYTES]
    cdef uint8_t *to = packed
    cdef int64_t value
    cdef int32_t at
    for at in range(c.count):
        value = c.entries[at].moved if moves else c.entries[at].value
        if value == 0:
            continue
        write_number(to, 2, c.entries[at].slot)
        write_number(to + 2, 4, c.entries[at].number)
        write_number(to + 6, 8, value)
        to += COUNTER_BYTES
    return PyBytes_FromStringAndSize(<const char *>packed, to - packed)
