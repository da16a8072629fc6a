"""The reasons of a message on the screen, and a whole explanation as JSON."""

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import asdict

from rich.console import Console
from rich.table import Table
from rich.text import Text

from adapters.postgres.explaining import Explained
from switch.programme.why_told import Outcome, RuleTold, Told

_OUTCOMES = {
    Outcome.FIRED: ("fired", "green"),
    Outcome.NEARLY: ("nearly", "yellow"),
    Outcome.NOT: ("no", "dim"),
}
_HELD = {True: "✓", False: "✗"}


def show_why(console: Console, why: Told) -> None:
    """What the rules came to, and the facts that they looked at."""
    if why.note:
        console.print(Text(why.note, style="italic"))
    if why.rules:
        table = Table("rule", "", "compared", "in the way", box=None, pad_edge=False)
        for rule in why.rules:
            outcome, style = _OUTCOMES[rule.outcome]
            table.add_row(rule.id, Text(outcome, style=style), _checks(rule), Text("\n".join(rule.hindrances)))
        console.print(table)
    if why.facts:
        facts = Table("facts then", "", box=None, pad_edge=False)
        for name, value in why.facts:
            facts.add_row(Text(name, style="dim"), Text(value))
        console.print(facts)


def _checks(rule: RuleTold) -> Text:
    text = Text()
    for number, check in enumerate(rule.checks):
        separator = "\n" if number else ""
        text.append(f"{separator}{_HELD[check.held]} {check.text}", style="" if check.held else "red")
    return text


def as_json(found: Sequence[Explained]) -> str:
    """Every message as one list of objects. Times are ISO 8601 in UTC; binary data elements are hexadecimal."""
    return json.dumps([asdict(entry) for entry in found], default=_plain, ensure_ascii=False, indent=2)


def _plain(value: object) -> str:
    if isinstance(value, dt.datetime | dt.date):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex().upper()
    raise TypeError(f"{type(value).__name__} has no form in JSON")
