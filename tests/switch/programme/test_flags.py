"""The bits of an account's flags."""

import pytest

from switch.programme.flags import COUNTED_SLOTS_MAX, REFERRED, TAGS_MAX, free_slot, free_tag_slot, tag_bit


def test_sixteen_tags_have_sixteen_bits_that_are_not_anybody_elses():
    bits = [tag_bit(slot) for slot in range(4_095, 4_079, -1)]
    assert bits == [256 << number for number in range(TAGS_MAX)]
    assert REFERRED not in bits


@pytest.mark.parametrize("slot", [-1, 0, 1, COUNTED_SLOTS_MAX, 4_096])
def test_any_other_slot_is_no_tags(slot):
    with pytest.raises(ValueError, match="4080 to 4095"):
        tag_bit(slot)


def test_slots_are_given_from_both_ends():
    assert free_tag_slot([]) == 4_095
    assert free_tag_slot([4_095, 4_093, 7]) == 4_094
    assert free_tag_slot(range(4_080, 4_096)) is None
    assert free_slot([]) == 1
    assert free_slot([4_095, 1, 5]) == 6
    assert free_slot([COUNTED_SLOTS_MAX]) is None
