"""Fusion: which elementwise operations and reductions become one loop."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..tracing.tape import Node, Shape
from .plan import Plan, node_size

FLOATS = ("float32", "float64")
TYPES = {
    "float32": "float",
    "float64": "double",
    "int64": "int64_t",
    "int32": "int32_t",
    "bool": "boolean",
}
# one C expression for each; a and b are the operands in the loop's type, F its suffix
ANY = {
    "add": "a + b",
    "subtract": "a - b",
    "multiply": "a * b",
    "negative": "-a",
    "positive": "a",
    "square": "a * a",
    "greater": "a > b",
    "greater_equal": "a >= b",
    "less": "a < b",
    "less_equal": "a <= b",
    "equal": "a == b",
    "not_equal": "a != b",
    "logical_and": "a && b",
    "logical_or": "a || b",
    "logical_not": "!a",
    "maximum": "(a >= b || a != a) ? a : b",  # not-a-number wins, as in NumPy
    "minimum": "(a <= b || a != a) ? a : b",
}
REAL = {
    "divide": "a / b",
    "sqrt": "__builtin_sqrtF(a)",
    "absolute": "__builtin_fabsF(a)",
    "reciprocal": "1 / a",
    "sign": "a != a ? a : (T)((a > 0) - (a < 0))",
    "exp": "exp_T(a)",
    "log": "log_T(a)",
    "tanh": "tanh_T(a)",
}
FEW = {"power": "powF(a, b)"}  # libm's, which is not vectorised: for a few numbers only
REDUCTIONS = ("add", "maximum", "minimum")


@dataclass
class Group:
    """Nodes that are computed together: a loop over `domain`, or one node of another kind."""

    index: int
    domain: Shape | None  # None: not a loop
    members: list[int] = field(default_factory=list)


def domain(node: Node, nodes: list[Node]) -> Shape | None:
    """The shape that a loop of the node runs over; None if it can't be one of our loops."""
    inside = [nodes[j] for j in node.ins]
    if any(str(n.dtype) not in TYPES for n in (node, *inside)):
        return None
    if node.kind == "ufunc" and computable(node):
        return node.shape if node_size(node) else None
    if node.kind in ("cast", "where"):
        return node.shape if node_size(node) else None
    if node.kind == "reduce" and node.op in REDUCTIONS:
        source = inside[0]
        numeric = str(node.dtype) in (*FLOATS, "int64") and source.dtype == node.dtype
        return source.shape if numeric and node_size(source) else None
    return None


def computable(node: Node) -> bool:
    """Whether the loop of a ufunc has an expression."""
    loop = str(node.attr[0])
    if any(str(d) not in TYPES for d in node.attr) or node.attr[0] != node.attr[len(node.ins) - 1]:
        return False
    if node.op in REAL or (node.op in FEW and node_size(node) <= 64):
        return loop in FLOATS
    if loop == "bool" and node.op in ("add", "subtract", "multiply", "negative", "square"):
        return False
    return node.op in ANY


def fused(plan: Plan) -> list[Group]:
    """The groups in the order in which they run.

    A node joins the latest group that runs over its domain and comes no earlier than what it
    reads; inside the group it may read results at its own position only. Groups run in the order
    in which they began, so none can come to depend on itself.
    """
    nodes = plan.nodes
    groups: list[Group] = []
    home: dict[int, int] = {}  # the group of each computed node
    latest: dict[Shape, list[int]] = {}
    for i in numbers_first(plan):
        node = nodes[i]
        if plan.roots[i] != i or node.kind in ("slot", "const"):
            continue
        shape = domain(node, nodes)
        earliest = max([home.get(plan.roots[j], -1) for j in node.ins], default=-1)
        found = None
        if shape is not None:
            for k in reversed(latest.get(shape, ())):
                if k < earliest:
                    break
                if joins(node, groups[k], home, nodes, plan):
                    found = groups[k]
                    break
        if found is None:
            found = Group(len(groups), shape)
            groups.append(found)
            if shape is not None:
                latest.setdefault(shape, []).append(found.index)
        found.members.append(i)
        home[i] = found.index
    return groups


def numbers_first(plan: Plan) -> list[int]:
    """The order with what single numbers alone give (a learning rate) at its beginning.

    Or a loop that reads such a number could not join one that comes before it.
    """
    early: set[int] = set()
    for i in plan.order:
        node = plan.nodes[i]
        pure = node.kind not in ("call", "set", "at")
        if node_size(node) == 1 and pure and all(j in early for j in node.ins):
            early.add(i)
    return [i for i in plan.order if i in early] + [i for i in plan.order if i not in early]


def joins(node: Node, group: Group, home: dict[int, int], nodes: list[Node], plan: Plan) -> bool:
    """Whether a node can be computed in a group: what it reads of it, it reads in place."""
    for j in node.ins:
        inside = home.get(plan.roots[j]) == group.index
        elsewhere = nodes[j].shape != group.domain or nodes[j].kind == "reduce"
        if inside and (plan.roots[j] != j or elsewhere):
            return False
    return True


def stored(plan: Plan, groups: list[Group], kept: set[int]) -> set[int]:
    """The nodes whose results are needed outside of the loop that computes them."""
    home = {i: g.index for g in groups for i in g.members}
    needed = {plan.roots[i] for i in kept}
    for g in groups:
        if g.domain is None:
            needed.update(g.members)
    for i in plan.order:
        for j in plan.nodes[i].ins:
            root = plan.roots[j]
            inside = home.get(i) == home.get(root) and plan.nodes[i].kind != "view"
            if not inside or plan.nodes[root].kind == "reduce":
                needed.add(root)
    return {i for i in needed if i in home} | {
        i for i in home if plan.nodes[i].kind == "reduce" and i in needed
    }


def collapsed(shape: Shape, strides: list[tuple[int, ...]]) -> list[tuple[int, tuple[int, ...]]]:
    """The axes that a loop nest needs, outermost first: (size, stride of each array).

    Neighbouring axes become one where every array walks through them evenly.
    """
    axes: list[tuple[int, tuple[int, ...]]] = []
    for d, size in enumerate(shape):
        if size == 1:
            continue
        steps = tuple([s[d] for s in strides])
        if axes and all(a == b * size for a, b in zip(axes[-1][1], steps, strict=True)):
            axes[-1] = (axes[-1][0] * size, steps)
        else:
            axes.append((size, steps))
    return axes


def element_strides(array: np.ndarray, shape: Shape) -> tuple[int, ...]:
    """The steps of an array, in elements, along the axes of a shape it is broadcast to."""
    return tuple([s // array.itemsize for s in np.broadcast_to(array, shape).strides])
