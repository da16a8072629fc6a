"""Random programmes, accounts, messages and originals for both kernels: most such as happen, some with any number."""

from typing import Any

from hypothesis import strategies as st

from cext.programme_table import (
    AMOUNT_MAX,
    BALANCE_MAX,
    FACTS_MAX,
    LEG_MAX,
    LOCAL_DAY_MAX,
    NO_CAP,
    TARGET_FALSE,
    Effect,
    Fact,
    Instruction,
    Lookup,
    Opcode,
    Table,
)
from tests.cext.kernel_cases import (
    DAY_S,
    MONTH,
    NOW,
    TODAY,
    grant,
    pack,
    pack_counters,
    pack_days,
    pack_grants,
    pack_reserves,
    rule,
    whole_table,
)

PURCHASE, REDEMPTION, CREDIT_PURCHASE, REFUND, REVERSAL, INQUIRY, EVENT, HOLD, QUOTE, UPKEEP, GIFT = range(1, 12)
LEGS_UNDONE = ("points_earned", "points_redeemed", "credit_granted", "credit_spent", "discount")
INT64 = st.integers(-(2**63), 2**63 - 1)
EDGES = st.sampled_from([0, 1, -1, 2, 7, -(2**63), 2**63 - 1, LEG_MAX, LEG_MAX + 1, BALANCE_MAX, BALANCE_MAX + 1])
SMALL = st.integers(-3, 40)
WILD_POINTS = st.one_of(st.integers(1, 500), st.integers(1, 2**63 - 1))
WILD = st.one_of(SMALL, EDGES, INT64)
AMOUNTS = st.one_of(st.integers(1, 3_000_000), st.integers(1, AMOUNT_MAX), st.sampled_from([0, -1, AMOUNT_MAX + 1]))
BASIC_FACTS = tuple(int(fact) for fact in Fact)

STAMPS = (11, 12)
"""Slots that effects count."""
USES = {21: 0, 22: 1, 23: 2, 24: 3}
"""Slots that limits count, and their periods."""
GRANT_SLOTS = (31, 32, 33)
BUDGET_SLOTS = (41, 42, 43)
"""Of budgets 0, 1 and 2."""
NUMBERS = {0: 0, 1: MONTH // 12, 2: MONTH, 3: TODAY}
"""The number of each period on the day of the messages."""


@st.composite
def conditions(draw, start: int, facts=BASIC_FACTS) -> list[Instruction]:
    """Comparisons in a row, each going on or jumping to any later one, to the end, or out."""
    blocks = [draw(comparisons(facts)) for _ in range(draw(st.integers(0, 3)))]
    starts = [start]
    for block in blocks:
        starts.append(starts[-1] + len(block))
    code = []
    for index, block in enumerate(blocks):
        *before, (opcode, fact, constant, _) = block
        target = draw(st.sampled_from([TARGET_FALSE, *starts[index + 1 :]]))
        code += [*before, (opcode, fact, constant, target)]
    return code


@st.composite
def comparisons(draw, facts=BASIC_FACTS) -> list[Instruction]:
    relation = draw(st.integers(0, 5))
    fact = draw(st.sampled_from(facts))
    if draw(st.booleans()):
        code = [(Opcode.FACT_EQ + relation, fact, draw(WILD), TARGET_FALSE)]
    else:
        code = [
            *draw(calculations(3, facts)),
            *draw(calculations(2, facts)),
            (Opcode.STACK_EQ + relation, 0, 0, TARGET_FALSE),
        ]
    return required(draw, code, facts) + code


def required(draw, code: list[Instruction], facts) -> list[Instruction]:
    used = {row[1] for row in code if row[0] in (*range(6), Opcode.PUSH_FACT)}
    if draw(st.integers(0, 9)) == 0:
        used.add(draw(st.sampled_from(facts)))
    return [(Opcode.REQUIRE, fact, 0, TARGET_FALSE) for fact in sorted(used)]


@st.composite
def calculations(draw, depth: int, facts=BASIC_FACTS) -> list[Instruction]:
    """Code that leaves one value on the stack."""
    if depth == 0 or draw(st.booleans()):
        if draw(st.booleans()):
            return [(Opcode.PUSH_FACT, draw(st.sampled_from(facts)), 0, 0)]
        return [(Opcode.PUSH_CONSTANT, 0, draw(WILD), 0)]
    arithmetic = [Opcode.ADD, Opcode.SUBTRACT, Opcode.MULTIPLY, Opcode.FLOOR_DIVIDE, Opcode.MODULO, Opcode.NEGATE]
    opcode = draw(st.sampled_from(arithmetic))
    code = draw(calculations(depth - 1, facts))
    if opcode != Opcode.NEGATE:
        code = code + draw(calculations(depth - 1, facts))
    return [*code, (opcode, 0, 0, 0)]


@st.composite
def effects(draw, tiers: int = 0) -> tuple[int, int, int, int, int]:
    effect = draw(
        st.sampled_from([some for some in Effect if some != Effect.BUDGET and (some != Effect.TIER_SET or tiers)])
    )
    cap = draw(st.one_of(st.just(NO_CAP), st.integers(0, 50), st.integers(0, AMOUNT_MAX)))
    if effect in (Effect.POINTS_FIXED, Effect.DISCOUNT_AMOUNT, Effect.CREDIT_AMOUNT):
        return effect, draw(st.one_of(st.integers(0, 100), st.integers(0, AMOUNT_MAX))), 1, cap, 0
    if effect == Effect.PRICE:
        return effect, draw(st.one_of(st.integers(0, 60), st.integers(0, AMOUNT_MAX))), 1, cap, 0
    if effect == Effect.COUNTER_FIXED:
        count = draw(st.one_of(st.integers(-12, 12), st.integers(-(10**9), 10**9)))
        return effect, count, 1, cap, draw(st.sampled_from(STAMPS))
    if effect == Effect.FREE_ITEM:
        return effect, draw(st.integers(0, 2)), 1, cap, 0
    if effect == Effect.MESSAGE:
        return effect, draw(st.integers(0, 4_095)), 1, NO_CAP, 0
    if effect == Effect.TIER_SET:
        return effect, draw(st.integers(1, tiers)), 1, NO_CAP, 0
    n = draw(st.one_of(st.integers(0, 5), st.integers(0, 10**9)))
    d = draw(st.one_of(st.integers(1, 5), st.integers(1, 10**9)))
    return effect, n, d, cap, draw(st.sampled_from(STAMPS)) if effect == Effect.COUNTER_PER else 0


@st.composite
def given_by_a_rule(draw, tiers: int) -> list[tuple[int, int, int, int, int]]:
    """Effects, now and then with a budget among them."""
    rows = draw(st.lists(effects(tiers), max_size=3))
    if draw(st.integers(0, 3)) == 0:
        index = draw(st.integers(0, len(BUDGET_SLOTS) - 1))
        place = draw(st.integers(0, len(rows)))
        rows.insert(place, (int(Effect.BUDGET), index, 1, NO_CAP, BUDGET_SLOTS[index]))
    return rows


@st.composite
def limits(draw) -> list[tuple[int, int, int]]:
    slots = draw(st.lists(st.sampled_from(sorted(USES)), unique=True, max_size=2))
    return [(slot, USES[slot], draw(st.integers(1, 3))) for slot in slots]


@st.composite
def tiers(draw) -> list[tuple[int, int, int, int]]:
    """Rising within each basis."""
    rows = []
    at = 0
    for _ in range(draw(st.integers(0, 3))):
        at += draw(st.one_of(st.integers(1, 20), st.integers(1, 10**6)))
        factor = st.one_of(st.integers(1, 4), st.integers(1, 10**9))
        rows.append((draw(st.integers(0, 2)), at, draw(factor), draw(factor)))
    return rows


@st.composite
def programmes(draw) -> Table:
    plain = draw(st.booleans())
    given = [] if plain else draw(st.lists(st.sampled_from(GRANT_SLOTS), unique=True, max_size=3))
    levels = [] if plain else draw(tiers())
    counts = [draw(st.integers(0, 2)) for _ in given]
    lookups = [] if plain else draw(st.lists(_lookups(counts), max_size=4))
    facts = (*BASIC_FACTS, *range(FACTS_MAX, FACTS_MAX + len(lookups)))
    rules = [
        rule(
            draw(conditions(0, facts)) if draw(st.integers(0, 2)) else [],
            draw(given_by_a_rule(len(levels))),
            group=draw(st.integers(0, 2)),
            occasion=0 if plain else draw(st.sampled_from([0, 0, 1])),
            grant=draw(st.integers(0, len(given))),
            limits=[] if plain else draw(limits()),
        )
        for _ in range(draw(st.integers(0, 5)))
    ]
    values = [[draw(_values(facts)) for _ in range(count)] for count in counts]
    grants = [
        grant(slot, draw(conditions(0, facts)) if draw(st.booleans()) else [], draw(st.integers(1, 40)), some)
        for slot, some in zip(given, values, strict=True)
    ]
    n, d = draw(st.sampled_from([(1, 1), (1, 1), (1, 3), (0, 1)]))
    point_value = draw(st.sampled_from([1, 100, 999, 10**9]))
    pending = draw(st.sampled_from([0, 0, 1, 14, 31]))
    year = draw(st.sampled_from([(0, 0), (1, 60), (9, 0), (9, 90), (12, 366), (10, 30)]))
    header = (364, point_value, draw(st.sampled_from([1, 24, 35])), int(draw(st.booleans())), n, d, pending, *year)
    return whole_table(rules, header=header, lookups=lookups, grants=grants, tiers=levels)


@st.composite
def _values(draw, facts) -> list[Instruction]:
    code = draw(calculations(2, facts))
    return required(draw, code, facts) + code


@st.composite
def _lookups(draw, counts: list[int]) -> tuple[int, int, int]:
    sources = [Lookup.COUNTER, Lookup.COUNTER, Lookup.QUANTITY, Lookup.HOLDOUT, Lookup.FLAG]
    lengthy = [index for index, count in enumerate(counts) if count]
    source = draw(st.sampled_from([*sources, *([Lookup.GRANT] * 3 if lengthy else [])]))
    if source == Lookup.COUNTER:
        slot = draw(st.sampled_from([*STAMPS, *USES]))
        return source, slot, USES.get(slot, 0)
    if source == Lookup.QUANTITY:
        return source, draw(st.integers(0, 3)), 0
    if source == Lookup.HOLDOUT:
        return source, draw(st.integers(0, 2**31 - 1)), 0
    if source == Lookup.FLAG:
        return source, draw(st.sampled_from([1, 2, 256, 512, 2**23, 2**30])), 0
    index = draw(st.sampled_from(lengthy))
    return source, index, draw(st.integers(0, counts[index] - 1))


@st.composite
def lots(draw, points=WILD_POINTS) -> list[tuple[int, int]]:
    if draw(st.integers(0, 5)) == 0:
        return [(-1, -draw(points))]
    months = draw(st.lists(st.integers(MONTH - 4, MONTH + 35), unique=True, max_size=36))
    return [(month, draw(points)) for month in sorted(months)]


@st.composite
def counters(draw, slots=(*STAMPS, *USES, *BUDGET_SLOTS)) -> list[tuple[int, int, int]]:
    """Some of the slots, of this period or one nearby; now and then so many others that there is hardly room."""
    crowd = range(100, 100 + draw(st.sampled_from([0] * 7 + [59, 63, 64])))
    some = draw(st.lists(st.sampled_from(slots), unique=True, max_size=max(0, min(6, 64 - len(crowd)))))
    value = st.one_of(st.integers(1, 12), st.integers(1, BALANCE_MAX))
    rows = [
        (slot, max(0, NUMBERS[USES.get(slot, 0)] + draw(st.sampled_from([0, 0, 0, -1, 1]))), draw(value))
        for slot in some
    ]
    return sorted(rows) + [(slot, 0, 1) for slot in crowd]


@st.composite
def grants(draw) -> list[tuple[int, ...]]:
    crowd = range(100, 100 + draw(st.sampled_from([0] * 7 + [15, 16])))
    some = draw(st.lists(st.sampled_from(GRANT_SLOTS), unique=True, max_size=min(3, 16 - len(crowd))))
    until = st.integers(TODAY - 2, TODAY + 30)
    rows = [
        (slot, draw(until), draw(st.sampled_from([0, 0, 1])), *draw(st.lists(st.one_of(SMALL, INT64), max_size=4)))
        for slot in sorted(some)
    ]
    return rows + [(slot, TODAY + 5, 0) for slot in crowd]


@st.composite
def reserves(draw, wild: bool) -> list[tuple[int, int, int, int]]:
    """What is pending and what holds keep back, some of it over; now and then so much that there is hardly room."""
    crowd = range(500, 500 + draw(st.sampled_from([0] * 9 + [40, 44])))
    amount = st.one_of(st.integers(0, 300), st.integers(0, BALANCE_MAX)) if wild else st.integers(0, 300)
    days = draw(st.lists(st.integers(TODAY - 2, TODAY + 2), unique=True, max_size=2))
    holds = draw(st.lists(reserve_places(wild), unique=True, max_size=2 if crowd else 9))
    rows = [(0, day, draw(amount), draw(amount) if wild else 0) for day in days]
    rows += [(key, until, draw(amount), draw(amount)) for key, until in holds]
    rows += [(key, NOW, 1, 0) for key in crowd]
    return sorted(row for row in rows if row[2] or row[3])


def reserve_places(wild: bool):
    """Key and end of a hold."""
    ends = st.integers(NOW - 2, NOW + 2)
    return st.tuples(st.integers(1, 4), st.one_of(ends, st.integers(0, BALANCE_MAX)) if wild else ends)


@st.composite
def reserve_moves(draw, wild: bool) -> bytes:
    usual = st.integers(-300, 300)
    amount = st.one_of(usual, st.integers(-BALANCE_MAX, BALANCE_MAX)) if wild else usual
    pending = st.tuples(st.just(0), st.integers(TODAY - 1, TODAY + 2))
    places = draw(st.lists(st.one_of(pending, reserve_places(wild)), max_size=4))
    return pack_reserves(*[(*place, draw(amount), draw(amount)) for place in places])


@st.composite
def accounts(draw, wild: bool) -> dict[str, Any]:
    odd = WILD if wild else st.integers(0, 50)
    some = draw(lots() if wild else lots(st.integers(1, 2_000)))
    total = sum(points for _, points in some)
    when = st.one_of(st.integers(NOW - 400 * DAY_S, NOW + DAY_S), st.just(0), odd)
    return {
        "lots": pack(*some),
        "points": draw(WILD) if abs(total) >= 2**63 or (wild and draw(st.booleans())) else total,
        "status": draw(st.sampled_from([0] * 9 + [1, 2])),
        "credit": draw(st.one_of(st.integers(-5, 100_000), odd)),
        "visits": draw(odd),
        "spend": draw(st.one_of(st.integers(0, 10**9), odd)),
        "first_visit": draw(when),
        "last_visit": draw(when),
        "tier": draw(st.one_of(st.integers(0, 3), odd)),
        "tier_points": draw(odd),
        "tier_year": draw(st.one_of(st.integers(2019, 2022), st.just(0), odd)),
        "tier_kept": draw(st.one_of(st.integers(0, 3), odd)),
        "enrolled_day": draw(st.one_of(st.integers(18_000, 20_000), odd)),
        "club": draw(odd),
        "born": draw(st.one_of(st.just(0), born_days(), odd)),
        "counters": pack_counters(*draw(counters())) if draw(st.booleans()) else b"",
        "grants": pack_grants(*draw(grants())) if draw(st.booleans()) else b"",
        "reserves": pack_reserves(*draw(reserves(wild))) if draw(st.booleans()) else b"",
        "recent": pack_days(*draw(days_of_spend())) if draw(st.booleans()) else b"",
        "flags": draw(st.one_of(st.sampled_from([0, 1, 2, 256, 2**23 + 512]), odd)),
        "id": draw(st.one_of(st.just(7), INT64)),
    }


@st.composite
def days_of_spend(draw) -> list[tuple[int, int]]:
    """Days around the message's, now and then as many as an account keeps."""
    most = draw(st.sampled_from([3, 3, 3, 31]))
    days = draw(st.lists(st.integers(TODAY - 35, TODAY + 3), unique=True, min_size=most // 31 * 31, max_size=most))
    amount = st.one_of(st.integers(-5_000, 50_000), st.integers(-BALANCE_MAX, BALANCE_MAX))
    return [(day, draw(amount)) for day in sorted(days)]


def born_days():
    """Dates of birth, and numbers that are almost one."""
    return st.builds(
        lambda year, month, day: year * 10_000 + month * 100 + day,
        st.sampled_from([0, 1, 1900, 1980, 2000, 2004, 2023, 2024, 9999, 10_000]),
        st.sampled_from([0, 1, 2, 2, 3, 11, 11, 12, 13]),
        st.sampled_from([0, 1, 13, 14, 15, 28, 29, 30, 31, 32]),
    )


@st.composite
def moves(draw, wild: bool) -> bytes:
    points = st.one_of(st.integers(-200, 200), INT64) if wild else st.integers(-200, 200)
    months = st.one_of(st.integers(MONTH - 4, MONTH + 6), st.integers(-1, 3 if wild else -1))
    if wild:
        months = st.one_of(months, st.integers(-(2**15), 2**15 - 1))
    some = draw(st.lists(st.tuples(months, points), max_size=8))
    return pack(*(some if wild else sorted(some)))


@st.composite
def counter_moves(draw) -> bytes:
    value = st.one_of(st.integers(-20, 20), st.integers(-BALANCE_MAX, BALANCE_MAX))
    slots = st.sampled_from([*STAMPS, *USES, *BUDGET_SLOTS])
    some = draw(st.lists(st.tuples(slots, value), max_size=5))
    return pack_counters(*[(slot, NUMBERS[USES.get(slot, 0)], count) for slot, count in some])


@st.composite
def originals(draw, wild: bool) -> dict[str, Any]:
    leg = st.one_of(st.integers(0, 300), WILD) if wild else st.integers(0, 300)
    amount = draw(AMOUNTS if wild else st.integers(1, 10_000))
    kind = draw(st.sampled_from([1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 10] if wild else [1, 2, 3, 4, 7, 8, 9]))
    sign = -1 if kind == REFUND else 1
    fields = {
        "kind": kind,
        "rc_approved": not wild or draw(st.booleans()),
        "amount": amount,
        "lots_moved": draw(moves(wild)),
        "refunded_lots": draw(st.one_of(st.just(b""), moves(wild))),
        "refunded_amount": draw(WILD if wild else st.integers(0, amount)),
        "reversed": wild and draw(st.booleans()),
        "to_pay": draw(leg),
        "counters_moved": draw(st.one_of(st.just(b""), counter_moves())),
        "refunded_counters": draw(st.one_of(st.just(b""), counter_moves())),
        "grants_moved": pack_grants(*draw(grants())) if draw(st.booleans()) else b"",
        "reserves_moved": draw(st.one_of(st.just(b""), reserve_moves(wild))),
        "refunded_reserves": draw(st.one_of(st.just(b""), reserve_moves(wild))),
        "local_month": draw(st.one_of(st.integers(MONTH - 20, MONTH), st.integers(-1, -1), WILD)),
    }
    for name in LEGS_UNDONE:
        value = draw(leg)
        fields[name] = sign * value if value > -(2**63) else value
    for name in ("points_earned", "points_redeemed", "credit_granted", "credit_spent", "discount", "to_pay"):
        fields["refunded_" + name] = draw(st.one_of(st.integers(-100, 100), WILD) if wild else st.integers(0, 9))
    return fields


@st.composite
def requests(draw, wild: bool) -> dict[str, Any]:
    odd = WILD if wild else st.integers(-1, 50)
    kinds = [0, 12] if wild and draw(st.booleans()) else [1, 1, 1, 2, 2, 3, 4, 4, 5, 5, 6, 7, 7, 8, 8, 9, 10, 11]
    kind = draw(st.sampled_from(kinds))
    months = [MONTH] * 5 + [MONTH + 1]
    days = st.one_of(
        st.just(TODAY), st.sampled_from([TODAY, TODAY - 1, TODAY + 1, 0, 789, 18_640, 18_880, LOCAL_DAY_MAX])
    )
    amount = draw(AMOUNTS if wild else st.integers(1, 10_000))
    named = draw(originals(wild)) if kind in (REFUND, REVERSAL) and draw(st.integers(0, 4)) else None
    if kind in (PURCHASE, REDEMPTION, CREDIT_PURCHASE) and draw(st.integers(0, 3)) == 0:
        named = draw(originals(wild)) | ({} if wild else {"kind": HOLD})
    if kind == REFUND and named and not wild:
        named["kind"] = draw(st.sampled_from([PURCHASE, REDEMPTION, CREDIT_PURCHASE]))
        named |= {name: abs(named[name]) for name in LEGS_UNDONE}
        amount = draw(st.integers(1, max(1, named["amount"] - named["refunded_amount"])))
    return {
        "kind": kind,
        "amount": amount,
        "advice": draw(st.booleans()),
        "currency": draw(st.sampled_from([364] * 9 + [840])),
        "now": draw(st.one_of(st.integers(NOW - DAY_S, NOW + 90 * DAY_S), odd)),
        "local_day": draw(st.one_of(days, odd) if wild else days),
        "local_month": draw(st.sampled_from([*months, -1, 0, 32_000, 32_001, 2**40] if wild else months)),
        "hour": draw(odd),
        "weekday": draw(odd),
        "day_of_month": draw(odd),
        "entry_mode": draw(odd),
        "merchant": draw(odd),
        "institution": draw(odd),
        "category": draw(odd),
        "points_wanted": draw(st.one_of(st.just(-1), odd)),
        "credit_wanted": draw(st.one_of(st.just(-1), odd)),
        "replacement_amount": draw(st.one_of(st.just(-1), st.integers(0, 10_000), odd)),
        "original": named,
        "event": draw(odd),
        "quantities": tuple(draw(st.lists(odd, max_size=3))),
        "free_prices": tuple(draw(st.lists(st.one_of(odd, st.integers(0, 10_000)), max_size=2))),
        "has_basket": draw(st.booleans()),
        "hold_key": draw(st.one_of(st.integers(1, 4), odd) if kind == HOLD else odd),
        "hold_until": draw(st.one_of(st.integers(NOW, NOW + 2), odd)),
        "reward": draw(st.one_of(st.just(0), st.sampled_from([-1, 1, 2]), odd)),
        "budgets": tuple(draw(st.lists(st.one_of(odd, st.integers(0, 10_000)), max_size=4))),
    }


@st.composite
def decisions(draw) -> tuple[Table, dict[str, Any], dict[str, Any]]:
    """A programme, an account and a message: most such as happen, some with any number anywhere."""
    wild = draw(st.integers(0, 3)) == 3
    return draw(programmes()), draw(accounts(wild)), draw(requests(wild))
