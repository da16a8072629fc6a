"""What stands in DE62 beside legs and balances: prepared from a programme's text, and no longer than it may be."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from cext._kernel import Account, Decision
from cext.reference import counters
from protocol import tlv
from switch.programme import load
from switch.telling import private_data, teller_of

BAZAAR = Path("examples/bazaar/programmes/bazaar.yaml").read_text(encoding="utf-8")
FULL = Path("examples/bazaar-full/programmes/bazaar-full.yaml").read_text(encoding="utf-8")


def test_base_accrual_has_nothing_to_tell() -> None:
    assert not teller_of(load(BAZAAR, ids=lambda _kind, _name: 1)).tells


def test_a_programme_tells_tier_offers_stamps_and_tickets_by_their_names() -> None:
    programme = load(FULL, ids=lambda _kind, _name: 1)
    held = sorted((slot, 0, 3) for (kind, _), slot in programme.slots.items() if kind in ("stamp", "ticket"))
    account = Account(0, 1, 1, 1, *(0,) * 7, 2, 0, 0, b"", counters=counters.pack(held))
    fired = [programme.rule_ids.index(name) for name in ("base", "between", "nowruz")]
    decision = Decision("00", rules=b"".join(index.to_bytes(2, "big") for index in sorted(fired)))
    told = tlv.parse(teller_of(programme).tell(account, decision, 800))
    assert told[:2] == [("TR", "gold"), ("OF", "between")]
    assert sorted(told[2:]) == [
        ("SP", "books:3/5"),
        ("SP", "coffee:3/6"),
        ("SP", "cut:3/10"),
        ("SP", "fuel:3/4"),
        ("SP", "sweets:3/3"),
        ("SP", "visits:3/7"),
        ("TK", "nowruz:3"),
    ]


VALUES = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40) | st.just("x" * 1_000)


@given(st.lists(st.tuples(st.just("MS"), VALUES), max_size=12), st.integers(-5, 400))
def test_lines_are_taken_as_far_as_there_is_room(elements: list[tuple[str, str]], room: int) -> None:
    told = private_data(elements, room)
    assert len(told.encode()) <= max(room, 0)
    fitting = [element for element in elements if len(element[1].encode()) <= tlv.VALUE_BYTES_MAX]
    kept = tlv.parse(told)
    assert kept == fitting[: len(kept)]
    if len(kept) < len(fitting):
        assert len((told + tlv.build([fitting[len(kept)]])).encode()) > room
