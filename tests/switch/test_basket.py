"""The basket: read or refused whole, and what rules see of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import tlv
from switch.basket import LINES_MAX, Line, prices_of_one, quantities, read


def basket(*lines: str) -> str:
    return tlv.build([("LI", line) for line in lines])


def test_lines_are_read_in_order() -> None:
    text = basket("A1;parcel;2;300", "B2;نان;1.75;50") + tlv.build([("ZZ", "not ours")])
    assert read(text) == [Line("A1", "parcel", 2, 300), Line("B2", "نان", 1, 50)]


@pytest.mark.parametrize(
    "line",
    [
        "",
        "A;b;1",
        "A;b;1;2;3",
        "A;b;x;1",
        "A;b;1;",
        "A;b;-1;1",
        "A;b;1;-1",
        "A;b;1;1.5",
        "A;b;١;1",
        "A;b;1;1" + "0" * 12,
    ],
)
def test_a_line_that_is_none_spoils_the_basket(line: str) -> None:
    assert read(basket("A1;parcel;2;300", line)) is None


def test_a_basket_has_a_bound() -> None:
    assert len(read(basket(*["a;b;1;1"] * LINES_MAX)) or []) == LINES_MAX
    assert read(basket(*["a;b;1;1"] * (LINES_MAX + 1))) is None


def test_what_is_no_private_data_is_no_basket() -> None:
    assert read("LI999x") is None
    assert read("") == []


def test_quantities_by_sku_and_by_category() -> None:
    lines = read(basket("A1;parcel;2;300", "A1;paper;3;30", "B2;parcel;5;50"))
    assert lines is not None
    wanted = [("sku", "A1"), ("category", "parcel"), ("category", "nothing"), ("sku", "parcel")]
    assert quantities(lines, wanted) == (5, 7, 0, 0)


def test_what_is_free_is_there_or_not() -> None:
    lines = read(basket("CUT;x;0.5;300"))
    wanted = [("free", "CUT"), ("free", "OTHER"), ("sku", "CUT")]
    assert quantities(lines, wanted) == (1, 0, 0)
    # Without a basket the whole purchase stands for it.
    assert quantities(None, wanted) == (1, 1, 0)


def test_one_piece_costs_the_least_that_a_line_says() -> None:
    lines = read(basket("CUT;x;3;1000", "CUT;x;1;400", "SOAP;x;0.5;90"))
    assert lines is not None
    assert prices_of_one(lines, ["CUT", "SOAP", "NONE"]) == (333, 90, 0)


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    lines = read(text)
    assert lines is None or all(line.quantity >= 0 and line.amount_minor >= 0 for line in lines)


AMOUNTS = st.integers(0, 10**12 - 1)
NAMES = st.text(st.characters(codec="utf-8", exclude_characters=";"), max_size=20)


@given(st.lists(st.tuples(NAMES, NAMES, st.integers(0, 10**9 - 1), AMOUNTS), max_size=10))
def test_what_is_written_is_read(written: list[tuple[str, str, int, int]]) -> None:
    text = basket(*[";".join(map(str, line)) for line in written])
    assert read(text) == [Line(*line) for line in written]
