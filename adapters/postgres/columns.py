"""Arrays that the lane's statements take, already in PostgreSQL's binary format; a batch's rows are `cext._pgrows`'."""

from collections.abc import Sequence

from cext._pgarray import date_array, int2_array, int4_array, int8_array
from cext._pgrows import shard_counts
from switch.transaction import JournalKey, Transaction


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
