"""The floating-point operations of a plan, as its mathematics counts them."""

from __future__ import annotations

from math import prod

from ..tracing.tape import Node
from .layout import node_size
from .plan import Schedule

# For each convolution the operand or result (-1) that has the places where all taps are
# multiplied, and the one that has the taps.
PLACES = {"conv": -1, "conv_transposed": 0, "conv_weights": 1}
TAPS = {"conv": 1, "conv_transposed": 1, "conv_weights": -1}


def total_flops(schedule: Schedule) -> int:
    """What one run of a schedule computes, each result once however it is computed."""
    nodes = schedule.fusion.nodes
    return sum(flops(nodes[i], nodes) for nest in schedule.nests for i in nest.members)


def flops(node: Node, nodes: list[Node]) -> int:
    """The floating-point operations of one node.

    A product of m x k and k x n takes 2mnk: mnk products and as many sums. A convolution takes
    2 for each tap of each place of its result, however it is computed and whether or not the tap
    meets padding. An elementwise operation on floats takes 1 for each element, exp as well as a
    sum; a reduction 1 less than it has elements, for each result. Integers, casts, selections,
    pooling and what only moves numbers count as nothing.
    """
    operands = [nodes[j] for j in node.ins]
    if node.kind == "matmul":
        return 2 * node_size(node) * operands[0].shape[-1]
    if node.kind == "call" and node.op in PLACES:
        arrays = [*operands[:2], node]
        places = arrays[PLACES[node.op]].shape
        return 2 * places[0] * prod(places[2:]) * node_size(arrays[TAPS[node.op]])
    if node.kind == "ufunc" and operands[0].dtype.kind == "f":
        return node_size(node)
    if node.kind == "reduce" and node.dtype.kind == "f":
        return node_size(operands[0]) - node_size(node)
    return 0
