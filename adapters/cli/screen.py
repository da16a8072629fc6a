"""What an operator sees: what listens where, then a line a second.

On a terminal the line stays in its place (`rich`); in a pipe or a log each second is a line of its own.
"""

from typing import Protocol

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from monitoring.metrics import Interval
from switch.server import Listening
from switch.settings import Endpoint


class Meter(Protocol):
    """Gives what happened since it was last asked."""

    def interval(self) -> Interval:
        """The interval since the last call."""


def line(interval: Interval) -> str:
    """One second in words: `1234 messages/s   p50 1.2 ms   p99 3.4 ms   declined 0.5 %   200 connections`."""
    return (
        f"{interval.messages_per_s:>8,.0f} messages/s   p50 {_milliseconds(interval.p50_s)}   "
        f"p99 {_milliseconds(interval.p99_s)}   declined {interval.declines_per_s:,.0f}/s   "
        f"{interval.connections} connections"
    )


def _milliseconds(seconds: float | None) -> str:
    return "     – ms" if seconds is None else f"{seconds * 1_000:6.1f} ms"


class Screen:
    """The first screen and the live line."""

    def __init__(self, meter: Meter, listening: list[Listening], metrics: Endpoint, database: str) -> None:
        self._meter = meter
        self._console = Console(highlight=False)
        self._console.print(first_screen(listening, metrics, database))
        self._live: Live | None = None
        if self._console.is_terminal:
            self._live = Live(Text("waiting for messages"), console=self._console, auto_refresh=False)
            self._live.start()

    def tick(self) -> None:
        """Show the last second."""
        text = line(self._meter.interval())
        if self._live is not None:
            self._live.update(Text(text), refresh=True)
        else:
            print(text, flush=True)  # noqa: T201  # the line is the product here

    def say(self, text: str) -> None:
        """Say something between the lines."""
        self._console.print(text)

    def finish(self) -> None:
        """Leave the terminal as it was."""
        if self._live is not None:
            self._live.stop()


def first_screen(listening: list[Listening], metrics: Endpoint, database: str) -> Table:
    """A table of what listens where."""
    table = Table(title="loyalty switch", title_justify="left", box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column()
    for listener in listening:
        host = f"[{listener.host}]" if ":" in listener.host else listener.host
        table.add_row("tills", Text(f"{host}:{listener.port}   {listener.dialect}, {listener.framing}"))
    table.add_row("metrics", Text(f"http://{metrics}/metrics   /healthz   /readyz"))
    table.add_row("database", database)
    table.add_row("stop", "Ctrl-C: what was accepted is answered first")
    return table
