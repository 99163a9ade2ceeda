"""The tables of the page that a run writes."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from .columns import BY_NAME, COLUMNS
from .modes import COMPILED, Mode
from .results import Result, Spread
from .rows.products import PRODUCT

Formatter = Callable[[float], str]
WORDS = {True: "met", False: "missed", None: "not measured"}


def time_text(seconds: float) -> str:
    """Seconds with a fitting unit and three digits."""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{digits(seconds / size)} {unit}"
    return f"{digits(seconds / 1e-6)} µs"


def bytes_text(amount: float) -> str:
    """Bytes with a fitting unit and three digits."""
    return f"{digits(amount / 1e6)} MB" if amount >= 1e6 else f"{amount:.0f} bytes"


def digits(x: float) -> str:
    """Three significant digits without an exponent."""
    return f"{x:.0f}" if x >= 100 else f"{x:.1f}" if x >= 10 else f"{x:.2f}"


def ratio_text(ratio: Spread | None) -> str:
    """A ratio with its quartiles."""
    if ratio is None:
        return "–"
    few = "{:.2g}".format if ratio.median < 0.1 else "{:.2f}".format
    return f"**{few(ratio.median)}** ({few(ratio.low)} to {few(ratio.high)})"


def unit(result: Result) -> Formatter:
    """How the amounts of a row are written."""
    return bytes_text if result.row.measure == "memory" else time_text


def table(head: Iterable[str], lines: Iterable[Iterable[str]]) -> str:
    """A Markdown table; the first column is text, the others are numbers."""
    head = list(head)
    rule = ["---", *["--:" for _ in head[1:]]]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [head, rule, *lines])


def titles(names: Iterable[str]) -> list[str]:
    """Columns as readers know them."""
    return [BY_NAME[name].title for name in names]


def used(results: list[Result]) -> list[str]:
    """The columns that were measured, in their order."""
    return [c.name for c in COLUMNS if any(r.amounts.get(c.name) for r in results)]


def goals_text(result: Result, mode: Mode) -> str:
    """The goals of a row, each with what became of it."""
    texts = [
        f"{BY_NAME[name].title} ≤ {goal:g}: {WORDS[result.met(mode, name)]}"
        for name, goal in mode.goals(result.row).items()
    ]
    if mode is COMPILED and result.row.at_most is not None:
        texts.append(f"≤ {time_text(result.row.at_most)}: {WORDS[result.met_at_most()]}")
    return "<br>".join(texts)


def ratios(results: list[Result], mode: Mode) -> str:
    """The main table of a mode: our time, and the ratio to every peer; empty without any."""
    shown = [r for r in results if r.amounts.get(mode.name) or mode.goals(r.row)]
    if not shown:
        return ""
    peers = [name for name in used(shown) if name in mode.peers]
    lines = []
    for result in shown:
        ours = result.amount(mode.name)
        cells = [ratio_text(result.ratio(mode, name)) for name in peers]
        amount = unit(result)(ours.median) if ours else "–"
        lines.append([result.name, amount, *cells, goals_text(result, mode)])
    return table(["row", *titles([mode.name, *peers]), "goals"], lines)


def amounts(results: list[Result]) -> str:
    """The medians themselves."""
    names = used(results)
    lines = []
    for result in results:
        spreads = [result.amount(name) for name in names]
        lines.append([result.name, *[unit(result)(s.median) if s else "–" for s in spreads]])
    return table(["row", *titles(names)], lines)


def peaks(results: list[Result]) -> str:
    """Peak memory of the rows that report it; empty without any."""
    shown = [r for r in results if r.row.peak and any(r.peaks.values())]
    if not shown:
        return ""
    names = [c.name for c in COLUMNS if any(r.peaks.get(c.name) for r in shown)]
    lines = []
    for result in shown:
        grown = [result.peaks.get(name) for name in names]
        cells = [bytes_text(g) if g else "–" for g in grown]
        lines.append([result.name, *cells, goals_of_peak(result)])
    return table(["row", *titles(names), "goals"], lines)


def goals_of_peak(result: Result) -> str:
    """The goals for our compiled step's memory, each with what became of it."""
    return "<br>".join(
        f"compiled, {BY_NAME[name].title} ≤ {goal:g}: {WORDS[result.met_peak(name)]}"
        for name, goal in result.row.peak_goals.items()
    )


def speeds(results: list[Result]) -> str:
    """Arithmetic a second, of the rows that state how much there is; empty without any."""
    shown = [r for r in results if r.row.flops and r.amounts]
    if not shown:
        return ""
    tops = {r.threads: flops_a_second(r, "numpy") for r in shown if r.row.key == PRODUCT.key}
    names = used(shown)
    lines = []
    for result in shown:
        top = tops.get(result.threads)
        cells = [speed_text(flops_a_second(result, name), top) for name in names]
        lines.append([result.name, f"{result.row.flops / 1e9:.3g}", *cells])
    return table(["row", "GFLOP", *titles(names)], lines)


def flops_a_second(result: Result, column: str) -> float | None:
    """The floating-point operations that a library does in a second."""
    amount = result.amount(column)
    return result.row.flops / amount.median if amount else None


def speed_text(speed: float | None, top: float | None) -> str:
    """GFLOP/s, and the share of the top speed."""
    if speed is None:
        return "–"
    share = f" ({speed / top:.0%})" if top else ""
    return f"{digits(speed / 1e9)}{share}"
