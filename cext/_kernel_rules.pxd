# cython: language_level=3, boundscheck=True, wraparound=False
"""Which rules fire, and which grants a purchase gives, in C. See `cext/reference/rules.py`."""

from libc.stdint cimport int32_t, int64_t, uint64_t

from cext._kernel_budgets cimport Budgets, is_empty
from cext._kernel_conditions cimport holds, work_out
from cext._kernel_counters cimport Counters, add_count, count_of
from cext._kernel_grants cimport Grants, give, live, may_give, use
from cext._kernel_table cimport GROUP_WORDS, ON_PURCHASE, VALUES_PER_GRANT_MAX, GrantRow, Rule, Table

cdef enum:
    REWARD_GIVEN = 0
    REWARD_REFUSED = 5
    REWARD_USED_UP = 65


cdef inline bint may_fire(
    const Table *table,
    const Rule *rule,
    int32_t occasion,
    const Counters *counters,
    const Grants *grants,
    const Budgets *budgets,
) noexcept nogil:
    """Whether occasion, budget, grant and limits let a rule fire."""
    cdef int32_t at
    if rule.occasion != occasion or is_empty(budgets, rule.budget):
        return False
    if rule.grant and live(grants, table.grants[rule.grant - 1].slot) == NULL:
        return False
    for at in range(rule.limits_start, rule.limits_end):
        if count_of(counters, table.limits[at].slot, table.limits[at].period) >= table.limits[at].most:
            return False
    return True


cdef inline void take_up(const Table *table, const Rule *rule, Counters *counters, Grants *grants) noexcept nogil:
    """Use up the grant of a rule that fires, and count in its limits."""
    cdef int32_t at
    if rule.grant:
        use(grants, table.grants[rule.grant - 1].slot)
    for at in range(rule.limits_start, rule.limits_end):
        add_count(counters, table.limits[at].slot, table.limits[at].period, 1)


cdef inline int32_t fire(
    const Table *table,
    int32_t occasion,
    const int64_t *facts,
    Counters *counters,
    Grants *grants,
    const Budgets *budgets,
    unsigned short *fired,
) noexcept nogil:
    """Write the indexes of the rules that fire; returns how many. Of an exclusive group only the first fires.

    A rule that fires uses up its grant and counts in its limits at once, so that the next rule sees it.
    """
    cdef uint64_t taken[GROUP_WORDS]
    cdef const Rule *rule
    cdef int32_t count = 0, index, i
    if table.grouped:
        for i in range(GROUP_WORDS):
            taken[i] = 0
    for index in range(table.rules_count):
        rule = &table.rules[index]
        if rule.group and (taken[rule.group >> 6] >> (rule.group & 63)) & 1:
            continue
        if table.conditional and not may_fire(table, rule, occasion, counters, grants, budgets):
            continue
        if rule.start != rule.end and not holds(table.code, rule.start, rule.end, facts):
            continue
        fired[count] = <unsigned short>index
        count += 1
        if rule.group:
            taken[rule.group >> 6] |= <uint64_t>1 << (rule.group & 63)
        if table.conditional:
            take_up(table, rule, counters, grants)
    return count


cdef inline int refusal_of_reward(
    const Table *table, const int64_t *facts, const Budgets *budgets, const unsigned short *fired, int32_t count
) noexcept nogil:
    """Why none of the rules that fired gives the reward that the till asked for, as a number of DE39."""
    cdef const Rule *rule
    cdef int32_t i, index
    for i in range(count):
        if table.rules[fired[i]].priced:
            return REWARD_GIVEN
    for index in range(table.rules_count):
        rule = &table.rules[index]
        if not rule.priced or rule.occasion != ON_PURCHASE or is_empty(budgets, rule.budget):
            continue
        if holds(table.code, rule.start, rule.end, facts):
            return REWARD_USED_UP
    return REWARD_REFUSED


cdef inline void give_grants(
    const Table *table, const int64_t *facts, int64_t local_day, Grants *grants
) noexcept nogil:
    """Give each grant whose condition holds, its values frozen; a fault in a value is as good as a condition's."""
    cdef int64_t values[VALUES_PER_GRANT_MAX]
    cdef const GrantRow *row
    cdef int32_t index, at, count
    for index in range(table.grants_count):
        row = &table.grants[index]
        if not may_give(grants, row.slot) or not holds(table.code, row.start, row.end, facts):
            continue
        count = row.values_end - row.values_start
        at = 0
        while at < count and work_out(table.code, &table.values[row.values_start + at], facts, &values[at]):
            at += 1
        if at == count:
            give(grants, row.slot, <int32_t>local_day + row.life_days, values, count)
