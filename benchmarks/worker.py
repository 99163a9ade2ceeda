"""The process that does the work of one row for one library.

`python -P -m benchmarks.worker ROW COLUMN THREADS SIZE CHECKS` builds the case, does CHECKS steps
and answers with the values they gave, then reads numbers of steps to do, one a line, and answers
each with what they took. Answers are lines of JSON.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from collections.abc import Callable
from importlib import import_module, metadata
from time import perf_counter
from types import ModuleType
from typing import Any

import numpy as np

from . import memory, original
from .columns import BY_NAME, Column, unwrapped
from .compiled import check, settle
from .row import OURS, Row, Setup, Step
from .rows import ROWS
from .rows.mlp import SMALL

SHOWN = 16  # values of a result that are compared


def bind(threads: int) -> None:
    """Stay on as many CPUs as there are threads, where the system can do that."""
    if hasattr(os, "sched_setaffinity"):
        cpus = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, cpus[-threads:])


def load(column: Column, threads: int) -> str:
    """Import the column's library; its version."""
    if column.name == "original":
        original.revive_numpy()
    module = import_module(column.module)
    if column.module == "torch":
        module.set_num_threads(threads)
    version = getattr(module, "__version__", None)
    if column.name in OURS:
        return str(version)
    return str(version or metadata.version(column.package or column.module))


def lacks(error: Exception) -> str | None:
    """What the library does not have, if that is what the error says."""
    if isinstance(error, ImportError):
        return f"lacks {error.name}: {error}"
    if isinstance(error, AttributeError) and isinstance(error.obj, ModuleType):
        return f"lacks {error.obj.__name__}.{error.name}"
    return None


def amount(row: Row, step: Step, steps: int, read: Any, kept: list[Any]) -> float:
    """Seconds, or bytes of memory, that a step took, on average over so many."""
    if row.measure == "memory":
        gc.collect()
        before = memory.resident()
        kept.append(step())
        return memory.resident() - before
    if row.measure == "told":
        return sum(step() for _ in range(steps)) / steps
    start = perf_counter()
    for _ in range(steps):
        result = step()
    if result is not None:
        read(result)  # waits for libraries that compute in the background
    return (perf_counter() - start) / steps


def numbers(result: Any, read: Any) -> list[float]:
    """What a step computes: equal for all libraries, else nothing may be compared."""
    if result is None:
        return []
    return [float(x) for x in np.asarray(read(result), np.float64).ravel()[:SHOWN]]


def built(row: Row, column: Column, size: int) -> tuple[Step, Any]:
    """The step of a row, and the compiler that it was given."""
    # A step that tells its time compiles in processes of its own.
    wrap = unwrapped if row.measure == "told" else column.wrap()
    return row.cases[column.name](Setup(wrap, size)), wrap


def load_the_rest(column: Column, checks: int) -> None:
    """Let a tiny step load what libraries load late, so that it does not count as memory."""
    step, wrap = built(SMALL, column, 1)
    for _ in range(checks):
        step()
        settle(wrap)


def serve(row: Row, column: Column, threads: int, size: int, checks: int, answer: Any) -> None:
    """Build the case, show what its first steps compute, then measure as often as asked."""
    version = load(column, threads)
    if row.measure == "memory" and not memory.resident():
        answer({"lacks": "this system does not tell how much memory a process holds"})
        return
    values: list[float] = []
    kept: list[Any] = []  # graphs whose memory is measured: the next must not reuse it
    try:
        if row.peak:
            load_the_rest(column, checks)
        base = memory.resident()
        step, wrap = built(row, column, size)
        for _ in range(checks if row.measure != "told" else 0):
            result = step()
            values += numbers(result, column.read)
            if row.measure == "memory":
                kept.append(result)
            result = None
            settle(wrap)
    except (ImportError, AttributeError) as error:
        reason = lacks(error)
        if reason is None:
            raise
        answer({"lacks": reason})
        return
    check(wrap)
    answer({"version": version, "values": values})
    memory.forget_peak()
    for line in sys.stdin:
        taken = amount(row, step, int(line), column.read, kept) / (size if row.shared else 1)
        check(wrap)
        answer({"amount": taken, "grown": memory.peak() - base})


def answering() -> Callable[[dict[str, Any]], None]:
    """What writes answers to the standard output; all else that is printed goes elsewhere."""
    channel = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def answer(message: dict[str, Any]) -> None:
        channel.write(json.dumps(message) + "\n")
        channel.flush()

    return answer


def main() -> None:
    """Read the arguments; keep the standard output for answers alone."""
    answer = answering()
    key, name, *numbers = sys.argv[1:]
    threads, size, checks = map(int, numbers)
    bind(threads)
    row = next(row for row in ROWS if row.key == key)
    serve(row, BY_NAME[name], threads, size, checks, answer)


if __name__ == "__main__":
    main()
