"""The C executor: pieces of the schedule as native functions, NumPy for the rest."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from ...planning.fuse import Group, fused, stored
from ...planning.plan import Plan
from ...trace import Trace
from ...tracing.tape import Node
from ..numpy import Executor, Stale, Step, numpy_step
from .blas import gemm
from .functions import PREAMBLE
from .loops import Generator
from .toolchain import library

GEMM = """typedef void (*gemm_{0}_t)(int, int, int, {1}, {1}, {1}, {0}, const {0} *, {1},
    const {0} *, {1}, {0}, {0} *, {1});
static gemm_{0}_t gemm_{0};
"""
SETUP = """void setup(void *single, void *twice) {
    gemm_float = (gemm_float_t)single;
    gemm_double = (gemm_double_t)twice;
}
"""


class CExecutor(Executor):
    """Runs loops, matrix products and indexed rows in C.

    Raises:
        NoCompiler: There is no C compiler that works.
    """

    name = "C"

    def __init__(self, trace: Trace, plan: Plan, bound: dict[int, Any]) -> None:
        super().__init__(trace, plan, bound)
        self.build()

    def groups(self) -> list[list[int]]:
        """The fused loops in order; those that write over the state come last."""
        kept = {*self.trace.outputs, *[guard.node for guard in self.guards]}
        self.fused = fused(self.plan)
        self.stored = stored(self.plan, self.fused, kept)
        home = {i: group.index for group in self.fused for i in group.members}
        self.over = written_over(self, home)
        final = {home[i] for i in self.over}
        self.ordinary = [group for group in self.fused if group.index not in final]
        self.final = [group for group in self.fused if group.index in final]
        return [group.members for group in (*self.ordinary, *self.final)]

    def written(self, group: list[int]) -> list[int]:
        """The results of a group that leave it for the arena."""
        return [i for i in group if i in self.stored and i not in self.over]

    def place(self, node: Node) -> Any:
        """The array of a node: that of the state where the node is written over it."""
        return self.bound[self.over[node.id]] if node.id in self.over else super().place(node)

    def emit(self, group: list[int]) -> None:
        """Nothing yet: `build` does it when every array has its place."""

    def build(self) -> None:
        """Write the C of all groups, compile it, and make the program of calls."""
        addresses, bits = gemm() or ({}, 0)
        over = {i: self.slots[k] for i, k in self.over.items()}
        writer = Generator(self.nodes, self.arrays, self.stored, bits, over)
        self.outside: list[str] = []
        functions: list[str] = []
        ordinary = self.pieces(writer, self.ordinary, functions)
        final = self.pieces(writer, self.final, functions)
        kinds = [GEMM.format(kind, f"int{bits or 64}_t") for kind in ("float", "double")]
        self.source = PREAMBLE + "".join(kinds) + SETUP + "".join(functions)
        loaded = library(self.source) if functions else None
        self.bad = np.zeros(1, np.int64)
        self.table = (ctypes.c_void_p * max(1, len(writer.table)))()
        for i, k in writer.table.items():
            self.table[k] = self.arrays[i].ctypes.data
        if loaded is not None:
            loaded.setup(*[ctypes.c_void_p(addresses.get(k)) for k in ("float", "double")])
        self.program = self.steps(loaded, ordinary)
        self.ending = self.steps(loaded, final)

    def pieces(
        self, writer: Generator, groups: list[Group], functions: list[str]
    ) -> list[str | list[int]]:
        """What to call, in order: C functions by name, or nodes that NumPy computes."""
        calls: list[str | list[int]] = []
        pending: list[str] = []
        for group in groups:
            if not any(i in self.stored for i in group.members):
                continue
            text = code(writer, group)
            if text is not None:
                pending.append(text)
                continue
            if pending:
                calls.append(function(functions, pending))
                pending = []
            calls.append(group.members)
            self.outside += [self.nodes[i].op or self.nodes[i].kind for i in group.members]
        if pending:
            calls.append(function(functions, pending))
        return calls

    def steps(self, loaded: Any, calls: list[str | list[int]]) -> list[Step]:
        """The calls as steps of a program."""
        steps: list[Step] = []
        for call in calls:
            if isinstance(call, str):
                native = Native(getattr(loaded, call), self.table, self.bad.ctypes.data)
                steps.append((native, (), None))
            else:
                found = [numpy_step(self, self.nodes[i]) for i in call]
                steps += [step for step in found if step is not None]
        return steps

    def run(self, values: Any) -> int:
        """As the NumPy executor; then the state is written over, when nothing can fail any more.

        An index out of range is an error that the eager run will name.
        """
        self.bad[0] = 0
        failed = super().run(values)
        if self.bad[0]:
            raise Stale("an index is out of range")
        if failed < 0:
            for native, _, _ in self.ending:
                native(out=None)
        return failed


def written_over(executor: CExecutor, home: dict[int, int]) -> dict[int, int]:
    """Results that may be written over the state that they replace: node and slot.

    Only where nothing else reads the result, the guards do not depend on its loop, and the old
    state is read by loops that run before, or by the same one at the same place.
    """
    plan, nodes, trace = executor.plan, executor.nodes, executor.trace
    operands = {g.index: [j for i in g.members for j in nodes[i].ins] for g in executor.fused}
    reads = {k: {plan.roots[j] for j in js} for k, js in operands.items()}
    guarded = {plan.roots[guard.node] for guard in executor.guards}
    free = {
        g.index
        for g in executor.fused
        if g.domain is not None
        and not guarded.intersection(g.members)
        and not any(reads[k].intersection(g.members) for k in reads if k != g.index)
    }
    found: dict[int, int] = {}
    for effect in trace.effects:
        if effect[0] == "write":
            slot, i = trace.slots.index(effect[1]), trace.outputs[effect[2]]
            x: Any = executor.bound.get(slot)
            node = nodes[i]
            fits = x is not None and x.flags.writeable and node.kind not in ("view", "reduce")
            if fits and home.get(i) in free and (x.shape, x.dtype) == (node.shape, node.dtype):
                found[i] = slot
    final = {home[i] for i in found}
    returned = {plan.roots[i] for i in trace.outputs}

    def safe(i: int, old: int) -> bool:
        others = any(old in reads[k] for k in final if k != home[i])
        shifted = any(plan.roots[j] == old != j for j in operands[home[i]])
        return not others and not shifted and old not in returned

    return {i: slot for i, slot in found.items() if safe(i, executor.slots[slot])}


class Native:
    """A C function with its arguments, to be called like a step of the NumPy executor."""

    def __init__(self, function: Any, table: Any, bad: int) -> None:
        function.restype = None
        self.function = function
        self.arguments = (ctypes.cast(table, ctypes.c_void_p), ctypes.c_void_p(bad))

    def __call__(self, out: Any) -> None:
        self.function(*self.arguments)


def code(writer: Generator, group: Group) -> str | None:
    """The C of a group, or None where NumPy has to compute it."""
    if group.domain is not None:
        return writer.loop(group)
    node = writer.nodes[group.members[0]]
    return writer.product(node) if node.kind == "matmul" else writer.rows(node)


def function(functions: list[str], pieces: list[str]) -> str:
    """Add a C function of some pieces; its name."""
    name = f"piece{len(functions)}"
    functions.append(f"\nvoid {name}(void **t, int64_t *bad) {{\n{''.join(pieces)}}}\n")
    return name
