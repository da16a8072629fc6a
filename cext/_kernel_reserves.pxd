# cython: language_level=3, boundscheck=True, wraparound=False
"""Reserves, and the spend of the last days, as an account keeps them: `cext/reference/reserves.py` and `recent.py`."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport int32_t, int64_t, uint8_t
from libc.string cimport memmove

from cext._kernel_arithmetic cimport BALANCE_MAX, larger, read_number, share, smaller, write_number

cdef enum:
    RESERVE_BYTES = 32
    RESERVES_MAX = 48
    HOLDS_MAX = 8
    PENDING = 0
    # Those of an account, one more for each move of an original, and what a message sets aside itself.
    RESERVE_SLOTS = 97
    RECENT_BYTES = 12
    RECENT_DAYS_MAX = 31

cdef struct Reserve:
    int64_t key
    int64_t until
    int64_t points
    int64_t credit

cdef struct Reserves:
    int32_t count
    int32_t befores
    Reserve entries[RESERVE_SLOTS]
    Reserve before[RESERVES_MAX]


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


cdef inline void write_reserve(uint8_t *at, Reserve reserve) noexcept nogil:
    write_number(at, 8, reserve.key)
    write_number(at + 8, 8, reserve.until)
    write_number(at + 16, 8, reserve.points)
    write_number(at + 24, 8, reserve.credit)


cdef inline void begin_reserves(Reserves *w, bytes packed, int64_t local_day, int64_t now) noexcept:
    """A working copy without what is over."""
    cdef const uint8_t *at = <const uint8_t *>PyBytes_AS_STRING(packed)
    cdef int32_t i
    cdef Reserve reserve
    w.count = 0
    w.befores = <int32_t>(PyBytes_GET_SIZE(packed) // RESERVE_BYTES)
    for i in range(w.befores):
        reserve = read_reserve(at + i * RESERVE_BYTES)
        w.before[i] = reserve
        if reserve.until >= (local_day if reserve.key == PENDING else now):
            w.entries[w.count] = reserve
            w.count += 1


cdef inline int64_t points_reserved(const Reserves *w) noexcept nogil:
    cdef int64_t total = 0
    cdef int32_t i
    for i in range(w.count):
        total += w.entries[i].points
    return total


cdef inline int64_t points_pending(const Reserves *w) noexcept nogil:
    cdef int64_t total = 0
    cdef int32_t i
    for i in range(w.count):
        if w.entries[i].key == PENDING:
            total += w.entries[i].points
    return total


cdef inline int64_t credit_reserved(const Reserves *w) noexcept nogil:
    cdef int64_t total = 0
    cdef int32_t i
    for i in range(w.count):
        total += w.entries[i].credit
    return total


cdef inline bint has_room_for_a_hold(const Reserves *w) noexcept nogil:
    cdef int32_t holds = 0, i
    for i in range(w.count):
        holds += w.entries[i].key != PENDING
    return holds < HOLDS_MAX


cdef inline int32_t place_of(const Reserves *w, int64_t key, int64_t until) noexcept nogil:
    """The index of the first reserve that does not come before this one."""
    cdef int32_t at = w.count
    while at > 0 and (
        w.entries[at - 1].key > key or (w.entries[at - 1].key == key and w.entries[at - 1].until >= until)
    ):
        at -= 1
    return at


cdef inline bint is_at(const Reserves *w, int32_t at, int64_t key, int64_t until) noexcept nogil:
    return at < w.count and w.entries[at].key == key and w.entries[at].until == until


cdef inline void remove_reserve(Reserves *w, int32_t at) noexcept nogil:
    w.count -= 1
    memmove(&w.entries[at], &w.entries[at + 1], (w.count - at) * sizeof(Reserve))


cdef inline void insert_reserve(Reserves *w, int32_t at, Reserve reserve) noexcept nogil:
    # There are slots for more than any message makes; what is too much for the account is declined at its end.
    if w.count >= RESERVE_SLOTS:
        return
    memmove(&w.entries[at + 1], &w.entries[at], (w.count - at) * sizeof(Reserve))
    w.entries[at] = reserve
    w.count += 1


cdef inline void pend(Reserves *w, int64_t until, int64_t points) noexcept nogil:
    """Add to what is pending until the end of a day, or, below zero, take away as much as there is."""
    cdef int32_t at = place_of(w, PENDING, until)
    cdef Reserve reserve
    if not is_at(w, at, PENDING, until):
        if points > 0:
            reserve.key = PENDING
            reserve.until = until
            reserve.points = points
            reserve.credit = 0
            insert_reserve(w, at, reserve)
        return
    w.entries[at].points = larger(0, w.entries[at].points + points)
    if w.entries[at].points == 0 and w.entries[at].credit == 0:
        remove_reserve(w, at)


cdef inline void hold_back(Reserves *w, int64_t key, int64_t until, int64_t points, int64_t credit) noexcept nogil:
    """Keep points and credit back. Of two holds of one key and second, the later one ends a second later."""
    cdef int32_t at = place_of(w, key, until)
    cdef Reserve reserve
    while is_at(w, at, key, until):
        until += 1
        at += 1
    reserve.key = key
    reserve.until = until
    reserve.points = points
    reserve.credit = credit
    insert_reserve(w, at, reserve)


cdef inline void end_hold(Reserves *w, bytes moved) noexcept:
    """End the hold that these moves made, if it is still there."""
    cdef const uint8_t *data = <const uint8_t *>PyBytes_AS_STRING(moved)
    cdef Py_ssize_t i
    cdef int32_t at
    cdef Reserve move
    for i in range(PyBytes_GET_SIZE(moved) // RESERVE_BYTES):
        move = read_reserve(data + i * RESERVE_BYTES)
        at = place_of(w, move.key, move.until)
        if move.key != PENDING and (move.points > 0 or move.credit > 0) and is_at(w, at, move.key, move.until):
            remove_reserve(w, at)


cdef inline int64_t pending_undone(bytes undone, int64_t until, int64_t direction) noexcept:
    """What earlier messages undid of what is pending until the end of a day."""
    cdef const uint8_t *data = <const uint8_t *>PyBytes_AS_STRING(undone)
    cdef int64_t total = 0
    cdef Py_ssize_t i
    cdef Reserve move
    for i in range(PyBytes_GET_SIZE(undone) // RESERVE_BYTES):
        move = read_reserve(data + i * RESERVE_BYTES)
        if move.key == PENDING and move.until == until:
            total = larger(-BALANCE_MAX, smaller(BALANCE_MAX, total - move.points * direction))
    return total


cdef inline void undo_pending(
    Reserves *w, bytes moved, bytes undone, int64_t direction, int64_t done, int64_t whole, int64_t local_day
) noexcept:
    """Undo this part of what a message made pending (direction -1: what a refund took of it), if it is not over."""
    cdef const uint8_t *data = <const uint8_t *>PyBytes_AS_STRING(moved)
    cdef int64_t due
    cdef Py_ssize_t i
    cdef Reserve move
    for i in range(PyBytes_GET_SIZE(moved) // RESERVE_BYTES):
        move = read_reserve(data + i * RESERVE_BYTES)
        if move.key != PENDING or move.until < local_day or move.points * direction <= 0:
            continue
        due = larger(0, share(move.points * direction, done, whole) - pending_undone(undone, move.until, direction))
        pend(w, move.until, -direction * due)


cdef inline void fit_reserves(Reserves *w, int64_t points, int64_t credit) noexcept nogil:
    """Give up what is no more there, so that no more is reserved than these: first what is pending, by its end."""
    cdef int64_t over_points = points_reserved(w) - larger(0, points)
    cdef int64_t over_credit = credit_reserved(w) - larger(0, credit)
    cdef int64_t less
    cdef int32_t i, kept = 0
    if over_points <= 0 and over_credit <= 0:
        return
    for i in range(w.count):
        less = larger(0, smaller(over_points, w.entries[i].points))
        over_points -= less
        w.entries[i].points -= less
        less = larger(0, smaller(over_credit, w.entries[i].credit))
        over_credit -= less
        w.entries[i].credit -= less
        if w.entries[i].points != 0 or w.entries[i].credit != 0:
            w.entries[kept] = w.entries[i]
            kept += 1
    w.count = kept


cdef inline bytes packed_reserves(const Reserves *w):
    """As an account keeps them."""
    cdef bytes packed
    cdef uint8_t *at
    cdef int32_t i
    if w.count == 0:
        return b""
    packed = PyBytes_FromStringAndSize(NULL, w.count * RESERVE_BYTES)
    at = <uint8_t *>PyBytes_AS_STRING(packed)
    for i in range(w.count):
        write_reserve(at + i * RESERVE_BYTES, w.entries[i])
    return packed


cdef inline int32_t find_moves(const Reserves *w, Reserve *moves) noexcept nogil:
    """What was moved, by key and until; returns how many moves that are, more than RESERVES_MAX if it is too much.

    `moves` has room for RESERVES_MAX.
    """
    cdef int32_t i = 0, j = 0, count = 0
    cdef Reserve move
    while i < w.befores or j < w.count:
        if j == w.count or (i < w.befores and comes_before(&w.before[i], &w.entries[j])):
            move = w.before[i]
            move.points = -move.points
            move.credit = -move.credit
            i += 1
        elif i == w.befores or comes_before(&w.entries[j], &w.before[i]):
            move = w.entries[j]
            j += 1
        else:
            move = w.entries[j]
            move.points -= w.before[i].points
            move.credit -= w.before[i].credit
            i += 1
            j += 1
            if move.points == 0 and move.credit == 0:
                continue
        if count < RESERVES_MAX:
            moves[count] = move
        count += 1
    return count


cdef inline bint comes_before(const Reserve *one, const Reserve *other) noexcept nogil:
    return one.key < other.key or (one.key == other.key and one.until < other.until)


cdef inline bytes packed_moves(const Reserve *moves, int32_t count):
    """`reserves_moved` of the decision."""
    cdef bytes packed
    cdef uint8_t *at
    cdef int32_t i
    if count == 0:
        return b""
    packed = PyBytes_FromStringAndSize(NULL, count * RESERVE_BYTES)
    at = <uint8_t *>PyBytes_AS_STRING(packed)
    for i in range(count):
        write_reserve(at + i * RESERVE_BYTES, moves[i])
    return packed
