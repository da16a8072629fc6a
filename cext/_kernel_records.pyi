"""What a decision reads and writes, compiled. `cext/reference/records.py` says in plain Python what each name means."""

from typing import Final, final

from cext.programme_table import Table

FACTS: Final[tuple[str, ...]]

@final
class Programme:
    def __init__(self, table: Table) -> None: ...
    @property
    def table(self) -> Table: ...
    @property
    def currency(self) -> int: ...
    @property
    def point_value(self) -> int: ...
    @property
    def expiry_months(self) -> int: ...
    @property
    def deficit_allowed(self) -> bool: ...
    @property
    def pending_days(self) -> int: ...
    @property
    def tier_year_month(self) -> int: ...
    @property
    def tier_grace_days(self) -> int: ...

@final
class Account:
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
    club: int
    born: int
    counters: bytes
    grants: bytes
    reserves: bytes
    recent: bytes
    tier_year: int
    tier_kept: int
    flags: int
    def __init__(
        self,
        shard: int,
        id: int,  # noqa: A002
        version: int,
        programme: int,
        status: int,
        points: int,
        credit: int,
        visits: int,
        spend: int,
        first_visit: int,
        last_visit: int,
        tier: int,
        tier_points: int,
        enrolled_day: int,
        lots: bytes,
        club: int = 0,
        born: int = 0,
        counters: bytes = b"",
        grants: bytes = b"",
        reserves: bytes = b"",
        recent: bytes = b"",
        tier_year: int = 0,
        tier_kept: int = 0,
        flags: int = 0,
    ) -> None: ...
    @property
    def lots(self) -> bytes: ...
    @lots.setter
    def lots(self, packed: bytes) -> None: ...
    @property
    def lot_list(self) -> list[tuple[int, int]]: ...
    def copy(self) -> Account: ...

@final
class Original:
    kind: int
    rc_approved: bool
    amount: int
    points_earned: int
    points_redeemed: int
    credit_granted: int
    credit_spent: int
    discount: int
    to_pay: int
    refunded_amount: int
    refunded_points_earned: int
    refunded_points_redeemed: int
    refunded_credit_granted: int
    refunded_credit_spent: int
    local_month: int
    refunded_discount: int
    refunded_to_pay: int
    reversed: bool
    def __init__(
        self,
        kind: int,
        rc_approved: bool,
        amount: int,
        points_earned: int,
        points_redeemed: int,
        credit_granted: int,
        credit_spent: int,
        discount: int,
        to_pay: int,
        lots_moved: bytes,
        refunded_amount: int = 0,
        refunded_points_earned: int = 0,
        refunded_points_redeemed: int = 0,
        refunded_credit_granted: int = 0,
        refunded_credit_spent: int = 0,
        reversed: bool = False,  # noqa: A002
        refunded_lots: bytes = b"",
        counters_moved: bytes = b"",
        grants_moved: bytes = b"",
        refunded_counters: bytes = b"",
        reserves_moved: bytes = b"",
        refunded_reserves: bytes = b"",
        local_month: int = -1,
        refunded_discount: int = 0,
        refunded_to_pay: int = 0,
    ) -> None: ...
    @property
    def lots_moved(self) -> bytes: ...
    @property
    def refunded_lots(self) -> bytes: ...
    @property
    def counters_moved(self) -> bytes: ...
    @property
    def grants_moved(self) -> bytes: ...
    @property
    def reserves_moved(self) -> bytes: ...
    @property
    def refunded_reserves(self) -> bytes: ...
    @property
    def refunded_counters(self) -> bytes: ...

@final
class Request:
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
    points_wanted: int
    credit_wanted: int
    original: Original | None
    replacement_amount: int
    event: int
    reward: int
    has_basket: bool
    hold_key: int
    hold_until: int
    budgets: tuple[int, ...]
    def __init__(
        self,
        kind: int,
        advice: bool,
        amount: int,
        currency: int,
        now: int,
        local_day: int,
        local_month: int,
        hour: int,
        weekday: int,
        day_of_month: int,
        entry_mode: int,
        merchant: int,
        institution: int,
        category: int,
        points_wanted: int = -1,
        credit_wanted: int = -1,
        original: Original | None = None,
        replacement_amount: int = -1,
        event: int = 0,
        quantities: tuple[int, ...] = (),
        free_prices: tuple[int, ...] = (),
        has_basket: bool = False,
        reward: int = 0,
        hold_key: int = 0,
        hold_until: int = 0,
        budgets: tuple[int, ...] = (),
    ) -> None: ...
    def be_at(self, local: tuple[int, int, int, int, int]) -> int: ...
    def carry(
        self,
        *,
        event: int,
        quantities: tuple[int, ...],
        free_prices: tuple[int, ...],
        has_basket: bool,
        reward: int,
    ) -> None: ...
    @property
    def quantities(self) -> tuple[int, ...]: ...
    @property
    def free_prices(self) -> tuple[int, ...]: ...

@final
class Decision:
    rc: str
    points_earned: int
    points_redeemed: int
    points_expired: int
    points_adjusted: int
    credit_granted: int
    credit_spent: int
    discount: int
    to_pay: int
    points_balance: int
    credit_balance: int
    lots_moved: bytes
    rules: bytes
    changed: bool
    counters_moved: bytes
    grants_moved: bytes
    tier_after: int
    reserves_moved: bytes
    points_pending: int
    points_held: int
    credit_held: int
    def __init__(
        self,
        rc: str,
        points_earned: int = 0,
        points_redeemed: int = 0,
        points_expired: int = 0,
        points_adjusted: int = 0,
        credit_granted: int = 0,
        credit_spent: int = 0,
        discount: int = 0,
        to_pay: int = 0,
        points_balance: int = 0,
        credit_balance: int = 0,
        lots_moved: bytes = b"",
        rules: bytes = b"",
        changed: bool = False,
        counters_moved: bytes = b"",
        grants_moved: bytes = b"",
        tier_after: int = 0,
        reserves_moved: bytes = b"",
        points_pending: int = 0,
        points_held: int = 0,
        credit_held: int = 0,
    ) -> None: ...
    @property
    def rule_list(self) -> list[int]: ...
