import json

import pytest
from click.testing import Result
from typer.testing import CliRunner

from adapters.cli.codec import app
from protocol.codec import codec_for
from protocol.dialect import names
from protocol.message import Message
from tests.protocol.vectors import VECTORS, Vector

PAN = "6037991234567890"
PURCHASE = Message(
    "0200",
    {
        2: PAN,
        3: "000000",
        4: "000000500000",
        35: PAN + "=27121010000000000000",
        39: "51",
        41: "T0000001",
        48: "MB01109121234567NA008سلامCP0041234ZZ004abcd",
        52: bytes.fromhex("0123456789ABCDEF"),
        62: "PB003750MS006[bold]",
    },
)


def run(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(app, list(arguments), input=stdin)


def encoded(message: Message = PURCHASE, dialect: str = "iso87-ascii") -> str:
    return codec_for(dialect).encode(message).hex()


@pytest.mark.parametrize("vector", VECTORS, ids=str)
def test_vectors_by_json_both_ways(vector: Vector) -> None:
    decoded = run("decode", "--json", "--dialect", vector.dialect, vector.data.hex())
    assert decoded.exit_code == 0
    fields = {
        str(number): value.hex().upper() if isinstance(value, bytes) else value
        for number, value in vector.fields.items()
    }
    assert json.loads(decoded.stdout) == {"mti": vector.mti, "fields": fields}
    again = run("encode", "--dialect", vector.dialect, decoded.stdout)
    assert again.exit_code == 0
    assert again.stdout == vector.data.hex().upper() + "\n"


def test_standard_input_serves_for_the_argument() -> None:
    text = encoded()
    broken_up = "\n".join(text[at : at + 32] for at in range(0, len(text), 32))
    decoded = run("decode", "--json", stdin=broken_up + "\n")
    assert json.loads(decoded.stdout)["fields"]["2"] == PAN
    assert run("encode", stdin=decoded.stdout).stdout.strip() == text.upper()


def test_an_explanation_has_a_line_for_each_element() -> None:
    shown = run("decode", encoded()).stdout
    assert "0200  financial request" in shown
    assert "Primary account number (PAN)" in shown
    assert "n ..19" in shown
    assert "000000500000" in shown
    assert "30 30 30 30 30 30 35 30 30 30 30 30" in shown
    assert "51  not enough points or credit" in shown
    lines = {line.split()[0]: line.split() for line in shown.splitlines() if line.strip()}
    amount = lines["4"]
    at = amount.index("12")
    assert amount[at + 1 : at + 3] == ["44", "12"], "format n 12, offset 44, length 12"


def test_an_explanation_expands_private_data() -> None:
    shown = run("decode", encoded()).stdout
    lines = {line.split()[0]: line for line in shown.splitlines() if line.strip()}
    assert "coupon" in lines["CP"]
    # Whoever knows a code may use it.
    assert "<4 characters>" in lines["CP"]
    assert "points balance" in lines["PB"]
    assert "750" in lines["PB"]
    assert "unknown tag" in lines["ZZ"]
    assert "[bold]" in lines["MS"], "what stands in a message is no markup"


def test_private_data_that_are_none_are_said_to_be_so() -> None:
    shown = run("decode", encoded(Message("0200", {48: "0102"}))).stdout
    assert "not tag, length, value" in shown


def test_nothing_secret_is_shown_unless_asked_for() -> None:
    shown = run("decode", encoded()).stdout
    assert "603799******7890" in shown
    for secret in (PAN, "09121234567", "سلام", "abcd", "2712101", "0123456789ABCDEF"):
        assert secret not in shown
    for secret in (PAN.encode().hex(" "), "01 23 45 67", "٠", "30 31 32 33 34 35 36 37 38 39 41 42"):
        assert secret not in shown.lower()
    clear = run("decode", "--clear", encoded()).stdout
    for secret in (PAN, "09121234567", "سلام", "abcd", "0123456789ABCDEF"):
        assert secret in clear


def test_what_follows_a_message_is_not_shown() -> None:
    result = run("decode", encoded() + PAN.encode().hex())
    assert result.exit_code == 1
    assert "16 bytes follow the last data element" in result.stderr
    assert PAN.encode().hex(" ").upper() not in result.stdout


def test_a_broken_message_shows_what_stands_before_and_exits_1() -> None:
    result = run("decode", encoded()[:100])
    assert result.exit_code == 1
    assert "000000" in result.stdout
    assert "Primary account number" in result.stdout
    assert result.stderr.strip() == "DE 4, offset 44: needs 12 bytes, 6 left"
    as_json = run("decode", "--json", encoded()[:100])
    assert as_json.exit_code == 1
    assert as_json.stdout == ""
    assert as_json.stderr.strip() == result.stderr.strip()


@pytest.mark.parametrize("prefix", [2, 4])
def test_a_length_prefix_left_on_is_hinted_at(prefix: int) -> None:
    data = bytes.fromhex(encoded())
    head = len(data).to_bytes(2, "big") if prefix == 2 else b"%04d" % len(data)
    result = run("decode", (head + data).hex())
    assert result.exit_code == 1
    assert "leave the length prefix out" in result.stderr


@pytest.mark.parametrize("text", ["020", "zz", "0200 0"])
def test_what_is_not_hexadecimal(text: str) -> None:
    result = run("decode", text)
    assert result.exit_code == 1
    assert "hexadecimal" in result.stderr


def test_an_unknown_dialect_tells_those_known() -> None:
    for command in ("decode", "encode"):
        result = run(command, "--dialect", "nobody's", "00")
        assert result.exit_code == 1
        assert "iso87-ascii" in result.stderr


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[]", "not a message"),
        ('{"mti": "0200"}', "not a message"),
        ('{"mti": 200, "fields": {}}', "not a message"),
        ('{"mti": "0200", "fields": {}, "more": 1}', "not a message"),
        ('{"mti": "0200", "fields": {"x": "1"}}', "no data element number"),
        ('{"mti": "0200", "fields": {"٣": "000000"}}', "no data element number"),
        ('{"mti": "0200", "fields": {"4": 500}}', "DE 4: value must be a JSON string"),
        ('{"mti": "0200", "fields": {"52": "xyz"}}', "DE 52: value must be hexadecimal"),
        ('{"mti": "0200", "fields": {"4": "500"}}', "DE 4: length 3, must be 12"),
        ('{"mti": "020", "fields": {}}', "MTI: MTI must be four digits"),
        ('{"mti": "0200", "fields": {"1": "0"}}', "not a data element number from 2 to 128"),
        ('{"mti": "0200", "fields": {"65": "00"}}', "DE 65: third bitmap is not supported"),
    ],
)
def test_documents_that_are_no_message(document: str, reason: str) -> None:
    result = run("encode", document)
    assert result.exit_code == 1
    assert reason in result.stderr
    assert result.stdout == ""


def test_the_dialects_are_listed() -> None:
    shown = run("dialects").stdout
    assert all(name in shown for name in names())


@pytest.mark.parametrize("command", ["decode", "encode", "dialects"])
def test_help_says_how(command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    assert "Usage" in result.stdout
