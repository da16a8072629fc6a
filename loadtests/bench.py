"""The bench: parts, then the whole switch against its yardsticks, in one run on one machine.

`python -m loadtests.bench [--quick]`. It makes a PostgreSQL of its own, seeds it, and lets the durable echo,
the naive switch and the switch take turns under the same flood; ratios are of runs that followed each other.
The last lines are `name: value`; everything is kept in loadtests/results/ as JSON and as a chart.
"""

import argparse
import asyncio
import secrets
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread
from typing import Final

import psutil
from rich.console import Console

from adapters.postgres import embedded
from loadtests import bench_programme, chart, figures
from loadtests.databases import checkpoint, make_database, prepare_switch, workplace
from loadtests.figures import p99s as p99s_of
from loadtests.figures import rates as rates_of
from loadtests.figures import ratios, spread
from loadtests.flood import Plan, Report
from loadtests.ports import free_port
from loadtests.servers import (
    HOST,
    BenchError,
    Target,
    command,
    durable_echo,
    flood,
    naive,
    running,
    switch,
    with_key,
)

YARDSTICKS: Final = "yardsticks"
BUSY: Final = "machine_busy_percent_before"
CONNECTIONS: Final = 200
MANY_CONNECTIONS: Final = 5_000
MANY_CONNECTIONS_RATE: Final = 5_000.0
SAMPLE_EVERY_S: Final = 0.1
BUSY_SAMPLE_S: Final = 0.3
BUSY_PERCENT_MAX: Final = 15.0
"""What others may take of the processors before a run without a warning."""
HALF: Final = 0.5
SHARES_OF_MAXIMUM: Final = (0.1, 0.25, 0.5, 0.7, 0.85, 0.95)
"""Offered loads of the chart, as shares of what each server can do at most."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How much is measured. A timed run never takes longer than ten seconds."""

    cards: int = 1_000_000
    rounds: int = 3
    warm_up_s: float = 2.0
    duration_s: float = 8.0
    sweep_warm_up_s: float = 1.0
    sweep_duration_s: float = 4.0
    part_rounds: int = 5


QUICK: Final = Settings(
    cards=100_000, warm_up_s=1.0, duration_s=3.0, sweep_warm_up_s=0.5, sweep_duration_s=1.5, part_rounds=3
)


@dataclass(slots=True)
class Bench:
    """A run of the bench: its servers, and what was measured so far."""

    settings: Settings
    console: Console
    echo: Target
    naive: Target
    switch: Target
    logs: Path
    maintenance_url: str
    figures: dict[str, float] = field(default_factory=dict)
    reports: dict[str, list[Report]] = field(default_factory=dict)

    def parts(self) -> None:
        """The codec, the kernel and the simulator, without a server."""
        from loadtests import bench_codec, bench_kernel, bench_simulate  # noqa: PLC0415  # they compile on import

        for name, run in (("codec", bench_codec.run), ("kernel", bench_kernel.run), ("simulator", bench_simulate.run)):
            self.console.print(f"measuring the {name}")
            self.figures.update(run(self.settings.part_rounds))

    def throughput(self) -> None:
        """As much as each server can, in turns."""
        for number in range(1, self.settings.rounds + 1):
            for target in (self.echo, self.naive, self.switch):
                self._measure(f"throughput_{target.name}", target, what=f"round {number}")
        rates = {name: rates_of(self.reports[f"throughput_{name}"]) for name in ("durable_echo", "naive", "switch")}
        self.figures |= ratios(rates["switch"], rates["durable_echo"]).named("whole_x_durable_echo")
        self.figures |= ratios(rates["switch"], rates["naive"]).named("whole_x_naive")
        for name, each in rates.items():
            self.figures |= spread(each).named(f"{name}_messages_per_s")

    def programmes(self, pair: bench_programme.Pair) -> None:
        """The switch with forty rules against the switch with base accrual, in turns."""
        self.console.print("forty rules against one")
        plans = [
            self._plan(pair.base, self.settings.duration_s, rate=None, seed=seed)
            for seed in range(self.settings.rounds)
        ]
        taken = list(bench_programme.turns(pair, plans, self.console))
        for name, place in (("base", 0), ("full", 1)):
            self.reports[f"programme_{name}"] = [turns[place].report for turns in taken]
        self.figures |= bench_programme.measured(taken)
        self.console.print(bench_programme.in_words(bench_programme.ratio_of(taken)))

    def half_load(self) -> None:
        """The switch and the durable echo at half of what the switch can do."""
        rate = HALF * self.figures["switch_messages_per_s"]
        for number in range(1, self.settings.rounds + 1):
            for target in (self.echo, self.switch):
                what = f"half load, round {number}"
                self._measure(f"half_load_{target.name}", target, what=what, rate=rate)
        ours, echoes = (p99s_of(self.reports[f"half_load_{t.name}"]) for t in (self.switch, self.echo))
        self.figures |= ratios(ours, echoes).named("p99_x_durable_echo_at_half_load")
        self.figures["half_load_messages_per_s"] = rate
        for target, p99s in ((self.switch, ours), (self.echo, echoes)):
            milliseconds = [p99 * 1_000 for p99 in p99s]
            self.figures |= spread(milliseconds).named(f"{target.name}_p99_ms_at_half_load")

    def memory(self) -> None:
        """One worker that holds many connections, each of which speaks."""
        plan = self._plan(
            self.switch, self.settings.duration_s, connections=MANY_CONNECTIONS, rate=MANY_CONNECTIONS_RATE
        )
        with running(self.switch, self.logs) as process, _watching_memory(process) as peak:
            self._keep("many_connections", flood(self.switch, plan), f"{MANY_CONNECTIONS} connections")
        self.figures["rss_mb_5000_connections"] = peak[0] / 1e6

    def sweep(self) -> dict[str, Sequence[Report]]:
        """Latency at several offered loads, for the chart."""
        settings = self.settings
        for target in (self.echo, self.switch):
            most = self.figures[f"{target.name}_messages_per_s"]
            with running(target, self.logs):
                for share in SHARES_OF_MAXIMUM:
                    plan = self._plan(
                        target,
                        settings.sweep_duration_s,
                        rate=share * most,
                        warm_up_s=settings.sweep_warm_up_s,
                    )
                    self._keep(f"sweep_{target.name}", flood(target, plan), f"{share:.0%} of its maximum")
        return {target.name: self.reports[f"sweep_{target.name}"] for target in (self.echo, self.switch)}

    def _measure(self, name: str, target: Target, *, what: str, rate: float | None = None) -> None:
        """One run on a server that was started for it, after a checkpoint, so that all runs begin alike."""
        asyncio.run(checkpoint(self.maintenance_url))
        self._look_for_others()
        with running(target, self.logs):
            self._keep(name, flood(target, self._plan(target, self.settings.duration_s, rate=rate)), what)

    def _look_for_others(self) -> None:
        """Note how busy the machine is before a run: what others take is missing from every figure."""
        busy = psutil.cpu_percent(BUSY_SAMPLE_S)
        self.figures[BUSY] = max(busy, self.figures.get(BUSY, 0.0))
        if busy > BUSY_PERCENT_MAX:
            self.console.print(f"  [yellow]others keep the processors {busy:.0f} % busy: not a result[/yellow]")

    def _plan(
        self,
        target: Target,
        duration_s: float,
        *,
        rate: float | None,
        warm_up_s: float | None = None,
        connections: int = CONNECTIONS,
        seed: int | None = None,
    ) -> Plan:
        return Plan(
            HOST,
            target.port,
            connections=connections,
            cards=self.settings.cards,
            rate=rate,
            warm_up_s=self.settings.warm_up_s if warm_up_s is None else warm_up_s,
            duration_s=duration_s,
            seed=sum(map(len, self.reports.values())) if seed is None else seed,
        )

    def _keep(self, name: str, report: Report, what: str) -> None:
        self.reports.setdefault(name, []).append(report)
        latency = report.latency
        assert latency is not None
        self.console.print(
            f"  {what:<28} {name:<26} {report.messages_per_s:>9,.0f} messages/s   "
            f"p50 {latency.p50_s * 1_000:7.2f} ms   p99 {latency.p99_s * 1_000:7.2f} ms"
        )


@contextmanager
def _watching_memory(process: int) -> Iterator[list[int]]:
    """The greatest resident size in bytes, of a process and its children, while the `with` lasts."""
    peak = [0]
    done = Event()

    def watch() -> None:
        root = psutil.Process(process)
        while not done.wait(SAMPLE_EVERY_S):
            family = [root, *root.children(recursive=True)]
            peak[0] = max(peak[0], sum(one.memory_info().rss for one in family))

    watcher = Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield peak
    finally:
        done.set()
        watcher.join()
    if not peak[0]:
        raise BenchError("the memory of the switch could not be read")


def prepare(console: Console, settings: Settings, database: str, yardsticks: str) -> None:
    """Migrate, load, seed, and make the naive switch's tables."""
    prepare_switch(console, database, cards=settings.cards, terminals=MANY_CONNECTIONS)
    console.print("seeding the naive switch")
    prepare_naive = ("-m", "loadtests.naive", "--database", yardsticks, "--prepare", str(settings.cards))
    command(sys.executable, *prepare_naive, what="seeding the naive switch")


def run(settings: Settings, console: Console, folder: Path) -> dict[str, float]:
    """The whole bench. BenchError, or the fault of the part, if any of it is missing or wrong."""
    begun = datetime.now(UTC)
    with_key(secrets.token_bytes(32))
    with workplace() as place, embedded.start(place) as server:
        yardsticks = server.url_of(YARDSTICKS)
        asyncio.run(make_database(server.url, YARDSTICKS))
        bench = Bench(
            settings=settings,
            console=console,
            echo=durable_echo(yardsticks, free_port()),
            naive=naive(yardsticks, free_port()),
            switch=switch(server.url, free_port(), free_port()),
            logs=place,
            maintenance_url=server.url,
        )
        bench.parts()
        prepare(console, settings, server.url, yardsticks)
        bench.throughput()
        bench.programmes(bench_programme.prepare(console, server, place, cards=settings.cards))
        bench.half_load()
        bench.memory()
        sweeps = bench.sweep()
    machine = figures.machine()
    hardware = f"{machine['processor']}, {machine['cores']} cores"
    subtitle = f"{CONNECTIONS} connections, {settings.cards:,} cards · {hardware}"
    picture = chart.draw(folder / f"{figures.stem(begun)}.png", sweeps, subtitle=subtitle)
    kept = figures.write(folder, begun, asdict(settings), bench.figures, bench.reports)
    console.print(f"chart: {picture}\nfigures: {kept}", soft_wrap=True)
    return bench.figures


def main(arguments: list[str] | None = None) -> int:
    """The command line. Exit code 1 if a part is missing or misbehaves."""
    made = argparse.ArgumentParser(prog="python -m loadtests.bench", description=(__doc__ or "").partition("\n")[0])
    made.add_argument("--quick", action="store_true", help="fewer cards, shorter runs: a check, not a result")
    given = made.parse_args(arguments)
    try:
        found = run(QUICK if given.quick else Settings(), Console(highlight=False), figures.RESULTS)
    except BenchError as fault:
        print(f"bench: {fault}", file=sys.stderr)
        return 1
    for name, value in found.items():
        print(figures.line(name, value))
    return 0


if __name__ == "__main__":
    sys.exit(main())
