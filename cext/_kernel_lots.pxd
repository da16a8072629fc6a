# cython: language_level=3, boundscheck=True, wraparound=False
"""Lots in C: a working copy of an account's lots that remembers its moves. See `cext/reference/lots.py` for the rules.

Nothing here touches a Python object. Every index is checked against `count` or `moves` before it is used.
"""

from libc.stdint cimport int16_t, int32_t, int64_t, uint8_t, uint16_t
from libc.string cimport memmove

from cext._kernel_arithmetic cimport BALANCE_MAX, read_number, smaller, write_number

cdef enum:
    LOTS_MAX = 36
    LOT_SLOTS = 37
    MOVES_MAX = 160
    LOT_BYTES = 10
    DEFICIT_MONTH = -1

cdef struct Lot:
    int64_t points
    int32_t month

cdef struct Lots:
    int32_t count
    int32_t moves
    bint overfull
    Lot lots[LOT_SLOTS]
    Lot moved[MOVES_MAX]


cdef inline Lot read_lot(const uint8_t *at) noexcept nogil:
    cdef Lot lot
    lot.month = <int16_t>((<uint16_t>at[0] << 8) | at[1])
    lot.points = read_number(at + 2, 8)
    return lot


cdef inline void write_lot(uint8_t *at, Lot lot) noexcept nogil:
    write_number(at, 2, lot.month)
    write_number(at + 2, 8, lot.points)


cdef inline void record(Lots *w, int32_t month, int64_t points) noexcept nogil:
    """Add a move to the entry of its month and direction; entries are sorted by month, taken before put."""
    cdef bint put = points > 0
    cdef int32_t at = w.moves
    while at > 0 and (
        w.moved[at - 1].month > month
        or (w.moved[at - 1].month == month and not put and w.moved[at - 1].points > 0)
    ):
        at -= 1
    if at > 0 and w.moved[at - 1].month == month and (w.moved[at - 1].points > 0) == put:
        w.moved[at - 1].points += points
        return
    if w.moves >= MOVES_MAX:
        w.overfull = True
        return
    memmove(&w.moved[at + 1], &w.moved[at], (w.moves - at) * sizeof(Lot))
    w.moved[at].month = month
    w.moved[at].points = points
    w.moves += 1


cdef inline int32_t find(const Lots *w, int32_t month) noexcept nogil:
    """The index of the first lot that does not expire before `month`."""
    cdef int32_t at = w.count
    while at > 0 and w.lots[at - 1].month >= month:
        at -= 1
    return at


cdef inline void remove(Lots *w, int32_t at) noexcept nogil:
    w.count -= 1
    memmove(&w.lots[at], &w.lots[at + 1], (w.count - at) * sizeof(Lot))


cdef inline void insert(Lots *w, int32_t at, int32_t month, int64_t points) noexcept nogil:
    memmove(&w.lots[at + 1], &w.lots[at], (w.count - at) * sizeof(Lot))
    w.lots[at].month = month
    w.lots[at].points = points
    w.count += 1


cdef inline bint owes(const Lots *w) noexcept nogil:
    return w.count > 0 and w.lots[0].month == DEFICIT_MONTH


cdef inline int64_t take_at(Lots *w, int32_t at, int64_t points) noexcept nogil:
    """Take at most `points` from the lot at an index; a lot that is empty then is removed."""
    cdef int64_t taken = smaller(points, w.lots[at].points)
    if taken <= 0:
        return 0
    record(w, w.lots[at].month, -taken)
    w.lots[at].points -= taken
    if w.lots[at].points == 0:
        remove(w, at)
    return taken


cdef inline int64_t lapse(Lots *w, int32_t local_month) noexcept nogil:
    cdef int64_t expired = 0
    cdef int32_t at = 1 if owes(w) else 0
    while at < w.count and w.lots[at].month < local_month:
        expired += take_at(w, at, w.lots[at].points)
    return expired


cdef inline int64_t spendable(const Lots *w) noexcept nogil:
    cdef int64_t total = 0
    cdef int32_t at
    for at in range(w.count):
        if w.lots[at].points > 0:
            total += w.lots[at].points
    return total


cdef inline int64_t take_earliest(Lots *w, int64_t points) noexcept nogil:
    cdef int64_t left = points
    cdef int32_t at = 1 if owes(w) else 0
    while left > 0 and at < w.count:
        # The lot at this index is gone once it is empty; if it is not, nothing is left to take.
        left -= take_at(w, at, left)
    return points - left


cdef inline int64_t take_month(Lots *w, int32_t month, int64_t points) noexcept nogil:
    cdef int32_t at = find(w, month)
    if at < w.count and w.lots[at].month == month:
        return take_at(w, at, points)
    return 0


cdef inline void owe(Lots *w, int64_t points) noexcept nogil:
    if points == 0:
        return
    if not owes(w):
        insert(w, 0, DEFICIT_MONTH, 0)
    w.lots[0].points -= points
    record(w, DEFICIT_MONTH, -points)


cdef inline void add(Lots *w, int32_t month, int64_t points) noexcept nogil:
    cdef int64_t paid
    cdef int32_t at, first
    if owes(w):
        paid = smaller(points, -w.lots[0].points)
        if paid > 0:
            w.lots[0].points += paid
            if w.lots[0].points == 0:
                remove(w, 0)
            record(w, DEFICIT_MONTH, paid)
            points -= paid
    if points == 0:
        return
    at = find(w, month)
    if at == w.count or w.lots[at].month != month:
        first = 1 if owes(w) else 0
        if w.count - first < LOTS_MAX:
            insert(w, at, month, 0)
        else:
            at = at - 1 if at > first else first
    w.lots[at].points += points
    record(w, w.lots[at].month, points)


cdef inline void pass_through(Lots *w, int32_t month, int64_t points) noexcept nogil:
    if points != 0:
        record(w, month, points)
        record(w, month, -points)


cdef inline bint within_bounds(const Lots *w) noexcept nogil:
    cdef int32_t at
    if w.overfull:
        return False
    for at in range(w.count):
        if not -BALANCE_MAX <= w.lots[at].points <= BALANCE_MAX:
            return False
    return True
