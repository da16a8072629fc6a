# cython: language_level=3
"""The marks of a message for the other extensions; `_marks.pyx` says what each of them is."""

from libc.stdint cimport int64_t, uint64_t

cdef uint64_t begin_fingerprint(int64_t high, int64_t low) noexcept
cdef int add_to_fingerprint(uint64_t *state, object part) except -1
cdef int64_t end_fingerprint(uint64_t state) noexcept

cpdef str approval_code(int64_t key, int64_t terminal, int64_t message_class)
cpdef str receipt_tlv(
    int64_t points_balance, int64_t credit_balance, int64_t programme_version, int64_t points_earned,
    int64_t points_redeemed, int64_t credit_granted, int64_t credit_spent, int64_t discount, int64_t gross,
)
cpdef str additional_amounts(int64_t points, int64_t credit, str currency)
