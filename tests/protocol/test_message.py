import pytest

from protocol.message import Message, masked, masked_pan

PAN = "6037991234567890"
SECRET = {
    2: PAN,
    34: "9" * 28,
    35: PAN + "=27121010000000000000",
    36: PAN + "=" + "7" * 40,
    45: f"B{PAN}^NAME^2712",
    48: "MB01109121234567NA004نام ",
    52: bytes.fromhex("0123456789ABCDEF"),
    55: "9F2608A1A2A3A4",
    62: "PB003123",
    63: "LI005sku;x",
    64: bytes.fromhex("8899AABBCCDDEEFF"),
    102: PAN,
    103: PAN,
    127: "private",
}


@pytest.mark.parametrize(
    ("pan", "shown"),
    [(PAN, "603799******7890"), ("6037991234567", "603799***4567"), ("123456789012", "*" * 12), ("", "")],
)
def test_a_pan_shows_its_first_six_and_last_four(pan: str, shown: str) -> None:
    assert masked_pan(pan) == shown


def test_track_2_shows_its_pan_masked_and_nothing_behind_it() -> None:
    assert masked(35, PAN + "=2712101") == "603799******7890********"
    assert masked(35, PAN + "D2712101") == "603799******7890********"


def test_a_message_never_shows_a_secret() -> None:
    shown = repr(Message("0200", SECRET))
    for number, value in SECRET.items():
        assert f"{number}=" in shown
        if isinstance(value, str):
            assert value not in shown
            assert value[6:-4] not in shown or len(value) <= 13
        else:
            assert value.hex() not in shown.lower()
    assert "912123" not in shown
    assert "2712" not in shown


def test_a_message_shows_what_is_no_secret_in_order() -> None:
    assert repr(Message("0200", {11: "123456", 3: "000000"})) == "Message(0200 3='000000' 11='123456')"
    assert repr(Message("0800", {})) == "Message(0800)"


def test_messages_are_equal_by_what_they_say() -> None:
    assert Message("0200", {3: "000000", 11: "1"}) == Message("0200", {11: "1", 3: "000000"})
    assert Message("0200", {}) != Message("0210", {})
