"""The page that a run writes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from .chart import draw
from .columns import BY_NAME, COLUMNS
from .results import Result, Spread
from .rows.graph import FLAT, NODES
from .session import Effort

HOW = """\
Every number comes from one run of the command above. For each row and number of threads the
command starts one process for each library, and hands out the work in turns: a slice of
{slice:g} ms (or one step, where that takes longer) for the first library, then the second, ...,
then the first again, up to {rounds} rounds (at least {least}; a row ends after {limit:g} s).
Processes stand still while it is not their turn. A ratio is our time divided by the peer's in the
same round; the table gives the median of these ratios, and their quartiles in brackets:
**below 1 DeZero is faster**.

- Threads: the number is given to OpenMP, OpenBLAS, MKL, XLA and tinygrad through the environment
  and to PyTorch by `torch.set_num_threads`, and the process is bound to as many CPUs. Rows that
  name no number ran with 1 thread.
- Honesty: all libraries get the same data and initial weights. Before anything is measured, each
  does {checks} steps, and the values they give (losses after updates, gradients) must agree within
  the row's tolerance; a library that computes something else is reported and not compared.
- Every library is used as its documentation teaches, with its own layers and optimizers where it
  has them, in its default memory layout, with Python's garbage collector on. Columns with "jit"
  compile the step first (not timed).
- The original DeZero is release 0.0.13 of the package index; its import needs `numpy.int`, which
  NumPy no longer has, so its process puts that one name back.
"""

MEMORY = """\
How much the process's resident memory grew at its peak (Linux: `VmHWM`) from before the model was
built to the end of the row, weights and optimizer included. Before that the library was imported
and did one step of a tiny MLP, so that what it loads late does not count.
"""

Formatter = Callable[[float], str]


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


def used(results: list[Result]) -> list[str]:
    """The columns that were measured, in their order."""
    return [c.name for c in COLUMNS if any(r.amounts.get(c.name) for r in results)]


def goals_text(result: Result) -> str:
    """The goals of a row, each with what became of it."""
    words = {True: "met", False: "missed", None: "not measured"}
    return "<br>".join(
        f"{BY_NAME[name].title} ≤ {goal:g}: {words[result.met(name)]}"
        for name, goal in result.row.goals.items()
    )


def ratios(results: list[Result]) -> str:
    """The main table: our time, and the ratio to every peer."""
    peers = [name for name in used(results) if name != "ours"]
    head = ["row", "DeZero", *[BY_NAME[name].title for name in peers], "goals"]
    lines = []
    for result in results:
        ours = result.amount("ours")
        cells = [ratio_text(result.ratio(name)) for name in peers]
        amount = unit(result)(ours.median) if ours else "–"
        lines.append([result.name, amount, *cells, goals_text(result)])
    return table(head, lines)


def amounts(results: list[Result]) -> str:
    """The medians themselves."""
    names = used(results)
    lines = []
    for result in results:
        spreads = [result.amount(name) for name in names]
        lines.append([result.name, *[unit(result)(s.median) if s else "–" for s in spreads]])
    return table(["row", *[BY_NAME[name].title for name in names]], lines)


def peaks(results: list[Result]) -> str:
    """Peak memory of the rows that report it."""
    shown = [r for r in results if r.row.peak and any(r.peaks.values())]
    names = [c.name for c in COLUMNS if any(r.peaks.get(c.name) for r in shown)]
    lines = []
    for result in shown:
        grown = [result.peaks.get(name) for name in names]
        lines.append([result.name, *[bytes_text(g) if g else "–" for g in grown]])
    return table(["row", *[BY_NAME[name].title for name in names]], lines)


def flatness(results: list[Result]) -> str:
    """How much dearer a node gets in large graphs."""
    keys = [row.key for row in NODES]
    nodes = [r for r in results if r.row.key in keys]
    if len(nodes) < len(keys):
        return ""
    texts = []
    for name in used(nodes):
        costs = [spread.median for r in nodes if (spread := r.amount(name))]
        if len(costs) == len(keys):
            texts.append(f"{BY_NAME[name].title} {max(costs) / min(costs):.2f}")
    sizes = ", ".join(f"{row.size:,}" for row in NODES)
    return (
        f"Cost of a node in graphs of {sizes}, the dearest divided by the cheapest "
        f"(our goal: at most {FLAT:g}): {', '.join(texts)}."
    )


def left_out(results: list[Result], unavailable: dict[str, str]) -> str:
    """What was not measured, and why."""
    lines = [f"- {BY_NAME[name].title}: {why}." for name, why in unavailable.items()]
    grouped: dict[tuple[str, str], list[str]] = {}
    for result in results:
        for name, why in {**result.reasons, **result.failures}.items():
            grouped.setdefault((BY_NAME[name].title, why), []).append(result.name)
    lines += [f"- {', '.join(rows)}: {title}: {why}." for (title, why), rows in grouped.items()]
    return "\n".join(lines) or "Everything was measured."


def notes(results: list[Result]) -> str:
    """Why goals were missed."""
    rows = {r.row.key: r.row for r in results if r.verdict == "no" and r.row.note}
    return "\n".join(f"- {row.title}: {row.note}" for row in rows.values())


def page(
    results: list[Result],
    facts: dict[str, str],
    unavailable: dict[str, str],
    effort: Effort,
    picture: str,
) -> str:
    """The whole page, in Markdown."""
    what = {r.row.key: f"- **{r.row.title}** (`{r.row.key}`): {r.row.what}" for r in results}
    how = HOW.format(
        slice=effort.slice * 1e3,
        rounds=effort.rounds,
        least=effort.least,
        limit=effort.limit,
        checks=effort.checks,
    )
    parts = [
        "# Benchmarks",
        "Written by the command below: change `benchmarks/`, not this page.",
        table(["this run", ""], ([name, text] for name, text in facts.items())).replace(
            "--:", "---"
        ),
        f"![DeZero's time divided by each peer's, by row]({picture})",
        "## Ratios and goals",
        ratios(results),
        flatness(results),
        notes(results),
        "## How it was measured",
        how.strip(),
        "## Rows",
        "\n".join(what.values()),
        "## Time and memory of each library",
        amounts(results),
        "## Peak memory",
        MEMORY.strip(),
        peaks(results),
        "## Not measured",
        left_out(results, unavailable),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def write(
    folder: Path,
    results: list[Result],
    facts: dict[str, str],
    unavailable: dict[str, str],
    effort: Effort,
) -> Path:
    """Write page and picture into this folder; the page's path."""
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / "benchmarks.tmp.svg"
    draw(results, draft)
    os.replace(draft, folder / "benchmarks.svg")
    text = page(results, facts, unavailable, effort, "benchmarks.svg")
    draft = folder / "benchmarks.md.tmp"
    draft.write_text(text)
    os.replace(draft, folder / "benchmarks.md")
    return folder / "benchmarks.md"
