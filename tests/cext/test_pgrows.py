"""The rows of a batch: compiled and reference write the same bytes, and read the same account or refuse it alike."""

import datetime as dt
from types import ModuleType, SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cext import _pgrows
from cext._kernel import Account, Decision, Request
from cext._transaction import AccountState, Transaction
from cext.reference import counters, grants, pgarray, pgrows, recent, reserves

BOTH = pytest.mark.parametrize("module", [_pgrows, pgrows], ids=["compiled", "reference"])
INT8, INT4, INT2 = (st.integers(-(2**bits), 2**bits - 1) for bits in (63, 31, 15))
TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=12)
LOTS = st.lists(st.integers(1, 2**62), max_size=3).map(
    lambda points: b"".join(month.to_bytes(2, "big") + p.to_bytes(8, "big") for month, p in enumerate(points, 300))
)
COUNTERS = st.lists(st.integers(1, 10**16), max_size=3).map(
    lambda values: counters.pack([(slot, 0, value) for slot, value in enumerate(values, 1)])
)
GRANTS = st.lists(st.integers(0, 1), max_size=2).map(
    lambda states: grants.pack([grants.Grant(slot, 20_000, state, (slot,)) for slot, state in enumerate(states, 1)])
)
RESERVES = st.lists(st.integers(1, 10**16), max_size=3).map(
    lambda points: reserves.pack([reserves.Reserve(key, 20_000, p, 0) for key, p in enumerate(points)])
)
RECENT = st.lists(st.integers(-(10**16), 10**16), max_size=3).map(lambda amounts: recent.pack([*enumerate(amounts)]))
DAYS = st.dates().map(dt.date.toordinal)


@st.composite
def states(draw) -> AccountState:
    numbers = [draw(INT2), *(draw(INT8) for _ in range(2)), draw(INT4), *(draw(INT8) for _ in range(7))]
    numbers += [draw(INT2), draw(INT8), draw(INT8)]
    locator = (draw(st.integers(0, 2**32 - 1)), draw(st.integers(0, 2**16 - 1)))
    account = Account(*numbers, draw(LOTS), draw(INT2), draw(INT4), draw(COUNTERS), draw(GRANTS))
    account.reserves, account.recent = draw(RESERVES), draw(RECENT)
    account.tier_year, account.tier_kept, account.flags = draw(INT2), draw(INT2), draw(INT4)
    return AccountState(account, draw(INT8), draw(INT2), draw(st.none() | TEXT), 0, locator)


@st.composite
def entries(draw) -> Transaction:
    request = Request(1, False, draw(INT8), draw(INT2), *(0,) * 6, draw(INT2), draw(INT4), draw(INT4), 0)
    entry = Transaction(None, b"", None, None, request, 0.0, 0.0)
    entry.belongs_to(draw(st.integers(0, 5)), draw(INT8))
    for name in ("key", "fingerprint"):
        setattr(entry, name, draw(INT8))
    for name in ("terminal_id", "processing_code"):
        setattr(entry, name, draw(INT4))
    for name in ("message_class", "mti"):
        setattr(entry, name, draw(INT2))
    for name in ("sent_on_ordinal", "business_ordinal"):
        setattr(entry, name, draw(DAYS))
    for name in ("repeats_reversal", "tombstone"):
        setattr(entry, name, draw(st.booleans()))
    entry.programme, entry.programme_version = draw(st.sampled_from([(None, None), (1, 2)]))
    entry.last_four, entry.rrn, entry.response_code = draw(st.none() | TEXT), draw(TEXT), draw(TEXT)
    entry.stored_reply = draw(st.none() | st.binary(max_size=30))
    if draw(st.booleans()):
        entry.original_record = SimpleNamespace(seq=draw(INT8), sent_on=draw(st.dates()))
    packed = [draw(st.binary(max_size=20)) for _ in range(2)]
    moved = {"counters_moved": draw(st.binary(max_size=20)), "grants_moved": draw(st.binary(max_size=20))}
    moved["reserves_moved"] = draw(st.binary(max_size=20))
    entry.decision = Decision("00", *(draw(INT8) for _ in range(10)), *packed, tier_after=draw(INT2), **moved)
    entry.asked = draw(st.none() | TEXT)
    return entry


@given(st.lists(states(), max_size=4))
def test_accounts_agree_with_the_reference(batch: list[AccountState]) -> None:
    assert _pgrows.account_rows(7, batch) == pgrows.account_rows(7, batch)


# A row has forty values to draw, which is slow under a sanitiser.
@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(entries(), max_size=3))
def test_journal_rows_agree_with_the_reference(batch: list[Transaction]) -> None:
    batch.sort(key=lambda entry: entry.shard)
    assert _pgrows.shard_counts(batch) == pgrows.shard_counts(batch)
    assert _pgrows.journal_rows(7, batch) == pgrows.journal_rows(7, batch)


@BOTH
@pytest.mark.parametrize(("name", "value"), [("mti", 2**15), ("message_class", -(2**15) - 1)])
def test_a_number_that_does_not_fit_its_column_is_refused(module: ModuleType, name: str, value: int) -> None:
    entry = Transaction(None, b"", None, None, Request(1, False, *(0,) * 12), 0.0, 0.0)
    entry.rrn, entry.sent_on_ordinal, entry.business_ordinal = "", 738_000, 738_000
    setattr(entry, name, value)
    with pytest.raises(OverflowError):
        module.journal_rows(7, [entry])


def told(state: AccountState) -> tuple[object, ...]:
    a = state.account
    names = [name for name in dir(Account) if not name.startswith("_") and name != "copy"]
    return (
        *(getattr(a, name) for name in names), state.key, state.token_low, state.card_status, state.last_four,
        state.card_expires_ordinal, state.locator,
    )  # fmt: skip


ROWS = st.tuples(
    INT2, INT8, INT8, INT4, INT2, INT8, INT8, INT8, INT8, INT8, INT8, INT2, INT8, DAYS, LOTS, INT8, INT2,
    st.none() | TEXT, st.none() | DAYS, st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 2**16 - 1)),
    INT2, INT4, COUNTERS, GRANTS, RESERVES, RECENT, INT2, INT2, INT4,
)  # fmt: skip


def record(row: tuple[object, ...]) -> bytes:
    """The row as PostgreSQL sends it: an array's only element without what stands before it."""
    return pgarray.row_array(1, pgrows.ACCOUNT, [row])[24:]


@given(ROWS)
def test_accounts_are_read_as_they_were_sent(row: tuple[object, ...]) -> None:
    data = record(row)
    state = _pgrows.account_state(data)
    assert told(state) == told(pgrows.account_state(data))
    assert (state.account.id, state.account.lots, state.last_four, state.locator) == (row[1], row[14], row[17], row[19])
    assert state.account.enrolled_day == row[13] - dt.date(1970, 1, 1).toordinal()  # type: ignore[operator]
    assert state.card_expires_ordinal == (row[18] or 0)


def outcome(module: ModuleType, data: bytes) -> object:
    try:
        return told(module.account_state(data))
    except ValueError:
        return ValueError


@given(ROWS, st.data())
def test_a_broken_row_is_refused_alike(row: tuple[object, ...], data: st.DataObject) -> None:
    whole = record(row)
    at = data.draw(st.integers(0, len(whole) - 1))
    broken = [whole[:at], whole + b"\x00", whole[:at] + data.draw(st.binary(min_size=1, max_size=9)) + whole[at + 1 :]]
    for changed in broken:
        assert outcome(_pgrows, changed) == outcome(pgrows, changed)
    assert outcome(_pgrows, whole[:at]) is ValueError
