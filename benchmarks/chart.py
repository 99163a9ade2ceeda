"""The ratios as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .columns import BY_NAME
from .modes import Mode
from .results import Result

MARKS = "oDs^vP*X<>"
COLORS = (
    "#d1495b", "#00798c", "#edae49", "#6a4c93", "#588157",
    "#8d99ae", "#2b2d42", "#bc6c25", "#e07be0", "#4cc9f0",
)  # fmt: skip
TICKS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.25, 0.5, 1, 2, 4, 10, 30, 100)


def draw(results: list[Result], mode: Mode, path: Path) -> None:
    """Our amount divided by each peer's, on a logarithmic axis, with quartiles and goals."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "benchmarks"  # the same ids in every run
    from matplotlib import pyplot as plt

    shown = [r for r in results if any(r.ratio(mode, peer) for peer in mode.peers)]
    figure, axes = plt.subplots(figsize=(10, 1.8 + 0.42 * len(shown)), layout="constrained")
    axes.axvspan(1e-9, 1, color="#588157", alpha=0.08, linewidth=0)
    axes.axvline(1, color="black", linewidth=1)
    for place, peer in enumerate(mode.peers):
        series(axes, shown, mode, peer, place)
    axes.set(
        xscale="log",
        yticks=range(len(shown)),
        yticklabels=[r.name.replace("`", "") for r in shown],
        ylim=(len(shown) - 0.4, -0.6),
        xlim=limits(shown, mode),
        xlabel="DeZero's time (or memory) divided by the peer's: left of 1 DeZero is better",
    )
    left, right = axes.get_xlim()
    axes.set_xticks([tick for tick in TICKS if left <= tick <= right], minor=False)
    axes.set_xticks([], minor=True)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.grid(axis="both", alpha=0.25)
    axes.plot(
        [],
        [],
        "|",
        color="black",
        markersize=14,
        markeredgewidth=2,
        label="goal, in its peer's colour",
    )
    figure.legend(loc="outside upper center", ncols=5, frameon=False, fontsize=9)
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
    plt.close(figure)


def series(axes: Any, shown: list[Result], mode: Mode, name: str, place: int) -> None:
    """One peer's ratios, with its goals as ticks of the same colour."""
    color = COLORS[place % len(COLORS)]
    rows = [(y, ratio) for y, r in enumerate(shown) if (ratio := r.ratio(mode, name))]
    for y, result in enumerate(shown):
        goal = mode.goals(result.row).get(name)
        if goal is not None:
            axes.plot(goal, y, "|", color=color, markersize=16, markeredgewidth=2.5, zorder=2)
    if not rows:
        return
    medians = [ratio.median for _, ratio in rows]
    whiskers = [
        [ratio.median - ratio.low for _, ratio in rows],
        [ratio.high - ratio.median for _, ratio in rows],
    ]
    axes.errorbar(
        medians,
        [y for y, _ in rows],
        xerr=whiskers,
        fmt=MARKS[place % len(MARKS)],
        color=color,
        markersize=6,
        elinewidth=1.2,
        label=BY_NAME[name].title,
        zorder=3,
    )


def limits(shown: list[Result], mode: Mode) -> tuple[float, float]:
    """An axis that holds every mark, and 1."""
    ratios = [ratio for r in shown for peer in mode.peers if (ratio := r.ratio(mode, peer))]
    marks = [1.0, *(goal for r in shown for goal in mode.goals(r.row).values())]
    low = min(marks + [ratio.low for ratio in ratios])
    high = max(marks + [ratio.high for ratio in ratios])
    return low / 1.4, high * 1.4
