"""The report: what a compiled step has become, as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container
from statistics import median
from typing import Any

from .path import Path
from .planning.flops import total_flops


def report(step: Any) -> str:
    """The text of `Step.report()`."""
    name = getattr(step.function, "__name__", type(step.function).__name__)
    if step.refused is not None:
        return f"{name}: runs eagerly: {step.refused}"
    paths = step.all_paths()
    lines = [f"{name}: {len(paths)} path{'s' * (len(paths) != 1)}"]
    lines += table([row(k, path) for k, path in enumerate(paths)])
    for k, path in enumerate(paths):
        lines += details(k, path)
    if step.beyond:
        lines.append(f"calls that went other ways, and ran eagerly: {step.beyond}")
    if step.waiting:
        lines.append(f"seen once, to be confirmed: {len(step.waiting)}")
    if step.lifted:
        lines.append(f"numbers that change: {', '.join(sorted(step.lifted))}")
    return "\n".join(lines)


def row(k: int, path: Path) -> dict[str, str]:
    """The line of one path, by column.

    "time" is the median of its last replays, from the state to the new state and the results,
    "GFLOP/s" what `total_flops` counts in that time.
    """
    executor = path.executor
    cells: dict[str, Any] = {
        "path": k,
        "executor": executor.name,
        "runs": path.runs,
        "guards": len([*path.trace.tape.guards, *path.trace.tape.judged]),
        "failed": path.failures,
        "nodes": len(path.trace.tape.nodes),
        "kernels": len(executor.schedule.nests),
        "arena": f"{executor.plan.arena:,} B",
        "unshared": f"{executor.plan.unshared:,} B",
        "threads": getattr(executor, "threads", 1),
    }
    if path.times:
        seconds = median(path.times)
        cells["time"] = f"{1e6 * seconds:,.1f} us"
        cells["GFLOP/s"] = f"{total_flops(executor.schedule) / seconds / 1e9:.3g}"
    return {name: str(x) for name, x in cells.items()}


def table(rows: list[dict[str, str]], left: Container[str] = ()) -> list[str]:
    """Rows under their columns; a row need not have all of them.

    Args:
        rows: What stands in them, by column.
        left: The columns that begin on the left; the others end on the right.
    """
    columns = list(dict.fromkeys(name for cells in rows for name in cells))
    texts = [columns, *[[cells.get(name, "-") for name in columns] for cells in rows]]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    align = [str.ljust if name in left else str.rjust for name in columns]
    cells = [[a(x, w) for a, x, w in zip(align, r, widths, strict=True)] for r in texts]
    return ["  ".join(line).rstrip() for line in cells] if rows else []


def details(k: int, path: Path) -> list[str]:
    """What else there is to say of a path: its guards, and what runs outside of C."""
    guards = Counter(
        f"path {k}, guard at {guard.line}: {'truth' if guard.truth else 'value'} is {guard.value}"
        for guard in [*path.trace.tape.guards, *path.trace.tape.judged]
    )
    lines = [f"{line} ({n} times)" if n > 1 else line for line, n in guards.items()]
    if path.fallback:
        lines.append(f"path {k} runs in NumPy: {path.fallback}")
    if path.pending:
        lines.append(f"path {k} runs in NumPy until the C compiler is done")
    outside = getattr(path.executor, "outside", None)
    if outside:
        counted = ", ".join(f"{op} {n}" for op, n in sorted(Counter(outside).items()))
        lines.append(f"path {k}, in NumPy between the C: {counted}")
    return lines
