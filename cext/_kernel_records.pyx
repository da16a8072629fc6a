# cython: language_level=3, boundscheck=True, wraparound=False, cdivision=True, freethreading_compatible=True
"""What a decision reads and writes, compiled: `cext/reference/records.py` says what each name means.

A programme's table is turned into C arrays when it is loaded; an account's lots are unpacked when it is made, its
counters and grants, which few messages touch, only checked.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport int32_t, int64_t, uint8_t
from libc.string cimport memcpy

cimport cython

from cext._kernel_arithmetic cimport BALANCE_MAX
from cext._kernel_counters cimport (
    COUNTER_BYTES,
    COUNTER_MOVES_MAX,
    COUNTERS_MAX,
    SLOTS_MAX,
    check_counter_moves,
    check_counters,
)
from cext._kernel_grants cimport GRANT_BYTES, GRANTS_MAX, check_grant_moves, check_grants
from cext._kernel_loading cimport load, unload
from cext._kernel_lots cimport DEFICIT_MONTH, LOT_BYTES, LOT_SLOTS, LOTS_MAX, MOVES_MAX, Lot, read_lot, write_lot
from cext._kernel_reserves cimport (
    HOLDS_MAX,
    RECENT_DAYS_MAX,
    RESERVE_BYTES,
    RESERVES_MAX,
    check_recent,
    check_reserve_moves,
    check_reserves,
)
from cext._kernel_recent cimport SPEND_DAYS
from cext._kernel_table cimport BUDGETS_MAX, FACTS_MAX, LOOKUPS_MAX, RULES_MAX, VALUES_PER_GRANT_MAX
from cext._kernel_table cimport FACTS as FACTS_COUNT

from cext import programme_table
from cext.reference.conditions import Programme as _ReferenceProgramme

FACTS = tuple(fact.name.lower() for fact in programme_table.Fact)

cdef enum:
    BASKET_ITEMS_MAX = 256

_BOUNDS = {
    "RULES_MAX": RULES_MAX,
    "FACTS_MAX": FACTS_MAX,
    "LOOKUPS_MAX": LOOKUPS_MAX,
    "VALUES_PER_GRANT_MAX": VALUES_PER_GRANT_MAX,
    "LOTS_MAX": LOTS_MAX,
    "MOVES_MAX": MOVES_MAX,
    "COUNTERS_MAX": COUNTERS_MAX,
    "COUNTER_MOVES_MAX": COUNTER_MOVES_MAX,
    "GRANTS_MAX": GRANTS_MAX,
    "RESERVES_MAX": RESERVES_MAX,
    "HOLDS_MAX": HOLDS_MAX,
    "RECENT_DAYS_MAX": RECENT_DAYS_MAX,
    "SPEND_DAYS": SPEND_DAYS,
    "SLOTS_MAX": SLOTS_MAX,
    "BASKET_ITEMS_MAX": BASKET_ITEMS_MAX,
    "BUDGETS_MAX": BUDGETS_MAX,
    "BALANCE_MAX": BALANCE_MAX,
}
if FACTS_COUNT != len(FACTS) or any(getattr(programme_table, name) != bound for name, bound in _BOUNDS.items()):
    raise ImportError("cext._kernel was built for another cext.programme_table: build it again")


cdef bytes pack_lots(const Lot *lots, int32_t count):
    cdef bytes packed
    cdef uint8_t *at
    cdef int32_t i
    if count == 0:
        return b""
    packed = PyBytes_FromStringAndSize(NULL, count * LOT_BYTES)
    at = <uint8_t *>PyBytes_AS_STRING(packed)
    for i in range(count):
        write_lot(at + i * LOT_BYTES, lots[i])
    return packed


cdef list unpack_lots(const Lot *lots, int32_t count):
    cdef int32_t i
    return [(lots[i].month, lots[i].points) for i in range(count)]


cdef tuple items_of(str name, tuple items, Py_ssize_t most=BASKET_ITEMS_MAX):
    """The same numbers, each known to fit 64 bits and to hold nothing else."""
    cdef list kept = []
    cdef int64_t item
    if not items:
        return ()
    if len(items) > most:
        raise ValueError(f"{name} has at most {most} entries")
    for item in items:
        kept.append(item)
    return tuple(kept)


@cython.final
cdef class Programme:
    """A compiled programme (`cext.programme_table`). Raises ValueError for a table that is unsafe to walk."""

    def __cinit__(self, table):
        # The reference checks a table once for both: it is not on the hot path, and one set of checks cannot differ.
        _ReferenceProgramme(table)
        self.table = table
        self.currency, self.point_value, self.expiry_months, self.deficit_allowed, most, of = table[0][:6]
        self.pending_days, self.tier_year_month, self.tier_grace_days = table[0][6:]
        self.compiled.most_discount_n = most
        self.compiled.most_discount_d = of
        load(&self.compiled, table)

    def __dealloc__(self):
        unload(&self.compiled)


@cython.final
@cython.freelist(256)
cdef class Account:
    """The row that a decision reads and, by an approval with an effect, changes. `version` is the store's."""

    def __init__(
        self,
        int64_t shard,
        int64_t id,
        int64_t version,
        int64_t programme,
        int64_t status,
        int64_t points,
        int64_t credit,
        int64_t visits,
        int64_t spend,
        int64_t first_visit,
        int64_t last_visit,
        int64_t tier,
        int64_t tier_points,
        int64_t enrolled_day,
        bytes lots not None,
        int64_t club=0,
        int64_t born=0,
        bytes counters not None=b"",
        bytes grants not None=b"",
        bytes reserves not None=b"",
        bytes recent not None=b"",
        int64_t tier_year=0,
        int64_t tier_kept=0,
        int64_t flags=0,
    ):
        self.shard = shard
        self.id = id
        self.version = version
        self.programme = programme
        self.status = status
        self.points = points
        self.credit = credit
        self.visits = visits
        self.spend = spend
        self.first_visit = first_visit
        self.last_visit = last_visit
        self.tier = tier
        self.tier_points = tier_points
        self.enrolled_day = enrolled_day
        self.unpack(<const uint8_t *>PyBytes_AS_STRING(lots), PyBytes_GET_SIZE(lots))
        self.club = club
        self.born = born
        self.counters = counters
        self.grants = grants
        self.reserves = reserves
        self.recent = recent
        self.tier_year = tier_year
        self.tier_kept = tier_kept
        self.flags = flags

    cdef int unpack(self, const uint8_t *at, Py_ssize_t size) except -1:
        cdef Py_ssize_t i, count = size // LOT_BYTES
        cdef int32_t previous = DEFICIT_MONTH - 1
        cdef Lot lot
        if size % LOT_BYTES:
            raise ValueError("packed lots must be 10 bytes each")
        if count > LOT_SLOTS:
            raise ValueError(f"an account has at most {LOTS_MAX} lots")
        self.count = 0
        for i in range(count):
            lot = read_lot(at + i * LOT_BYTES)
            if lot.month <= previous:
                raise ValueError("lots must be sorted by month, each month once, from -1")
            if (lot.points > 0) == (lot.month == DEFICIT_MONTH) or lot.points == 0:
                raise ValueError("a lot must be above zero, the deficit lot below")
            previous = lot.month
            self._lots[i] = lot
        if count == LOT_SLOTS and self._lots[0].month != DEFICIT_MONTH:
            raise ValueError(f"an account has at most {LOTS_MAX} lots")
        self.count = <int32_t>count
        return 0

    @property
    def lots(self):
        """The lots, packed by rising month: 10 bytes each, big-endian int16 month and int64 points."""
        return pack_lots(self._lots, self.count)

    @lots.setter
    def lots(self, bytes packed not None):
        self.unpack(<const uint8_t *>PyBytes_AS_STRING(packed), PyBytes_GET_SIZE(packed))

    @property
    def counters(self):
        """Packed by slot: 14 bytes each, big-endian uint16 slot, int32 number of the period and int64 value."""
        return self.packed_counters

    @counters.setter
    def counters(self, bytes packed not None):
        if PyBytes_GET_SIZE(packed):
            check_counters(packed)
        self.packed_counters = packed

    @property
    def grants(self):
        """Packed by slot, 40 bytes each; see `cext/reference/grants.py`."""
        return self.packed_grants

    @grants.setter
    def grants(self, bytes packed not None):
        if PyBytes_GET_SIZE(packed):
            check_grants(packed)
        self.packed_grants = packed

    @property
    def reserves(self):
        """Packed by key and until, 32 bytes each; see `cext/reference/reserves.py`."""
        return self.packed_reserves

    @reserves.setter
    def reserves(self, bytes packed not None):
        if PyBytes_GET_SIZE(packed):
            check_reserves(packed)
        self.packed_reserves = packed

    @property
    def recent(self):
        """The spend of the last days, 12 bytes each; see `cext/reference/recent.py`."""
        return self.packed_recent

    @recent.setter
    def recent(self, bytes packed not None):
        if PyBytes_GET_SIZE(packed):
            check_recent(packed)
        self.packed_recent = packed

    @property
    def lot_list(self):
        """[(month, points)] by month; month -1 is the deficit lot."""
        return unpack_lots(self._lots, self.count)

    def copy(self):
        """A copy that may be decided on without touching this one."""
        cdef Account other = Account.__new__(Account)
        other.shard = self.shard
        other.id = self.id
        other.version = self.version
        other.programme = self.programme
        other.status = self.status
        other.points = self.points
        other.credit = self.credit
        other.visits = self.visits
        other.spend = self.spend
        other.first_visit = self.first_visit
        other.last_visit = self.last_visit
        other.tier = self.tier
        other.tier_points = self.tier_points
        other.enrolled_day = self.enrolled_day
        other.club = self.club
        other.born = self.born
        other.packed_counters = self.packed_counters
        other.packed_grants = self.packed_grants
        other.packed_reserves = self.packed_reserves
        other.packed_recent = self.packed_recent
        other.tier_year = self.tier_year
        other.tier_kept = self.tier_kept
        other.flags = self.flags
        other.count = self.count
        memcpy(other._lots, self._lots, self.count * sizeof(Lot))
        return other


@cython.final
cdef class Original:
    """What the journal knows of the message that a refund or a reversal names; see the reference for the signs."""

    def __init__(
        self,
        int64_t kind,
        bint rc_approved,
        int64_t amount,
        int64_t points_earned,
        int64_t points_redeemed,
        int64_t credit_granted,
        int64_t credit_spent,
        int64_t discount,
        int64_t to_pay,
        bytes lots_moved not None,
        int64_t refunded_amount=0,
        int64_t refunded_points_earned=0,
        int64_t refunded_points_redeemed=0,
        int64_t refunded_credit_granted=0,
        int64_t refunded_credit_spent=0,
        bint reversed=False,
        bytes refunded_lots not None=b"",
        bytes counters_moved not None=b"",
        bytes grants_moved not None=b"",
        bytes refunded_counters not None=b"",
        bytes reserves_moved not None=b"",
        bytes refunded_reserves not None=b"",
        int64_t local_month=-1,
        int64_t refunded_discount=0,
        int64_t refunded_to_pay=0,
    ):
        if PyBytes_GET_SIZE(lots_moved) % LOT_BYTES or PyBytes_GET_SIZE(refunded_lots) % LOT_BYTES:
            raise ValueError("packed lots must be 10 bytes each")
        if PyBytes_GET_SIZE(lots_moved) > MOVES_MAX * LOT_BYTES:
            raise ValueError(f"lots_moved has at most {MOVES_MAX} entries")
        check_counter_moves(counters_moved)
        if PyBytes_GET_SIZE(counters_moved) > COUNTER_MOVES_MAX * COUNTER_BYTES:
            raise ValueError(f"counters_moved has at most {COUNTER_MOVES_MAX} entries")
        check_counter_moves(refunded_counters)
        check_grant_moves(grants_moved)
        if PyBytes_GET_SIZE(grants_moved) > GRANTS_MAX * GRANT_BYTES:
            raise ValueError(f"grants_moved has at most {GRANTS_MAX} entries")
        check_reserve_moves(reserves_moved)
        if PyBytes_GET_SIZE(reserves_moved) > RESERVES_MAX * RESERVE_BYTES:
            raise ValueError(f"reserves_moved has at most {RESERVES_MAX} entries")
        check_reserve_moves(refunded_reserves)
        self.kind = kind
        self.rc_approved = rc_approved
        self.amount = amount
        self.points_earned = points_earned
        self.points_redeemed = points_redeemed
        self.credit_granted = credit_granted
        self.credit_spent = credit_spent
        self.discount = discount
        self.to_pay = to_pay
        self.lots_moved = lots_moved
        self.refunded_amount = refunded_amount
        self.refunded_points_earned = refunded_points_earned
        self.refunded_points_redeemed = refunded_points_redeemed
        self.refunded_credit_granted = refunded_credit_granted
        self.refunded_credit_spent = refunded_credit_spent
        self.reversed = reversed
        self.refunded_lots = refunded_lots
        self.counters_moved = counters_moved
        self.grants_moved = grants_moved
        self.refunded_counters = refunded_counters
        self.reserves_moved = reserves_moved
        self.refunded_reserves = refunded_reserves
        self.local_month = local_month
        self.refunded_discount = refunded_discount
        self.refunded_to_pay = refunded_to_pay


@cython.final
@cython.no_gc
@cython.freelist(256)
cdef class Request:
    """One message: amounts in minor units, `now` in epoch seconds, the calendar in the programme's zone."""

    # It holds no container but tuples of numbers and an Original, which holds none: no cycle can be made, so that the
    # collector is not bothered.

    def __init__(
        self,
        int64_t kind,
        bint advice,
        int64_t amount,
        int64_t currency,
        int64_t now,
        int64_t local_day,
        int64_t local_month,
        int64_t hour,
        int64_t weekday,
        int64_t day_of_month,
        int64_t entry_mode,
        int64_t merchant,
        int64_t institution,
        int64_t category,
        int64_t points_wanted=-1,
        int64_t credit_wanted=-1,
        Original original=None,
        int64_t replacement_amount=-1,
        int64_t event=0,
        tuple quantities not None=(),
        tuple free_prices not None=(),
        bint has_basket=False,
        int64_t reward=0,
        int64_t hold_key=0,
        int64_t hold_until=0,
        tuple budgets not None=(),
    ):
        self.kind = kind
        self.advice = advice
        self.amount = amount
        self.currency = currency
        self.now = now
        self.local_day = local_day
        self.local_month = local_month
        self.hour = hour
        self.weekday = weekday
        self.day_of_month = day_of_month
        self.entry_mode = entry_mode
        self.merchant = merchant
        self.institution = institution
        self.category = category
        self.points_wanted = points_wanted
        self.credit_wanted = credit_wanted
        self.original = original
        self.replacement_amount = replacement_amount
        self.event = event
        self.quantities = items_of("quantities", quantities)
        self.free_prices = items_of("free_prices", free_prices)
        self.has_basket = has_basket
        self.reward = reward
        self.hold_key = hold_key
        self.hold_until = hold_until
        self.budgets = items_of("budgets", budgets, BUDGETS_MAX)

    cpdef int be_at(self, tuple local) except -1:
        """Take the calendar from a local time: day, month, hour, weekday and day of the month."""
        self.local_day, self.local_month, self.hour, self.weekday, self.day_of_month = local
        return 0

    def carry(
        self,
        *,
        int64_t event,
        tuple quantities not None,
        tuple free_prices not None,
        bint has_basket,
        int64_t reward,
    ):
        """Take what the message told beside the amount, in the numbers of the programme that decides."""
        self.event = event
        self.quantities = items_of("quantities", quantities)
        self.free_prices = items_of("free_prices", free_prices)
        self.has_basket = has_basket
        self.reward = reward


@cython.final
@cython.freelist(256)
cdef class Decision:
    """The answer and its legs; see the reference for the signs."""

    def __init__(
        self,
        str rc not None,
        int64_t points_earned=0,
        int64_t points_redeemed=0,
        int64_t points_expired=0,
        int64_t points_adjusted=0,
        int64_t credit_granted=0,
        int64_t credit_spent=0,
        int64_t discount=0,
        int64_t to_pay=0,
        int64_t points_balance=0,
        int64_t credit_balance=0,
        bytes lots_moved not None=b"",
        bytes rules not None=b"",
        bint changed=False,
        bytes counters_moved not None=b"",
        bytes grants_moved not None=b"",
        int64_t tier_after=0,
        bytes reserves_moved not None=b"",
        int64_t points_pending=0,
        int64_t points_held=0,
        int64_t credit_held=0,
    ):
        self.rc = rc
        self.points_earned = points_earned
        self.points_redeemed = points_redeemed
        self.points_expired = points_expired
        self.points_adjusted = points_adjusted
        self.credit_granted = credit_granted
        self.credit_spent = credit_spent
        self.discount = discount
        self.to_pay = to_pay
        self.points_balance = points_balance
        self.credit_balance = credit_balance
        self.lots_moved = lots_moved
        self.rules = rules
        self.changed = changed
        self.counters_moved = counters_moved
        self.grants_moved = grants_moved
        self.tier_after = tier_after
        self.reserves_moved = reserves_moved
        self.points_pending = points_pending
        self.points_held = points_held
        self.credit_held = credit_held

    @property
    def rule_list(self):
        """Indexes of the rules that fired, in the programme's order of evaluation."""
        cdef const uint8_t *at = <const uint8_t *>PyBytes_AS_STRING(self.rules)
        cdef Py_ssize_t i
        return [(at[2 * i] << 8) | at[2 * i + 1] for i in range(PyBytes_GET_SIZE(self.rules) // 2)]
