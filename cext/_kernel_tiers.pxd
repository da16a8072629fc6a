# cython: language_level=3, boundscheck=True, wraparound=False
"""When a tier is entered, in C. See `cext/reference/tiers.py`."""

from libc.stdint cimport int32_t, int64_t

from cext._kernel_arithmetic cimport larger
from cext._kernel_table cimport BY_SPEND, BY_TIER_POINTS, TIER_SET, Table


cdef inline int64_t points_after(const Table *table, int64_t tier_points, int64_t earned) noexcept nogil:
    """The points that count for a tier, once a message has earned, or an undo clawed back, some."""
    return larger(0, tier_points + earned) if table.tiers_count else tier_points


cdef inline int64_t entered(
    const Table *table,
    const unsigned short *fired,
    int32_t count,
    int64_t tier,
    int64_t tier_points,
    int64_t spend,
    int64_t visits,
) noexcept nogil:
    """The tier after a message: the highest that was reached or set, never a lower one than before."""
    cdef int64_t reached
    cdef int32_t i, at
    for i in range(table.tiers_count):
        if table.tiers[i].basis == BY_TIER_POINTS:
            reached = tier_points
        elif table.tiers[i].basis == BY_SPEND:
            reached = spend
        else:
            reached = visits
        if reached >= table.tiers[i].threshold:
            tier = larger(tier, i + 1)
    for i in range(count):
        for at in range(table.rules[fired[i]].effects_start, table.rules[fired[i]].effects_end):
            if table.effects[at].effect == TIER_SET:
                tier = larger(tier, table.effects[at].n)
    return tier
