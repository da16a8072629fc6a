# cython: language_level=3, boundscheck=True, wraparound=False
"""A compiled programme in C: conditions walked and effects added up without touching a Python object.

The numbers are those of `cext/programme_table.py`, the meaning that of `cext/reference/conditions.py`; the shared tests
hold them together. A table was checked when it was loaded: jumps go forward and stay in their rule, and no stack
exceeds STACK_MAX.
"""

from libc.stdint cimport INT64_MAX, INT64_MIN, int32_t, int64_t, uint8_t, uint64_t

from cext._kernel_lots cimport smaller

cdef extern from *:
    """
    #define KERNEL_LEG_MAX 1000000000000000LL
    #define KERNEL_SATURATED 1000000000000000000LL

    /* floor(value * n / d) for value, n >= 0 and d > 0; saturates, as more than KERNEL_SATURATED is declined anyway. */
    static inline int64_t kernel_share(int64_t value, int64_t n, int64_t d) {
        int64_t product;
        __int128 wide;
        if (!__builtin_mul_overflow(value, n, &product)) {
            product /= d;
            return product > KERNEL_SATURATED ? KERNEL_SATURATED : product;
        }
        wide = (__int128)value * n / d;
        return wide > KERNEL_SATURATED ? KERNEL_SATURATED : (int64_t)wide;
    }

    static inline int64_t kernel_times(int64_t value, int64_t n) {
        int64_t product;
        if (__builtin_mul_overflow(value, n, &product) || product > KERNEL_SATURATED)
            return KERNEL_SATURATED;
        return product;
    }

    /* Division as Python does it; the caller has excluded d == 0 and the one quotient that overflows. */
    static inline int64_t kernel_floor_divide(int64_t n, int64_t d) {
        int64_t quotient = n / d;
        return quotient - (n % d != 0 && (n < 0) != (d < 0));
    }

    static inline int64_t kernel_modulo(int64_t n, int64_t d) {
        int64_t rest = n % d;
        return rest != 0 && (rest < 0) != (d < 0) ? rest + d : rest;
    }
    """
    const int64_t LEG_MAX "KERNEL_LEG_MAX"
    int64_t share "kernel_share" (int64_t value, int64_t n, int64_t d) noexcept nogil
    int64_t times "kernel_times" (int64_t value, int64_t n) noexcept nogil
    int64_t floor_divide "kernel_floor_divide" (int64_t n, int64_t d) noexcept nogil
    int64_t modulo "kernel_modulo" (int64_t n, int64_t d) noexcept nogil
    bint add_overflows "__builtin_add_overflow" (int64_t a, int64_t b, int64_t *result) noexcept nogil
    bint subtract_overflows "__builtin_sub_overflow" (int64_t a, int64_t b, int64_t *result) noexcept nogil
    bint multiply_overflows "__builtin_mul_overflow" (int64_t a, int64_t b, int64_t *result) noexcept nogil

cdef enum:
    STACK_MAX = 16
    FACTS = 18
    # Behind the facts stands for each whether it exists.
    EXISTS = 18
    FACT_SLOTS = 36
    RULES_MAX = 1024
    GROUP_WORDS = 17
    TARGET_FALSE = -1
    NO_CAP = -1

cdef enum:
    AMOUNT = 0
    HOUR = 1
    WEEKDAY = 2
    DAY_OF_MONTH = 3
    ENTRY_MODE = 4
    MERCHANT = 5
    INSTITUTION = 6
    CATEGORY = 7
    CURRENCY = 8
    TIER = 9
    VISITS = 10
    DAYS_SINCE_LAST = 11
    MEAN_AMOUNT = 12
    MEAN_GAP = 13
    SPEND = 14
    POINTS = 15
    CREDIT = 16
    DAYS_SINCE_ENROLMENT = 17

cdef enum:
    FACT_EQ = 0
    FACT_NE = 1
    FACT_LT = 2
    FACT_LE = 3
    FACT_GT = 4
    FACT_GE = 5
    STACK_EQ = 6
    STACK_NE = 7
    STACK_LT = 8
    STACK_LE = 9
    STACK_GT = 10
    STACK_GE = 11
    REQUIRE = 16
    PUSH_FACT = 17
    PUSH_CONSTANT = 18
    ADD = 19
    SUBTRACT = 20
    MULTIPLY = 21
    FLOOR_DIVIDE = 22
    MODULO = 23
    NEGATE = 24

cdef enum:
    POINTS_FIXED = 0
    POINTS_PER = 1
    MULTIPLY_POINTS = 2
    DISCOUNT_RATE = 3
    DISCOUNT_AMOUNT = 4
    CREDIT_RATE = 5
    CREDIT_AMOUNT = 6

cdef enum:
    RANGE = -1

cdef struct Instruction:
    # RANGE holds if `facts[fact]` is `low` … `low + span`, or, `inverted`, if it is not: each comparison of a fact with a
    # constant is one, and so is REQUIRE. That leaves the hot loop one kind of instruction and nothing to choose.
    uint64_t low
    uint64_t span
    int32_t target
    short opcode
    uint8_t fact
    uint8_t inverted

cdef struct Rule:
    int32_t start
    int32_t end
    int32_t group
    int32_t effects_start
    int32_t effects_end

cdef struct EffectRow:
    int64_t n
    int64_t d
    int64_t cap
    int32_t effect

cdef struct Table:
    Instruction *code
    Rule *rules
    EffectRow *effects
    int32_t instructions_count
    int32_t rules_count
    int32_t effects_count
    bint grouped
    bint discounts
    bint multiplies
    bint credits


cdef inline void set_range(Instruction *at, int64_t low, int64_t high, bint inverted) noexcept nogil:
    at.opcode = RANGE
    at.low = <uint64_t>low
    at.span = <uint64_t>high - <uint64_t>low
    at.inverted = inverted


cdef inline void encode(Instruction *at, int opcode, int fact, int64_t constant, int32_t target) noexcept nogil:
    """Turn a row of the table into what `holds` walks."""
    at.fact = <uint8_t>fact
    at.target = target
    if opcode == FACT_EQ or opcode == FACT_NE:
        set_range(at, constant, constant, opcode == FACT_NE)
    elif opcode == FACT_LT or opcode == FACT_GE:
        set_range(at, constant, INT64_MAX, opcode == FACT_LT)
    elif opcode == FACT_LE or opcode == FACT_GT:
        set_range(at, INT64_MIN, constant, opcode == FACT_GT)
    elif opcode == REQUIRE:
        set_range(at, 1, 1, False)
        at.fact = <uint8_t>(EXISTS + fact)
        at.target = TARGET_FALSE
    else:
        at.opcode = <short>opcode
        at.low = <uint64_t>constant


cdef inline int64_t capped(int64_t value, int64_t cap) noexcept nogil:
    return value if cap == NO_CAP or value < cap else cap


cdef inline bint calculate(short opcode, int64_t *top, int64_t right) noexcept nogil:
    """`top` becomes `top opcode right`; False on a fault."""
    if opcode == ADD:
        return not add_overflows(top[0], right, top)
    if opcode == SUBTRACT:
        return not subtract_overflows(top[0], right, top)
    if opcode == MULTIPLY:
        return not multiply_overflows(top[0], right, top)
    if right == 0:
        return False
    if right == -1:
        if opcode == FLOOR_DIVIDE:
            return not subtract_overflows(0, top[0], top)
        top[0] = 0
        return True
    top[0] = floor_divide(top[0], right) if opcode == FLOOR_DIVIDE else modulo(top[0], right)
    return True


cdef inline bint holds(
    const Instruction *code, int32_t start, int32_t end, const int64_t *facts
) noexcept nogil:
    """Walk one condition; a fault is false."""
    cdef int64_t stack[STACK_MAX]
    cdef int32_t depth = 0
    cdef const Instruction *at = code + start
    cdef const Instruction *stop = code + end
    cdef short opcode
    cdef bint held
    while at < stop:
        opcode = at.opcode
        if opcode == RANGE:
            held = (<uint64_t>facts[at.fact] - at.low <= at.span) != at.inverted
        elif opcode <= STACK_GE:
            depth -= 2
            if opcode == STACK_EQ:
                held = stack[depth] == stack[depth + 1]
            elif opcode == STACK_NE:
                held = stack[depth] != stack[depth + 1]
            elif opcode == STACK_LT:
                held = stack[depth] < stack[depth + 1]
            elif opcode == STACK_LE:
                held = stack[depth] <= stack[depth + 1]
            elif opcode == STACK_GT:
                held = stack[depth] > stack[depth + 1]
            else:
                held = stack[depth] >= stack[depth + 1]
        else:
            if opcode == PUSH_FACT:
                stack[depth] = facts[at.fact]
                depth += 1
            elif opcode == PUSH_CONSTANT:
                stack[depth] = <int64_t>at.low
                depth += 1
            elif opcode == NEGATE:
                if subtract_overflows(0, stack[depth - 1], &stack[depth - 1]):
                    return False
            else:
                depth -= 1
                if not calculate(opcode, &stack[depth - 1], stack[depth]):
                    return False
            at += 1
            continue
        if held:
            at += 1
        elif at.target == TARGET_FALSE:
            return False
        else:
            at = code + at.target
    return True


cdef inline int32_t fire(
    const Table *table, const int64_t *facts, unsigned short *fired
) noexcept nogil:
    """Write the indexes of the rules that fire; returns how many. Of an exclusive group only the first fires."""
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
        if rule.start != rule.end and not holds(table.code, rule.start, rule.end, facts):
            continue
        fired[count] = <unsigned short>index
        count += 1
        if rule.group:
            taken[rule.group >> 6] |= <uint64_t>1 << (rule.group & 63)
    return count


cdef inline int64_t discount_of(
    const Table *table, const unsigned short *fired, int32_t count, int64_t amount
) noexcept nogil:
    cdef int64_t total = 0
    cdef const EffectRow *row
    cdef int32_t i, at
    if not table.discounts:
        return 0
    for i in range(count):
        for at in range(table.rules[fired[i]].effects_start, table.rules[fired[i]].effects_end):
            row = &table.effects[at]
            if row.effect == DISCOUNT_RATE:
                total = smaller(amount, total + capped(share(amount, row.n, row.d), row.cap))
            elif row.effect == DISCOUNT_AMOUNT:
                total = smaller(amount, total + capped(row.n, row.cap))
    return total


cdef inline int64_t points_of(
    const Table *table, const unsigned short *fired, int32_t count, int64_t paid
) noexcept nogil:
    """The base, then the multipliers one after another, then the fixed ones; above LEG_MAX it stops counting."""
    cdef int64_t base = 0, fixed = 0
    cdef const EffectRow *row
    cdef int32_t i, at
    for i in range(count):
        for at in range(table.rules[fired[i]].effects_start, table.rules[fired[i]].effects_end):
            row = &table.effects[at]
            if row.effect == POINTS_PER:
                base += capped(times(share(paid, 1, row.d), row.n), row.cap)
            elif row.effect == POINTS_FIXED:
                fixed += capped(row.n, row.cap)
            if base > LEG_MAX or fixed > LEG_MAX:
                return LEG_MAX + 1
    if table.multiplies:
        for i in range(count):
            for at in range(table.rules[fired[i]].effects_start, table.rules[fired[i]].effects_end):
                row = &table.effects[at]
                if row.effect == MULTIPLY_POINTS:
                    base += capped(share(base, row.n, row.d) - base, row.cap)
                    if base > LEG_MAX:
                        return base
    return base + fixed


cdef inline int64_t credit_of(
    const Table *table, const unsigned short *fired, int32_t count, int64_t paid
) noexcept nogil:
    cdef int64_t total = 0
    cdef const EffectRow *row
    cdef int32_t i, at
    if not table.credits:
        return 0
    for i in range(count):
        for at in range(table.rules[fired[i]].effects_start, table.rules[fired[i]].effects_end):
            row = &table.effects[at]
            if row.effect == CREDIT_RATE:
                total += capped(share(paid, row.n, row.d), row.cap)
            elif row.effect == CREDIT_AMOUNT:
                total += capped(row.n, row.cap)
            if total > LEG_MAX:
                return total
    return total
