"""The keys of jobs' messages: of the form of all keys, apart for each shard, the same for the same thing."""

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from switch.jobs.keys import key_of

DAY = dt.date(2026, 6, 21)
SHARDS = st.integers(1, 4_096)


@given(st.text(max_size=60), st.dates(dt.date(2000, 1, 1)), st.data(), SHARDS, st.integers(0, 20))
def test_a_key_is_a_moment_of_its_day_and_a_stan(
    what: str, day: dt.date, data: st.DataObject, shards: int, attempt: int
) -> None:
    shard = data.draw(st.integers(0, shards - 1))
    key = key_of(what, day, shard=shard, shards=shards, attempt=attempt)
    moment, _stan = divmod(key, 1_000_000)
    sent = dt.datetime.strptime(f"2000{moment:010d}", "%Y%m%d%H%M%S").replace(tzinfo=dt.UTC)
    assert (sent.month, sent.day) == (day.month, day.day)
    assert key == key_of(what, day, shard=shard, shards=shards, attempt=attempt)


@given(st.text(max_size=20), st.text(max_size=20), st.data(), st.integers(2, 4_096))
def test_two_shards_share_no_key(one: str, other: str, data: st.DataObject, shards: int) -> None:
    first, second = data.draw(st.lists(st.integers(0, shards - 1), min_size=2, max_size=2, unique=True))
    assert key_of(one, DAY, shard=first, shards=shards) != key_of(other, DAY, shard=second, shards=shards)


def test_another_attempt_is_another_key() -> None:
    keys = {key_of("upkeep 3:7", DAY, shard=3, shards=64, attempt=attempt) for attempt in range(16)}
    assert len(keys) == 16


def test_keys_of_a_shard_hardly_ever_meet() -> None:
    keys = {key_of(f"upkeep 3:{account}", DAY, shard=3, shards=64) for account in range(20_000)}
    assert len(keys) > 19_990


def test_a_key_never_changes() -> None:
    # It is in the journals of years: another way of working it out would let things happen again.
    assert key_of("birthday 3:7", DAY, shard=3, shards=64) == 621_011_235_868_023
