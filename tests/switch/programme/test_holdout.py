from hypothesis import given
from hypothesis import strategies as st

from switch.programme.holdout import is_held_out, place_of


def test_places_are_the_documented_ones():
    # Kept for ever: a group that changes while it is measured is none.
    assert [place_of("bazaar", "birthday", 7, account) for account in (-12, 0, 1, 2**62)] == [28, 15, 19, 95]


@given(st.integers(0, 63), st.integers(-(2**63), 2**63 - 1), st.integers(0, 99))
def test_a_larger_group_contains_the_smaller(shard, account, per_cent):
    if is_held_out("p", "r", shard, account, per_cent):
        assert is_held_out("p", "r", shard, account, per_cent + 1)
    assert not is_held_out("p", "r", shard, account, 0)
    assert is_held_out("p", "r", shard, account, 100)


def test_groups_are_even_and_differ_between_rules():
    accounts = range(20_000)
    one = {account for account in accounts if is_held_out("p", "one", 1, account, 10)}
    other = {account for account in accounts if is_held_out("p", "other", 1, account, 10)}
    assert 1_800 < len(one) < 2_200
    assert 120 < len(one & other) < 280
