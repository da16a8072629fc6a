# cython: language_level=3, boundscheck=True, wraparound=False
"""From the tuples of a table that was checked to the arrays that the kernel walks."""

from cpython.mem cimport PyMem_Calloc, PyMem_Free
from libc.stdint cimport int32_t

from cext._kernel_table cimport (
    AGE,
    BUDGET,
    COUNTER_FIXED,
    COUNTER_PER,
    CREDIT_AMOUNT,
    CREDIT_RATE,
    DAYS_TO_BIRTHDAY,
    DISCOUNT_AMOUNT,
    DISCOUNT_RATE,
    FREE_ITEM,
    LOOKUP_COUNTER,
    MULTIPLY_POINTS,
    PRICE,
    SPEND_30D,
    EffectRow,
    GrantRow,
    Instruction,
    Limit,
    Lookup,
    Rule,
    Table,
    Tier,
    Value,
    encode,
)


cdef inline void *rows_of(Py_ssize_t count, size_t size) except NULL:
    cdef inline void *rows = PyMem_Calloc(count + 1, size)
    if rows == NULL:
        raise MemoryError
    return rows


cdef inline int fill_code(Table *compiled, tuple code) except -1:
    cdef Py_ssize_t i
    compiled.instructions_count = <int32_t>len(code)
    for i, (opcode, fact, constant, target) in enumerate(code):
        encode(&compiled.code[i], opcode, fact, constant, target)
        compiled.birthdays |= fact == AGE or fact == DAYS_TO_BIRTHDAY
        compiled.recalls |= fact == SPEND_30D
    return 0


cdef inline int fill_rules(Table *compiled, tuple rules) except -1:
    cdef Py_ssize_t i
    compiled.rules_count = <int32_t>len(rules)
    for i, (start, end, group, effects_start, effects_end, occasion, grant, limits_start, limits_end) in enumerate(rules):
        compiled.rules[i] = Rule(
            start, end, group, effects_start, effects_end, occasion, grant, limits_start, limits_end, False, 0
        )
        compiled.grouped |= group != 0
        compiled.conditional |= occasion != 0 or grant != 0 or limits_start != limits_end
    return 0


cdef inline int fill_effects(Table *compiled, tuple effects) except -1:
    cdef Py_ssize_t i
    compiled.effects_count = <int32_t>len(effects)
    for i, (effect, n, d, cap, slot) in enumerate(effects):
        compiled.effects[i] = EffectRow(n, d, cap, effect, slot)
        compiled.discounts |= effect in (DISCOUNT_RATE, DISCOUNT_AMOUNT, FREE_ITEM)
        compiled.multiplies |= effect == MULTIPLY_POINTS
        compiled.credits |= effect in (CREDIT_RATE, CREDIT_AMOUNT)
        compiled.counts |= effect in (COUNTER_FIXED, COUNTER_PER, BUDGET)
        compiled.prices |= effect == PRICE
        compiled.budgeted |= effect == BUDGET
    return 0


cdef inline void mark_priced(Table *compiled) noexcept:
    """Mark the rules that take points for what they give."""
    cdef int32_t index, at
    for index in range(compiled.rules_count):
        for at in range(compiled.rules[index].effects_start, compiled.rules[index].effects_end):
            if compiled.effects[at].effect == PRICE:
                compiled.rules[index].priced = True


cdef inline void find_budgets(Table *compiled) noexcept:
    """Note each rule's budget in the rule."""
    cdef Rule *rule
    cdef int32_t index, at
    for index in range(compiled.rules_count):
        rule = &compiled.rules[index]
        for at in range(rule.effects_start, rule.effects_end):
            if compiled.effects[at].effect == BUDGET:
                rule.budget = <int32_t>compiled.effects[at].n + 1
    compiled.conditional |= compiled.budgeted


cdef inline int fill_lookups(Table *compiled, tuple lookups, tuple limits) except -1:
    cdef Py_ssize_t i
    compiled.lookups_count = <int32_t>len(lookups)
    for i, (source, a, b) in enumerate(lookups):
        compiled.lookups[i] = Lookup(source, a, b)
        compiled.counts |= source == LOOKUP_COUNTER
    compiled.limits_count = <int32_t>len(limits)
    for i, (slot, period, most) in enumerate(limits):
        compiled.limits[i] = Limit(most, slot, period)
        compiled.counts = True
    return 0


cdef inline int fill_grants(Table *compiled, tuple grants, tuple values) except -1:
    cdef Py_ssize_t i
    compiled.grants_count = <int32_t>len(grants)
    for i, (slot, start, end, life_days, values_start, values_end) in enumerate(grants):
        compiled.grants[i] = GrantRow(slot, start, end, life_days, values_start, values_end)
    compiled.values_count = <int32_t>len(values)
    for i, (start, end) in enumerate(values):
        compiled.values[i] = Value(start, end)
    return 0


cdef inline int fill_tiers(Table *compiled, tuple tiers) except -1:
    cdef Py_ssize_t i
    compiled.tiers_count = <int32_t>len(tiers)
    for i, (basis, threshold, multiply_n, multiply_d) in enumerate(tiers):
        compiled.tiers[i] = Tier(threshold, multiply_n, multiply_d, basis)
    return 0


cdef inline int load(Table *compiled, tuple table) except -1:
    """Fill in all but the header. What is not filled in when this fails is NULL, so that `unload` may follow."""
    _, code, rules, effects, lookups, limits, grants, values, tiers = table
    compiled.code = <Instruction *>rows_of(len(code), sizeof(Instruction))
    compiled.rules = <Rule *>rows_of(len(rules), sizeof(Rule))
    compiled.effects = <EffectRow *>rows_of(len(effects), sizeof(EffectRow))
    compiled.lookups = <Lookup *>rows_of(len(lookups), sizeof(Lookup))
    compiled.limits = <Limit *>rows_of(len(limits), sizeof(Limit))
    compiled.grants = <GrantRow *>rows_of(len(grants), sizeof(GrantRow))
    compiled.values = <Value *>rows_of(len(values), sizeof(Value))
    compiled.tiers = <Tier *>rows_of(len(tiers), sizeof(Tier))
    fill_code(compiled, code)
    fill_rules(compiled, rules)
    fill_effects(compiled, effects)
    mark_priced(compiled)
    find_budgets(compiled)
    fill_lookups(compiled, lookups, limits)
    fill_grants(compiled, grants, values)
    fill_tiers(compiled, tiers)
    return 0


cdef inline void unload(Table *compiled) noexcept:
    PyMem_Free(compiled.code)
    PyMem_Free(compiled.rules)
    PyMem_Free(compiled.effects)
    PyMem_Free(compiled.lookups)
    PyMem_Free(compiled.limits)
    PyMem_Free(compiled.grants)
    PyMem_Free(compiled.values)
    PyMem_Free(compiled.tiers)
