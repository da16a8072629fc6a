"""What was spent on the last thirty days: kept if it is asked for, net of what is undone, each on its own day."""

from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cext import _kernel
from cext.programme_table import BALANCE_MAX, NO_CAP, RECENT_DAYS_MAX, TARGET_FALSE, Effect, Fact, Opcode
from cext.reference import kernel as reference
from cext.reference import recent
from tests.cext.kernel_cases import TODAY, account, original, pack_days, request, rule, unpack_days, whole_table

PURCHASE, REFUND, REVERSAL, EVENT = 1, 4, 5, 7
FROM = 1_000
ASKING = whole_table(
    [
        rule([(Opcode.FACT_GE, Fact.SPEND_30D, FROM, TARGET_FALSE)], [(Effect.CREDIT_AMOUNT, 7, 1, NO_CAP)]),
        rule([(Opcode.FACT_EQ, Fact.SPEND_30D, 0, TARGET_FALSE)], [(Effect.CREDIT_AMOUNT, 1, 1, NO_CAP)]),
    ]
)
NOT_ASKING = whole_table([rule(effects=[(Effect.CREDIT_AMOUNT, 7, 1, NO_CAP)])])


@pytest.fixture(params=[_kernel, reference], ids=["compiled", "reference"])
def kernel(request: pytest.FixtureRequest) -> ModuleType:
    return request.param


class Life:
    def __init__(self, kernel, table=ASKING, **more):
        self.kernel, self.programme = kernel, kernel.Programme(table)
        self.mine = account(kernel, **more)

    def tell(self, kind, amount, day=0, **more):
        return self.kernel.decide(
            self.programme, self.mine, request(self.kernel, kind, amount, local_day=TODAY + day, **more)
        )

    def undo(self, kind, amount, named, day=0, *, of=PURCHASE, whole=0, **more):
        before = original(self.kernel, of, whole or amount, named)
        return self.tell(kind, amount, day, original=before, **more)

    @property
    def days(self):
        return [(day - TODAY, amount) for day, amount in unpack_days(self.mine.recent)]


def test_the_present_purchase_does_not_count_and_the_earlier_ones_of_today_do(kernel):
    life = Life(kernel)
    assert life.tell(PURCHASE, 1_000).credit_granted == 1
    assert life.tell(PURCHASE, 5).credit_granted == 7
    assert life.days == [(0, 1_005)]


def test_the_thirtieth_day_counts_and_the_one_before_does_not(kernel):
    for gap, granted in ((29, 7), (30, 1)):
        life = Life(kernel)
        life.tell(PURCHASE, 1_000)
        assert life.tell(PURCHASE, 1, gap).credit_granted == granted
        assert life.days == ([(0, 1_000), (29, 1)] if gap == 29 else [(30, 1)])


def test_a_refund_counts_on_its_own_day(kernel):
    life = Life(kernel)
    bought = life.tell(PURCHASE, 3_000)
    back = life.undo(REFUND, 2_500, bought, 20, whole=3_000)
    assert life.days == [(0, 3_000), (20, -2_500)]
    assert life.tell(PURCHASE, 1, 21).credit_granted == 0
    # When the purchase's day is over, only the refund is left, which is not below nothing.
    assert life.tell(PURCHASE, 1, 31).credit_granted == 1
    life.undo(REVERSAL, 2_500, back, 40, of=REFUND)
    assert life.days == [(20, -2_500), (21, 1), (31, 1), (40, 2_500)]


def test_a_reversal_on_the_same_day_leaves_nothing(kernel):
    life = Life(kernel)
    bought = life.tell(PURCHASE, 3_000)
    life.undo(REVERSAL, 3_000, bought)
    assert life.mine.recent == b""


def test_a_reversal_that_moves_nothing_else_is_kept(kernel):
    life = Life(kernel, NOT_ASKING)
    bought = life.tell(PURCHASE, 3_000)
    asking = kernel.Programme(ASKING)
    life.programme = asking
    # Of nothing that is left but the spend of the day: the account is to be written.
    life.mine.spend = life.mine.credit = life.mine.visits = 0
    assert life.undo(REVERSAL, 3_000, bought).changed
    assert life.days == [(0, -3_000)]


def test_an_event_a_decline_and_a_programme_that_does_not_ask_leave_it_alone(kernel):
    life = Life(kernel, recent=pack_days((TODAY - 50, 9), (TODAY - 1, 4)))
    life.tell(EVENT, 0, event=1)
    assert life.tell(PURCHASE, 1, currency=840).rc == "12"
    assert life.days == [(-50, 9), (-1, 4)]
    other = Life(kernel, NOT_ASKING, recent=pack_days((TODAY - 50, 9)))
    bought = other.tell(PURCHASE, 500)
    other.undo(REFUND, 500, bought)
    assert other.days == [(-50, 9)]


def test_a_message_of_an_earlier_day_finds_its_place(kernel):
    life = Life(kernel)
    for day, amount in ((3, 30), (1, 10), (2, 20), (1, 1)):
        life.tell(PURCHASE, amount, day)
    assert life.days == [(1, 11), (2, 20), (3, 30)]
    # What comes later than the message is not of its last days.
    assert life.tell(PURCHASE, 1, 0).credit_granted == 1


def test_of_too_many_days_the_earliest_are_left_out(kernel):
    full = [(TODAY + day, 1) for day in range(RECENT_DAYS_MAX)]
    before_all = Life(kernel, recent=pack_days(*full))
    assert before_all.tell(PURCHASE, 5, -3).changed
    assert before_all.days == [(day - TODAY, amount) for day, amount in full]
    between = Life(kernel, recent=pack_days(*[(TODAY + 2 * day, 1) for day in range(RECENT_DAYS_MAX)]))
    between.tell(PURCHASE, 5, 3)
    assert (len(between.days), between.days[0], between.days[1]) == (RECENT_DAYS_MAX, (2, 1), (3, 5))


def test_a_day_beyond_all_bounds_is_declined(kernel):
    life = Life(kernel, recent=pack_days((TODAY, BALANCE_MAX)))
    assert life.tell(PURCHASE, 1).rc == "13"
    assert life.days == [(0, BALANCE_MAX)]
    assert life.tell(PURCHASE, 1, 1).credit_granted == 7


def test_an_offer_sees_the_purchase_that_makes_it(kernel):
    made = [(Opcode.FACT_EQ, Fact.SPEND_30D, 1_500, TARGET_FALSE)]
    table = whole_table([], grants=[{"slot": 5, "code": made, "life": 9, "values": []}])
    life = Life(kernel, table)
    assert not life.tell(PURCHASE, 1_000).grants_moved
    assert life.tell(PURCHASE, 500).grants_moved


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(-9_000, 9_000)), max_size=60))
def test_it_is_the_sum_of_the_last_thirty_days(moves):
    moves.sort(key=lambda move: move[0])
    packed = b""
    for day, amount in moves:
        packed = recent.with_spend(packed, day, amount)
        recent.check(packed)
    for day in (moves[-1][0], moves[-1][0] + 7) if moves else ():
        assert recent.spent(packed, day) == max(0, sum(a for d, a in moves if day - 30 < d <= day))
