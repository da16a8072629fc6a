"""Referral codes: what a member gives to a friend, who names it when joining (DE48 RF).

A code is eight characters of Crockford's base 32, 40 bits of a keyed hash of the member: without the token key it can
be neither worked out nor told from a wrong one, and among a million members a guess hits once in a million. Two members
may come to the same code; the second one then takes the next (`attempt`). The store keeps codes under a shard that is a
function of the code, like a card's.
"""

from typing import NamedTuple

from switch.tokens import Tokens

CHARACTERS = 8
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MISREAD = str.maketrans("OIL", "011", " -")
"""Crockford's rules: what is read or typed wrong, and what people put between groups."""


class ReferralCode(NamedTuple):
    """A code and the shard in which it is kept."""

    shard: int
    code: str


def code_of(tokens: Tokens, member: tuple[int, int], attempt: int = 0) -> ReferralCode:
    """The code of the member whose first account this is (shard, id); `attempt` counts the codes that others have."""
    digest = tokens.card(f"RF:{member[0]}:{member[1]}:{attempt}").id
    text = "".join(_ALPHABET[(digest >> (5 * place)) & 31] for place in range(CHARACTERS))
    return _kept(tokens, text)


def read_code(tokens: Tokens, text: str) -> ReferralCode | None:
    """A code as somebody wrote it: in any case, with blanks or hyphens. None if it can be none."""
    code = text.upper().translate(_MISREAD)
    if len(code) != CHARACTERS or not set(code) <= set(_ALPHABET):
        return None
    return _kept(tokens, code)


def _kept(tokens: Tokens, code: str) -> ReferralCode:
    return ReferralCode(tokens.card(f"RF:{code}").shard, code)
