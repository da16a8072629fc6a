"""What a member told, as marks of an account and as the journal keeps it."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switch.member_data import (
    INCOMPLETE,
    NAME_UNKNOWN,
    REFERRED,
    Before,
    MemberData,
    asked_for,
    flags_of,
    kept_before,
    read_before,
)


@pytest.mark.parametrize(
    ("known", "referred", "flags"),
    [
        ({"NA", "BD"}, False, 0),
        ({"NA", "BD", "GE"}, True, REFERRED),
        ({"NA"}, False, INCOMPLETE),
        ({"BD"}, True, REFERRED | INCOMPLETE | NAME_UNKNOWN),
        (set(), False, INCOMPLETE | NAME_UNKNOWN),
    ],
)
def test_marks(known: set[str], referred: bool, flags: int) -> None:
    assert flags_of(known, referred=referred) == flags


@pytest.mark.parametrize(
    ("flags", "born", "asked"),
    [
        (0, 0, ()),
        (NAME_UNKNOWN, 0, ()),
        (INCOMPLETE, 0, ("birth_date",)),
        (INCOMPLETE | NAME_UNKNOWN, 0, ("name", "birth_date")),
        (INCOMPLETE | NAME_UNKNOWN | 256, 19_880_321, ("name",)),
    ],
)
def test_what_a_receipt_asks_for(flags: int, born: int, asked: tuple[str, ...]) -> None:
    assert asked_for(flags, born) == asked


def test_what_somebody_told_stands_in_no_repr() -> None:
    assert repr(MemberData("Sara", dt.date(1988, 3, 21), "female", "PhD", "Yazd")) == "MemberData()"


@given(st.builds(Before, st.none() | st.dates(dt.date(2000, 1, 1)), st.booleans()))
def test_the_journal_tells_what_was_before(before: Before) -> None:
    assert read_before(kept_before(before) or "") == before


@given(st.text())
def test_whatever_else_the_journal_keeps_tells_nothing_wrong(asked: str) -> None:
    assert isinstance(read_before(asked), Before)


@pytest.mark.parametrize("asked", ["EB00820270230", "EB004abcd", "EB", "PT00250", "LI0071;2;3;4"])
def test_what_cannot_be_read_counts_as_not_kept(asked: str) -> None:
    assert read_before(asked) == Before()
