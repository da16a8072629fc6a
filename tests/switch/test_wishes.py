"""DE48 as a till sends it: what is read of it, what is refused, and what the journal keeps."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.tlv import build, parse
from switch.refusals import Refusal
from switch.wishes import NO_WISHES, NOT_WANTED, Wishes, kept_of, read_wishes


def test_every_tag_is_read() -> None:
    pairs = [
        ("PT", "7"), ("CR", "0"), ("MB", "09121234567"), ("EV", "rate"), ("RW", "LIP"), ("LG", "fa"),
        ("CP", "one"), ("XX", "of no meaning"), ("OF", "coffee.reward"), ("CP", "two"), ("OF", "base"),
    ]  # fmt: skip
    expected = Wishes(7, 0, "09121234567", "rate", "LIP", "fa", ("one", "two"), ("coffee.reward", "base"))
    assert read_wishes(build(pairs)) == expected


def test_nothing_is_wished_for() -> None:
    assert read_wishes("") == NO_WISHES
    assert kept_of(NO_WISHES, "") is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("PT", "DE48 is not tag-length-value"),
        ("PT0025", "DE48 is not tag-length-value"),
        (build([("PT", "-1")]), "DE48 PT or CR is no number"),
        (build([("PT", "")]), "DE48 PT or CR is no number"),
        (build([("CR", "1" * 13)]), "DE48 PT or CR is no number"),
        (build([("PT", "x"), ("PT", "5")]), "DE48 PT or CR is no number"),
        (build([("RW", "A"), ("RW", "A")]), "DE48 RW is not one code"),
        (build([("RW", "")]), "DE48 RW is not one code"),
    ],
)
def test_what_cannot_be_read_is_a_format_error(text: str, reason: str) -> None:
    assert read_wishes(text) == Refusal("30", reason)


@given(st.text(max_size=80))
def test_any_text_is_read_or_refused(text: str) -> None:
    found = read_wishes(text)
    assert isinstance(found, Wishes) or found.response_code == "30"


@given(
    st.builds(
        Wishes,
        points=st.just(NOT_WANTED) | st.integers(0, 10**12 - 1),
        credit=st.just(NOT_WANTED) | st.integers(0, 10**12 - 1),
        mobile=st.sampled_from(["", "09121234567"]),
        event=st.sampled_from(["", "rate"]),
        reward=st.sampled_from(["", "LIP"]),
        language=st.sampled_from([None, "fa"]),
        coupons=st.sampled_from([(), ("SECRET",)]),
        claims=st.sampled_from([(), ("base",)]),
    )
)
def test_the_journal_keeps_what_bears_on_the_decision_and_names_nobody(wishes: Wishes) -> None:
    kept = dict(parse(kept_of(wishes, "") or ""))
    assert set(kept) <= {"RW", "PT", "CR", "EV"}
    assert kept.get("EV", "") == wishes.event
    assert kept.get("RW", "") == wishes.reward
    assert int(kept.get("PT", NOT_WANTED)) == wishes.points
    assert int(kept.get("CR", NOT_WANTED)) == wishes.credit
