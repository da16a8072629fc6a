"""What the kernel's tests share: short makers of programmes, accounts, requests and originals."""

import struct
from types import ModuleType
from typing import Any

from cext.programme_table import NO_CAP, Effect, Table

MONTH = 260
EARN_MONTH = MONTH + 24
DAY_S = 86_400
NOW = 1_700_000_000
BASE = (Effect.POINTS_PER, 1, 100_000, NO_CAP)

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
)


def pack(*lots: tuple[int, int]) -> bytes:
    return b"".join(struct.pack(">hq", month, points) for month, points in lots)


def unpack(packed: bytes) -> list[tuple[int, int]]:
    return list(struct.iter_unpack(">hq", packed))


def table(
    *effects: tuple[int, int, int, int],
    value: int = 100,
    expiry: int = 24,
    deficit: bool = False,
    currency: int = 364,
) -> Table:
    """A programme of one unconditional rule."""
    return (currency, value, expiry, int(deficit)), (), ((0, 0, 0, 0, len(effects)),), tuple(effects)


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
    return kernel.Account(*fields.values())


def request(kernel: ModuleType, kind: int, amount: int, **changes: Any) -> Any:
    fields = {
        "kind": kind,
        "advice": False,
        "amount": amount,
        "currency": 364,
        "now": NOW,
        "local_day": NOW // DAY_S,
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
    } | changes
    return kernel.Original(**fields)


def legs_of(decision: Any) -> dict[str, Any]:
    return {name: getattr(decision, name) for name in LEGS}


def state_of(account: Any) -> dict[str, Any]:
    return {name: getattr(account, name) for name in ACCOUNT_FIELDS}
