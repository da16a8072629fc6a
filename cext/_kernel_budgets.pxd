# cython: language_level=3, boundscheck=True, wraparound=False
"""Budgets in C: what is left of each, and what a message draws. See `cext/reference/budgets.py`.

A rule's `budget` is 0 for none, else the index plus 1.
"""

from libc.stdint cimport int32_t, int64_t

from cext._kernel_arithmetic cimport smaller
from cext._kernel_table cimport BUDGETS_MAX, Rule

cdef struct Budgets:
    int64_t left[BUDGETS_MAX]
    int64_t drawn[BUDGETS_MAX]
    # Something that is paid for in points could not be given in full.
    bint sold_short


cdef inline int begin_budgets(Budgets *b, tuple left) except -1:
    """What a request does not carry is empty."""
    cdef Py_ssize_t i, count = len(left)
    b.sold_short = False
    for i in range(BUDGETS_MAX):
        b.left[i] = left[i] if i < count else 0
        b.drawn[i] = 0
    return 0


cdef inline bint is_empty(const Budgets *b, int32_t budget) noexcept nogil:
    return budget != 0 and b.left[budget - 1] <= 0


cdef inline int64_t draw(Budgets *b, const Rule *rule, int64_t value) noexcept nogil:
    """A gift, as far as its budget goes, which it is taken from; what takes away draws nothing."""
    cdef int32_t at = rule.budget - 1
    cdef int64_t given
    if at < 0:
        return value
    given = smaller(value, b.left[at])
    if given > 0:
        b.left[at] -= given
        b.drawn[at] += given
    if rule.priced and given < value:
        b.sold_short = True
    return given


cdef inline int64_t take_drawn(Budgets *b, int64_t index) noexcept nogil:
    """What was drawn since this was last asked."""
    cdef int64_t drawn = b.drawn[index]
    b.drawn[index] = 0
    return drawn
