"""`python -m benchmarks`: measure, and write `docs/benchmarks.md`."""

from __future__ import annotations

import dataclasses
import shlex
import sys
import tempfile
from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from . import machine, original, report, tables
from .columns import BY_NAME, COLUMNS, LIGHT, ROOT, Column
from .modes import MODES
from .results import Result
from .row import OURS, Row
from .rows import ROWS
from .session import FULL, QUICK, Effort, measure

console = Console()


def chosen(names: str | None, known: set[str], what: str) -> list[str]:
    """The names of a comma-separated option, all of them known."""
    wanted = [name.strip() for name in names.split(",")] if names else []
    for name in wanted:
        if name not in known:
            raise typer.BadParameter(f"no {what} {name!r}; there are: {', '.join(sorted(known))}")
    return wanted


def available(
    names: list[str], quick: bool, folder: Path | None
) -> tuple[list[Column], dict[str, str]]:
    """The columns that can be measured here, ours first, and why others cannot."""
    wanted = names or (LIGHT if quick else BY_NAME)
    asked = [c for c in COLUMNS if c.name in (*OURS, *wanted)]
    unavailable = {c.name: why for c in asked if (why := c.missing(folder))}
    return [c for c in asked if c.name not in unavailable], unavailable


def summary(result: Result) -> str:
    """A row in a line."""
    line = f"[bold]{escape(result.name)}[/]"
    if result.verdict:
        line += f" (goals met: {result.verdict})"
    for mode in MODES:
        ours = result.amount(mode.name)
        if ours:
            parts = [tables.unit(result)(ours.median)]
            ratios = [(peer, result.ratio(mode, peer)) for peer in mode.peers]
            parts += [f"{r.median:.3g} of {BY_NAME[peer].title}" for peer, r in ratios if r]
            line += f"\n  {BY_NAME[mode.name].title}: {', '.join(parts)}"
    for name, why in result.reasons.items():
        line += f"\n  [dim]no {BY_NAME[name].title}: {escape(why)}[/]"
    for name, why in result.failures.items():
        line += f"\n  [red]{BY_NAME[name].title} failed: {escape(why)}[/]"
    return line


def run_all(
    plan: list[tuple[Row, int]], columns: list[Column], effort: Effort, folder: Path | None
) -> list[Result]:
    """Measure row after row, and show how far it is."""
    results = []
    # No refreshing by itself: a thread that draws would disturb what is measured.
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        auto_refresh=False,
        disable=not console.is_terminal,
    ) as progress:
        task = progress.add_task("", total=len(plan))

        def tell(text: str) -> None:
            progress.update(task, description=f"{row.key} x{threads}: {text}", refresh=True)

        for row, threads in plan:
            result = measure(row, threads, columns, effort, folder, tell)
            progress.console.print(summary(result), highlight=False, soft_wrap=True)
            progress.advance(task)
            results.append(result)
    return results


def described(results: list[Result], threads: str, busy: str) -> dict[str, str]:
    """What the page says of this run."""
    found = {name: v for r in results for name, v in r.versions.items() if name not in OURS[1:]}
    versions = {BY_NAME[name].title: v for name, v in found.items()}
    return {
        "command": f"`{shlex.join(['python', '-m', 'benchmarks', *sys.argv[1:]])}`",
        "date": date.today().isoformat(),
        **machine.described(busy),
        "libraries": ", ".join(f"{title} {v}" for title, v in sorted(versions.items())),
        "threads": threads,
    }


def main(
    quick: Annotated[bool, typer.Option(help="Small sizes, few rounds, light peers.")] = False,
    rows: Annotated[str | None, typer.Option(help="Only these rows, as in add,seed,cnn.")] = None,
    columns: Annotated[str | None, typer.Option(help="Only these peers, as in torch,jax.")] = None,
    threads: Annotated[
        str | None, typer.Option(help="Numbers of threads: 1,2, and with --quick 1.")
    ] = None,
    rounds: Annotated[int | None, typer.Option(min=1, help="Rounds of a row, at most.")] = None,
    original_folder: Annotated[
        Path | None,
        typer.Option(
            "--original",
            envvar="DEZERO_ORIGINAL",
            help="The folder that holds the original's `dezero`; by default pip fetches it.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(help="Where the page goes: docs/, or nowhere lasting for a part or --quick."),
    ] = None,
) -> None:
    """Measure DeZero and every installed peer in one run; write docs/benchmarks.md."""
    keys = chosen(rows, {row.key for row in ROWS}, "row")
    names = chosen(columns, set(BY_NAME), "column")
    counts = [int(n) for n in chosen(threads, {"1", "2"}, "number of threads")]
    counts = counts or ([1] if quick else [1, 2])
    folder = original_folder
    if folder is None and (not names or "original" in names):
        folder = original.fetched() if quick else original.fetch()
    effort = replaced(QUICK if quick else FULL, rounds)
    peers, unavailable = available(names, quick, folder)
    for name, why in unavailable.items():
        console.print(f"[dim]without {BY_NAME[name].title}: {why}[/]")
    busy = machine.busy()
    plan = [(row, n) for row in ROWS if not keys or row.key in keys for n in row.threads]
    results = run_all([(row, n) for row, n in plan if n in counts], peers, effort, folder)
    facts = described(results, ", ".join(map(str, counts)), busy)
    if output is None and not (quick or keys or names or rounds or threads):
        output = ROOT / "docs"
    with tempfile.TemporaryDirectory() as nowhere:
        page = report.write(output or Path(nowhere), results, facts, unavailable, effort)
        if output:
            console.print(f"wrote {page}", highlight=False)
    if any(result.broken for result in results):
        raise typer.Exit(1)


def replaced(effort: Effort, rounds: int | None) -> Effort:
    """The effort with another number of rounds, where one is given."""
    if rounds is None:
        return effort
    return dataclasses.replace(effort, rounds=rounds, least=min(rounds, effort.least))


if __name__ == "__main__":
    typer.run(main)
