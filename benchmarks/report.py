"""The page that a run writes."""

from __future__ import annotations

import os
from pathlib import Path

from .chart import draw
from .columns import BY_NAME
from .modes import MODES, Mode
from .results import Result
from .rows.graph import FLAT, NODES
from .session import Effort
from .tables import amounts, peaks, ratios, speeds, table, used

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
  the row's tolerance; a library that computes something else is reported and not compared. Our
  compiler replays the last of them (the first is run, the next two are traced); a step that it
  refuses, or that NumPy replays instead of C, fails, and so does the command.
- Every library is used as its documentation teaches, with its own layers and optimizers where it
  has them, in its default memory layout, with Python's garbage collector on. Compilers compile
  first (not timed, but for the rows that say so): PyTorch's the model and the loss; JAX's, ours
  and tinygrad's the whole step, JAX's with donated parameters and optimizer state.
- The original DeZero is release 0.0.13 of the package index; its import needs `numpy.int`, which
  NumPy no longer has, so its process puts that one name back.
"""

MEMORY = """\
How much the process's resident memory grew at its peak (Linux: `VmHWM`) from before the model was
built to its later steps, weights and optimizer included; the peak of the first {checks} steps, in
which compilers compile, does not count. Before that the library was imported and compiled and did
{checks} steps of a tiny MLP, so that what it loads late does not count.
"""

SPEED = """\
GFLOP/s of the matrix products and convolutions of a row alone (2mkn for each product, forward and
backward; all other arithmetic is left out), and in brackets the share of what `np.matmul` reaches
with two 1024x1024 matrices and as many threads in this run (row `product`).
"""


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


def section(mode: Mode, results: list[Result]) -> list[str]:
    """The part of the page about one way of running a program."""
    text = ratios(results, mode)
    if not text:
        return []
    picture = f"![DeZero's time divided by each peer's, by row]({mode.picture})"
    return [f"## {mode.heading}", mode.what, picture if mode.picture else "", text]


def page(
    results: list[Result], facts: dict[str, str], unavailable: dict[str, str], effort: Effort
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
    about = [[name, text] for name, text in facts.items()]
    speed, peak = speeds(results), peaks(results)
    parts = [
        "# Benchmarks",
        "Written by the command below: change `benchmarks/`, not this page.",
        table(["this run", ""], about).replace("--:", "---"),
        *[part for mode in MODES for part in section(mode, results)],
        flatness(results),
        notes(results),
        "## How it was measured",
        how.strip(),
        "## Rows",
        "\n".join(what.values()),
        "## Time and memory of each library",
        amounts(results),
        *(["## Arithmetic", SPEED.strip(), speed] if speed else []),
        *(["## Peak memory", MEMORY.format(checks=effort.checks).strip(), peak] if peak else []),
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
    """Write page and pictures into this folder; the page's path."""
    folder.mkdir(parents=True, exist_ok=True)
    for mode in MODES:
        if mode.picture:
            draft = folder / f"draft-{mode.picture}"
            draw(results, mode, draft)
            os.replace(draft, folder / mode.picture)
    text = page(results, facts, unavailable, effort)
    draft = folder / "benchmarks.md.tmp"
    draft.write_text(text)
    os.replace(draft, folder / "benchmarks.md")
    return folder / "benchmarks.md"
