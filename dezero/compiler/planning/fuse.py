"""Fusion: which elementwise operations and reductions become one loop nest.

The domain of a nest is the common refinement of its members' shapes: a list of sizes such that
every member walks through its own array with a fixed step along each. A nest may have rows, the
innermost sizes that a reduction sums up; inside of it a value then has a level: "element", "row"
(one for each row, which later elements of the same row may read) or "sum" (complete only when
the nest is).

A node joins a nest that computes or reads what it reads, if it reads the nest's own results only
where they have just been computed. Nests run in the order in which they began, and no node joins
one that begins before what the node needs, so none can come to depend on itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from math import prod

from ..tracing.tape import Shape
from .layout import ELEMENTWISE, Layout, node_size, order_of
from .operations import is_loop

Steps = tuple[int, ...]  # elements from one position to the next, along each size of a domain
LONGEST_ROW = 1 << 13  # elements: what a row keeps between its passes must fit the cache
MOST_MEMBERS = 128
MOST_ARRAYS = 24
FLAT = 1 << 15  # elements, from which pieces are worth their calls
SIBLINGS = 4  # nests that read the same, which are tried


@dataclass
class Nest:
    """Nodes that are computed together: one loop nest, or one node of another kind.

    Attributes:
        index: Nests run in the order of these.
        loop: Whether it is a loop nest.
        members: Ids in the order in which they are computed.
        bounds: The products of the domain's sizes from the innermost out: (4, 12) are the
            sizes 4 and 3.
        size: Elements of the domain.
        row: Elements of a row, or 0 without rows.
        levels: For each member what it makes: "element", "row" or "sum".
        walks: For each member what it walks through: "element" or "row".
        arrays: The memory of the arrays that it reads and does not compute itself.
    """

    index: int
    loop: bool
    members: list[int] = field(default_factory=list)
    bounds: tuple[int, ...] = ()
    size: int = 0
    row: int = 0
    levels: dict[int, str] = field(default_factory=dict)
    walks: dict[int, str] = field(default_factory=dict)
    arrays: set[int] = field(default_factory=set)


class Fusion:
    """Sorts the nodes of a layout into nests.

    Args:
        layout: Where everything lies.
        native: Whether native code runs the nests; else only what can be computed piece by piece
            of large arrays is put together.

    Attributes:
        nests: In the order in which they run.
        home: For each computed node the index of its nest.
    """

    def __init__(self, layout: Layout, native: bool) -> None:
        self.layout = layout
        self.native = native
        self.nodes = layout.nodes
        self.nests: list[Nest] = []
        self.home: dict[int, int] = {}
        self.readers: dict[int, list[int]] = {}  # for each root the nests that read it
        self.calls: dict[int, Nest] = {}
        self.known: dict[tuple[int, int], Steps] = {}
        self.frames: dict[int, tuple[tuple[int, ...], Shape]] = {}
        for i in numbers_first(layout):
            if layout.roots[i] == i and self.nodes[i].kind not in ("slot", "const"):
                self.add(i)

    def add(self, i: int) -> None:
        """Put a node into a nest."""
        node = self.nodes[i]
        roots = [self.layout.roots[j] for j in node.ins]
        earliest = max([self.home.get(r, -1) for r in roots], default=-1)
        nest = None
        number = node.attr[0] if node.kind == "call" else None
        if number in self.calls:  # another result of the same call
            nest = self.calls[number]
            nest.members.append(i)
        elif is_loop(node, self.nodes):
            nest = next((n for n in self.candidates(i, roots, earliest) if self.join(i, n)), None)
            if nest is None:
                nest = Nest(len(self.nests), True)
                self.nests.append(nest)
                joined = self.join(i, nest)
                assert joined, node
        else:
            nest = Nest(len(self.nests), False, [i])
            self.nests.append(nest)
            if number is not None:
                self.calls[number] = nest
        self.home[i] = nest.index
        nest.arrays.update(self.outside(i, nest))
        for r in roots:
            found = self.readers.setdefault(r, [])
            if not found or found[-1] != nest.index:
                found.append(nest.index)

    def candidates(self, i: int, roots: list[int], earliest: int) -> list[Nest]:
        """The nests that compute or read what a node reads, the latest first."""
        if not self.native and not self.is_flat(i):
            return []
        found = {self.home[r] for r in roots if r in self.home}
        for r in roots:
            if node_size(self.nodes[r]) > 1:
                found.update(self.readers.get(r, ())[-SIBLINGS:])
        nests = [self.nests[k] for k in sorted(found, reverse=True) if k >= earliest]
        if not self.native:
            nests = [n for n in nests if n.loop and self.is_flat(n.members[0])]
        return [n for n in nests if n.loop and len(n.members) < MOST_MEMBERS]

    def is_flat(self, i: int) -> bool:
        """Whether a node is elementwise on large arrays that all lie alike, and on numbers."""
        node, dummies = self.nodes[i], self.layout.dummies
        return (
            node.kind in ELEMENTWISE
            and node_size(node) >= FLAT
            and dummies[i].flags.c_contiguous
            and all(
                dummies[j].size == 1
                or (dummies[j].shape == node.shape and dummies[j].flags.c_contiguous)
                for j in node.ins
            )
        )

    def join(self, i: int, nest: Nest) -> bool:
        """Add a node to a nest if it fits."""
        node = self.nodes[i]
        axes, shape = self.frame(i)
        size = max(1, node_size(node) if node.kind in ELEMENTWISE else prod(shape))
        row, level = nest.row, "element"
        if nest.size and size != nest.size:
            if not row or size * row != nest.size:
                return False
            level = "row"
        result = level
        if node.kind == "reduce":
            result = "sum"
            width = summed_suffix(shape, [axes.index(a) for a in node.attr])
            if level == "element" and width and row in (0, width):
                row, result = width, "row"
        inner = row if level == "row" else 1
        bounds = refinement(nest.bounds, ends(shape, inner), (row,) if row > 1 else ())
        if bounds is None or not self.reads_in_place(i, nest, level, bounds, row):
            return False
        many = len(nest.arrays) + len(node.ins) > MOST_ARRAYS and nest.members
        if many and len(nest.arrays.union(self.outside(i, nest))) > MOST_ARRAYS:
            return False
        nest.bounds, nest.row = bounds, row
        nest.size = max(nest.size, size)
        nest.members.append(i)
        nest.levels[i] = result
        nest.walks[i] = level
        return True

    def outside(self, i: int, nest: Nest) -> set[int]:
        """The memory of the arrays that a node reads and its nest does not compute."""
        roots = {self.layout.roots[j] for j in self.nodes[i].ins}
        return {r for r in roots if r not in nest.levels and node_size(self.nodes[r]) > 1}

    def reads_in_place(
        self, i: int, nest: Nest, level: str, bounds: tuple[int, ...], row: int
    ) -> bool:
        """Whether a node reads the nest's own results only where they have been computed."""
        for j in self.nodes[i].ins:
            root = self.layout.roots[j]
            if root not in nest.levels:
                continue
            theirs = nest.levels[root]
            if theirs == "sum" or (theirs, level) == ("element", "row"):
                return False
            inner = row if level == "row" else 1
            own = row if nest.walks[root] == "row" else 1
            if self.read_steps(i, j, bounds, inner) != self.read_steps(root, root, bounds, own):
                return False
            if self.start(j) != self.start(root):
                return False
        return True

    def frame(self, i: int) -> tuple[tuple[int, ...], Shape]:
        """The axes of what a node walks through, outermost first, and their sizes."""
        found = self.frames.get(i)
        if found is None:
            node = self.nodes[i]
            if node.kind != "reduce":
                axes, shape = self.layout.orders[i], node.shape
            else:
                shape = self.nodes[node.ins[0]].shape
                axes = order_of(self.layout.dummies[node.ins[0]])
            found = self.frames[i] = axes, tuple([shape[d] for d in axes])
        return found

    def steps(self, i: int, j: int) -> Steps:
        """The steps of array j, in elements, along the axes that node i walks through."""
        found = self.known.get((i, j))
        if found is None:
            axes, _ = self.frame(i)
            x = self.layout.dummies[j]
            strides = element_steps(x.shape, x.strides, x.itemsize)
            strides = (0,) * (len(axes) - len(strides)) + strides
            found = self.known[i, j] = tuple([strides[d] for d in axes])
        return found

    def read_steps(self, i: int, j: int, bounds: tuple[int, ...], inner: int) -> Steps:
        """The steps along a domain with which node i reads array j."""
        return along(self.frame(i)[1], self.steps(i, j), bounds, inner)

    def start(self, j: int) -> int:
        """Where a node begins in the memory that it lies in, in elements."""
        return self.layout.begin(j) // self.nodes[j].dtype.itemsize


def numbers_first(layout: Layout) -> list[int]:
    """The order with what single numbers alone give (a learning rate) at its beginning.

    Or a nest that reads such a number could not begin before it.
    """
    early: set[int] = set()
    for i in layout.order:
        node = layout.nodes[i]
        pure = node.kind not in ("call", "set", "at", "matmul")
        if node_size(node) == 1 and pure and all(j in early for j in node.ins):
            early.add(i)
    order = layout.order
    return [i for i in order if i in early] + [i for i in order if i not in early]


def summed_suffix(shape: Shape, summed: list[int]) -> int:
    """The elements of a row, if what is summed are innermost axes; else 0."""
    long = [d for d, n in enumerate(shape) if n > 1]
    inside = [d for d in long if d in summed]
    width = prod(shape[d] for d in inside)
    if not inside or long[len(long) - len(inside) :] != inside or width > LONGEST_ROW:
        return 0
    return width if len(inside) < len(long) or len(long) == 1 else 0


@lru_cache(maxsize=1 << 12)
def element_steps(shape: Shape, strides: Shape, itemsize: int) -> Steps:
    """Strides in elements; 0 along axes of one element."""
    return tuple([s // itemsize if n > 1 else 0 for s, n in zip(strides, shape, strict=True)])


@lru_cache(maxsize=1 << 12)
def ends(shape: Shape, inner: int) -> tuple[int, ...]:
    """The products of sizes from the innermost out, starting from `inner`."""
    found, end = [], inner
    for n in reversed(shape):
        if n > 1:
            end *= n
            found.append(end)
    return tuple(found)


@lru_cache(maxsize=1 << 12)
def refinement(*parts: tuple[int, ...]) -> tuple[int, ...] | None:
    """The bounds of all parts together; None where one divides another unevenly."""
    bounds = sorted(set().union(*parts))
    if any(b % a for a, b in pairwise(bounds)):
        return None
    return tuple(bounds)


@lru_cache(maxsize=1 << 12)
def along(shape: Shape, strides: Steps, bounds: tuple[int, ...], inner: int) -> Steps:
    """The steps of an array along the sizes of a domain, from those along a shape's axes."""
    steps, end = [0] * len(bounds), inner
    for n, stride in zip(reversed(shape), reversed(strides), strict=True):
        if n == 1:
            continue
        for k, bound in enumerate(bounds):
            if end < bound <= end * n:
                low = bounds[k - 1] if k else 1
                steps[k] = stride * (low // end) if low >= end else stride
        end *= n
    return tuple(steps)
