# cython: language_level=3, boundscheck=True, wraparound=False
"""When a tier is entered, and how a tier year ends, in C. See `cext/reference/tiers.py`."""

from libc.stdint cimport int32_t, int64_t

from cext._kernel_arithmetic cimport larger
from cext._kernel_facts cimport day_of
from cext._kernel_records cimport Programme, Request
from cext._kernel_table cimport BY_SPEND, BY_TIER_POINTS, TIER_SET, Table

cdef enum:
    LOCAL_MONTH_MAX = 32_000

cdef struct Standing:
    # Where a member stands: the fields of these names of an account.
    int64_t tier
    int64_t tier_points
    int64_t tier_year
    int64_t tier_kept
    int64_t spend
    int64_t visits


cdef inline int64_t points_after(const Table *table, int64_t tier_points, int64_t earned) noexcept nogil:
    """The points that count for a tier, once a message has earned, or an undo clawed back, some."""
    return larger(0, tier_points + earned) if table.tiers_count else tier_points


cdef inline bint has_years(Programme programme) noexcept:
    """Whether its tiers are for a year."""
    return programme.compiled.tiers_count != 0 and programme.tier_year_month != 0


cdef inline int64_t year_of_month(Programme programme, int64_t local_month) noexcept:
    """The tier year of a month, which is none below 0: the calendar year in which it began."""
    return 1999 + (local_month + 13 - programme.tier_year_month) // 12


cdef inline bint counts_now(Programme programme, const Standing *s, int64_t month) noexcept:
    """Whether what was earned in a month counts for the tier year that the account is in; if unknown, it does."""
    if not has_years(programme) or s.tier_year == 0 or not 0 <= month <= LOCAL_MONTH_MAX:
        return True
    return year_of_month(programme, month) == s.tier_year


cdef inline void turn(Programme programme, Standing *s, Request request) noexcept:
    """Begin the tier year of a message, unless the account is in it, and let a tier go whose grace is over."""
    cdef int64_t year
    if not has_years(programme):
        # Should it have some again, the member keeps the tier of then for the first of them.
        s.tier_year = 0
        return
    year = year_of_month(programme, request.local_month)
    if s.tier_year < year:
        if s.tier_year <= 0:
            # Who is met in the first tier year of a programme keeps the tier for the rest of it.
            s.tier_kept = s.tier
        else:
            # In a year that was missed nothing was earned.
            if s.tier_year != year - 1:
                s.tier_points = 0
            s.tier_kept = reached(&programme.compiled, 0, s)
            s.tier_points = 0
        s.tier_year = year
    s.tier = in_force(programme, s, request)


cdef inline void advance(
    Programme programme, Standing *s, const unsigned short *fired, int32_t count, Request request
) noexcept:
    """Enter the highest tier that was reached or set: at once, and never a lower one than before."""
    cdef const Table *table = &programme.compiled
    cdef bint yearly = has_years(programme)
    cdef int64_t kept = reached(table, s.tier_kept if yearly else s.tier, s)
    cdef int32_t i, at
    for i in range(count):
        for at in range(table.rules[fired[i]].effects_start, table.rules[fired[i]].effects_end):
            if table.effects[at].effect == TIER_SET:
                kept = larger(kept, table.effects[at].n)
    if yearly:
        s.tier_kept = kept
        s.tier = in_force(programme, s, request)
    else:
        s.tier = kept


cdef inline int64_t reached(const Table *table, int64_t tier, const Standing *s) noexcept nogil:
    cdef int64_t have
    cdef int32_t i
    for i in range(table.tiers_count):
        if table.tiers[i].basis == BY_TIER_POINTS:
            have = s.tier_points
        elif table.tiers[i].basis == BY_SPEND:
            have = s.spend
        else:
            have = s.visits
        if have >= table.tiers[i].threshold:
            tier = larger(tier, i + 1)
    return tier


cdef inline int64_t in_force(Programme programme, const Standing *s, Request request) noexcept:
    cdef int64_t year = year_of_month(programme, request.local_month)
    cdef int64_t begun = day_of(year, programme.tier_year_month, 1)
    if s.tier_year == year and request.local_day - begun >= programme.tier_grace_days:
        return s.tier_kept
    return larger(s.tier, s.tier_kept)
