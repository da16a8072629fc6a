"""The flat table of a compiled programme: what `switch.programme` writes and both kernels walk.

A table is plain tuples of ints, so that it can be printed, hashed, stored and handed to another process:

    table   = (header, code, rules, effects)
    header  = (currency, point_value, expiry_months, deficit_allowed)
              point_value: minor units of `currency` for one point; expiry_months: 1 … EXPIRY_MONTHS_MAX
    code    = ((opcode, fact, constant, target), …)     the conditions of all rules, one after another
    rules   = ((code_start, code_end, group, effects_start, effects_end), …)   in the order of evaluation
              group: 0, or an exclusive group's number: its first rule that fires shuts out the rest
    effects = ((effect, n, d, cap), …)                  cap: minor units or points; NO_CAP if there is none

A condition is walked from `code_start`; reaching `code_end` means true. A comparison that holds goes on with
the next instruction; one that does not jumps forward to `target`, or makes the condition false if that is
`TARGET_FALSE`. `and`, `or` and `not` are nothing but targets. Comparisons leave the stack empty.

**Faults are false.** A division by zero, a result outside 64 bits, or a fact that does not exist yet (the
mean amount of a member without visits) makes the whole condition false, whatever stands around it; what a
short circuit skips is not looked at.

Numbers are stable, as journal rows and stored programmes outlive a release: what is new takes a new number.
"""

from enum import IntEnum

Header = tuple[int, int, int, int]
Instruction = tuple[int, int, int, int]
RuleRow = tuple[int, int, int, int, int]
EffectRow = tuple[int, int, int, int]
Table = tuple[Header, tuple[Instruction, ...], tuple[RuleRow, ...], tuple[EffectRow, ...]]

RULES_MAX = 1_024
INSTRUCTIONS_MAX = 65_536
EFFECTS_MAX = 8_192
STACK_MAX = 16
FACTS_MAX = 64
LOTS_MAX = 36
EXPIRY_MONTHS_MAX = LOTS_MAX - 1
"""An account earns into the lots of this month … this month + expiry: one more than the expiry's months."""

LOCAL_MONTH_MAX = 32_000
"""Months since 2000-01 fit an int16 with room for the expiry."""

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


CONDITIONAL_FACTS = frozenset({Fact.DAYS_SINCE_LAST, Fact.MEAN_AMOUNT, Fact.MEAN_GAP})
"""Facts that may not exist yet: their use is preceded by `Opcode.REQUIRE`."""


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
    """n/d of the amount; all discounts together are at most the amount."""
    DISCOUNT_AMOUNT = 4
    CREDIT_RATE = 5
    """n/d of what is really paid, granted as club credit."""
    CREDIT_AMOUNT = 6
