# cython: language_level=3, boundscheck=True, wraparound=False
"""What the rules that fired come to, in C. See `cext/reference/effects.py`."""

from libc.stdint cimport int32_t, int64_t

from cext._kernel_arithmetic cimport LEG_MAX, larger, share, smaller, times
from cext._kernel_budgets cimport Budgets, draw, take_drawn
from cext._kernel_counters cimport Counters, add_count
from cext._kernel_records cimport Request
from cext._kernel_table cimport (
    BUDGET,
    COUNTER_FIXED,
    COUNTER_PER,
    CREDIT_AMOUNT,
    CREDIT_RATE,
    DISCOUNT_AMOUNT,
    DISCOUNT_RATE,
    FREE_ITEM,
    LIFE,
    MULTIPLY_POINTS,
    POINTS_FIXED,
    POINTS_PER,
    PRICE,
    EffectRow,
    Rule,
    Table,
    capped,
)


cdef inline int64_t free_price(Request request, int64_t index, int64_t amount) except -1:
    """What an item costs that is free; without a basket it is all that is bought."""
    if index < len(request.free_prices):
        return smaller(amount, larger(0, request.free_prices[index]))
    return 0 if request.has_basket else amount


cdef inline int64_t price_of(const Table *table, const unsigned short *fired, int32_t count) noexcept nogil:
    """Points that are taken for what the till asked for."""
    cdef int64_t total = 0
    cdef const EffectRow *row
    cdef int32_t i, at
    if not table.prices:
        return 0
    for i in range(count):
        for at in range(table.rules[fired[i]].effects_start, table.rules[fired[i]].effects_end):
            row = &table.effects[at]
            if row.effect == PRICE:
                total += capped(row.n, row.cap)
    return total


cdef inline int64_t discount_of(
    const Table *table, const unsigned short *fired, int32_t count, Request request, int64_t amount, Budgets *budgets
) except -1:
    """What is bought for points in full, and of the rest at most the programme's share of the amount."""
    cdef int64_t total = 0, bought = 0, given, most
    cdef const EffectRow *row
    cdef const Rule *rule
    cdef int32_t i, at
    if not table.discounts:
        return 0
    most = share(amount, table.most_discount_n, table.most_discount_d)
    for i in range(count):
        rule = &table.rules[fired[i]]
        for at in range(rule.effects_start, rule.effects_end):
            row = &table.effects[at]
            if row.effect == DISCOUNT_RATE:
                given = capped(share(amount, row.n, row.d), row.cap)
            elif row.effect == DISCOUNT_AMOUNT:
                given = capped(row.n, row.cap)
            elif row.effect == FREE_ITEM:
                given = capped(free_price(request, row.n, amount), row.cap)
            else:
                continue
            given = draw(budgets, rule, smaller(given, amount - bought if rule.priced else most - total))
            if rule.priced:
                bought += given
            else:
                total += given
    return smaller(amount, total + bought)


cdef inline int64_t points_of(
    const Table *table, const unsigned short *fired, int32_t count, int64_t paid, int64_t tier, Budgets *budgets
) noexcept nogil:
    """The base, the multipliers one after another, the tier's, the fixed ones; above LEG_MAX it stops counting."""
    cdef int64_t base = 0, fixed = 0, given
    cdef const EffectRow *row
    cdef const Rule *rule
    cdef int32_t i, at
    for i in range(count):
        rule = &table.rules[fired[i]]
        for at in range(rule.effects_start, rule.effects_end):
            row = &table.effects[at]
            if row.effect == POINTS_PER:
                given = draw(budgets, rule, capped(times(share(paid, 1, row.d), row.n), row.cap))
                base += given
            elif row.effect == POINTS_FIXED:
                given = draw(budgets, rule, capped(row.n, row.cap))
                fixed += given
            else:
                continue
            if base > LEG_MAX or fixed > LEG_MAX:
                return LEG_MAX + 1
    if table.multiplies:
        for i in range(count):
            rule = &table.rules[fired[i]]
            for at in range(rule.effects_start, rule.effects_end):
                row = &table.effects[at]
                if row.effect == MULTIPLY_POINTS:
                    base += draw(budgets, rule, capped(share(base, row.n, row.d) - base, row.cap))
                    if base > LEG_MAX:
                        return base
    if 1 <= tier <= table.tiers_count:
        base = share(base, table.tiers[tier - 1].multiply_n, table.tiers[tier - 1].multiply_d)
    return base + fixed


cdef inline int64_t credit_of(
    const Table *table, const unsigned short *fired, int32_t count, int64_t paid, Budgets *budgets
) noexcept nogil:
    cdef int64_t total = 0, given
    cdef const EffectRow *row
    cdef const Rule *rule
    cdef int32_t i, at
    if not table.credits:
        return 0
    for i in range(count):
        rule = &table.rules[fired[i]]
        for at in range(rule.effects_start, rule.effects_end):
            row = &table.effects[at]
            if row.effect == CREDIT_RATE:
                total += draw(budgets, rule, capped(share(paid, row.n, row.d), row.cap))
            elif row.effect == CREDIT_AMOUNT:
                total += draw(budgets, rule, capped(row.n, row.cap))
            else:
                continue
            if total > LEG_MAX:
                return total
    return total


cdef inline void count_effects(
    const Table *table, const unsigned short *fired, int32_t count, int64_t paid, Counters *counters, Budgets *budgets
) noexcept nogil:
    """Move the counters of stamps, tickets and budgets, in the rules' order."""
    cdef const EffectRow *row
    cdef int32_t i, at
    for i in range(count):
        for at in range(table.rules[fired[i]].effects_start, table.rules[fired[i]].effects_end):
            row = &table.effects[at]
            if row.effect == COUNTER_FIXED:
                add_count(counters, row.slot, LIFE, capped(row.n, row.cap))
            elif row.effect == COUNTER_PER:
                add_count(counters, row.slot, LIFE, capped(times(share(paid, 1, row.d), row.n), row.cap))
            elif row.effect == BUDGET:
                add_count(counters, row.slot, LIFE, take_drawn(budgets, row.n))
