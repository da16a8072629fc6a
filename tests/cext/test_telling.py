"""What replies tell of a programme: compiled and reference agree, and elements stand in order as far as they fit."""

import struct
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cext import _telling
from cext._kernel import Account, Decision
from cext.programme_table import BALANCE_MAX, COUNTERS_MAX, SLOTS_MAX
from cext.reference import counters, telling
from protocol import tlv

BOTH = pytest.mark.parametrize("module", [_telling, telling], ids=["compiled", "reference"])
TIERS = ("silver", "gold")
OFFERS = (None, "bigger_basket", None, "next_visit")
COUNTED = (("SP", "cut:", 3, "/10"), ("SP", "coffee:", 1, "/6"), ("TK", "nowruz:", 9, ""))

NAMES = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=30)
LONG = st.integers(980, 1_010).map("x".__mul__)
SLOTS = st.integers(1, 12) | st.integers(1, SLOTS_MAX)
ROWS = st.tuples(st.sampled_from(["SP", "TK", "PP"]), NAMES | LONG, SLOTS, NAMES)


def account(tier: int = 0, packed: bytes = b"") -> Account:
    return Account(0, 1, 1, 1, *(0,) * 7, tier, 0, 0, b"", counters=packed)


def decision(*rules: int) -> Decision:
    return Decision("00", rules=struct.pack(f">{len(rules)}H", *rules))


@st.composite
def packed_counters(draw: st.DrawFn) -> bytes:
    slots = draw(st.lists(SLOTS, max_size=COUNTERS_MAX, unique=True))
    values = st.integers(1, BALANCE_MAX)
    return counters.pack([(slot, draw(st.integers(0, 2**31 - 1)), draw(values)) for slot in sorted(slots)])


@given(
    st.lists(NAMES | LONG, max_size=3),
    st.lists(st.none() | NAMES | LONG, min_size=1, max_size=5),
    st.lists(ROWS, max_size=6),
    st.integers(-(2**63), 2**63 - 1) | st.integers(-1, 4),
    st.data(),
    packed_counters(),
    st.integers(-1, 1_100),
)
def test_compiled_and_reference_tell_the_same(
    tiers: list[str],
    offers: list[str | None],
    counted: list[tuple[str, str, int, str]],
    tier: int,
    data: st.DataObject,
    packed: bytes,
    room: int,
) -> None:
    fired = data.draw(st.lists(st.integers(0, len(offers) - 1), max_size=8))
    compiled = _telling.Teller(tuple(tiers), tuple(offers), tuple(counted))
    plain = telling.Teller(tuple(tiers), tuple(offers), tuple(counted))
    told = compiled.tell(account(tier, packed), decision(*fired), room)
    assert told == plain.tell(account(tier, packed), decision(*fired), room)
    assert compiled.tells == plain.tells
    assert len(told.encode()) <= max(room, 0)
    assert compiled.tells or not told
    assert tlv.build(tlv.parse(told)) == told


@BOTH
def test_every_element_in_its_place(module: ModuleType) -> None:
    packed = counters.pack([(1, 0, 4), (2, 0, 77), (3, 2026, 9), (9, 0, 123_456)])
    told = module.Teller(TIERS, OFFERS, COUNTED).tell(account(2, packed), decision(0, 1, 3), 800)
    assert tlv.parse(told) == [
        ("TR", "gold"),
        ("OF", "bigger_basket"),
        ("OF", "next_visit"),
        ("SP", "cut:9/10"),
        ("SP", "coffee:4/6"),
        ("TK", "nowruz:123456"),
    ]


@BOTH
def test_what_is_not_there_is_not_told(module: ModuleType) -> None:
    teller = module.Teller(TIERS, OFFERS, COUNTED)
    assert teller.tells
    assert teller.tell(account(), decision(0, 2), 800) == ""
    assert teller.tell(account(3), decision(), 800) == "", "a tier of another version"
    assert teller.tell(account(-1), decision(), 800) == ""
    assert not module.Teller((), (None, None), ()).tells


@BOTH
def test_what_does_not_fit_ends_it(module: ModuleType) -> None:
    teller = module.Teller(TIERS, OFFERS, COUNTED)
    packed = counters.pack([(3, 0, 9), (9, 0, 5)])
    whole = "TR006silverOF010next_visitSP008cut:9/10TK008nowruz:5"
    ends = [11, 26, 39, 52]
    for room in range(-1, 60):
        told = teller.tell(account(1, packed), decision(3), room)
        assert told == whole[: max((end for end in ends if end <= room), default=0)]


@BOTH
def test_a_value_too_long_is_left_out(module: ModuleType) -> None:
    longest = "x" * tlv.VALUE_BYTES_MAX
    teller = module.Teller((longest + "x",), (longest + "x",), (("SP", longest, 1, ""), ("TK", "n:", 2, "")))
    told = teller.tell(account(1, counters.pack([(1, 0, 1), (2, 0, 2)])), decision(0), 999)
    assert told == "TK003n:2"


@BOTH
def test_a_rule_of_another_programme_is_refused(module: ModuleType) -> None:
    with pytest.raises(IndexError):
        module.Teller(TIERS, OFFERS, COUNTED).tell(account(), decision(len(OFFERS)), 800)


@BOTH
@pytest.mark.parametrize("tag", ["", "S", "SPX", "ش", "شش"])
def test_a_tag_has_two_characters(module: ModuleType, tag: str) -> None:
    with pytest.raises(ValueError, match="two ASCII characters"):
        module.Teller((), (), ((tag, "", 1, ""),))
