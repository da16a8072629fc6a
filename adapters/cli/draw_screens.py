"""What the draw commands show: tables on a terminal, the same as plain text elsewhere."""

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from adapters.postgres.draws import OWED, Draw, PrizeState
from switch.draws import Prize, PrizeKind

PLAIN_WIDTH = 160


def _console() -> Console:
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=PLAIN_WIDTH)
    return console


def show_draw(draw: Draw) -> None:
    """A draw's facts, then its prizes with whom they are owed to."""
    console = _console()
    facts = Table("", "", box=None, show_header=False, pad_edge=False)
    for name, value in _facts(draw):
        facts.add_row(Text(name, style="dim"), Text(value))
    console.print(Text(f"{draw.announced.draw} of {draw.announced.programme}", style="bold"))
    console.print(facts)
    console.print()
    prizes = Table(Column("", justify="right"), "prize", "state", "ticket", "member", "card", box=None, pad_edge=False)
    for each in draw.prizes:
        prizes.add_row(*map(Text, _row(each)))
    console.print(prizes)
    owed = sum(each.state == OWED for each in draw.prizes)
    if owed:
        console.print(f"owed prizes: {owed}; no account was changed by the draw")


def show_draws(draws: Sequence[Draw]) -> None:
    """A line for each draw."""
    table = Table(
        "programme", "draw", "tickets", "members", "prizes", "closed (UTC)", "by", "revealed (UTC)", "by",
        box=None, pad_edge=False,
    )  # fmt: skip
    for draw in draws:
        announced, outcome = draw.announced, draw.outcome
        cells = (
            announced.programme,
            announced.draw,
            f"{announced.tickets:,}",
            f"{announced.members:,}",
            f"{len(draw.prizes):,}",
            f"{announced.closed_at:%Y-%m-%d %H:%M}",
            draw.closed_by,
            f"{outcome.revealed_at:%Y-%m-%d %H:%M}" if outcome else "",
            draw.revealed_by or "",
        )
        table.add_row(*map(Text, cells))
    _console().print(table)


def _facts(draw: Draw) -> Iterator[tuple[str, str]]:
    announced, outcome = draw.announced, draw.outcome
    yield "closed", f"{announced.closed_at:%Y-%m-%d %H:%M:%S} UTC by {draw.closed_by}"
    yield "tickets", f"{announced.tickets:,} of {announced.members:,} members"
    yield "list", announced.list_sha256
    yield "commitment", announced.commitment
    yield "a member wins", "as often as tickets are drawn" if announced.terms.repeat else "once at most"
    if announced.terms.entropy_source:
        yield "mixes in", announced.terms.entropy_source
    if outcome is None:
        yield "revealed", "not yet"
        return
    yield "revealed", f"{outcome.revealed_at:%Y-%m-%d %H:%M:%S} UTC by {draw.revealed_by}"
    yield "seed", outcome.seed.hex()
    if outcome.public_entropy:
        yield "public value", outcome.public_entropy


def _row(each: PrizeState) -> Iterator[str]:
    yield str(each.number)
    yield _prize(each.prize)
    yield each.state
    yield f"{each.winner.ticket:,}" if each.winner else ""
    yield each.winner.member_code if each.winner else ""
    yield f"****{each.card_last_four}" if each.card_last_four else ""


def _prize(prize: Prize) -> str:
    if prize.kind is PrizeKind.THING:
        return f"{prize.name_en} ({prize.name_fa})"
    unit = "points" if prize.kind is PrizeKind.POINTS else "minor units of credit"
    return f"{prize.amount:,} {unit}"
