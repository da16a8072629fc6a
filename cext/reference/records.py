"""What a decision reads and writes, in plain Python, checked as the compiled module's C fields are."""

from dataclasses import dataclass, fields, replace
from typing import Self

from cext.programme_table import BASKET_ITEMS_MAX, BUDGETS_MAX, MOVES_MAX
from cext.reference import counters as counter_packing
from cext.reference import grants as grant_packing
from cext.reference import lots as lot_packing
from cext.reference import recent as recent_packing
from cext.reference import reserves as reserve_packing
from cext.reference.table_checks import INT64_MAX, INT64_MIN

PURCHASE = 1
REDEMPTION = 2
CREDIT_PURCHASE = 3
REFUND = 4
REVERSAL = 5
INQUIRY = 6
EVENT = 7
HOLD = 8
QUOTE = 9
UPKEEP = 10
GIFT = 11

PURCHASES = (PURCHASE, REDEMPTION, CREDIT_PURCHASE)
KINDS = (*PURCHASES, REFUND, REVERSAL, INQUIRY, EVENT, HOLD, QUOTE, UPKEEP, GIFT)


def _check_integer(name: str, value: object) -> None:
    if not isinstance(value, int):
        raise TypeError(f"{name} must be an int")
    if not INT64_MIN <= value <= INT64_MAX:
        raise OverflowError(f"{name} does not fit 64 bits")


class _Integers:
    """Rejects what would not fit the compiled module's C fields."""

    def __post_init__(self) -> None:
        for field in fields(self):  # type: ignore[arg-type]  # only ever a base of dataclasses
            if field.type is int:
                _check_integer(field.name, getattr(self, field.name))


@dataclass(slots=True)
class Account(_Integers):
    """The row that a decision reads and, by an approval with an effect, changes. `version` is the store's.

    `born`: YYYYMMDD; 0, or what is no date, is not known. `counters`, `grants`, `reserves`, `recent`: packed as the
    modules of these names say. `tier_year`: the tier year that `tier_points` belong to; `tier_kept`: the tier below
    which the member does not fall in it. `flags`: bits, see the schema.
    """

    shard: int
    id: int
    version: int
    programme: int
    status: int
    points: int
    credit: int
    visits: int
    spend: int
    first_visit: int
    last_visit: int
    tier: int
    tier_points: int
    enrolled_day: int
    lots: bytes
    club: int = 0
    born: int = 0
    counters: bytes = b""
    grants: bytes = b""
    reserves: bytes = b""
    recent: bytes = b""
    tier_year: int = 0
    tier_kept: int = 0
    flags: int = 0

    def __post_init__(self) -> None:
        # A slotted dataclass is a new class, so that an argumentless super() would not find it.
        _Integers.__post_init__(self)
        lot_packing.checked(self.lots)
        counter_packing.check(self.counters)
        grant_packing.check(self.grants)
        reserve_packing.check(self.reserves)
        recent_packing.check(self.recent)

    @property
    def lot_list(self) -> list[tuple[int, int]]:
        """[(month, points)] by month; month -1 is the deficit lot."""
        return lot_packing.unpack(self.lots)

    def copy(self) -> Self:
        """A copy that may be decided on without touching this one."""
        return replace(self)


@dataclass(slots=True)
class Original(_Integers):
    """What the journal knows of the message that a refund, a reversal or the completion of a hold names.

    The legs are those of its row. `refunded_*` is what earlier refunds and partial reversals, that are not
    themselves reversed, have undone of each already, with the original's sign: minus the sum of their legs (but the
    sum of their `to_pay`, which is never below zero).
    `refunded_amount` is the sum of their amounts, `refunded_lots` their `lots_moved`, `refunded_counters` their
    `counters_moved` and `refunded_reserves` their `reserves_moved`, one after another in any order. `local_month`: that
    of the message (of a refund: of what it refunds), in the programme's zone; -1 if it is not known.
    """

    kind: int
    rc_approved: bool
    amount: int
    points_earned: int
    points_redeemed: int
    credit_granted: int
    credit_spent: int
    discount: int
    to_pay: int
    lots_moved: bytes
    refunded_amount: int = 0
    refunded_points_earned: int = 0
    refunded_points_redeemed: int = 0
    refunded_credit_granted: int = 0
    refunded_credit_spent: int = 0
    reversed: bool = False
    refunded_lots: bytes = b""
    counters_moved: bytes = b""
    grants_moved: bytes = b""
    refunded_counters: bytes = b""
    reserves_moved: bytes = b""
    refunded_reserves: bytes = b""
    local_month: int = -1
    refunded_discount: int = 0
    refunded_to_pay: int = 0

    def __post_init__(self) -> None:
        _Integers.__post_init__(self)
        lot_packing.unpack(self.refunded_lots)
        if len(lot_packing.unpack(self.lots_moved)) > MOVES_MAX:
            raise ValueError(f"lots_moved has at most {MOVES_MAX} entries")
        counter_packing.check_moves(self.counters_moved)
        counter_packing.check_moves(self.refunded_counters, most=None)
        grant_packing.check_moves(self.grants_moved)
        reserve_packing.check_moves(self.reserves_moved)
        reserve_packing.check_moves(self.refunded_reserves, most=None)


@dataclass(slots=True)
class Request(_Integers):
    """One message: amounts in minor units, `now` in epoch seconds, the calendar in the programme's zone.

    `local_day`: days since 1970-01-01. `event`: 0, or what happened. `reward`: 0, or what the till asked for out of the
    catalogue; -1 if that is nothing that the programme has. `quantities` and `free_prices` (minor units) are
    what the programme's lookups and free items ask of the basket, by their index; `has_basket`: the message had one.
    `hold_key`, `hold_until` (epoch seconds): by what a hold is kept, and when it ends.
    `budgets`: what is left of the programme's budgets, by their index.
    """

    kind: int
    advice: bool
    amount: int
    currency: int
    now: int
    local_day: int
    local_month: int
    hour: int
    weekday: int
    day_of_month: int
    entry_mode: int
    merchant: int
    institution: int
    category: int
    points_wanted: int = -1
    credit_wanted: int = -1
    original: Original | None = None
    replacement_amount: int = -1
    event: int = 0
    quantities: tuple[int, ...] = ()
    free_prices: tuple[int, ...] = ()
    has_basket: bool = False
    reward: int = 0
    hold_key: int = 0
    hold_until: int = 0
    budgets: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        _Integers.__post_init__(self)
        for name, items, most in (
            ("quantities", self.quantities, BASKET_ITEMS_MAX),
            ("free_prices", self.free_prices, BASKET_ITEMS_MAX),
            ("budgets", self.budgets, BUDGETS_MAX),
        ):
            if len(items) > most:
                raise ValueError(f"{name} has at most {most} entries")
            for item in items:
                _check_integer(name, item)

    def be_at(self, local: tuple[int, int, int, int, int]) -> None:
        """Take the calendar from a local time: day, month, hour, weekday and day of the month."""
        self.local_day, self.local_month, self.hour, self.weekday, self.day_of_month = local
        self.__post_init__()

    def carry(
        self,
        *,
        event: int,
        quantities: tuple[int, ...],
        free_prices: tuple[int, ...],
        has_basket: bool,
        reward: int,
    ) -> None:
        """Take what the message told beside the amount, in the numbers of the programme that decides."""
        self.event = event
        self.reward = reward
        self.quantities = quantities
        self.free_prices = free_prices
        self.has_basket = has_basket
        self.__post_init__()


@dataclass(slots=True)
class Decision:
    """The answer and its legs.

    points: Δ = earned - redeemed - expired + adjusted; credit: Δ = granted - spent. A refund's or a
    reversal's row has the opposite signs of what it undoes. `to_pay` is DE4 of the reply: what is still to be
    paid by other means, or, of a refund or reversal, what is to be paid back; the whole amount on a decline. Of the
    balances, `points_pending`, `points_held` and `credit_held` may not be spent yet. A quote's legs, `to_pay` and
    `rules` are what a purchase's would be; its balances are as they are.
    `rules`: 2-byte big-endian indexes. `counters_moved`, `grants_moved`, `reserves_moved`: packed as the modules
    `counters`, `grants` and `reserves` say. `tier_after`: the account's tier when this is settled.
    """

    rc: str
    points_earned: int = 0
    points_redeemed: int = 0
    points_expired: int = 0
    points_adjusted: int = 0
    credit_granted: int = 0
    credit_spent: int = 0
    discount: int = 0
    to_pay: int = 0
    points_balance: int = 0
    credit_balance: int = 0
    lots_moved: bytes = b""
    rules: bytes = b""
    changed: bool = False
    counters_moved: bytes = b""
    grants_moved: bytes = b""
    tier_after: int = 0
    reserves_moved: bytes = b""
    points_pending: int = 0
    points_held: int = 0
    credit_held: int = 0

    @property
    def rule_list(self) -> list[int]:
        """Indexes of the rules that fired, in the programme's order of evaluation."""
        return [int.from_bytes(self.rules[at : at + 2], "big") for at in range(0, len(self.rules), 2)]
