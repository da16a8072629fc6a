"""Whether a programme's table may be walked: `check`. The compiled kernel relies on these checks alone."""

from cext.programme_table import (
    AMOUNT_MAX,
    BASKET_ITEMS_MAX,
    BUDGETS_MAX,
    EFFECTS_MAX,
    EXPIRY_MONTHS_MAX,
    FACTOR_MAX,
    FACTS_MAX,
    FLAG_MAX,
    GRACE_DAYS_MAX,
    GRANT_ROWS_MAX,
    INSTRUCTIONS_MAX,
    LIFE_DAYS_MAX,
    LIMITS_MAX,
    LOOKUPS_MAX,
    NO_CAP,
    PENDING_DAYS_MAX,
    RULES_MAX,
    SEED_MAX,
    SLOTS_MAX,
    STACK_MAX,
    TARGET_FALSE,
    TEXTS_MAX,
    TIERS_MAX,
    VALUES_MAX,
    VALUES_PER_GRANT_MAX,
    Effect,
    EffectRow,
    Fact,
    GrantRow,
    Instruction,
    Lookup,
    LookupRow,
    Occasion,
    Opcode,
    Period,
    RuleRow,
    Table,
    TierBasis,
    TierRow,
)

INT64_MIN = -(2**63)
INT64_MAX = 2**63 - 1
INT32_MAX = 2**31 - 1

_OPCODES = frozenset(int(opcode) for opcode in Opcode)
_EFFECTS = frozenset(int(effect) for effect in Effect)
_COUNTING = (Effect.COUNTER_FIXED, Effect.COUNTER_PER, Effect.BUDGET)
# The bounds of `n` that are not those of a rate.
_NUMERATORS: dict[int, tuple[int, int]] = {
    Effect.POINTS_FIXED: (0, AMOUNT_MAX),
    Effect.DISCOUNT_AMOUNT: (0, AMOUNT_MAX),
    Effect.CREDIT_AMOUNT: (0, AMOUNT_MAX),
    Effect.COUNTER_FIXED: (-FACTOR_MAX, FACTOR_MAX),
    Effect.FREE_ITEM: (0, BASKET_ITEMS_MAX - 1),
    Effect.MESSAGE: (0, TEXTS_MAX - 1),
    Effect.PRICE: (0, AMOUNT_MAX),
    Effect.BUDGET: (0, BUDGETS_MAX - 1),
}


def check(table: Table) -> None:
    """Raise ValueError for a table that is unsafe to walk."""
    header, code, rules, effects, lookups, limits, grants, values, tiers = table
    _check_header(header)
    for what, rows, most in (
        ("rules", rules, RULES_MAX),
        ("instructions", code, INSTRUCTIONS_MAX),
        ("effects", effects, EFFECTS_MAX),
        ("lookups", lookups, LOOKUPS_MAX),
        ("limits", limits, LIMITS_MAX),
        ("grants", grants, GRANT_ROWS_MAX),
        ("values", values, VALUES_MAX),
        ("tiers", tiers, TIERS_MAX),
    ):
        _within(f"number of {what}", len(rows), 0, most)
    for instruction in code:
        _check_instruction(instruction, len(code), len(lookups))
    for start, end in values:
        _check_value(code, start, end)
    for grant in grants:
        _check_grant(grant, code, len(values))
    _distinct("grants", [slot for slot, *_ in grants])
    for lookup in lookups:
        _check_lookup(lookup, grants)
    for slot, period, most in limits:
        _within("slot", slot, 1, SLOTS_MAX)
        _within("period", period, 0, len(Period) - 1)
        _within("limit", most, 1, FACTOR_MAX)
    for effect in effects:
        _check_effect(effect, len(tiers))
    for rule in rules:
        _check_rule(rule, table)
    _check_periods(table)
    _check_budgets(effects)
    _check_tiers(tiers)


def _within(what: str, value: int, lowest: int, highest: int) -> None:
    if not lowest <= value <= highest:
        raise ValueError(f"{what} must be {lowest} to {highest}")


def _span(what: str, start: int, end: int, rows: int) -> None:
    if not 0 <= start <= end <= rows:
        raise ValueError(f"{what} points outside the table")


def _distinct(what: str, slots: list[int]) -> None:
    if len(slots) != len(set(slots)):
        raise ValueError(f"two {what} have one slot")


def _check_header(header: tuple[int, ...]) -> None:
    currency, point_value, expiry_months, _, numerator, denominator, pending_days, tier_year_month, grace_days = header
    _within("currency", currency, 0, 999)
    _within("point_value", point_value, 1, FACTOR_MAX)
    _within("expiry_months", expiry_months, 1, EXPIRY_MONTHS_MAX)
    _within("denominator of max_discount", denominator, 1, FACTOR_MAX)
    _within("max_discount", numerator, 0, denominator)
    _within("pending_days", pending_days, 0, PENDING_DAYS_MAX)
    _within("tier_year_month", tier_year_month, 0, 12)
    _within("tier_grace_days", grace_days, 0, GRACE_DAYS_MAX)


def _check_instruction(row: Instruction, instructions: int, lookups: int) -> None:
    opcode, fact, constant, target = row
    if opcode not in _OPCODES:
        raise ValueError("unknown opcode")
    if not (0 <= fact < len(Fact) or FACTS_MAX <= fact < FACTS_MAX + lookups):
        raise ValueError("unknown fact")
    _within("constant", constant, INT64_MIN, INT64_MAX)
    _within("target", target, TARGET_FALSE, instructions)


def _check_condition(code: tuple[Instruction, ...], start: int, end: int) -> None:
    depth = 0
    empty_at = {start}
    targets = set()
    for at in range(start, end):
        opcode, _, _, target = code[at]
        depth = _depth_after(opcode, depth)
        if opcode <= Opcode.STACK_GE:
            if depth:
                raise ValueError("a comparison leaves something on the stack")
            if target != TARGET_FALSE:
                _within("target", target, at + 1, end)
                targets.add(target)
        if depth == 0:
            empty_at.add(at + 1)
    if depth or not targets <= empty_at:
        raise ValueError("a jump does not meet an empty stack")


def _check_value(code: tuple[Instruction, ...], start: int, end: int) -> None:
    _span("a value", start, end, len(code))
    depth = 0
    for opcode, _, _, _ in code[start:end]:
        if opcode <= Opcode.STACK_GE:
            raise ValueError("a value compares")
        depth = _depth_after(opcode, depth)
    if depth != 1:
        raise ValueError("a value does not leave one number")


def _depth_after(opcode: int, depth: int) -> int:
    """The stack's depth after an instruction."""
    needs, leaves = _stack_use(opcode)
    if depth < needs:
        raise ValueError("the stack is empty")
    depth += leaves - needs
    if depth > STACK_MAX:
        raise ValueError("the stack is too deep")
    return depth


def _stack_use(opcode: int) -> tuple[int, int]:
    """How many values an instruction takes from the stack and leaves there."""
    if opcode <= Opcode.FACT_GE or opcode == Opcode.REQUIRE:
        return 0, 0
    if opcode <= Opcode.STACK_GE:
        return 2, 0
    if opcode in (Opcode.PUSH_FACT, Opcode.PUSH_CONSTANT):
        return 0, 1
    if opcode == Opcode.NEGATE:
        return 1, 1
    return 2, 1


def _check_grant(row: GrantRow, code: tuple[Instruction, ...], values: int) -> None:
    slot, start, end, life_days, values_start, values_end = row
    _within("slot", slot, 1, SLOTS_MAX)
    _span("a grant", start, end, len(code))
    _check_condition(code, start, end)
    _within("life_days", life_days, 1, LIFE_DAYS_MAX)
    _span("a grant", values_start, values_end, values)
    _within("number of a grant's values", values_end - values_start, 0, VALUES_PER_GRANT_MAX)


def _check_lookup(row: LookupRow, grants: tuple[GrantRow, ...]) -> None:
    source, a, b = row
    if source == Lookup.COUNTER:
        _within("slot", a, 1, SLOTS_MAX)
        _within("period", b, 0, len(Period) - 1)
    elif source == Lookup.QUANTITY:
        _within("index", a, 0, BASKET_ITEMS_MAX - 1)
    elif source == Lookup.GRANT:
        _within("grant", a, 0, len(grants) - 1)
        _, _, _, _, values_start, values_end = grants[a]
        _within("value", b, 0, values_end - values_start - 1)
    elif source == Lookup.HOLDOUT:
        _within("seed", a, 0, SEED_MAX)
    elif source == Lookup.FLAG:
        _within("flag", a, 1, FLAG_MAX)
        if a & (a - 1):
            raise ValueError("a flag is one bit")
    else:
        raise ValueError("unknown lookup")
    # Not every source looks at it, but the compiled table has no more than 32 bits for it.
    _within("lookup", b, 0, INT32_MAX)


def _check_effect(row: EffectRow, tiers: int) -> None:
    effect, numerator, denominator, cap, slot = row
    if effect not in _EFFECTS:
        raise ValueError("unknown effect")
    if effect == Effect.TIER_SET:
        _within("tier", numerator, 1, tiers)
    else:
        _within("n", numerator, *_NUMERATORS.get(effect, (0, FACTOR_MAX)))
    per = effect in (Effect.POINTS_PER, Effect.COUNTER_PER)
    _within("denominator", denominator, 1, AMOUNT_MAX if per else FACTOR_MAX)
    _within("cap", cap, NO_CAP, AMOUNT_MAX)
    if effect in _COUNTING:
        _within("slot", slot, 1, SLOTS_MAX)
    else:
        _within("slot of what does not count", slot, 0, 0)


def _check_rule(row: RuleRow, table: Table) -> None:
    _, code, _, effects, _, limits, grants, _, _ = table
    start, end, group, effects_start, effects_end, occasion, grant, limits_start, limits_end = row
    _within("group", group, 0, RULES_MAX)
    _span("a rule", start, end, len(code))
    _span("a rule", effects_start, effects_end, len(effects))
    _span("a rule", limits_start, limits_end, len(limits))
    _within("occasion", occasion, 0, len(Occasion) - 1)
    _within("grant", grant, 0, len(grants))
    _distinct("limits of a rule", [slot for slot, _, _ in limits[limits_start:limits_end]])
    if sum(row[0] == Effect.BUDGET for row in effects[effects_start:effects_end]) > 1:
        raise ValueError("a rule has two budgets")
    _check_condition(code, start, end)


def _check_periods(table: Table) -> None:
    """Whether each counter is counted by effects or by limits only, and always in one period."""
    _, _, _, effects, lookups, limits, _, _, _ = table
    counted = {slot for effect, _, _, _, slot in effects if effect in _COUNTING}
    periods = dict.fromkeys(counted, int(Period.LIFE))
    for slot, period, _ in limits:
        if slot in counted:
            raise ValueError("a counter has a limit and an effect")
        if periods.setdefault(slot, period) != period:
            raise ValueError("a counter has two periods")
    for source, slot, period in lookups:
        if source == Lookup.COUNTER and periods.setdefault(slot, period) != period:
            raise ValueError("a counter has two periods")


def _check_budgets(effects: tuple[EffectRow, ...]) -> None:
    """Whether a budget has one counter, and that counter nothing else to count."""
    slots: dict[int, int] = {}
    for effect, budget, _, _, slot in effects:
        if effect == Effect.BUDGET and slots.setdefault(budget, slot) != slot:
            raise ValueError("a budget has two counters")
    others = {slot for effect, _, _, _, slot in effects if effect in _COUNTING and effect != Effect.BUDGET}
    if len(set(slots.values())) < len(slots) or others & set(slots.values()):
        raise ValueError("a budget's counter counts something else")


def _check_tiers(tiers: tuple[TierRow, ...]) -> None:
    last = dict.fromkeys(range(len(TierBasis)), 0)
    for basis, threshold, numerator, denominator in tiers:
        _within("basis of a tier", basis, 0, len(TierBasis) - 1)
        _within("threshold of a tier", threshold, last[basis] + 1, INT64_MAX)
        _within("numerator of a tier", numerator, 0, FACTOR_MAX)
        _within("denominator of a tier", denominator, 1, FACTOR_MAX)
        last[basis] = threshold
