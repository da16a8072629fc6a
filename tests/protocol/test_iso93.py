from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol import iso93
from protocol.codec import codec_for
from protocol.codes import RESPONSE_MEANINGS
from protocol.errors import DecodeError
from protocol.message import Message
from tests.protocol.messages import messages
from tests.protocol.vectors import VECTORS

TODAY = date(2026, 11, 22)


def to_1987(mti: str, fields: dict[int, str | bytes]) -> Message:
    return iso93.canonical(Message(mti, fields))


def to_1993(mti: str, fields: dict[int, str | bytes], today: date = TODAY) -> Message:
    return iso93.native(Message(mti, fields), today)


def test_the_purchase_that_jpos_packed() -> None:
    vector = next(v for v in VECTORS if v.dialect == "iso93-ascii" and v.mti == "1200")
    message = codec_for("iso93-ascii").canonical(Message(vector.mti, vector.fields))
    assert message.mti == "0200"
    same = (2, 3, 4, 7, 11, 32, 35, 37, 41, 42, 48, 49, 52, 64)
    assert {number: message.fields[number] for number in same} == {number: vector.fields[number] for number in same}
    assert message.fields[12] == "063551"
    assert message.fields[13] == "1122"
    assert message.fields[18] == "5411"
    assert message.fields[22] == "021"
    assert set(message.fields) == {*same, 12, 13, 18, 22}


@pytest.mark.parametrize(
    ("in_1993", "in_1987"),
    [
        ("1100", "0100"),
        ("1110", "0110"),
        ("1200", "0200"),
        ("1201", "0201"),
        ("1210", "0210"),
        ("1220", "0220"),
        ("1221", "0221"),
        ("1420", "0420"),
        ("1421", "0421"),
        ("1430", "0430"),
        ("1500", "0500"),
        ("1520", "0520"),
        ("1804", "0800"),
        ("1805", "0801"),
        ("1814", "0810"),
        ("1824", "0820"),
    ],
)
def test_message_types(in_1993: str, in_1987: str) -> None:
    assert to_1987(in_1993, {}).mti == in_1987
    assert to_1993(in_1987, {}).mti == in_1993


def test_network_management_from_origin_0_is_answered_as_from_origin_4() -> None:
    assert to_1987("1800", {}).mti == "0800"


@pytest.mark.parametrize("mti", ["0200", "2100", "9999"])
def test_a_message_of_another_version_is_an_error(mti: str) -> None:
    with pytest.raises(DecodeError) as caught:
        to_1987(mti, {3: "000000"})
    assert caught.value.data_element == 0


@pytest.mark.parametrize(
    ("function", "code"),
    [("801", "001"), ("802", "002"), ("811", "101"), ("821", "201"), ("831", "301"), ("899", "899")],
)
def test_function_codes_of_network_management(function: str, code: str) -> None:
    assert to_1987("1804", {24: function}).fields == {70: code}
    assert to_1993("0810", {70: code}).fields == {24: function}
    assert to_1993("0800", {70: code}).fields == {24: function}


def test_a_function_code_of_other_messages_is_no_nii_and_a_country_no_network_code() -> None:
    assert to_1987("1200", {24: "200", 70: "364"}).fields == {}
    assert to_1987("1804", {70: "364"}).fields == {}


@pytest.mark.parametrize(
    ("mti", "function"), [("0100", "100"), ("0200", "200"), ("0221", "200"), ("0420", "400"), ("0500", "500")]
)
def test_requests_and_advices_get_a_function_code(mti: str, function: str) -> None:
    assert to_1993(mti, {24: "011"}).fields == {24: function}


def test_responses_get_none() -> None:
    assert to_1993("0210", {24: "011"}).fields == {}


@pytest.mark.parametrize("code", sorted(RESPONSE_MEANINGS))
def test_every_response_code_comes_back(code: str) -> None:
    native = to_1993("0210", {39: code}).fields[39]
    assert isinstance(native, str)
    assert len(native) == 3
    assert native.isdigit()
    assert to_1987("1210", {39: native}).fields[39] == code


@pytest.mark.parametrize(
    ("mti", "action"),
    [
        ("0110", "000"),
        ("0210", "000"),
        ("0230", "000"),
        ("0330", "300"),
        ("0410", "400"),
        ("0430", "400"),
        ("0510", "500"),
        ("0810", "800"),
    ],
)
def test_approved_is_told_by_class(mti: str, action: str) -> None:
    assert to_1993(mti, {39: "00"}).fields[39] == action
    assert to_1987("1" + mti[1:], {39: action}).fields[39] == "00"


@pytest.mark.parametrize(
    ("action", "code"),
    [
        ("001", "00"),
        ("002", "00"),
        ("100", "05"),
        ("118", "14"),
        ("125", "78"),
        ("182", "05"),
        ("208", "05"),
        ("912", "91"),
        ("999", "96"),
    ],
)
def test_action_codes_without_a_response_code_of_their_own(action: str, code: str) -> None:
    assert to_1987("1210", {39: action}).fields[39] == code


def test_an_unknown_response_code_is_a_fault() -> None:
    assert to_1993("0210", {39: "77"}).fields[39] == "909"


@pytest.mark.parametrize(
    ("today", "day", "year"),
    [
        (date(2026, 11, 22), "1122", "26"),
        (date(2026, 12, 31), "0101", "27"),
        (date(2027, 1, 1), "1231", "26"),
        (date(2026, 6, 15), "1214", "26"),
        (date(2026, 6, 15), "1216", "25"),
        (date(2027, 3, 1), "0229", "28"),
        (date(2099, 12, 31), "0101", "00"),
        (date(2026, 11, 22), "1399", "26"),
    ],
)
def test_a_date_gets_the_year_nearest_to_today(today: date, day: str, year: str) -> None:
    assert to_1993("0210", {15: day}, today).fields == {15: year + day}
    assert to_1993("0210", {12: "235959", 13: day}, today).fields == {12: year + day + "235959"}


def test_a_time_without_a_date_is_left_out() -> None:
    assert to_1993("0210", {12: "235959"}).fields == {}
    assert to_1993("0210", {13: "1122"}).fields == {}


def test_an_effective_date_is_no_local_date() -> None:
    assert to_1987("1200", {13: "2612"}).fields == {}


@pytest.mark.parametrize(
    ("pos_data", "entry"),
    [
        ("210101200130", "021"),
        ("000101500130", "052"),
        ("210101601130", "011"),
        ("210101300130", "031"),
        ("210101700130", "071"),
        ("900000000000", "002"),
        ("910000000000", "001"),
    ],
)
def test_entry_modes(pos_data: str, entry: str) -> None:
    assert to_1987("1200", {22: pos_data}).fields == {22: entry}
    again = to_1993("0200", {22: entry}).fields
    assert to_1987("1200", again).fields == {22: entry}


def test_an_original_is_named_by_the_same_time() -> None:
    in_1993 = "1200" + "123456" + "261122063551" + "06" + "581672"
    in_1987 = "0200" + "123456" + "1122063551" + "00000581672" + "00000000000"
    assert to_1987("1420", {56: in_1993}).fields == {90: in_1987}
    assert to_1993("0420", {90: in_1987}).fields == {56: in_1993, 24: "400"}


def test_an_original_without_an_acquirer() -> None:
    in_1993 = "1200" + "123456" + "261122063551" + "00"
    in_1987 = "0200" + "123456" + "1122063551" + "0" * 22
    assert to_1987("1420", {56: in_1993}).fields == {90: in_1987}
    assert to_1993("0420", {90: in_1987}).fields == {56: in_1993, 24: "400"}


@pytest.mark.parametrize(
    "value",
    [
        "",
        "1200",
        "1200123456261122063551",
        "120012345626112206355107581672",
        "020012345626112206355106581672",
    ],
)
def test_a_broken_original_is_an_error_without_its_value(value: str) -> None:
    with pytest.raises(DecodeError) as caught:
        to_1987("1420", {56: value})
    assert caught.value.data_element == 56
    assert "123456" not in str(caught.value)


def test_a_partial_reversal_turns_its_amounts_round() -> None:
    in_1993: dict[int, str | bytes] = {4: "000000200000", 24: "401", 30: "000000500000" + "0" * 12}
    in_1987: dict[int, str | bytes] = {
        4: "000000500000",
        95: "000000200000" + "0" * 12 + "C00000000C00000000",
    }
    assert to_1987("1420", in_1993).fields == in_1987
    assert to_1993("0420", in_1987).fields == in_1993


def test_a_full_reversal_keeps_its_amount() -> None:
    assert to_1987("1420", {4: "000000200000", 24: "400", 30: "0" * 24}).fields == {4: "000000200000"}
    assert to_1993("0420", {4: "000000200000"}).fields == {4: "000000200000", 24: "400"}


def test_merchant_types() -> None:
    assert to_1987("1200", {26: "5411"}).fields == {18: "5411"}
    assert to_1987("1200", {18: "5999", 26: "5411"}).fields == {18: "5999"}
    assert to_1993("0200", {18: "5411"}).fields == {26: "5411", 24: "200"}


@settings(max_examples=150, deadline=None)
@given(
    message=messages("iso93-ascii"),
    mti=st.sampled_from(["1100", "1200", "1210", "1420", "1430", "1804", "1814"]),
)
def test_any_message_of_1993_is_translated_or_refused(message: Message, mti: str) -> None:
    codec = codec_for("iso93-ascii")
    try:
        canonical = codec.canonical(Message(mti, message.fields))
    except DecodeError:
        assert 56 in message.fields
        return
    native = codec.native(canonical)
    assert codec.decode(codec.encode(native)) == native
    # What the switch sees does not change by going out and coming in again, but for a year put back.
    assert codec.canonical(native) == canonical


@settings(max_examples=150, deadline=None)
@given(message=messages("iso87-ascii"), mti=st.sampled_from(["0110", "0210", "0430", "0810"]))
def test_replies_of_the_switch_fit_the_1993_dialect(message: Message, mti: str) -> None:
    codec = codec_for("iso93-ascii")
    codec.encode(codec.native(Message(mti, message.fields)))
