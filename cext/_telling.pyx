# cython: language_level=3, boundscheck=True, wraparound=False, cdivision=True, freethreading_compatible=True
"""What a reply tells of a programme beside legs and balances: the tier, the offers applied, stamps and tickets (DE62).

`cext/reference/telling.py` says in plain Python what is told; both are made once for a version of a programme, from the
names in it, and asked once a message.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Calloc, PyMem_Free
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.stdint cimport int32_t, int64_t, uint8_t
from libc.string cimport memcpy

from cext._kernel_arithmetic cimport read_number
from cext._kernel_counters cimport COUNTER_BYTES
from cext._kernel_records cimport Account, Decision
from cext._tlv cimport NUMBER_BYTES_MAX, TLV_HEAD_BYTES, TLV_VALUE_BYTES_MAX, put_number, put_tlv_head

cdef enum:
    TOLD_BYTES_MAX = 999

cdef struct Text:
    # What is told so far, and how much of it there may be.
    char told[TOLD_BYTES_MAX]
    Py_ssize_t size
    Py_ssize_t most


cdef inline bint put(Text *text, const char *data, Py_ssize_t size) noexcept:
    """Add an element that is ready; False if it does not fit any more."""
    if size > text.most - text.size:
        return False
    memcpy(text.told + text.size, data, size)
    text.size += size
    return True


cdef inline bint put_count(Text *text, const Counted *counted, int64_t count) noexcept:
    """Add a counter's element; False if it does not fit any more."""
    cdef char[NUMBER_BYTES_MAX] digits
    cdef Py_ssize_t number = put_number(digits, count)
    cdef Py_ssize_t size = counted.head_size + number + counted.tail_size
    cdef char *at = text.told + text.size
    if size > TLV_VALUE_BYTES_MAX:
        return True
    if TLV_HEAD_BYTES + size > text.most - text.size:
        return False
    put_tlv_head(at, counted.tag, size)
    at += TLV_HEAD_BYTES
    memcpy(at, counted.head, counted.head_size)
    memcpy(at + counted.head_size, digits, number)
    memcpy(at + counted.head_size + number, counted.tail, counted.tail_size)
    text.size += TLV_HEAD_BYTES + size
    return True


cdef inline int64_t count_in(const uint8_t *at, Py_ssize_t counters, int32_t slot) noexcept:
    """The counter of a slot, of whatever period; 0 if there is none. They are sorted by slot."""
    cdef Py_ssize_t i
    cdef int32_t found
    for i in range(counters):
        found = (at[0] << 8) | at[1]
        if found >= slot:
            return read_number(at + 6, 8) if found == slot else 0
        at += COUNTER_BYTES
    return 0


cdef bytes element(str tag, str value):
    """Tag, length and value; empty for a value that is too long to be told."""
    cdef bytes data = value.encode()
    if len(tag) != 2 or not tag.isascii():
        raise ValueError("a tag is two ASCII characters")
    if len(data) > TLV_VALUE_BYTES_MAX:
        return b""
    return f"{tag}{len(data):03}".encode() + data


@cython.final
cdef class Teller:
    """What the replies of one version of a programme have to tell.

    `tiers` are named from 1 on. `offers` has for each rule, in the order of evaluation, the name of the offer that it
    applies, or None. `counted` are the counters that are told, in order, each as (tag, what stands before the number,
    slot, what stands behind it).
    """

    def __cinit__(self, tuple tiers not None, tuple offers not None, tuple counted not None):
        cdef Py_ssize_t place
        cdef Counted *row
        cdef bytes head, tail
        self.tiers = tuple([element("TR", tier) for tier in tiers])
        self.offers = tuple([b"" if offer is None else element("OF", offer) for offer in offers])
        self.kept = []
        self.counted = <Counted *>PyMem_Calloc(len(counted) or 1, sizeof(Counted))
        if self.counted is NULL:
            raise MemoryError
        for place, (tag, before, slot, behind) in enumerate(counted):
            row = &self.counted[place]
            head, tail = before.encode(), behind.encode()
            element(tag, "")
            # The row points into them.
            self.kept.append((head, tail))
            row.head, row.head_size = PyBytes_AS_STRING(head), PyBytes_GET_SIZE(head)
            row.tail, row.tail_size = PyBytes_AS_STRING(tail), PyBytes_GET_SIZE(tail)
            row.slot = slot
            row.tag[0], row.tag[1] = ord(tag[0]), ord(tag[1])
            self.counted_size = place + 1
        self.tells = bool(tiers or counted or any([offer is not None for offer in offers]))

    def __dealloc__(self):
        PyMem_Free(self.counted)

    def tell(self, Account account not None, Decision decision not None, Py_ssize_t bytes_max):
        """What DE62 says beside legs and balances, while the account is as this decision left it: as many elements, in
        order, as fit into so many bytes (at most 999).
        """
        return self.told(account, decision, bytes_max)

    cdef str told(self, Account account, Decision decision, Py_ssize_t bytes_max):
        cdef Text text
        text.size = 0
        text.most = bytes_max if bytes_max < TOLD_BYTES_MAX else TOLD_BYTES_MAX
        if put_names(self, &text, account, decision):
            put_counts(self, &text, account)
        return PyUnicode_DecodeUTF8(text.told, text.size, NULL) if text.size else ""


cdef bint put_names(Teller teller, Text *text, Account account, Decision decision) except -1:
    """The tier, and the offers among the rules that fired; False if not all fitted."""
    cdef const uint8_t *rule = <const uint8_t *>PyBytes_AS_STRING(decision.rules)
    cdef Py_ssize_t offers = len(teller.offers), place, index
    cdef bytes ready
    if 0 < account.tier <= len(teller.tiers):
        ready = <bytes>teller.tiers[account.tier - 1]
        if not put(text, PyBytes_AS_STRING(ready), PyBytes_GET_SIZE(ready)):
            return False
    for place in range(PyBytes_GET_SIZE(decision.rules) // 2):
        index = (rule[2 * place] << 8) | rule[2 * place + 1]
        if index >= offers:
            raise IndexError("a rule that the programme does not have")
        ready = <bytes>teller.offers[index]
        if not put(text, PyBytes_AS_STRING(ready), PyBytes_GET_SIZE(ready)):
            return False
    return True


cdef void put_counts(Teller teller, Text *text, Account account) noexcept:
    """Stamps and tickets, as many as fit."""
    cdef const uint8_t *packed = <const uint8_t *>PyBytes_AS_STRING(account.packed_counters)
    cdef Py_ssize_t counters = PyBytes_GET_SIZE(account.packed_counters) // COUNTER_BYTES, place
    cdef int64_t count
    for place in range(teller.counted_size):
        count = count_in(packed, counters, teller.counted[place].slot)
        if count != 0 and not put_count(text, &teller.counted[place], count):
            return
