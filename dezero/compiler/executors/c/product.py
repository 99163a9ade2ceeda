"""Matrix products: calls of the product in C, or of the BLAS library that NumPy has loaded.

The product in C knows nothing of narrow and very large matrices; those are BLAS's. Small ones have
functions of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from ...planning.layout import side
from ...planning.simplify import scale
from ...tracing.tape import Node
from .small import Small

LEAST = 1 << 18  # products of numbers, from which copying operands pays
LEAST_TRANSPOSED = 1 << 16  # where B is transposed: BLAS is slow at that
LEAST_ROWS = 28
SMALL = 1 << 17  # products of numbers, up to which a function of its own pays
NARROWEST = 8  # rows, columns and terms of such
WHOLE = {"float": 16, "double": 8}  # columns of the widest vector
SHORT = 16  # terms, up to which turning B pays
MOST = 1 << 22  # bytes of B: what does not fit the cache
FULL = 0.85  # of the panels that the columns fill
QUANTUM = {"float": 32, "double": 16}  # columns of a panel at most
Sides = tuple[int, int]  # 112 if BLAS reads it transposed, else 111, and its leading size


@dataclass(frozen=True)
class Product:
    """A call for each matrix of a batch: C += or = alpha A B.

    Attributes:
        text: C that does the part from lo to hi of `extent`; A, B and C are pointers.
        extent: How many parts there are.
        quantum: How many of them stay together.
        own: Whether it calls the product in C for any size.
        small: What does it all instead, if it is small.
    """

    text: str
    extent: int
    quantum: int
    own: bool = False
    small: Small | None = None


def product(node: Node, a: Any, b: Any, c: Any) -> Product | None:
    """The call for matrices of these shapes and strides, or None if BLAS can't read them."""
    if not (a.dtype == b.dtype == c.dtype) or str(c.dtype) not in ("float32", "float64"):
        return None
    if not c.size or not a.shape[-1]:
        return None
    a = a[np.newaxis] if a.ndim == 1 else a
    b = b[:, np.newaxis] if b.ndim == 1 else b
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    m, n, k = a.shape[-2], b.shape[-1], a.shape[-1]
    c = reshaped(c, (*batch, m, n))
    found = [side(x) for x in (a, b, c) if x is not None]
    sides = [pair for pair in found if pair is not None]
    if len(sides) < 3 or sides[2][0] != 111:
        return None
    kind = "float" if c.dtype == np.float32 else "double"
    call = Call(node, kind, sides[0], sides[1], sides[2], m, n, k)
    steps = [batch_steps(x, batch) for x in (a, b, c)]
    if prod(batch) == 1 or flat(call, a, b, c, steps, batch):
        return single(call, m * prod(batch))
    return many(call, steps, batch)


@dataclass(frozen=True)
class Call:
    """A call of gemm."""

    node: Node
    kind: str
    a: Sides
    b: Sides
    c: Sides
    m: int
    n: int
    k: int

    @property
    def adds(self) -> int:
        """Whether the product is added to what is there."""
        return int(len(self.node.ins) > 2)

    def is_own(self, m: int) -> bool:
        """Whether the product in C is to compute it, with so many rows."""
        width = QUANTUM[self.kind]
        least = LEAST if self.b[0] == 111 else LEAST_TRANSPOSED
        few = m < LEAST_ROWS or m * self.n * self.k < least
        narrow = self.n < FULL * -(-self.n // width) * width
        return not few and not narrow and self.n * self.k * (128 // width) <= MOST

    def small(self, m: int) -> Small | None:
        """A function for the product alone, with so many rows, if that is quicker than BLAS."""
        if m * self.n * self.k > SMALL or min(m, self.n, self.k) < NARROWEST:
            return None
        whole = self.b[0] == 111 and self.n % WHOLE[self.kind] == 0
        if not whole and (self.b[0] == 111 or self.a[0] == 112 or self.k > SHORT):
            return None
        a, b = (order(row, kind) for kind, row in (self.a, self.b))
        alpha = scale(self.node).alpha
        return Small(self.kind, (m, self.n, self.k), a, b, self.c[1], alpha, bool(self.adds))

    def own(self, m: int, lo: str, hi: str, a: str = "", b: str = "", c: str = "") -> str:
        """The statement for the rows, or the columns where they are more, from lo to hi."""
        steps = [pair for kind, row in (self.a, self.b) for pair in order(row, kind)]
        sizes = [m, self.n, self.k, *steps, self.c[1], self.adds, int(m > self.n)]
        return (
            f"multiply_{self.kind}({lo}, {hi}, (const int64_t[]){{{', '.join(map(str, sizes))}}}, "
            f"{scale(self.node).alpha.hex()}, A{a}, B{b}, C{c});"
        )

    def text(self, m: Any, n: Any, a: str, b: str, c: str) -> str:
        """The statement for BLAS, for m rows and n columns from these offsets on."""
        alpha = f"({self.kind}){scale(self.node).alpha.hex()}"
        return (
            f"gemm_{self.kind}(101, {self.a[0]}, {self.b[0]}, {m}, {n}, {self.k}, {alpha}, "
            f"A{a}, {self.a[1]}, B{b}, {self.b[1]}, {self.adds}, C{c}, {self.c[1]});"
        )


def order(row: int, kind: int) -> tuple[int, int]:
    """The steps of an operand along its rows and columns, from how BLAS reads it."""
    return (row, 1) if kind == 111 else (1, row)


def single(call: Call, m: int) -> Product:
    """One product, divided by rows or by columns; one that is small is not worth it."""
    small = call.small(m)
    if small is not None:
        return Product("", 1, 1, small=small)
    if call.is_own(m):
        text = f"if (hi > lo) {call.own(m, 'lo', 'hi')}"
        if m > call.n:
            return Product(text, m, LEAST_ROWS, own=True)
        return Product(text, call.n, QUANTUM[call.kind], own=True)
    if m >= call.n:
        a = "lo" if call.a[0] == 112 else f"lo * {call.a[1]}"
        text = call.text("hi - lo", call.n, f" + {a}", "", f" + lo * {call.c[1]}")
        return Product(f"if (hi > lo) {text}", m, quantum(m))
    b = "lo" if call.b[0] == 111 else f"lo * {call.b[1]}"
    text = call.text(m, "hi - lo", "", f" + {b}", " + lo")
    return Product(f"if (hi > lo) {text}", call.n, quantum(call.n))


def quantum(size: int) -> int:
    """How many rows or columns stay together: whole vectors."""
    return 16 if size >= 64 else min(4, size)


def many(call: Call, steps: list[tuple[int, ...]], batch: tuple[int, ...]) -> Product:
    """A product for each matrix of a batch."""
    rest = 1
    index: list[str] = []
    for size in reversed(batch):
        index.insert(0, f"z / {rest} % {size}" if rest > 1 else f"z % {size}")
        rest *= size
    offsets = [
        "".join(f" + {i} * {s}" for i, s in zip(index, step, strict=True) if s) for step in steps
    ]
    own = call.is_own(call.m)
    if own:
        text = call.own(call.m, "0", str(max(call.m, call.n)), *offsets)
    else:
        text = call.text(call.m, call.n, *offsets)
    loop = f"for (int64_t z = lo; z < hi; z++) {text}"
    return Product(loop, prod(batch), 1, own)


def flat(
    call: Call, a: Any, b: Any, c: Any, steps: list[tuple[int, ...]], batch: tuple[int, ...]
) -> bool:
    """Whether a batch of products with one B is one product with more rows."""
    if call.a[0] != 111 or any(steps[1]):
        return False
    rows_a, rows_c = call.a[1] * call.m, call.c[1] * call.m
    for d in reversed(range(len(batch))):
        if batch[d] > 1 and (steps[0][d] != rows_a or steps[2][d] != rows_c):
            return False
        rows_a, rows_c = rows_a * batch[d], rows_c * batch[d]
    return True


def batch_steps(x: Any, batch: tuple[int, ...]) -> tuple[int, ...]:
    """The steps, in elements, from one matrix to the next along each axis of the batch."""
    missing = len(batch) - (x.ndim - 2)
    steps = [s // x.itemsize if n > 1 else 0 for s, n in zip(x.strides, x.shape, strict=True)]
    return (*[0] * missing, *steps[:-2])


def reshaped(x: Any, shape: tuple[int, ...]) -> Any:
    """The array in a shape, without moving anything; None if that can't be."""
    try:
        return np.reshape(x, shape, copy=False)
    except ValueError:
        return None
