"""A control group that needs no table: who is held out of a rule follows from the account's number alone.

The account's *place* is the first 8 bytes of BLAKE2b over `programme/rule/shard/account` (UTF-8, decimal numbers), as a
big-endian integer, modulo 100: 0 … 99. Held out of a rule by n per cent is whose place is below n. So the group is the
same whenever and wherever it is worked out, grows with n without losing anybody, and is another one for each rule: a
member who misses one offer is as likely as anybody to get the next.
"""

from hashlib import blake2b

PLACES = 100
_BYTES = 8


def place_of(programme: str, rule: str, shard: int, account: int) -> int:
    """0 … 99, evenly spread."""
    digest = blake2b(f"{programme}/{rule}/{shard}/{account}".encode(), digest_size=_BYTES).digest()
    return int.from_bytes(digest, "big") % PLACES


def is_held_out(programme: str, rule: str, shard: int, account: int, per_cent: int) -> bool:
    """Whether the account belongs to a control group of `per_cent` (0 … 100) of the rule."""
    return place_of(programme, rule, shard, account) < per_cent
