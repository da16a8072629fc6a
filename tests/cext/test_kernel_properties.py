"""The compiled kernel against its reference, field by field, over random programmes and messages."""

import itertools

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cext import _kernel
from cext.programme_table import (
    AMOUNT_MAX,
    BALANCE_MAX,
    LEG_MAX,
    NO_CAP,
    TARGET_FALSE,
    Effect,
    Fact,
    Opcode,
)
from cext.reference import kernel as reference
from tests.cext.kernel_cases import (
    BASE,
    DAY_S,
    MONTH,
    NOW,
    account,
    legs_of,
    original,
    pack,
    request,
    state_of,
    table,
    unpack,
)

PURCHASE, REDEMPTION, CREDIT_PURCHASE, REFUND, REVERSAL, INQUIRY = range(1, 7)
LEGS_UNDONE = ("points_earned", "points_redeemed", "credit_granted", "credit_spent", "discount")
INT64 = st.integers(-(2**63), 2**63 - 1)
EDGES = st.sampled_from([0, 1, -1, 2, 7, -(2**63), 2**63 - 1, LEG_MAX, LEG_MAX + 1, BALANCE_MAX, BALANCE_MAX + 1])
SMALL = st.integers(-3, 40)
WILD_POINTS = st.one_of(st.integers(1, 500), st.integers(1, 2**63 - 1))
WILD = st.one_of(SMALL, EDGES, INT64)
AMOUNTS = st.one_of(st.integers(1, 3_000_000), st.integers(1, AMOUNT_MAX), st.sampled_from([0, -1, AMOUNT_MAX + 1]))


@st.composite
def conditions(draw, start: int) -> list[tuple[int, int, int, int]]:
    """Comparisons in a row, each going on or jumping to any later one, to the end, or out."""
    blocks = [draw(comparisons()) for _ in range(draw(st.integers(0, 4)))]
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
def comparisons(draw) -> list[tuple[int, int, int, int]]:
    relation = draw(st.integers(0, 5))
    fact = draw(st.sampled_from(list(Fact)))
    if draw(st.booleans()):
        code = [(Opcode.FACT_EQ + relation, fact, draw(WILD), TARGET_FALSE)]
    else:
        code = [
            *draw(calculations(3)),
            *draw(calculations(2)),
            (Opcode.STACK_EQ + relation, 0, 0, TARGET_FALSE),
        ]
    used = {row[1] for row in code if row[0] in (*range(6), Opcode.PUSH_FACT)}
    if draw(st.integers(0, 9)) == 0:
        used.add(draw(st.sampled_from(list(Fact))))
    return [(Opcode.REQUIRE, f, 0, TARGET_FALSE) for f in sorted(used)] + code


@st.composite
def calculations(draw, depth: int) -> list[tuple[int, int, int, int]]:
    """Code that leaves one value on the stack."""
    if depth == 0 or draw(st.booleans()):
        if draw(st.booleans()):
            return [(Opcode.PUSH_FACT, draw(st.sampled_from(list(Fact))), 0, 0)]
        return [(Opcode.PUSH_CONSTANT, 0, draw(WILD), 0)]
    opcode = draw(
        st.sampled_from(
            [
                Opcode.ADD,
                Opcode.SUBTRACT,
                Opcode.MULTIPLY,
                Opcode.FLOOR_DIVIDE,
                Opcode.MODULO,
                Opcode.NEGATE,
            ]
        )
    )
    code = draw(calculations(depth - 1))
    if opcode != Opcode.NEGATE:
        code = code + draw(calculations(depth - 1))
    return [*code, (opcode, 0, 0, 0)]


@st.composite
def effects(draw) -> tuple[int, int, int, int]:
    effect = draw(st.sampled_from(list(Effect)))
    cap = draw(st.one_of(st.just(NO_CAP), st.integers(0, 50), st.integers(0, AMOUNT_MAX)))
    if effect in (Effect.POINTS_FIXED, Effect.DISCOUNT_AMOUNT, Effect.CREDIT_AMOUNT):
        return effect, draw(st.one_of(st.integers(0, 100), st.integers(0, AMOUNT_MAX))), 1, cap
    n = draw(st.one_of(st.integers(0, 5), st.integers(0, 10**9)))
    d = draw(st.one_of(st.integers(1, 5), st.integers(1, 10**9)))
    return effect, n, d, cap


@st.composite
def programmes(draw):
    code, rules, rows = [], [], []
    for _ in range(draw(st.integers(0, 5))):
        condition = draw(conditions(len(code)))
        some = draw(st.lists(effects(), max_size=3))
        group = draw(st.integers(0, 2))
        rules.append((len(code), len(code) + len(condition), group, len(rows), len(rows) + len(some)))
        code += condition
        rows += some
    header = (
        364,
        draw(st.sampled_from([1, 100, 999, 10**9])),
        draw(st.sampled_from([1, 24, 35])),
        draw(st.booleans()),
    )
    return header, tuple(code), tuple(rules), tuple(rows)


@st.composite
def lots(draw, points=WILD_POINTS):
    if draw(st.integers(0, 5)) == 0:
        return [(-1, -draw(points))]
    months = draw(st.lists(st.integers(MONTH - 4, MONTH + 35), unique=True, max_size=36))
    return [(month, draw(points)) for month in sorted(months)]


@st.composite
def accounts(draw, wild):
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
        "tier": draw(odd),
        "enrolled_day": draw(st.one_of(st.integers(18_000, 20_000), odd)),
    }


@st.composite
def moves(draw, wild):
    points = st.one_of(st.integers(-200, 200), INT64) if wild else st.integers(-200, 200)
    months = st.one_of(st.integers(MONTH - 4, MONTH + 6), st.integers(-1, 3 if wild else -1))
    if wild:
        months = st.one_of(months, st.integers(-(2**15), 2**15 - 1))
    some = draw(st.lists(st.tuples(months, points), max_size=8))
    return pack(*(some if wild else sorted(some)))


@st.composite
def originals(draw, wild):
    leg = st.one_of(st.integers(0, 300), WILD) if wild else st.integers(0, 300)
    amount = draw(AMOUNTS if wild else st.integers(1, 10_000))
    kind = draw(st.sampled_from([1, 2, 3, 4, 5, 6, 0, 9] if wild else [1, 2, 3, 4]))
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
    }
    for name in LEGS_UNDONE:
        value = draw(leg)
        fields[name] = sign * value if value > -(2**63) else value
    for name in ("points_earned", "points_redeemed", "credit_granted", "credit_spent"):
        fields["refunded_" + name] = draw(st.one_of(st.integers(-100, 100), WILD) if wild else st.integers(0, 9))
    return fields


@st.composite
def requests(draw, wild):
    odd = WILD if wild else st.integers(-1, 50)
    kind = draw(st.sampled_from([0, 7] if wild and draw(st.booleans()) else [1, 1, 2, 2, 3, 4, 4, 5, 5, 6]))
    months = [MONTH] * 5 + [MONTH + 1]
    amount = draw(AMOUNTS if wild else st.integers(1, 10_000))
    named = draw(originals(wild)) if kind in (REFUND, REVERSAL) and draw(st.integers(0, 4)) else None
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
        "local_day": draw(st.one_of(st.just(19_675), odd)),
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
    }


@st.composite
def decisions(draw):
    """A programme, an account and a message: most such as happen, some with any number anywhere."""
    wild = draw(st.integers(0, 3)) == 3
    return draw(programmes()), draw(accounts(wild)), draw(requests(wild))


def decide_in(kernel, programme, member, asked):
    named = asked["original"]
    fields = asked | {"original": None if named is None else kernel.Original(**({"refunded_amount": 0} | named))}
    mine = account(kernel, **member)
    decision = kernel.decide(kernel.Programme(programme), mine, request(kernel, **fields))
    return legs_of(decision) | {"rule_list": decision.rule_list}, state_of(mine) | {"lot_list": mine.lot_list}


@settings(max_examples=600, deadline=None)
@given(decisions())
def test_both_decide_the_same(inputs):
    assert decide_in(_kernel, *inputs) == decide_in(reference, *inputs)


def purchase_of(some, code):
    """A programme of one rule with this condition, and what both make of it."""
    programme = ((364, 100, 24, 0), tuple(code), ((0, len(code), 0, 0, 0),), ())
    results = []
    for kernel in (_kernel, reference):
        member = account(kernel, **some)
        decision = kernel.decide(kernel.Programme(programme), member, request(kernel, PURCHASE, 1_000))
        results.append((decision.rc, decision.rule_list))
    return results


@settings(max_examples=400, deadline=None)
@given(conditions(0), st.integers(0, 3), st.integers(0, 10**7))
@example(
    [
        (Opcode.PUSH_CONSTANT, 0, -(2**63), 0),
        (Opcode.NEGATE, 0, 0, 0),
        *[(Opcode.PUSH_CONSTANT, 0, 0, 0)],
        (Opcode.STACK_NE, 0, 0, -1),
    ],
    0,
    0,
)
def test_both_walk_conditions_alike(code, visits, spend):
    compiled, plain = purchase_of({"visits": visits, "spend": spend, "last_visit": visits * NOW}, code)
    assert compiled == plain


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_broken_table_is_refused_by_both_or_by_none(data):
    number = st.one_of(st.integers(-3, 30), INT64)
    row4 = st.tuples(st.integers(-1, 26), number, number, number)
    broken = (
        data.draw(st.tuples(number, number, number, st.just(0))),
        tuple(data.draw(st.lists(row4, max_size=4))),
        tuple(data.draw(st.lists(st.tuples(*[st.integers(-1, 5)] * 5), max_size=3))),
        tuple(data.draw(st.lists(row4, max_size=3))),
    )
    outcomes = []
    for kernel in (_kernel, reference):
        try:
            kernel.Programme(broken)
        except ValueError as error:
            outcomes.append(str(error))
        else:
            outcomes.append("accepted")
    assert outcomes[0] == outcomes[1]


class Story:
    """One member's messages, decided by both kernels, with what the journal would keep of them."""

    def __init__(self, programme) -> None:
        self.programmes = [(kernel, kernel.Programme(programme)) for kernel in (_kernel, reference)]
        self.members = [account(kernel) for kernel, _ in self.programmes]
        self.deficit_allowed = self.programmes[1][1].deficit_allowed
        self.journal = []
        self.month = MONTH
        self.now = NOW

    def tell(self, kind, amount, named=None, **changes):
        """Decide one message; `named` is the journal entry that it undoes."""
        decisions = []
        for (kernel, programme), member in zip(self.programmes, self.members, strict=True):
            points, credit = member.points, member.credit
            if named is not None:
                undoings = [
                    (part, entry["decisions"][kernel.__name__])
                    for part, entry in named["undoings"]
                    if not entry["reversed"]
                ]
                changes["original"] = original(
                    kernel,
                    named["kind"],
                    named["amount"],
                    named["decisions"][kernel.__name__],
                    *undoings,
                    reversed=named["reversed"],
                )
            decision = kernel.decide(
                programme,
                member,
                request(kernel, kind, amount, local_month=self.month, now=self.now, **changes),
            )
            self.check(decision, member, points, credit)
            decisions.append(decision)
        assert legs_of(decisions[0]) == legs_of(decisions[1])
        assert state_of(self.members[0]) == state_of(self.members[1])
        entry = {
            "kind": kind,
            "amount": amount,
            "decisions": {kernel.__name__: d for (kernel, _), d in zip(self.programmes, decisions, strict=True)},
            "undoings": [],
            "reversed": False,
        }
        if decisions[0].rc == "00":
            self.journal.append(entry)
        return decisions[0], entry

    def check(self, decision, member, points_before, credit_before):
        assert member.points == sum(points for _, points in member.lot_list)
        assert member.points - points_before == (
            decision.points_earned - decision.points_redeemed - decision.points_expired + decision.points_adjusted
        )
        assert member.credit - credit_before == decision.credit_granted - decision.credit_spent
        assert member.points - points_before == sum(points for _, points in unpack(decision.lots_moved))
        assert len([month for month, _ in member.lot_list if month >= 0]) <= 36
        if decision.rc == "00" and decision.changed:
            assert decision.points_balance == member.points
            assert not [month for month, _ in member.lot_list if -1 < month < self.month]
        if not self.deficit_allowed:
            assert member.points >= 0
            assert member.credit >= 0
        assert all((points > 0) == (month >= 0) for month, points in member.lot_list)
        if member.lot_list and member.lot_list[0][0] == -1:
            assert len(member.lot_list) == 1, "a deficit is paid before a lot is filled"

    def undo(self, data):
        undoable = [entry for entry in self.journal if entry["kind"] != REVERSAL and not entry["reversed"]]
        if not undoable:
            return
        named = data.draw(st.sampled_from(undoable))
        left = named["amount"] - sum(part for part, entry in named["undoings"] if not entry["reversed"])
        if named["kind"] != REFUND and left and data.draw(st.booleans()):
            part = data.draw(st.sampled_from([1, left, max(1, left // 3)]))
            decision, entry = self.tell(REFUND, part, named)
            assert decision.rc == "00"
            named["undoings"].append((part, entry))
            return
        decision, _ = self.tell(REVERSAL, named["amount"], named)
        assert decision.rc == "00"
        named["reversed"] = True


STORY_RULES = (
    BASE,
    (Effect.POINTS_PER, 3, 7_001, NO_CAP),
    (Effect.CREDIT_RATE, 1, 9, 5_000),
    (Effect.DISCOUNT_RATE, 1, 11, 900),
)


@settings(max_examples=200, deadline=None)
@given(st.data(), st.booleans())
def test_a_member_s_story_keeps_the_invariants(data, deficit):
    story = Story(table(*STORY_RULES, expiry=3, deficit=deficit))
    for _ in range(data.draw(st.integers(3, 40))):
        step = data.draw(st.sampled_from(["buy", "buy", "redeem", "credit", "undo", "undo", "month", "look"]))
        if step == "month":
            months = data.draw(st.integers(1, 3))
            story.month += months
            story.now += months * 30 * DAY_S
        elif step == "undo":
            story.undo(data)
        elif step == "look":
            story.tell(INQUIRY, 0)
        else:
            kind = {"buy": PURCHASE, "redeem": REDEMPTION, "credit": CREDIT_PURCHASE}[step]
            story.tell(kind, data.draw(st.integers(1, 300_000)), advice=data.draw(st.booleans()))


@pytest.mark.parametrize("kernel", [_kernel, reference], ids=["compiled", "reference"])
@settings(max_examples=80, deadline=None)
@given(
    held=lots(st.integers(1, 2_000)).map(lambda some: [lot for lot in some if lot[0] >= MONTH]),
    amount=st.integers(1, 10**7),
    kind=st.sampled_from([PURCHASE, REDEMPTION, CREDIT_PURCHASE]),
    cuts=st.lists(st.integers(1, 10**7), max_size=5),
    end=st.sampled_from([REFUND, REVERSAL]),
)
def test_partial_refunds_sum_to_the_whole(kernel, held, amount, kind, cuts, end):
    """Whatever the parts, and the last a refund of the rest or a reversal: the purchase leaves nothing."""
    programme = kernel.Programme(table(*STORY_RULES))
    member = account(kernel, *held, credit=70_000)
    before = state_of(member)
    bought = kernel.decide(programme, member, request(kernel, kind, amount, advice=True))
    undoings = []
    edges = [0, *sorted({cut for cut in cuts if cut < amount}), amount]
    for start, stop in itertools.pairwise(edges):
        named = original(kernel, kind, amount, bought, *undoings)
        how = end if stop == amount else REFUND
        asked = request(kernel, how, stop - start, original=named)
        undoings.append((stop - start, kernel.decide(programme, member, asked)))
        assert undoings[-1][1].rc == "00"
    for leg in LEGS_UNDONE:
        assert sum(getattr(decision, leg) for _, decision in undoings) == -getattr(bought, leg)
    assert sum(decision.to_pay for _, decision in undoings) == bought.to_pay
    after = state_of(member)
    assert all(after[name] == before[name] for name in ("points", "credit", "lots"))
    assert (member.spend, member.visits) == (0, int(end == REFUND))
