# cython: language_level=3, boundscheck=True, wraparound=False
"""Grants in C: a working copy of an account's grants that remembers its moves. See `cext/reference/grants.py`.

Nothing here but the packing and the checks touches a Python object. Entries are sorted by slot; what is taken back stays among them,
so that its move is not lost, and is left out when they are packed.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport int32_t, int64_t, uint8_t
from libc.string cimport memmove

from cext._kernel_arithmetic cimport read_number, write_number
from cext._kernel_counters cimport SLOTS_MAX
from cext._kernel_table cimport VALUES_PER_GRANT_MAX

cdef enum:
    GRANTS_MAX = 16
    GRANT_BYTES = 40
    ALIVE = 0
    USED = 1
    TAKEN_BACK = 2

cdef struct Grant:
    int64_t values[VALUES_PER_GRANT_MAX]
    int32_t slot
    int32_t until
    int32_t count
    uint8_t state
    bint moved

cdef struct Grants:
    int32_t count
    # Whether the account's grants are other than they were: moved, or dropped after their last day.
    bint changed
    Grant entries[GRANTS_MAX]


cdef inline Grant read_grant(const uint8_t *at) noexcept nogil:
    cdef Grant grant
    cdef int i
    grant.slot = (at[0] << 8) | at[1]
    grant.until = <int32_t>read_number(at + 2, 4)
    grant.state = at[6]
    grant.count = at[7]
    grant.moved = False
    for i in range(VALUES_PER_GRANT_MAX):
        grant.values[i] = read_number(at + 8 + 8 * i, 8)
    return grant


cdef inline int check_grant_moves(bytes packed) except -1:
    """Raise ValueError if a grant is broken."""
    cdef const uint8_t *at = <const uint8_t *>PyBytes_AS_STRING(packed)
    cdef Py_ssize_t size = PyBytes_GET_SIZE(packed)
    cdef Py_ssize_t i
    cdef int32_t j
    cdef bint broken
    cdef Grant grant
    if size % GRANT_BYTES:
        raise ValueError("packed grants must be 40 bytes each")
    for i in range(size // GRANT_BYTES):
        grant = read_grant(at + i * GRANT_BYTES)
        broken = not 1 <= grant.slot <= SLOTS_MAX or grant.state > TAKEN_BACK or grant.count > VALUES_PER_GRANT_MAX
        for j in range(VALUES_PER_GRANT_MAX):
            broken |= j >= grant.count and grant.values[j] != 0
        if broken:
            raise ValueError("a grant's slot, state or number of values is out of range")
    return 0


cdef inline int check_grants(bytes packed) except -1:
    """Raise ValueError unless these are grants as a decision leaves them."""
    cdef const uint8_t *at = <const uint8_t *>PyBytes_AS_STRING(packed)
    cdef Py_ssize_t size = PyBytes_GET_SIZE(packed)
    cdef Py_ssize_t i
    cdef int32_t previous = 0
    cdef Grant grant
    check_grant_moves(packed)
    if size > GRANTS_MAX * GRANT_BYTES:
        raise ValueError(f"an account has at most {GRANTS_MAX} grants")
    for i in range(size // GRANT_BYTES):
        grant = read_grant(at + i * GRANT_BYTES)
        if grant.slot <= previous:
            raise ValueError("grants must be sorted by slot, each slot once")
        if grant.state > USED:
            raise ValueError("a grant that is kept is used or not")
        previous = grant.slot
    return 0


cdef inline void begin_grants(Grants *g, bytes packed, int64_t local_day) noexcept:
    """`packed` was checked when the account was made. What is past its last day is left out."""
    cdef const uint8_t *at = <const uint8_t *>PyBytes_AS_STRING(packed)
    cdef Py_ssize_t i
    g.count = 0
    g.changed = False
    for i in range(PyBytes_GET_SIZE(packed) // GRANT_BYTES):
        g.entries[g.count] = read_grant(at + i * GRANT_BYTES)
        if local_day <= g.entries[g.count].until:
            g.count += 1
        else:
            g.changed = True


cdef inline const Grant *held(const Grants *g, int32_t slot) noexcept nogil:
    """The account's record of a grant, used or not."""
    cdef int32_t at
    for at in range(g.count):
        if g.entries[at].slot == slot and g.entries[at].state != TAKEN_BACK:
            return &g.entries[at]
    return NULL


cdef inline const Grant *live(const Grants *g, int32_t slot) noexcept nogil:
    """The grant that may be used now."""
    cdef const Grant *grant = held(g, slot)
    return grant if grant != NULL and grant.state == ALIVE else NULL


cdef inline bint may_give(const Grants *g, int32_t slot) noexcept nogil:
    """Whether there is room, and no record that this was given already."""
    return g.count < GRANTS_MAX and held(g, slot) == NULL


cdef inline void set_state(Grants *g, int32_t slot, uint8_t state) noexcept nogil:
    cdef int32_t at
    for at in range(g.count):
        if g.entries[at].slot == slot:
            g.entries[at].state = state
            g.entries[at].moved = True
            g.changed = True


cdef inline void use(Grants *g, int32_t slot) noexcept nogil:
    set_state(g, slot, USED)


cdef inline void give(
    Grants *g, int32_t slot, int32_t until, const int64_t *values, int32_t count
) noexcept nogil:
    """Give what `may_give`."""
    cdef int32_t at = g.count, i
    while at > 0 and g.entries[at - 1].slot > slot:
        at -= 1
    memmove(&g.entries[at + 1], &g.entries[at], (g.count - at) * sizeof(Grant))
    g.entries[at].slot = slot
    g.entries[at].until = until
    g.entries[at].state = ALIVE
    g.entries[at].count = count
    g.entries[at].moved = True
    for i in range(VALUES_PER_GRANT_MAX):
        g.entries[at].values[i] = values[i] if i < count else 0
    g.count += 1
    g.changed = True


cdef inline void undo_grants(Grants *g, bytes moved) noexcept:
    """Take back what was given, if it is unused; make alive what was used, if its last day has not passed."""
    cdef const uint8_t *moves = <const uint8_t *>PyBytes_AS_STRING(moved)
    cdef const Grant *mine
    cdef Grant move
    cdef Py_ssize_t i
    for i in range(PyBytes_GET_SIZE(moved) // GRANT_BYTES):
        move = read_grant(moves + i * GRANT_BYTES)
        mine = held(g, move.slot)
        if mine == NULL or mine.until != move.until or mine.state != move.state:
            continue
        if move.state == USED:
            set_state(g, move.slot, ALIVE)
        elif move.state == ALIVE:
            set_state(g, move.slot, TAKEN_BACK)


cdef inline bytes packed_grants(const Grants *g, bint moves):
    """What the account keeps, or what was moved."""
    cdef uint8_t packed[GRANTS_MAX * GRANT_BYTES]
    cdef uint8_t *to = packed
    cdef const Grant *grant
    cdef int32_t at, i
    for at in range(g.count):
        grant = &g.entries[at]
        if not grant.moved if moves else grant.state == TAKEN_BACK:
            continue
        write_number(to, 2, grant.slot)
        write_number(to + 2, 4, grant.until)
        to[6] = grant.state
        to[7] = <uint8_t>grant.count
        for i in range(VALUES_PER_GRANT_MAX):
            write_number(to + 8 + 8 * i, 8, grant.values[i])
        to += GRANT_BYTES
    return PyBytes_FromStringAndSize(<const char *>packed, to - packed)
