"""What the database commands show: tables on a terminal, the same as plain text elsewhere."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Column, Table
from rich.text import Text

from adapters.cli.till_words import PROCESSING_MEANINGS, lines
from adapters.cli.why_screens import show_why
from adapters.postgres.audit import Finding
from adapters.postgres.explaining import Explained, Linked
from protocol import dialect, tlv
from protocol.codes import RESPONSE_MEANINGS
from protocol.message import Message
from protocol.mti import response_of

REPLY_DIALECT = "iso87-ascii"
PLAIN_WIDTH = 160

_OF_THE_HOUSE = {"930000": "membership ended", "940000": "member erased"}
"""What no till sends."""


def _console() -> Console:
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=PLAIN_WIDTH)
    return console


@contextmanager
def seeding_progress() -> Iterator[Callable[[str, int, int], None]]:
    """A progress bar for `seed`; nothing but its last state where there is no terminal."""
    progress = Progress(
        TextColumn("{task.description:>10}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
    tasks: dict[str, TaskID] = {}

    def report(what: str, done: int, total: int) -> None:
        if what not in tasks:
            tasks[what] = progress.add_task(what, total=total)
        progress.update(tasks[what], completed=done)

    with progress:
        yield report


def show_findings(findings: Sequence[Finding]) -> None:
    """Every check with its outcome, then the rows that break one."""
    console = _console()
    table = Table("", "What must hold", "", Column("s", justify="right"), box=None, pad_edge=False)
    for finding in findings:
        outcome = Text("holds", style="green") if finding.sound else Text("BROKEN", style="bold red")
        table.add_row(finding.check.invariant, Text(finding.check.statement), outcome, f"{finding.seconds:.2f}")
    console.print(table)
    for finding in findings:
        if not finding.sound:
            rows = Table(
                *finding.columns,
                title=f"{finding.check.name}: the first {len(finding.rows)}",
                title_justify="left",
            )
            for row in finding.rows:
                rows.add_row(*(Text("" if value is None else str(value)) for value in row))
            console.print(rows)
    broken = sorted({finding.check.invariant for finding in findings if not finding.sound})
    console.print(f"{', '.join(broken)} broken" if broken else f"all {len(findings)} checks hold")


def show_explained(found: Sequence[Explained]) -> None:
    """Each message as a table of facts, then why, then its reply."""
    console = _console()
    for entry in found:
        table = Table("", "", box=None, show_header=False, pad_edge=False)
        for name, value in _facts(entry):
            table.add_row(Text(name, style="dim"), Text(value))
        console.print(
            Text(
                f"{entry.mti} {_function(entry.processing_code)} – {_meaning(entry.response_code)}",
                style="bold",
            )
        )
        console.print(table)
        show_why(console, entry.why)
        if entry.reply:
            console.print(_reply_table(entry))
        console.print()


def _facts(entry: Explained) -> Iterator[tuple[str, str]]:
    till = f"terminal {entry.terminal} of {entry.institution} ({entry.acquirer})"
    yield "asked", f"{entry.sent_at} UTC, STAN {entry.stan}, {till}"
    yield "store", f"{entry.merchant_name} ({entry.merchant})"
    yield "card", f"****{entry.card_last_four}" if entry.card_last_four else "not known"
    if entry.amount or entry.currency:
        yield "amount", f"{entry.amount:,} minor units of currency {entry.currency:03d}"
    decided_at = f"{entry.decided_at:%Y-%m-%d %H:%M:%S.%f} UTC"
    yield "decided", f"{decided_at}, business date {entry.business_date}, journal {entry.place}"
    if entry.tombstone:
        yield "tombstone", "its reversal came first: nothing was kept of it, and it is refused if it comes"
    if entry.programme:
        yield "programme", f"{entry.programme}, version {entry.programme_version}"
        yield "rules", ", ".join(entry.rules) or "none fired"
    yield from _moved(entry)
    if entry.programme:
        yield "to pay", f"{entry.to_pay:,}"
        yield "after", f"{entry.points_after:,} points, credit {entry.credit_after:,}"
    if entry.original:
        yield "undoes", _link(entry.original)
    for linked in entry.undone_by:
        yield "undone by", _link(linked)


def _moved(entry: Explained) -> Iterator[tuple[str, str]]:
    """What the message moved, and what the till wished."""
    for leg, amount in entry.legs:
        yield leg.replace("_", " "), f"{amount:+,}"
    if entry.asked:
        yield "wished", ", ".join(f"{tag} {value}" for tag, value in tlv.parse(entry.asked))
    if entry.counters:
        yield "counted", ", ".join(f"{name} {moved:+,}" for name, moved in entry.counters)
    for rule, state in entry.offers:
        yield "offer", f"{rule}: {state}"
    if entry.tier:
        yield "tier", entry.tier
    if entry.lots:
        yield "lots", ", ".join(f"{month} {points:+,}" for month, points in entry.lots)


def _reply_table(entry: Explained) -> Table:
    table = Table("DE", "reply", "", "", box=None, pad_edge=False)
    message = Message(response_of(entry.mti), entry.reply)
    for line in lines(message, dialect.load(REPLY_DIALECT)):
        table.add_row(*(Text(cell) for cell in (line.element, line.name, line.value, line.meaning)))
    return table


def _function(processing_code: str) -> str:
    return {**PROCESSING_MEANINGS, **_OF_THE_HOUSE}.get(processing_code, f"DE3 {processing_code}")


def _meaning(response_code: str) -> str:
    return f"{response_code} {RESPONSE_MEANINGS.get(response_code, '')}".strip()


def _link(linked: Linked) -> str:
    return (
        f"{linked.mti} {_function(linked.processing_code)} of {linked.sent_at} UTC, STAN {linked.stan}, "
        f"amount {linked.amount:,}, {_meaning(linked.response_code)}, RRN {linked.rrn or '-'}, journal "
        f"{linked.place}"
    )
