# cython: language_level=3, boundscheck=True, wraparound=False
"""A compiled programme in C: `cext/programme_table.py` says what each number and row means.

A table was checked when it was loaded: jumps go forward and stay in their rule, no stack exceeds STACK_MAX, and every
number of a row points inside the table.
"""

from libc.stdint cimport INT64_MAX, INT64_MIN, int8_t, int32_t, int64_t, uint8_t, uint16_t, uint64_t

cdef enum:
    STACK_MAX = 16
    FACTS = 25
    # The programme's own facts, its lookups, are numbered from here on.
    FACTS_MAX = 64
    LOOKUPS_MAX = 512
    # Behind the facts stands for each whether it exists.
    EXISTS = 576
    FACT_SLOTS = 1152
    RULES_MAX = 1024
    BUDGETS_MAX = 64
    GROUP_WORDS = 17
    TARGET_FALSE = -1
    NO_CAP = -1
    VALUES_PER_GRANT_MAX = 4

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
    CLUB = 18
    AGE = 19
    DAYS_TO_BIRTHDAY = 20
    EVENT = 21
    TODAY = 22
    REWARD = 23
    SPEND_30D = 24

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
    COUNTER_FIXED = 7
    COUNTER_PER = 8
    FREE_ITEM = 9
    TIER_SET = 11
    PRICE = 12
    BUDGET = 13

cdef enum:
    ON_PURCHASE = 0
    ON_EVENT = 1

cdef enum:
    LOOKUP_COUNTER = 0
    LOOKUP_QUANTITY = 1
    LOOKUP_GRANT = 2
    LOOKUP_HOLDOUT = 3
    LOOKUP_FLAG = 4

cdef enum:
    LIFE = 0
    YEAR = 1
    MONTH = 2
    DAY = 3
    PERIODS = 4

cdef enum:
    BY_TIER_POINTS = 0
    BY_SPEND = 1
    BY_VISITS = 2

cdef enum:
    RANGE = -1

cdef struct Instruction:
    # RANGE holds if `facts[fact]` is `low` … `low + span`, or, `inverted`, if it is not: each comparison of a fact with a
    # constant is one, and so is REQUIRE. That leaves the hot loop one kind of instruction and nothing to choose.
    uint64_t low
    uint64_t span
    int32_t target
    int8_t opcode
    uint8_t inverted
    uint16_t fact

cdef struct Rule:
    int32_t start
    int32_t end
    int32_t group
    int32_t effects_start
    int32_t effects_end
    int32_t occasion
    int32_t grant
    int32_t limits_start
    int32_t limits_end
    # It takes points for what it gives.
    bint priced
    # 0: none; else the budget's index plus 1.
    int32_t budget

cdef struct EffectRow:
    int64_t n
    int64_t d
    int64_t cap
    int32_t effect
    int32_t slot

cdef struct Lookup:
    int32_t source
    int32_t a
    int32_t b

cdef struct Limit:
    int64_t most
    int32_t slot
    int32_t period

cdef struct GrantRow:
    int32_t slot
    int32_t start
    int32_t end
    int32_t life_days
    int32_t values_start
    int32_t values_end

cdef struct Value:
    int32_t start
    int32_t end

cdef struct Tier:
    int64_t threshold
    int64_t multiply_n
    int64_t multiply_d
    int32_t basis

cdef struct Table:
    Instruction *code
    Rule *rules
    EffectRow *effects
    Lookup *lookups
    Limit *limits
    GrantRow *grants
    Value *values
    Tier *tiers
    int64_t most_discount_n
    int64_t most_discount_d
    int32_t instructions_count
    int32_t rules_count
    int32_t effects_count
    int32_t lookups_count
    int32_t limits_count
    int32_t grants_count
    int32_t values_count
    int32_t tiers_count
    # What no rule does needs no work on the hot path. `conditional`: a rule has an occasion other than a purchase, a
    # grant, a limit or a budget.
    bint grouped
    bint conditional
    bint discounts
    bint multiplies
    bint credits
    bint counts
    bint birthdays
    bint prices
    bint recalls
    bint budgeted


cdef inline void set_range(Instruction *at, int64_t low, int64_t high, bint inverted) noexcept nogil:
    at.opcode = RANGE
    at.low = <uint64_t>low
    at.span = <uint64_t>high - <uint64_t>low
    at.inverted = inverted


cdef inline void encode(Instruction *at, int opcode, int fact, int64_t constant, int32_t target) noexcept nogil:
    """Turn a row of the table into what `holds` walks."""
    at.fact = <uint16_t>fact
    at.target = target
    if opcode == FACT_EQ or opcode == FACT_NE:
        set_range(at, constant, constant, opcode == FACT_NE)
    elif opcode == FACT_LT or opcode == FACT_GE:
        set_range(at, constant, INT64_MAX, opcode == FACT_LT)
    elif opcode == FACT_LE or opcode == FACT_GT:
        set_range(at, INT64_MIN, constant, opcode == FACT_GT)
    elif opcode == REQUIRE:
        set_range(at, 1, 1, False)
        at.fact = <uint16_t>(EXISTS + fact)
        at.target = TARGET_FALSE
    else:
        at.opcode = <int8_t>opcode
        at.low = <uint64_t>constant


cdef inline int64_t capped(int64_t value, int64_t cap) noexcept nogil:
    return value if cap == NO_CAP or value < cap else cap
