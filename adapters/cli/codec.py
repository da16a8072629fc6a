"""`decode`, `encode`, `dialects`: messages explained and made by hand."""

import json
import sys
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from adapters.cli.explanation import HEXADECIMAL_WIDTH, Explanation, Line
from protocol.codec import Codec, codec_for
from protocol.dialect import load, names
from protocol.errors import DecodeError, ProtocolError
from protocol.message import Message

DEFAULT_DIALECT = "iso87-ascii"
# What a pipe or a file gets: wide enough for a line of sixteen bytes beside its explanation.
_PLAIN_WIDTH = 160

app = typer.Typer(help="Messages explained and made by hand.", no_args_is_help=True)

DialectOption = Annotated[str, typer.Option("--dialect", "-d", help="One of those that `dialects` lists.")]


@app.command()
def decode(
    data: Annotated[
        str | None,
        typer.Argument(metavar="[HEX]", help="The message without its length prefix; else standard input."),
    ] = None,
    dialect: DialectOption = DEFAULT_DIALECT,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print {mti, fields} only, binary as hexadecimal.")] = False,
    clear: Annotated[
        bool, typer.Option("--clear", help="Show cards, tracks, PINs and private data as they are.")
    ] = False,
) -> None:
    """Explain a message field by field.

    Exits with 1 if it can't be read: the data element, the offset and the reason follow what could be read.
    """
    codec = _codec(dialect)
    message_bytes = _bytes(_argument_or_input(data))
    if as_json:
        try:
            typer.echo(json.dumps(as_document(codec.decode(message_bytes)), ensure_ascii=False))
        except DecodeError as error:
            _fail(str(error))
        return
    explanation = Explanation.of(codec, message_bytes, clear=clear)
    _show(explanation, codec)
    if explanation.fault:
        _fail(explanation.fault + explanation.hint)


@app.command()
def encode(
    document: Annotated[
        str | None,
        typer.Argument(metavar="[JSON]", help='{"mti": …, "fields": {"2": …}}; else standard input.'),
    ] = None,
    dialect: DialectOption = DEFAULT_DIALECT,
) -> None:
    """Make a message from JSON, in the shape that `decode --json` prints, and print it as hexadecimal."""
    codec = _codec(dialect)
    message = from_document(codec, _argument_or_input(document))
    try:
        typer.echo(codec.encode(message).hex().upper())
    except ProtocolError as error:
        _fail(str(error))


@app.command()
def dialects() -> None:
    """List the dialects."""
    table = Table("name", "edition", "what", box=None)
    for name in names():
        one = load(name)
        table.add_row(name, str(one.version), one.description)
    _console().print(table)


def as_document(message: Message) -> dict[str, str | dict[str, str]]:
    """The message as JSON takes it: each value as text, binary as upper-case hexadecimal."""
    fields = {
        str(number): value.hex().upper() if isinstance(value, bytes) else value
        for number, value in sorted(message.fields.items())
    }
    return {"mti": message.mti, "fields": fields}


def from_document(codec: Codec, text: str) -> Message:
    """The message of such a document; leaves with an explanation if it has another shape."""
    mti, fields = None, None
    try:
        document = json.loads(text)
    except ValueError as error:
        _fail(f"not JSON: {error}")
    if isinstance(document, dict) and set(document) == {"mti", "fields"}:
        mti, fields = document["mti"], document["fields"]
    if not isinstance(mti, str) or not isinstance(fields, dict):
        _fail('not a message: {"mti": "0200", "fields": {"3": "000000"}} is what one looks like')
    return Message(mti, dict(_field(codec, number, value) for number, value in fields.items()))


def _field(codec: Codec, number: str, value: object) -> tuple[int, str | bytes]:
    if not number.isdecimal() or not number.isascii():
        _fail(f"{number!r} is no data element number")
    if not isinstance(value, str):
        _fail(f"DE {number}: value must be a JSON string")
    spec = codec.dialect.fields.get(int(number))
    if spec is None or not spec.is_binary:
        return int(number), value
    try:
        return int(number), bytes.fromhex(value)
    except ValueError:
        _fail(f"DE {number}: value must be hexadecimal")


def _codec(dialect: str) -> Codec:
    try:
        return codec_for(dialect)
    except ProtocolError as error:
        _fail(str(error))


def _argument_or_input(argument: str | None) -> str:
    return sys.stdin.read() if argument is None else argument


def _bytes(text: str) -> bytes:
    try:
        return bytes.fromhex("".join(text.split()))
    except ValueError:
        _fail("the message must be hexadecimal digits, two a byte")


def _fail(reason: str) -> NoReturn:
    typer.echo(reason, err=True)
    raise typer.Exit(1)


def _console() -> Console:
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_PLAIN_WIDTH)


def _show(explanation: Explanation, codec: Codec) -> None:
    console = _console()
    console.print(f"[bold]{codec.name}[/] ({codec.dialect.description}), {explanation.size} bytes")
    table = Table("DE", "name", "format", "offset", "length", "bytes", "value", box=None, pad_edge=False)
    for column in (0, 3, 4):
        table.columns[column].justify = "right"
    table.columns[5].min_width = HEXADECIMAL_WIDTH
    for column in (5, 6):
        table.columns[column].overflow = "fold"
    for line in explanation.lines:
        _add(table, line)
    console.print(table)


def _add(table: Table, line: Line) -> None:
    style = "red" if line.is_fault else "dim" if line.is_part else ""
    cells = (line.number, line.name, line.format, line.offset, line.length, line.data, line.value)
    table.add_row(*(escape(cell) for cell in cells), style=style)
