"""Simplification: the same values from fewer nodes.

Writes into parts of an array, which a tape has as new versions of the whole, are followed back to
what was written. For native code, factors and sums around a matrix product go into the product.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from ..tracing.tape import Node, Shape, View, composed

FAR = 64  # versions that are looked back over
ANCHOR = np.zeros(1, np.complex128)  # where the memory of arrays begins that are never touched


@dataclass(frozen=True)
class Scale:
    """What a matrix product is multiplied by; a third operand is added to it."""

    alpha: float = 1.0


def simplified(nodes: list[Node], wanted: list[int], native: bool) -> list[Node]:
    """The nodes, some of them replaced by simpler ones of the same id."""
    nodes = list(nodes)
    forwarded: dict[int, int] = {}  # views of what was written: the node that was
    for node in list(nodes):
        ins = tuple([forwarded.get(j, j) for j in node.ins])
        if ins != node.ins:
            node = nodes[node.id] = replace(node, ins=ins)
        if node.kind == "view":
            found = written(nodes, node)
            if found is not None:
                forwarded[node.id] = found
        elif node.kind == "set" and isinstance(node.attr, View):
            before = nodes[node.ins[0]]
            if before.kind == "set" and before.attr == node.attr:
                nodes[node.id] = replace(node, ins=(before.ins[0], node.ins[1]))
    for i in set(wanted) & set(forwarded):  # somebody asks for it by its id
        node = nodes[i]
        nodes[i] = replace(node, kind="cast", attr=None, ins=(forwarded[i],))
    if native:
        absorb(nodes, wanted)
    return nodes


def written(nodes: list[Node], node: Node) -> int | None:
    """What a view of an array that was written into sees, if one write made all of it."""
    views, j = [node.attr], node.ins[0]
    while nodes[j].kind == "view":
        views.insert(0, nodes[j].attr)
        j = nodes[j].ins[0]
    if nodes[j].kind != "set":
        return None
    view = composed(views)
    for _ in range(FAR):
        source = nodes[j]
        if source.kind != "set" or not isinstance(source.attr, View):
            return None
        value = nodes[source.ins[1]]
        if source.attr == view and value.shape == node.shape:
            return value.id
        if not apart(source, view):
            return None
        j = source.ins[0]
    return None


def apart(source: Node, view: View) -> bool:
    """Whether a view has nothing of what was written into an array."""
    if not all(map(only_steps, (view, source.attr))):
        return False
    regions = [region(source.shape, source.dtype, v) for v in (view, source.attr)]
    return not np.shares_memory(*regions)


@lru_cache(1024)
def region(shape: Shape, dtype: np.dtype[Any], view: View) -> Any:
    """A view of an array of a shape, which is never touched."""
    strides: list[int] = []
    step = dtype.itemsize
    for size in reversed(shape):
        strides.insert(0, step)
        step *= max(size, 1)
    return view.function(np.lib.stride_tricks.as_strided(ANCHOR.view(dtype)[:1], shape, strides))


def only_steps(view: View) -> bool:
    """Whether a view is one of any array of its shape, whatever its strides."""
    names = [name for name, _ in view.key] if view.name == "chain" else [view.name]
    return set(names) <= {"index", "transpose"}


def absorb(nodes: list[Node], wanted: list[int]) -> None:
    """Put factors, signs and sums into the matrix products that they are applied to."""
    uses = Counter([j for node in nodes for j in node.ins] + wanted)

    def only_here(j: int) -> bool:
        return nodes[j].kind == "matmul" and uses[j] == 1 and len(nodes[j].ins) == 2

    for i, node in enumerate(nodes):
        if node.kind != "ufunc" or node.dtype.kind != "f" or not uses[i]:
            continue
        if node.op == "multiply":
            for a, b in (node.ins, node.ins[::-1]):
                factor = number(nodes[b])
                if only_here(a) and factor is not None and same_kind(node, nodes[a]):
                    nodes[i] = scaled(node, nodes[a], factor)
                    break
        elif node.op == "negative" and only_here(node.ins[0]):
            nodes[i] = scaled(node, nodes[node.ins[0]], -1.0)
        elif node.op in ("add", "subtract"):
            for a, b in (node.ins, node.ins[::-1]) if node.op == "add" else (node.ins,):
                other = nodes[a].kind == "matmul" and uses[a] == 1
                if other and only_here(b) and same_kind(node, nodes[a], nodes[b]):
                    summed = scaled(node, nodes[b], -1.0 if node.op == "subtract" else 1.0)
                    nodes[i] = replace(summed, ins=(*summed.ins, a))
                    break


def number(node: Node) -> float | None:
    """The value of a constant that is one number."""
    return float(node.attr) if node.kind == "const" and node.shape == () else None


def same_kind(node: Node, *others: Node) -> bool:
    """Whether nodes have the same shape and dtype."""
    return all((n.shape, n.dtype) == (node.shape, node.dtype) for n in others)


def scaled(node: Node, product: Node, factor: float) -> Node:
    """A matrix product with one more factor, under another node's id."""
    alpha = scale(product).alpha * factor
    return replace(node, kind="matmul", op="", ins=product.ins, attr=Scale(alpha))


def scale(product: Node) -> Scale:
    """The factor of a matrix product."""
    attr: Any = product.attr
    return attr if isinstance(attr, Scale) else Scale()
