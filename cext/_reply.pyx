# cython: language_level=3, boundscheck=True, wraparound=False, freethreading_compatible=True
"""The two parts of a reply: what the message itself says, and what was decided, also as the journal keeps it.

`cext/reference/reply.py` says in plain Python what each function does. The stored form is msgpack, so that any tool can
read a journal row.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_Copy, PyDict_GetItem, PyDict_SetItem
from cpython.object cimport PyObject
from cpython.unicode cimport PyUnicode_AsUTF8AndSize, PyUnicode_DecodeASCII
from libc.stdint cimport int64_t, uint8_t
from libc.string cimport memcpy

from cext._kernel_records cimport Decision
from cext._marks cimport additional_amounts, approval_code, receipt_tlv
from cext._transaction cimport Transaction

cdef enum:
    AMOUNT_DIGITS = 12
    REASON_LENGTH_MAX = 25
    ELEMENT_MAX = 128
    STORED_BYTES_MAX = 8_192
    FIXSTR_MAX = 31
    BYTE_MAX = 255

cdef str APPROVED = "00"
cdef int64_t AMOUNT_MAX = 999_999_999_999
cdef tuple KEPT = (12, 13, 42)


def decided_fields(Transaction transaction not None, str reason not None):
    """The part of a reply that was decided, by data element."""
    return decided_of(transaction, reason)


cdef dict decided_of(Transaction transaction, str reason):
    cdef dict fields = transaction.message.fields
    cdef bint approved = transaction.response_code == APPROVED
    cdef dict decided = {39: transaction.response_code, 37: transaction.rrn}
    cdef object number
    cdef PyObject *value
    for number in KEPT:
        value = PyDict_GetItem(fields, number)
        if value is not NULL:
            decided[number] = <object>value
    decided[15] = transaction.settlement_date
    if approved:
        decided[38] = approval_code(transaction.key, transaction.terminal_id, transaction.message_class)
        if transaction.programme_version is not None:
            add_balances(decided, transaction)
    elif reason:
        decided[44] = reason[:REASON_LENGTH_MAX]
    value = PyDict_GetItem(fields, 4)
    if value is not NULL:
        if approved and transaction.to_pay_in_reply:
            decided[4] = amount_text(transaction.decision.to_pay)
        else:
            decided[4] = <object>value
    return decided


cdef int add_balances(dict decided, Transaction transaction) except -1:
    """DE54, if the balances fit it, and DE62: what the member may spend now, and what this message moved."""
    cdef Decision d = transaction.decision
    cdef int64_t points = d.points_balance - d.points_pending - d.points_held
    cdef int64_t credit = d.credit_balance - d.credit_held
    if -AMOUNT_MAX <= points <= AMOUNT_MAX and -AMOUNT_MAX <= credit <= AMOUNT_MAX:
        decided[54] = additional_amounts(points, credit, transaction.currency)
    decided[62] = receipt_tlv(
        points, credit, transaction.programme_version, d.points_earned, d.points_redeemed,
        d.credit_granted, d.credit_spent, d.discount, transaction.request.amount,
    )
    if d.points_pending != 0 or d.points_held != 0 or d.credit_held != 0:
        decided[62] = <str>decided[62] + kept_back(d)
    if transaction.told:
        decided[62] = <str>decided[62] + transaction.told
    return 0


cdef str kept_back(Decision d):
    """Of what the member has, what may not be spent yet: PP pending points, HD points and credit that are held."""
    cdef str told = "", held
    if d.points_pending != 0:
        held = f"{d.points_pending}"
        told = f"PP{len(held):03d}{held}"
    if d.points_held != 0 or d.credit_held != 0:
        held = f"{d.points_held}/{d.credit_held}"
        told += f"HD{len(held):03d}{held}"
    return told


cdef str amount_text(int64_t amount):
    """Twelve digits."""
    cdef char[AMOUNT_DIGITS] digits
    cdef int place
    if not 0 <= amount <= AMOUNT_MAX:
        raise OverflowError("an amount does not fit the 12 digits of DE4")
    for place in range(AMOUNT_DIGITS - 1, -1, -1):
        digits[place] = <char>(48 + amount % 10)
        amount //= 10
    return PyUnicode_DecodeASCII(digits, AMOUNT_DIGITS, NULL)


def prepare(batch):
    """Make the decided part of each transaction's reply, unless it has one, and its stored form."""
    cdef Transaction transaction
    for transaction in batch:
        if transaction.reply_fields is None:
            transaction.reply_fields = decided_of(transaction, transaction.reason)
        transaction.stored_reply = pack(transaction.reply_fields)


def echoed(dict fields not None, tuple numbers not None, dict decided not None):
    """The data elements of a reply: those of `numbers` as they came, and over them what was decided."""
    cdef dict together = PyDict_Copy(decided)
    cdef object number
    cdef PyObject *value
    for number in numbers:
        value = PyDict_GetItem(fields, number)
        if value is not NULL and PyDict_GetItem(together, number) is NULL:
            PyDict_SetItem(together, number, <object>value)
    return together


def packed(dict decided not None):
    """What was decided, as a msgpack map of data element to string (or binary).

    Raises TypeError for a value that is neither str nor bytes, ValueError for a number that is no data element or a map
    of more than fifteen, OverflowError if it would be longer than a frame may be.
    """
    return pack(decided)


cdef bytes pack(dict decided):
    cdef char[STORED_BYTES_MAX] out
    cdef Py_ssize_t at = 1, size
    cdef const char *data
    cdef object number, value
    cdef long element
    cdef bint text
    if len(decided) > 15:
        raise ValueError("more data elements than a reply has")
    out[0] = <char>(0x80 | len(decided))
    for number, value in decided.items():
        element = number
        if element < 0 or element > ELEMENT_MAX:
            raise ValueError("not a data element's number")
        text = isinstance(value, str)
        if text:
            data = PyUnicode_AsUTF8AndSize(value, &size)
        elif isinstance(value, bytes):
            data = PyBytes_AS_STRING(value)
            size = PyBytes_GET_SIZE(value)
        else:
            raise TypeError("a data element is text or bytes")
        # The longest head of key and value is five bytes.
        if at + 5 + size > STORED_BYTES_MAX:
            raise OverflowError("a reply that is longer than a frame")
        if element < ELEMENT_MAX:
            out[at] = <char>element
            at += 1
        else:
            out[at] = <char>0xCC
            out[at + 1] = <char>element
            at += 2
        if text and size <= FIXSTR_MAX:
            out[at] = <char>(0xA0 | size)
            at += 1
        elif size <= BYTE_MAX:
            out[at] = <char>(0xD9 if text else 0xC4)
            out[at + 1] = <char><uint8_t>size
            at += 2
        else:
            out[at] = <char>(0xDA if text else 0xC5)
            out[at + 1] = <char><uint8_t>(size >> 8)
            out[at + 2] = <char><uint8_t>(size & 0xFF)
            at += 3
        memcpy(out + at, data, size)
        at += size
    return PyBytes_FromStringAndSize(out, at)
