# cython: language_level=3, boundscheck=True, wraparound=False, cdivision=True, freethreading_compatible=True
"""The decision: `decide(programme, account, request) -> Decision`, pure, over C structs.

`cext/reference/kernel.py` says in plain Python what is done here, and `cext/programme_table.py` what a programme is
made of; one suite runs over both. Lots, counters and grants are worked on in copies that are kept only if the decision
is an approval whose balances stay inside their bounds. What neither programme nor account has is not worked on.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport int32_t, int64_t, uint8_t

from cext._kernel_arithmetic cimport AMOUNT_MAX, BALANCE_MAX, LEG_MAX, larger, smaller
from cext._kernel_budgets cimport Budgets, begin_budgets
from cext._kernel_counters cimport count_back, forget
from cext._kernel_effects cimport count_effects, credit_of, discount_of, points_of, price_of
from cext._kernel_facts cimport find_facts
from cext._kernel_grants cimport undo_grants
from cext._kernel_kinds cimport (
    KIND_CREDIT_PURCHASE,
    KIND_EVENT,
    KIND_GIFT,
    KIND_HOLD,
    KIND_INQUIRY,
    KIND_PURCHASE,
    KIND_QUOTE,
    KIND_REDEMPTION,
    KIND_REFUND,
    KIND_REVERSAL,
    KIND_UPKEEP,
)
from cext._kernel_lots cimport add, take_earliest
from cext._kernel_recent cimport spend_on
from cext._kernel_records cimport Account, Decision, Original, Programme, Request
from cext._kernel_reserves cimport (
    Reserves,
    begin_reserves,
    end_hold,
    has_room_for_a_hold,
    hold_back,
    packed_reserves,
    pend,
    undo_pending,
)
from cext._kernel_rules cimport REWARD_GIVEN, REWARD_USED_UP, fire, give_grants, refusal_of_reward
from cext._kernel_table cimport FACT_SLOTS, ON_EVENT, ON_PURCHASE, RULES_MAX, TIER, Table
from cext._kernel_tiers cimport advance, counts_now, points_after, turn
from cext._kernel_undo cimport (
    Moves,
    Part,
    claw_back,
    expired_of,
    find_part,
    give_back,
    packed_of,
    part_of,
    split_moves,
)
from cext._kernel_working cimport (
    Working,
    begin,
    free_credit,
    free_points,
    keep_grants,
    reserved,
    settle,
    unchanged,
    workable,
)

from cext import _kernel_records

# What is cimported is no attribute of this module; its users find here what the reference has in one module, too.
globals().update(
    {
        name: getattr(_kernel_records, name)
        for name in ("FACTS", "Account", "Decision", "Original", "Programme", "Request")
    }
)

PURCHASE = KIND_PURCHASE
REDEMPTION = KIND_REDEMPTION
CREDIT_PURCHASE = KIND_CREDIT_PURCHASE
REFUND = KIND_REFUND
REVERSAL = KIND_REVERSAL
INQUIRY = KIND_INQUIRY
EVENT = KIND_EVENT
HOLD = KIND_HOLD
QUOTE = KIND_QUOTE
UPKEEP = KIND_UPKEEP
GIFT = KIND_GIFT

cdef int64_t ALL_THAT_GOES = 0x7FFF_FFFF_FFFF_FFFF

cdef str RC_APPROVED = "00"
cdef str RC_REFUSED = "05"
cdef str RC_INVALID_TRANSACTION = "12"
cdef str RC_INVALID_AMOUNT = "13"
cdef str RC_NO_ORIGINAL = "25"
cdef str RC_INSUFFICIENT = "51"
cdef str RC_OVER_COUNT_LIMIT = "65"
cdef str RC_BLOCKED = "78"

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
    return decided(programme, account, request)


cdef Decision decided(Programme programme, Account account, Request request):
    cdef str rc = refusal(programme, account, request)
    if rc is not RC_APPROVED:
        return unchanged(account, request, rc)
    if is_purchase(request.kind) or request.kind == KIND_EVENT:
        return purchase(programme, account, request)
    if request.kind == KIND_INQUIRY:
        return unchanged(account, request, RC_APPROVED)
    if request.kind == KIND_HOLD:
        return hold(programme, account, request)
    if request.kind == KIND_QUOTE:
        return quote(programme, account, request)
    if request.kind == KIND_UPKEEP:
        return upkeep(programme, account, request)
    if request.kind == KIND_GIFT:
        return gift(programme, account, request)
    return undo(programme, account, request)


cdef inline bint is_purchase(int64_t kind) noexcept:
    return KIND_PURCHASE <= kind <= KIND_CREDIT_PURCHASE


cdef str refusal(Programme programme, Account account, Request request):
    cdef int64_t kind = request.kind
    cdef bint takes_amount = KIND_PURCHASE <= kind <= KIND_REFUND or kind == KIND_HOLD or kind == KIND_QUOTE
    if not KIND_PURCHASE <= kind <= KIND_GIFT:
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
    if kind == KIND_HOLD and not (request.hold_key >= 1 and 0 <= request.hold_until <= BALANCE_MAX):
        return RC_INVALID_AMOUNT
    if kind == KIND_REFUND and request.original is None:
        return RC_NO_ORIGINAL
    return RC_APPROVED


cdef bint undoable(Original original, int64_t kind) noexcept:
    if original.reversed:
        return False
    if kind == KIND_REFUND:
        return original.rc_approved and is_purchase(original.kind)
    # What was declined moved nothing, whatever it was: there is nothing that could not be undone.
    return not original.rc_approved or (KIND_PURCHASE <= original.kind <= KIND_QUOTE and original.kind != KIND_REVERSAL)


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


cdef Decision hold(Programme programme, Account account, Request request):
    """Keep back the points that the till asked for, else those that the amount comes to, and the credit asked for."""
    cdef Working w
    cdef int64_t credit = larger(0, request.credit_wanted)
    cdef int64_t points = request.points_wanted
    if points < 0:
        points = 0 if credit != 0 else request.amount // programme.point_value
    if points == 0 and credit == 0:
        return unchanged(account, request, RC_INVALID_AMOUNT)
    begin(&w, account, request, False, False, False, True)
    if not has_room_for_a_hold(&w.reserves):
        return unchanged(account, request, RC_OVER_COUNT_LIMIT)
    if points > free_points(&w) or credit > free_credit(account, &w):
        return unchanged(account, request, RC_INSUFFICIENT)
    hold_back(&w.reserves, request.hold_key, request.hold_until, points, credit)
    return reserved(account, request, &w.reserves)


cdef Decision quote(Programme programme, Account account, Request request):
    """What a purchase would come to; nothing moves."""
    cdef Decision decision = purchase(programme, account.copy(), request)
    cdef Decision now
    if decision.rc is not RC_APPROVED:
        return decision
    now = unchanged(account, request, RC_APPROVED)
    now.points_earned = decision.points_earned
    now.points_redeemed = decision.points_redeemed
    now.credit_granted = decision.credit_granted
    now.credit_spent = decision.credit_spent
    now.discount = decision.discount
    now.to_pay = decision.to_pay
    now.rules = decision.rules
    return now


cdef bint pay(
    Programme programme,
    Account account,
    Request request,
    const Working *w,
    int64_t price,
    int64_t rest,
    Decision decision,
) noexcept:
    """Put down the price of a reward, and what points and credit pay of the rest; False if they are not enough.

    An advice takes what points there are. An event has nothing to pay but a price.
    """
    cdef bint redeeming = request.kind == KIND_REDEMPTION
    cdef bint by_credit = request.kind == KIND_CREDIT_PURCHASE
    cdef int64_t available = free_points(w)
    if price > available:
        if not request.advice:
            return False
        price = available
    if request.kind == KIND_EVENT:
        decision.points_redeemed = price
        return True
    decision.points_redeemed = spend_of(
        available - price,
        rest // programme.point_value,
        request.points_wanted,
        redeeming,
        redeeming and rest > 0,
        request.advice,
    )
    if decision.points_redeemed < 0:
        return False
    rest -= decision.points_redeemed * programme.point_value
    decision.points_redeemed += price
    decision.credit_spent = spend_of(
        free_credit(account, w), rest, request.credit_wanted, by_credit, by_credit and rest > 0, request.advice
    )
    decision.to_pay = rest - decision.credit_spent
    return decision.credit_spent >= 0


cdef Decision purchase(Programme programme, Account account, Request request):
    """A purchase, or an event: that is a purchase of nothing."""
    cdef Working w
    cdef Budgets budgets
    cdef unsigned short fired[RULES_MAX]
    cdef int64_t facts[FACT_SLOTS]
    cdef const Table *table = &programme.compiled
    cdef int32_t count
    cdef int refused = REWARD_GIVEN
    cdef bint is_event = request.kind == KIND_EVENT
    cdef int64_t amount = 0 if is_event else request.amount
    cdef Decision decision

    if is_event and not table.conditional:
        return unchanged(account, request, RC_APPROVED)
    begin(
        &w,
        account,
        request,
        table.counts,
        table.grants_count != 0,
        table.recalls and not is_event,
        programme.pending_days != 0,
    )
    if request.original is not None and request.original.kind == KIND_HOLD:
        end_hold(&w.reserves, request.original.reserves_moved)
    turn(programme, &w.standing, request)
    if table.instructions_count:
        find_facts(table, facts, account, request, amount, account.points - w.expired, &w.counters, &w.grants)
        facts[TIER] = w.standing.tier
    if table.budgeted:
        begin_budgets(&budgets, request.budgets)
    count = fire(table, ON_EVENT if is_event else ON_PURCHASE, facts, &w.counters, &w.grants, &budgets, fired)
    if is_event and count == 0:
        return unchanged(account, request, RC_APPROVED)

    if request.reward != 0 and not is_event and not request.advice:
        refused = refusal_of_reward(table, facts, &budgets, fired, count)
        if refused == REWARD_USED_UP:
            return unchanged(account, request, RC_OVER_COUNT_LIMIT)

    decision = Decision.__new__(Decision)
    decision.discount = discount_of(table, fired, count, request, amount, &budgets)
    if not pay(programme, account, request, &w, price_of(table, fired, count), amount - decision.discount, decision):
        return unchanged(account, request, RC_INSUFFICIENT)
    if refused != REWARD_GIVEN:
        return unchanged(account, request, RC_REFUSED)
    decision.points_earned = points_of(table, fired, count, decision.to_pay, w.standing.tier, &budgets)
    decision.credit_granted = credit_of(table, fired, count, decision.to_pay, &budgets)
    if larger(larger(decision.points_earned, decision.credit_granted), decision.points_redeemed) > LEG_MAX:
        return unchanged(account, request, RC_INVALID_AMOUNT)
    if table.budgeted and budgets.sold_short and not request.advice:
        return unchanged(account, request, RC_REFUSED)
    decision.points_expired = w.expired

    take_earliest(&w.lots, decision.points_redeemed)
    add(&w.lots, <int32_t>request.local_month + programme.expiry_months, decision.points_earned)
    if programme.pending_days != 0 and not is_event:
        pend(&w.reserves, request.local_day + programme.pending_days - 1, decision.points_earned)
    if table.counts:
        count_effects(table, fired, count, decision.to_pay, &w.counters, &budgets)
    if not is_event:
        w.standing.visits += 1
        w.standing.spend += amount
    if w.recalling:
        spend_on(&w.recent, <int32_t>request.local_day, amount)
    if table.tiers_count:
        w.standing.tier_points = points_after(table, w.standing.tier_points, decision.points_earned)
        advance(programme, &w.standing, fired, count, request)
    if not settle(programme, account, request, decision, &w):
        return unchanged(account, request, RC_INVALID_AMOUNT)
    if table.grants_count and not is_event:
        find_facts(table, facts, account, request, amount, account.points, &w.counters, &w.grants)
        give_grants(table, facts, request.local_day, &w.grants)
        keep_grants(account, decision, &w.grants)
    decision.rules = pack_rules(fired, count)
    return decision


cdef Decision release(Account account, Request request, Original held):
    """A hold is undone as a whole, whatever is left of it."""
    cdef Reserves reserves
    begin_reserves(&reserves, account.packed_reserves, request.local_day, request.now)
    end_hold(&reserves, held.reserves_moved)
    return reserved(account, request, &reserves)


cdef Decision undo(Programme programme, Account account, Request request):
    """A refund, a reversal or a partial reversal."""
    cdef Original original = request.original
    cdef Working w
    cdef Part part
    cdef Moves moves
    cdef int32_t local_month = <int32_t>request.local_month
    cdef int32_t earning_month = local_month + programme.expiry_months
    cdef int64_t expired, earned, redeemed, granted, spent, unexpired
    cdef Decision decision
    if original is None or not original.rc_approved or original.kind == KIND_INQUIRY or original.kind == KIND_QUOTE:
        return unchanged(account, request, RC_APPROVED)
    if original.kind == KIND_HOLD:
        return release(account, request, original)
    if not find_part(original, request, &part):
        return unchanged(account, request, RC_INVALID_AMOUNT)

    begin(
        &w,
        account,
        request,
        PyBytes_GET_SIZE(original.counters_moved) != 0,
        False,
        programme.compiled.recalls and part.amount != 0,
        PyBytes_GET_SIZE(original.reserves_moved) != 0,
    )
    expired = w.expired
    earned = part.points_earned
    redeemed = part.points_redeemed
    granted = part.credit_granted
    spent = part.credit_spent
    split_moves(
        packed_of(original.lots_moved), packed_of(original.refunded_lots), expired_of(original), part.direction, &moves
    )
    if part.direction > 0:
        expired += give_back(&w.lots, &moves, redeemed, local_month, earning_month)
        earned = claw_back(&w.lots, &moves, earned, programme.deficit_allowed)
        if not programme.deficit_allowed:
            granted = smaller(granted, larger(0, account.credit + spent))
    else:
        expired += give_back(&w.lots, &moves, earned, local_month, earning_month)
        # What came back with the refund and expired at once never reached the member: it is not taken again.
        unexpired = smaller(redeemed, part_of(&part, moves.passed))
        redeemed = unexpired + claw_back(&w.lots, &moves, redeemed - unexpired, programme.deficit_allowed)
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
    if w.counting:
        count_back(&w.counters, original.counters_moved, original.refunded_counters, part.done, part.whole)
    if w.reserving:
        undo_pending(
            &w.reserves,
            original.reserves_moved,
            original.refunded_reserves,
            part.direction,
            part.done,
            part.whole,
            request.local_day,
        )
    if part.all_of_it and part.direction > 0:
        if w.granting:
            undo_grants(&w.grants, original.grants_moved)
        if original.kind != KIND_EVENT:
            w.standing.visits = larger(0, account.visits - 1)
    w.standing.spend = larger(0, account.spend - part.direction * part.amount)
    if w.recalling:
        spend_on(&w.recent, <int32_t>request.local_day, -part.direction * part.amount)
    if counts_now(programme, &w.standing, original.local_month):
        w.standing.tier_points = points_after(&programme.compiled, account.tier_points, decision.points_earned)
    if not settle(programme, account, request, decision, &w):
        return unchanged(account, request, RC_INVALID_AMOUNT)
    return decision


cdef Decision upkeep(Programme programme, Account account, Request request):
    """What a visit would do first, without one."""
    cdef Working w
    cdef const Table *table = &programme.compiled
    cdef Decision decision = Decision.__new__(Decision)
    begin(&w, account, request, table.limits_count != 0, False, False, False)
    if w.counting:
        w.dropped = forget(&w.counters, table.limits, table.limits_count)
    turn(programme, &w.standing, request)
    decision.points_expired = w.expired
    if not settle(programme, account, request, decision, &w):
        return unchanged(account, request, RC_INVALID_AMOUNT)
    return decision


cdef Decision gift(Programme programme, Account account, Request request):
    """Give points and credit; that counts as no visit and towards no tier."""
    cdef Working w
    cdef int64_t points = larger(0, request.points_wanted)
    cdef int64_t credit = larger(0, request.credit_wanted)
    cdef Decision decision
    if points > LEG_MAX or credit > LEG_MAX or points + credit == 0:
        return unchanged(account, request, RC_INVALID_AMOUNT)
    begin(&w, account, request, False, False, False, False)
    decision = Decision.__new__(Decision)
    decision.points_earned = points
    decision.points_expired = w.expired
    decision.credit_granted = credit
    add(&w.lots, <int32_t>request.local_month + programme.expiry_months, points)
    if not settle(programme, account, request, decision, &w):
        return unchanged(account, request, RC_INVALID_AMOUNT)
    return decision
