"""The parts of a reply: compiled and reference agree, and any msgpack reader understands what is stored."""

from types import ModuleType

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cext import _reply
from cext.reference import reply

NUMBERS = st.integers(0, 128)
VALUES = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=300) | st.binary(max_size=300)
FIELDS = st.dictionaries(NUMBERS, VALUES, max_size=15)
BOTH = pytest.mark.parametrize("module", [_reply, reply], ids=["compiled", "reference"])


@given(FIELDS)
def test_stored_replies_agree_and_are_msgpack(decided: dict[int, str | bytes]) -> None:
    stored = _reply.packed(decided)
    assert stored == reply.packed(decided)
    assert msgpack.unpackb(stored, strict_map_key=False) == decided


@given(FIELDS, st.lists(NUMBERS, max_size=8), FIELDS)
def test_the_parts_come_together_alike(
    fields: dict[int, str | bytes], numbers: list[int], decided: dict[int, str | bytes]
) -> None:
    together = _reply.echoed(fields, tuple(numbers), decided)
    assert together == reply.echoed(fields, tuple(numbers), decided)
    assert all(together[number] == value for number, value in decided.items())


@BOTH
@pytest.mark.parametrize(
    ("decided", "fault"),
    [
        ({39: 0}, TypeError),
        ({-1: "x"}, ValueError),
        ({129: "x"}, ValueError),
        (dict.fromkeys(range(16), "x"), ValueError),
        ({62: "x" * 8_192}, OverflowError),
    ],
)
def test_what_is_no_reply_is_refused(module: ModuleType, decided: dict[int, str], fault: type[Exception]) -> None:
    with pytest.raises(fault):
        module.packed(decided)
