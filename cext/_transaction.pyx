# cython: language_level=3, boundscheck=True, wraparound=False, freethreading_compatible=True
"""One message on its way down to the store and up again, and one account of its batch: plain records with C fields.

They decide nothing, but say what a batch of them needs; they are here so that the other extensions read and write them without the interpreter.
`switch/transaction.py` says what each attribute means.
"""

cimport cython
from cpython.dict cimport PyDict_GetItem
from cpython.object cimport PyObject

from cext._kernel import Decision as _Decision

cdef enum:
    # account.status
    CLOSED = 2

NO_EFFECT = _Decision("00")
cdef Decision no_effect = NO_EFFECT


@cython.final
@cython.no_gc
@cython.freelist(256)
cdef class Transaction:
    """One message on its way down to the store and up again."""

    # Nothing that it holds leads back to it, so no cycle can be made and the collector is not bothered.

    def __init__(
        self,
        object link,
        bytes header not None,
        object message,
        object terminal,
        Request request not None,
        object received,
        object deadline,
    ):
        self.link = link
        self.header = header
        self.message = message
        self.terminal = terminal
        self.request = request
        self.kind = request.kind
        self.amount = request.amount
        self.received = received
        self.deadline = deadline
        self.decision = no_effect
        self.response_code = ""
        self.reason = ""
        self.held_decline = ""
        self.event = ""
        self.reward = ""
        self.claims = ()
        self.told = ""

    def belongs_to(self, int64_t shard, int64_t account_id):
        """Name the account that the message is about."""
        self.shard = shard
        self.account_id = account_id
        self.account_key = (shard, account_id)


def any_asks_the_journal(batch):
    """Whether a message of the batch is suspect, names an original, shows coupons or wants the last movements."""
    cdef Transaction transaction
    for transaction in batch:
        if (
            transaction.suspect
            or transaction.original_name is not None
            or transaction.coupons is not None
            or transaction.wants_movements
        ):
            return True
    return False


def any_has_coupons(batch):
    """Whether a message of the batch shows coupons, or is known to give some back."""
    cdef Transaction transaction
    for transaction in batch:
        if transaction.coupons is not None:
            return True
    return False


def wanting_movements(batch):
    """The messages that want the last movements of their account."""
    cdef list found = []
    cdef Transaction transaction
    for transaction in batch:
        if transaction.wants_movements:
            found.append(transaction)
    return found


def accounts_named(batch):
    """The keys of the accounts that the batch is about, each once."""
    cdef set keys = set()
    cdef Transaction transaction
    for transaction in batch:
        keys.add(transaction.account_key)
    return keys


def strangers(batch, dict states not None):
    """The messages that show another card than the first one of an account that was read.

    So does one that shows the first card of a closed account: it may have been linked elsewhere.
    """
    cdef list found = []
    cdef Transaction transaction
    cdef PyObject *known
    cdef AccountState state
    for transaction in batch:
        if transaction.card is None:
            known = PyDict_GetItem(states, transaction.account_key)
            if known is NULL:
                found.append(transaction)
                continue
            state = <AccountState?><object>known
            if state.token_low != transaction.token_low or state.account.status == CLOSED:
                found.append(transaction)
    return found


@cython.final
@cython.no_gc
@cython.freelist(256)
cdef class AccountState:
    """An account as it was read and as the messages of a batch change it."""

    def __init__(
        self,
        Account account not None,
        int64_t token_low,
        int32_t card_status,
        str last_four,
        int32_t card_expires_ordinal,
        tuple locator not None,
    ):
        self.account = account
        self.key = (account.shard, account.id)
        self.token_low = token_low
        self.card_status = card_status
        self.last_four = last_four
        self.card_expires_ordinal = card_expires_ordinal
        self.block, self.offset = locator

    @property
    def locator(self):
        """Where the store keeps the row: block and offset."""
        return (self.block, self.offset)
