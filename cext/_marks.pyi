def fingerprint(high: int, low: int, *parts: str | None) -> int: ...
def approval_code(key: int, terminal: int, message_class: int) -> str: ...
def receipt_tlv(
    points_balance: int,
    credit_balance: int,
    programme_version: int,
    points_earned: int,
    points_redeemed: int,
    credit_granted: int,
    credit_spent: int,
    discount: int,
    gross: int,
) -> str: ...
def additional_amounts(points: int, credit: int, currency: str) -> str: ...
