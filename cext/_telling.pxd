# cython: language_level=3
"""What the replies of a programme tell, for the other extensions; `_telling.pyx` has the rest."""

cimport cython
from libc.stdint cimport int32_t

from cext._kernel_records cimport Account, Decision


cdef struct Counted:
    # An element that tells a counter: what stands before the number and behind it.
    const char *head
    const char *tail
    Py_ssize_t head_size
    Py_ssize_t tail_size
    int32_t slot
    char tag[2]


@cython.final
cdef class Teller:
    cdef tuple tiers, offers
    cdef list kept
    cdef Counted *counted
    cdef Py_ssize_t counted_size
    # Whether there is ever anything to tell.
    cdef readonly bint tells

    cdef str told(self, Account account, Decision decision, Py_ssize_t bytes_max)
