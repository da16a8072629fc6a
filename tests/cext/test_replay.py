"""The compiled loop and its plain-Python twin find the same, to the last point."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cext import _kernel, _replay
from cext.programme_table import NO_CAP, Effect
from cext.reference import attribution
from cext.reference import conditions as reference_conditions
from cext.reference import records as reference_records
from cext.reference import replay as reference
from cext.reference.attribution import Given, split
from switch.simulation.replay import Quarters
from tests.cext.kernel_cases import ACCOUNT_FIELDS, pack_reserves, unpack_reserves
from tests.switch.simulation.worlds import HEAD, RULES, TIERS, ZONE, programme, read, world

LIVE = programme()
DRAFT = programme(
    HEAD + RULES.replace("per: 100000", "per: 70000").replace("{points: 3}", "{points: 3, credit: 1%}") + TIERS
)
AMOUNTS = st.integers(0, 10**13)


def plain_rows(made):
    """The rows that the loop takes, as plain tuples too."""
    undone = {row.original_seq for row in made.rows}
    return [
        row
        for row in made.rows
        if row.original_seq is None and row.kind not in (0, 5) and row.seq not in undone and not of_holds(row)
    ]


def of_holds(row):
    """Whether the row moves a reserve that is not pending."""
    return any(key for key, *_ in unpack_reserves(row.reserves_moved or b""))


def folded(module, rows, end_s, account):
    quarters = Quarters(ZONE)
    compiled = module is _replay
    kernel_programme = DRAFT.kernel if compiled else reference_conditions.Programme(DRAFT.kernel.table)
    kernel_account = (_kernel if compiled else reference_records).Account(*account)
    live, draft = module.Tally(LIVE.kernel.table), module.Tally(DRAFT.kernel.table)
    found = module.fold(
        kernel_programme, kernel_account, rows, end_s, quarters.known, quarters.find, read, {1: live}, draft
    )
    return found, live.sums(), draft.sums(), [getattr(kernel_account, name) for name in ACCOUNT_FIELDS]


@given(st.integers(0, 10**9), st.integers(1, 40), st.integers(0, 60))
def test_folding_is_the_same(seed, steps, days):
    made = world(seed, steps, LIVE.kernel)
    rows = plain_rows(made)
    account = (1, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 19_600, b"")
    end_s = made.now - days * 86_400
    assert folded(_replay, rows, end_s, account) == folded(reference, [tuple(row) for row in rows], end_s, account)


@given(st.integers(0, 10**9), st.integers(1, 40))
def test_what_was_moved_is_the_same(seed, steps):
    rows = world(seed, steps, LIVE.kernel).rows
    assert _replay.moved(rows) == reference.moved(rows)


@given(st.integers(0, 10**9), st.integers(1, 20))
def test_moves_lead_from_nothing_to_the_account(seed, steps):
    made = world(seed, steps, LIVE.kernel)
    found = _replay.moved(made.rows)
    assert (found.points, found.credit, found.lots) == (made.account.points, made.account.credit, made.account.lots)


EFFECTS = st.tuples(
    st.sampled_from([int(effect) for effect in Effect]), st.integers(1, 10**9), st.integers(1, 10**9),
    st.sampled_from([NO_CAP, 0, 5, 10**6]), st.just(0),
)  # fmt: skip


@given(st.lists(st.lists(EFFECTS, max_size=3), min_size=1, max_size=30), AMOUNTS, AMOUNTS, AMOUNTS, AMOUNTS, AMOUNTS)
def test_dealing_out_is_the_same_and_adds_up(rules, points, credit, discount, amount, paid):
    effects, rows = [], []
    for gives in rules:
        rows.append((0, 0, 0, len(effects), len(effects) + len(gives), 0, 0, 0, 0))
        effects += gives
    table = ((364, 1, 1, 0, 1, 1), (), tuple(rows), tuple(effects), (), (), (), (), ())
    fired = b"".join(index.to_bytes(2, "big") for index in range(len(rules)))
    sums = []
    for module in (_replay, reference):
        tally = module.Tally(table)
        for _ in range(2):
            tally.take(fired, Given(points, credit, discount, amount, paid))
        sums.append(tally.sums())
        assert tally.sums() == {}
    assert sums[0] == sums[1]
    assert [sum(legs) for legs in zip(*(legs[1:] for legs in sums[0].values()), strict=True)] == [
        2 * points, 2 * credit, 2 * discount
    ]  # fmt: skip


@given(st.integers(-(10**15), 10**15), st.lists(st.integers(0, 10**12), min_size=1, max_size=9))
def test_a_split_adds_up_and_is_fair(total, weights):
    parts = split(total, weights)
    assert sum(parts) == total
    assert all((part >= 0) == (total >= 0) or part == 0 for part in parts)
    whole = sum(weights)
    if whole:
        assert all(abs(part * whole - total * weight) < whole for part, weight in zip(parts, weights, strict=True))


def test_a_multiplier_is_counted_for_what_it_added():
    effects = ((int(Effect.POINTS_PER), 1, 100, NO_CAP, 0), (int(Effect.MULTIPLY), 3, 1, NO_CAP, 0))
    rules = tuple((0, 0, 0, index, index + 1, 0, 0, 0, 0) for index in range(2))
    table = ((364, 1, 1, 0, 1, 1), (), rules, effects, (), (), (), (), ())
    shares = attribution.combination(table, b"\0\0\0\1").shares(Given(30, 0, 0, 1_000, 1_000))
    assert shares == {0: [10, 0, 0], 1: [20, 0, 0]}


@pytest.mark.parametrize("module", [_replay, reference])
def test_what_is_undone_is_left_to_others(module):
    made = world(3, 5, LIVE.kernel)
    row = made.rows[0]
    account = (1, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 19_600, b"")
    row = row._replace(reserves_moved=pack_reserves((0, 20_000, 5, 0)))
    completing = row._replace(reserves_moved=pack_reserves((0, 20_000, 5, 0), (7, 20_000, -5, 0)))
    for odd in (row._replace(kind=4, original_seq=1), row._replace(kind=0), row._replace(version=9), completing):
        found, live, draft, _ = folded(module, [row, odd], made.now + 1, account)
        assert (found, live, draft) == (None, {}, {})


@pytest.mark.parametrize("rows", [[(1, 2)], [None], ["x" * 25], [tuple(range(26))]])
def test_what_is_no_row_is_refused(rows):
    with pytest.raises(TypeError):
        _replay.moved(rows)
    with pytest.raises(TypeError):
        folded(_replay, rows, 1, (1, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 19_600, b""))
