import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import tlv
from protocol.errors import TlvError

TAGS = st.text("".join(map(chr, range(0x21, 0x7F))), min_size=2, max_size=2)
VALUES = st.text(st.characters(exclude_categories=("Cs",)), max_size=40)


@given(pairs=st.lists(st.tuples(TAGS, VALUES), max_size=8))
def test_pairs_come_back_in_their_order(pairs: list[tuple[str, str]]) -> None:
    assert tlv.parse(tlv.build(pairs)) == pairs


@given(text=st.text(max_size=60))
def test_any_text_is_pairs_or_an_error(text: str) -> None:
    try:
        pairs = tlv.parse(text)
    except TlvError:
        return
    assert tlv.parse(tlv.build(pairs)) == pairs


def test_the_length_counts_bytes() -> None:
    assert tlv.build([("NA", "سلام"), ("MB", "0912")]) == "NA008سلامMB0040912"
    assert tlv.parse("NA008سلامMB0040912") == [("NA", "سلام"), ("MB", "0912")]


def test_unknown_and_repeated_tags_are_kept() -> None:
    text = "CP003abcZZ000CP003def"
    assert tlv.parse(text) == [("CP", "abc"), ("ZZ", ""), ("CP", "def")]
    assert tlv.parse("") == []


@pytest.mark.parametrize(
    ("text", "offset", "reason"),
    [
        ("M", 0, "a tag and its length need 5 bytes, 1 left"),
        ("MB00", 0, "a tag and its length need 5 bytes, 4 left"),
        ("MB0x1a", 2, "length is not decimal"),
        ("MB٠٠١a", 2, "length is not decimal"),
        ("MB004091", 5, "needs 4 bytes, 3 left"),
        ("CP001aMB009091", 11, "needs 9 bytes, 3 left"),
        ("M 001a", 0, "a tag is two printable ASCII characters"),
        ("ی001a", 0, "a tag is two printable ASCII characters"),
        ("NA003سلام", 5, "a value is not UTF-8 text"),
    ],
)
def test_broken_text(text: str, offset: int, reason: str) -> None:
    with pytest.raises(TlvError) as caught:
        tlv.parse(text)
    assert (caught.value.offset, caught.value.reason) == (offset, reason)


@pytest.mark.parametrize(
    "pair", [("M", "a"), ("MBX", "a"), ("M ", "a"), ("یب", "a"), ("MB", "x" * 1000), ("MB", "\ud800")]
)
def test_pairs_that_can_not_be_written(pair: tuple[str, str]) -> None:
    with pytest.raises(TlvError):
        tlv.build([pair])


def test_the_longest_value() -> None:
    pairs = [("NA", "ی" * 499 + "x")]
    assert tlv.parse(tlv.build(pairs)) == pairs


def test_errors_carry_no_value() -> None:
    with pytest.raises(TlvError) as caught:
        tlv.parse("MB01209121234567")
    assert "0912" not in str(caught.value)
