"""Declines as values: a DE39 with its DE44, and which of several answers (wire.md: the first in the order of DE39)."""

from collections.abc import Iterable
from typing import NamedTuple

from protocol.codes import PRECEDENCE

_RANK = {code: rank for rank, code in enumerate(PRECEDENCE)}


class Refusal(NamedTuple):
    """A DE39, and DE44: ASCII, at most 25 characters."""

    response_code: str
    reason: str


def first_of(refusals: Iterable[Refusal]) -> Refusal | None:
    """The one that answers when several apply; None if none does."""
    return min(refusals, key=lambda refusal: _RANK[refusal.response_code], default=None)
