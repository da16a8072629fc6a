"""Messages in words."""

import pytest

from adapters.cli.till_words import Balance, balances, lines, meaning, private, summary, tag_meaning, visible
from protocol.codes import RESPONSE_MEANINGS
from protocol.dialect import load
from protocol.message import Message
from protocol.tlv import TAG_MEANINGS

NAMES = load("iso87-ascii")


def test_private_data_stands_tag_by_tag_and_persons_are_hidden() -> None:
    message = Message("0200", {3: "000000", 48: "MB01109121234567LG002faXX001?", 62: "not tlv"})
    told = [(line.element, line.name, line.value) for line in lines(message, NAMES)]
    assert told == [
        ("MTI", "Message type", "0200"),
        ("3", "Processing code", "000000"),
        ("48", "Additional data, private", "29 bytes"),
        ("48 MB", "mobile", "***********"),
        ("48 LG", "language", "fa"),
        ("48 XX", "not known here", "?"),
        ("62", "Reserved for private use", "<7 characters>"),
    ]


def test_every_element_of_the_dialect_can_be_told() -> None:
    fields: dict[int, str | bytes] = {
        number: b"\x00" if spec.is_binary else "x"
        for number, spec in NAMES.fields.items()
        if number not in TAG_MEANINGS
    }
    assert len(list(lines(Message("0200", fields), NAMES))) == len(fields) + 1


@pytest.mark.parametrize(
    ("number", "value", "said"),
    [
        (3, "006000", "purchase paid by points"),
        (3, "999900", ""),
        (4, "000000500000", "500,000 minor units"),
        (7, "1123210508", "11-23 21:05:08 UTC"),
        (39, "51", "not enough points or credit"),
        (39, "ZZ", "not known here"),
        (54, "6002999C0000000000126502364D000000000007", "12 points; -7 minor units of credit"),
        (70, "301", "echo"),
        (
            90,
            "0200000007112321050800000581672" + "0" * 11,
            "0200, STAN 000007, DE7 1123210508, acquirer 581672",
        ),
        (95, "000000000200" + "0" * 30, "200 minor units really happened"),
        (52, b"12345678", ""),
        (41, "T0000001", ""),
    ],
)
def test_meanings(number: int, value: str | bytes, said: str) -> None:
    assert meaning(number, value) == said


@pytest.mark.parametrize("text", ["", "6002999C", "6002999X000000000012", "6002999C00000000001x"])
def test_additional_amounts_that_are_none(text: str) -> None:
    assert balances(text) == []


def test_additional_amounts() -> None:
    assert balances("6002999C000000000012" + "broken") == [Balance("60", "999", 12)]


@pytest.mark.parametrize("number", [48, 62, 63])
def test_private_data_that_is_cut(number: int) -> None:
    assert private(number, "MB011091") is None


@pytest.mark.parametrize("response_code", sorted(RESPONSE_MEANINGS))
def test_every_response_code_has_a_sentence(response_code: str) -> None:
    said = summary(Message("0200", {}), Message("0210", {39: response_code}))
    if response_code == "00":
        assert said == "Approved."
    else:
        assert said.startswith(f"Declined, {response_code}: {RESPONSE_MEANINGS[response_code]}.")


def test_what_a_refund_undoes() -> None:
    reply = Message("0210", {39: "00", 62: "PB0011PE002-4PR002-1"})
    said = "Approved: 4 points taken back, 1 point given back, the balance is 1 point."
    assert summary(Message("0200", {}), reply) == said


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ("PB0015PE0017", "Approved, a quote, and nothing moved: 7 points earned, the balance is 5 points."),
        ("", "Approved, a quote, and nothing moved: nothing would be earned."),
    ],
)
def test_a_quote_says_that_nothing_moved(told: str, said: str) -> None:
    assert summary(Message("0100", {3: "000000"}), Message("0110", {39: "00", 62: told})) == said


@pytest.mark.parametrize(
    "value",
    ["", ";;;;", "20270105;000000;x;0;0", "20270105;000000;1;2", "2027;000000;1;2;3;4", f"20270105;0;{'9' * 900};0;0"],
)
def test_a_movement_that_is_none_is_left_as_it_came(value: str) -> None:
    assert tag_meaning(62, "MV", value) == ""


def test_what_a_tag_says_cannot_steer_the_terminal() -> None:
    assert "\x1b" not in tag_meaning(62, "NR", "a;\x1b[2J;c")
    assert "\x1b" not in tag_meaning(62, "MV", "20270105;\x1b[2J;1;2;3")
    assert tag_meaning(48, "MV", "20270105;000000;1;2;3") == ""


def test_what_a_peer_sends_cannot_steer_the_terminal() -> None:
    assert visible("\x1b[2J\u009b1mسلام\u202e می\u200cروم\n") == "\\u001b[2J\\u009b1mسلام\\u202e می\u200cروم\\u000a"
