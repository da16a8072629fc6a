# cython: language_level=3, boundscheck=True, wraparound=False
"""The fields of what a decision reads and writes; `_kernel_records.pyx` has the rest."""

from libc.stdint cimport int32_t, int64_t, uint8_t

cimport cython

from cext._kernel_lots cimport LOT_SLOTS, Lot
from cext._kernel_table cimport Table


@cython.final
cdef class Programme:
    cdef Table compiled
    cdef readonly object table
    cdef readonly int64_t currency
    cdef readonly int64_t point_value
    cdef readonly int32_t expiry_months, pending_days, tier_year_month, tier_grace_days
    cdef readonly bint deficit_allowed


@cython.final
@cython.freelist(256)
cdef class Account:
    cdef public int64_t shard, id, version, programme, status, points, credit, visits, spend
    cdef public int64_t first_visit, last_visit, tier, tier_points, enrolled_day, club, born
    cdef public int64_t tier_year, tier_kept, flags
    cdef int32_t count
    cdef Lot _lots[LOT_SLOTS]
    cdef bytes packed_counters, packed_grants, packed_reserves, packed_recent

    cdef int unpack(self, const uint8_t *at, Py_ssize_t size) except -1


@cython.final
cdef class Original:
    cdef public int64_t kind, amount, points_earned, points_redeemed, credit_granted, credit_spent, discount, to_pay
    cdef public int64_t refunded_amount, refunded_points_earned, refunded_points_redeemed
    cdef public int64_t refunded_credit_granted, refunded_credit_spent, refunded_discount, refunded_to_pay, local_month
    cdef public bint rc_approved, reversed
    cdef readonly bytes lots_moved, refunded_lots, counters_moved, grants_moved, refunded_counters
    cdef readonly bytes reserves_moved, refunded_reserves


@cython.final
@cython.no_gc
@cython.freelist(256)
cdef class Request:
    cdef public int64_t kind, amount, currency, now, local_day, local_month, hour, weekday, day_of_month, entry_mode
    cdef public int64_t merchant, institution, category, points_wanted, credit_wanted, replacement_amount, event, reward
    cdef public int64_t hold_key, hold_until
    cdef public bint advice, has_basket
    cdef public Original original
    cdef readonly tuple quantities, free_prices
    cdef public tuple budgets

    cpdef int be_at(self, tuple local) except -1


@cython.final
@cython.freelist(256)
cdef class Decision:
    cdef public str rc
    cdef public int64_t points_earned, points_redeemed, points_expired, points_adjusted
    cdef public int64_t credit_granted, credit_spent, discount, to_pay, points_balance, credit_balance, tier_after
    cdef public int64_t points_pending, points_held, credit_held
    cdef public bytes lots_moved, rules, counters_moved, grants_moved, reserves_moved
    cdef public bint changed


cdef bytes pack_lots(const Lot *lots, int32_t count)
