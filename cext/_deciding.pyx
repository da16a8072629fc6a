# cython: language_level=3, boundscheck=True, wraparound=False, freethreading_compatible=True
"""The usual decision: the card is an account's first and good, its programme is served here, there is no basket, and
nothing is to be undone.

Whatever is not so is left to `Decider` of `switch/deciding.py`, which is the twin of this module: it decides on the usual
ones just so, and the tests compare the two.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_GetItem
from cpython.object cimport PyObject
from libc.stdint cimport int64_t, uint8_t

from cext._kernel cimport decided
from cext._kernel_arithmetic cimport read_number
from cext._kernel_records cimport Account, Programme
from cext._telling cimport Teller
from cext._transaction cimport AccountState, Transaction

cdef enum:
    COUNTER_BYTES = 14
    REFUND = 4
    REVERSAL = 5
    HOLD = 8

cdef str APPROVED = "00"


cdef tuple budgets_left(shares, live, Py_ssize_t shard):
    """What is left of the programme's budgets, mostly known since the last message of the shard."""
    cdef PyObject *rows = PyDict_GetItem(shares.rows, live.kernel)
    cdef list kept
    if rows is not NULL:
        kept = <list?><object>rows
        known = kept[shard % len(kept)]
        if known is not None:
            return known
    return shares.left(live, shard)


cdef int draw(shares, programme, shard, bytes counters_moved, tuple slots) except -1:
    """Draw what was moved under these slots; see `cext/reference/counters.py` for how moves are packed."""
    cdef const uint8_t *at = <const uint8_t *>PyBytes_AS_STRING(counters_moved)
    cdef Py_ssize_t i
    cdef int64_t slot
    for i in range(0, PyBytes_GET_SIZE(counters_moved) - COUNTER_BYTES + 1, COUNTER_BYTES):
        slot = read_number(at + i, 2)
        for budget in slots:
            if <int64_t>budget == slot:
                shares.draw(programme, shard, slot, read_number(at + i + 6, 8))
    return 0


def decide_usual(
    Transaction transaction not None,
    dict states not None,
    dict programmes not None,
    dict moments not None,
    dict reasons not None,
    int64_t now,
    Py_ssize_t told_bytes_max,
    shares,
):
    """Decide a message if it is a usual one; whether it was, or what is in force if the till prints a receipt.

    `states` has accounts by key, `programmes` what is in force by id and `moments` the local time of `now` in its zone,
    `reasons` the text of a decline by its DE39; `told_bytes_max` is how much the reply may tell beside legs and balances.
    `shares` are the lane's, of budgets.
    """
    cdef tuple slots
    cdef PyObject *found = PyDict_GetItem(states, transaction.account_key)
    cdef AccountState state
    cdef Account account
    cdef Programme kernel
    cdef Teller teller
    if (
        found is NULL
        or transaction.unknown_card
        or transaction.card is not None
        or transaction.original_name is not None
        or transaction.kind == REFUND
        or transaction.kind == REVERSAL
        or transaction.kind == HOLD
        or transaction.request.advice
        or transaction.held_decline
        or transaction.event
        or transaction.reward
        or transaction.basket is not None
        or transaction.coupons is not None
        or transaction.claims
        or transaction.wants_movements
    ):
        return False
    state = <AccountState?><object>found
    account = state.account
    if state.card_status != 0 or account.status != 0:
        return False
    if state.card_expires_ordinal != 0 and state.card_expires_ordinal < transaction.business_ordinal:
        return False
    found = PyDict_GetItem(programmes, account.programme)
    if found is NULL:
        return False
    live = <object>found
    if transaction.request.institution not in live.participants:
        return False
    kernel = live.kernel
    transaction.reply_fields = None
    transaction.told = ""
    transaction.last_four = state.last_four
    transaction.programme = live.id
    transaction.programme_version = live.version
    transaction.request.now = now
    transaction.request.be_at(moments[account.programme])
    transaction.request.event = 0
    transaction.request.reward = 0
    transaction.request.quantities = live.without_basket
    transaction.request.free_prices = ()
    transaction.request.has_basket = False
    slots = live.budget_slots
    if slots:
        transaction.request.budgets = budgets_left(shares, live, account.shard)
    transaction.decision = decided(kernel, account, transaction.request)
    if slots:
        draw(shares, live.id, account.shard, transaction.decision.counters_moved, slots)
    transaction.response_code = transaction.decision.rc
    if transaction.decision.changed:
        state.changed = True
    if transaction.response_code != APPROVED:
        transaction.reason = reasons.get(transaction.response_code, "")
        return True
    teller = live.teller
    if teller.tells:
        transaction.told = teller.told(account, transaction.decision, told_bytes_max)
    return True if transaction.terminal.receipt_language is None else live
