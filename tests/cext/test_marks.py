"""The marks of a message: compiled and reference agree, and known values stay what they are."""

from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cext import _marks
from cext.reference import marks

INT64 = st.integers(-(2**63), 2**63 - 1)
BALANCE = st.integers(-999_999_999_999, 999_999_999_999)
TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=40)
BOTH = pytest.mark.parametrize("module", [_marks, marks], ids=["compiled", "reference"])


@given(INT64, INT64, st.lists(st.none() | TEXT, max_size=6))
def test_fingerprints_agree(high: int, low: int, parts: list[str | None]) -> None:
    assert _marks.fingerprint(high, low, *parts) == marks.fingerprint(high, low, *parts) != 0


@given(st.integers(0, 10**16), st.integers(0, 2**31 - 1), st.integers(0, 9))
def test_approval_codes_agree(key: int, terminal: int, message_class: int) -> None:
    code = _marks.approval_code(key, terminal, message_class)
    assert code == marks.approval_code(key, terminal, message_class)
    assert len(code) == 6
    assert not set(code) & set("ILOU")


@given(st.lists(INT64, min_size=9, max_size=9))
def test_receipts_agree(values: list[int]) -> None:
    assert _marks.receipt_tlv(*values) == marks.receipt_tlv(*values)


@given(BALANCE, BALANCE)
def test_additional_amounts_agree(points: int, credit: int) -> None:
    text = _marks.additional_amounts(points, credit, "364")
    assert text == marks.additional_amounts(points, credit, "364")
    assert len(text) == 40


@BOTH
def test_journal_rows_outlive_a_release(module: ModuleType) -> None:
    assert module.fingerprint(1, -2, "000000", None, "364") == -381205604493904151
    assert module.approval_code(1123093000000001, 1, 2) == "F8M2AZ"


@BOTH
def test_texts_do_not_run_into_each_other(module: ModuleType) -> None:
    seen = {
        module.fingerprint(1, 2, *parts) for parts in [("ab", "c"), ("a", "bc"), ("abc",), ("abc", None), ("abc", "")]
    }
    assert len(seen) == 5


@BOTH
def test_a_receipt_as_it_stands(module: ModuleType) -> None:
    assert module.receipt_tlv(5, 0, 1, 5, 0, 0, 0, 0, 500_000) == "PB0015CB0010RV0011PE0015"
    assert module.receipt_tlv(5, 0, 1, -2, 0, 0, 0, 10, 100) == "PB0015CB0010RV0011PE002-2DS00210GA003100"


@BOTH
@pytest.mark.parametrize("points", [10**12, -(10**12)])
def test_a_balance_beyond_the_field_is_refused(module: ModuleType, points: int) -> None:
    with pytest.raises(OverflowError):
        module.additional_amounts(points, 0, "364")


@BOTH
@pytest.mark.parametrize("currency", ["", "36", "3644", "ریال"])
def test_a_currency_has_three_digits(module: ModuleType, currency: str) -> None:
    with pytest.raises(ValueError, match="three digits"):
        module.additional_amounts(0, 0, currency)
