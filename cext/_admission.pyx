# cython: language_level=3, boundscheck=True, wraparound=False, freethreading_compatible=True
"""The usual message → a transaction, without the interpreter.

Usual is a well-formed inquiry or sale of a card, at a till that may send it, without a basket and without private data
that say more than points, credit and language. Whatever else comes is left alone (None), and `switch/authorise.py`
decides on it: that is the twin of this module, and the tests hold every usual message against what it makes of it.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_GetItem
from cpython.object cimport PyObject
from cpython.unicode cimport PyUnicode_AsUTF8AndSize, PyUnicode_DecodeASCII
from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t
from libc.string cimport memcpy

cimport cython

from cext._blake2b cimport BLOCK_BYTES, KEY_BYTES_MAX, begin_keyed, digest_short
from cext._kernel_records cimport Request
from cext._marks cimport add_to_fingerprint, begin_fingerprint, end_fingerprint
from cext._transaction cimport Transaction


cdef enum:
    # So many digits fit 64 bits whatever they are.
    DIGITS_MAX = 18
    WISH_DIGITS_MAX = 12
    STAN_DIGITS = 6
    RRN_HEAD = 6
    TLV_HEAD = 5
    SECONDS_A_MINUTE = 60
    SECONDS_A_DAY = 86_400
    NOT_WANTED = -1

cdef str NO_CURRENCY = "000"


@cython.final
cdef class _Kind:
    """What an MTI with a DE3 asks for."""

    cdef int64_t number
    cdef bint needs_no_amount, paying

    def __init__(self, int64_t number, bint needs_no_amount, bint paying):
        self.number = number
        self.needs_no_amount = needs_no_amount
        self.paying = paying


@cython.final
cdef class _Zone:
    """The calendar of a time zone in the minute that was last asked for."""

    cdef object name, calendar_of, calendar, date
    cdef str settlement_date
    cdef int64_t minute, day, month, hour, weekday, day_of_month
    cdef int32_t ordinal

    def __init__(self, name, calendar_of):
        self.name = name
        self.calendar_of = calendar_of
        self.minute = -1

    cdef int turn_to(self, int64_t epoch_s) except -1:
        if epoch_s // SECONDS_A_MINUTE == self.minute:
            return 0
        # Made when a message needs it: a zone that nobody knows is then a fault of that message alone.
        if self.calendar is None:
            self.calendar = self.calendar_of(self.name)
        local = self.calendar(epoch_s)
        self.day = local.day
        self.month = local.month
        self.hour = local.hour
        self.weekday = local.weekday
        self.day_of_month = local.day_of_month
        self.date = local.date
        self.ordinal = local.date.toordinal()
        self.settlement_date = f"{local.date.month:02d}{local.date.day:02d}"
        self.minute = epoch_s // SECONDS_A_MINUTE
        return 0


@cython.final
cdef class _Till:
    """A terminal that may send, in C numbers. `business_date` is None while its institution cuts over by the clock."""

    cdef object terminal, business_date
    cdef str merchant_code, settlement_date
    cdef int64_t id, merchant, institution, category
    cdef int32_t business_ordinal
    cdef _Zone zone

    def __init__(self, terminal, _Zone zone not None):
        self.terminal = terminal
        self.zone = zone
        self.id = terminal.id
        self.merchant = terminal.merchant_id
        self.merchant_code = terminal.merchant_code
        self.institution = terminal.institution_id
        self.category = terminal.category_id
        self.business_date = day = terminal.business_date
        if day is not None:
            self.business_ordinal = day.toordinal()
            self.settlement_date = f"{day.month:02d}{day.day:02d}"


@cython.final
cdef class _SentAt:
    """A DE7 that was read."""

    cdef object date
    cdef int64_t key
    cdef int32_t ordinal
    cdef bytes rrn_head

    def __init__(self, sent_at):
        day = sent_at.date
        self.key = sent_at.key
        self.date = day
        self.ordinal = sent_at.ordinal
        self.rrn_head = f"{day.year % 10}{day.timetuple().tm_yday:03d}{sent_at.hour:02d}".encode()


@cython.final
cdef class Admission:
    """Reads usual messages by the reference data in force.

    `kinds` maps an MTI to its DE3s, and each of these to (kind, needs no amount, DE4 of the reply says what is to pay);
    `advices` and `repeats` are MTIs. `sent_at` reads a DE7, `calendar_of` gives a time zone's calendar, `clock` the time.
    """

    cdef dict kinds, tills, zones, sent
    cdef object advices, repeats, sent_at, calendar_of, clock
    cdef double deadline_s
    cdef int64_t day, shards
    cdef uint64_t token_state[8]

    def __init__(self, *, dict kinds, advices, repeats, sent_at, calendar_of, clock, double deadline_s, bytes key not None,
                 int64_t shards):
        cdef Py_ssize_t size = PyBytes_GET_SIZE(key)
        if not 1 <= size <= KEY_BYTES_MAX:
            raise ValueError(f"a key has 1 to {KEY_BYTES_MAX} bytes")
        if shards < 1:
            raise ValueError("there is one shard at least")
        begin_keyed(self.token_state, <const uint8_t *>PyBytes_AS_STRING(key), size)
        self.shards = shards
        self.kinds = {mti: {code: _Kind(*kind) for code, kind in codes.items()} for mti, codes in kinds.items()}
        self.advices = advices
        self.repeats = repeats
        self.sent_at = sent_at
        self.calendar_of = calendar_of
        self.clock = clock
        self.deadline_s = deadline_s
        self.tills = {}
        self.zones = {}
        self.sent = {}

    def know(self, terminals):
        """Take over the terminals of new reference data; those that may not send are no usual ones."""
        cdef dict tills = {}
        for terminal in terminals:
            if terminal.status == 0:
                tills[terminal.acquirer, terminal.code] = _Till(terminal, self.zone_of(terminal.timezone))
        self.tills = tills

    cdef _Zone zone_of(self, timezone):
        zone = self.zones.get(timezone)
        if zone is None:
            zone = self.zones[timezone] = _Zone(timezone, self.calendar_of)
        return zone

    cdef _SentAt read_sent_at(self, text, int64_t epoch_s):
        """DE7, None if it is no moment. What was read is kept for a day: its year hangs on today."""
        cdef PyObject *known
        if epoch_s // SECONDS_A_DAY != self.day:
            self.day = epoch_s // SECONDS_A_DAY
            self.sent = {}
        known = PyDict_GetItem(self.sent, text)
        if known is not NULL:
            return <_SentAt>known
        found = self.sent_at(text)
        if found is None:
            return None
        if len(self.sent) >= 4_096:
            self.sent = {}
        read = self.sent[text] = _SentAt(found)
        return read

    def admit(self, message, session, link, bytes header not None, double received):
        """The transaction of a usual message; None for any other."""
        cdef dict fields = message.fields
        cdef str mti = message.mti
        cdef object processing_code = element(fields, 3), stan_text = element(fields, 11)
        cdef object amount_text = element(fields, 4), currency_text = element(fields, 49)
        cdef object private = element(fields, 48), entry_mode_text = element(fields, 22), rrn = element(fields, 37)
        cdef object merchant_code = element(fields, 42), text
        cdef int64_t epoch_s, stan, amount = 0, currency = 0, entry_mode = 0
        cdef int64_t high, low, points = NOT_WANTED, credit = NOT_WANTED
        cdef char language = 0
        cdef uint64_t digest
        cdef _Kind kind
        cdef _Till till
        cdef _SentAt sent
        cdef Request request
        cdef Transaction transaction

        codes = self.kinds.get(mti)
        if codes is None or processing_code is None or element(fields, 63) is not None or element(fields, 90) is not None:
            return None
        kind = codes.get(processing_code)
        till = self.tills.get((element(fields, 32), element(fields, 41)))
        if kind is None or till is None or not session.admits(message):
            return None
        if merchant_code is not None and merchant_code != till.merchant_code:
            return None
        epoch_s = <int64_t><double>self.clock()
        text = element(fields, 7)
        sent = None if text is None else self.read_sent_at(text, epoch_s)
        if sent is None or not number_of(stan_text, DIGITS_MAX, &stan):
            return None
        if amount_text is None or currency_text is None:
            if not kind.needs_no_amount:
                return None
        if amount_text is not None and not number_of(amount_text, DIGITS_MAX, &amount):
            return None
        if currency_text is not None and not number_of(currency_text, DIGITS_MAX, &currency):
            return None
        if entry_mode_text and not entry_mode_of(entry_mode_text, &entry_mode):
            return None
        if private is not None and not wishes_of(private, &points, &credit, &language):
            return None
        if not self.token_of(fields, &high, &low):
            return None
        till.zone.turn_to(epoch_s)

        request = Request.__new__(Request)
        request.kind = kind.number
        request.advice = mti in self.advices
        request.amount = amount
        request.currency = currency
        request.local_day = till.zone.day
        request.local_month = till.zone.month
        request.hour = till.zone.hour
        request.weekday = till.zone.weekday
        request.day_of_month = till.zone.day_of_month
        request.entry_mode = entry_mode
        request.merchant = till.merchant
        request.institution = till.institution
        request.category = till.category
        request.points_wanted = points
        request.credit_wanted = credit
        request.replacement_amount = NOT_WANTED
        request.quantities = ()
        request.free_prices = ()
        request.budgets = ()

        transaction = Transaction(link, header, message, till.terminal, request, received, received + self.deadline_s)
        transaction.mti = int(mti)
        transaction.processing_code = int(processing_code)
        transaction.terminal_id = till.id
        transaction.key = sent.key + stan
        transaction.message_class = ord(mti[1]) - 48
        transaction.recent_key = (transaction.key, till.id, transaction.message_class)
        transaction.sent_on = sent.date
        transaction.sent_on_ordinal = sent.ordinal
        transaction.belongs_to((low & 0xFFFF) % self.shards, high)
        transaction.token_low = low
        digest = begin_fingerprint(high, low)
        for text in (processing_code, amount_text, currency_text, private, None):
            add_to_fingerprint(&digest, text)
        transaction.fingerprint = end_fingerprint(digest)
        transaction.currency = currency_text or NO_CURRENCY
        if till.business_date is None:
            transaction.business_date = till.zone.date
            transaction.business_ordinal = till.zone.ordinal
            transaction.settlement_date = till.zone.settlement_date
        else:
            transaction.business_date = till.business_date
            transaction.business_ordinal = till.business_ordinal
            transaction.settlement_date = till.settlement_date
        transaction.rrn = rrn or rrn_of(sent, stan)
        if points != NOT_WANTED or credit != NOT_WANTED:
            transaction.asked = asked_of(points, credit)
        if language:
            transaction.language = "fa" if language == b"f" else "en"
        transaction.suspect = mti in self.repeats
        transaction.to_pay_in_reply = kind.paying
        return transaction

    cdef bint token_of(self, dict fields, int64_t *high, int64_t *low) except -1:
        """The token of DE2, or of the card number in DE35; False without either."""
        cdef object text = element(fields, 2)
        cdef Py_ssize_t size = 0
        cdef const char *number
        cdef uint64_t halves[2]
        if text is not None:
            number = PyUnicode_AsUTF8AndSize(text, &size)
        else:
            text = element(fields, 35)
            if text is None:
                return False
            number = PyUnicode_AsUTF8AndSize(text, &size)
            size = card_number_bytes(number, size)
        if not 1 <= size <= BLOCK_BYTES:
            return False
        digest_short(self.token_state, <const uint8_t *>number, size, &halves[0], &halves[1])
        high[0] = <int64_t>halves[0]
        low[0] = <int64_t>halves[1]
        return True


cdef inline object element(dict fields, object number):
    """A data element, or None."""
    cdef PyObject *value = PyDict_GetItem(fields, number)
    return None if value is NULL else <object>value


cdef inline Py_ssize_t card_number_bytes(const char *track, Py_ssize_t size) noexcept:
    """How much of a track stands before its first separator, `=` or `D`."""
    cdef Py_ssize_t at
    for at in range(size):
        if track[at] == b"=" or track[at] == b"D":
            return at
    return size


cdef inline bint decimal(const char *digits, Py_ssize_t size, int64_t *number) noexcept:
    """Read digits; False if there are none, or anything else among them."""
    cdef int64_t value = 0
    cdef Py_ssize_t at
    for at in range(size):
        if not b"0" <= digits[at] <= b"9":
            return False
        value = value * 10 + (digits[at] - 48)
    number[0] = value
    return size > 0


cdef bint number_of(object text, Py_ssize_t digits_max, int64_t *number) except -1:
    """The number that a text is; False if it is none, or has too many digits."""
    cdef Py_ssize_t size
    cdef const char *digits
    if text is None:
        return False
    digits = PyUnicode_AsUTF8AndSize(text, &size)
    return size <= digits_max and decimal(digits, size, number)


cdef bint entry_mode_of(object text, int64_t *entry_mode) except -1:
    """The first two digits of DE22."""
    cdef Py_ssize_t size
    cdef const char *digits = PyUnicode_AsUTF8AndSize(text, &size)
    return decimal(digits, size if size < 2 else 2, entry_mode)


cdef bint wishes_of(object text, int64_t *points, int64_t *credit, char *language) except -1:
    """DE48 with no other tags than PT points, CR credit and LG language; False for any other, and if it is broken.

    `language` becomes the first letter of one that is spoken here, 0 for any other.
    """
    cdef Py_ssize_t size, at = 0
    cdef const char *data = PyUnicode_AsUTF8AndSize(text, &size)
    cdef int64_t length
    while at < size:
        if size - at < TLV_HEAD or not decimal(data + at + 2, 3, &length) or length > size - at - TLV_HEAD:
            return False
        if data[at] == b"L" and data[at + 1] == b"G":
            if not is_ascii(data + at + TLV_HEAD, length):
                return False
            language[0] = language_of(data + at + TLV_HEAD, length)
        elif data[at] == b"P" and data[at + 1] == b"T":
            if length > WISH_DIGITS_MAX or not decimal(data + at + TLV_HEAD, length, points):
                return False
        elif data[at] == b"C" and data[at + 1] == b"R":
            if length > WISH_DIGITS_MAX or not decimal(data + at + TLV_HEAD, length, credit):
                return False
        else:
            return False
        at += TLV_HEAD + length
    return True


cdef str asked_of(int64_t points, int64_t credit):
    """What the journal keeps of DE48."""
    cdef str asked = ""
    if points != NOT_WANTED:
        text = str(points)
        asked += f"PT{len(text):03d}{text}"
    if credit != NOT_WANTED:
        text = str(credit)
        asked += f"CR{len(text):03d}{text}"
    return asked


cdef inline char language_of(const char *data, Py_ssize_t size) noexcept:
    if size == 2 and ((data[0] == b"f" and data[1] == b"a") or (data[0] == b"e" and data[1] == b"n")):
        return data[0]
    return 0


cdef inline bint is_ascii(const char *data, Py_ssize_t size) noexcept:
    cdef Py_ssize_t at
    for at in range(size):
        if <uint8_t>data[at] > 0x7F:
            return False
    return True


cdef str rrn_of(_SentAt sent, int64_t stan):
    """DE37 for a till that sends none: last digit of the year, day of the year, hour, STAN."""
    cdef char[RRN_HEAD + STAN_DIGITS] out
    cdef int place
    if stan > 999_999:
        return sent.rrn_head.decode() + f"{stan:06d}"
    memcpy(out, PyBytes_AS_STRING(sent.rrn_head), RRN_HEAD)
    for place in range(RRN_HEAD + STAN_DIGITS - 1, RRN_HEAD - 1, -1):
        out[place] = <char>(48 + stan % 10)
        stan //= 10
    return PyUnicode_DecodeASCII(out, RRN_HEAD + STAN_DIGITS, NULL)
