# cython: language_level=3, boundscheck=True, wraparound=False, freethreading_compatible=True
"""A batch's rows → PostgreSQL's binary format, straight from the records' C fields, and accounts read the other way.

`cext/reference/pgrows.py` says in plain Python what each row is made of. The order of the lines is that of the composite
types in the schema; a test compares them with the catalogue. A row counts its own fields, so a column more is a line more.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.unicode cimport PyUnicode_AsUTF8AndSize, PyUnicode_DecodeUTF8
from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t

from cext._kernel_records cimport Account, Decision
from cext._kernel_lots cimport LOT_BYTES, LOT_SLOTS
from cext._pgwire cimport (
    ARRAY_HEADER_BYTES, OID_BYTEA, OID_DATE, OID_INT4, OID_INT8, OID_TEXT, POSTGRES_EPOCH_ORDINAL, RowReader, RowWriter,
    begin_row, close_row, end_row, get32, get_integer, next_field, open_row, put_data, put_date, put_header, put_int2,
    put_int4, put_int8, put_null, put_tid,
)
from cext._transaction cimport AccountState, Transaction

from cext._kernel import Decision as _Decision

cdef enum:
    # OID, length and the widest of the values that have a fixed width.
    FIELD_BYTES_MAX = 16
    TID_BYTES = 6
    # From PostgreSQL's first day to the kernel's, which counts from 1970-01-01.
    DAYS_1970_TO_2000 = 10_957
    FIELDS_MAX = 64
    ROW_BYTES_MAX = 8 + FIELDS_MAX * FIELD_BYTES_MAX
    QUOTE = 9

cdef Decision NOTHING = _Decision("00")


cdef inline Py_ssize_t size_of_text(str text) except -1:
    cdef Py_ssize_t size = 0
    if text is not None:
        PyUnicode_AsUTF8AndSize(text, &size)
    return size


cdef inline Py_ssize_t size_of_bytes(bytes data) noexcept:
    return 0 if data is None else PyBytes_GET_SIZE(data)


cdef inline int put_text(RowWriter *row, str text) except -1:
    cdef Py_ssize_t size = 0
    cdef const char *data
    if text is None:
        put_null(row, OID_TEXT)
        return 0
    data = PyUnicode_AsUTF8AndSize(text, &size)
    put_data(row, OID_TEXT, data, size)
    return 0


cdef inline void put_bytea(RowWriter *row, bytes data) noexcept:
    """A byte string; none, or an empty one, is a null."""
    if data is None or PyBytes_GET_SIZE(data) == 0:
        put_null(row, OID_BYTEA)
    else:
        put_data(row, OID_BYTEA, PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))


cdef inline void put_packed(RowWriter *row, bytes data) noexcept:
    """A byte string that is never a null."""
    put_data(row, OID_BYTEA, PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))


cdef inline int put_number(RowWriter *row, object number) except -1:
    """An int4 that may be missing."""
    if number is None:
        put_null(row, OID_INT4)
        return 0
    return put_int4(row, number)


def account_state(bytes data not None):
    """The account in a row of the lane's queries (`record`), as `AccountState`. Raises ValueError if it is no such row."""
    cdef Account account = Account.__new__(Account)
    cdef AccountState state = AccountState.__new__(AccountState)
    cdef RowReader row
    cdef const char *at = NULL
    cdef Py_ssize_t size
    open_row(&row, PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))
    account.shard = get_integer(&row)
    account.id = get_integer(&row)
    account.version = get_integer(&row)
    account.programme = get_integer(&row)
    account.status = get_integer(&row)
    account.points = get_integer(&row)
    account.credit = get_integer(&row)
    account.visits = get_integer(&row)
    account.spend = get_integer(&row)
    account.first_visit = get_integer(&row)
    account.last_visit = get_integer(&row)
    account.tier = get_integer(&row)
    account.tier_points = get_integer(&row)
    account.enrolled_day = get_integer(&row) + DAYS_1970_TO_2000
    size = next_field(&row, &at)
    if size < 0:
        raise ValueError("an account without lots")
    account.unpack(<const uint8_t *>at, size)
    state.account = account
    state.key = (account.shard, account.id)
    state.token_low = get_integer(&row)
    state.card_status = <int32_t>get_integer(&row)
    size = next_field(&row, &at)
    state.last_four = None if size < 0 else PyUnicode_DecodeUTF8(at, size, NULL)
    size = next_field(&row, &at)
    if size == 4:
        state.card_expires_ordinal = <int32_t>get32(at) + POSTGRES_EPOCH_ORDINAL
    elif size >= 0:
        raise ValueError("a day has 4 bytes")
    if next_field(&row, &at) != TID_BYTES:
        raise ValueError("a locator has 6 bytes")
    state.block = get32(at)
    state.offset = (<uint16_t><uint8_t>at[4] << 8) | <uint8_t>at[5]
    account.club = get_integer(&row)
    account.born = get_integer(&row)
    account.counters = packed_of(&row)
    account.grants = packed_of(&row)
    account.reserves = packed_of(&row)
    account.recent = packed_of(&row)
    account.tier_year = get_integer(&row)
    account.tier_kept = get_integer(&row)
    account.flags = get_integer(&row)
    close_row(&row)
    return state


cdef bytes packed_of(RowReader *row):
    """A bytea that is never missing; empty, as it nearly always is, without a copy."""
    cdef const char *at = NULL
    cdef Py_ssize_t size = next_field(row, &at)
    if size < 0:
        raise ValueError("an account without counters, grants, reserves or days")
    return PyBytes_FromStringAndSize(at, size) if size else b""


def account_rows(uint32_t oid, states):
    """`account_change[]`: the accounts as the batch leaves them."""
    cdef Py_ssize_t room = ARRAY_HEADER_BYTES
    cdef char *start
    cdef RowWriter row
    cdef AccountState state
    for state in states:
        room += ROW_BYTES_MAX + LOT_SLOTS * LOT_BYTES
        room += PyBytes_GET_SIZE(state.account.packed_counters) + PyBytes_GET_SIZE(state.account.packed_grants)
        room += PyBytes_GET_SIZE(state.account.packed_reserves) + PyBytes_GET_SIZE(state.account.packed_recent)
    start = <char *>PyMem_Malloc(room)
    if start == NULL:
        raise MemoryError
    try:
        put_header(start, False, oid, len(states))
        row.at = start + ARRAY_HEADER_BYTES
        for state in states:
            begin_row(&row)
            put_account(&row, state)
            end_row(&row)
        return PyBytes_FromStringAndSize(start, row.at - start)
    finally:
        PyMem_Free(start)


cdef int put_account(RowWriter *row, AccountState state) except -1:
    cdef Account account = state.account
    cdef bytes lots = account.lots
    put_tid(row, state.block, state.offset)
    put_int2(row, account.shard)
    put_int8(row, account.id)
    put_int8(row, account.version)
    put_int8(row, account.points)
    put_int8(row, account.credit)
    put_int8(row, account.visits)
    put_int8(row, account.spend)
    put_int8(row, account.first_visit)
    put_int8(row, account.last_visit)
    put_data(row, OID_BYTEA, PyBytes_AS_STRING(lots), PyBytes_GET_SIZE(lots))
    put_int2(row, account.tier)
    put_int8(row, account.tier_points)
    put_packed(row, account.packed_counters)
    put_packed(row, account.packed_grants)
    put_int2(row, account.tier_year)
    put_int2(row, account.tier_kept)
    put_packed(row, account.packed_reserves)
    put_packed(row, account.packed_recent)
    return 0


def shard_counts(entries):
    """The shards of entries that are ordered by shard, and how many entries each has."""
    cdef list shards = [], counts = []
    cdef Transaction entry
    cdef int64_t last = -1, count = 0
    for entry in entries:
        if entry.shard != last:
            if count:
                counts.append(count)
            last = entry.shard
            shards.append(last)
            count = 0
        count += 1
    if count:
        counts.append(count)
    return shards, counts


def journal_rows(uint32_t oid, entries):
    """`journal_entry[]`: the messages of the batch, ordered by shard.

    Each has the place of its shard among the batch's shards, and its rank within it, both from 1.
    """
    cdef Py_ssize_t room = ARRAY_HEADER_BYTES
    cdef int64_t last = -1
    cdef int32_t place = 0, rank = 0
    cdef Transaction entry
    cdef RowWriter row
    cdef char *start
    for entry in entries:
        room += journal_room(entry)
    start = <char *>PyMem_Malloc(room)
    if start == NULL:
        raise MemoryError
    try:
        put_header(start, False, oid, len(entries))
        row.at = start + ARRAY_HEADER_BYTES
        for entry in entries:
            if entry.shard != last:
                last = entry.shard
                place += 1
                rank = 0
            rank += 1
            begin_row(&row)
            put_int4(&row, place)
            put_int8(&row, rank)
            put_message(&row, entry)
            put_decision(&row, entry)
            end_row(&row)
        return PyBytes_FromStringAndSize(start, row.at - start)
    finally:
        PyMem_Free(start)


cdef Py_ssize_t journal_room(Transaction entry) except -1:
    """The most bytes that an entry's row can take."""
    return (
        ROW_BYTES_MAX
        + size_of_text(entry.last_four)
        + size_of_text(entry.response_code)
        + size_of_text(entry.rrn)
        + size_of_bytes(entry.decision.lots_moved)
        + size_of_bytes(entry.decision.rules)
        + size_of_bytes(entry.stored_reply)
        + size_of_bytes(entry.decision.counters_moved)
        + size_of_bytes(entry.decision.grants_moved)
        + size_of_bytes(entry.decision.reserves_moved)
        + size_of_text(entry.asked)
    )


cdef int put_message(RowWriter *row, Transaction entry) except -1:
    """What was asked, by whom, and about which account."""
    put_int2(row, entry.shard)
    put_date(row, entry.sent_on_ordinal)
    put_int8(row, entry.key)
    put_int4(row, entry.terminal_id)
    put_int2(row, entry.message_class)
    put_int2(row, entry.mti)
    put_int4(row, entry.processing_code)
    put_date(row, entry.business_ordinal)
    put_int8(row, entry.fingerprint)
    put_int4(row, entry.request.institution)
    put_int4(row, entry.request.merchant)
    put_number(row, entry.programme)
    put_number(row, entry.programme_version)
    if entry.programme is None:
        put_null(row, OID_INT8)
    else:
        put_int8(row, entry.account_id)
    put_text(row, entry.last_four)
    put_int2(row, entry.request.currency)
    put_int8(row, entry.amount)
    return 0


cdef int put_decision(RowWriter *row, Transaction entry) except -1:
    """What was decided: DE39, the legs, the original that is undone, and the reply. A quote has moved nothing."""
    cdef Decision decision = entry.decision
    cdef Decision moved = NOTHING if entry.kind == QUOTE else decision
    cdef object record = None if entry.repeats_reversal or entry.tombstone else entry.original_record
    put_text(row, entry.response_code)
    put_int8(row, moved.points_earned)
    put_int8(row, moved.points_redeemed)
    put_int8(row, moved.points_expired)
    put_int8(row, moved.points_adjusted)
    put_int8(row, moved.credit_granted)
    put_int8(row, moved.credit_spent)
    put_int8(row, moved.discount)
    put_int8(row, decision.to_pay)
    put_int8(row, decision.points_balance)
    put_int8(row, decision.credit_balance)
    put_bytea(row, decision.lots_moved)
    put_bytea(row, decision.rules)
    if record is None:
        put_null(row, OID_INT8)
        put_null(row, OID_DATE)
    else:
        put_int8(row, record.seq)
        put_date(row, record.sent_on.toordinal())
    put_text(row, entry.rrn)
    if entry.stored_reply is None:
        put_null(row, OID_BYTEA)
    else:
        put_data(row, OID_BYTEA, PyBytes_AS_STRING(entry.stored_reply), PyBytes_GET_SIZE(entry.stored_reply))
    put_int2(row, entry.request.entry_mode)
    put_int2(row, decision.tier_after)
    put_bytea(row, decision.counters_moved)
    put_bytea(row, decision.grants_moved)
    put_text(row, entry.asked)
    put_bytea(row, decision.reserves_moved)
    return 0
