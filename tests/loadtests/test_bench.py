"""The whole bench, so small that its figures mean nothing: every part of it runs, and every line is there."""

import json
from pathlib import Path

import pytest
from rich.console import Console

from loadtests import bench, figures

pytestmark = pytest.mark.integration

TINY = bench.Settings(
    cards=200,
    rounds=1,
    warm_up_s=0.1,
    duration_s=0.2,
    sweep_warm_up_s=0.05,
    sweep_duration_s=0.1,
    part_rounds=1,
)
PROMISED = {
    "whole_x_durable_echo",
    "whole_x_naive",
    "p99_x_durable_echo_at_half_load",
    "rss_mb_5000_connections",
    "codec_decode_x_pyiso8583",
    "codec_encode_x_pyiso8583",
    "kernel_x_reference",
    "switch_messages_per_s",
    "durable_echo_messages_per_s",
    "naive_messages_per_s",
    "full_programme_x_base",
    "full_programme_worker_us_min",
    "base_programme_postgres_us_max",
    "machine_busy_percent_before",
}


def test_the_bench_measures_what_it_promises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, token_key: bytes) -> None:
    monkeypatch.setenv("LOYALTY_TOKEN_KEY", token_key.hex())
    monkeypatch.setattr(bench, "SHARES_OF_MAXIMUM", (0.1, 0.5))
    monkeypatch.setattr(bench, "MANY_CONNECTIONS_RATE", 500.0)
    found = bench.run(TINY, Console(quiet=True), tmp_path)
    assert found.keys() >= PROMISED
    assert found.keys() >= {"whole_x_durable_echo_min", "whole_x_naive_max"}
    assert all(value > 0 for name, value in found.items() if name != "machine_busy_percent_before")
    assert found["rss_mb_5000_connections"] > 20
    (kept,) = tmp_path.glob("bench-*.json")
    content = json.loads(kept.read_text())
    assert content["figures"] == found
    assert content["reports"]["many_connections"][0]["connections"] == bench.MANY_CONNECTIONS
    assert kept.with_suffix(".png").exists()


def test_a_part_that_is_missing_ends_the_bench(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(*_: object) -> dict[str, float]:
        raise bench.BenchError("seeding failed")

    monkeypatch.setattr(bench, "run", missing)
    assert bench.main(["--quick"]) == 1
    assert capsys.readouterr() == ("", "bench: seeding failed\n")


def test_the_last_lines_are_the_figures(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    chosen: list[bench.Settings] = []

    def run(settings: bench.Settings, _console: Console, folder: Path) -> dict[str, float]:
        assert folder == figures.RESULTS
        chosen.append(settings)
        return {"whole_x_naive": 8.25, "switch_messages_per_s": 31234.4}

    monkeypatch.setattr(bench, "run", run)
    assert bench.main([]) == bench.main(["--quick"]) == 0
    assert capsys.readouterr().out == "whole_x_naive: 8.250\nswitch_messages_per_s: 31234\n" * 2
    assert [settings.cards for settings in chosen] == [1_000_000, 100_000]
    assert all(each.rounds >= 3 and each.warm_up_s + each.duration_s <= 10 for each in chosen)
