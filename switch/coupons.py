"""Coupons: what a code is, what is kept of it, and whether a member may use it now.

Of a code only a keyed hash is kept. A coupon is used up in the transaction of the purchase that it belongs to: its row
is held from before the decision (`switch.lane`), so that whoever comes second finds it used.
"""

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from cext._kernel import Account
from cext.reference import counters as counter_packing
from switch.programme import CompiledProgramme
from switch.refusals import Refusal
from switch.tokens import Token, Tokens, latin_digits
from switch.wishes import refused_as_repeated

CODE_CHARACTERS_MIN = 4
CODE_CHARACTERS_MAX = 32
RANDOM_CHARACTERS = 16
"""80 bits."""
GROUP = 4
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

UNKNOWN = Refusal("05", "CP unknown")
USED = Refusal("05", "CP used already")
WITHDRAWN = Refusal("05", "CP withdrawn")
NOT_TODAY = Refusal("05", "CP not valid today")
TWO_OF_A_KIND = Refusal("05", "CP: one of a kind at once")
FOREIGN = Refusal("57", "CP of another programme")
NO_MORE = Refusal("65", "CP: no more for you")
ASKS_FOR_MORE = Refusal("05", "CP asks for more")
BUDGET_USED_UP = Refusal("05", "CP: budget is used up")

_ALPHABET = frozenset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_ALIKE = str.maketrans("ILO", "110", "- ")


def normalised(text: str) -> str | None:
    """A code as it is hashed, whatever case, groups and digits it was typed in; None if it can be none.

    I and L are read as 1, O as 0, as they look alike (Crockford's base 32).
    """
    if len(text) > 2 * CODE_CHARACTERS_MAX:
        return None
    code = latin_digits(text)
    if not code.isascii():
        return None
    code = code.upper().translate(_ALIKE)
    if not CODE_CHARACTERS_MIN <= len(code) <= CODE_CHARACTERS_MAX or not _ALPHABET.issuperset(code):
        return None
    return code


def random_code() -> str:
    """A code that nobody can guess, in groups: `7D4K-0QXW-…`."""
    bits = secrets.randbits(RANDOM_CHARACTERS * 5)
    characters = "".join(CROCKFORD[bits >> 5 * at & 31] for at in range(RANDOM_CHARACTERS))
    return "-".join(characters[at : at + GROUP] for at in range(0, RANDOM_CHARACTERS, GROUP))


def token_of(tokens: Tokens, code: str) -> Token:
    """What stands for a normalised code in the store."""
    return tokens.card(f"CP:{code}")


class CouponKey(NamedTuple):
    """Where a coupon is kept: its shard and token are functions of the code; two programmes may choose one code."""

    shard: int
    token: bytes
    programme: int


@dataclass(slots=True)
class Coupon:
    """A coupon as its row is, and as the messages of a batch change it; `read_left` is what the row had."""

    key: CouponKey
    campaign: str
    left: int
    is_withdrawn: bool
    read_left: int = field(init=False)

    def __post_init__(self) -> None:
        self.read_left = self.left


@dataclass(slots=True)
class Shown:
    """The coupons of one message.

    `tokens`: of the codes that a purchase shows, None for what can be no code; `asked`: what else the journal keeps of
    its DE48 and DE63. `found`: the coupons that were read, by (shard, token). `used`: those of the original that a
    reversal names. `taken` are those that the decision uses up, `returned` those that it gives back.
    """

    tokens: tuple[Token | None, ...] = ()
    asked: str = ""
    found: dict[tuple[int, bytes], list[Coupon]] = field(default_factory=dict)
    used: tuple[Coupon, ...] = ()
    taken: tuple[Coupon, ...] = ()
    returned: tuple[Coupon, ...] = ()

    def campaigns(self) -> tuple[str, ...]:
        """What the journal may know of the coupons that are taken."""
        return tuple(coupon.campaign for coupon in self.taken)

    def of(self, token: Token | None) -> Sequence[Coupon]:
        """The coupons that a code may be, one at most in each programme."""
        return () if token is None else self.found.get((token.shard, token.bytes), ())


def read_codes(codes: Sequence[str], tokens: Tokens) -> Shown | Refusal:
    """DE48 CP as a purchase shows it: each code once."""
    plain = [normalised(code) for code in codes]
    repeated = refused_as_repeated("CP", plain)
    if repeated is not None:
        return repeated
    return Shown(tuple(None if code is None else token_of(tokens, code) for code in plain))


def is_foreign(shown: Shown, programme: int) -> bool:
    """Whether one of the codes is another programme's."""
    return any(
        found and all(coupon.key.programme != programme for coupon in found)
        for found in (shown.of(token) for token in shown.tokens)
    )


def taken(
    shown: Shown, programme: int, compiled: CompiledProgramme, account: Account, local_day: int
) -> Iterator[Coupon | Refusal]:
    """Each code's coupon if this member may use it now, or why not; whether a rule fires for it is not looked at."""
    campaigns: set[str] = set()
    for token in shown.tokens:
        coupon = next((found for found in shown.of(token) if found.key.programme == programme), None)
        if coupon is None:
            yield UNKNOWN
            continue
        refusal = _refusal(coupon, compiled, account, local_day)
        if refusal is None and coupon.campaign in campaigns:
            refusal = TWO_OF_A_KIND
        campaigns.add(coupon.campaign)
        yield coupon if refusal is None else refusal


def _refusal(coupon: Coupon, compiled: CompiledProgramme, account: Account, local_day: int) -> Refusal | None:
    if coupon.is_withdrawn:
        return WITHDRAWN
    if coupon.left < 1:
        return USED
    campaign = compiled.campaigns.get(coupon.campaign)
    if campaign is None or (campaign.terms.valid is not None and not campaign.terms.valid.holds(local_day)):
        return NOT_TODAY
    most = campaign.terms.per_member
    if most is not None and _uses(account, campaign.slot) >= most:
        return NO_MORE
    return None


def _uses(account: Account, slot: int) -> int:
    return next((value for of, _, value in counter_packing.unpack(account.counters) if of == slot), 0)
