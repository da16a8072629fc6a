"""The till's commands before a purchase: what each message carries and names."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from adapters.cli.till_memory import default_path
from protocol.message import Message
from tests.adapters.cli.test_till import CARD, OTHER_CARD, Switch, send, switch, with_fields


@pytest.fixture(autouse=True)
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return default_path()


def said(message: Message) -> tuple[object, ...]:
    """MTI, DE3, DE4, DE48."""
    fields = message.fields
    return message.mti, fields[3], fields.get(4), fields.get(48)


def name_of(message: Message) -> str:
    """DE90 for a message."""
    return f"{message.mti}{message.fields[11]}{message.fields[7]}{'581672'.zfill(11)}{'0' * 11}"


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (("quote", "--amount", "500"), ("0100", "000000", "000000000500", None)),
        (
            ("quote", "--amount", "5", "--points", "3", "--credit", "7"),
            ("0100", "000000", "000000000005", "PT0013CR0017"),
        ),
        (("hold", "--amount", "500"), ("0100", "006000", "000000000500", None)),
        (("hold", "--amount", "500", "--points", "30"), ("0100", "006000", "000000000500", "PT00230")),
        (("hold", "--amount", "500", "--credit", "all"), ("0100", "006500", "000000000500", None)),
        (("hold", "--amount", "500", "--credit", "90"), ("0100", "006500", "000000000500", "CR00290")),
    ],
)
def test_quotes_and_holds_and_their_repeats(arguments: Sequence[str], wanted: tuple[object, ...]) -> None:
    with switch() as server:
        first = send(server, *arguments, "--card", CARD)
        again = send(server, *arguments, "--card", CARD, "--repeat")
    assert (first.exit_code, again.exit_code) == (0, 0), first.output + again.output
    assert said(server.heard[0]) == wanted
    assert (server.heard[1].mti, server.heard[1].fields) == ("0101", server.heard[0].fields)


def test_a_quote_carries_its_basket() -> None:
    with switch() as server:
        send(server, "quote", "--amount", "9", "--line", "A;b;1;9", "--offer", "tea")
    assert server.heard[0].fields[63] == "LI007A;b;1;9"
    assert server.heard[0].fields[48].endswith("OF003tea")


def completed(server: Switch, hold: Sequence[str], complete: Sequence[str]) -> tuple[Message, Message]:
    result = send(server, "hold", "--amount", "500", *hold)
    assert result.exit_code == 0, result.output
    # What came since is no hold.
    send(server, "balance")
    send(server, "quote", "--amount", "9")
    result = send(server, "complete", *complete)
    assert result.exit_code == 0, result.output
    return server.heard[0], server.heard[-1]


@pytest.mark.parametrize(
    ("hold", "complete", "wanted"),
    [
        ((), ("--last",), ("0200", "006000", "000000000500", None)),
        ((), ("--of", "last", "--amount", "80", "--points", "4"), ("0200", "006000", "000000000080", "PT0014")),
        ((), ("--last", "--advice"), ("0220", "006000", "000000000500", None)),
        (("--credit", "all"), ("--last",), ("0200", "006500", "000000000500", None)),
        ((), ("--last", "--credit", "70"), ("0200", "006500", "000000000500", "CR00270")),
    ],
)
def test_a_completion_names_the_hold(hold: Sequence[str], complete: Sequence[str], wanted: tuple[object, ...]) -> None:
    with switch() as server:
        held, done = completed(server, hold, complete)
    assert said(done) == wanted
    assert done.fields[90] == name_of(held)


def test_a_completion_is_repeated_with_the_hold_that_it_named() -> None:
    with switch() as server:
        _, done = completed(server, (), ("--last",))
        send(server, "hold", "--amount", "900")
        again = send(server, "complete", "--repeat")
    assert again.exit_code == 0, again.output
    assert (server.heard[-1].mti, server.heard[-1].fields) == ("0201", done.fields)


def test_a_release_names_the_hold_and_is_repeated() -> None:
    with switch() as server:
        send(server, "hold", "--amount", "500")
        first = send(server, "release", "--last")
        again = send(server, "release", "--repeat")
    assert (first.exit_code, again.exit_code) == (0, 0), first.output + again.output
    held, released, repeated = server.heard
    assert (released.mti, released.fields[3], released.fields[90]) == ("0400", "006000", name_of(held))
    assert 4 not in released.fields
    assert (repeated.mti, repeated.fields) == ("0401", released.fields)


def test_a_hold_named_by_stan_and_time() -> None:
    with switch() as server:
        send(server, "release", "--original-stan", "7", "--original-time", "1123093000")
    assert str(server.heard[0].fields[90]).startswith("01000000071123093000")


@pytest.mark.parametrize("command", ["complete", "release"])
@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ((), "Say which message"),
        (("--last",), "remembers no hold"),
        (("--of", "632909000001"), "no message with that RRN"),
        (("--original-stan", "7"), "belong together"),
    ],
)
def test_what_names_no_hold_is_not_sent(command: str, arguments: Sequence[str], reason: str) -> None:
    with switch() as server:
        send(server, "purchase", "--amount", "5")
        result = send(server, command, *arguments)
    assert result.exit_code == 2
    assert reason in result.output
    assert len(server.heard) == 1


def test_a_hold_of_another_card_is_not_named() -> None:
    with switch() as server:
        send(server, "hold", "--amount", "500", "--card", CARD)
        result = send(server, "complete", "--last", "--card", OTHER_CARD)
    assert result.exit_code == 2
    assert "name the card with --card" in result.output
    assert CARD not in result.output


def test_a_reversal_still_takes_the_last_purchase() -> None:
    with switch() as server:
        send(server, "purchase", "--amount", "5")
        send(server, "hold", "--amount", "500")
        send(server, "reverse", "--last")
    assert server.heard[-1].fields[90] == name_of(server.heard[0])


def test_the_reply_says_what_may_not_be_spent_yet() -> None:
    with switch(with_fields(de62="PB00240CB0010RV0011PP00512345HD00760/3000")) as server:
        result = send(server, "hold", "--amount", "500")
    assert "the balance is 40 points, 12345 points are pending, 60 points and 3000 of credit are held" in result.output
    assert "points pending" in result.output
