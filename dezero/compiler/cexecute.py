"""The C executor: pieces of the schedule as native functions, NumPy for the rest."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from .blas import gemm
from .cgen import Generator
from .cmath import PREAMBLE
from .execute import Executor, Stale
from .fuse import Group, fused, stored
from .plan import Plan
from .toolchain import library
from .trace import Trace

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
        """The fused loops, in order."""
        kept = {*self.trace.outputs, *[guard.node for guard in self.guards]}
        self.fused = fused(self.plan, kept)
        self.stored = stored(self.plan, self.fused, kept)
        return [group.members for group in self.fused]

    def written(self, group: list[int]) -> list[int]:
        """The results of a group that leave it."""
        return [i for i in group if i in self.stored]

    def emit(self, group: list[int]) -> None:
        """Nothing yet: `build` does it when every array has its place."""

    def build(self) -> None:
        """Write the C of all groups, compile it, and make the program of calls."""
        found = gemm()
        writer = Generator(self.nodes, self.arrays, self.stored, found[1] if found else 0)
        functions: list[str] = []
        calls: list[str | list[int]] = []  # the name of a C function, or nodes for NumPy
        pending: list[str] = []
        self.outside: list[str] = []
        for group in self.fused:
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
        self.source = self.whole(functions, found[1] if found else 64)
        self.link(writer, calls, found[0] if found else {})

    def whole(self, functions: list[str], bits: int) -> str:
        """The text of the C file."""
        kinds = [GEMM.format(kind, f"int{bits}_t") for kind in ("float", "double")]
        return PREAMBLE + "".join(kinds) + SETUP + "".join(functions)

    def link(self, writer: Generator, calls: list[Any], addresses: dict[str, int]) -> None:
        """Load the compiled file and bind its functions to the arrays."""
        loaded = library(self.source) if any(isinstance(c, str) for c in calls) else None
        self.bad = np.zeros(1, np.int64)
        table = (ctypes.c_void_p * max(1, len(writer.table)))()
        for i, k in writer.table.items():
            table[k] = self.arrays[i].ctypes.data
        self.table = table
        bad = ctypes.c_void_p(self.bad.ctypes.data)
        if loaded is not None:
            loaded.setup(*[ctypes.c_void_p(addresses.get(k)) for k in ("float", "double")])
        for call in calls:
            if isinstance(call, str):
                native = getattr(loaded, call)
                native.restype = None
                self.program.append((Native(native, table, bad), (), None))
            else:
                super().emit(call)

    def run(self, values: Any) -> int:
        """As the NumPy executor; an index out of range is an error that eager will name."""
        self.bad[0] = 0
        failed = super().run(values)
        if self.bad[0]:
            raise Stale("an index is out of range")
        return failed


class Native:
    """A C function with its arguments, to be called like a step of the NumPy executor."""

    def __init__(self, function: Any, table: Any, bad: Any) -> None:
        self.function = function
        self.arguments = (ctypes.cast(table, ctypes.c_void_p), bad)

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
