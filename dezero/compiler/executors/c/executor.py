"""The C executor: the nests of a schedule as native functions, NumPy for the rest."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np

from ....arrays import random
from ...planning.fuse import Nest
from ...planning.layout import node_bytes
from ...planning.memory import rounded
from ...planning.plan import Plan, is_aligned, kept_roots, lendable
from ...trace import Trace
from ...tracing.tape import Guard
from ..loans import Renewed, Turn, made
from ..numpy import Executor, Stale
from . import gemm
from .blas import blas
from .functions import PREAMBLE
from .kernels import Kernels
from .pieces import Writer
from .program import Piece, body
from .runtime import UNIT, address, most_threads, runtime
from .toolchain import NoCompiler, Unit, begin, built
from .vectors import FLAGS

WORTH = 1_200_000  # of a program's cost, in about a nanosecond's eighth: less runs on one thread
LARGE = 1 << 16  # bytes of a gradient that has one array only
SETUP = """typedef void (*stage_t)(int64_t, int64_t, void *const *, char *);
typedef void (*gemm_float_t)(int, int, int, {0}, {0}, {0}, float, const float *, {0},
    const float *, {0}, float, float *, {0});
typedef void (*gemm_double_t)(int, int, int, {0}, {0}, {0}, double, const double *, {0},
    const double *, {0}, double, double *, {0});
typedef void (*multiply_float_t)(int64_t, int64_t, const int64_t *, double, const float *,
    const float *, float *);
typedef void (*multiply_double_t)(int64_t, int64_t, const int64_t *, double, const double *,
    const double *, double *);
static gemm_float_t gemm_float;
static gemm_double_t gemm_double;
static multiply_float_t multiply_float;
static multiply_double_t multiply_double;
static void (*barrier)(int64_t);
void setup(void *single, void *twice, void *own_single, void *own_twice, void *wait) {{
    gemm_float = (gemm_float_t)single;
    gemm_double = (gemm_double_t)twice;
    multiply_float = (multiply_float_t)own_single;
    multiply_double = (multiply_double_t)own_twice;
    barrier = (void (*)(int64_t))wait;
}}
"""


class CExecutor(Executor):
    """Runs nests, matrix products, convolutions and indexed rows in C.

    Attributes:
        source: The C.
        outside: What NumPy computes in between.
        threads: How many work at it.
    """

    name = "C"
    native = True
    stamp = ""  # what notes the time between pieces: see `program.body`
    turn: NativeTurn
    other: NativeTurn

    def __init__(self, trace: Trace, plan: Plan, bound: dict[int, Any]) -> None:
        self.most = most_threads()
        self.blas = blas()
        super().__init__(trace, plan, bound)

    def prepare(self) -> None:
        """Give every result its place, and every nest what it works with."""
        self.kernels = Kernels(self.schedule.fusion)
        scratch = {}
        for nest in self.schedule.nests:
            needs = self.kernels.scratch(nest, self.most)
            scratch[nest.index] = needs or sums_of(nest, self.nodes) * self.most
        self.writer = Writer(self.schedule, self.kernels, bool(self.blas))
        self.find_outside()
        found = lendable(self.trace, self.plan, self.schedule)
        self.lent = {k: root for k, root in found.items() if root not in self.touched}
        kept = kept_roots(self.trace, self.schedule)
        self.schedule.allocate(kept, scratch, set(self.lent.values()))
        self.settled = self.first_settled()
        self.renewed = self.renewable()

    def find_outside(self) -> None:
        """What NumPy computes in between, and the roots that it reads or writes."""
        roots = self.layout.roots
        self.outside: list[str] = []
        self.touched: set[int] = set()
        for nest in self.schedule.ordinary:
            if not self.writer.writes(nest):
                for node in [self.nodes[i] for i in nest.members]:
                    self.touched |= {node.id, *[roots[j] for j in node.ins]}
                    self.outside.append(node.op or node.kind)

    def build(self) -> None:
        """Write the C of all nests, and let it be compiled."""
        bodies: list[str] = []
        self.calls_in_order = self.sequence(bodies)
        bits = self.blas.bits if self.blas else 64
        setup = SETUP.format(f"int{bits}_t")
        self.source = "".join([PREAMBLE, setup, self.writer.program.source(), *bodies])
        self.units: list[Unit] = [(self.source, self.kernels.flags())] if bodies else []
        self.brief = self.writer.cost < WORTH
        self.threads = 1 if self.brief else self.most

    @staticmethod
    def expect() -> None:
        """Let the compiler begin with what every program calls, unless it has been compiled."""
        with suppress(NoCompiler):
            begin([UNIT])

    def complete(self) -> None:
        """Load what has been compiled, and make the program of calls."""
        kernels, products = self.kernels.sources(), sorted(self.writer.multiplied)
        units = [UNIT, *self.units]
        units += [(text, FLAGS) for text in (*kernels, *map(gemm.source, products))]
        units += [("".join(self.writer.small.values()), FLAGS)] if self.writer.small else []
        _, *loaded = built(units)
        self.runtime = runtime()
        self.loaded = loaded.pop(0) if self.units else None
        self.products = loaded.pop() if self.writer.small else None
        self.link(self.loaded, dict(zip(products, loaded[len(kernels) :], strict=True)))
        self.fill(loaded[: len(kernels)])
        self.prepare_loading()
        super().complete()
        for gradient in self.renewed.values():
            gradient.alone = gradient.count()

    def sequence(self, bodies: list[str]) -> list[str | Nest]:
        """What to call, in order: C functions by name, or nests that NumPy computes.

        The guards are checked as soon as nothing else can fail any more, and before the state is
        written over, which the last of the functions does.
        """
        calls: list[str | Nest] = []
        pending: list[Piece] = []

        def close() -> None:
            if pending:
                name = f"body{len(bodies)}"
                bodies.append(body(name, pending, self.most, self.stamp))
                calls.append(name)
                pending.clear()

        for number, nest in enumerate(self.schedule.nests):
            if number == self.settled:
                pending += self.writer.checks(self.guards)
            if self.writer.writes(nest):
                pending += self.writer.pieces(nest)
            else:
                close()
                calls.append(nest)
        if self.settled == len(self.schedule.nests):
            pending += self.writer.checks(self.guards)
        close()
        return calls

    def first_settled(self) -> int:
        """The number of the first nest that can't fail, nor any after it, if the guards hold."""
        roots, home = self.layout.roots, self.schedule.fusion.home
        guards = {home.get(roots[guard.node]) for guard in self.guards}
        known: set[tuple[int, int]] = set()
        first = 0
        for number, nest in enumerate(self.schedule.ordinary, 1):
            checked = self.writer.checked(nest)
            if nest.index in guards or not checked <= known or not self.writer.writes(nest):
                first = number
            known |= checked
        return first

    def renewable(self) -> dict[int, Renewed]:
        """The gradients that are written when nothing can fail any more."""
        nests, nodes = self.schedule.nests[self.settled :], self.nodes
        late = {i for nest in nests for i in nest.members}
        return {
            k: Renewed(self.layout.dummies[self.trace.outputs[k]], gradient)
            for k, gradient in self.plan.gradients.items()
            if self.lent.get(k) in late and node_bytes(nodes[self.lent[k]]) >= LARGE
        }

    def link(self, loaded: Any, products: dict[str, Any]) -> None:
        """Tell a library where the functions are that it calls."""
        kinds = "float", "double"
        theirs = [self.blas.gemm[kind] if self.blas else 0 for kind in kinds]
        own = [getattr(products.get(kind), f"multiply_{kind}", None) for kind in kinds]
        if loaded is not None:
            found = [*theirs, *[f and address(f) for f in own], self.runtime.barrier_at]
            loaded.setup(*map(ctypes.c_void_p, found))

    def fill(self, kernels: list[Any]) -> None:
        """Make the table of addresses that the programs find everything by."""
        self.table = (ctypes.c_void_p * (2 + len(self.writer.table)))()
        self.table[0] = self.memory.ctypes.data + self.start
        self.table[1] = self.flags.buffer_info()[0]
        own = set(self.lent.values())
        self.words = np.zeros(max(1, len(self.writer.draws)), np.uint64)
        named = self.named(kernels)
        for key, k in self.writer.table.items():
            if isinstance(key, str):
                self.table[k] = named[key]
            elif key not in own:
                self.table[k] = self.expected(key).ctypes.data

    def named(self, kernels: list[Any]) -> dict[str, int]:
        """The addresses of what has a name in the table: functions, and random words."""
        words = self.words.ctypes.data
        found = {f"draw{k}": words + 8 * k for k in range(len(self.writer.draws))}
        found |= {name: address(getattr(self.products, name)) for name in self.writer.small}
        return self.kernels.addresses(kernels) | found

    def expected(self, key: int) -> Any:
        """The array of a slot or a constant, or what a guard (-1 - its number) has seen."""
        if key >= 0:
            return self.array(key)
        guard: Guard = self.guards[-1 - key]
        node = self.nodes[guard.node]
        value = np.ascontiguousarray(guard.value, node.dtype)
        return self.arrays.setdefault(key, value)

    def made_turn(self, outputs: list[Any], given: dict[int, Any]) -> NativeTurn:
        """What every second run hands out, with a program that writes into it."""
        places = {k: self.writer.table[root] for k, root in self.lent.items()}
        given = {k: x for k, x in given.items() if k not in self.renewed}
        outputs = [self.renewed[k].array if k in self.renewed else x for k, x in enumerate(outputs)]
        turn = NativeTurn(outputs, given, self.table, places)
        turn.stages = self.linked(turn.table)
        return turn

    def linked(self, table: Any) -> list[Callable[[], Any]]:
        """The calls as functions without arguments: those in C are run by all threads."""
        stages: list[Callable[[], Any]] = []
        for call in self.calls_in_order:
            if isinstance(call, str):
                program = getattr(self.loaded, call)
                stages.append(self.runtime.job(program, table, self.threads, self.brief))
            else:
                stages += [partial(f, *args, out=out) for f, args, out in self.nest_steps(call)]
        return stages

    def prepare_loading(self) -> None:
        """Find out how each slot that is not used in place gets to where it is read."""
        live, roots = set(self.layout.order), self.layout.roots
        same = self.touched | {roots[i] for i in self.trace.outputs}
        self.kept = [
            (k, self.array(self.trace.outputs[k])) for k in self.plan.given if k not in self.lent
        ]
        self.pointed: list[tuple[int, int, Any]] = []  # slots whose array is pointed to
        self.copied = []
        for k, i in self.slots.items():
            if i not in live or k in self.bound:
                continue
            index = self.writer.table.get(i)
            array = self.array(i)
            if index is not None and i not in same and array.ndim:
                self.pointed.append((k, index, array))
            else:
                self.copied.append((k, array))

    def run(self, values: Any) -> int:
        """As the NumPy executor does; an index out of range is for the eager run to name."""
        turn = self.other
        self.turn, self.other = turn, self.turn
        turn.take()
        if self.renewed:
            self.renew(values)
        if self.copied:
            self.load(values)
        if self.pointed:
            self.point(values, turn.table)
        if self.writer.draws:
            self.draw()
        for stage in turn.stages:
            stage()
        failed = self.flags[0]
        if failed:
            if failed < 0:
                raise Stale("an index is out of range")
            return failed - 1
        if self.kept:
            self.finish()
        return -1

    def renew(self, values: Any) -> None:
        """See to it that nobody has the gradients' arrays but what the run replaces."""
        for k, gradient in self.renewed.items():
            if not gradient.is_free(values):
                gradient.array = made(gradient.array)
                for turn in (self.turn, self.other):
                    turn.outputs[k] = gradient.array
                    turn.replaced(k)

    def point(self, values: Any, table: Any) -> None:
        """Point to arrays where they are, if they can be read there."""
        for k, index, array in self.pointed:
            x = values[k]
            if not is_aligned(x):
                array[...] = x
                x = array
            table[index] = x.__array_interface__["data"][0]  # quicker than x.ctypes.data

    def draw(self) -> None:
        """Reserve the random words of the run."""
        for number, count in enumerate(self.writer.draws):
            key, first = random.reserve(count)
            self.words[number] = (key + (first + 1) * random.STEP) % random.WORD

    def finish(self) -> None:
        """Copy results that are kept to arrays of their own."""
        for k, array in self.kept:
            self.turn.outputs[k][...] = array


class NativeTurn(Turn):
    """What every second run hands out, and a program that writes right into it.

    Args:
        outputs: As for a `Turn`.
        given: As for a `Turn`.
        table: The addresses that a program finds everything by.
        places: Where in it are those of outputs that it writes right into.
    """

    stages: list[Callable[[], Any]]

    def __init__(
        self, outputs: list[Any], given: dict[int, Any], table: Any, places: dict[int, int]
    ) -> None:
        super().__init__(outputs, given)
        self.table = type(table).from_buffer_copy(table)
        self.places = places
        for k in places:
            self.replaced(k)

    def replaced(self, k: int) -> None:
        """Take note of the new address."""
        if k in self.places:
            self.table[self.places[k]] = self.outputs[k].ctypes.data


def sums_of(nest: Nest, nodes: Any) -> int:
    """Bytes in which one thread collects a nest's sums."""
    sizes = [int(np.prod(nodes[i].shape)) for i in nest.members if nest.levels.get(i) == "sum"]
    return sum(rounded(size * 8) for size in sizes)
