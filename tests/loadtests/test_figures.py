"""From runs to figures: ratios by round, lines, the file that is kept, the chart."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from loadtests import chart, figures
from loadtests.flood import Report
from loadtests.latency import Latency

AT = datetime(2026, 11, 23, 21, 5, 9, tzinfo=UTC)


def report(rate: float | None, per_s: float, scale: float = 1.0) -> Report:
    latency = Latency(*(scale * each / 1_000 for each in (1, 2, 5, 9, 20, 1.2)))
    return Report(200, rate, 4.0, int(per_s * 5), int(per_s * 4), per_s, latency, {"00": int(per_s * 4)}, 0, 0, 0, 0)


def test_ratios_are_of_runs_that_followed_each_other() -> None:
    found = figures.ratios([10.0, 30.0, 12.0], [20.0, 40.0, 20.0])
    assert found == figures.Spread(0.6, 0.5, 0.75)
    assert found.named("x") == {"x": 0.6, "x_min": 0.5, "x_max": 0.75}


def test_rounds_must_be_pairs_and_some() -> None:
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        figures.ratios([1.0, 2.0], [1.0])
    with pytest.raises(ValueError, match="no rounds"):
        figures.spread([])


def test_a_round_without_latencies_has_no_p99() -> None:
    good = report(None, 100.0)
    assert figures.p99s([good]) == [0.005]
    assert figures.rates([good]) == [100.0]
    with pytest.raises(ValueError, match="without latencies"):
        figures.p99s([good, Report(1, None, 1.0, 1, 0, 0.0, None, {}, 1, 0, 0, 0)])


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.5234, "x: 0.523"), (12.0, "x: 12.000"), (99.9994, "x: 99.999"), (23456.7, "x: 23457")],
)
def test_lines(value: float, expected: str) -> None:
    assert figures.line("x", value) == expected


def test_everything_is_kept_with_the_machine_named(tmp_path: Path) -> None:
    path = figures.write(tmp_path / "new", AT, {"cards": 5}, {"whole": 0.5}, {"sweep": [report(10.0, 9.0)]})
    assert path.name == "bench-20261123T210509Z.json"
    kept = json.loads(path.read_text())
    assert kept["figures"] == {"whole": 0.5}
    assert kept["machine"]["cores"] > 0
    assert kept["machine"]["processor"]
    assert kept["reports"]["sweep"][0]["latency"]["p99_s"] == 0.005
    assert kept["settings"] == {"cards": 5}


def test_the_chart_is_a_picture(tmp_path: Path) -> None:
    sweeps = {
        "durable_echo": [report(rate, rate) for rate in (40_000.0, 8_000.0, 20_000.0)],
        "switch": [report(rate, rate, 3.0) for rate in (2_500.0, 20_000.0)],
    }
    path = chart.draw(tmp_path / "new" / "chart.png", sweeps, subtitle="a test")
    assert path.read_bytes().startswith(b"\x89PNG")
    assert path.stat().st_size > 20_000
