"""The bits of `account.flags` that a programme's conditions look at: what is true of a member beside numbers.

A programme's own tags have a slot each, as counters and offers do, so that a tag keeps its bit in all versions. Tags
take the last slots, from the end on: the first tag is slot 4095 and bit 256, the second 4094 and 512, sixteen in all.
"""

from collections.abc import Collection

from cext.programme_table import SLOTS_MAX

REFERRED = 1
"""Was brought by another member."""
TAG = "tag"
"""The kind of a tag's slot."""
TAGS_MAX = 16
FIRST_TAG_BIT = 256
COUNTED_SLOTS_MAX = SLOTS_MAX - TAGS_MAX
"""The last slot of what is no tag."""


def is_tag_slot(slot: int) -> bool:
    """Whether a slot is one for tags."""
    return COUNTED_SLOTS_MAX < slot <= SLOTS_MAX


def tag_bit(slot: int) -> int:
    """The bit of a tag's slot. Raises ValueError for any other slot."""
    if not is_tag_slot(slot):
        raise ValueError(f"a tag's slot is {COUNTED_SLOTS_MAX + 1} to {SLOTS_MAX}")
    return FIRST_TAG_BIT << (SLOTS_MAX - slot)


def free_tag_slot(taken: Collection[int]) -> int | None:
    """The slot that a new tag takes; None if there are sixteen already."""
    return next((slot for slot in range(SLOTS_MAX, COUNTED_SLOTS_MAX, -1) if slot not in taken), None)


def free_slot(taken: Collection[int]) -> int | None:
    """The slot that anything else takes, the one after the last; None if there are no more."""
    slot = max((slot for slot in taken if not is_tag_slot(slot)), default=0) + 1
    return None if is_tag_slot(slot) else slot
