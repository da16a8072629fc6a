# cython: language_level=3, boundscheck=True, wraparound=False
"""What conditions look at, in C: every fact by its number, and behind them whether it exists.

See `cext/reference/facts.py`.
"""

from libc.stdint cimport int32_t, int64_t

from cext._kernel_arithmetic cimport floor_divide, larger
from cext._kernel_counters cimport Counters, count_of
from cext._kernel_grants cimport Grant, Grants, live
from cext._kernel_holdout cimport place_of
from cext._kernel_recent cimport spent_lately
from cext._kernel_records cimport Account, Request
from cext._kernel_table cimport (
    AGE,
    AMOUNT,
    CATEGORY,
    CLUB,
    CREDIT,
    CURRENCY,
    DAY_OF_MONTH,
    DAYS_SINCE_ENROLMENT,
    DAYS_SINCE_LAST,
    DAYS_TO_BIRTHDAY,
    ENTRY_MODE,
    EVENT,
    EXISTS,
    FACTS,
    FACTS_MAX,
    HOUR,
    INSTITUTION,
    LOOKUP_COUNTER,
    LOOKUP_FLAG,
    LOOKUP_HOLDOUT,
    LOOKUP_QUANTITY,
    MEAN_AMOUNT,
    MEAN_GAP,
    MERCHANT,
    POINTS,
    REWARD,
    SPEND,
    SPEND_30D,
    TIER,
    TODAY,
    VISITS,
    WEEKDAY,
    Lookup,
    Table,
)

cdef enum:
    SECONDS_A_DAY = 86_400
    FEBRUARY = 2


cdef inline int find_facts(
    const Table *table,
    int64_t *facts,
    Account account,
    Request request,
    int64_t amount,
    int64_t live_points,
    const Counters *counters,
    const Grants *grants,
) except -1:
    """Fill in every fact, and whether it exists."""
    cdef int i
    facts[AMOUNT] = amount
    facts[HOUR] = request.hour
    facts[WEEKDAY] = request.weekday
    facts[DAY_OF_MONTH] = request.day_of_month
    facts[ENTRY_MODE] = request.entry_mode
    facts[MERCHANT] = request.merchant
    facts[INSTITUTION] = request.institution
    facts[CATEGORY] = request.category
    facts[CURRENCY] = request.currency
    facts[TIER] = account.tier
    facts[VISITS] = account.visits
    facts[SPEND] = account.spend
    facts[POINTS] = live_points
    facts[CREDIT] = account.credit
    facts[DAYS_SINCE_ENROLMENT] = larger(0, request.local_day - account.enrolled_day)
    facts[CLUB] = account.club
    facts[EVENT] = request.event
    facts[TODAY] = request.local_day
    facts[REWARD] = request.reward
    facts[SPEND_30D] = spent_lately(account.packed_recent, request.local_day) if table.recalls else 0
    for i in range(FACTS):
        facts[EXISTS + i] = 1
    add_history(facts, account, request)
    add_birthday(facts, table.birthdays, account.born, request.local_day)
    if table.lookups_count:
        look_up(table, facts, account, request, counters, grants)
    return 0


cdef inline void add_history(int64_t *facts, Account account, Request request) noexcept:
    cdef int i
    for i in (DAYS_SINCE_LAST, MEAN_AMOUNT, MEAN_GAP):
        facts[i] = 0
    facts[EXISTS + DAYS_SINCE_LAST] = account.last_visit > 0
    facts[EXISTS + MEAN_AMOUNT] = account.visits > 0
    facts[EXISTS + MEAN_GAP] = account.visits > 1
    if account.last_visit > 0:
        facts[DAYS_SINCE_LAST] = larger(0, request.now - account.last_visit) // SECONDS_A_DAY
    if account.visits > 0:
        facts[MEAN_AMOUNT] = floor_divide(account.spend, account.visits)
    if account.visits > 1:
        facts[MEAN_GAP] = larger(0, account.last_visit - account.first_visit) // SECONDS_A_DAY // (account.visits - 1)


cdef inline int look_up(
    const Table *table,
    int64_t *facts,
    Account account,
    Request request,
    const Counters *counters,
    const Grants *grants,
) except -1:
    """The programme's own facts."""
    cdef const Lookup *row
    cdef const Grant *grant
    cdef int32_t index, at
    for index in range(table.lookups_count):
        row = &table.lookups[index]
        at = FACTS_MAX + index
        facts[EXISTS + at] = 1
        facts[at] = 0
        if row.source == LOOKUP_COUNTER:
            facts[at] = count_of(counters, row.a, row.b)
        elif row.source == LOOKUP_QUANTITY:
            if row.a < len(request.quantities):
                facts[at] = request.quantities[row.a]
        elif row.source == LOOKUP_HOLDOUT:
            facts[at] = place_of(row.a, account.shard, account.id)
        elif row.source == LOOKUP_FLAG:
            facts[at] = (account.flags & row.a) != 0
        else:
            grant = live(grants, table.grants[row.a].slot)
            facts[EXISTS + at] = grant != NULL and row.b < grant.count
            if facts[EXISTS + at]:
                facts[at] = grant.values[row.b]
    return 0


cdef inline int64_t day_of(int64_t year, int64_t month, int64_t day) noexcept nogil:
    """Days since 1970-01-01, of years above 0; 29 February of a year without is 1 March.

    Years are counted from March, so that a leap day is a year's last.
    """
    cdef int64_t from_march = (month + 9) % 12
    cdef int64_t years = year - (month <= FEBRUARY)
    return 365 * years + years // 4 - years // 100 + years // 400 + (153 * from_march + 2) // 5 + day - 719_469


cdef inline int64_t days_in(int64_t year, int64_t month) noexcept nogil:
    return day_of(year + month // 12, month % 12 + 1, 1) - day_of(year, month, 1)


cdef inline int64_t year_of(int64_t day) noexcept nogil:
    """The year that a day since 1970-01-01 is in."""
    cdef int64_t year = 1970 + day // 366
    while day_of(year + 1, 1, 1) <= day:
        year += 1
    return year


cdef inline void add_birthday(int64_t *facts, bint wanted, int64_t born, int64_t local_day) noexcept nogil:
    """Age and days to the next birthday; neither exists if `born` is no date up to this day."""
    cdef int64_t birth_year = born // 10_000, month = born // 100 % 100, day = born % 100
    cdef int64_t year, birthday
    facts[AGE] = 0
    facts[DAYS_TO_BIRTHDAY] = 0
    facts[EXISTS + AGE] = 0
    facts[EXISTS + DAYS_TO_BIRTHDAY] = 0
    if not wanted or not (1 <= birth_year <= 9999 and 1 <= month <= 12 and 1 <= day <= days_in(birth_year, month)):
        return
    if day_of(birth_year, month, day) > local_day:
        return
    year = year_of(local_day)
    birthday = day_of(year, month, day)
    facts[AGE] = year - birth_year - (birthday > local_day)
    if birthday < local_day:
        birthday = day_of(year + 1, month, day)
    facts[DAYS_TO_BIRTHDAY] = birthday - local_day
    facts[EXISTS + AGE] = 1
    facts[EXISTS + DAYS_TO_BIRTHDAY] = 1
