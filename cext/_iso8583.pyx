# cython: language_level=3, boundscheck=True, wraparound=False, cdivision=True, freethreading_compatible=True
"""ISO 8583 messages from and to bytes, by a table of plain numbers; `cext.reference.iso8583` is its
plain-Python twin.

A table becomes a flat array of C structs. Decoding keeps one pointer, proves the bounds once a data
element, and makes each Python object straight from the bytes; encoding collects the values by number from
one pass over the dict, then writes into one buffer on the stack that moves to the heap when a message is
long. A failure is a code until it leaves.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_GetItem, PyDict_Next
from cpython.mem cimport PyMem_Free
from cpython.object cimport PyObject, PyTypeObject
from cpython.unicode cimport PyUnicode_DecodeASCII
from libc.stdint cimport uint64_t
from libc.string cimport memcpy

from cext._cursor cimport (
    byte, find_not_digit, highest_bit, read_bcd, read_bcd_number, read_big, read_decimal, read_hex, translate,
    write_bcd, write_bcd_number, write_big, write_decimal, write_hex,
)
from cext._iso8583_map cimport read_map, write_pair_head
from cext._iso8583_rows cimport (
    Buffer, CLASS_BYTES, CLASS_SIGNED, DATA_ELEMENT_MAX, ENCODING_BCD, ENCODING_HEX, ENCODING_RAW, ENCODING_TEXT,
    FINE, Fault, LENGTH_ABOVE, LENGTH_DIGITS, LENGTH_OTHER, NOBODY, NOT_DIGIT, NOT_HEX, NO_MTI,
    PyLong_AsLongAndOverflow, PyLong_Check, PyUnicode_AsUTF8AndSize, PyUnicode_Check, Py_DECREF, Row, SCRATCH, SHORT,
    STACK_BUFFER, TEXT_MAX, THIRD, THIRD_BITMAP, TRAILING, TYPE_BYTES, TYPE_TEXT, UNDEFINED, fail, misfit, reserve,
    set_item, source, wire_bytes,
)
from cext._iso8583_values cimport bcd_value, bytes_value, text_value

import cython

from cext import (
    CLASS_BYTES as PY_CLASS_BYTES,
    DATA_ELEMENT_MAX as PY_DATA_ELEMENT_MAX,
    DECODE_REASONS, ENCODE_MTI, ENCODE_NUMBER, ENCODE_TYPE_BYTES, ENCODE_TYPE_TEXT,
    ENCODING_HEX as PY_ENCODING_HEX,
    NO_MTI as PY_NO_MTI,
    TEXT_MAX as PY_TEXT_MAX,
)

cdef extern from *:
    # Cython's own guard: it falls back to PyDict_New where the interpreter hides the function.
    object new_dict "__Pyx_PyDict_NewPresized" (Py_ssize_t size)
    int count_bits "__builtin_popcountll" (uint64_t bits) noexcept nogil

assert (PY_CLASS_BYTES, PY_ENCODING_HEX, PY_NO_MTI) == (CLASS_BYTES, ENCODING_HEX, NO_MTI)
assert (PY_DATA_ELEMENT_MAX, PY_TEXT_MAX) == (DATA_ELEMENT_MAX, TEXT_MAX)
assert TEXT_MAX <= SCRATCH


# The MTIs of the 1987 and 1993 versions, made once for all messages.
cdef tuple MTIS = tuple([f"{number:04}" for number in range(2000)])
cdef tuple NUMBERS = tuple(range(DATA_ELEMENT_MAX + 1))
cdef tuple NO_ARGUMENTS = ()


@cython.final
cdef class Iso8583:
    """A codec for one table; see `cext.reference.iso8583.Iso8583`."""

    cdef Row rows[DATA_ELEMENT_MAX + 1]
    cdef byte to_text[256]
    cdef byte to_wire[256]
    cdef bint ascii
    cdef bint msgpack
    cdef bint mti_bcd
    cdef bint bitmap_hex
    cdef bint lengths_bcd
    cdef type message
    cdef object decode_error
    cdef object encode_error

    def __cinit__(self, table, type message not None, decode_error, encode_error):
        cdef bytes wire_to_text = table.wire_to_text
        cdef int index
        if len(wire_to_text) != 256 or len(set(wire_to_text)) != 256:
            raise ValueError("wire_to_text must be a permutation of the 256 bytes")
        for index in range(256):
            self.to_text[index] = wire_to_text[index]
            self.to_wire[self.to_text[index]] = <byte>index
        self.ascii = all([wire_to_text[index] == index for index in range(256)])
        self.msgpack = table.layout != 0
        self.mti_bcd = table.mti_bcd
        self.bitmap_hex = table.bitmap_hex
        self.lengths_bcd = table.lengths_bcd
        self.message = message
        self.decode_error = decode_error
        self.encode_error = encode_error
        for index in range(DATA_ELEMENT_MAX + 1):
            self.rows[index].defined = False
        for number, row in table.rows.items():
            self.define(number, row)

    cdef int define(self, int number, row) except -1:
        cdef Row *into
        if not 2 <= number <= DATA_ELEMENT_MAX or number == THIRD_BITMAP:
            raise ValueError("a row has no data element number")
        into = &self.rows[number]
        into.defined = True
        into.character_class = row.character_class
        into.encoding = row.encoding
        into.length_digits = row.length_digits
        into.prefix_bytes = (into.length_digits + 1) // 2 if self.lengths_bcd else into.length_digits
        into.pad_left = row.pad == 0
        into.maximum = row.maximum
        into.widest = into.prefix_bytes + wire_bytes(into, into.maximum)
        if not 0 < into.maximum <= TEXT_MAX or into.length_digits > 6:
            raise ValueError(f"the maximum of data element {number} is out of bounds")
        return 0

    # Decoding

    def decode(self, bytes data not None):
        """The message in `data`, all of it; the decode error of the first element at fault otherwise."""
        cdef Fault fault
        cdef object mti = None
        cdef dict fields = None
        cdef const byte *start = <const byte *>PyBytes_AS_STRING(data)
        cdef Py_ssize_t size = PyBytes_GET_SIZE(data)
        fault.reason = FINE
        if self.msgpack:
            fields = {}
            mti = read_map(self.rows, start, size, fields, &fault)
        else:
            mti = self.read_mti(start, size, &fault)
            if fault.reason == FINE:
                fields = self.read_fields(start, size, &fault)
        if fault.reason != FINE:
            raise self.decode_fault(&fault, mti, fields)
        return self.make(mti, fields)

    cdef inline object make(self, mti, dict fields):
        # The slots are set without the interpreter running the class's __init__.
        message = (<PyTypeObject *>self.message).tp_new(self.message, <PyObject *>NO_ARGUMENTS, NULL)
        message.mti = mti
        message.fields = fields
        return message

    cdef object decode_fault(self, Fault *fault, mti, dict fields):
        partial = None
        if mti is not None:
            partial = self.make(mti, {} if fields is None else fields)
        data_element = None if fault.data_element == NOBODY else fault.data_element
        reason = DECODE_REASONS[fault.reason].format(fault.first, fault.second)
        return self.decode_error(data_element, fault.offset, reason, partial)

    cdef object read_mti(self, const byte *start, Py_ssize_t size, Fault *fault):
        cdef byte digits[4]
        cdef bint pad
        cdef Py_ssize_t bad, number
        cdef Py_ssize_t width = 2 if self.mti_bcd else 4
        fault.data_element = 0
        if size < width:
            fail(fault, SHORT, 0, width, size)
            return None
        if self.mti_bcd:
            bad = read_bcd(digits, start, 4, True, False, &pad)
        else:
            translate(digits, start, 4, self.to_text)
            bad = find_not_digit(digits, 4)
        if bad >= 0:
            fail(fault, NOT_DIGIT, bad)
            return None
        number = read_decimal(digits, 4)
        if number < 2000:
            return <object>(<PyObject *>MTIS[number])
        return PyUnicode_DecodeASCII(<const char *>digits, 4, NULL)

    cdef int read_bitmap(
        self, const byte *start, Py_ssize_t size, Py_ssize_t *at, uint64_t *bits, Fault *fault
    ) noexcept:
        """Eight bytes of bitmap at `at`, which moves on."""
        cdef byte text[16]
        cdef byte raw[8]
        cdef Py_ssize_t bad
        cdef Py_ssize_t width = 16 if self.bitmap_hex else 8
        if size - at[0] < width:
            return fail(fault, SHORT, at[0], width, size - at[0])
        if self.bitmap_hex:
            translate(text, start + at[0], 16, self.to_text)
            bad = read_hex(raw, text, 8)
            if bad >= 0:
                return fail(fault, NOT_HEX, at[0] + bad)
            bits[0] = read_big(raw, 8)
        else:
            bits[0] = read_big(start + at[0], 8)
        at[0] += width
        return FINE

    cdef dict read_fields(self, const byte *start, Py_ssize_t size, Fault *fault):
        """What the bitmaps announce; on a fault what stood before it."""
        cdef Py_ssize_t at = 2 if self.mti_bcd else 4
        cdef uint64_t first = 0, second = 0
        cdef dict fields
        fault.data_element = 1
        if self.read_bitmap(start, size, &at, &first, fault) != FINE:
            return None
        # Bit 1 announces the second bitmap (ISO 8583:1987). One that is announced and empty is accepted.
        if first >> 63 and self.read_bitmap(start, size, &at, &second, fault) != FINE:
            return None
        first &= ~(<uint64_t>1 << 63)
        fields = new_dict(count_bits(first) + count_bits(second))
        if self.read_half(start, size, &at, first, 1, fields, fault) != FINE:
            return fields
        if second and self.read_half(start, size, &at, second, 65, fields, fault) != FINE:
            return fields
        if at < size:
            fault.data_element = NOBODY
            fail(fault, TRAILING, at, size - at)
        return fields

    cdef int read_half(
        self, const byte *start, Py_ssize_t size, Py_ssize_t *at, uint64_t bits, int base, dict fields, Fault *fault
    ) except -1:
        """The data elements of one bitmap, whose highest bit is number `base`."""
        cdef int number, bit
        cdef PyObject *value
        while bits:
            bit = highest_bit(bits)
            bits ^= <uint64_t>1 << bit
            number = base + 63 - bit
            fault.data_element = number
            value = self.read_field(&self.rows[number], start, size, at, fault)
            if value == NULL:
                return fault.reason
            try:
                set_item(<PyObject *>fields, <PyObject *>NUMBERS[number], value)
            finally:
                Py_DECREF(value)
        return FINE

    cdef PyObject *read_field(
        self, const Row *row, const byte *start, Py_ssize_t size, Py_ssize_t *at, Fault *fault
    ) except? NULL:
        """The value at `at`, which moves on; NULL and a fault if it can't be read."""
        cdef Py_ssize_t length = row.maximum
        cdef Py_ssize_t width
        if not row.defined:
            fail(fault, THIRD if fault.data_element == THIRD_BITMAP else UNDEFINED, at[0])
            return NULL
        if row.length_digits and self.read_length(row, start, size, at, &length, fault) != FINE:
            return NULL
        width = wire_bytes(row, length)
        if size - at[0] < width:
            fail(fault, SHORT, at[0], width, size - at[0])
            return NULL
        at[0] += width
        return self.value(row, start + at[0] - width, length, at[0] - width, fault)

    cdef int read_length(
        self, const Row *row, const byte *start, Py_ssize_t size, Py_ssize_t *at, Py_ssize_t *length, Fault *fault
    ) noexcept:
        cdef byte digits[8]
        if size - at[0] < row.prefix_bytes:
            return fail(fault, SHORT, at[0], row.prefix_bytes, size - at[0])
        if self.lengths_bcd:
            length[0] = read_bcd_number(start + at[0], row.prefix_bytes)
        elif self.ascii:
            length[0] = read_decimal(start + at[0], row.prefix_bytes)
        else:
            translate(digits, start + at[0], row.prefix_bytes, self.to_text)
            length[0] = read_decimal(digits, row.prefix_bytes)
        if length[0] < 0:
            return fail(fault, LENGTH_DIGITS, at[0])
        if length[0] > row.maximum:
            return fail(fault, LENGTH_ABOVE, at[0], length[0], row.maximum)
        at[0] += row.prefix_bytes
        return FINE

    cdef PyObject *value(
        self, const Row *row, const byte *at, Py_ssize_t length, Py_ssize_t offset, Fault *fault
    ) except? NULL:
        """The value of `length` at `at`; `offset` is that of `at` in the message, for a fault."""
        cdef byte scratch[SCRATCH]
        if row.encoding == ENCODING_TEXT:
            if not self.ascii:
                translate(scratch, at, length, self.to_text)
                at = scratch
            return text_value(at, length, row.character_class, offset, fault)
        if row.encoding == ENCODING_BCD:
            return bcd_value(row, self.to_text, at, length, offset, fault)
        return bytes_value(row, self.to_text, self.ascii, at, length, offset, fault)

    # Encoding

    def encode(self, message):
        """The bytes of `message`; an encode error names the element that doesn't fit its definition."""
        return self.written(message.mti, message.fields, None, None)

    def encode_reply(self, mti, dict decided not None, dict asked not None, tuple echoed not None):
        """The bytes of a message of what was `decided`, and of those elements in `echoed` that only `asked` has."""
        return self.written(mti, decided, asked, echoed)

    cdef bytes written(self, mti, dict fields, dict asked, tuple echoed):
        cdef PyObject *values[DATA_ELEMENT_MAX + 1]
        cdef byte stack[STACK_BUFFER]
        cdef Buffer buffer
        cdef uint64_t first = 0, second = 0
        cdef const byte *digits = self.mti_digits(mti)
        buffer.start = buffer.at = stack
        buffer.end = &stack[0] + STACK_BUFFER
        buffer.on_heap = False
        if fields is None:
            raise TypeError("fields must be a dict")
        # The values are borrowed from the dict until the last byte is written: nobody may change it meanwhile.
        with cython.critical_section(fields, fields if asked is None else asked):
            try:
                self.collect(fields, values, &first, &second)
                if asked is not None:
                    self.collect_echoed(asked, echoed, values, &first)
                self.write_head(digits, &buffer, first, second)
                self.write_half(&buffer, values, first, 1)
                self.write_half(&buffer, values, second, 65)
                return PyBytes_FromStringAndSize(<const char *>buffer.start, buffer.at - buffer.start)
            finally:
                if buffer.on_heap:
                    PyMem_Free(buffer.start)

    cdef const byte *mti_digits(self, mti) except NULL:
        """The four digits in the text itself."""
        cdef Py_ssize_t size = 0
        cdef const byte *digits = NULL
        if PyUnicode_Check(<PyObject *>mti):
            try:
                digits = <const byte *>PyUnicode_AsUTF8AndSize(<PyObject *>mti, &size)
            except UnicodeEncodeError:
                size = 0
        if size != 4 or find_not_digit(digits, 4) >= 0:
            raise self.encode_error(0, ENCODE_MTI)
        return digits

    cdef int collect(self, dict fields, PyObject **values, uint64_t *first, uint64_t *second) except -1:
        """The values by number and the bits of the two bitmaps (bit 63 is number 1 or 65)."""
        cdef PyObject *key
        cdef PyObject *value
        cdef Py_ssize_t position = 0
        cdef long number
        cdef int overflow
        while PyDict_Next(fields, &position, &key, &value):
            if not PyLong_Check(key):
                raise self.encode_error(None, ENCODE_NUMBER)
            number = PyLong_AsLongAndOverflow(key, &overflow)
            if overflow or number < 2 or number > DATA_ELEMENT_MAX:
                raise self.encode_error(<object>key, ENCODE_NUMBER)
            values[number] = value
            if number <= 64:
                first[0] |= <uint64_t>1 << (64 - number)
            else:
                second[0] |= <uint64_t>1 << (128 - number)
        return 0

    cdef int collect_echoed(self, dict asked, tuple echoed, PyObject **values, uint64_t *first) except -1:
        """Those of `echoed`, all of the first bitmap, that are asked for and not there yet."""
        cdef object key
        cdef PyObject *value
        cdef uint64_t bit
        cdef long number
        for key in echoed:
            number = key
            if not 2 <= number <= 64:
                raise self.encode_error(key, ENCODE_NUMBER)
            bit = <uint64_t>1 << (64 - number)
            if first[0] & bit:
                continue
            value = PyDict_GetItem(asked, key)
            if value != NULL:
                values[number] = value
                first[0] |= bit
        return 0

    cdef int write_head(self, const byte *digits, Buffer *buffer, uint64_t first, uint64_t second) except -1:
        """MTI and bitmaps, or the head of the map and its first pair."""
        cdef byte raw[16]
        cdef byte text[32]
        cdef int size = 16 if second else 8
        cdef int pairs
        if self.msgpack:
            pairs = 1 + count_bits(first) + count_bits(second)
            if pairs < 16:
                buffer.at[0] = <byte>(0x80 | pairs)
                buffer.at += 1
            else:
                buffer.at[0] = 0xDE
                write_big(buffer.at + 1, pairs, 2)
                buffer.at += 3
            buffer.at[0] = 0
            buffer.at[1] = 0xA4
            memcpy(buffer.at + 2, digits, 4)
            buffer.at += 6
            return 0
        if self.mti_bcd:
            write_bcd(buffer.at, digits, 4, True)
            buffer.at += 2
        else:
            translate(buffer.at, digits, 4, self.to_wire)
            buffer.at += 4
        write_big(raw, first | (<uint64_t>1 << 63 if second else 0), 8)
        write_big(raw + 8, second, 8)
        if self.bitmap_hex:
            write_hex(text, raw, size)
            translate(buffer.at, text, 2 * size, self.to_wire)
            buffer.at += 2 * size
        else:
            memcpy(buffer.at, raw, size)
            buffer.at += size
        return 0

    cdef int write_half(self, Buffer *buffer, PyObject **values, uint64_t bits, int base) except -1:
        cdef int number, bit
        while bits:
            bit = highest_bit(bits)
            bits ^= <uint64_t>1 << bit
            number = base + 63 - bit
            self.write_field(number, buffer, values[number])
        return 0

    cdef int write_field(self, int number, Buffer *buffer, PyObject *value) except -1:
        """One data element, checked while it is at hand."""
        cdef const Row *row = &self.rows[number]
        cdef const byte *at = NULL
        cdef Py_ssize_t length = 0, index = -1
        cdef int reason
        if not row.defined:
            raise self.encode_error(number, DECODE_REASONS[THIRD if number == THIRD_BITMAP else UNDEFINED])
        reason = source(row, value, &at, &length)
        if reason == FINE and row.character_class != CLASS_BYTES:
            reason = misfit(at, length, row.character_class, &index)
        if reason == FINE and not row.length_digits and length != row.maximum:
            reason = LENGTH_OTHER
        if reason == FINE and length > row.maximum:
            reason = LENGTH_ABOVE
        if reason != FINE:
            raise self.encode_fault(number, reason, length)
        # The head of a msgpack pair takes at most two bytes of key and three of length.
        reserve(buffer, row.widest + 5)
        if self.msgpack:
            write_pair_head(buffer, number, length, row.character_class == CLASS_BYTES)
            memcpy(buffer.at, at, length)
            buffer.at += length
        else:
            self.write_value(row, buffer, at, length)
        return 0

    cdef object encode_fault(self, int number, int reason, Py_ssize_t length):
        if reason == TYPE_TEXT:
            return self.encode_error(number, ENCODE_TYPE_TEXT)
        if reason == TYPE_BYTES:
            return self.encode_error(number, ENCODE_TYPE_BYTES)
        return self.encode_error(number, DECODE_REASONS[reason].format(length, self.rows[number].maximum))

    cdef void write_value(self, const Row *row, Buffer *buffer, const byte *at, Py_ssize_t length) noexcept:
        cdef byte scratch[2 * SCRATCH]
        cdef Py_ssize_t width = wire_bytes(row, length)
        cdef byte *to
        if row.length_digits:
            if self.lengths_bcd:
                write_bcd_number(buffer.at, length, row.prefix_bytes)
            elif self.ascii:
                write_decimal(buffer.at, length, row.prefix_bytes)
            else:
                write_decimal(scratch, length, row.prefix_bytes)
                translate(buffer.at, scratch, row.prefix_bytes, self.to_wire)
            buffer.at += row.prefix_bytes
        to = buffer.at
        buffer.at += width
        if row.encoding == ENCODING_HEX:
            if self.ascii:
                write_hex(to, at, length)
            else:
                write_hex(scratch, at, length)
                translate(to, scratch, width, self.to_wire)
        elif row.encoding == ENCODING_BCD:
            if row.character_class == CLASS_SIGNED:
                to[0] = self.to_wire[at[0]]
                write_bcd(to + 1, at + 1, length - 1, row.pad_left)
            else:
                write_bcd(to, at, length, row.pad_left)
        elif self.ascii or row.encoding == ENCODING_RAW:
            memcpy(to, at, length)
        else:
            translate(to, at, length, self.to_wire)
