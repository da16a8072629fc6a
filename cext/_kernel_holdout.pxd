# cython: language_level=3
"""The place of an account among those of a rule, in C: `cext/reference/holdout.py`."""

from libc.stdint cimport int64_t, uint64_t

cdef enum:
    PLACES = 100


cdef inline uint64_t mixed(uint64_t number) noexcept nogil:
    number = (number ^ (number >> 30)) * <uint64_t>0xBF58476D1CE4E5B9
    number = (number ^ (number >> 27)) * <uint64_t>0x94D049BB133111EB
    return number ^ (number >> 31)


cdef inline int64_t place_of(int64_t seed, int64_t shard, int64_t account) noexcept nogil:
    cdef uint64_t step = 0x9E3779B97F4A7C15
    cdef uint64_t whose = mixed(<uint64_t>account + <uint64_t>shard * step)
    return <int64_t>(mixed((<uint64_t>seed * step) ^ whose) % PLACES)
