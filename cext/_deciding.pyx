# cython: language_level=3, boundscheck=True, wraparound=False, freethreading_compatible=True
"""The usual decision: the card is an account's first and good, its programme is served here, there is no basket, and
nothing is to be undone.

Whatever is not so is left to `Decider` of `switch/deciding.py`, which is the twin of this module: it decides on the usual
ones just so, and the tests compare the two.
"""

from cpython.dict cimport PyDict_GetItem
from cpython.object cimport PyObject
from libc.stdint cimport int64_t

from cext._kernel cimport decided
from cext._kernel_records cimport Account, Programme
from cext._telling cimport Teller
from cext._transaction cimport AccountState, Transaction

cdef enum:
    REFUND = 4
    REVERSAL = 5
    HOLD = 8

cdef str APPROVED = "00"


def decide_usual(
    Transaction transaction not None,
    dict states not None,
    dict programmes not None,
    dict moments not None,
    dict reasons not None,
    int64_t now,
    Py_ssize_t told_bytes_max,
):
    """Decide a message if it is a usual one; whether it was, or what is in force if the till prints a receipt.

    `states` has accounts by key, `programmes` what is in force by id and `moments` the local time of `now` in its zone,
    `reasons` the text of a decline by its DE39; `told_bytes_max` is how much the reply may tell beside legs and balances.
    """
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
    transaction.decision = decided(kernel, account, transaction.request)
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
