"""The journal keys of jobs' messages: worked out from what a message is about, so that it can happen only once.

A key has the form of every other (DE7 · 10⁶ + DE11), on the day that the thing belongs to. Hour, minute, second and
DE11 are a hash within a span that belongs to the shard, so that no two shards share a key. Within a shard two things
may come to the same; the second one is then told so (DE39 94) and takes the key of its next `attempt`.
"""

import datetime as dt
from hashlib import blake2b

SECONDS_A_DAY = 86_400
STANS = 1_000_000


def key_of(what: str, day: dt.date, *, shard: int, shards: int, attempt: int = 0) -> int:
    """The journal key of a thing that belongs to a day; `what` names it among all that belong to that day."""
    span = SECONDS_A_DAY * STANS // shards
    digest = blake2b(f"{what}#{attempt}".encode(), digest_size=8).digest()
    seconds, stan = divmod(shard * span + int.from_bytes(digest, "big") % span, STANS)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    moment = ((day.month * 100 + day.day) * 100 + hour) * 10_000 + minute * 100 + second
    return moment * STANS + stan
