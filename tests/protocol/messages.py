"""Hypothesis strategies for messages that fit a dialect."""

from hypothesis import strategies as st

import cext
from protocol.dialect import load
from protocol.message import Message

DIGITS = "0123456789"
PRINTABLE = "".join(map(chr, range(0x20, 0x7F)))
# Longer values say nothing more and cost time; the longest are asked for by name.
USUAL_MAX = 24


def _text(alphabet: str, lengths: st.SearchStrategy[int]) -> st.SearchStrategy[str]:
    return lengths.flatmap(lambda length: st.text(alphabet, min_size=length, max_size=length))


def _lengths(row: cext.Row) -> st.SearchStrategy[int]:
    if not row.length_digits:
        return st.just(row.maximum)
    return st.one_of(st.integers(0, min(row.maximum, USUAL_MAX)), st.just(row.maximum))


def _unicode(row: cext.Row) -> st.SearchStrategy[str]:
    characters = st.characters(exclude_categories=("Cs", "Cc"))
    return st.one_of(
        st.text(characters, max_size=min(row.maximum // 4, USUAL_MAX)),
        st.just("ی" * (row.maximum // 2) + "x" * (row.maximum % 2)),
    )


def value(row: cext.Row) -> st.SearchStrategy[str | bytes]:
    """A value that fits the row."""
    if row.character_class == cext.CLASS_BYTES:
        return _lengths(row).flatmap(lambda length: st.binary(min_size=length, max_size=length))
    if row.character_class == cext.CLASS_UNICODE:
        return _unicode(row)
    if row.character_class == cext.CLASS_SIGNED:
        return st.builds(str.__add__, st.sampled_from("CD"), _text(DIGITS, st.just(row.maximum - 1)))
    alphabet = {cext.CLASS_DIGITS: DIGITS, cext.CLASS_TRACK: DIGITS + "="}.get(row.character_class, PRINTABLE)
    return _text(alphabet, _lengths(row))


def fields(dialect: str, max_size: int = 20) -> st.SearchStrategy[dict[int, str | bytes]]:
    """Some data elements of a dialect."""
    rows = load(dialect).table.rows
    numbers = st.lists(st.sampled_from(sorted(rows)), unique=True, max_size=max_size)
    return numbers.flatmap(lambda chosen: st.fixed_dictionaries({number: value(rows[number]) for number in chosen}))


def messages(dialect: str) -> st.SearchStrategy[Message]:
    """A message that fits a dialect."""
    mtis = st.one_of(st.sampled_from(["0200", "0210", "0800", "1200", "0000", "9999"]), _text(DIGITS, st.just(4)))
    return st.builds(Message, mtis, fields(dialect))


def example(row: cext.Row) -> str | bytes:
    """One value of the greatest length that fits the row."""
    if row.character_class == cext.CLASS_BYTES:
        return bytes(index % 256 for index in range(row.maximum))
    if row.character_class == cext.CLASS_SIGNED:
        return "D" + "7" * (row.maximum - 1)
    if row.character_class == cext.CLASS_UNICODE:
        return "ی" * (row.maximum // 2) + "x" * (row.maximum % 2)
    return "".join(str(index % 10) for index in range(1, row.maximum + 1))
