import pytest

from protocol import mti
from protocol.errors import MtiError


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("0100", "0110"),
        ("0200", "0210"),
        ("0201", "0210"),
        ("0202", "0212"),
        ("0203", "0212"),
        ("0220", "0230"),
        ("0221", "0230"),
        ("0320", "0330"),
        ("0400", "0410"),
        ("0401", "0410"),
        ("0420", "0430"),
        ("0421", "0430"),
        ("0500", "0510"),
        ("0520", "0530"),
        ("0800", "0810"),
        ("1200", "1210"),
        ("1420", "1430"),
        ("1804", "1814"),
        ("1805", "1814"),
    ],
)
def test_the_answer_of_each_message(asked: str, answer: str) -> None:
    assert mti.response_of(asked) == answer


@pytest.mark.parametrize("asked", ["0210", "0230", "0810", "0240", "0000", "2200", "02", "", "0a00"])
def test_what_asks_for_nothing_has_no_answer(asked: str) -> None:
    with pytest.raises(MtiError):
        mti.response_of(asked)


@pytest.mark.parametrize(
    ("asked", "original"),
    [("0201", "0200"), ("0200", "0200"), ("0421", "0420"), ("0203", "0202"), ("1805", "1804")],
)
def test_a_repeat_has_the_key_of_its_original(asked: str, original: str) -> None:
    assert mti.original_of(asked) == original
    assert mti.is_repeat(asked) == (asked != original)


def test_classes_and_functions() -> None:
    assert mti.message_class("0200") == mti.FINANCIAL
    assert mti.message_class("1804") == mti.NETWORK_MANAGEMENT
    assert mti.is_advice("0220")
    assert mti.is_advice("0421")
    assert not mti.is_advice("0200")
    assert mti.is_request("0401")
    assert not mti.is_request("0410")
    assert mti.is_reversal("0420")
    assert not mti.is_reversal("0200")
    for unknown in ("9999", "", "xxxx"):
        assert not mti.is_advice(unknown)
        assert not mti.is_request(unknown)
        assert not mti.is_repeat(unknown)
        for table in (mti.message_class, mti.original_of):
            with pytest.raises(MtiError):
                table(unknown)
