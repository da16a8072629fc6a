"""The parameters of a batch, as `commit_batch` takes them, already in PostgreSQL's binary format.

The order of the fields is that of the composite types in the schema; a test compares them with the catalogue.
"""

from collections.abc import Sequence

from cext._pgarray import date_array, int2_array, int4_array, int8_array, row_array
from switch.transaction import AccountState, JournalKey, Transaction

ACCOUNT_CHANGE = b"phqqqqqqqqb"
"""The kinds of the fields of `account_change` (see `cext._pgarray.row_array`)."""
JOURNAL_ENTRY = b"iqhdqihhidqiiiiqthqtqqqqqqqqqqbbqdtb"
"""The kinds of the fields of `journal_entry`."""


def shard_columns(entries: Sequence[Transaction]) -> tuple[bytes, bytes]:
    """$1 shards in order and $2 how many sequence numbers each takes.

    Gives every entry the place of its shard among these, and its rank within it, both from 1.
    """
    shards: list[int] = []
    counts: list[int] = []
    last = -1
    rank = 0
    for entry in entries:
        if entry.shard == last:
            rank += 1
        else:
            if shards:
                counts.append(rank)
            last = entry.shard
            shards.append(last)
            rank = 1
        entry.place = len(shards)
        entry.rank = rank
    counts.append(rank)
    return int2_array(shards), int8_array(counts)


def account_rows(oid: int, states: Sequence[AccountState]) -> bytes:
    """$3: the accounts that change."""
    return row_array(oid, ACCOUNT_CHANGE, [_account_row(state) for state in states])


def _account_row(state: AccountState) -> tuple[object, ...]:
    a = state.account
    return (
        state.locator, a.shard, a.id, a.version, a.points, a.credit, a.visits, a.spend, a.first_visit, a.last_visit,
        a.lots,
    )  # fmt: skip


def journal_rows(oid: int, entries: Sequence[Transaction]) -> bytes:
    """$5: the journal rows."""
    return row_array(oid, JOURNAL_ENTRY, [_journal_row(entry) for entry in entries])


def _journal_row(e: Transaction) -> tuple[object, ...]:
    d = e.decision
    terminal = e.terminal
    record = None if e.repeats_reversal or e.tombstone else e.original_record
    return (
        e.place, e.rank, e.shard, e.sent_on_ordinal, e.key, terminal.id, e.message_class, e.mti, e.processing_code,
        e.business_date.toordinal(), e.fingerprint, terminal.institution_id, terminal.merchant_id, e.programme,
        e.programme_version, None if e.programme is None else e.account_id, e.last_four, e.request.currency, e.amount,
        e.response_code, d.points_earned, d.points_redeemed, d.points_expired, d.points_adjusted, d.credit_granted,
        d.credit_spent, d.discount, d.to_pay, d.points_balance, d.credit_balance, d.lots_moved or None,
        d.rules or None, None if record is None else record.seq,
        None if record is None else record.sent_on.toordinal(), e.rrn, e.stored_reply,
    )  # fmt: skip


def key_columns(keys: Sequence[JournalKey]) -> tuple[bytes, ...]:
    """The five columns of journal keys, as the query `answers` takes them."""
    return (
        int2_array([k.shard for k in keys]),
        int8_array([k.key for k in keys]),
        int4_array([k.terminal for k in keys]),
        int2_array([k.message_class for k in keys]),
        date_array([k.sent_on.toordinal() for k in keys]),
    )
