"""An account as it was before a message: the one that the kernel really had, or nothing."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cext._kernel import Account, decide
from cext.reference.counters import Counters
from cext.reference.grants import Grants
from cext.reference.recent import spent
from switch.programme.why import Reasons
from switch.simulation.before import Opening, account_before, account_before_last
from switch.simulation.history import PURCHASES, BrokenHistory, Present
from switch.simulation.replay import asking
from tests.cext.kernel_cases import pack
from tests.switch.simulation.worlds import ZONE, Quarters, World, programme, read

LIVE = programme()
REASONS = Reasons(LIVE)
QUARTERS = Quarters(ZONE)
PLAIN = ("points", "credit", "visits", "spend", "tier", "lots", "enrolled_day", "club", "born")


def lived(seed: int, steps: int) -> tuple[World, list[Account]]:
    """A history, and the account before each of its rows."""
    made = World(LIVE.kernel, random.Random(seed), Account(1, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 19_600, b""))
    before: list[Account] = []
    for _ in range(steps):
        account, rows = made.account.copy(), len(made.rows)
        made.step()
        before += [account] * (len(made.rows) - rows)
    return made, before


def present(account: Account) -> Present:
    return Present(*(getattr(account, name) for name in Present._fields))


def assert_alike(found: Account, real: Account, at: int, *, but: str = "", today: int = 0) -> None:
    """Alike in all that a rule may look at then, but for the uses of a rule and for offers that ended by `today`."""
    assert [getattr(found, name) for name in PLAIN] == [getattr(real, name) for name in PLAIN]
    if real.visits:
        assert (found.first_visit, found.last_visit) == (real.first_visit, real.last_visit)
    day, month = QUARTERS.at(at)[:2]
    assert spent(found.recent, day) == spent(real.recent, day)
    for (kind, name), slot in LIVE.slots.items():
        if name == but:
            continue
        if kind == "grant":
            one, other = (Grants(account.grants, local_day=day).live(slot) for account in (found, real))
            assert one == other or (one is None and other is not None and other.until < today)
        else:
            period = 3 if name.endswith("/day") else 0
            one, other = (
                Counters(account.counters, local_month=month, local_day=day).value(slot, period)
                for account in (found, real)
            )
            assert one == other, name


@settings(deadline=None)
@given(st.integers(0, 10**9), st.integers(1, 40), st.integers(0, 39))
def test_it_is_the_one_that_the_kernel_had(seed, steps, at):
    made, before = lived(seed, steps)
    if not made.rows:
        return
    row = made.rows[at % len(made.rows)]
    tiers = {row.seq: tier for row, tier in zip(made.rows, made.tiers, strict=True)}
    found = account_before(present(made.account), made.rows, tiers, row.seq, Opening(), QUARTERS.day)
    assert_alike(found, before[row.seq - 1], row.at)
    if row.kind in (*PURCHASES, 7):
        why = REASONS.of(found, asking(row, QUARTERS, read(row.asked or ""), ()))
        fired = [int.from_bytes((row.rules or b"")[at : at + 2], "big") for at in range(0, len(row.rules or b""), 2)]
        assert why.fired == tuple(LIVE.rule_ids[index] for index in fired)


@settings(deadline=None)
@given(st.integers(0, 10**9), st.integers(1, 40))
def test_the_last_purchase_takes_only_what_came_since(seed, steps):
    made, before = lived(seed, steps)
    bought = [row for row in made.rows if row.kind in PURCHASES]
    if not bought:
        return
    last = bought[-1]
    since = [row for row in made.rows if row.seq >= last.seq]
    tier = made.tiers[last.seq - 2] if last.seq > 1 else 0
    previous = bought[-2].at if len(bought) > 1 else 0
    kinds = {row.seq: row.kind for row in since}
    given_back = [row for row in since[1:] if kinds.get(row.original_seq) in (*PURCHASES, 4) and row.amount]
    is_later = any(QUARTERS.day(row.at) > QUARTERS.day(last.at) for row in given_back)
    if is_later or any(row.original_seq is not None and row.original_seq < last.seq for row in since):
        with pytest.raises(BrokenHistory):
            account_before_last(present(made.account), since, tier, previous, QUARTERS.day)
        return
    found = account_before_last(present(made.account), since, tier, previous, QUARTERS.day)
    # How often an event was used that day, an event of a later day may have made forgotten; no purchase asks for it.
    assert_alike(found, before[last.seq - 1], last.at, but="came/day", today=QUARTERS.day(made.rows[-1].at))
    decision = decide(LIVE.kernel, found, asking(last, QUARTERS, read(last.asked or ""), ()))
    assert (decision.rules, decision.points_earned) == (last.rules or b"", last.points_earned)


@settings(deadline=None)
@given(st.integers(0, 10**9), st.integers(2, 30), st.integers(0, 29))
def test_without_a_row_that_moved_something_nothing_is_claimed(seed, steps, gone):
    made, _ = lived(seed, steps)
    bought = [row for row in made.rows if row.kind in PURCHASES]
    if not bought:
        return
    missing = bought[gone % len(bought)]
    if any(row.kind == 5 and row.original_seq == missing.seq for row in made.rows):
        # What was taken back may have moved nothing in the end.
        return
    rows = [row for row in made.rows if row.seq != missing.seq]
    tiers = {row.seq: tier for row, tier in zip(made.rows, made.tiers, strict=True)}
    with pytest.raises(BrokenHistory):
        account_before(present(made.account), rows, tiers, made.rows[-1].seq + 1, Opening(), QUARTERS.day)


def test_what_was_brought_along_counts():
    account = Account(1, 1, 0, 1, 0, 50, 700, 0, 0, 0, 0, 0, 0, 19_600, pack((300, 50)))
    found = account_before(present(account), [], {}, 1, Opening(50, 700), QUARTERS.day)
    assert (found.points, found.credit, found.lots) == (50, 700, account.lots)
    with pytest.raises(BrokenHistory):
        account_before(present(account), [], {}, 1, Opening(49, 700), QUARTERS.day)
