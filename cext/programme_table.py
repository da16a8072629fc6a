"""The flat table of a compiled programme: what `switch.programme` writes and both kernels walk.

A table is plain tuples of ints, so that it can be printed, hashed, stored and handed to another process:

    table   = (header, code, rules, effects, lookups, limits, grants, values, tiers)
    header  = (currency, point_value, expiry_months, deficit_allowed, max_discount_n, max_discount_d,
               pending_days, tier_year_month, tier_grace_days)
              point_value: minor units of `currency` for one point; expiry_months: 1 … EXPIRY_MONTHS_MAX;
              all discounts together are at most amount * n // d: with (1, 1) only the amount bounds them;
              pending_days: what is earned may be spent once that many days are over; 0: at once;
              tier_year_month: the month, 1 … 12, in which a tier year begins; 0: tiers are for life;
              tier_grace_days: a tier that was not earned again is kept that long into the next tier year
    code    = ((opcode, fact, constant, target), …)     all conditions and values, one after another
    rules   = ((code_start, code_end, group, effects_start, effects_end, occasion, grant, limits_start, limits_end), …)
              in the order of evaluation; group: 0, or an exclusive group's number: its first rule that fires shuts
              out the rest; grant: 0, or k: fires only while the account holds a live grant of grants[k - 1], uses it up
    effects = ((effect, n, d, cap, slot), …)            cap: minor units, points or counts; NO_CAP if there is none;
                                                        slot: the counter of COUNTER_* and BUDGET, else 0
    lookups = ((source, a, b), …)                       facts of this programme, numbered FACTS_MAX + index
    limits  = ((slot, period, most), …)                 the rule fires only while its counter is below `most`; adds 1
    grants  = ((slot, code_start, code_end, life_days, values_start, values_end), …)
    values  = ((code_start, code_end), …)               code that leaves one number
    tiers   = ((basis, threshold, multiply_n, multiply_d), …)   tier k is tiers[k - 1]; tier 0 is none

A *slot* is the number, 1 … SLOTS_MAX, by which an account keeps a counter or a grant: stable for a programme across
its versions. A counter is counted either by effects (then for life) or by limits, and always in the same period.

A condition is walked from `code_start`; reaching `code_end` means true. A comparison that holds goes on with
the next instruction; one that does not jumps forward to `target`, or makes the condition false if that is
`TARGET_FALSE`. `and`, `or` and `not` are nothing but targets. Comparisons leave the stack empty.

**Faults are false.** A division by zero, a result outside 64 bits, or a fact that does not exist yet (the
mean amount of a member without visits) makes the whole condition false, whatever stands around it; what a
short circuit skips is not looked at.

Numbers are stable, as journal rows and stored programmes outlive a release: what is new takes a new number.
"""

from enum import IntEnum

Header = tuple[int, int, int, int, int, int, int, int, int]
Instruction = tuple[int, int, int, int]
RuleRow = tuple[int, int, int, int, int, int, int, int, int]
EffectRow = tuple[int, int, int, int, int]
LookupRow = tuple[int, int, int]
LimitRow = tuple[int, int, int]
GrantRow = tuple[int, int, int, int, int, int]
ValueRow = tuple[int, int]
TierRow = tuple[int, int, int, int]
Table = tuple[
    Header,
    tuple[Instruction, ...],
    tuple[RuleRow, ...],
    tuple[EffectRow, ...],
    tuple[LookupRow, ...],
    tuple[LimitRow, ...],
    tuple[GrantRow, ...],
    tuple[ValueRow, ...],
    tuple[TierRow, ...],
]

RULES_MAX = 1_024
INSTRUCTIONS_MAX = 65_536
EFFECTS_MAX = 8_192
STACK_MAX = 16
FACTS_MAX = 64
LOOKUPS_MAX = 512
LIMITS_MAX = 4_096
GRANT_ROWS_MAX = 256
VALUES_MAX = 1_024
VALUES_PER_GRANT_MAX = 4
TIERS_MAX = 16
TEXTS_MAX = 4_096
BASKET_ITEMS_MAX = 256
"""Quantities and free prices that a request may carry."""
BUDGETS_MAX = 64
"""Budgets that a programme may have."""
SLOTS_MAX = 4_095
LIFE_DAYS_MAX = 3_660
COUNTERS_MAX = 64
"""Counters that an account keeps."""
COUNTER_MOVES_MAX = 128
"""Entries of `counters_moved`."""
GRANTS_MAX = 16
"""Grants that an account keeps, and entries of `grants_moved`."""
LOTS_MAX = 36
RESERVES_MAX = 48
"""Reserves that an account keeps, and entries of `reserves_moved`."""
HOLDS_MAX = 8
"""Holds that an account keeps at a time."""
RECENT_DAYS_MAX = 31
"""Days of which an account keeps the spend."""
SPEND_DAYS = 30
"""Days, the message's included, that SPEND_30D adds up. An account keeps them only for a table that asks for it."""
SEED_MAX = 2**31 - 1
FLAG_MAX = 2**30
"""The highest bit of `account.flags` that can be looked at."""
PENDING_DAYS_MAX = 31
GRACE_DAYS_MAX = 366
EXPIRY_MONTHS_MAX = LOTS_MAX - 1
"""An account earns into the lots of this month … this month + expiry: one more than the expiry's months."""

LOCAL_MONTH_MAX = 32_000
"""Months since 2000-01 fit an int16 with room for the expiry."""

LOCAL_DAY_MAX = 2_900_000
"""Days since 1970-01-01, up to the year 9909."""

MOVES_MAX = 160
"""Entries of `lots_moved`: at most two for each lot of the account and of an original."""

TARGET_FALSE = -1
NO_CAP = -1
DEFICIT_MONTH = -1

AMOUNT_MAX = 999_999_999_999
"""DE4 has twelve digits."""
FACTOR_MAX = 10**9
"""Largest numerator, denominator or fixed effect in a table."""
LEG_MAX = 10**15
"""Largest single leg of a decision; a larger one is declined with 13."""
BALANCE_MAX = 10**16
"""Largest balance, lot or move that is worked on: a sum of MOVES_MAX of them stays inside 64 bits."""


UNBOUNDED_BUDGETS = (LEG_MAX,) * BUDGETS_MAX
"""For a decision that is only tried out, without regard to what all members together get."""


class Fact(IntEnum):
    """What a condition may look at. The account's are as before this message, without lapsed lots."""

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
    """Whole years."""
    DAYS_TO_BIRTHDAY = 20
    """0 on the day. Who was born on 29 February has it on 1 March in the other years."""
    EVENT = 21
    TODAY = 22
    """Days since 1970-01-01 in the programme's zone."""
    REWARD = 23
    """What the till asked for out of the catalogue; 0 if nothing."""
    SPEND_30D = 24
    """Minor units spent on the last SPEND_DAYS days, net of what was undone on them; at least 0."""


CONDITIONAL_FACTS = frozenset({Fact.DAYS_SINCE_LAST, Fact.MEAN_AMOUNT, Fact.MEAN_GAP, Fact.AGE, Fact.DAYS_TO_BIRTHDAY})
"""Facts that may not exist yet: their use is preceded by `Opcode.REQUIRE`. So is that of a GRANT lookup."""


class Occasion(IntEnum):
    """What a rule fires on."""

    PURCHASE = 0
    EVENT = 1


class Lookup(IntEnum):
    """What a programme's own fact looks up."""

    COUNTER = 0
    """a: slot, b: period. The account's counter; 0 if there is none or its period is over."""
    QUANTITY = 1
    """a: index. `request.quantities[a]`; 0 if there are fewer."""
    GRANT = 2
    """a: index of a grant, b: index among that grant's values. Absent unless a live one is held."""
    HOLDOUT = 3
    """a: seed of a rule. The account's place among its members, 0 … 99: who is held out are the lowest."""
    FLAG = 4
    """a: one bit. 1 if `account.flags` has it, else 0."""


class Period(IntEnum):
    """What a counter counts within, in the programme's zone. A counter keeps the number of its period."""

    LIFE = 0
    """Number 0."""
    YEAR = 1
    """Number local_month // 12."""
    MONTH = 2
    """Number local_month."""
    DAY = 3
    """Number local_day."""


class TierBasis(IntEnum):
    """What must reach a tier's threshold."""

    TIER_POINTS = 0
    SPEND = 1
    VISITS = 2


class Opcode(IntEnum):
    """Instructions. Each comparison, when it does not hold, goes to `target`."""

    FACT_EQ = 0
    """`facts[fact] == constant`; likewise the next five."""
    FACT_NE = 1
    FACT_LT = 2
    FACT_LE = 3
    FACT_GT = 4
    FACT_GE = 5
    STACK_EQ = 6
    """Takes the right-hand side, then the left-hand side, from the stack; likewise the next five."""
    STACK_NE = 7
    STACK_LT = 8
    STACK_LE = 9
    STACK_GT = 10
    STACK_GE = 11
    REQUIRE = 16
    """The condition is false if `fact` does not exist yet."""
    PUSH_FACT = 17
    PUSH_CONSTANT = 18
    ADD = 19
    SUBTRACT = 20
    MULTIPLY = 21
    FLOOR_DIVIDE = 22
    """Rounds down, as Python does; a divisor of 0 is a fault."""
    MODULO = 23
    """Takes the divisor's sign, as Python does; a divisor of 0 is a fault."""
    NEGATE = 24


class Effect(IntEnum):
    """What a rule that fired does. Each is at most its cap; everything rounds down."""

    POINTS_FIXED = 0
    """n points, after the multipliers."""
    POINTS_PER = 1
    """n points for each whole d minor units that are really paid: the base that multipliers work on."""
    MULTIPLY = 2
    """The base becomes n/d of itself; the cap bounds what is added."""
    DISCOUNT_RATE = 3
    """n/d of the amount; all discounts together are at most the header's share of the amount."""
    DISCOUNT_AMOUNT = 4
    CREDIT_RATE = 5
    """n/d of what is really paid, granted as club credit."""
    CREDIT_AMOUNT = 6
    COUNTER_FIXED = 7
    """n to the counter; n may be negative, but a counter does not fall below 0."""
    COUNTER_PER = 8
    """n to the counter for each whole d minor units that are really paid."""
    FREE_ITEM = 9
    """A discount of `request.free_prices[n]`; the whole amount if that is missing and the message has no basket."""
    MESSAGE = 10
    """Text n is for the receipt."""
    TIER_SET = 11
    """Tier n is entered, if it is higher than the account's."""
    PRICE = 12
    """n points are taken, beside those that pay. What its rule takes off is not bounded by the header's share."""
    BUDGET = 13
    """What the rule gives is at most what is left of `request.budgets[n]`, and is added to the counter; if nothing is
    left, the rule does not fire. At most one in a rule; a counter belongs to one budget.
    """
