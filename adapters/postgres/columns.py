"""Arrays that the lane's statements take, already in PostgreSQL's binary format; a batch's rows are `cext._pgrows`'."""

from collections import Counter
from collections.abc import Sequence

from cext._pgarray import bytea_array, date_array, int2_array, int4_array, int8_array
from cext._pgrows import shard_counts
from switch.budgets import Draw, Owed
from switch.coupons import CouponKey
from switch.transaction import JournalKey, OriginalName, OriginalRecord, Transaction, journal_key


def shard_columns(entries: Sequence[Transaction]) -> tuple[bytes, bytes]:
    """$1 shards in order and $2 how many sequence numbers each takes."""
    shards, counts = shard_counts(entries)
    return int2_array(shards), int8_array(counts)


def key_columns(keys: Sequence[JournalKey]) -> tuple[bytes, ...]:
    """The five columns of journal keys, as the query `answers` takes them."""
    return (
        int2_array([k.shard for k in keys]),
        int8_array([k.key for k in keys]),
        int4_array([k.terminal for k in keys]),
        int2_array([k.message_class for k in keys]),
        date_array([k.sent_on.toordinal() for k in keys]),
    )


def coupon_columns(messages: Sequence[Transaction]) -> tuple[bytes | int, ...]:
    """The parameters of the query `move_coupons`: what these messages use up of coupons, or give back."""
    moved: Counter[CouponKey] = Counter()
    uses: list[tuple[JournalKey, CouponKey]] = []
    undone: list[JournalKey] = []
    for message in messages:
        shown = message.coupons
        if shown is None:
            continue
        key = journal_key(message)
        uses += [(key, coupon.key) for coupon in shown.taken]
        moved.update(coupon.key for coupon in shown.taken)
        moved.subtract(coupon.key for coupon in shown.returned)
        if shown.returned and message.original_name is not None and message.original_record is not None:
            undone.append(original_key(message.shard, message.original_name, message.original_record))
    changed = [(coupon, count) for coupon, count in sorted(moved.items()) if count]
    return (
        int2_array([coupon.shard for coupon, _ in changed]),
        bytea_array([coupon.token for coupon, _ in changed]),
        int4_array([coupon.programme for coupon, _ in changed]),
        int4_array([count for _, count in changed]),
        len(changed),
        *key_columns([key for key, _ in uses]),
        int2_array([coupon.shard for _, coupon in uses]),
        bytea_array([coupon.token for _, coupon in uses]),
        int4_array([coupon.programme for _, coupon in uses]),
        *key_columns(undone),
    )


def draw_columns(draws: Sequence[Draw]) -> tuple[bytes | int, ...]:
    """$7 to $10 of `commit_batch`, programme, slot, share and how much, and $11 how many there are."""
    if not draws:
        return _NO_DRAWS
    return (
        int4_array([draw.programme for draw in draws]),
        int2_array([draw.slot for draw in draws]),
        int2_array([draw.share for draw in draws]),
        int8_array([draw.drawn for draw in draws]),
        len(draws),
    )


def owed_columns(owed: Sequence[Owed]) -> tuple[bytes, ...]:
    """The parameters of the query `owe_budgets`."""
    return (
        int4_array([each.programme for each in owed]),
        int2_array([each.slot for each in owed]),
        int8_array([each.amount for each in owed]),
    )


_NO_DRAWS = (int4_array([]), int2_array([]), int2_array([]), int8_array([]), 0)


def original_key(shard: int, name: OriginalName, record: OriginalRecord) -> JournalKey:
    """The key of the row that a reversal names, in the shard of its account."""
    return JournalKey(shard, name.key, record.terminal, name.message_class, record.sent_on)
