"""What forty rules cost: the whole switch with `examples/bazaar-full` against base accrual, in turns.

`python -m loadtests.bench_programme [--cards N] [--rounds N] [--seconds S]`. Both have the same cards, each in a
database of its own, since accounts keep counters and offers of a programme that has any. Printed are messages a second
and what a message costs the worker and PostgreSQL.
"""

import argparse
import asyncio
import secrets
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from rich.console import Console

from adapters.postgres import embedded
from adapters.postgres.embedded import EmbeddedServer
from loadtests import figures
from loadtests.cost import watching
from loadtests.databases import checkpoint, make_database, prepare_full_switch, prepare_switch, workplace
from loadtests.figures import Spread, ratios, spread
from loadtests.flood import Plan, Report
from loadtests.ports import free_port
from loadtests.servers import HOST, BenchError, Target, flood, running, switch, with_key

BASE_DATABASE: Final = "programme_base"
FULL_DATABASE: Final = "programme_full"
CONNECTIONS: Final = 200
RATIO: Final = "full_programme_x_base"


@dataclass(frozen=True, slots=True)
class Turn:
    """One run of one of the two."""

    report: Report
    server_us: float
    postgres_us: float


@dataclass(frozen=True, slots=True)
class Pair:
    """The switch with base accrual, the switch with the full programme, and the PostgreSQL below both."""

    base: Target
    full: Target
    postgres: int
    maintenance_url: str
    logs: Path

    @property
    def targets(self) -> tuple[Target, Target]:
        """Both, in the order of the first turns."""
        return self.base, self.full


def prepare(console: Console, server: EmbeddedServer, place: Path, *, cards: int) -> Pair:
    """Make a database for each of the two, with the same cards. Neither has seen a message before the first turn."""
    assert server.pid is not None
    base_url, full_url = server.url_of(BASE_DATABASE), server.url_of(FULL_DATABASE)
    for name in (BASE_DATABASE, FULL_DATABASE):
        asyncio.run(make_database(server.url, name))
    prepare_switch(console, base_url, cards=cards, terminals=CONNECTIONS)
    prepare_full_switch(console, full_url, place, cards=cards, terminals=CONNECTIONS)
    base, full = (
        replace(switch(url, free_port(), free_port()), name=name)
        for name, url in (("one_rule", base_url), ("forty_rules", full_url))
    )
    return Pair(base, full, server.pid, server.url, place)


def take_turn(pair: Pair, target: Target, plan: Plan) -> Turn:
    """A flood on a switch that was started for it, after a checkpoint."""
    asyncio.run(checkpoint(pair.maintenance_url))
    with running(target, pair.logs) as process, watching(process, pair.postgres) as spent:
        report = flood(target, plan)
    return Turn(report, *spent.microseconds_each(report.sent))


def turns(pair: Pair, plans: Sequence[Plan], console: Console) -> Iterator[tuple[Turn, Turn]]:
    """A turn of each for every plan, base accrual first in the odd rounds; each is told when it is over."""
    for number, plan in enumerate(plans, 1):
        taken: dict[str, Turn] = {}
        for target in pair.targets if number % 2 else pair.targets[::-1]:
            turn = taken[target.name] = take_turn(pair, target, replace(plan, port=target.port))
            console.print(
                f"  round {number}   {target.name:<12} {turn.report.messages_per_s:>9,.0f} messages/s   "
                f"worker {turn.server_us:5.1f} µs   PostgreSQL {turn.postgres_us:5.1f} µs each"
            )
        yield taken[pair.base.name], taken[pair.full.name]


def measured(pairs: Sequence[tuple[Turn, Turn]]) -> dict[str, float]:
    """The ratio of the rounds, and what a message costs with either programme."""
    base, full = zip(*pairs, strict=True)
    found = ratio_of(pairs).named(RATIO)
    for name, each in (("base", base), ("full", full)):
        found |= spread([turn.report.messages_per_s for turn in each]).named(f"{name}_programme_messages_per_s")
        found |= spread([turn.server_us for turn in each]).named(f"{name}_programme_worker_us")
        found |= spread([turn.postgres_us for turn in each]).named(f"{name}_programme_postgres_us")
    return found


def ratio_of(pairs: Sequence[tuple[Turn, Turn]]) -> Spread:
    """Throughput with the full programme over that with base accrual, of each round."""
    base, full = zip(*pairs, strict=True)
    return ratios([turn.report.messages_per_s for turn in full], [turn.report.messages_per_s for turn in base])


def in_words(ratio: Spread) -> str:
    """The ratio as people read it."""
    return f"bazaar-full × bazaar: {ratio.median:.2f} ({ratio.least:.2f}–{ratio.greatest:.2f})"


def run(console: Console, *, cards: int, rounds: int, warm_up_s: float, duration_s: float) -> dict[str, float]:
    """Both on a PostgreSQL of their own. BenchError, or the fault of the part, if any of it is missing or wrong."""
    with_key(secrets.token_bytes(32))
    with workplace() as place, embedded.start(place) as server:
        pair = prepare(console, server, place, cards=cards)
        plans = [
            Plan(HOST, 0, connections=CONNECTIONS, cards=cards, warm_up_s=warm_up_s, duration_s=duration_s, seed=seed)
            for seed in range(rounds)
        ]
        taken = list(turns(pair, plans, console))
    console.print(in_words(ratio_of(taken)))
    return measured(taken)


def main(arguments: list[str] | None = None) -> int:
    """The command line. Exit code 1 if a part is missing or misbehaves."""
    made = argparse.ArgumentParser(
        prog="python -m loadtests.bench_programme", description=(__doc__ or "").partition("\n")[0]
    )
    made.add_argument("--cards", type=int, default=100_000)
    made.add_argument("--rounds", type=int, default=3)
    made.add_argument("--warm-up", type=float, default=1.0, help="seconds before measuring")
    made.add_argument("--seconds", type=float, default=4.0, help="seconds of measuring")
    given = made.parse_args(arguments)
    try:
        found = run(
            Console(highlight=False),
            cards=given.cards,
            rounds=given.rounds,
            warm_up_s=given.warm_up,
            duration_s=given.seconds,
        )
    except BenchError as fault:
        print(f"bench: {fault}", file=sys.stderr)
        return 1
    for name, value in found.items():
        print(figures.line(name, value))
    return 0


if __name__ == "__main__":
    sys.exit(main())
