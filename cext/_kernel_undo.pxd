# cython: language_level=3, boundscheck=True, wraparound=False
"""Undoing in C: which lots an original took from and put into, and moving them back. See `cext/reference/undo.py`."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport int32_t, int64_t, uint8_t

from cext._kernel_arithmetic cimport AMOUNT_MAX, BALANCE_MAX, LEG_MAX, larger, share, smaller
from cext._kernel_kinds cimport KIND_EVENT, KIND_REFUND, KIND_REVERSAL
from cext._kernel_lots cimport (
    DEFICIT_MONTH,
    LOT_BYTES,
    MOVES_MAX,
    Lot,
    Lots,
    add,
    owe,
    pass_through,
    read_lot,
    take_earliest,
    take_month,
)
from cext._kernel_records cimport Original, Request

cdef struct Packed:
    const uint8_t *at
    Py_ssize_t count

cdef struct Moves:
    int32_t takes
    int32_t puts
    int64_t passed
    Lot take[MOVES_MAX]
    Lot put[MOVES_MAX]

cdef struct Part:
    int64_t direction
    int64_t whole
    int64_t before
    int64_t done
    int64_t amount
    int64_t points_earned
    int64_t points_redeemed
    int64_t credit_granted
    int64_t credit_spent
    int64_t discount
    int64_t to_pay
    bint all_of_it


cdef inline int64_t part_of(const Part *part, int64_t total) noexcept nogil:
    return share(total, part.done, part.whole) - share(total, part.before, part.whole)


cdef inline bint movable(Packed packed) noexcept nogil:
    """Whether every move may be added up without leaving 64 bits."""
    cdef Py_ssize_t i
    cdef Lot lot
    for i in range(packed.count):
        lot = read_lot(packed.at + i * LOT_BYTES)
        if not -BALANCE_MAX <= lot.points <= BALANCE_MAX:
            return False
    return True


cdef inline int64_t undone_of(Packed undone, int32_t month, int64_t sign) noexcept nogil:
    """How much the earlier undoings moved at a month in one direction; more than BALANCE_MAX is as good as that."""
    cdef int64_t total = 0
    cdef Py_ssize_t i
    cdef Lot lot
    for i in range(undone.count):
        lot = read_lot(undone.at + i * LOT_BYTES)
        if lot.month == month and lot.points * sign > 0:
            total = smaller(BALANCE_MAX, total + lot.points * sign)
    return total


cdef inline void split_moves(
    Packed packed, Packed undone, int64_t expired, int64_t direction, Moves *moves
) noexcept nogil:
    """Split an original's moves into takes and puts; `expired`: what of its takes was expiry, in the earliest lots.

    Takes come in the order of giving back: a deficit first, then by falling month as given (moves are sorted).
    """
    cdef int64_t lapsed[MOVES_MAX]
    cdef int64_t left
    cdef int32_t i, j
    cdef Lot lot, other
    moves.takes = 0
    moves.puts = 0
    moves.passed = 0
    for i in range(<int32_t>packed.count):
        lapsed[i] = 0
        lot = read_lot(packed.at + i * LOT_BYTES)
        if lot.points >= 0:
            continue
        if lot.month != DEFICIT_MONTH:
            lapsed[i] = smaller(-lot.points, larger(0, expired))
            expired -= lapsed[i]
        left = -lot.points - lapsed[i] - undone_of(undone, lot.month, 1)
        if left > 0:
            lot.points = left
            push_take(moves, lot)
    for i in range(<int32_t>packed.count):
        lot = read_lot(packed.at + i * LOT_BYTES)
        if lot.points <= 0 or lot.month == DEFICIT_MONTH:
            continue
        if direction < 0:
            left = 0
            for j in range(<int32_t>packed.count):
                other = read_lot(packed.at + j * LOT_BYTES)
                if other.month == lot.month:
                    left += lapsed[j]
            moves.passed = smaller(BALANCE_MAX, moves.passed + smaller(lot.points, left))
        left = lot.points - undone_of(undone, lot.month, -1)
        if left > 0:
            lot.points = left
            moves.put[moves.puts] = lot
            moves.puts += 1


cdef inline void push_take(Moves *moves, Lot lot) noexcept nogil:
    """Insert a take in the order of giving back: a deficit first, then by falling month."""
    cdef int32_t at = moves.takes
    while at > 0 and comes_back_before(lot.month, moves.take[at - 1].month):
        moves.take[at] = moves.take[at - 1]
        at -= 1
    moves.take[at] = lot
    moves.takes += 1


cdef inline bint comes_back_before(int32_t month, int32_t other) noexcept nogil:
    if other == DEFICIT_MONTH:
        return False
    return month == DEFICIT_MONTH or month > other


cdef inline int64_t give_back(
    Lots *w, const Moves *moves, int64_t points, int32_t local_month, int32_t earning_month
) noexcept nogil:
    """Put points back into the lots they came from; returns what expired at once, its lot having lapsed."""
    cdef int64_t expired = 0, part
    cdef int32_t i, month
    for i in range(moves.takes):
        month = moves.take[i].month
        part = smaller(points, moves.take[i].points)
        points -= part
        if month == DEFICIT_MONTH:
            add(w, earning_month, part)
        elif month < local_month:
            pass_through(w, month, part)
            expired += part
        else:
            add(w, month, part)
    add(w, earning_month, points)
    return expired


cdef inline int64_t claw_back(Lots *w, const Moves *moves, int64_t points, bint deficit_allowed) noexcept nogil:
    """Take points from the lots they were put into, then from what expires first; owe the rest if allowed."""
    cdef int64_t left = points
    cdef int32_t i
    for i in range(moves.puts):
        left -= take_month(w, moves.put[i].month, smaller(left, moves.put[i].points))
    left -= take_earliest(w, left)
    if deficit_allowed:
        owe(w, left)
        return points
    return points - left


cdef inline Packed packed_of(bytes packed) noexcept:
    cdef Packed result
    result.at = <const uint8_t *>PyBytes_AS_STRING(packed)
    result.count = PyBytes_GET_SIZE(packed) // LOT_BYTES
    return result


cdef inline int64_t due(int64_t leg, int64_t undone, const Part *part) noexcept:
    """What of a leg is to be undone now, as a magnitude; -1 if the leg is not one of such an original."""
    if not -LEG_MAX <= leg <= LEG_MAX or leg * part.direction < 0 or not -LEG_MAX <= undone <= LEG_MAX:
        return -1
    return larger(0, share(leg * part.direction, part.done, part.whole) - undone * part.direction)


cdef inline bint find_part(Original original, Request request, Part *part) noexcept:
    """Work out what is to be undone; False if the amounts do not fit the original."""
    cdef bint is_event = original.kind == KIND_EVENT
    part.whole = 1 if is_event else original.amount
    part.before = 0 if is_event else original.refunded_amount
    if not 1 <= part.whole <= AMOUNT_MAX or not 0 <= part.before <= part.whole:
        return False
    part.all_of_it = request.kind == KIND_REVERSAL and (is_event or request.replacement_amount <= 0)
    if request.kind == KIND_REFUND:
        part.done = part.before + request.amount
    elif part.all_of_it:
        part.done = part.whole
    elif request.replacement_amount > part.whole:
        return False
    else:
        part.done = part.whole - request.replacement_amount
    if not part.before <= part.done <= part.whole:
        return False
    part.amount = 0 if is_event else part.done - part.before
    if not movable(packed_of(original.lots_moved)) or not movable(packed_of(original.refunded_lots)):
        return False
    part.direction = -1 if original.kind == KIND_REFUND else 1
    part.points_earned = due(original.points_earned, original.refunded_points_earned, part)
    part.points_redeemed = due(original.points_redeemed, original.refunded_points_redeemed, part)
    part.credit_granted = due(original.credit_granted, original.refunded_credit_granted, part)
    part.credit_spent = due(original.credit_spent, original.refunded_credit_spent, part)
    if part.points_earned < 0 or part.points_redeemed < 0 or part.credit_granted < 0 or part.credit_spent < 0:
        return False
    part.discount = due(original.discount, original.refunded_discount, part)
    # What is still to be paid is never below zero, not even in a refund.
    if not -LEG_MAX <= original.to_pay <= LEG_MAX or not -LEG_MAX <= original.refunded_to_pay <= LEG_MAX:
        return False
    part.to_pay = due(original.to_pay * part.direction, original.refunded_to_pay * part.direction, part)
    return part.discount >= 0 and part.to_pay >= 0


cdef inline int64_t expired_of(Original original) noexcept:
    """What an original expired: its legs and its moves must come to the same."""
    cdef Packed packed = packed_of(original.lots_moved)
    cdef int64_t moved = 0
    cdef Py_ssize_t i
    for i in range(packed.count):
        moved += read_lot(packed.at + i * LOT_BYTES).points
    return original.points_earned - original.points_redeemed - moved
