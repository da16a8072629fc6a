# cython: language_level=3
"""A message under way and an account as it was read, for the other extensions; `switch/transaction.py` says what each
attribute means.
"""

cimport cython
from libc.stdint cimport int32_t, int64_t, uint16_t, uint32_t

from cext._kernel_records cimport Account, Decision, Request


@cython.final
cdef class Transaction:
    cdef public object link, message, terminal, received, deadline, recent_key
    cdef public object wide, coupons, movements
    cdef public object sent_on, business_date, original_name, original_record, card, programme, programme_version
    cdef public list waiters, basket
    cdef public tuple claims
    cdef public dict reply_fields
    cdef public bytes header, stored_reply
    cdef public str response_code, reason, held_decline, rrn, currency, settlement_date, last_four
    cdef public str event, reward, language, asked, told
    cdef public Request request
    cdef public Decision decision
    cdef public int64_t key, fingerprint, amount, kind, token_low, terminal_id
    cdef readonly object account_key
    cdef readonly int64_t shard, account_id
    cdef public int32_t mti, processing_code, message_class, sent_on_ordinal, business_ordinal
    cdef public bint answered, to_pay_in_reply, repeats_reversal, suspect, tombstone, unknown_card
    cdef public bint wants_movements


@cython.final
cdef class AccountState:
    cdef readonly Account account
    cdef readonly object key
    cdef readonly str last_four
    cdef readonly int64_t token_low
    cdef readonly int32_t card_status, card_expires_ordinal
    cdef uint32_t block
    cdef uint16_t offset
    cdef public bint changed
