# cython: language_level=3, boundscheck=True, wraparound=False, cdivision=True, freethreading_compatible=True
"""The replay's inner loop: rows of the journal through a draft, and who gave what, without a Python object a message but
the decision's own.

`cext/reference/replay.py` says in plain Python what is done here; one suite runs over both. Numbers too large to be split
in 64 bits go through `cext.reference.attribution`.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Calloc, PyMem_Free
from cpython.tuple cimport PyTuple_GET_SIZE
from libc.stdint cimport int32_t, int64_t, uint8_t

cimport cython

from cext._kernel_lots cimport LOT_BYTES, Lot, read_lot, write_lot
from cext._kernel_records cimport Account, Decision, Programme, Request
from cext._kernel_reserves cimport PENDING, RESERVE_BYTES, read_reserve

from cext._kernel import decide
from cext.programme_table import UNBOUNDED_BUDGETS, Effect
from cext.reference.attribution import LEG_OF, NOTHING_KNOWN, Given, combination
from cext.reference.replay import Folded, Moved, Sums

cdef enum:
    RULES_SPLIT_MAX = 24
    MONTHS_MAX = 256
    LEGS = 3
    POINTS = 0
    DISCOUNT = 2
    KIND_CREDIT_PURCHASE = 3
    KIND_EVENT = 7
    KIND_GIFT = 11
    QUARTER_S = 900
    SUMS = 10
    DECLINED = 9

cdef enum:
    SEQ = 0
    AT = 1
    KIND = 2
    AMOUNT = 3
    CURRENCY = 4
    MERCHANT = 5
    INSTITUTION = 6
    CATEGORY = 7
    ENTRY_MODE = 8
    VERSION = 9
    POINTS_EARNED = 10
    POINTS_REDEEMED = 11
    POINTS_EXPIRED = 12
    POINTS_ADJUSTED = 13
    CREDIT_GRANTED = 14
    CREDIT_SPENT = 15
    DISCOUNT_GIVEN = 16
    TO_PAY = 17
    LOTS_MOVED = 18
    RULES = 19
    ORIGINAL_SEQ = 22
    ASKED = 23
    RESERVES_MOVED = 24
    ROW_LENGTH = 25
    MOMENT_LENGTH = 5
    BASKET_LENGTH = 6
    AS_THEY_WERE = -2

cdef int64_t FACTOR_SPLIT_MAX = 1_000_000
cdef int64_t AMOUNT_SPLIT_MAX = 1_000_000_000_000
cdef int64_t WEIGHT_MAX = 3_000_000_000
"""Products of two of these, and of an amount and a factor, stay inside 64 bits."""

cdef int POINTS_PER = int(Effect.POINTS_PER)
cdef int MULTIPLY = int(Effect.MULTIPLY)
cdef int DISCOUNT_RATE = int(Effect.DISCOUNT_RATE)
cdef int CREDIT_RATE = int(Effect.CREDIT_RATE)
cdef int FREE_ITEM = int(Effect.FREE_ITEM)
cdef str APPROVED = "00"


cdef struct EffectOf:
    int32_t giver
    int32_t leg
    int32_t effect
    int64_t n
    int64_t d
    int64_t cap


cdef inline int64_t capped(int64_t value, int64_t cap) noexcept nogil:
    return value if cap < 0 or value < cap else cap


@cython.final
cdef class _Entry:
    """A combination of rules, and what it gave: for each leg and giver a sum."""

    cdef object combination
    cdef int64_t fired
    cdef bint is_small
    cdef int32_t givers[LEGS]
    cdef int64_t dealt[LEGS][RULES_SPLIT_MAX]
    cdef EffectOf *effects
    cdef int32_t effects_count

    def __cinit__(self, made):
        cdef int32_t i, leg
        self.combination = made
        self.effects_count = <int32_t>len(made.effects)
        self.effects = <EffectOf *>PyMem_Calloc(self.effects_count + 1, sizeof(EffectOf))
        if self.effects == NULL:
            raise MemoryError
        self.is_small = True
        for leg in range(LEGS):
            self.givers[leg] = <int32_t>len(made.givers[leg])
            self.is_small = self.is_small and self.givers[leg] <= RULES_SPLIT_MAX
        for i, (rule, (effect, n, d, cap, _)) in enumerate(made.effects):
            leg = LEG_OF[effect]
            self.effects[i].leg = leg
            self.effects[i].giver = <int32_t>made.givers[leg].index(rule)
            self.effects[i].effect = effect
            self.effects[i].n = n
            self.effects[i].d = d
            self.effects[i].cap = cap
            self.is_small = self.is_small and n <= FACTOR_SPLIT_MAX
        self.clear()

    def __dealloc__(self):
        PyMem_Free(self.effects)

    cdef void clear(self) noexcept:
        cdef int32_t leg, i
        self.fired = 0
        for leg in range(LEGS):
            for i in range(RULES_SPLIT_MAX):
                self.dealt[leg][i] = 0

    cdef bint weigh(self, int leg, int64_t discount, int64_t amount, int64_t paid, int64_t *weights) noexcept:
        """What each giver of a leg would give; False if that is too large to be split here."""
        cdef int32_t i
        cdef int64_t base = 0, would
        cdef EffectOf e
        for i in range(self.givers[leg]):
            weights[i] = 0
        if leg == POINTS:
            for i in range(self.effects_count):
                e = self.effects[i]
                if e.effect == POINTS_PER:
                    would = capped(e.n * (paid // e.d), e.cap)
                    base += would
                    if base > WEIGHT_MAX:
                        return False
                    weights[e.giver] += would
        for i in range(self.effects_count):
            e = self.effects[i]
            if e.leg != leg or e.effect == POINTS_PER:
                continue
            if e.effect == MULTIPLY:
                would = capped(base * e.n // e.d - base, e.cap)
                if would < 0:
                    would = 0
                base += would
            elif e.effect == DISCOUNT_RATE or e.effect == CREDIT_RATE:
                would = capped((amount if leg == DISCOUNT else paid) * e.n // e.d, e.cap)
            elif e.effect == FREE_ITEM:
                would = capped(discount, e.cap)
            else:
                would = capped(e.n, e.cap)
            weights[e.giver] += would
            if weights[e.giver] > WEIGHT_MAX or base > WEIGHT_MAX:
                return False
        return True

    cdef bint split(self, int leg, int64_t total, const int64_t *weights) noexcept:
        """Deal a total above zero out by largest remainders; False, with nothing dealt, if it is too large."""
        cdef int32_t i, best, count = self.givers[leg]
        cdef int64_t whole = 0, rest = total, product
        cdef int64_t remainders[RULES_SPLIT_MAX]
        for i in range(count):
            whole += weights[i]
        if total < 0 or total > WEIGHT_MAX or whole > WEIGHT_MAX:
            return False
        if whole == 0:
            self.dealt[leg][0] += total
            return True
        for i in range(count):
            product = total * weights[i]
            remainders[i] = product % whole
            self.dealt[leg][i] += product // whole
            rest -= product // whole
        while rest > 0:
            best = 0
            for i in range(1, count):
                if remainders[i] > remainders[best]:
                    best = i
            remainders[best] = -1
            self.dealt[leg][best] += 1
            rest -= 1
        return True


@cython.final
cdef class Tally:
    """What a programme gave, by the index of the rule. Without a table (the version is unknown) no rule gave it."""

    cdef object table
    cdef dict known, dealt

    def __init__(self, table):
        self.table = table
        self.known = {}
        self.dealt = {}

    cdef _Entry entry(self, bytes rules):
        cdef object found = self.known.get(rules)
        if found is None:
            found = _Entry(NOTHING_KNOWN if self.table is None else combination(self.table, rules))
            self.known[rules] = found
        return <_Entry>found

    def combination(self, bytes rules not None):
        """The rules of a decision's `rules`."""
        return self.entry(rules).combination

    def take(self, bytes rules not None, given):
        """Count a message's rules, and what they gave."""
        points, credit, discount, amount, paid = given
        self.count(self.entry(rules), points, credit, discount, amount, paid)

    cdef int count(
        self, _Entry entry, int64_t points, int64_t credit, int64_t discount, int64_t amount, int64_t paid
    ) except -1:
        cdef int64_t weights[RULES_SPLIT_MAX]
        cdef int64_t totals[LEGS]
        cdef int leg
        cdef bint is_small = entry.is_small and 0 <= amount <= AMOUNT_SPLIT_MAX and 0 <= paid <= AMOUNT_SPLIT_MAX
        totals[0] = points
        totals[1] = credit
        totals[2] = discount
        entry.fired += 1
        for leg in range(LEGS):
            if totals[leg] == 0:
                continue
            if entry.givers[leg] == 1:
                entry.dealt[leg][0] += totals[leg]
                continue
            if entry.givers[leg] > 1 and is_small and entry.weigh(leg, discount, amount, paid, weights):
                if entry.split(leg, totals[leg], weights):
                    continue
            self.deal(
                entry.combination.shares(
                    Given(
                        points if leg == 0 else 0, credit if leg == 1 else 0, discount if leg == 2 else 0, amount, paid
                    )
                )
            )
        return 0

    def deal(self, dict shares not None):
        """Count what is dealt out to rules already."""
        cdef list kept
        for rule, parts in shares.items():
            kept = self.dealt.setdefault(rule, [0, 0, 0])
            for leg, part in enumerate(parts):
                kept[leg] += part

    def sums(self):
        """How often each rule fired, its points, credit and discount; then begin again."""
        cdef _Entry entry
        fired = {}
        for entry in self.known.values():
            if not entry.fired:
                continue
            for rule in entry.combination.rules:
                fired[rule] = fired.get(rule, 0) + entry.fired
            for leg in range(LEGS):
                for i, rule in enumerate(entry.combination.givers[leg]):
                    if i < RULES_SPLIT_MAX and entry.dealt[leg][i]:
                        self.dealt.setdefault(rule, [0, 0, 0])[leg] += entry.dealt[leg][i]
            entry.clear()
        dealt = self.dealt
        self.dealt = {}
        return {rule: (fired.get(rule, 0), *dealt.get(rule, (0, 0, 0))) for rule in sorted({*fired, *dealt})}


cdef class _Months:
    """Points by month, for the few dozen months that an account ever sees."""

    cdef int32_t count
    cdef int32_t months[MONTHS_MAX]
    cdef int64_t points[MONTHS_MAX]

    cdef int add(self, int32_t month, int64_t points) except -1:
        cdef int32_t i = self.count, j
        while i > 0 and self.months[i - 1] > month:
            i -= 1
        if i > 0 and self.months[i - 1] == month:
            self.points[i - 1] += points
            return 0
        if self.count == MONTHS_MAX:
            raise ValueError(f"an account moves lots of at most {MONTHS_MAX} months")
        for j in range(self.count, i, -1):
            self.months[j] = self.months[j - 1]
            self.points[j] = self.points[j - 1]
        self.months[i] = month
        self.points[i] = points
        self.count += 1
        return 0

    cdef bytes packed(self):
        cdef int32_t i, kept = 0
        cdef uint8_t *at
        cdef Lot lot
        cdef bytes made
        for i in range(self.count):
            kept += self.points[i] != 0
        made = PyBytes_FromStringAndSize(NULL, kept * LOT_BYTES)
        at = <uint8_t *>PyBytes_AS_STRING(made)
        for i in range(self.count):
            if self.points[i] != 0:
                lot.month = self.months[i]
                lot.points = self.points[i]
                write_lot(at, lot)
                at += LOT_BYTES
        return made


cdef inline tuple tuple_of(object found, Py_ssize_t length):
    """A tuple of this length, named or not; TypeError otherwise."""
    if not isinstance(found, tuple) or PyTuple_GET_SIZE(found) != length:
        raise TypeError(f"a tuple of {length} was expected")
    return <tuple>found


def moved(rows not None):
    """The sum of rows. `spent` is of purchases only: what was undone is not taken off."""
    cdef int64_t points = 0, credit = 0, earned = 0, purchases = 0, spent = 0, gained, kind
    cdef _Months months = _Months()
    cdef object item
    cdef tuple row
    cdef bytes packed
    cdef const uint8_t *at
    cdef Py_ssize_t i
    cdef Lot lot
    for item in rows:
        row = tuple_of(item, ROW_LENGTH)
        gained = row[POINTS_EARNED]
        kind = row[KIND]
        # Gifts count towards no tier.
        if kind != KIND_GIFT:
            earned += gained
        points += gained - <int64_t>row[POINTS_REDEEMED] - <int64_t>row[POINTS_EXPIRED] + <int64_t>row[POINTS_ADJUSTED]
        credit += <int64_t>row[CREDIT_GRANTED] - <int64_t>row[CREDIT_SPENT]
        if 1 <= kind <= KIND_CREDIT_PURCHASE:
            purchases += 1
            spent += <int64_t>row[AMOUNT]
        packed = row[LOTS_MOVED]
        if packed is not None:
            if PyBytes_GET_SIZE(packed) % LOT_BYTES:
                raise ValueError("packed lots must be 10 bytes each")
            at = <const uint8_t *>PyBytes_AS_STRING(packed)
            for i in range(PyBytes_GET_SIZE(packed) // LOT_BYTES):
                lot = read_lot(at + i * LOT_BYTES)
                months.add(lot.month, lot.points)
    return Moved(points, credit, earned, purchases, spent, months.packed())


cdef inline bint is_plain(tuple row, dict live) except -1:
    cdef int64_t kind = row[KIND]
    if not (1 <= kind <= KIND_CREDIT_PURCHASE or kind == KIND_EVENT):
        return False
    return row[ORIGINAL_SEQ] is None and row[VERSION] in live and not ends_holds(row[RESERVES_MOVED])


cdef inline bint ends_holds(bytes moved) noexcept:
    """Whether anything but what is pending was moved."""
    cdef const uint8_t *at
    cdef Py_ssize_t i
    if moved is None:
        return False
    at = <const uint8_t *>PyBytes_AS_STRING(moved)
    for i in range(PyBytes_GET_SIZE(moved) // RESERVE_BYTES):
        if read_reserve(at + i * RESERVE_BYTES).key != PENDING:
            return True
    return False


cdef object sums_of(const int64_t *sums):
    cdef int i
    return Sums(*[sums[i] for i in range(SUMS)])


def fold(
    Programme programme not None,
    Account account not None,
    rows not None,
    int64_t end_s,
    dict moments not None,
    moment_of,
    read,
    dict live not None,
    Tally draft not None,
):
    """Decide an account's rows before `end_s` again and add both sides up; see the reference."""
    cdef int64_t ours[SUMS]
    cdef int64_t theirs[SUMS]
    cdef int64_t at, kind, amount, paid
    cdef int64_t messages = 0
    cdef int i
    cdef tuple row, moment, basket
    cdef tuple nothing = tuple_of(read(""), BASKET_LENGTH)
    cdef object item, found, quarter, version, last_version = None
    cdef bytes rules
    cdef Tally tally = None
    cdef set fired = None, draft_fired = set()
    cdef dict live_fired = {}
    cdef Request request = Request(1, True, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, budgets=UNBOUNDED_BUDGETS)
    cdef Decision decision
    for item in rows:
        if not is_plain(tuple_of(item, ROW_LENGTH), live):
            return None
    for i in range(SUMS):
        ours[i] = 0
        theirs[i] = 0
    for item in rows:
        row = tuple_of(item, ROW_LENGTH)
        at = row[AT]
        if at >= end_s:
            break
        messages += 1
        kind = row[KIND]
        amount = row[AMOUNT]
        quarter = at // QUARTER_S
        found = moments.get(quarter)
        if found is None:
            found = moments[quarter] = moment_of(quarter * QUARTER_S)
        moment = tuple_of(found, MOMENT_LENGTH)
        request.kind = kind
        request.amount = amount
        request.currency = row[CURRENCY]
        request.now = at
        request.local_day = moment[0]
        request.local_month = moment[1]
        request.hour = moment[2]
        request.weekday = moment[3]
        request.day_of_month = moment[4]
        request.entry_mode = row[ENTRY_MODE]
        request.merchant = row[MERCHANT]
        request.institution = row[INSTITUTION]
        request.category = row[CATEGORY]
        request.credit_wanted = row[CREDIT_SPENT]
        basket = nothing if row[ASKED] is None else tuple_of(read(row[ASKED]), BASKET_LENGTH)
        request.event = basket[0]
        request.quantities = basket[1]
        request.free_prices = basket[2]
        request.has_basket = basket[3]
        request.reward = basket[4]
        request.points_wanted = row[POINTS_REDEEMED] if basket[5] == AS_THEY_WERE else basket[5]
        decision = decide(programme, account, request)

        version = row[VERSION]
        if version != last_version:
            last_version = version
            tally = live[version]
            fired = live_fired.setdefault(version, set())
        paid = row[TO_PAY]
        if kind != KIND_EVENT:
            ours[0] += 1
            ours[1] += amount
            ours[2] += paid
        for i in range(3):
            ours[3 + i] += <int64_t>row[POINTS_EARNED + i]
            ours[6 + i] += <int64_t>row[CREDIT_GRANTED + i]
        rules = row[RULES]
        if rules is None:
            rules = b""
        tally.count(
            tally.entry(rules), row[POINTS_EARNED], row[CREDIT_GRANTED], row[DISCOUNT_GIVEN], amount, paid
        )
        fired.add(rules)

        if decision.rc != APPROVED:
            theirs[DECLINED] += 1
            continue
        if kind != KIND_EVENT:
            theirs[0] += 1
            theirs[1] += amount
            theirs[2] += decision.to_pay
        theirs[3] += decision.points_earned
        theirs[4] += decision.points_redeemed
        theirs[5] += decision.points_expired
        theirs[6] += decision.credit_granted
        theirs[7] += decision.credit_spent
        theirs[8] += decision.discount
        draft.count(
            draft.entry(decision.rules), decision.points_earned, decision.credit_granted, decision.discount, amount,
            decision.to_pay,
        )
        draft_fired.add(decision.rules)
    return Folded(messages, sums_of(ours), sums_of(theirs), live_fired, draft_fired)
