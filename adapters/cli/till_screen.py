"""Prints a conversation: request, reply and outcome, as tables for people or as JSON for programs."""

import json
from collections.abc import Iterable
from typing import TypedDict

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from adapters.cli.till_words import Line, lines, private, summary
from protocol.codes import RESPONSE_MEANINGS, ResponseCode
from protocol.dialect import Dialect
from protocol.message import Message, masked
from protocol.tlv import TAG_MEANINGS

NARROW = 100


class Shown(TypedDict):
    """A message in JSON: masked as on the screen, binary as its length, private data by tag."""

    mti: str
    fields: dict[str, str]
    private: dict[str, list[tuple[str, str]]]


def show_request(message: Message, dialect: Dialect, where: str) -> None:
    """What goes out."""
    _print(lines(message, dialect), Text(f"→ {message.mti} to {where}", style="bold"))


def show_reply(request: Message, reply: Message, dialect: Dialect, seconds: float) -> None:
    """What came back, and the outcome in a sentence."""
    approved = reply.fields.get(39) == ResponseCode.APPROVED
    style = "bold green" if approved else "bold red"
    _print(lines(reply, dialect), Text(f"← {reply.mti} after {seconds * 1_000:.1f} ms", style=style))
    _console().print(Text(summary(request, reply), style=style), soft_wrap=True)


def as_json(request: Message, reply: Message, seconds: float) -> str:
    """The whole conversation as one object."""
    response_code = str(reply.fields.get(39, ""))
    return json.dumps(
        {
            "request": _shown(request),
            "reply": _shown(reply),
            "response_code": response_code,
            "meaning": RESPONSE_MEANINGS.get(response_code, ""),
            "summary": summary(request, reply),
            "milliseconds": round(seconds * 1_000, 3),
        },
        ensure_ascii=False,
        indent=2,
    )


def _shown(message: Message) -> Shown:
    tagged = {
        number: pairs
        for number in TAG_MEANINGS
        if isinstance(value := message.fields.get(number), str) and (pairs := private(number, value)) is not None
    }
    return Shown(
        mti=message.mti,
        fields={str(number): masked(number, value) for number, value in sorted(message.fields.items())},
        private={str(number): pairs for number, pairs in tagged.items()},
    )


def _console() -> Console:
    """Lines that are piped are not cut to a terminal's width that nobody has."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = max(console.width, NARROW)
    return console


def _print(content: Iterable[Line], title: Text) -> None:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("DE", no_wrap=True)
    table.add_column("name", overflow="fold")
    table.add_column("value", overflow="fold")
    for line in content:
        value = Text(line.value.rstrip())
        if line.meaning:
            value.append(f"  {line.meaning}", style="dim")
        style = "" if " " not in line.element else "cyan"
        table.add_row(Text(line.element, style=style), Text(line.name, style="dim"), value)
    console = _console()
    console.print(table)
    console.print()
