from pathlib import Path

import pytest

import cext
from protocol import dialect
from protocol.dialect import load, names
from protocol.errors import DialectError

REQUIRED = {"iso87-ascii", "iso87-binary", "iso87-ebcdic", "iso93-ascii", "msgpack"}


def test_the_dialects_of_the_wire_profile_are_there() -> None:
    assert set(names()) >= REQUIRED


@pytest.mark.parametrize("name", names())
def test_every_element_has_a_name_and_a_definition(name: str) -> None:
    one = load(name)
    assert list(one.fields) == list(range(2, 129))
    assert all(len(spec.name) >= 5 for spec in one.fields.values())
    assert [number for number, spec in one.fields.items() if spec.row is None] == [cext.THIRD_BITMAP]
    assert one.description
    assert one.version == (1993 if name.startswith("iso93") else 1987)


@pytest.mark.parametrize("name", names())
def test_private_data_are_utf8_text(name: str) -> None:
    private = {48, 60, 61, 62, 63}
    assert {number for number, spec in load(name).fields.items() if spec.is_private} == private


def test_binary_elements() -> None:
    assert {number for number, spec in load("iso87-ascii").fields.items() if spec.is_binary} == {
        52,
        64,
        96,
        128,
    }
    expected = {52, 53, 55, 64, 96, 128}
    assert {number for number, spec in load("iso93-ascii").fields.items() if spec.is_binary} == expected


def test_the_packed_dialect_differs_in_how_it_stands_on_the_wire_only() -> None:
    plain, packed = load("iso87-ascii"), load("iso87-binary")
    for number, spec in plain.fields.items():
        assert packed.fields[number].format == spec.format
        if spec.row is not None and (row := packed.fields[number].row) is not None:
            assert (row.character_class, row.length_digits, row.maximum) == (
                spec.row.character_class,
                spec.row.length_digits,
                spec.row.maximum,
            )
    track_3 = packed.fields[36].row
    assert track_3 is not None
    assert track_3.encoding == cext.ENCODING_TEXT


def test_an_unknown_name_tells_those_known() -> None:
    with pytest.raises(DialectError, match="iso87-ascii"):
        load("iso87")


ELEMENTS = "\n".join(f"  {number}: {{format: n 6, name: Element {number}}}" for number in range(2, 129))
HEAD = (
    "description: Test\nversion: 1987\nlayout: bitmap\ncharset: ascii\nmti: text\nbitmap: hex\n"
    "digits: text\nfixed_pad: left\nlengths: text\nbinary: hex\nfields:\n"
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of dialects in place of the real one."""
    monkeypatch.setattr(dialect.resources, "files", lambda _package: tmp_path)
    names.cache_clear()
    load.cache_clear()
    yield tmp_path
    names.cache_clear()
    load.cache_clear()


def test_an_overlay_replaces_keys_and_elements(folder: Path) -> None:
    (folder / "base.yaml").write_text(HEAD + ELEMENTS)
    (folder / "over.yaml").write_text("extends: base\ncharset: cp037\nfields:\n  41: {format: ans ..16}\n")
    over = load("over")
    row = over.fields[41].row
    assert row == cext.Row(cext.CLASS_PRINTABLE, cext.ENCODING_TEXT, 2, 16, cext.PAD_RIGHT)
    assert over.fields[41].name == "Element 41"
    assert over.table.wire_to_text[0xC1] == ord("A")
    assert load("base").table.wire_to_text[0xC1] == 0xC1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEAD.replace("mti: text", "mti: words") + ELEMENTS, "mti"),
        (HEAD.replace("lengths: text\n", "") + ELEMENTS, "lengths"),
        (HEAD + ELEMENTS.replace("  7: {format: n 6, name: Element 7}\n", ""), r"\[7\]"),
        (HEAD + ELEMENTS + "\n  129: {format: n 6, name: More}", r"\[129\]"),
        (HEAD + ELEMENTS.replace("7: {format: n 6,", "7: {format: n six,"), "no format"),
        (HEAD + ELEMENTS.replace("7: {format: n 6,", "7: {format: n 1000,"), "no format"),
        (HEAD + ELEMENTS.replace("7: {format: n 6,", "7: {format: x+n ..6,"), "can't stand"),
        (HEAD + ELEMENTS.replace("7: {format: n 6,", "7: {format: ans 6, encoding: bcd,"), "can't stand"),
        (HEAD + ELEMENTS.replace("7: {format: n 6,", "7: {format: b 6, encoding: text,"), "can't stand"),
        (HEAD + ELEMENTS.replace("7: {format: n 6,", "7: {length: 6,"), "needs a format"),
    ],
)
def test_a_wrong_file_is_refused(folder: Path, text: str, message: str) -> None:
    (folder / "wrong.yaml").write_text(text)
    with pytest.raises(DialectError, match=message):
        load("wrong")
