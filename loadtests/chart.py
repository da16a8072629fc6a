"""The chart: latency percentiles against offered load, the switch and the durable echo side by side."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from loadtests.flood import Report

SIZE_INCHES: Final = (10.0, 6.0)
DOTS_PER_INCH: Final = 150
COLOURS: Final = {"switch": "#1b6ca8", "durable_echo": "#d1793b"}
NAMES: Final = {"switch": "switch", "durable_echo": "durable echo"}
PERCENTILES: Final = (("p50", "p50_s", ":"), ("p90", "p90_s", "--"), ("p99", "p99_s", "-"))


def draw(path: Path, sweeps: dict[str, Sequence[Report]], *, subtitle: str) -> Path:
    """Draw the open-loop runs of each server, by name, into a PNG file."""
    import matplotlib as mpl  # noqa: PLC0415  # half a second that nothing else here needs

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415
    from matplotlib.ticker import FuncFormatter, NullFormatter  # noqa: PLC0415

    figure, axes = plt.subplots(figsize=SIZE_INCHES, dpi=DOTS_PER_INCH, layout="constrained")
    for name, reports in sweeps.items():
        ordered = sorted((r for r in reports if r.latency is not None and r.rate is not None), key=_rate)
        for label, attribute, style in PERCENTILES:
            axes.plot(
                [_rate(report) / 1_000 for report in ordered],
                [getattr(report.latency, attribute) * 1_000 for report in ordered],
                style,
                color=COLOURS[name],
                marker="o",
                markersize=4,
                linewidth=2 if label == "p99" else 1.4,
                label=f"{NAMES[name]} {label}",
            )
    axes.set_yscale("log")
    axes.set_xlim(left=0)
    plain = FuncFormatter(lambda value, _position: f"{value:g}")
    axes.yaxis.set_major_formatter(plain)
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("offered load, thousand messages/s")
    axes.set_ylabel("latency from the scheduled time, ms (log)")
    axes.grid(visible=True, which="major", color="#d0d0d0", linewidth=0.8)
    axes.grid(visible=True, which="minor", color="#ececec", linewidth=0.5)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.suptitle("Latency against offered load", x=0.01, ha="left", fontsize=14, fontweight="bold")
    axes.set_title(subtitle, loc="left", fontsize=9, color="#555555")
    axes.legend(ncols=len(sweeps), frameon=False, loc="lower right", bbox_to_anchor=(1.0, 1.0), fontsize="small")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
    plt.close(figure)
    return path


def _rate(report: Report) -> float:
    assert report.rate is not None
    return report.rate
