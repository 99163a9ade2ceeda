"""The NumPy executor: the plan as a list of NumPy calls that write into the arena.

It is the reference, and what every node falls back to that the C executor does not cover.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ..interrupts import uninterrupted
from ..planning.fuse import Nest
from ..planning.layout import address, called, same_place
from ..planning.memory import ALIGNMENT
from ..planning.plan import Plan, kept_roots, scheduled
from ..planning.simplify import scale
from ..trace import Trace
from ..tracing.tape import Call, Node, Ref, View
from .loans import Turn

PIECE = 1 << 15  # elements that are worked on at a time
Step = tuple[Callable[..., Any], tuple[Any, ...], Any]  # function(*args, out=the third)


class Stale(Exception):
    """A result has not the shape that it had in the traced run: the tape does not hold."""


class Executor:
    """Runs the plan of a trace.

    Args:
        trace: What to run.
        plan: Its plan.
        bound: The state arrays, by slot, that are used where they are; the others are copied.

    Attributes:
        flags: To be 0 before a run. The first tells what went wrong; the second is 1 when all
            guards have held: then the state has been written over, or is as good as written over.
        turn: It has the outputs of the last run: those that the plan calls given are the
            program's to keep, the others are valid until the next run.
    """

    name = "NumPy"
    native = False

    def __init__(self, trace: Trace, plan: Plan, bound: dict[int, Any]) -> None:
        self.trace = trace
        self.plan = plan
        self.bound = bound
        self.guards = trace.tape.guards
        self.schedule = scheduled(trace, plan, bound, self.native)
        self.nodes = self.schedule.fusion.nodes
        self.layout = self.schedule.fusion.layout
        self.slots = {n.attr: n.id for n in self.nodes if n.kind == "slot"}
        self.arrays: dict[int, Any] = {}
        self.calls: dict[int, list[Node]] = {}  # the results of each call
        for i in self.layout.order:
            if self.nodes[i].kind == "call":
                self.calls.setdefault(self.nodes[i].attr[0], []).append(self.nodes[i])
        self.flags = array("q", [0, 0])
        self.prepare()
        memory = self.schedule.memory
        plan.arena, plan.unshared = memory.arena, memory.unshared
        self.memory = np.zeros(memory.arena + ALIGNMENT, np.uint8)
        self.start = -self.memory.ctypes.data % ALIGNMENT
        self.build()

    @staticmethod
    def expect() -> None:
        """Make a beginning with what every program needs: there is going to be one."""

    def complete(self) -> None:
        """Make what is left to make before the first run.

        Raises:
            NoCompiler: There is no C compiler that works, and it is needed.
            NotReady: It is at work, and `deferred` holds: this is to be called again.
        """
        given = {k: self.layout.dummies[self.trace.outputs[k]] for k in self.plan.given}
        outputs = [None if k in given else self.array(i) for k, i in enumerate(self.trace.outputs)]
        self.turn, self.other = (self.made_turn(outputs, given) for _ in range(2))

    def made_turn(self, outputs: list[Any], given: dict[int, Any]) -> Turn:
        """What every second run hands out."""
        return Turn(outputs, given)

    def prepare(self) -> None:
        """Give every result its place."""
        self.schedule.allocate(kept_roots(self.trace, self.schedule), {}, set())

    def build(self) -> None:
        """Make the program."""
        self.program = [s for nest in self.schedule.ordinary for s in self.nest_steps(nest)]
        self.ending = [s for nest in self.schedule.final for s in self.nest_steps(nest)]
        live = set(self.layout.order)
        self.copied = [
            (k, self.array(i)) for k, i in self.slots.items() if i in live and k not in self.bound
        ]
        self.checks = [(guard, self.array(guard.node)) for guard in self.guards]

    def steps(self, ids: list[int]) -> list[Step]:
        """The calls that compute these nodes."""
        found = [numpy_step(self, self.nodes[i]) for i in ids]
        return [step for step in found if step is not None]

    def nest_steps(self, nest: Nest) -> list[Step]:
        """The calls of a nest; of large arrays piece by piece, so that they stay in the cache."""
        if len(nest.members) == 1 or not nest.loop:
            return self.steps(nest.members)
        steps: list[Step] = []
        buffers = self.buffers(nest)
        for start in range(0, nest.size, PIECE):
            piece = Piece(self, buffers, start, min(start + PIECE, nest.size))
            found = [numpy_step(piece, self.nodes[i]) for i in nest.members]
            steps += [step for step in found if step is not None]
        return steps

    def buffers(self, nest: Nest) -> dict[int, Any]:
        """Memory for a piece of each result that never leaves its nest: little, for the cache."""
        read = {i: {self.layout.roots[j] for j in self.nodes[i].ins} for i in nest.members}
        last = {r: i for i in nest.members for r in read[i]}  # who reads it last
        free: dict[Any, list[Any]] = {}
        found: dict[int, Any] = {}
        for i in nest.members:
            for r in read[i] & found.keys():
                if last[r] == i:
                    free.setdefault(self.nodes[r].dtype, []).append(found[r])
            if self.array(i) is None:
                dtype = self.nodes[i].dtype
                spare = free.get(dtype)
                found[i] = spare.pop() if spare else np.empty(PIECE, dtype)
        return found

    def array(self, i: int) -> Any:
        """The array of a node."""
        if i not in self.arrays:
            self.arrays[i] = self.placed(self.nodes[i])
        return self.arrays[i]

    def placed(self, node: Node) -> Any:
        """The array of a node: a part of the arena, of the state, or one of its own."""
        if node.kind == "const":
            return np.ascontiguousarray(node.attr).reshape(node.shape)
        if node.kind == "slot":
            bound = self.bound.get(node.attr)
            return np.empty(node.shape, node.dtype) if bound is None else bound
        if node.kind == "view" and node.id not in self.layout.copies:
            return node.attr.function(self.array(node.ins[0]))
        memory, dummy = self.schedule.memory, self.layout.dummies[node.id]
        owner = memory.owners.get(node.id)
        if owner is None:  # never leaves its nest
            return None
        if owner not in memory.offsets:
            return self.array(owner)
        start = self.start + memory.offsets[owner] + self.layout.begin(node.id)
        return np.ndarray(dummy.shape, dummy.dtype, self.memory, start, dummy.strides)

    def load(self, values: Sequence[Any]) -> None:
        """Copy the slots' arrays (or numbers) that are not used in place."""
        for k, buffer in self.copied:
            buffer[...] = values[k]

    def run(self, values: Sequence[Any]) -> int:
        """Compute everything; the number of the first guard that does not hold, or -1.

        The state is written over at the end, when nothing can fail any more.
        """
        self.turn, self.other = self.other, self.turn
        self.load(values)
        for function, args, out in self.program:
            function(*args, out=out)
        for k, (guard, seen) in enumerate(self.checks):
            if not guard.holds(seen):
                return k
        turn = self.turn
        turn.take()
        for k in turn.given:
            turn.outputs[k][...] = self.array(self.trace.outputs[k])
        # a warning that is an error must not stop it half way either
        with np.errstate(all="ignore"), uninterrupted() if self.ending else nullcontext():
            for function, args, out in self.ending:
                function(*args, out=out)
            self.flags[1] = 1
        return -1

    def finish(self) -> None:
        """Do what is left to do when a run has been interrupted after it had passed."""


@dataclass(frozen=True)
class Piece:
    """A piece of every array of a nest; what never leaves the nest is in a buffer."""

    executor: Executor
    buffers: dict[int, Any]
    start: int
    stop: int

    @property
    def calls(self) -> dict[int, list[Node]]:
        """The results of each call."""
        return self.executor.calls

    def array(self, i: int) -> Any:
        """The piece of a node's array."""
        x = self.executor.array(i)
        if x is None:
            return self.buffers[i][: self.stop - self.start]
        return x if x.size == 1 else x.reshape(-1)[self.start : self.stop]


def numpy_step(executor: Executor | Piece, node: Node) -> Step | None:
    """The call that computes a node into its array."""
    if node.kind == "empty":
        return None
    out = executor.array(node.id)
    ins = tuple([executor.array(j) for j in node.ins])
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
        plain = node.attr is None
        return (np.matmul, ins, out) if plain else (add_product, (scale(node).alpha, *ins), out)
    if node.kind == "set":
        return None if is_there(node, ins, out) else (write_at, (node.attr, ins), out)
    if node.kind == "at":
        return add_at, (getattr(np, node.op), node.attr, ins), out
    return call_step(executor, node, ins)


def call_step(executor: Executor | Piece, node: Node, ins: tuple[Any, ...]) -> Step | None:
    """The call of a function as it is, once for all of its results."""
    number = node.attr[0]
    results = executor.calls[number]
    if node.id != results[0].id:
        return None
    outs = [(n.attr[1], executor.array(n.id)) for n in results]
    return run_call, (called(node), ins), outs


def convert(x: Any, out: Any) -> None:
    """Out = x in out's dtype."""
    np.copyto(out, x, casting="unsafe")


def add_product(alpha: float, a: Any, b: Any, *added: Any, out: Any) -> None:
    """Out = alpha a @ b, plus what is added: where BLAS can't read the matrices of native code."""
    y = np.matmul(a, b)
    y *= alpha
    np.add(y, added[0] if added else 0, out=out)


def copy_view(function: Callable[[Any], Any], x: Any, out: Any) -> None:
    """Out = a view of x that can only be had as a copy."""
    np.copyto(out, function(x))


def choose(condition: Any, a: Any, b: Any, out: Any) -> None:
    """Out = np.where(condition, a, b)."""
    np.copyto(out, np.where(condition, a, b))


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
    begin(out, ins[0])
    if isinstance(where, View):
        where.function(out)[...] = ins[1]
    else:
        out[filled(where, ins)] = ins[1]


def is_there(node: Node, ins: tuple[Any, ...], out: Any) -> bool:
    """Whether what a node writes lies where it is written, and the rest too."""
    if not isinstance(node.attr, View) or address(ins[0]) != address(out):
        return False
    return same_place(node.attr.function(out), ins[1])


def begin(out: Any, x: Any) -> None:
    """Out = x, unless it lies there already."""
    if address(out) != address(x):
        np.copyto(out, x)


def add_at(ufunc: Any, where: Any, ins: tuple[Any, ...], out: Any) -> None:
    """Out = ins[0] after ufunc.at(index, ins[1])."""
    begin(out, ins[0])
    ufunc.at(out, filled(where, ins), ins[1])


def run_call(call: Call, ins: tuple[Any, ...], out: list[tuple[int, Any]]) -> None:
    """Call the function and copy its results, which must have the shapes that they had."""
    results = call.function(*filled(call.args, ins), **filled(call.kwargs, ins))
    results = results if isinstance(results, tuple | list) else (results,)
    for k, y in out:
        result = np.asarray(results[k])
        if result.shape != y.shape or result.dtype != y.dtype:
            raise Stale(f"{call.name} gave {result.shape} {result.dtype}")
        np.copyto(y, result)
