"""A message: its MTI and its data elements by number. What it prints of itself never shows a card or a
secret.
"""

from dataclasses import dataclass

# Shown as first six and last four digits (PCI DSS 3.4.1): cards, and accounts that may be cards.
MASKED_AS_PAN = frozenset({2, 34, 102, 103})
# Shown up to the separator as a card, the rest hidden.
MASKED_AS_TRACK = frozenset({35})
# Shown by their length alone: tracks, PIN, MAC and key data, chip data, private data with mobiles and names
# in them.
MASKED_WHOLLY = frozenset({36, 45, 48, 52, 53, 55, 60, 61, 62, 63, 64, 96, *range(105, 129)})

_SHOWN_HEAD = 6
_SHOWN_TAIL = 4
_PAN_MIN = 13


def masked_pan(pan: str) -> str:
    """`6037991234567890` → `603799******7890`; shorter than a card: nothing but its length."""
    if len(pan) < _PAN_MIN:
        return "*" * len(pan)
    return pan[:_SHOWN_HEAD] + "*" * (len(pan) - _SHOWN_HEAD - _SHOWN_TAIL) + pan[-_SHOWN_TAIL:]


def masked(number: int, value: str | bytes) -> str:
    """The value of a data element as it may be shown to anyone."""
    if isinstance(value, bytes):
        return f"<{len(value)} bytes>"
    if number in MASKED_AS_PAN:
        return masked_pan(value)
    if number in MASKED_AS_TRACK:
        pan = value.replace("D", "=").partition("=")[0]
        return masked_pan(pan) + "*" * (len(value) - len(pan))
    if number in MASKED_WHOLLY:
        return f"<{len(value)} characters>"
    return value


@dataclass(slots=True, repr=False)
class Message:
    """`mti`: four digits. `fields`: number (2 to 128) → text, or bytes for binary data elements (52, 64,
    128 and so on).
    """

    mti: str
    fields: dict[int, str | bytes]

    def __repr__(self) -> str:
        shown = " ".join(f"{number}={masked(number, value)!r}" for number, value in sorted(self.fields.items()))
        return f"Message({self.mti} {shown})" if shown else f"Message({self.mti})"
