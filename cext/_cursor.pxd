# cython: language_level=3, cdivision=True
"""Reads and writes over raw bytes, inline: each trusts that its caller has proven the bounds, once a field.

Every check of characters answers the index of the first byte at fault, or -1. Eight bytes are tested at a
time: with the high bits clear no carry crosses a byte, so that `(x | H) - low` keeps the high bit of each
byte that is at least `low`, and `x + (0x80 - above)` sets it on each that is at least `above`.
"""

from libc.stdint cimport uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy

ctypedef unsigned char byte

cdef extern from *:
    """
    #define CEXT_EACH(value) ((uint64_t)0x0101010101010101ULL * (uint64_t)(value))
    static inline int cext_lowest_bit(uint64_t bits) { return __builtin_ctzll(bits); }
    static inline int cext_highest_bit(uint64_t bits) { return 63 - __builtin_clzll(bits); }
    """
    const uint64_t EACH "CEXT_EACH" (int value) noexcept nogil
    int highest_bit "cext_highest_bit" (uint64_t bits) noexcept nogil


cdef inline uint64_t load64(const byte *at) noexcept nogil:
    cdef uint64_t word
    memcpy(&word, at, 8)
    return word


cdef inline bint outside(uint64_t word, int low, int above) noexcept nogil:
    """Whether any of the eight bytes is below `low` or not below `above`."""
    cdef uint64_t high = EACH(0x80)
    return ((word | ~((word | high) - EACH(low)) | (word + EACH(0x80 - above))) & high) != 0


cdef inline Py_ssize_t find_outside(const byte *at, Py_ssize_t size, int low, int above) noexcept nogil:
    """The first of `size` bytes that is below `low` or not below `above`."""
    cdef Py_ssize_t index = 0
    while index + 8 <= size:
        if outside(load64(at + index), low, above):
            break
        index += 8
    while index < size:
        if at[index] < low or at[index] >= above:
            return index
        index += 1
    return -1


cdef inline Py_ssize_t find_not_digit(const byte *at, Py_ssize_t size) noexcept nogil:
    return find_outside(at, size, 0x30, 0x3A)


cdef inline Py_ssize_t find_not_printable(const byte *at, Py_ssize_t size) noexcept nogil:
    return find_outside(at, size, 0x20, 0x7F)


cdef inline Py_ssize_t find_not_track(const byte *at, Py_ssize_t size) noexcept nogil:
    """Digits and a field separator, `=` or `D`."""
    cdef Py_ssize_t index
    for index in range(size):
        if (at[index] < 0x30 or at[index] > 0x39) and at[index] != 0x3D and at[index] != 0x44:
            return index
    return -1


cdef inline Py_ssize_t find_control(const byte *at, Py_ssize_t size) noexcept nogil:
    """Controls of ASCII; whether the rest is UTF-8 is not asked here."""
    cdef Py_ssize_t index
    for index in range(size):
        if at[index] < 0x20 or at[index] == 0x7F:
            return index
    return -1


cdef inline void translate(byte *to, const byte *at, Py_ssize_t size, const byte *table) noexcept nogil:
    cdef Py_ssize_t index
    for index in range(size):
        to[index] = table[at[index]]


cdef inline int hex_digit(byte character) noexcept nogil:
    """The value of a hexadecimal digit, or -1."""
    if 0x30 <= character <= 0x39:
        return character - 0x30
    if 0x41 <= character <= 0x46:
        return character - 0x37
    if 0x61 <= character <= 0x66:
        return character - 0x57
    return -1


cdef inline Py_ssize_t read_hex(byte *to, const byte *at, Py_ssize_t size) noexcept nogil:
    """`size` bytes from twice as many hexadecimal digits."""
    cdef Py_ssize_t index
    cdef int high, low
    for index in range(size):
        high = hex_digit(at[2 * index])
        low = hex_digit(at[2 * index + 1])
        if high < 0:
            return 2 * index
        if low < 0:
            return 2 * index + 1
        to[index] = <byte>(high << 4 | low)
    return -1


cdef inline void write_hex(byte *to, const byte *at, Py_ssize_t size) noexcept nogil:
    cdef Py_ssize_t index
    cdef const char *digits = "0123456789ABCDEF"
    for index in range(size):
        to[2 * index] = digits[at[index] >> 4]
        to[2 * index + 1] = digits[at[index] & 15]


cdef inline int nibble_digit(int nibble, bint track) noexcept nogil:
    """The character of a BCD nibble, or 0."""
    if nibble <= 9:
        return 0x30 + nibble
    return 0x3D if track and nibble == 13 else 0


cdef inline Py_ssize_t read_bcd(
    byte *to, const byte *at, Py_ssize_t digits, bint left, bint track, bint *pad
) noexcept nogil:
    """`digits` characters from (digits + 1) / 2 bytes; `pad` tells that the byte at fault is so by its pad
    nibble.
    """
    cdef Py_ssize_t index = 0, whole = digits // 2
    cdef int high, low
    pad[0] = False
    if digits & 1:
        if left:
            if at[0] >> 4:
                pad[0] = True
                return 0
            low = nibble_digit(at[0] & 15, track)
            if not low:
                return 0
            to[0] = <byte>low
            to += 1
            at += 1
        elif at[whole] & 15:
            pad[0] = True
            return whole
    while index < whole:
        high = nibble_digit(at[index] >> 4, track)
        low = nibble_digit(at[index] & 15, track)
        if not high or not low:
            return index + (1 if left and digits & 1 else 0)
        to[2 * index] = <byte>high
        to[2 * index + 1] = <byte>low
        index += 1
    if digits & 1 and not left:
        high = nibble_digit(at[whole] >> 4, track)
        if not high:
            return whole
        to[2 * whole] = <byte>high
    return -1


cdef inline void write_bcd(byte *to, const byte *at, Py_ssize_t digits, bint left) noexcept nogil:
    """The opposite. A digit's low four bits are its value, and so are those of `D`; only `=` is 13 by
    another name.
    """
    cdef Py_ssize_t index, slot
    cdef byte nibble
    cdef Py_ssize_t shift = 1 if left and digits & 1 else 0
    for index in range((digits + 1) // 2):
        to[index] = 0
    for index in range(digits):
        slot = index + shift
        nibble = 13 if at[index] == 0x44 else at[index] & 15
        to[slot // 2] |= <byte>(nibble if slot & 1 else nibble << 4)


cdef inline Py_ssize_t read_decimal(const byte *at, int digits) noexcept nogil:
    """The number in `digits` ASCII digits, or -1."""
    cdef Py_ssize_t number = 0
    cdef int index
    for index in range(digits):
        if at[index] < 0x30 or at[index] > 0x39:
            return -1
        number = number * 10 + at[index] - 0x30
    return number


cdef inline Py_ssize_t read_bcd_number(const byte *at, int size) noexcept nogil:
    """The number in `size` bytes of BCD, or -1."""
    cdef Py_ssize_t number = 0
    cdef int index
    for index in range(size):
        if at[index] >> 4 > 9 or at[index] & 15 > 9:
            return -1
        number = number * 100 + (at[index] >> 4) * 10 + (at[index] & 15)
    return number


cdef inline void write_decimal(byte *to, Py_ssize_t number, int digits) noexcept nogil:
    cdef int index
    for index in range(digits - 1, -1, -1):
        to[index] = <byte>(0x30 + number % 10)
        number //= 10


cdef inline void write_bcd_number(byte *to, Py_ssize_t number, int size) noexcept nogil:
    cdef int index
    for index in range(size - 1, -1, -1):
        to[index] = <byte>(number % 10 | (number // 10 % 10) << 4)
        number //= 100


cdef inline uint64_t read_big(const byte *at, int size) noexcept nogil:
    """An unsigned big-endian number of up to eight bytes."""
    cdef uint64_t number = 0
    cdef int index
    for index in range(size):
        number = number << 8 | at[index]
    return number


cdef inline void write_big(byte *to, uint64_t number, int size) noexcept nogil:
    cdef int index
    for index in range(size - 1, -1, -1):
        to[index] = <byte>(number & 0xFF)
        number >>= 8
