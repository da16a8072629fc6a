"""What the kernel's tests share: short makers of programmes, accounts, requests and originals."""

import struct
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from cext.programme_table import (
    NO_CAP,
    Effect,
    EffectRow,
    Instruction,
    LimitRow,
    LookupRow,
    Opcode,
    Table,
    TierRow,
    ValueRow,
)

MONTH = 260
EARN_MONTH = MONTH + 24
DAY_S = 86_400
NOW = 1_700_000_000
TODAY = NOW // DAY_S
BASE = (Effect.POINTS_PER, 1, 100_000, NO_CAP)
HEADER = (364, 100, 24, 0, 1, 1)

LEGS = (
    "rc",
    "points_earned",
    "points_redeemed",
    "points_expired",
    "points_adjusted",
    "credit_granted",
    "credit_spent",
    "discount",
    "to_pay",
    "points_balance",
    "credit_balance",
    "lots_moved",
    "rules",
    "changed",
    "counters_moved",
    "grants_moved",
    "tier_after",
    "reserves_moved",
    "points_pending",
    "points_held",
    "credit_held",
)
ACCOUNT_FIELDS = (
    "shard",
    "id",
    "version",
    "programme",
    "status",
    "points",
    "credit",
    "visits",
    "spend",
    "first_visit",
    "last_visit",
    "tier",
    "tier_points",
    "enrolled_day",
    "lots",
    "club",
    "born",
    "counters",
    "grants",
    "reserves",
    "recent",
    "tier_year",
    "tier_kept",
    "flags",
)


def pack(*lots: tuple[int, int]) -> bytes:
    return b"".join(struct.pack(">hq", month, points) for month, points in lots)


def unpack(packed: bytes) -> list[tuple[int, int]]:
    return list(struct.iter_unpack(">hq", packed))


def pack_days(*days: tuple[int, int]) -> bytes:
    """(day, minor units) each."""
    return b"".join(struct.pack(">iq", *day) for day in days)


def unpack_days(packed: bytes) -> list[tuple[int, int]]:
    return list(struct.iter_unpack(">iq", packed))


def pack_counters(*counters: tuple[int, int, int]) -> bytes:
    """(slot, number of the period, value) each."""
    return b"".join(struct.pack(">Hiq", *counter) for counter in counters)


def unpack_counters(packed: bytes) -> list[tuple[int, int, int]]:
    return list(struct.iter_unpack(">Hiq", packed))


def pack_grants(*grants: tuple[int, ...]) -> bytes:
    """(slot, last day, state, values …) each."""
    return b"".join(
        struct.pack(">HiBB4q", slot, until, state, len(values), *values, *[0] * (4 - len(values)))
        for slot, until, state, *values in grants
    )


def unpack_grants(packed: bytes) -> list[tuple[int, ...]]:
    return [
        (slot, until, state, *values[:count])
        for slot, until, state, count, *values in struct.iter_unpack(">HiBB4q", packed)
    ]


def pack_reserves(*reserves: tuple[int, int, int, int]) -> bytes:
    """(key, until, points, credit) each."""
    return b"".join(struct.pack(">qqqq", *reserve) for reserve in reserves)


def unpack_reserves(packed: bytes) -> list[tuple[int, int, int, int]]:
    return list(struct.iter_unpack(">qqqq", packed))


def table(
    *effects: tuple[int, ...],
    value: int = 100,
    expiry: int = 24,
    deficit: bool = False,
    currency: int = 364,
    most_discount: tuple[int, int] = (1, 1),
    tiers: tuple[TierRow, ...] = (),
    pending: int = 0,
) -> Table:
    """A programme of one unconditional rule; an effect without a slot has none."""
    header = (currency, value, expiry, int(deficit), *most_discount, pending)
    return whole_table([rule(effects=effects)], header=header, tiers=tiers)


def rule(
    code: Sequence[Instruction] = (),
    effects: Sequence[tuple[int, ...]] = (),
    group: int = 0,
    occasion: int = 0,
    grant: int = 0,
    limits: Sequence[LimitRow] = (),
) -> dict[str, Any]:
    """A rule for `whole_table`; the jumps of its code count from its own start."""
    return locals()


def grant(
    slot: int, code: Sequence[Instruction] = (), life: int = 30, values: Sequence[Sequence[Instruction]] = ()
) -> dict[str, Any]:
    """A grant for `whole_table`; likewise."""
    return locals()


def whole_table(
    rules: Sequence[dict[str, Any]],
    *,
    header: tuple[int, ...] = HEADER,
    lookups: Sequence[LookupRow] = (),
    grants: Sequence[dict[str, Any]] = (),
    tiers: Sequence[TierRow] = (),
) -> Table:
    """The flat table of these parts; what a header leaves out at its end is 0."""
    code: list[Instruction] = []
    effect_rows: list[EffectRow] = []
    limit_rows: list[LimitRow] = []
    value_rows: list[ValueRow] = []

    def laid(rows: Sequence[Instruction]) -> tuple[int, int]:
        start = len(code)
        code.extend((o, f, c, t if t < 0 or o > Opcode.STACK_GE else t + start) for o, f, c, t in rows)
        return start, len(code)

    rule_rows = []
    for each in rules:
        start, end = laid(each["code"])
        effects, limits = (len(effect_rows),), (len(limit_rows),)
        effect_rows.extend((*effect, 0)[:5] for effect in each["effects"])
        limit_rows.extend(each["limits"])
        effects, limits = (*effects, len(effect_rows)), (*limits, len(limit_rows))
        rule_rows.append((start, end, each["group"], *effects, each["occasion"], each["grant"], *limits))
    grant_rows = []
    for each in grants:
        start, end = laid(each["code"])
        values_start = len(value_rows)
        value_rows.extend(laid(value) for value in each["values"])
        grant_rows.append((each["slot"], start, end, each["life"], values_start, len(value_rows)))
    return (
        (*header, 0, 0, 0)[:9],
        tuple(code),
        tuple(rule_rows),
        tuple(effect_rows),
        tuple(lookups),
        tuple(limit_rows),
        tuple(grant_rows),
        tuple(value_rows),
        tuple(tiers),
    )


def account(kernel: ModuleType, *lots: tuple[int, int], **changes: Any) -> Any:
    fields = {
        "shard": 3,
        "id": 7,
        "version": 11,
        "programme": 1,
        "status": 0,
        "points": sum(points for _, points in lots),
        "credit": 0,
        "visits": 0,
        "spend": 0,
        "first_visit": 0,
        "last_visit": 0,
        "tier": 0,
        "tier_points": 0,
        "enrolled_day": 19_000,
        "lots": pack(*lots),
    } | changes
    return kernel.Account(**fields)


def request(kernel: ModuleType, kind: int, amount: int, **changes: Any) -> Any:
    fields = {
        "kind": kind,
        "advice": False,
        "amount": amount,
        "currency": 364,
        "now": NOW,
        "local_day": TODAY,
        "local_month": MONTH,
        "hour": 12,
        "weekday": 2,
        "day_of_month": 14,
        "entry_mode": 2,
        "merchant": 5,
        "institution": 6,
        "category": 7,
    } | changes
    return kernel.Request(**fields)


def original(
    kernel: ModuleType, named: int, amount: int, decision: Any, *undoings: tuple[int, Any], **changes: Any
) -> Any:
    """What the journal tells of a decision of kind `named`; `undoings`: (amount, decision) of each part."""
    fields = {
        "kind": named,
        "rc_approved": decision.rc == "00",
        "amount": amount,
        "points_earned": decision.points_earned,
        "points_redeemed": decision.points_redeemed,
        "credit_granted": decision.credit_granted,
        "credit_spent": decision.credit_spent,
        "discount": decision.discount,
        "to_pay": decision.to_pay,
        "lots_moved": decision.lots_moved,
        "refunded_amount": sum(part for part, _ in undoings),
        "refunded_points_earned": -sum(undoing.points_earned for _, undoing in undoings),
        "refunded_points_redeemed": -sum(undoing.points_redeemed for _, undoing in undoings),
        "refunded_credit_granted": -sum(undoing.credit_granted for _, undoing in undoings),
        "refunded_credit_spent": -sum(undoing.credit_spent for _, undoing in undoings),
        "refunded_lots": b"".join(undoing.lots_moved for _, undoing in undoings),
        "counters_moved": decision.counters_moved,
        "grants_moved": decision.grants_moved,
        "refunded_counters": b"".join(undoing.counters_moved for _, undoing in undoings),
        "reserves_moved": decision.reserves_moved,
        "refunded_reserves": b"".join(undoing.reserves_moved for _, undoing in undoings),
        "refunded_discount": -sum(undoing.discount for _, undoing in undoings),
        "refunded_to_pay": sum(undoing.to_pay for _, undoing in undoings),
    } | changes
    return kernel.Original(**fields)


def legs_of(decision: Any) -> dict[str, Any]:
    return {name: getattr(decision, name) for name in LEGS}


def state_of(account: Any) -> dict[str, Any]:
    return {name: getattr(account, name) for name in ACCOUNT_FIELDS}
