"""The till's commands about people and cards: what each message carries."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from adapters.cli.till_memory import default_path
from protocol import tlv
from tests.adapters.cli.test_till import CARD, OTHER_CARD, Switch, send, switch, with_fields


@pytest.fixture(autouse=True)
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return default_path()


def heard(server: Switch, index: int = 0) -> tuple[str, object, object, object, list[tuple[str, str]]]:
    message = server.heard[index]
    fields = message.fields
    private = fields.get(48)
    tags = tlv.parse(private) if isinstance(private, str) else []
    return message.mti, fields[3], fields.get(2), fields.get(103), tags


ENROL = ("enrol", "--card", CARD, "--mobile", "09121234567")


@pytest.mark.parametrize(
    ("arguments", "mti", "card", "tags"),
    [
        (ENROL, "0200", CARD, [("MB", "09121234567")]),
        (
            (*ENROL, "--name", "سارا", "--born", "19880321", "--referrer", "ABCD", "--club", "GOLD", "--advice"),
            "0220",
            CARD,
            [("MB", "09121234567"), ("NA", "سارا"), ("BD", "19880321"), ("RF", "ABCD"), ("CL", "GOLD")],
        ),
        ((*ENROL, "--without-card", "--name", "S"), "0200", None, [("MB", "09121234567"), ("NA", "S")]),
    ],
)
def test_an_enrolment(arguments: Sequence[str], mti: str, card: str | None, tags: list[tuple[str, str]]) -> None:
    with switch(with_fields(de62="PB0010RC008ABCDEFGH")) as server:
        result = send(server, *arguments)
    assert result.exit_code == 0, result.output
    assert heard(server) == (mti, "900000", card, None, tags)
    assert "the code to give to friends is ABCDEFGH" in result.output
    assert "09121234567" not in result.output


def test_an_enrolment_needs_a_mobile() -> None:
    with switch() as server:
        result = send(server, "enrol", "--card", CARD)
    assert result.exit_code == 2
    assert "--mobile is missing" in result.output
    assert server.heard == []


@pytest.mark.parametrize(
    ("arguments", "code", "second", "tags"),
    [
        (("link", "--further", OTHER_CARD), "910000", OTHER_CARD, []),
        (("transfer", "--to", OTHER_CARD, "--points", "50"), "400000", OTHER_CARD, [("PT", "50")]),
        (("convert", "--points", "50"), "406065", None, [("PT", "50")]),
    ],
)
def test_the_others_and_their_repeats(
    arguments: Sequence[str], code: str, second: str | None, tags: list[tuple[str, str]]
) -> None:
    with switch() as server:
        first = send(server, *arguments, "--card", CARD)
        again = send(server, *arguments, "--card", CARD, "--repeat")
    assert (first.exit_code, again.exit_code) == (0, 0), first.output + again.output
    assert heard(server) == ("0200", code, CARD, second, tags)
    assert server.heard[1].fields == server.heard[0].fields
    assert server.heard[1].mti == "0201"
    assert OTHER_CARD not in first.output


def test_a_transfer_names_its_receiver_and_its_points() -> None:
    with switch() as server:
        result = send(server, "transfer", "--card", CARD)
    assert result.exit_code == 2
    assert server.heard == []
