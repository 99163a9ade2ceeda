"""The report: what a compiled step has become, as a table."""

from __future__ import annotations

from collections import Counter
from typing import Any

from .path import Path

COLUMNS = ("path", "executor", "runs", "guards failed", "operations", "calls", "arena", "unshared")


def report(step: Any) -> str:
    """The text of `Step.report()`."""
    name = getattr(step.function, "__name__", type(step.function).__name__)
    if step.refused is not None:
        return f"{name}: runs eagerly: {step.refused}"
    paths = step.all_paths()
    lines = [f"{name}: {len(paths)} path{'s' * (len(paths) != 1)}"]
    rows = [COLUMNS, *[row(k, path) for k, path in enumerate(paths)]]
    widths = [max(len(r[c]) for r in rows) for c in range(len(COLUMNS))]
    if paths:
        lines += ["  ".join(x.rjust(w) for x, w in zip(r, widths, strict=True)) for r in rows]
    for k, path in enumerate(paths):
        lines += details(k, path)
    if step.waiting:
        lines.append(f"seen once, to be confirmed: {len(step.waiting)}")
    if step.lifted:
        lines.append(f"numbers that change: {', '.join(sorted(step.lifted))}")
    return "\n".join(lines)


def row(k: int, path: Path) -> tuple[str, ...]:
    """The line of one path."""
    plan, executor = path.plan, path.executor
    computed = [i for i in plan.order if plan.nodes[i].kind not in ("slot", "const", "view")]
    cells = [k, executor.name if executor else "-", path.runs, path.failures, len(computed)]
    calls = str(len(executor.program)) if executor else "-"
    return (*map(str, cells), calls, f"{plan.arena:,} B", f"{plan.unshared:,} B")


def details(k: int, path: Path) -> list[str]:
    """What else there is to say of a path: its guards, and what runs outside of C."""
    lines = [
        f"path {k}, guard at {guard.line}: "
        + (f"truth is {guard.value}" if guard.truth else f"value is {guard.value}")
        for guard in path.trace.tape.guards
    ]
    if path.fallback:
        lines.append(f"path {k} runs in NumPy: {path.fallback}")
    outside = getattr(path.executor, "outside", None)
    if outside:
        counted = ", ".join(f"{op} {n}" for op, n in sorted(Counter(outside).items()))
        lines.append(f"path {k}, in NumPy between the C: {counted}")
    return lines
