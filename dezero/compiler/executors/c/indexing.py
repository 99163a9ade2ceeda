"""Rows that integer arrays name: reading them, writing them, and adding to them."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from ...planning.layout import called
from ...planning.operations import NUMERIC, TYPES, dtype_name
from ...tracing.tape import Node, Ref


@dataclass(frozen=True)
class Indexing:
    """A function of the arrays in `arrays`, in order; an index out of range sets *bad."""

    parameters: str
    body: str
    arrays: tuple[int, ...]
    extent: int  # rows that the index names
    begins: str  # what the result begins as: "nothing", "copy" of the first operand, or "zeros"
    checked: frozenset[tuple[int, int]]  # index arrays, and the sizes that they must not reach


def index_of(node: Node) -> tuple[Any, tuple[int, ...], str] | None:
    """The index of a node, what is indexed and written, and what the result begins as."""
    if node.kind == "call" and node.op in ("getitem", "gather"):
        return called(node).args[1], node.ins[:1], "nothing"
    if node.kind == "call" and node.op == "scatter_add":
        return called(node).args[1], (node.id, node.ins[0]), "zeros"
    if node.kind == "set" or (node.kind == "at" and node.op == "add"):
        return node.attr, node.ins[:2], "copy"
    return None


def indexing(node: Node, dummies: dict[int, Any]) -> Indexing | None:
    """The C of x[i], x[i, j] = v and np.add.at(x, i, v) for whole rows; None for other indices."""
    found = index_of(node)
    if found is None:
        return None
    index, operands, begins = found
    index = index if isinstance(index, tuple) else (index,)
    parts = [node.ins[e.position] for e in index if isinstance(e, Ref)]
    x, out = dummies[operands[0]], dummies[node.id]
    arrays = [dummies[j] for j in parts]
    fits = len(parts) == len(index) and 0 < len(parts) <= x.ndim
    fits = fits and x.dtype == out.dtype and dtype_name(x.dtype) in NUMERIC
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
    adds = node.kind != "set" and begins != "nothing"
    return Indexing(
        *written_out(node, x, parts, begins, adds),
        (node.id, operands[-1], *parts),
        arrays[0].size,
        begins,
        frozenset(zip(parts, x.shape, strict=False)),
    )


def written_out(node: Node, x: Any, parts: list[int], begins: str, adds: bool) -> tuple[str, str]:
    """The function for an index of whole rows: its parameters and its body."""
    width = prod(x.shape[len(parts) :])
    kind = TYPES[dtype_name(node.dtype)]
    writes = begins != "nothing"
    names = [f"const int64_t *restrict i{d}" for d in range(len(parts))]
    source = f"const {kind} *restrict {'v' if writes else 'x'}"
    lines = ["for (int64_t n = lo; n < hi; n++) {", "    int64_t row = 0;"]
    for d in range(len(parts)):
        size = x.shape[d]
        lines.append(f"    int64_t k{d} = i{d}[n] + (i{d}[n] < 0 ? {size} : 0);")
        lines.append(f"    if (k{d} < 0 || k{d} >= {size}) {{ *bad = -1; k{d} = 0; }}")
        lines.append(f"    row = row * {size} + k{d};")
    if adds:
        lines.append("    #pragma omp simd")
        lines.append(f"    for (int64_t c = 0; c < {width}; c++)")
        lines.append(f"        y[row * {width} + c] += v[n * {width} + c];")
    else:
        to, taken = ("y + row", "v + n") if writes else ("y + n", "x + row")
        bytes_ = width * node.dtype.itemsize
        lines.append(f"    memcpy({to} * {width}, {taken} * {width}, {bytes_});")
    lines.append("}")
    parameters = ", ".join([f"{kind} *restrict y", source, *names])
    return parameters, "\n".join("    " + t for t in lines)


@dataclass(frozen=True)
class Copy:
    """A function (y, v) that writes v into a part of y, which begins at `start`."""

    parameters: str
    body: str
    start: int
    extent: int


def copied(out: Any, part: Any, value: Any) -> Copy:
    """What writes `value` into `part`, a view of `out`."""
    value = np.broadcast_to(value, part.shape)
    start = part.__array_interface__["data"][0] - out.__array_interface__["data"][0]
    kind, source = TYPES[dtype_name(out.dtype)], TYPES[dtype_name(value.dtype)]
    axes = collapsed(part, value) or [(1, 0, 0)]
    lines = []
    for d, (size, _, _) in enumerate(axes):
        ends = ("lo", "hi") if d == 0 else ("0", str(size))
        if d == len(axes) - 1:
            lines.append("    " * (d + 1) + "#pragma omp simd")
        lines.append("    " * (d + 1) + f"for (int64_t i{d} = {ends[0]}; i{d} < {ends[1]}; i{d}++)")
    to, taken = (" + ".join([f"i{d} * {a[k]}" for d, a in enumerate(axes)]) for k in (1, 2))
    lines.append("    " * (len(axes) + 1) + f"y[{to}] = ({kind})v[{taken}];")
    parameters = f"int64_t lo, int64_t hi, {kind} *restrict y, const {source} *restrict v"
    return Copy(parameters, "\n".join(lines), start // out.itemsize, axes[0][0])


def joined(node: Node, dummies: dict[int, Any]) -> list[tuple[int, Copy]] | None:
    """What np.concatenate and np.stack copy: operands, and where to; None for other calls."""
    call = called(node)
    parts: Any = call.args[0] if call.args else None
    whole = isinstance(parts, list | tuple) and all(isinstance(e, Ref) for e in parts)
    if node.op not in ("concatenate", "stack") or not whole or set(call.kwargs) - {"axis"}:
        return None
    axis = call.kwargs.get("axis", call.args[1] if len(call.args) > 1 else 0)
    out, operands = dummies[node.id], [node.ins[e.position] for e in parts]
    if axis is None or any(
        dtype_name(dummies[j].dtype) not in NUMERIC for j in (*operands, node.id)
    ):
        return None
    found, at = [], 0
    for j in operands:
        x = dummies[j] if node.op == "concatenate" else np.expand_dims(dummies[j], axis)
        where: list[Any] = [slice(None)] * out.ndim
        where[axis] = slice(at, at + x.shape[axis])
        at += x.shape[axis]
        if x.size:
            found.append((j, copied(out, out[tuple(where)], x)))
    return found


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
