# cython: language_level=3, boundscheck=True, wraparound=False, freethreading_compatible=True
"""Small marks that are made once a message: fingerprint, approval code, DE54 and DE62 of a reply.

`cext/reference/marks.py` says in plain Python what each one is; both are stable, since journal rows outlive a release.
"""

from cpython.unicode cimport PyUnicode_AsUTF8AndSize, PyUnicode_DecodeASCII
from libc.stdint cimport int64_t, uint64_t

from cext._tlv cimport NUMBER_BYTES_MAX, TLV_HEAD_BYTES, put_number, put_tlv_head

cdef enum:
    RECEIPT_BYTES_MAX = 9 * (TLV_HEAD_BYTES + NUMBER_BYTES_MAX)
    AMOUNTS_BYTES = 40
    AMOUNT_DIGITS = 12

cdef uint64_t FNV_OFFSET = 0xCBF29CE484222325ULL
cdef uint64_t FNV_PRIME = 0x100000001B3ULL
cdef uint64_t GOLDEN = 0x9E3779B97F4A7C15ULL
cdef uint64_t MIX_1 = 0xBF58476D1CE4E5B9ULL
cdef uint64_t MIX_2 = 0x94D049BB133111EBULL
cdef const char *ALPHABET = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ"
cdef const char *DIGITS = b"0123456789"


cdef inline uint64_t mixed(uint64_t value) noexcept nogil:
    """SplitMix64's finaliser: every bit of the result depends on every bit of the value."""
    value = (value ^ (value >> 30)) * MIX_1
    value = (value ^ (value >> 27)) * MIX_2
    return value ^ (value >> 31)


cdef uint64_t begin_fingerprint(int64_t high, int64_t low) noexcept:
    return mixed(mixed(FNV_OFFSET ^ <uint64_t>high) ^ <uint64_t>low)


cdef int add_to_fingerprint(uint64_t *state, object part) except -1:
    """Take a text in, or that there is none."""
    cdef const char *text
    cdef Py_ssize_t size, at
    cdef uint64_t mix = state[0]
    if part is None:
        state[0] = mixed(mix + GOLDEN)
        return 0
    text = PyUnicode_AsUTF8AndSize(part, &size)
    for at in range(size):
        mix = (mix ^ <unsigned char>text[at]) * FNV_PRIME
    state[0] = mixed(mix ^ <uint64_t>size)
    return 0


cdef int64_t end_fingerprint(uint64_t state) noexcept:
    return <int64_t>state if state != 0 else 1


def fingerprint(int64_t high, int64_t low, *parts):
    """A digest of a token and of texts (None where there is none); never 0, which marks a tombstone."""
    cdef uint64_t state = begin_fingerprint(high, low)
    cdef object part
    for part in parts:
        add_to_fingerprint(&state, part)
    return end_fingerprint(state)


cpdef str approval_code(int64_t key, int64_t terminal, int64_t message_class):
    """DE38: six characters of Crockford's base 32 from a mix of the message's key."""
    cdef uint64_t state = mixed(
        <uint64_t>key * GOLDEN + <uint64_t>terminal * MIX_1 + <uint64_t>message_class
    )
    cdef char[6] code
    cdef int place
    for place in range(6):
        code[place] = ALPHABET[(state >> (5 * place)) & 31]
    return PyUnicode_DecodeASCII(code, 6, NULL)


cdef inline char *put_tlv(char *at, const char *tag, int64_t value) noexcept nogil:
    cdef int size = put_number(at + TLV_HEAD_BYTES, value)
    put_tlv_head(at, tag, size)
    return at + TLV_HEAD_BYTES + size


cpdef str receipt_tlv(
    int64_t points_balance, int64_t credit_balance, int64_t programme_version, int64_t points_earned,
    int64_t points_redeemed, int64_t credit_granted, int64_t credit_spent, int64_t discount, int64_t gross,
):
    """DE62: balances and programme version always, movements where there were any."""
    cdef char[RECEIPT_BYTES_MAX] out
    cdef char *at = out
    at = put_tlv(at, b"PB", points_balance)
    at = put_tlv(at, b"CB", credit_balance)
    at = put_tlv(at, b"RV", programme_version)
    if points_earned:
        at = put_tlv(at, b"PE", points_earned)
    if points_redeemed:
        at = put_tlv(at, b"PR", points_redeemed)
    if credit_granted:
        at = put_tlv(at, b"CG", credit_granted)
    if credit_spent:
        at = put_tlv(at, b"CS", credit_spent)
    if discount:
        at = put_tlv(at, b"DS", discount)
        at = put_tlv(at, b"GA", gross)
    return PyUnicode_DecodeASCII(out, at - out, NULL)


cdef int put_amount(char *at, const char *kind, const char *currency, int64_t value) except -1:
    cdef uint64_t rest = <uint64_t>value if value >= 0 else <uint64_t>0 - <uint64_t>value
    cdef int place
    if rest > 999_999_999_999ULL:
        raise OverflowError("a balance does not fit the 12 digits of DE54")
    at[0] = kind[0]
    at[1] = kind[1]
    at[2] = b"0"
    at[3] = b"2"
    at[4] = currency[0]
    at[5] = currency[1]
    at[6] = currency[2]
    at[7] = b"C" if value >= 0 else b"D"
    for place in range(AMOUNT_DIGITS):
        at[19 - place] = DIGITS[rest % 10]
        rest //= 10
    return 0


cpdef str additional_amounts(int64_t points, int64_t credit, str currency):
    """DE54: points (account type 60) and credit (65), available (02), signed, 12 digits each (wire.md)."""
    cdef char[AMOUNTS_BYTES] out
    cdef Py_ssize_t size
    cdef const char *code = PyUnicode_AsUTF8AndSize(currency, &size)
    if size != 3:
        raise ValueError("a currency is three digits")
    put_amount(out, b"60", b"999", points)
    put_amount(out + 20, b"65", code, credit)
    return PyUnicode_DecodeASCII(out, AMOUNTS_BYTES, NULL)
