# cython: language_level=3, boundscheck=True, wraparound=False, cdivision=True, freethreading_compatible=True
"""The decision: `decide(programme, account, request) -> Decision`, pure, over C structs.

`cext/reference/kernel.py` says in plain Python what is done here, and `cext/programme_table.py` what a programme is
made of; one suite runs over both. Lots are worked on in a copy (`_kernel_lots`) that is kept only if the decision is
an approval whose balances stay inside their bounds.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Calloc, PyMem_Free
from libc.stdint cimport int32_t, int64_t, uint8_t
from libc.string cimport memcpy

cimport cython

from cext._kernel_conditions cimport (
    AMOUNT,
    CATEGORY,
    CREDIT,
    CREDIT_AMOUNT,
    CREDIT_RATE,
    CURRENCY,
    DAY_OF_MONTH,
    DAYS_SINCE_ENROLMENT,
    DAYS_SINCE_LAST,
    DISCOUNT_AMOUNT,
    DISCOUNT_RATE,
    ENTRY_MODE,
    EXISTS,
    FACT_SLOTS,
    HOUR,
    INSTITUTION,
    LEG_MAX,
    MEAN_AMOUNT,
    MEAN_GAP,
    MERCHANT,
    MULTIPLY_POINTS,
    POINTS,
    RULES_MAX,
    SPEND,
    TIER,
    VISITS,
    WEEKDAY,
    EffectRow,
    Instruction,
    Rule,
    Table,
    credit_of,
    discount_of,
    encode,
    fire,
    floor_divide,
    points_of,
    share,
)
from cext._kernel_conditions cimport FACTS as FACTS_COUNT
from cext._kernel_lots cimport (
    BALANCE_MAX,
    DEFICIT_MONTH,
    LOT_BYTES,
    LOT_SLOTS,
    LOTS_MAX,
    MOVES_MAX,
    Lot,
    Working,
    add,
    lapse,
    larger,
    read_lot,
    smaller,
    spendable,
    take_earliest,
    within_bounds,
    write_lot,
)
from cext._kernel_undo cimport Moves, Packed, Part, claw_back, give_back, movable, part_of, split_moves

from cext import programme_table
from cext.reference.conditions import Programme as _ReferenceProgramme

cdef enum:
    KIND_PURCHASE = 1
    KIND_REDEMPTION = 2
    KIND_CREDIT_PURCHASE = 3
    KIND_REFUND = 4
    KIND_REVERSAL = 5
    KIND_INQUIRY = 6

PURCHASE = KIND_PURCHASE
REDEMPTION = KIND_REDEMPTION
CREDIT_PURCHASE = KIND_CREDIT_PURCHASE
REFUND = KIND_REFUND
REVERSAL = KIND_REVERSAL
INQUIRY = KIND_INQUIRY

FACTS = tuple(fact.name.lower() for fact in programme_table.Fact)

if (FACTS_COUNT, RULES_MAX, LOTS_MAX, MOVES_MAX) != (
    len(FACTS),
    programme_table.RULES_MAX,
    programme_table.LOTS_MAX,
    programme_table.MOVES_MAX,
):
    raise ImportError("cext._kernel was built for another cext.programme_table: build it again")

cdef enum:
    SECONDS_A_DAY = 86_400
    LOCAL_MONTH_MAX = 32_000

cdef int64_t AMOUNT_MAX = 999_999_999_999
cdef int64_t ALL_THAT_GOES = 0x7FFF_FFFF_FFFF_FFFF

cdef str RC_APPROVED = "00"
cdef str RC_INVALID_TRANSACTION = "12"
cdef str RC_INVALID_AMOUNT = "13"
cdef str RC_NO_ORIGINAL = "25"
cdef str RC_INSUFFICIENT = "51"
cdef str RC_BLOCKED = "78"


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


cdef Packed packed_of(bytes packed) noexcept:
    cdef Packed result
    result.at = <const uint8_t *>PyBytes_AS_STRING(packed)
    result.count = PyBytes_GET_SIZE(packed) // LOT_BYTES
    return result


@cython.final
cdef class Programme:
    """A compiled programme (`cext.programme_table`). Raises ValueError for a table that is unsafe to walk."""

    cdef Table compiled
    cdef readonly object table
    cdef readonly int64_t currency
    cdef readonly int64_t point_value
    cdef readonly int32_t expiry_months
    cdef readonly bint deficit_allowed

    def __cinit__(self, table):
        cdef Py_ssize_t i
        # The reference checks a table once for both: it is not on the hot path, and one set of checks cannot differ.
        _ReferenceProgramme(table)
        header, code, rules, effects = table
        self.table = table
        self.currency, self.point_value, self.expiry_months, self.deficit_allowed = header
        self.compiled.code = <Instruction *>PyMem_Calloc(len(code) + 1, sizeof(Instruction))
        self.compiled.rules = <Rule *>PyMem_Calloc(len(rules) + 1, sizeof(Rule))
        self.compiled.effects = <EffectRow *>PyMem_Calloc(len(effects) + 1, sizeof(EffectRow))
        if self.compiled.code == NULL or self.compiled.rules == NULL or self.compiled.effects == NULL:
            raise MemoryError
        for i, (opcode, fact, constant, target) in enumerate(code):
            encode(&self.compiled.code[i], opcode, fact, constant, target)
        for i, (start, end, group, effects_start, effects_end) in enumerate(rules):
            self.compiled.rules[i].start = start
            self.compiled.rules[i].end = end
            self.compiled.rules[i].group = group
            self.compiled.rules[i].effects_start = effects_start
            self.compiled.rules[i].effects_end = effects_end
            self.compiled.grouped |= group != 0
        for i, (effect, n, d, cap) in enumerate(effects):
            self.compiled.effects[i].effect = effect
            self.compiled.effects[i].n = n
            self.compiled.effects[i].d = d
            self.compiled.effects[i].cap = cap
            self.compiled.discounts |= effect == DISCOUNT_RATE or effect == DISCOUNT_AMOUNT
            self.compiled.multiplies |= effect == MULTIPLY_POINTS
            self.compiled.credits |= effect == CREDIT_RATE or effect == CREDIT_AMOUNT
        self.compiled.instructions_count = len(code)
        self.compiled.rules_count = len(rules)
        self.compiled.effects_count = len(effects)

    def __dealloc__(self):
        PyMem_Free(self.compiled.code)
        PyMem_Free(self.compiled.rules)
        PyMem_Free(self.compiled.effects)


@cython.final
@cython.freelist(256)
cdef class Account:
    """The row that a decision reads and, by an approval with an effect, changes. `version` is the store's."""

    cdef public int64_t shard, id, version, programme, status, points, credit, visits, spend
    cdef public int64_t first_visit, last_visit, tier, tier_points, enrolled_day
    cdef int32_t count
    cdef Lot _lots[LOT_SLOTS]

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
        self.unpack(lots)

    cdef int unpack(self, bytes packed) except -1:
        cdef const uint8_t *at = <const uint8_t *>PyBytes_AS_STRING(packed)
        cdef Py_ssize_t size = PyBytes_GET_SIZE(packed)
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
        self.unpack(packed)

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
        other.count = self.count
        memcpy(other._lots, self._lots, self.count * sizeof(Lot))
        return other


@cython.final
cdef class Original:
    """What the journal knows of the message that a refund or a reversal names; see the reference for the signs."""

    cdef public int64_t kind, amount, points_earned, points_redeemed, credit_granted, credit_spent, discount, to_pay
    cdef public int64_t refunded_amount, refunded_points_earned, refunded_points_redeemed
    cdef public int64_t refunded_credit_granted, refunded_credit_spent
    cdef public bint rc_approved, reversed
    cdef readonly bytes lots_moved, refunded_lots

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
    ):
        if PyBytes_GET_SIZE(lots_moved) % LOT_BYTES or PyBytes_GET_SIZE(refunded_lots) % LOT_BYTES:
            raise ValueError("packed lots must be 10 bytes each")
        if PyBytes_GET_SIZE(lots_moved) > MOVES_MAX * LOT_BYTES:
            raise ValueError(f"lots_moved has at most {MOVES_MAX} entries")
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


@cython.final
@cython.no_gc
@cython.freelist(256)
cdef class Request:
    """One message: amounts in minor units, `now` in epoch seconds, the calendar in the programme's zone."""

    # It holds no container but an Original, which holds none: no cycle can be made, so the collector is not bothered.
    cdef public int64_t kind, amount, currency, now, local_day, local_month, hour, weekday, day_of_month, entry_mode
    cdef public int64_t merchant, institution, category, points_wanted, credit_wanted, replacement_amount
    cdef public bint advice
    cdef public Original original

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


@cython.final
@cython.freelist(256)
cdef class Decision:
    """The answer and its legs; see the reference for the signs."""

    cdef public str rc
    cdef public int64_t points_earned, points_redeemed, points_expired, points_adjusted
    cdef public int64_t credit_granted, credit_spent, discount, to_pay, points_balance, credit_balance
    cdef public bytes lots_moved, rules
    cdef public bint changed

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

    @property
    def rule_list(self):
        """Indexes of the rules that fired, in the programme's order of evaluation."""
        cdef const uint8_t *at = <const uint8_t *>PyBytes_AS_STRING(self.rules)
        cdef Py_ssize_t i
        return [(at[2 * i] << 8) | at[2 * i + 1] for i in range(PyBytes_GET_SIZE(self.rules) // 2)]


cdef bytes pack_rules(const unsigned short *fired, int32_t count):
    cdef bytes packed
    cdef uint8_t *at
    cdef int32_t i
    if count == 0:
        return b""
    packed = PyBytes_FromStringAndSize(NULL, 2 * count)
    at = <uint8_t *>PyBytes_AS_STRING(packed)
    for i in range(count):
        at[2 * i] = <uint8_t>(fired[i] >> 8)
        at[2 * i + 1] = <uint8_t>(fired[i] & 0xFF)
    return packed


def decide(Programme programme not None, Account account not None, Request request not None):
    """Decide one message. An approval with an effect changes `account`; anything else leaves it alone."""
    cdef str rc = refusal(programme, account, request)
    if rc is not RC_APPROVED:
        return unchanged(account, request, rc)
    if is_purchase(request.kind):
        return purchase(programme, account, request)
    if request.kind == KIND_INQUIRY:
        return unchanged(account, request, RC_APPROVED)
    return undo(programme, account, request)


cdef inline bint is_purchase(int64_t kind) noexcept:
    return KIND_PURCHASE <= kind <= KIND_CREDIT_PURCHASE


cdef str refusal(Programme programme, Account account, Request request):
    cdef int64_t kind = request.kind
    cdef bint takes_amount = KIND_PURCHASE <= kind <= KIND_REFUND
    if not KIND_PURCHASE <= kind <= KIND_INQUIRY:
        return RC_INVALID_TRANSACTION
    if takes_amount and request.currency != programme.currency:
        return RC_INVALID_TRANSACTION
    if (kind == KIND_REFUND or kind == KIND_REVERSAL) and request.original is not None:
        if not undoable(request.original, kind):
            return RC_INVALID_TRANSACTION
    if account.status != 0 and not request.advice and kind != KIND_REVERSAL:
        return RC_BLOCKED
    if not workable(account, request):
        return RC_INVALID_AMOUNT
    if takes_amount and not 1 <= request.amount <= AMOUNT_MAX:
        return RC_INVALID_AMOUNT
    if kind == KIND_REFUND and request.original is None:
        return RC_NO_ORIGINAL
    return RC_APPROVED


cdef bint undoable(Original original, int64_t kind) noexcept:
    if original.reversed:
        return False
    if kind == KIND_REFUND:
        return original.rc_approved and is_purchase(original.kind)
    return KIND_PURCHASE <= original.kind <= KIND_INQUIRY and original.kind != KIND_REVERSAL


cdef inline bint bounded(int64_t number) noexcept:
    return -BALANCE_MAX <= number <= BALANCE_MAX


cdef bint workable(Account account, Request request) noexcept:
    """Whether every sum of these numbers and of legs stays inside 64 bits."""
    cdef int32_t i
    for i in range(account.count):
        if not bounded(account._lots[i].points):
            return False
    return (
        bounded(account.points)
        and bounded(account.credit)
        and bounded(account.visits)
        and bounded(account.spend)
        and bounded(account.first_visit)
        and bounded(account.last_visit)
        and bounded(account.enrolled_day)
        and bounded(request.now)
        and bounded(request.local_day)
        and 0 <= request.local_month <= LOCAL_MONTH_MAX
    )


cdef Decision unchanged(Account account, Request request, str rc):
    """A decline, or an approval without effect: the balances without what has lapsed, and nothing moved."""
    cdef Decision decision = Decision.__new__(Decision)
    cdef int32_t i
    decision.rc = rc
    decision.to_pay = request.amount
    decision.points_balance = account.points
    decision.credit_balance = account.credit
    decision.lots_moved = b""
    decision.rules = b""
    if workable(account, request):
        for i in range(account.count):
            if DEFICIT_MONTH < account._lots[i].month < request.local_month:
                decision.points_balance -= account._lots[i].points
    return decision


cdef void begin(Working *w, Account account) noexcept:
    w.count = account.count
    w.moves = 0
    w.overfull = False
    memcpy(w.lots, account._lots, account.count * sizeof(Lot))


cdef void find_facts(int64_t *facts, Account account, Request request, int64_t live_points) noexcept:
    """Fill in every fact, and whether it exists."""
    cdef int i
    facts[AMOUNT] = request.amount
    facts[HOUR] = request.hour
    facts[WEEKDAY] = request.weekday
    facts[DAY_OF_MONTH] = request.day_of_month
    facts[ENTRY_MODE] = request.entry_mode
    facts[MERCHANT] = request.merchant
    facts[INSTITUTION] = request.institution
    facts[CATEGORY] = request.category
    facts[CURRENCY] = request.currency
    facts[TIER] = account.tier
    facts[VISITS] = account.visits
    facts[SPEND] = account.spend
    facts[POINTS] = live_points
    facts[CREDIT] = account.credit
    facts[DAYS_SINCE_ENROLMENT] = larger(0, request.local_day - account.enrolled_day)
    for i in range(FACTS_COUNT):
        facts[EXISTS + i] = 1
    for i in (DAYS_SINCE_LAST, MEAN_AMOUNT, MEAN_GAP):
        facts[i] = 0
    facts[EXISTS + DAYS_SINCE_LAST] = account.last_visit > 0
    facts[EXISTS + MEAN_AMOUNT] = account.visits > 0
    facts[EXISTS + MEAN_GAP] = account.visits > 1
    if account.last_visit > 0:
        facts[DAYS_SINCE_LAST] = larger(0, request.now - account.last_visit) // SECONDS_A_DAY
    if account.visits > 0:
        facts[MEAN_AMOUNT] = floor_divide(account.spend, account.visits)
    if account.visits > 1:
        facts[MEAN_GAP] = larger(0, account.last_visit - account.first_visit) // SECONDS_A_DAY // (account.visits - 1)


cdef inline int64_t spend_of(
    int64_t available, int64_t useful, int64_t asked, bint takes_all, bint must_spend, bint advice
) noexcept:
    """How much is spent of what there is; -1 if that is not enough. An advice goes as far as it goes."""
    cdef int64_t wanted = asked
    cdef int64_t used
    if asked < 0:
        wanted = ALL_THAT_GOES if takes_all else 0
    used = smaller(smaller(available, useful), wanted)
    if not advice and ((wanted != ALL_THAT_GOES and wanted > available) or (must_spend and used == 0)):
        return -1
    return used


cdef Decision purchase(Programme programme, Account account, Request request):
    cdef Working w
    cdef unsigned short fired[RULES_MAX]
    cdef int64_t facts[FACT_SLOTS]
    cdef const Table *table = &programme.compiled
    cdef int32_t count
    cdef int32_t local_month = <int32_t>request.local_month
    cdef int64_t expired, discount, rest, redeemed, spent, earned, granted
    cdef bint redeeming = request.kind == KIND_REDEMPTION
    cdef bint by_credit = request.kind == KIND_CREDIT_PURCHASE
    cdef Decision decision

    begin(&w, account)
    expired = lapse(&w, local_month)
    if table.instructions_count:
        find_facts(facts, account, request, account.points - expired)
    count = fire(table, facts, fired)

    discount = discount_of(table, fired, count, request.amount)
    rest = request.amount - discount
    redeemed = spend_of(
        spendable(&w),
        rest // programme.point_value,
        request.points_wanted,
        redeeming,
        redeeming and rest > 0,
        request.advice,
    )
    if redeemed < 0:
        return unchanged(account, request, RC_INSUFFICIENT)
    rest -= redeemed * programme.point_value
    spent = spend_of(
        larger(0, account.credit), rest, request.credit_wanted, by_credit, by_credit and rest > 0, request.advice
    )
    if spent < 0:
        return unchanged(account, request, RC_INSUFFICIENT)
    rest -= spent

    earned = points_of(table, fired, count, rest)
    granted = credit_of(table, fired, count, rest)
    if earned > LEG_MAX or granted > LEG_MAX:
        return unchanged(account, request, RC_INVALID_AMOUNT)
    take_earliest(&w, redeemed)
    add(&w, local_month + programme.expiry_months, earned)

    decision = Decision.__new__(Decision)
    decision.points_earned = earned
    decision.points_redeemed = redeemed
    decision.points_expired = expired
    decision.credit_granted = granted
    decision.credit_spent = spent
    decision.discount = discount
    decision.to_pay = rest
    if not settle(account, request, decision, &w, account.visits + 1, account.spend + request.amount):
        return unchanged(account, request, RC_INVALID_AMOUNT)
    decision.rules = pack_rules(fired, count)
    return decision


cdef bint settle(
    Account account, Request request, Decision decision, const Working *w, int64_t visits, int64_t spend
) except -1:
    """Put an approval into effect; False, with nothing changed, if a balance would leave its bounds."""
    cdef int64_t points = (
        account.points
        + decision.points_earned
        - decision.points_redeemed
        - decision.points_expired
        + decision.points_adjusted
    )
    cdef int64_t credit = account.credit + decision.credit_granted - decision.credit_spent
    if not (within_bounds(w) and bounded(points) and bounded(credit) and bounded(spend)):
        return False
    decision.lots_moved = pack_lots(w.moved, w.moves)
    decision.rules = b""
    decision.rc = RC_APPROVED
    decision.points_balance = points
    decision.credit_balance = credit
    decision.changed = (
        w.moves != 0
        or decision.credit_granted != 0
        or decision.credit_spent != 0
        or visits != account.visits
        or spend != account.spend
    )
    account.points = points
    account.credit = credit
    account.count = w.count
    memcpy(account._lots, w.lots, w.count * sizeof(Lot))
    if visits > account.visits:
        account.first_visit = request.now if account.visits <= 0 else smaller(account.first_visit, request.now)
        account.last_visit = larger(account.last_visit, request.now)
    elif visits == 0 and account.visits != 0:
        account.first_visit = 0
        account.last_visit = 0
    account.visits = visits
    account.spend = spend
    return True


cdef inline int64_t due(int64_t leg, int64_t undone, const Part *part) noexcept:
    """What of a leg is to be undone now, as a magnitude; -1 if the leg is not one of such an original."""
    if not -LEG_MAX <= leg <= LEG_MAX or leg * part.direction < 0 or not -LEG_MAX <= undone <= LEG_MAX:
        return -1
    return larger(0, share(leg * part.direction, part.done, part.whole) - undone * part.direction)


cdef bint find_part(Original original, Request request, Part *part) noexcept:
    """Work out what is to be undone; False if the amounts do not fit the original."""
    cdef int64_t discount
    part.whole = original.amount
    part.before = original.refunded_amount
    if not 1 <= part.whole <= AMOUNT_MAX or not 0 <= part.before <= part.whole:
        return False
    part.all_of_it = request.kind == KIND_REVERSAL and request.replacement_amount <= 0
    if request.kind == KIND_REFUND:
        part.done = part.before + request.amount
    elif part.all_of_it:
        part.done = part.whole
    elif request.replacement_amount > part.whole:
        return False
    else:
        part.done = part.whole - request.replacement_amount
    if not part.before <= part.done <= part.whole:
        return False
    if not movable(packed_of(original.lots_moved)) or not movable(packed_of(original.refunded_lots)):
        return False
    part.direction = -1 if original.kind == KIND_REFUND else 1
    part.points_earned = due(original.points_earned, original.refunded_points_earned, part)
    part.points_redeemed = due(original.points_redeemed, original.refunded_points_redeemed, part)
    part.credit_granted = due(original.credit_granted, original.refunded_credit_granted, part)
    part.credit_spent = due(original.credit_spent, original.refunded_credit_spent, part)
    if part.points_earned < 0 or part.points_redeemed < 0 or part.credit_granted < 0 or part.credit_spent < 0:
        return False
    discount = original.discount
    if not -LEG_MAX <= discount <= LEG_MAX or discount * part.direction < 0 or not 0 <= original.to_pay <= LEG_MAX:
        return False
    part.discount = part_of(part, discount * part.direction)
    part.to_pay = part_of(part, original.to_pay)
    return True


cdef int64_t expired_of(Original original) noexcept:
    """What an original expired: its legs and its moves must come to the same."""
    cdef Packed packed = packed_of(original.lots_moved)
    cdef int64_t moved = 0
    cdef Py_ssize_t i
    for i in range(packed.count):
        moved += read_lot(packed.at + i * LOT_BYTES).points
    return original.points_earned - original.points_redeemed - moved


cdef Decision undo(Programme programme, Account account, Request request):
    """A refund, a reversal or a partial reversal."""
    cdef Original original = request.original
    cdef Working w
    cdef Part part
    cdef Moves moves
    cdef int32_t local_month = <int32_t>request.local_month
    cdef int32_t earning_month = local_month + programme.expiry_months
    cdef int64_t expired, earned, redeemed, granted, spent, unexpired, visits, spend
    cdef Decision decision
    if original is None or not original.rc_approved or original.kind == KIND_INQUIRY:
        return unchanged(account, request, RC_APPROVED)
    if not find_part(original, request, &part):
        return unchanged(account, request, RC_INVALID_AMOUNT)

    begin(&w, account)
    expired = lapse(&w, local_month)
    earned = part.points_earned
    redeemed = part.points_redeemed
    granted = part.credit_granted
    spent = part.credit_spent
    split_moves(
        packed_of(original.lots_moved), packed_of(original.refunded_lots), expired_of(original), part.direction, &moves
    )
    if part.direction > 0:
        expired += give_back(&w, &moves, redeemed, local_month, earning_month)
        earned = claw_back(&w, &moves, earned, programme.deficit_allowed)
        if not programme.deficit_allowed:
            granted = smaller(granted, larger(0, account.credit + spent))
    else:
        expired += give_back(&w, &moves, earned, local_month, earning_month)
        # What came back with the refund and expired at once never reached the member: it is not taken again.
        unexpired = smaller(redeemed, part_of(&part, moves.passed))
        redeemed = unexpired + claw_back(&w, &moves, redeemed - unexpired, programme.deficit_allowed)
        expired -= unexpired
        if not programme.deficit_allowed:
            spent = smaller(spent, larger(0, account.credit + granted))

    decision = Decision.__new__(Decision)
    decision.points_earned = -part.direction * earned
    decision.points_redeemed = -part.direction * redeemed
    decision.points_expired = expired
    decision.credit_granted = -part.direction * granted
    decision.credit_spent = -part.direction * spent
    decision.discount = -part.direction * part.discount
    decision.to_pay = part.to_pay
    visits = account.visits
    if part.all_of_it and request.kind == KIND_REVERSAL and part.direction > 0:
        visits = larger(0, visits - 1)
    spend = larger(0, account.spend - part.direction * (part.done - part.before))
    if not settle(account, request, decision, &w, visits, spend):
        return unchanged(account, request, RC_INVALID_AMOUNT)
    return decision
