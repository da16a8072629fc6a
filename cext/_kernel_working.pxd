# cython: language_level=3, boundscheck=True, wraparound=False
"""What a decision works on, in C: copies of an account's parts, made at the beginning, and put into effect at the end.

DE39 stands here as text, as constants of strings cannot be shared: "00" approved, "13" out of bounds.
"""

from cpython.bytes cimport PyBytes_GET_SIZE
from libc.stdint cimport int32_t, int64_t
from libc.string cimport memcpy

from cext._kernel_arithmetic cimport BALANCE_MAX, larger, smaller
from cext._kernel_counters cimport COUNTERS_MAX, Counters, begin_counters, kept_counters, make_room, packed_counters
from cext._kernel_grants cimport Grants, begin_grants, packed_grants
from cext._kernel_kinds cimport KIND_EVENT
from cext._kernel_lots cimport DEFICIT_MONTH, Lot, Lots, lapse, spendable, within_bounds
from cext._kernel_recent cimport Recent, begin_recent, packed_recent, recent_within_bounds
from cext._kernel_records cimport Account, Decision, Programme, Request, pack_lots
from cext._kernel_reserves cimport (
    RESERVES_MAX,
    Reserve,
    Reserves,
    begin_reserves,
    credit_reserved,
    find_moves,
    fit_reserves,
    packed_moves,
    packed_reserves,
    points_pending,
    points_reserved,
)
from cext._kernel_table cimport Table
from cext._kernel_tiers cimport Standing

cdef enum:
    LOCAL_MONTH_MAX = 32_000
    LOCAL_DAY_MAX = 2_900_000


cdef struct Working:
    # What a decision works on: copies of an account's parts, and its numbers as they will be.
    Lots lots
    Counters counters
    Grants grants
    Recent recent
    Reserves reserves
    # Whether there is anything to do with counters, grants and the last days; if not, the copies are not even made.
    bint counting
    bint granting
    bint recalling
    # There always is a copy of reserves; this says whether there is anything to reserve, give up or end.
    bint reserving
    int64_t expired
    Standing standing
    # Whether counters were dropped that nobody moved.
    bint dropped


cdef inline bint bounded(int64_t number) noexcept:
    return -BALANCE_MAX <= number <= BALANCE_MAX


cdef inline bint workable(Account account, Request request) noexcept:
    """Whether every sum of these numbers and of legs stays inside 64 bits, and the calendar is one."""
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
        and bounded(account.tier_points)
        and bounded(account.enrolled_day)
        and bounded(request.now)
        and 0 <= request.local_day <= LOCAL_DAY_MAX
        and 0 <= request.local_month <= LOCAL_MONTH_MAX
    )


cdef inline Decision unchanged(Account account, Request request, str rc):
    """A decline, or an approval without effect: the balances without what has lapsed, and nothing moved."""
    cdef Decision decision = Decision.__new__(Decision)
    cdef Reserves reserves
    cdef int32_t i
    decision.rc = rc
    decision.to_pay = 0 if request.kind == KIND_EVENT else request.amount
    decision.points_balance = account.points
    decision.credit_balance = account.credit
    decision.lots_moved = b""
    decision.rules = b""
    decision.counters_moved = b""
    decision.grants_moved = b""
    decision.reserves_moved = b""
    decision.tier_after = account.tier
    if workable(account, request):
        for i in range(account.count):
            if DEFICIT_MONTH < account._lots[i].month < request.local_month:
                decision.points_balance -= account._lots[i].points
        if PyBytes_GET_SIZE(account.packed_reserves) != 0:
            begin_reserves(&reserves, account.packed_reserves, request.local_day, request.now)
            fit_reserves(&reserves, decision.points_balance, account.credit)
            tell_reserves(decision, &reserves)
    return decision


cdef inline void tell_reserves(Decision decision, const Reserves *reserves) noexcept:
    """Say what of the balances may not be spent."""
    decision.points_pending = points_pending(reserves)
    decision.points_held = points_reserved(reserves) - decision.points_pending
    decision.credit_held = credit_reserved(reserves)


cdef inline Decision reserved(Account account, Request request, Reserves *reserves):
    """An approval that moves nothing but reserves."""
    cdef Reserve moves[RESERVES_MAX]
    cdef int32_t count
    cdef Decision decision = unchanged(account, request, "00")
    fit_reserves(reserves, decision.points_balance, account.credit)
    count = find_moves(reserves, moves)
    if count > RESERVES_MAX or reserves.count > RESERVES_MAX:
        return unchanged(account, request, "13")
    tell_reserves(decision, reserves)
    decision.reserves_moved = packed_moves(moves, count)
    decision.changed = count != 0
    account.packed_reserves = packed_reserves(reserves)
    return decision


cdef inline void begin(
    Working *w, Account account, Request request, bint counting, bint granting, bint recalling, bint reserving
) noexcept:
    """Copy the account's parts, without what has lapsed by the message's date."""
    w.lots.count = account.count
    w.lots.moves = 0
    w.lots.overfull = False
    memcpy(w.lots.lots, account._lots, account.count * sizeof(Lot))
    w.expired = lapse(&w.lots, <int32_t>request.local_month)
    w.counting = counting
    if counting:
        begin_counters(
            &w.counters, account.packed_counters, <int32_t>request.local_month, <int32_t>request.local_day
        )
    # Any record of a grant may have to be dropped, whatever the message is about.
    w.granting = granting or PyBytes_GET_SIZE(account.packed_grants) != 0
    if w.granting:
        begin_grants(&w.grants, account.packed_grants, request.local_day)
    w.reserving = reserving or PyBytes_GET_SIZE(account.packed_reserves) != 0
    begin_reserves(&w.reserves, account.packed_reserves, request.local_day, request.now)
    w.recalling = recalling
    if recalling:
        begin_recent(&w.recent, account.packed_recent)
    w.dropped = False
    w.standing.visits = account.visits
    w.standing.spend = account.spend
    w.standing.tier = account.tier
    w.standing.tier_points = account.tier_points
    w.standing.tier_year = account.tier_year
    w.standing.tier_kept = account.tier_kept


cdef inline int64_t free_points(const Working *w) noexcept:
    return larger(0, spendable(&w.lots) - points_reserved(&w.reserves))


cdef inline int64_t free_credit(Account account, const Working *w) noexcept:
    return larger(0, account.credit - credit_reserved(&w.reserves))


cdef inline bint settle(Programme programme, Account account, Request request, Decision decision, Working *w) except -1:
    """Put an approval into effect; False, with nothing changed, if a balance or a counter would leave its bounds."""
    cdef int64_t points = (
        account.points
        + decision.points_earned
        - decision.points_redeemed
        - decision.points_expired
        + decision.points_adjusted
    )
    cdef int64_t credit = account.credit + decision.credit_granted - decision.credit_spent
    cdef Reserve moves[RESERVES_MAX]
    cdef int32_t reserve_moves = 0
    if not (within_bounds(&w.lots) and bounded(points) and bounded(credit) and bounded(w.standing.spend)):
        return False
    if not bounded(w.standing.tier_points) or (w.recalling and not recent_within_bounds(&w.recent)):
        return False
    decision.lots_moved = pack_lots(w.lots.moved, w.lots.moves)
    decision.counters_moved = b""
    decision.grants_moved = b""
    decision.reserves_moved = b""
    if w.reserving:
        fit_reserves(&w.reserves, points, credit)
        reserve_moves = find_moves(&w.reserves, moves)
        if reserve_moves > RESERVES_MAX or w.reserves.count > RESERVES_MAX:
            return False
    if w.counting and not settle_counters(&programme.compiled, account, decision, &w.counters):
        return False
    decision.rules = b""
    decision.rc = "00"
    decision.points_balance = points
    decision.credit_balance = credit
    decision.tier_after = w.standing.tier
    decision.changed = (
        w.lots.moves != 0
        or decision.credit_granted != 0
        or decision.credit_spent != 0
        or w.standing.visits != account.visits
        or w.standing.spend != account.spend
        or w.standing.tier != account.tier
        or w.standing.tier_points != account.tier_points
        or w.standing.tier_year != account.tier_year
        or w.standing.tier_kept != account.tier_kept
        or w.dropped
        or PyBytes_GET_SIZE(decision.counters_moved) != 0
        or (w.granting and w.grants.changed)
        or (w.recalling and w.recent.changed)
        or reserve_moves != 0
    )
    if reserve_moves != 0:
        decision.reserves_moved = packed_moves(moves, reserve_moves)
        account.packed_reserves = packed_reserves(&w.reserves)
    if w.reserving:
        tell_reserves(decision, &w.reserves)
    if w.granting and w.grants.changed:
        keep_grants(account, decision, &w.grants)
    account.points = points
    account.credit = credit
    account.count = w.lots.count
    memcpy(account._lots, w.lots.lots, w.lots.count * sizeof(Lot))
    if w.recalling and w.recent.changed:
        account.packed_recent = packed_recent(&w.recent)
    account.tier = w.standing.tier
    account.tier_points = w.standing.tier_points
    account.tier_year = w.standing.tier_year
    account.tier_kept = w.standing.tier_kept
    keep_visit(account, request, w.standing.visits)
    account.spend = w.standing.spend
    return True


cdef inline bint settle_counters(const Table *table, Account account, Decision decision, Counters *counters) except -1:
    """Put the counters into effect; False, with nothing changed, if they are too large or too many."""
    make_room(counters, table.limits, table.limits_count)
    if counters.overfull or kept_counters(counters) > COUNTERS_MAX:
        return False
    decision.counters_moved = packed_counters(counters, True)
    account.packed_counters = packed_counters(counters, False)
    return True


cdef inline int keep_grants(Account account, Decision decision, const Grants *grants) except -1:
    decision.grants_moved = packed_grants(grants, True)
    account.packed_grants = packed_grants(grants, False)
    return 0


cdef inline void keep_visit(Account account, Request request, int64_t visits) noexcept:
    if visits > account.visits:
        account.first_visit = request.now if account.visits <= 0 else smaller(account.first_visit, request.now)
        account.last_visit = larger(account.last_visit, request.now)
    elif visits == 0 and account.visits != 0:
        account.first_visit = 0
        account.last_visit = 0
    account.visits = visits
