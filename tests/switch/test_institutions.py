"""The directory: what a worker looks up for each message."""

import dataclasses
import datetime as dt

import pytest

from switch.institutions import Directory, Institution, Merchant, ProgrammeVersion, Terminal

KHATAM = Institution(1, "581672", "KHATAM", "Asia/Tehran", None, "automatic")
CHAIN = Institution(2, "639607", "ARYASTORES", "Asia/Tehran", dt.date(2026, 11, 23), "wire")
SHOP = Merchant(10, "M00000000000001", 1, "Bazaar", 5, "grocery")


def terminal(number: int, acquirer: str, code: str) -> Terminal:
    return Terminal(number, code, acquirer, 0, 10, "M00000000000001", 5, 1, "Asia/Tehran", None, "bazaar")


DIRECTORY = Directory(
    version=7,
    institutions=(KHATAM, CHAIN),
    merchants=(SHOP,),
    terminals=(
        terminal(1, "581672", "T0000001"),
        terminal(2, "639607", "T0000001"),
        terminal(3, "581672", "T0000002"),
    ),
    programmes=(ProgrammeVersion(1, "bazaar", 1, "hash", "source", 1, frozenset({1})),),
    categories={"grocery": 5, "books": 6},
)


def test_a_terminal_is_found_by_its_acquirer_and_its_code() -> None:
    assert DIRECTORY.terminal("581672", "T0000001") is DIRECTORY.terminals[0]
    assert DIRECTORY.terminal("639607", "T0000001") is DIRECTORY.terminals[1]
    assert DIRECTORY.terminal("581672", "T0000003") is None
    assert DIRECTORY.terminal("0581672", "T0000001") is None


def test_a_field_that_is_no_text_finds_nothing() -> None:
    assert DIRECTORY.terminal("581672", b"T0000001") is None
    assert DIRECTORY.institution(b"581672") is None


def test_an_institution_is_found_by_its_code() -> None:
    assert DIRECTORY.institution("639607") is CHAIN
    assert DIRECTORY.institution("ARYASTORES") is None


@pytest.mark.parametrize(
    ("kind", "name", "number"),
    [
        ("category", "books", 6),
        ("merchant", "M00000000000001", 10),
        ("institution", "581672", 1),
        ("institution", "KHATAM", 1),
    ],
)
def test_what_a_rule_names_has_its_number(kind: str, name: str, number: int) -> None:
    assert DIRECTORY.identify(kind, name) == number


def test_an_unknown_name_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        DIRECTORY.identify("category", "cars")


def test_nothing_of_a_snapshot_can_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        DIRECTORY.version = 8  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        KHATAM.code = "1"  # type: ignore[misc]


def test_a_snapshot_shows_counts_and_not_a_thousand_terminals() -> None:
    assert repr(DIRECTORY) == "Directory(version=7, institutions=2, merchants=1, terminals=3, programmes=1)"
