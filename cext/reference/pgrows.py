"""The plain-Python reference of `cext._pgrows`: the same names, the same bytes, the same errors."""

import struct
from collections.abc import Sequence
from typing import Any

from cext._kernel import QUOTE, Account, Decision
from cext._transaction import AccountState, Transaction
from cext.reference.pgarray import row_array

ACCOUNT_CHANGE = b"phqqqqqqqqbhqbbhhbb"
"""The kinds of the fields of `account_change` (see `cext._pgarray.row_array`)."""
JOURNAL_ENTRY = b"iqhdqihhidqiiiiqthqtqqqqqqqqqqbbqdtbhhbbtb"
"""The kinds of the fields of `journal_entry`."""
ACCOUNT = b"hqqihqqqqqqhqdbqhtdphibbbbhhi"
"""The kinds of the fields of an account as the lane's queries select it."""

_NOTHING = Decision("00")
_INTEGERS = {2: ">h", 4: ">i", 8: ">q"}
_POSTGRES_EPOCH_ORDINAL = 730_120
_DAYS_1970_TO_2000 = 10_957
_LOTS, _LAST_FOUR, _CARD_EXPIRES, _LOCATOR, _CLUB, _BORN = 14, 17, 18, 19, 20, 21
_PACKED = slice(22, 26)
_LAST_NUMBERS = slice(26, 29)


def account_rows(oid: int, states: Sequence[AccountState]) -> bytes:
    """`account_change[]`: the accounts as the batch leaves them."""
    return row_array(oid, ACCOUNT_CHANGE, [_account_row(state) for state in states])


def _account_row(state: AccountState) -> tuple[object, ...]:
    a = state.account
    return (
        state.locator, a.shard, a.id, a.version, a.points, a.credit, a.visits, a.spend, a.first_visit, a.last_visit,
        a.lots, a.tier, a.tier_points, a.counters, a.grants, a.tier_year, a.tier_kept, a.reserves, a.recent,
    )  # fmt: skip


def shard_counts(entries: Sequence[Transaction]) -> tuple[list[int], list[int]]:
    """The shards of entries that are ordered by shard, and how many entries each has."""
    shards = sorted({entry.shard for entry in entries})
    return shards, [sum(entry.shard == shard for entry in entries) for shard in shards]


def journal_rows(oid: int, entries: Sequence[Transaction]) -> bytes:
    """`journal_entry[]`: the messages of the batch, ordered by shard."""
    shards, _ = shard_counts(entries)
    ranks = dict.fromkeys(shards, 0)
    rows = []
    for entry in entries:
        ranks[entry.shard] += 1
        rows.append((shards.index(entry.shard) + 1, ranks[entry.shard], *_journal_row(entry)))
    return row_array(oid, JOURNAL_ENTRY, rows)


def _journal_row(e: Transaction) -> tuple[object, ...]:
    d = e.decision
    moved = _NOTHING if e.kind == QUOTE else d
    record = None if e.repeats_reversal or e.tombstone else e.original_record
    return (
        e.shard, e.sent_on_ordinal, e.key, e.terminal_id, e.message_class, e.mti, e.processing_code, e.business_ordinal,
        e.fingerprint, e.request.institution, e.request.merchant, e.programme, e.programme_version,
        None if e.programme is None else e.account_id, e.last_four, e.request.currency, e.amount, e.response_code,
        moved.points_earned, moved.points_redeemed, moved.points_expired, moved.points_adjusted, moved.credit_granted,
        moved.credit_spent, moved.discount, d.to_pay, d.points_balance, d.credit_balance, d.lots_moved or None,
        d.rules or None,
        None if record is None else record.seq, None if record is None else record.sent_on.toordinal(), e.rrn,
        e.stored_reply, e.request.entry_mode, d.tier_after, d.counters_moved or None, d.grants_moved or None, e.asked,
        d.reserves_moved or None,
    )  # fmt: skip


def account_state(data: bytes) -> AccountState:
    """The account in a row of the lane's queries (`record`). Raises ValueError if it is no such row."""
    fields = _fields(data)
    if len(fields) != len(ACCOUNT):
        raise ValueError("a row has other fields than it must")
    numbers = [_integer(field) for field in fields[:_LOTS]]
    lots, locator, expires, last_four = fields[_LOTS], fields[_LOCATOR], fields[_CARD_EXPIRES], fields[_LAST_FOUR]
    packed = fields[_PACKED]
    if None in (lots, locator, *packed):
        raise ValueError("a row has other fields than it must")
    if lots is None or locator is None or len(locator) != 6 or (expires is not None and len(expires) != 4):
        raise ValueError("a row has other fields than it must")
    numbers[-1] += _DAYS_1970_TO_2000
    numbers_after = [_integer(field) for field in fields[_LAST_NUMBERS]]
    born = _integer(fields[_BORN])
    arguments: tuple[Any, ...] = (*numbers, lots, _integer(fields[_CLUB]), born, *packed, *numbers_after)
    account = Account(*arguments)
    return AccountState(
        account,
        _integer(fields[_LOTS + 1]),
        _integer(fields[_LOTS + 2]),
        None if last_four is None else last_four.decode(),
        0 if expires is None else _integer(expires) + _POSTGRES_EPOCH_ORDINAL,
        struct.unpack(">IH", locator),
    )


def _fields(data: bytes) -> list[bytes | None]:
    """The values of a row, None for a null."""
    try:
        (count,) = struct.unpack_from(">i", data)
        at, fields = 4, list[bytes | None]()
        for _ in range(count):
            _oid, size = struct.unpack_from(">Ii", data, at)
            at += 8
            if size > len(data) - at:
                raise ValueError("a field of a row is cut")
            fields.append(None if size < 0 else data[at : at + size])
            at += max(size, 0)
    except struct.error:
        raise ValueError("a row is cut") from None
    if at != len(data):
        raise ValueError("a row has more than its fields")
    return fields


def _integer(field: bytes | None) -> int:
    if field is None or len(field) not in _INTEGERS:
        raise ValueError("a field of a row is no integer")
    number: int = struct.unpack(_INTEGERS[len(field)], field)[0]
    return number
