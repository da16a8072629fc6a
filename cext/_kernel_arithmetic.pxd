# cython: language_level=3, boundscheck=True, wraparound=False
"""Arithmetic on amounts and points that saturates or tells of overflow, and division as Python does it."""

from libc.stdint cimport int64_t, uint8_t, uint64_t

cdef extern from *:
    """
    #define KERNEL_AMOUNT_MAX 999999999999LL
    #define KERNEL_LEG_MAX 1000000000000000LL
    #define KERNEL_BALANCE_MAX 10000000000000000LL
    #define KERNEL_SATURATED 1000000000000000000LL

    /* floor(value * n / d) for value, n >= 0 and d > 0; saturates, as more than KERNEL_SATURATED is declined anyway. */
    static inline int64_t kernel_share(int64_t value, int64_t n, int64_t d) {
        int64_t product;
        __int128 wide;
        if (!__builtin_mul_overflow(value, n, &product)) {
            product /= d;
            return product > KERNEL_SATURATED ? KERNEL_SATURATED : product;
        }
        wide = (__int128)value * n / d;
        return wide > KERNEL_SATURATED ? KERNEL_SATURATED : (int64_t)wide;
    }

    static inline int64_t kernel_times(int64_t value, int64_t n) {
        int64_t product;
        if (__builtin_mul_overflow(value, n, &product) || product > KERNEL_SATURATED)
            return KERNEL_SATURATED;
        return product;
    }

    /* Division as Python does it; the caller has excluded d == 0 and the one quotient that overflows. */
    static inline int64_t kernel_floor_divide(int64_t n, int64_t d) {
        int64_t quotient = n / d;
        return quotient - (n % d != 0 && (n < 0) != (d < 0));
    }

    static inline int64_t kernel_modulo(int64_t n, int64_t d) {
        int64_t rest = n % d;
        return rest != 0 && (rest < 0) != (d < 0) ? rest + d : rest;
    }
    """
    const int64_t AMOUNT_MAX "KERNEL_AMOUNT_MAX"
    const int64_t LEG_MAX "KERNEL_LEG_MAX"
    const int64_t BALANCE_MAX "KERNEL_BALANCE_MAX"
    int64_t share "kernel_share" (int64_t value, int64_t n, int64_t d) noexcept nogil
    int64_t times "kernel_times" (int64_t value, int64_t n) noexcept nogil
    int64_t floor_divide "kernel_floor_divide" (int64_t n, int64_t d) noexcept nogil
    int64_t modulo "kernel_modulo" (int64_t n, int64_t d) noexcept nogil
    bint add_overflows "__builtin_add_overflow" (int64_t a, int64_t b, int64_t *result) noexcept nogil
    bint subtract_overflows "__builtin_sub_overflow" (int64_t a, int64_t b, int64_t *result) noexcept nogil
    bint multiply_overflows "__builtin_mul_overflow" (int64_t a, int64_t b, int64_t *result) noexcept nogil


cdef inline int64_t smaller(int64_t a, int64_t b) noexcept nogil:
    return a if a < b else b


cdef inline int64_t larger(int64_t a, int64_t b) noexcept nogil:
    return a if a > b else b


cdef inline int64_t read_number(const uint8_t *at, int size) noexcept nogil:
    """A big-endian signed number of 1 to 8 bytes."""
    cdef uint64_t number = 0xFFFF_FFFF_FFFF_FFFF if at[0] & 0x80 else 0
    cdef int i
    for i in range(size):
        number = (number << 8) | at[i]
    return <int64_t>number


cdef inline void write_number(uint8_t *at, int size, int64_t value) noexcept nogil:
    cdef uint64_t number = <uint64_t>value
    cdef int i
    for i in range(size - 1, -1, -1):
        at[i] = <uint8_t>(number & 0xFF)
        number >>= 8
