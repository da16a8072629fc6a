"""The coupons of a batch: found and held before it is decided, used up with it.

All coupons of a batch are held at once, in the order of their keys, after its shards: every lane of every worker does
so, and none waits for another in a circle.
"""

from collections.abc import Sequence

from cext._transaction import any_has_coupons
from switch.coupons import Coupon, CouponKey, Shown
from switch.deciding import REVERSAL
from switch.ports import Store
from switch.transaction import Transaction


def concern(batch: Sequence[Transaction]) -> bool:
    """Whether the batch uses or gives back coupons; notes the reversals that may, once their originals are known."""
    for transaction in batch:
        record = transaction.original_record
        if record is not None and record.used_coupons and transaction.kind == REVERSAL and transaction.coupons is None:
            transaction.coupons = Shown()
    return any_has_coupons(batch)


async def hold(store: Store, lane: int, batch: Sequence[Transaction]) -> None:
    """Read and hold the coupons of the batch, and put them to their messages, which share them."""
    concerned = [(transaction, transaction.coupons) for transaction in batch if transaction.coupons is not None]
    used: dict[int, list[CouponKey]] = {}
    wanted: set[tuple[int, bytes]] = set()
    for transaction, shown in concerned:
        record = transaction.original_record
        if record is not None and record.used_coupons:
            used[id(shown)] = await store.coupons_used(lane, transaction)
            wanted.update((key.shard, key.token) for key in used[id(shown)])
        wanted.update((token.shard, token.bytes) for token in shown.tokens if token is not None)
    in_order = sorted(wanted)
    found: dict[tuple[int, bytes], list[Coupon]] = {}
    if in_order:
        for coupon in await store.hold_coupons(lane, [s for s, _ in in_order], [t for _, t in in_order]):
            found.setdefault((coupon.key.shard, coupon.key.token), []).append(coupon)
    by_key = {coupon.key: coupon for coupons in found.values() for coupon in coupons}
    for _, shown in concerned:
        shown.found = found
        shown.used = tuple(by_key[key] for key in used.get(id(shown), ()) if key in by_key)


def moving(batch: Sequence[Transaction]) -> list[Transaction]:
    """The messages of a decided batch that use coupons up or give some back."""
    if not any_has_coupons(batch):
        return []
    return [t for t in batch if t.coupons is not None and (t.coupons.taken or t.coupons.returned)]
