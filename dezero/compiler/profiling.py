"""Profiling: running a compiled path on copies of its state, with a clock around every kernel.

Nothing that the program can see changes: the timed program writes into copies of the arrays that
it would write over, its other results into memory of its own, and the results are not handed out.
The copies are made anew before every run, so that all runs compute the same.
"""

from __future__ import annotations

from time import perf_counter
from typing import Any

import numpy as np

from ..arrays import random
from ..arrays.memory import empty_for
from ..errors import CompileError
from .executors.c.executor import CExecutor
from .executors.c.timed import TimedCExecutor
from .executors.numpy import Executor
from .executors.timed import TimedExecutor
from .outline import kind, operation
from .path import Path
from .planning.flops import PLACES, flops
from .planning.fuse import Nest
from .planning.layout import CHANNELS_LAST, node_size
from .planning.plan import planned
from .planning.traffic import moved
from .profile import KernelProfile, Profile
from .tracing.tape import Node

TIMED: dict[type[Executor], type[TimedExecutor]] = {
    Executor: TimedExecutor,
    CExecutor: TimedCExecutor,
}
WARM = 2  # runs before those that count
SECONDS, LEAST, MOST = 0.5, 5, 1000  # of the runs that count: how long together, how many
COPIES = ("at", "concatenate", "empty", "gather", "getitem", "scatter_add", "set", "stack", "view")


class Run:
    """A path that runs on copies.

    Args:
        path: The path.
        values: What it has found for a call.

    Attributes:
        error: Of the last run, if it has failed.
    """

    def __init__(self, path: Path, values: tuple[Any, ...]) -> None:
        self.path = path
        self.error = ""
        self.copies = {k: copied(values[k]) for k in path.bound}
        kind = TIMED[type(path.executor)]
        self.executor = kind(path.trace, planned(path.trace, path.given), self.copies)
        self.executor.complete()
        schedule = self.executor.schedule
        self.written = [schedule.fusion.nodes[i].attr for i in schedule.over.values()]

    def once(self, args: Any, kwargs: Any) -> float | None:
        """The seconds of one run, or None where the call goes another way."""
        for k in self.written:
            self.copies[k][...] = self.path.bound[k]
        self.executor.flags[0] = self.executor.flags[1] = 0
        self.executor.clock.fill(0)
        begun = perf_counter()
        values = self.path.fetch(args, kwargs)
        if values is None:
            return None
        try:
            failed = self.executor.run(values)
        except Exception as error:  # the call itself would run eagerly, and say what it means
            self.error = f": {type(error).__name__}: {error}"
            return None
        return perf_counter() - begun if failed < 0 else None

    def measured(self, args: Any, kwargs: Any) -> tuple[Any, Any] | None:
        """The seconds of all runs, and what the clock said after each; None as in `once`."""
        taken: list[float] = []
        clocks: list[Any] = []
        for _ in range(WARM):
            if self.once(args, kwargs) is None:
                return None
        while len(taken) < LEAST or (sum(taken) < SECONDS and len(taken) < MOST):
            seconds = self.once(args, kwargs)
            if seconds is None:
                return None
            taken.append(seconds)
            clocks.append(self.executor.clock[: threads_of(self.executor), 1:] / 1e9)
        return np.array(taken), np.array(clocks)


def threads_of(executor: Executor) -> int:
    """How many threads work at a program."""
    return getattr(executor, "threads", 1)


def copied(x: Any) -> Any:
    """A copy of an array that can be written into if that one can."""
    copy = empty_for(x.shape, x)
    copy[...] = x
    copy.flags.writeable = x.flags.writeable
    return copy


def profiled(step: Any, paths: list[Path], args: Any, kwargs: Any) -> Profile:
    """The profile of a call.

    Args:
        step: The compiled step.
        paths: Those of its paths that the call may take.
        args: Of the call.
        kwargs: Of the call.

    Raises:
        CompileError: It takes none of them.
    """
    name = getattr(step.function, "__name__", type(step.function).__name__)
    if step.refused is not None:
        raise CompileError(f"{name} has no profile, it runs eagerly: {step.refused}")
    state = random.get_state()
    error = ""
    try:
        for path in paths:
            values = path.fetch(args, kwargs)
            if values is None or (path.loose and path.meet(values)):
                continue
            if path.moved(values):  # as the call itself would do it
                path.rebind(values)
                step.wait()
            run = Run(path, values)
            measured = run.measured(args, kwargs)
            if measured is not None:
                return made(name, run.executor, *measured)
            error = run.error
    finally:
        random.set_state(state)
    raise CompileError(
        f"{name} has no compiled path for this call{error}; call it so three times or more first"
    )


def made(name: str, executor: TimedExecutor, taken: Any, clocks: Any) -> Profile:
    """The profile of runs.

    Args:
        name: Of the function.
        executor: What ran.
        taken: The seconds of each run.
        clocks: For each run and thread the seconds outside of kernels, and of each kernel.
    """
    outside = executor.in_numpy()
    native = [k for k in range(clocks.shape[2] - 1) if k not in outside]
    mean = clocks[:, :, 1:].mean(axis=1)  # (runs, kernels)
    mean[:, list(outside)] = clocks[:, 0, 1:][:, list(outside)]  # the other threads sleep
    waiting = clocks[:, 0, 0] + (clocks[:, 0, 1:] - mean)[:, native].sum(axis=1)
    parts = np.median(mean, axis=0)
    others = [np.median(waiting), np.median(taken - mean.sum(axis=1) - waiting)]
    if threads_of(executor) == 1:  # guards: Python's part would look for their values
        others = [0.0, sum(others)]
    longest = np.median(clocks[:, :, 1:].max(axis=1), axis=0)
    total = float(parts.sum() + sum(others))
    kernels = [
        kernel(executor, nest, k in outside, float(parts[k]) / total, float(longest[k]))
        for k, nest in enumerate(executor.schedule.nests)
    ]
    shares = [float(x) / total for x in others]
    threads = threads_of(executor)
    return Profile(name, executor.name, threads, len(taken), total, tuple(kernels), *shares)


def kernel(
    executor: TimedExecutor, nest: Nest, outside: bool, share: float, seconds: float
) -> KernelProfile:
    """What a nest takes."""
    nodes = executor.nodes
    members = [nodes[i] for i in nest.members]
    weights: dict[str, int] = {}
    for node in members:
        elements = max([1, node_size(node), *[node_size(nodes[j]) for j in node.ins]])
        line = f"{node.forward} backward" if node.forward else node.line
        weights[line] = weights.get(line, 0) + elements
    between = outside and executor.native
    return KernelProfile(
        executor.numbers[nest.index],
        kind(nest, nodes),
        "NumPy in between" if between else group(nest, nodes),
        size(members, nodes),
        share,
        seconds,
        sum(flops(node, nodes) for node in members),
        moved(nest, executor.schedule) if nest.loop else 0,
        tuple([operation(node, []).name for node in members]),
        {line: weight / sum(weights.values()) for line, weight in weights.items()},
    )


def group(nest: Nest, nodes: list[Node]) -> str:
    """The kinds that a kernel is counted with."""
    members = [nodes[i] for i in nest.members]
    if nest.loop:
        copies = all(n.kind == "cast" and n.dtype == nodes[n.ins[0]].dtype for n in members)
        return "copies" if copies else "loop nests"
    name = members[0].op or members[0].kind
    if members[0].kind == "matmul":
        return "matrix products"
    if name in PLACES:
        return "convolutions"
    if name in CHANNELS_LAST:
        return "poolings"
    return "copies" if name in COPIES or members[0].kind in COPIES else "other functions"


def size(members: list[Node], nodes: list[Node]) -> str:
    """The sizes of a product, as m x n x k, or of the largest result of a kernel."""
    node = max(members, key=node_size)
    if node.kind != "matmul":
        return f"{node.shape} {node.dtype}"
    a, b = (nodes[j].shape for j in node.ins[:2])
    k = a[-1]
    n = b[-1] if len(b) > 1 else 1
    m = a[-2] if len(a) > 1 else 1
    many = node_size(node) // max(1, m * n)
    if len(b) <= 2:  # one matrix meets all rows
        m, many = m * many, 1
    return (f"{many} of " if many > 1 else "") + f"{m} x {n} x {k}"
