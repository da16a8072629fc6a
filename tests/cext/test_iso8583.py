"""Both codecs, the compiled and the plain one, under the same tests, and against each other."""

from dataclasses import dataclass
from typing import Any

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cext
from cext._iso8583 import Iso8583 as Compiled
from cext.reference.iso8583 import Iso8583 as Plain
from protocol.dialect import load, names
from protocol.message import Message
from tests.protocol.messages import example, fields, messages
from tests.protocol.vectors import VECTORS, Vector


class Unreadable(Exception):
    def __init__(self, data_element: int | None, offset: int, reason: str, partial: Message | None) -> None:
        super().__init__(reason)
        self.told = (data_element, offset, reason)
        self.partial = partial


class Unfit(Exception):
    def __init__(self, data_element: int | None, reason: str) -> None:
        super().__init__(reason)
        self.told = (data_element, reason)


@dataclass(frozen=True)
class Pair:
    compiled: Any
    plain: Any


def codecs(dialect: str) -> Pair:
    table = load(dialect).table
    return Pair(Compiled(table, Message, Unreadable, Unfit), Plain(table, Message, Unreadable, Unfit))


PAIRS = {name: codecs(name) for name in names()}
IMPLEMENTATIONS = ["compiled", "plain"]


@pytest.fixture(params=IMPLEMENTATIONS)
def implementation(request: pytest.FixtureRequest) -> str:
    return request.param


def codec(dialect: str, implementation: str) -> Any:
    return getattr(PAIRS[dialect], implementation)


def outcome(codec: Any, data: bytes) -> tuple[Any, ...]:
    """What a codec makes of bytes, in a form that can be compared."""
    try:
        message = codec.decode(data)
    except Unreadable as error:
        partial = error.partial
        return ("fault", *error.told, None if partial is None else (partial.mti, partial.fields))
    return ("message", message.mti, message.fields)


def same_outcome(dialect: str, data: bytes) -> tuple[Any, ...]:
    pair = PAIRS[dialect]
    compiled = outcome(pair.compiled, data)
    assert compiled == outcome(pair.plain, data)
    return compiled


def fault(dialect: str, data: bytes) -> tuple[int | None, int, str]:
    """The data element, offset and reason that both give."""
    told = same_outcome(dialect, data)
    assert told[0] == "fault"
    return told[1], told[2], told[3]


def unfit(dialect: str, message: Message) -> tuple[int | None, str]:
    """The data element and reason that both give."""
    told = []
    for implementation in IMPLEMENTATIONS:
        with pytest.raises(Unfit) as caught:
            codec(dialect, implementation).encode(message)
        told.append(caught.value.told)
    assert told[0] == told[1]
    return told[0]


@pytest.mark.parametrize("vector", VECTORS, ids=str)
def test_a_vector_decodes_to_its_fields(vector: Vector, implementation: str) -> None:
    message = codec(vector.dialect, implementation).decode(vector.data)
    assert message.mti == vector.mti
    assert message.fields == vector.fields


@pytest.mark.parametrize("vector", VECTORS, ids=str)
def test_a_vector_encodes_to_its_bytes(vector: Vector, implementation: str) -> None:
    backwards = dict(reversed(vector.fields.items()))
    assert codec(vector.dialect, implementation).encode(Message(vector.mti, backwards)) == vector.data


@pytest.mark.parametrize("vector", VECTORS, ids=str)
def test_every_truncation_is_a_fault_of_the_element_that_is_cut(vector: Vector) -> None:
    for length in range(len(vector.data)):
        data_element, offset, reason = fault(vector.dialect, vector.data[:length])
        assert data_element is not None
        assert offset <= length
        assert reason.startswith("needs ")
        assert reason.endswith(" left")


@pytest.mark.parametrize("vector", VECTORS, ids=str)
def test_what_follows_is_a_fault(vector: Vector) -> None:
    assert fault(vector.dialect, vector.data + b"00") == (
        None,
        len(vector.data),
        "2 bytes follow the last data element",
    )


@pytest.mark.parametrize("vector", VECTORS, ids=str)
def test_every_byte_changed_reads_alike_in_both(vector: Vector) -> None:
    for index in range(len(vector.data)):
        for byte in (0x00, 0x20, 0x3A, 0x46, 0x7F, 0xC3, 0xF0, 0xFF, vector.data[index] ^ 0x10):
            mutated = bytearray(vector.data)
            mutated[index] = byte
            same_outcome(vector.dialect, bytes(mutated))


@pytest.mark.parametrize("dialect", names())
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_messages_come_back(dialect: str, data: st.DataObject) -> None:
    message = data.draw(messages(dialect))
    pair = PAIRS[dialect]
    encoded = pair.plain.encode(message)
    assert pair.compiled.encode(message) == encoded
    assert pair.compiled.decode(encoded) == message
    assert pair.plain.decode(encoded) == message


@pytest.mark.parametrize("dialect", names())
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_damaged_messages_read_alike_in_both(dialect: str, data: st.DataObject) -> None:
    encoded = bytearray(PAIRS[dialect].plain.encode(data.draw(messages(dialect))))
    for _ in range(data.draw(st.integers(1, 3))):
        index = data.draw(st.integers(0, len(encoded) - 1))
        how = data.draw(st.sampled_from(["set", "delete", "insert"]))
        if how == "delete" and len(encoded) > 1:
            del encoded[index]
        elif how == "insert":
            encoded.insert(index, data.draw(st.integers(0, 255)))
        else:
            encoded[index] = data.draw(st.integers(0, 255))
    same_outcome(dialect, bytes(encoded))


@pytest.mark.parametrize("dialect", names())
@settings(max_examples=100, deadline=None)
@given(data=st.binary(max_size=200))
def test_noise_reads_alike_in_both(dialect: str, data: bytes) -> None:
    same_outcome(dialect, data)


LOOSE = st.one_of(
    st.text(max_size=20),
    st.text("0123456789D=C é\ud800\x00", max_size=20),
    st.binary(max_size=20),
    st.integers(),
    st.none(),
)


@pytest.mark.parametrize("dialect", names())
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_misfits_are_refused_alike_by_both(dialect: str, data: st.DataObject) -> None:
    loose: Any = dict(data.draw(fields(dialect, max_size=3)))
    keys = st.one_of(st.integers(-1, 130), st.just(2**70), st.just("2"))
    loose.update(data.draw(st.dictionaries(keys, LOOSE, max_size=3)))
    message = Message(data.draw(st.one_of(st.sampled_from(["0200", "020", "02000", "02a0", "٠٢٠٠"]))), loose)
    results = []
    for implementation in IMPLEMENTATIONS:
        try:
            results.append(codec(dialect, implementation).encode(message))
        except Unfit as error:
            results.append(error.told)
    assert results[0] == results[1]


@pytest.mark.parametrize("dialect", names())
def test_every_defined_element_takes_its_greatest_length(dialect: str, implementation: str) -> None:
    rows = load(dialect).table.rows
    assert set(rows) == set(range(2, 129)) - {65}
    one = codec(dialect, implementation)
    everything = Message("0200", {number: example(row) for number, row in rows.items()})
    assert one.decode(one.encode(everything)) == everything
    for number, row in rows.items():
        single = Message("0200", {number: example(row)})
        assert one.decode(one.encode(single)) == single


@pytest.mark.parametrize("dialect", ["iso87-ascii", "iso87-binary", "iso87-ebcdic", "msgpack"])
def test_one_more_than_the_greatest_length_is_refused(dialect: str) -> None:
    for number, row in load(dialect).table.rows.items():
        value = example(row)
        longer = value + (b"0" if isinstance(value, bytes) else "0")
        reason = f"length {row.maximum + 1}, must be {row.maximum}"
        if row.length_digits:
            reason = f"length {row.maximum + 1} is above the maximum of {row.maximum}"
        assert unfit(dialect, Message("0200", {number: longer})) == (number, reason)


@pytest.mark.parametrize("dialect", names())
def test_the_third_bitmap_is_refused(dialect: str) -> None:
    assert unfit(dialect, Message("0200", {65: b"0"})) == (65, "third bitmap is not supported")
    if dialect == "msgpack":
        data = msgpack.packb({0: "0200", 65: b"0"})
        assert fault(dialect, data) == (65, 7, "third bitmap is not supported")
        return
    table = load(dialect).table
    stan = "123456"
    with_second_bitmap = Message("0200", {11: stan, 66: example(table.rows[66])})
    marked = bytearray(codec(dialect, "plain").encode(with_second_bitmap))
    # Bit 65 is the first of the second bitmap, beside bit 66, which is set: 4 becomes C.
    bit_at = (2 if table.mti_bcd else 4) + (16 if table.bitmap_hex else 8)
    marked[bit_at] = table.wire_to_text.index(ord("C")) if table.bitmap_hex else 0xC0
    data_element, offset, reason = fault(dialect, bytes(marked))
    assert (data_element, reason) == (65, "third bitmap is not supported")
    assert offset == bit_at + (16 if table.bitmap_hex else 8) + len(stan) // (2 if table.lengths_bcd else 1)


def test_an_undefined_element_is_a_fault_where_it_would_stand(implementation: str) -> None:
    table = load("iso87-ascii").table
    without = table._replace(rows={number: row for number, row in table.rows.items() if number != 37})
    make = Compiled if implementation == "compiled" else Plain
    one = make(without, Message, Unreadable, Unfit)
    data = codec("iso87-ascii", implementation).encode(Message("0200", {11: "123456", 37: "0" * 12, 41: "T" * 8}))
    with pytest.raises(Unreadable) as caught:
        one.decode(data)
    assert caught.value.told == (37, 26, "data element is not defined")
    assert caught.value.partial == Message("0200", {11: "123456"})
    with pytest.raises(Unfit) as unfit_caught:
        one.encode(Message("0200", {37: "0" * 12}))
    assert unfit_caught.value.told == (37, "data element is not defined")


def test_a_second_bitmap_that_is_announced_and_empty_is_accepted(implementation: str) -> None:
    data = b"0800" + b"8020000000000000" + b"0" * 16 + b"123456"
    message = codec("iso87-ascii", implementation).decode(data)
    assert message == Message("0800", {11: "123456"})
    assert codec("iso87-ascii", implementation).encode(message) == b"08000020000000000000123456"


HEAD = b"0200" + b"%016X"


def ascii_frame(number: int, body: bytes) -> bytes:
    return HEAD % (1 << (64 - number)) + body


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", (0, 0, "needs 4 bytes, 0 left")),
        (b"02O0" + b"0" * 16, (0, 2, "not a digit")),
        (b"02000", (1, 4, "needs 16 bytes, 1 left")),
        (b"0200" + b"0" * 15 + b"G", (1, 19, "not hexadecimal")),
        (b"0200" + b"8" + b"0" * 15 + b"000", (1, 20, "needs 16 bytes, 3 left")),
        (ascii_frame(2, b"1"), (2, 20, "needs 2 bytes, 1 left")),
        (ascii_frame(2, b"1x"), (2, 20, "length is not decimal")),
        (ascii_frame(2, b"-1"), (2, 20, "length is not decimal")),
        (ascii_frame(2, b"20" + b"0" * 20), (2, 20, "length 20 is above the maximum of 19")),
        (ascii_frame(2, b"16603799"), (2, 22, "needs 16 bytes, 6 left")),
        (ascii_frame(2, b"1660379912345678 0"), (2, 36, "not a digit")),
        (ascii_frame(4, b"00000050000O"), (4, 31, "not a digit")),
        (ascii_frame(28, b"X00000000"), (28, 20, "sign is neither C nor D")),
        (ascii_frame(28, b"C0000000X"), (28, 28, "not a digit")),
        (ascii_frame(35, b"05123+4"), (35, 25, "neither a digit nor a field separator")),
        (ascii_frame(41, b"T000\x00001"), (41, 24, "not a printable ASCII character")),
        (ascii_frame(41, b"T000000\x7f"), (41, 27, "not a printable ASCII character")),
        (ascii_frame(48, b"004ab\xc3\x28"), (48, 25, "not UTF-8 text")),
        (ascii_frame(48, b"002a\x07"), (48, 24, "not UTF-8 text")),
        (ascii_frame(48, b"001\xd9"), (48, 23, "not UTF-8 text")),
        (ascii_frame(52, b"0123456789ABCDEG"), (52, 35, "not hexadecimal")),
        (ascii_frame(52, b"0123456789ABCDEF0"), (None, 36, "1 bytes follow the last data element")),
    ],
)
def test_faults_of_ascii_messages(data: bytes, told: tuple[int | None, int, str]) -> None:
    assert fault("iso87-ascii", data) == told


def packed(number: int, body: str) -> bytes:
    return bytes.fromhex("0200") + (1 << (64 - number)).to_bytes(8, "big") + bytes.fromhex(body)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"\x02\xa0", (0, 1, "not a digit")),
        (packed(2, "1a"), (2, 10, "length is not decimal")),
        (packed(2, "20" + "00" * 10), (2, 10, "length 20 is above the maximum of 19")),
        (packed(2, "03123f"), (2, 12, "pad digit is not zero")),
        (packed(2, "031a30"), (2, 11, "not a digit")),
        (packed(3, "0000a0"), (3, 12, "not a digit")),
        (packed(22, "1021"), (22, 10, "pad digit is not zero")),
        (packed(22, "0a21"), (22, 10, "not a digit")),
        (packed(28, "5800000000"), (28, 10, "sign is neither C nor D")),
        (packed(28, "430000000b"), (28, 14, "not a digit")),
        (packed(35, "0412e4"), (35, 12, "neither a digit nor a field separator")),
        (packed(48, "099a00"), (48, 10, "length is not decimal")),
        (packed(48, "1000"), (48, 10, "length 1000 is above the maximum of 999")),
    ],
)
def test_faults_of_packed_messages(data: bytes, told: tuple[int | None, int, str]) -> None:
    assert fault("iso87-binary", data) == told


@pytest.mark.parametrize(
    ("number", "value", "wire"),
    [
        (2, "603799123456789", "15" + "6037991234567890"),
        (22, "021", "0021"),
        (35, "12=34", "05" + "12d340"),
        (97, "D0000000058900000", "44" + "0000000058900000"),
        (48, "سلام", "0008" + "سلام".encode().hex()),
        (41, "T0000001", b"T0000001".hex()),
    ],
)
def test_packed_values(number: int, value: str, wire: str, implementation: str) -> None:
    one = codec("iso87-binary", implementation)
    data = one.encode(Message("0200", {number: value}))
    assert data[-len(wire) // 2 :].hex() == wire
    assert one.decode(data).fields == {number: value}


def test_a_separator_d_of_text_is_kept_and_that_of_nibbles_is_read_as_equals_sign(
    implementation: str,
) -> None:
    text = codec("iso87-ascii", implementation)
    assert text.decode(text.encode(Message("0200", {35: "12D34"}))).fields == {35: "12D34"}
    nibbles = codec("iso87-binary", implementation)
    assert nibbles.decode(nibbles.encode(Message("0200", {35: "12D34"}))).fields == {35: "12=34"}


@settings(max_examples=60, deadline=None)
@given(message=messages("iso87-ascii"))
def test_ebcdic_is_the_ascii_message_in_code_page_037(message: Message) -> None:
    ascii_data = PAIRS["iso87-ascii"].plain.encode(message)
    expected = ascii_data.decode("latin-1").encode("cp037")
    for implementation in IMPLEMENTATIONS:
        assert codec("iso87-ebcdic", implementation).encode(message) == expected


@settings(max_examples=60, deadline=None)
@given(message=messages("msgpack"))
def test_msgpack_is_what_the_library_makes(message: Message) -> None:
    expected = msgpack.packb({0: message.mti, **dict(sorted(message.fields.items()))})
    for implementation in IMPLEMENTATIONS:
        assert codec("msgpack", implementation).encode(message) == expected
        shuffled = {**dict(reversed(message.fields.items())), 0: message.mti}
        assert codec("msgpack", implementation).decode(msgpack.packb(shuffled)) == message


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", (None, 0, "needs 1 bytes, 0 left")),
        (b"\x93", (None, 0, "not a msgpack map")),
        (b"\xde\x00", (None, 1, "needs 2 bytes, 1 left")),
        (b"\x80", (0, 1, "MTI is missing")),
        (msgpack.packb({3: "000000"}), (0, 9, "MTI is missing")),
        (msgpack.packb({0: "020"}), (0, 2, "length 3, must be 4")),
        (msgpack.packb({0: 200}), (0, 2, "value is not msgpack text")),
        (msgpack.packb({0: "02x0"}), (0, 5, "not a digit")),
        (msgpack.packb({0: "0200", 3: b"000000"}), (3, 8, "value is not msgpack text")),
        (msgpack.packb({0: "0200", 52: "00000000"}), (52, 8, "value is not msgpack binary")),
        (msgpack.packb({0: "0200", 1: ""}), (1, 7, "key is not a data element number")),
        (msgpack.packb({0: "0200", 129: ""}), (129, 7, "key is not a data element number")),
        (msgpack.packb({0: "0200", "2": "1"}), (None, 7, "key is not a data element number")),
        (b"\x82\x00\xa40200\x00\xa40200", (0, 7, "data element comes twice")),
        (b"\x83\x00\xa40200\x19\xa200\x19\xa200", (25, 11, "data element comes twice")),
        (msgpack.packb({0: "0200", 2: "1" * 20}), (2, 8, "length 20 is above the maximum of 19")),
        (b"\x82\x00\xa40200\xcc", (None, 8, "needs 1 bytes, 0 left")),
        (b"\x82\x00\xa40200\x02\xdb\xff\xff\xff\xff", (2, 8, "length 4294967295 is above the maximum of 19")),
        (b"\xdf\xff\xff\xff\xff\x00\xa40200", (None, 11, "needs 1 bytes, 0 left")),
    ],
)
def test_faults_of_msgpack_messages(data: bytes, told: tuple[int | None, int, str]) -> None:
    assert fault("msgpack", data) == told


@pytest.mark.parametrize("dialect", ["iso87-ascii", "msgpack"])
def test_misfits_by_name(dialect: str) -> None:
    assert unfit(dialect, Message("020", {})) == (0, "MTI must be four digits")
    assert unfit(dialect, Message("0200", {1: "0"})) == (1, "not a data element number from 2 to 128")
    assert unfit(dialect, Message("0200", {129: "0"})) == (129, "not a data element number from 2 to 128")
    assert unfit(dialect, Message("0200", {3: b"000000"})) == (3, "value must be text")
    assert unfit(dialect, Message("0200", {52: "00000000"})) == (52, "value must be bytes")
    assert unfit(dialect, Message("0200", {3: "00000"})) == (3, "length 5, must be 6")
    assert unfit(dialect, Message("0200", {3: "00000x", 2: "1" * 20})) == (
        2,
        "length 20 is above the maximum of 19",
    )
    assert unfit(dialect, Message("0200", {3: "00000x"})) == (3, "not a digit")
    assert unfit(dialect, Message("0200", {48: "\ud800"})) == (48, "not UTF-8 text")
    assert unfit(dialect, Message("0200", {48: "a\nb"})) == (48, "not UTF-8 text")
    assert unfit(dialect, Message("0200", {48: "ی" * 500})) == (48, "length 1000 is above the maximum of 999")


def test_errors_never_carry_a_value() -> None:
    secret = "6037991234567890"
    for data in (
        ascii_frame(2, b"16" + secret[:15].encode() + b"x"),
        ascii_frame(35, b"20" + secret.encode()),
    ):
        assert secret[:8] not in str(fault("iso87-ascii", data))
    assert secret[:8] not in str(unfit("iso87-ascii", Message("0200", {2: secret + "x"})))


def test_the_mti_of_equal_messages_is_one_object() -> None:
    one = codec("iso87-ascii", "compiled")
    data = one.encode(Message("0200", {}))
    assert one.decode(data).mti is one.decode(data).mti
    assert one.decode(one.encode(Message("2100", {}))).mti == "2100"


def test_a_message_longer_than_the_stack_buffer(implementation: str) -> None:
    one = codec("iso87-ascii", implementation)
    message = Message("0200", dict.fromkeys(range(105, 128), "x" * 999))
    assert one.decode(one.encode(message)) == message


def test_a_subclass_of_str_is_text(implementation: str) -> None:
    class Code(str):
        __slots__ = ()

    one = codec("iso87-ascii", implementation)
    assert one.encode(Message(Code("0200"), {39: Code("00")})) == one.encode(Message("0200", {39: "00"}))


@pytest.mark.parametrize("wrong", [b"\x00" * 256, b"short"])
def test_a_table_whose_charset_is_no_permutation_is_refused(wrong: bytes) -> None:
    with pytest.raises(ValueError, match="permutation"):
        Compiled(load("iso87-ascii").table._replace(wire_to_text=wrong), Message, Unreadable, Unfit)


def test_a_row_out_of_bounds_is_refused() -> None:
    table = load("iso87-ascii").table
    for number, row in (
        (1, table.rows[2]),
        (129, table.rows[2]),
        (2, table.rows[2]._replace(maximum=cext.TEXT_MAX + 1)),
    ):
        with pytest.raises(ValueError, match="data element"):
            Compiled(table._replace(rows={number: row}), Message, Unreadable, Unfit)


ECHOED = st.lists(st.sampled_from([2, 3, 7, 11, 32, 41, 49]), unique=True)


@given(messages("iso87-ascii"), fields("iso87-ascii"), ECHOED)
def test_a_reply_is_encoded_as_if_it_were_put_together_first(
    message: Message, decided: dict[int, str | bytes], echoed: list[int]
) -> None:
    pair = PAIRS["iso87-ascii"]
    kept = {number: message.fields[number] for number in echoed if number in message.fields}
    whole = pair.plain.encode(Message("0210", {**kept, **decided}))
    for codec in (pair.compiled, pair.plain):
        assert codec.encode_reply("0210", decided, message.fields, tuple(echoed)) == whole


def test_a_reply_echoes_no_element_of_the_second_bitmap(implementation: str) -> None:
    for number in (1, 65):
        with pytest.raises(Unfit) as caught:
            codec("iso87-ascii", implementation).encode_reply("0210", {39: "00"}, {}, (number,))
        assert caught.value.told == (number, cext.ENCODE_NUMBER)
