# cython: language_level=3
"""Keyed BLAKE2b of short texts, 16 bytes of digest (RFC 7693), with the block that the key takes done beforehand.

`hashlib` makes the same digest, but it takes five calls through the interpreter.
"""

from libc.stdint cimport uint8_t, uint64_t
from libc.string cimport memcpy, memset

cdef enum:
    BLOCK_BYTES = 128
    DIGEST_BYTES = 16
    KEY_BYTES_MAX = 64

cdef extern from *:
    """
    #include <stdint.h>
    static const uint64_t blake2b_start[8] = {
        0x6A09E667F3BCC908ULL, 0xBB67AE8584CAA73BULL, 0x3C6EF372FE94F82BULL, 0xA54FF53A5F1D36F1ULL,
        0x510E527FADE682D1ULL, 0x9B05688C2B3E6C1FULL, 0x1F83D9ABFB41BD6BULL, 0x5BE0CD19137E2179ULL};
    static const uint8_t blake2b_order[12][16] = {
        {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
        {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4}, {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
        {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13}, {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
        {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11}, {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
        {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5}, {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
        {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3}};
    """
    const uint64_t[8] blake2b_start
    const uint8_t[12][16] blake2b_order


cdef inline uint64_t load64(const uint8_t *at) noexcept nogil:
    """Eight bytes, the least significant first, whatever the machine's own order is."""
    cdef uint64_t value = 0
    cdef int place
    for place in range(7, -1, -1):
        value = (value << 8) | at[place]
    return value


cdef inline uint64_t turned(uint64_t value, int bits) noexcept nogil:
    return (value >> bits) | (value << (64 - bits))


cdef inline void mix(uint64_t *v, int a, int b, int c, int d, uint64_t x, uint64_t y) noexcept nogil:
    v[a] = v[a] + v[b] + x
    v[d] = turned(v[d] ^ v[a], 32)
    v[c] = v[c] + v[d]
    v[b] = turned(v[b] ^ v[c], 24)
    v[a] = v[a] + v[b] + y
    v[d] = turned(v[d] ^ v[a], 16)
    v[c] = v[c] + v[d]
    v[b] = turned(v[b] ^ v[c], 63)


cdef inline void compress(uint64_t *state, const uint8_t *block, uint64_t counted, bint last) noexcept nogil:
    """Take one block in; `counted` bytes have gone in with it."""
    cdef uint64_t v[16]
    cdef uint64_t m[16]
    cdef const uint8_t *order
    cdef int i
    for i in range(16):
        m[i] = load64(block + 8 * i)
    for i in range(8):
        v[i] = state[i]
        v[i + 8] = blake2b_start[i]
    v[12] ^= counted
    if last:
        v[14] = ~v[14]
    for i in range(12):
        order = blake2b_order[i]
        mix(v, 0, 4, 8, 12, m[order[0]], m[order[1]])
        mix(v, 1, 5, 9, 13, m[order[2]], m[order[3]])
        mix(v, 2, 6, 10, 14, m[order[4]], m[order[5]])
        mix(v, 3, 7, 11, 15, m[order[6]], m[order[7]])
        mix(v, 0, 5, 10, 15, m[order[8]], m[order[9]])
        mix(v, 1, 6, 11, 12, m[order[10]], m[order[11]])
        mix(v, 2, 7, 8, 13, m[order[12]], m[order[13]])
        mix(v, 3, 4, 9, 14, m[order[14]], m[order[15]])
    for i in range(8):
        state[i] ^= v[i] ^ v[i + 8]


cdef inline void begin_keyed(uint64_t *state, const uint8_t *key, Py_ssize_t key_bytes) noexcept nogil:
    """The state after the block of the key, which has 1 to 64 bytes."""
    cdef uint8_t block[BLOCK_BYTES]
    memcpy(state, blake2b_start, 64)
    state[0] ^= 0x01010000 ^ (<uint64_t>key_bytes << 8) ^ DIGEST_BYTES
    memset(block, 0, BLOCK_BYTES)
    memcpy(block, key, key_bytes)
    compress(state, block, BLOCK_BYTES, False)
    memset(block, 0, BLOCK_BYTES)


cdef inline void digest_short(
    const uint64_t *begun, const uint8_t *text, Py_ssize_t size, uint64_t *high, uint64_t *low
) noexcept nogil:
    """The two halves, read big-endian, of the digest of 1 to 128 bytes."""
    cdef uint64_t state[8]
    cdef uint8_t block[BLOCK_BYTES]
    memcpy(state, begun, 64)
    memset(block, 0, BLOCK_BYTES)
    memcpy(block, text, size)
    compress(state, block, BLOCK_BYTES + <uint64_t>size, True)
    high[0] = swapped(state[0])
    low[0] = swapped(state[1])


cdef inline uint64_t swapped(uint64_t value) noexcept nogil:
    """The bytes the other way round: the digest is the state's bytes, least significant first."""
    cdef uint64_t other = 0
    cdef int place
    for place in range(8):
        other = (other << 8) | ((value >> (8 * place)) & 0xFF)
    return other
