"""Small marks that are made once a message, in plain Python: the same names and results as `cext._marks`."""

_MASK = (1 << 64) - 1
_FNV_OFFSET = 0xCBF29CE484222325
_FNV_PRIME = 0x100000001B3
_GOLDEN = 0x9E3779B97F4A7C15
_MIX_1 = 0xBF58476D1CE4E5B9
_MIX_2 = 0x94D049BB133111EB
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no I, L, O, U, which are misread on a slip."""
_AMOUNT_MAX = 999_999_999_999


def _mixed(value: int) -> int:
    """SplitMix64's finaliser: every bit of the result depends on every bit of the value."""
    value = ((value ^ (value >> 30)) * _MIX_1) & _MASK
    value = ((value ^ (value >> 27)) * _MIX_2) & _MASK
    return value ^ (value >> 31)


def fingerprint(high: int, low: int, *parts: str | None) -> int:
    """A digest of a token and of texts (None where there is none); never 0, which marks a tombstone.

    FNV-1a over each text, mixed with its length so that no text can run into the next. The token stands for the PAN, so
    the digest tells nothing about it.
    """
    state = _mixed(_FNV_OFFSET ^ (high & _MASK))
    state = _mixed(state ^ (low & _MASK))
    for part in parts:
        if part is None:
            state = _mixed((state + _GOLDEN) & _MASK)
            continue
        text = part.encode()
        for byte in text:
            state = ((state ^ byte) * _FNV_PRIME) & _MASK
        state = _mixed(state ^ len(text))
    digest = state - (1 << 64) if state >> 63 else state
    return digest or 1


def approval_code(key: int, terminal: int, message_class: int) -> str:
    """DE38: six characters of base 32 from a mix of the message's key.

    The decision has no randomness (docs/architecture.md), so the same message gets the same code wherever and whenever
    it is decided. It identifies a slip, it proves nothing.
    """
    state = _mixed((key * _GOLDEN + terminal * _MIX_1 + message_class) & _MASK)
    return "".join(_ALPHABET[(state >> (5 * place)) & 31] for place in range(6))


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
) -> str:
    """DE62: balances and programme version always, movements where there were any."""
    always = [("PB", points_balance), ("CB", credit_balance), ("RV", programme_version)]
    movements = [
        ("PE", points_earned),
        ("PR", points_redeemed),
        ("CG", credit_granted),
        ("CS", credit_spent),
        ("DS", discount),
        ("GA", gross if discount else 0),
    ]
    elements = always + [(tag, value) for tag, value in movements if value]
    return "".join(f"{tag}{len(str(value)):03d}{value}" for tag, value in elements)


def additional_amounts(points: int, credit: int, currency: str) -> str:
    """DE54: points (account type 60) and credit (65), available (02), signed, 12 digits each (wire.md)."""
    if len(currency.encode()) != 3:
        raise ValueError("a currency is three digits")
    return _amount("60", "999", points) + _amount("65", currency, credit)


def _amount(kind: str, currency: str, value: int) -> str:
    if abs(value) > _AMOUNT_MAX:
        raise OverflowError("a balance does not fit the 12 digits of DE54")
    return f"{kind}02{currency}{'D' if value < 0 else 'C'}{abs(value):012d}"
