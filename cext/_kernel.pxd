# cython: language_level=3
"""The decision, for the other extensions."""

from cext._kernel_records cimport Account, Decision, Programme, Request


cdef Decision decided(Programme programme, Account account, Request request)
