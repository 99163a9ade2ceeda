"""Rows that integer arrays name: reading them, writing them, and adding to them."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from ...planning.layout import called
from ...planning.operations import NUMERIC, TYPES
from ...tracing.tape import Node, Ref, View


@dataclass(frozen=True)
class Indexing:
    """A function of the arrays in `arrays`, in order; an index out of range sets *bad."""

    parameters: str
    body: str
    arrays: tuple[int, ...]
    extent: int  # rows that are read; 1 where they are written
    copies: bool  # whether the result begins as a copy of the first operand


def index_of(node: Node) -> tuple[Any, tuple[int, ...]] | None:
    """The index of a node, and its operands: x, what is written, or x alone."""
    if node.kind == "call" and node.op == "getitem":
        return called(node).args[1], node.ins[:1]
    if node.kind == "call" and node.op == "scatter_add":
        return called(node).args[1], node.ins[:1]
    if node.kind in ("set", "at") and not isinstance(node.attr, View):
        return node.attr, node.ins[:2]
    return None


def indexing(node: Node, dummies: dict[int, Any], nodes: list[Node]) -> Indexing | None:
    """The C of x[i], x[i, j] = v and np.add.at(x, i, v) for whole rows; None for other indices."""
    found = index_of(node)
    if found is None or (node.kind == "at" and node.op != "add"):
        return None
    index, operands = found
    index = index if isinstance(index, tuple) else (index,)
    parts = [node.ins[e.position] for e in index if isinstance(e, Ref)]
    x, out = dummies[operands[0]], dummies[node.id]
    arrays = [dummies[j] for j in parts]
    if node.kind == "call" and node.op == "scatter_add":
        return None
    fits = len(parts) == len(index) and len(parts) > 0 and len(parts) <= x.ndim
    fits = fits and x.dtype == out.dtype and str(x.dtype) in NUMERIC
    fits = fits and bool(x.size and out.size)
    fits = fits and all(i.dtype.name == "int64" and i.shape == arrays[0].shape for i in arrays)
    involved = [dummies[j] for j in (*operands, *parts, node.id)]
    if not fits or not all(y.flags.c_contiguous for y in involved):
        return None
    rows = (*arrays[0].shape, *x.shape[len(parts) :])
    if len(operands) > 1:
        v = dummies[operands[1]]
        if v.dtype != x.dtype or v.shape != rows:
            return None
    return written_out(node, x, parts, arrays[0].size, operands)


def written_out(
    node: Node, x: Any, parts: list[int], count: int, operands: tuple[int, ...]
) -> Indexing:
    """The function for an index of whole rows."""
    width = prod(x.shape[len(parts) :])
    kind = TYPES[str(node.dtype)]
    writes = node.kind in ("set", "at")
    names = [f"const int64_t *restrict i{d}" for d in range(len(parts))]
    source = f"const {kind} *restrict {'v' if writes else 'x'}"
    lines = ["for (int64_t n = lo; n < hi; n++) {", "    int64_t row = 0;"]
    for d in range(len(parts)):
        size = x.shape[d]
        lines.append(f"    int64_t k{d} = i{d}[n] + (i{d}[n] < 0 ? {size} : 0);")
        lines.append(f"    if (k{d} < 0 || k{d} >= {size}) {{ *bad = -1; k{d} = 0; }}")
        lines.append(f"    row = row * {size} + k{d};")
    if node.kind == "at":
        lines.append("    #pragma omp simd")
        lines.append(f"    for (int64_t c = 0; c < {width}; c++)")
        lines.append(f"        y[row * {width} + c] += v[n * {width} + c];")
    else:
        to, taken = ("y + row", "v + n") if writes else ("y + n", "x + row")
        bytes_ = width * node.dtype.itemsize
        lines.append(f"    memcpy({to} * {width}, {taken} * {width}, {bytes_});")
    lines.append("}")
    parameters = ", ".join([f"{kind} *restrict y", source, *names])
    arrays = (node.id, operands[-1], *parts)
    return Indexing(parameters, "\n".join("    " + t for t in lines), arrays, count, writes)


def assignment(node: Node, dummies: dict[int, Any]) -> tuple[str, str, int, int]:
    """What writes into a view of a result.

    Returns:
        Parameters (y, v), the body, where the view begins in y, and how far the work divides.
    """
    out, value = dummies[node.id], dummies[node.ins[1]]
    view = node.attr.function(out)
    value = np.broadcast_to(value, view.shape)
    start = view.__array_interface__["data"][0] - out.__array_interface__["data"][0]
    kind = TYPES[str(node.dtype)]
    source = TYPES[str(value.dtype)]
    axes = collapsed(view, value) or [(1, 0, 0)]
    lines = []
    for d, (size, _, _) in enumerate(axes):
        ends = ("lo", "hi") if d == 0 else ("0", str(size))
        if d == len(axes) - 1:
            lines.append("    " * (d + 1) + "#pragma omp simd")
        lines.append("    " * (d + 1) + f"for (int64_t i{d} = {ends[0]}; i{d} < {ends[1]}; i{d}++)")
    to = " + ".join([f"i{d} * {a[1]}" for d, a in enumerate(axes)])
    taken = " + ".join([f"i{d} * {a[2]}" for d, a in enumerate(axes)])
    lines.append("    " * (len(axes) + 1) + f"y[{to}] = ({kind})v[{taken}];")
    parameters = f"int64_t lo, int64_t hi, {kind} *restrict y, const {source} *restrict v"
    return parameters, "\n".join(lines), start // out.itemsize, axes[0][0]


def collapsed(x: Any, y: Any) -> list[tuple[int, int, int]]:
    """The axes of two arrays of one shape, as few as walk through both: size, and their steps."""
    axes: list[tuple[int, int, int]] = []
    for size, a, b in zip(x.shape, x.strides, y.strides, strict=True):
        if size == 1:
            continue
        a, b = a // x.itemsize, b // y.itemsize
        if axes and axes[-1][1:] == (a * size, b * size):
            axes[-1] = (axes[-1][0] * size, a, b)
        else:
            axes.append((size, a, b))
    return axes
