"""The NumPy executor: the plan as a list of NumPy calls that write into the arena.

It is the reference, and what every node falls back to that the C executor does not cover.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from ..planning.plan import ALIGNMENT, Plan, lay_out
from ..trace import Trace
from ..tracing.tape import Call, Node, Ref, View

Step = tuple[Callable[..., Any], tuple[Any, ...], Any]  # function(*args, out=the third)


class Stale(Exception):
    """A result has not the shape that it had in the traced run: the tape does not hold."""


class Executor:
    """Runs the plan of a trace.

    Args:
        trace: What to run.
        plan: Its plan.
        bound: The state arrays, by slot, that are used where they are; the others are copied.
    """

    name = "NumPy"

    def __init__(self, trace: Trace, plan: Plan, bound: dict[int, Any]) -> None:
        self.trace = trace
        self.plan = plan
        self.nodes = plan.nodes
        self.slots: dict[int, int] = {n.attr: n.id for n in self.nodes if n.kind == "slot"}
        self.bound = bound
        self.guards = trace.tape.guards
        kept = [*trace.outputs, *[guard.node for guard in self.guards]]
        self.schedule: list[list[int]] = self.groups()
        lay_out(plan, [(self.written(g), self.read(g)) for g in self.schedule], kept)
        self.memory = np.zeros(plan.arena + ALIGNMENT, np.uint8)
        self.start = -self.memory.ctypes.data % ALIGNMENT
        self.arrays: dict[int, Any] = {}
        for i in plan.order:
            self.arrays[i] = self.place(self.nodes[i])
        self.program: list[Step] = []
        for group in self.schedule:
            self.emit(group)
        self.copied = [
            (k, self.arrays[i])
            for k, i in self.slots.items()
            if i in self.arrays and k not in bound
        ]
        self.outputs = [self.arrays[i] for i in trace.outputs]
        self.checks = [(guard, self.arrays[guard.node]) for guard in self.guards]

    def groups(self) -> list[list[int]]:
        """The schedule: nodes that are computed together, in order. Here each by itself."""
        plan = self.plan
        computed = [i for i in plan.order if plan.roots[i] == i]
        return [[i] for i in computed if self.nodes[i].kind not in ("slot", "const")]

    def written(self, group: list[int]) -> list[int]:
        """The nodes of a group that need memory; slots that are copied are there from the start."""
        return group

    def read(self, group: list[int]) -> list[int]:
        """The nodes that a group reads."""
        return [j for i in group for j in self.nodes[i].ins]

    def place(self, node: Node) -> Any:
        """The array of a node."""
        if node.kind == "slot":
            if node.attr in self.bound:
                return self.bound[node.attr]
            return np.empty(node.shape, node.dtype)
        if node.kind == "const":
            return node.attr
        if node.kind == "view" and node.id not in self.plan.copies:
            return node.attr.function(self.arrays[node.ins[0]])
        if node.id not in self.plan.offsets:  # never leaves its kernel
            return np.empty(0, node.dtype)
        first = self.start + self.plan.offsets[node.id]
        last = first + int(np.prod(node.shape, dtype=np.int64)) * node.dtype.itemsize
        return self.memory[first:last].view(node.dtype).reshape(node.shape)

    def emit(self, group: list[int]) -> None:
        """Add the steps that compute a group."""
        for i in group:
            step = numpy_step(self, self.nodes[i])
            if step is not None:
                self.program.append(step)

    def load(self, values: Sequence[Any]) -> None:
        """Copy the slots' arrays (or numbers) that are not used in place."""
        for k, buffer in self.copied:
            buffer[...] = values[k]

    def run(self, values: Sequence[Any]) -> int:
        """Compute everything; the number of the first guard that does not hold, or -1."""
        self.load(values)
        for function, args, out in self.program:
            function(*args, out=out)
        for k, (guard, array) in enumerate(self.checks):
            if not guard.holds(array):
                return k
        return -1


def numpy_step(executor: Executor, node: Node) -> Step | None:
    """The call that computes a node into its array."""
    out = executor.arrays[node.id]
    ins = tuple([executor.arrays[j] for j in node.ins])
    if node.kind == "ufunc":
        return getattr(np, node.op), ins, out
    if node.kind == "view":
        return copy_view, (node.attr.function, *ins), out
    if node.kind == "cast":
        return convert, ins, out
    if node.kind == "where":
        return choose, ins, out
    if node.kind == "reduce":
        reduce = partial(getattr(np, node.op).reduce, keepdims=True)
        return reduce, (ins[0], node.attr, node.dtype), out
    if node.kind == "matmul":
        return np.matmul, ins, out
    if node.kind == "set":
        return write_at, (node.attr, ins), out
    if node.kind == "at":
        return add_at, (getattr(np, node.op), node.attr, ins), out
    return call_step(executor, node, ins)


def call_step(executor: Executor, node: Node, ins: tuple[Any, ...]) -> Step | None:
    """The call of a function as it is, once for all of its results."""
    number, _, call = node.attr
    results = [
        n
        for n in executor.nodes
        if n.kind == "call" and n.attr[0] == number and n.id in executor.arrays
    ]
    if node.id != results[0].id:
        return None
    outs = [(n.attr[1], executor.arrays[n.id]) for n in results]
    return run_call, (call, ins), outs


def convert(x: Any, out: Any) -> None:
    """Out = x in out's dtype."""
    np.copyto(out, x, casting="unsafe")


def copy_view(function: Callable[[Any], Any], x: Any, out: Any) -> None:
    """Out = a view of x that can only be had as a copy."""
    np.copyto(out, function(x))


def choose(condition: Any, a: Any, b: Any, out: Any) -> None:
    """Out = np.where(condition, a, b)."""
    np.copyto(out, b)
    np.copyto(out, a, where=condition)


def filled(template: Any, ins: tuple[Any, ...]) -> Any:
    """Recorded arguments with the arrays in place of the Refs."""
    if isinstance(template, Ref):
        return ins[template.position]
    if isinstance(template, tuple | list):
        return type(template)([filled(e, ins) for e in template])
    if isinstance(template, dict):
        return {k: filled(v, ins) for k, v in template.items()}
    return template


def write_at(where: Any, ins: tuple[Any, ...], out: Any) -> None:
    """Out = ins[0], but for ins[1] at an index or in a view."""
    np.copyto(out, ins[0])
    if isinstance(where, View):
        where.function(out)[...] = ins[1]
    else:
        out[filled(where, ins)] = ins[1]


def add_at(ufunc: Any, where: Any, ins: tuple[Any, ...], out: Any) -> None:
    """Out = ins[0] after ufunc.at(index, ins[1])."""
    np.copyto(out, ins[0])
    ufunc.at(out, filled(where, ins), ins[1])


def run_call(call: Call, ins: tuple[Any, ...], out: list[tuple[int, Any]]) -> None:
    """Call the function and copy its results, which must have the shapes that they had."""
    results = call.function(*filled(call.args, ins), **filled(call.kwargs, ins))
    results = results if isinstance(results, tuple | list) else (results,)
    for k, array in out:
        result = np.asarray(results[k])
        if result.shape != array.shape or result.dtype != array.dtype:
            raise Stale(f"{call.name} gave {result.shape} {result.dtype}")
        np.copyto(array, result)
