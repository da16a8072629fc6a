"""What the flood sends is what a till sends, and what it reads of a reply is where the codec put it."""

from time import gmtime, strftime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.frames import BITMAP, LENGTH_BYTES, PanBook, Purchases, purchase_fields, reply_layout, sent_at
from protocol.codec import codec_for
from protocol.message import Message

CODEC = codec_for("iso87-ascii")
NOW = 1_795_000_000.0


def framed(message: Message) -> bytes:
    body = CODEC.encode(message)
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


def test_a_purchase_is_the_message_it_stands_for() -> None:
    purchases = Purchases(17, first_stan=41, now=NOW)
    frame = bytes(purchases.next(b"6037990000000129", b"1118063005"))
    assert int.from_bytes(frame[:LENGTH_BYTES], "big") == len(frame) - LENGTH_BYTES
    message = CODEC.decode(frame[LENGTH_BYTES:])
    rrn = strftime("%y%j%H", gmtime(NOW))[1:] + "000042"
    changed = {2: "6037990000000129", 7: "1118063005", 11: "000042", 37: rrn, 41: "T0000017"}
    assert message.mti == "0200"
    assert message.fields == purchase_fields(17, NOW) | changed
    assert len(message.fields) == 16
    assert purchases.stan == b"000042"
    assert framed(message) == frame


def test_each_purchase_has_the_next_stan_and_its_own_card() -> None:
    purchases = Purchases(1, first_stan=999_998, now=NOW)
    seen = []
    for pan in (b"6037990000000004", b"6037990000000012", b"6037990000000020"):
        message = CODEC.decode(bytes(purchases.next(pan, sent_at(NOW)))[LENGTH_BYTES:])
        seen.append((message.fields[2], message.fields[11], str(message.fields[37])[-6:]))
    assert [stan for _, stan, _ in seen] == ["999999", "000000", "000001"]
    assert [stan for _, _, stan in seen] == ["999999", "000000", "000001"]
    assert [pan for pan, _, _ in seen] == ["6037990000000004", "6037990000000012", "6037990000000020"]


@pytest.mark.parametrize("serial", [0, 1, 999, 1_000, 1_233])
def test_the_cards_are_those_that_seed_makes(serial: int) -> None:
    pan = PanBook(1_234).pan(serial).decode()
    assert pan[:15] == f"603799{serial:09d}"
    # ISO/IEC 7812-1, Annex B: from the right, every second digit doubled, its digits added.
    digits = [int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(reversed(pan))]
    assert sum(digit // 10 + digit % 10 for digit in digits) % 10 == 0


def test_a_flood_without_cards_is_none() -> None:
    with pytest.raises(ValueError, match="at least one card"):
        PanBook(0)


def test_de7_is_universal_time() -> None:
    assert sent_at(0.0) == b"0101000000"
    assert sent_at(time())[:2].isdigit()


VALUES = {
    2: "6037990000000129",
    3: "000000",
    4: "000001500000",
    7: "1118063005",
    11: "000042",
    12: "093005",
    13: "1118",
    15: "1118",
    32: "581672",
    37: "632206000042",
    38: "A1B2C3",
}


@given(
    st.sets(st.sampled_from(sorted(VALUES.keys() - {11}))),
    st.sampled_from(["00", "14", "91", None]),
    st.sampled_from([{}, {44: "reason"}, {54: "6002999C000000000015", 62: "PB00215"}, {70: "301"}]),
)
def test_stan_and_response_code_are_found_in_any_reply(
    numbers: set[int], code: str | None, behind: dict[int, str]
) -> None:
    fields: dict[int, str | bytes] = {number: VALUES[number] for number in numbers} | {11: "000042"} | behind
    if code is not None:
        fields[39] = code
    frame = framed(Message("0210", fields))
    layout = reply_layout(frame)
    assert frame[layout.stan] == b"000042"
    assert frame[layout.response_code].decode() == (code or "")
    assert int(frame[BITMAP], 16) & (1 << (64 - 11))


def test_a_reply_without_a_stan_is_refused() -> None:
    with pytest.raises(ValueError, match="STAN"):
        reply_layout(framed(Message("0210", {3: "000000", 39: "00"})))
