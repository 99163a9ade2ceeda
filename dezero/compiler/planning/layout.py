"""Layout: the order in which a result's axes lie in memory, and what memory each view sees.

Most results lie in the order of their axes. A convolution works on channels that lie together;
what follows it elementwise keeps its order, so that nothing is converted between layers. NumPy
does the algebra of strides itself, on arrays that are never touched.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import count
from math import prod
from typing import Any

import numpy as np

from ...errors import CompileError
from ..tracing.tape import Call, Node, View

Order = tuple[int, ...]  # the axes as they lie in memory, outermost first
KEPT = ("slot", "const")  # their memory is not ours to choose
ELEMENTWISE = ("ufunc", "cast", "where")
CHANNELS_LAST = {  # kernels of `arrays`, and how many of their first operands lie so
    "conv": 1,
    "conv_transposed": 1,
    "conv_weights": 2,
    "max_windows": 1,
    "largest_taps": 1,
    "take_taps": 2,
    "put_taps": 2,
    "sum_windows": 1,
    "spread_windows": 1,
}


@dataclass(frozen=True)
class Place:
    """Where a result lies that is part of a larger array: in a view of the array `base`."""

    base: int
    view: View


class Layout:
    """Where the elements of every node lie.

    Args:
        nodes: Of the tape, by id; copies that are needed are added at the end.
        order: The ids of those that are computed, each after what it reads.
        native: Whether native code runs: then results may lie in any order.
        places: The results that lie in a part of a larger array.

    Attributes:
        order: The given one with the copies in their places.
        roots: For each node the node whose memory it lies in: itself unless it is a view.
        dummies: For each node an array of its shape and strides, in memory that means nothing.
        copies: Views of no shape that strides can express, which are computed.
    """

    def __init__(
        self, nodes: list[Node], order: list[int], native: bool, places: dict[int, Place]
    ) -> None:
        self.nodes = nodes
        self.places = places
        self.native = native
        self.order: list[int] = []
        self.roots: dict[int, int] = {}
        self.dummies: dict[int, Any] = {}
        self.orders: dict[int, Order] = {}
        self.begins: dict[int, int] = {}
        self.copies: set[int] = set()
        self.copied: dict[tuple[int, Order], int] = {}
        self.ids = count(len(nodes))
        sizes = [node_bytes(nodes[i]) for i in order]
        self.scratch = untouched(max(sizes, default=0))
        self.start = address(self.scratch)
        self.hints = hints(nodes, order) if native else {}
        for i in order:
            self.place(i)

    def place(self, i: int) -> None:
        """Give a node its layout."""
        node = self.nodes[i]
        if node.kind == "view":
            self.place_view(i)
            return
        if self.native and node.kind == "call" and node.op in CHANNELS_LAST:
            ins = self.channels_last(node)
            self.nodes[i] = node = replace(node, ins=ins)
        if self.native and node.kind == "matmul":
            node = self.place_product(node)
        elif self.native and node.kind in ("set", "at"):  # begins as a copy of all of it
            ins = (self.dense(node.ins[0]), *node.ins[1:])
            self.nodes[i] = node = replace(node, ins=ins)
        if node.kind == "set" and isinstance(node.attr, View):
            self.check(node)
        axes = tuple(range(len(node.shape)))
        if self.native and node.kind in (*ELEMENTWISE, "reduce"):
            axes = self.followed(node)
        elif self.native and is_channels_last(node):
            axes = last(len(node.shape))
        self.add(i, self.hints.get(i, axes))

    def check(self, node: Node) -> None:
        """Raise CompileError where what is written into would be a copy."""
        dummy = np.ndarray(node.shape, node.dtype, self.scratch)
        view = node.attr.function(dummy)
        if view.size and not np.may_share_memory(view, dummy):
            raise CompileError(f"{node.line}: a view is written into that depends on strides")

    def add(self, i: int, axes: Order) -> None:
        """A node with memory of its own, its axes in this order."""
        node, place = self.nodes[i], self.places.get(i)
        if place:
            self.dummies[i] = place.view.function(
                np.ndarray(self.nodes[place.base].shape, node.dtype, self.scratch)
            )
            axes = order_of(self.dummies[i])
        else:
            dummy = np.ndarray([node.shape[d] for d in axes], node.dtype, self.scratch)
            plain = axes == tuple(range(len(axes)))
            self.dummies[i] = dummy if plain else dummy.transpose(np.argsort(axes))
            self.begins[i] = 0
        self.roots[i] = i
        self.orders[i] = axes
        self.order.append(i)

    def begin(self, i: int) -> int:
        """Where a node begins in the memory of its root, or of what that is a part of: bytes."""
        found = self.begins.get(i)
        if found is None:
            found = self.begins[i] = address(self.dummies[i]) - self.start
        return found

    def place_view(self, i: int) -> None:
        """A view lies where what it is taken of lies, if strides can say where."""
        node = self.nodes[i]
        j = node.ins[0]
        found = viewed(node.attr, self.dummies[j])
        if found is None and node.attr.name == "reshape":
            j = self.copy(j, tuple(range(self.dummies[j].ndim)))
            self.nodes[i] = node = replace(node, ins=(j,))
            found = viewed(node.attr, self.dummies[j])
        if found is None:
            self.copies.add(i)
            self.add(i, tuple(range(len(node.shape))))
            return
        self.dummies[i] = found
        self.roots[i] = self.roots[j]
        self.order.append(i)

    def copy(self, j: int, axes: Order) -> int:
        """A copy of node j whose axes lie in this order; made once."""
        if (j, axes) not in self.copied:
            node, i = self.nodes[j], next(self.ids)
            self.nodes.append(replace(node, id=i, kind="cast", op="", ins=(j,), attr=None))
            self.add(i, axes)
            self.copied[j, axes] = i
        return self.copied[j, axes]

    def dense(self, j: int, axes: Order | None = None) -> int:
        """Node j, or a copy if it does not lie without gaps in this order of its axes."""
        x = self.dummies[j]
        axes = tuple(range(x.ndim)) if axes is None else axes
        return j if x.transpose(axes).flags.c_contiguous else self.copy(j, axes)

    def place_product(self, node: Node) -> Node:
        """A matrix product whose operands BLAS can read; a third one lies as the result will."""
        ins = [j if side(self.dummies[j]) else self.dense(j) for j in node.ins[:2]]
        axes = self.hints.get(node.id)
        ins += [self.dense(j, axes) for j in node.ins[2:]]
        node = self.nodes[node.id] = replace(node, ins=tuple(ins))
        return node

    def channels_last(self, node: Node) -> tuple[int, ...]:
        """The operands of a kernel of images, each as it wants them to lie."""
        many = CHANNELS_LAST[node.op]
        axes = last(len(self.nodes[node.ins[0]].shape))
        ins = [self.dense(j, axes) for j in node.ins[:many]]
        return (*ins, *[self.dense(j) for j in node.ins[many:]])

    def followed(self, node: Node) -> Order:
        """The order of an elementwise result or of what is reduced: that of its operands."""
        shape = self.nodes[node.ins[0]].shape if node.kind == "reduce" else node.shape
        plain = tuple(range(len(shape)))
        for j in node.ins:
            x = self.dummies[j]
            if x.shape == shape:
                axes = order_of(x)
                if axes != plain:
                    return axes
        return plain


def untouched(size: int) -> Any:
    """Bytes of their own, which take no memory as long as nobody writes into them.

    Those of NumPy may have been another array's before, and then are there already.
    """
    return np.frombuffer(mmap.mmap(-1, max(size, 64)), np.uint8)


def address(x: Any) -> int:
    """The address of an array's first element."""
    found: int = x.__array_interface__["data"][0]
    return found


def same_place(x: Any, y: Any) -> bool:
    """Whether two arrays of one shape are the same memory."""
    return address(x) == address(y) and x.strides == y.strides


def side(x: Any) -> tuple[int, int] | None:
    """How BLAS reads the last two axes: 112 if transposed, else 111, and the leading size.

    None if it can't. A vector is one row.
    """
    if x.ndim < 2:
        return side(x[np.newaxis]) if x.ndim else None
    rows, columns = (s // x.itemsize for s in x.strides[-2:])
    m, n = x.shape[-2:]
    if (columns == 1 or n == 1) and (rows >= n or m == 1):
        return 111, max(rows if m > 1 else n, n, 1)
    if (rows == 1 or m == 1) and (columns >= m or n == 1):
        return 112, max(columns if n > 1 else m, m, 1)
    return None


def order_of(x: Any) -> Order:
    """The axes of an array as they lie in memory; those of size 1 where they are."""
    plain = tuple(range(x.ndim))
    if x.flags.c_contiguous:
        return plain
    long = [d for d in plain if x.shape[d] > 1]
    if any(x.strides[d] == 0 for d in long):
        return plain
    found = iter(sorted(long, key=lambda d: -x.strides[d]))
    return tuple([next(found) if x.shape[d] > 1 else d for d in plain])


def last(ndim: int) -> Order:
    """The order (N, *sizes, C) of axes (N, C, *sizes)."""
    return (0, *range(2, ndim), 1)


def is_channels_last(node: Node) -> bool:
    """Whether the result of a kernel lies with its channels last."""
    return node.kind == "call" and node.op in CHANNELS_LAST and node.op != "conv_weights"


def viewed(view: View, x: Any) -> Any:
    """The view of an array, or None where NumPy would copy."""
    if view.name == "reshape":
        try:
            return np.reshape(x, view.key, copy=False)
        except ValueError:
            return None
    y = view.function(x)
    return y if y.size == 0 or np.may_share_memory(x, y) else None


def hints(nodes: list[Node], order: Iterable[int]) -> dict[int, Order]:
    """Products that are read transposed and then reshaped: stored as they will be read."""
    found: dict[int, Order] = {}
    for i in order:
        node = nodes[i]
        if node.kind == "view" and node.attr.name == "reshape":
            source = nodes[node.ins[0]]
            if source.kind == "view" and source.attr.name == "transpose":
                axes, product = source.attr.key, nodes[source.ins[0]]
                if product.kind == "matmul" and axes[-1] == len(axes) - 1:
                    found.setdefault(product.id, axes)
    return found


def node_size(node: Node) -> int:
    """How many elements a node has."""
    return prod(node.shape)


def node_bytes(node: Node) -> int:
    """Bytes of a node's result."""
    return node_size(node) * node.dtype.itemsize


def called(node: Node) -> Call:
    """What a node of the kind "call" calls."""
    call: Call = node.attr[2]
    return call
