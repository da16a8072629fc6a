"""A control group that needs no table: who is held out of a rule follows from the account's number alone.

A rule's *seed* is the first 31 bits of BLAKE2b over `programme/rule` (UTF-8). It goes into the programme's table, where
both kernels work out the account's *place* from it, 0 … 99 (`cext.reference.holdout`). Held out of a rule by n per cent
is whose place is below n. So the group is the same whenever and wherever it is worked out, grows with n without losing
anybody, and is another one for each rule: a member who misses one offer is as likely as anybody to get the next.
"""

from functools import lru_cache
from hashlib import blake2b

from cext.reference import holdout

PLACES = holdout.PLACES
_BYTES = 4


@lru_cache(1_024)
def seed_of(programme: str, rule: str) -> int:
    """31 bits, for the table's lookup."""
    digest = blake2b(f"{programme}/{rule}".encode(), digest_size=_BYTES).digest()
    return int.from_bytes(digest, "big") >> 1


def place_of(programme: str, rule: str, shard: int, account: int) -> int:
    """0 … 99, evenly spread."""
    return holdout.place_of(seed_of(programme, rule), shard, account)


def is_held_out(programme: str, rule: str, shard: int, account: int, per_cent: int) -> bool:
    """Whether the account belongs to a control group of `per_cent` (0 … 100) of the rule."""
    return place_of(programme, rule, shard, account) < per_cent
