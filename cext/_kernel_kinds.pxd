# cython: language_level=3
"""Kinds of request, as `cext/reference/kernel.py` numbers them."""

cdef enum:
    KIND_PURCHASE = 1
    KIND_REDEMPTION = 2
    KIND_CREDIT_PURCHASE = 3
    KIND_REFUND = 4
    KIND_REVERSAL = 5
    KIND_INQUIRY = 6
    KIND_EVENT = 7
    KIND_HOLD = 8
    KIND_QUOTE = 9
    KIND_UPKEEP = 10
    KIND_GIFT = 11
