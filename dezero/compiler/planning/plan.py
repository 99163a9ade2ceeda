"""The plan: which nodes are computed, in what order, and where in memory their results lie."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..trace import Trace
from ..tracing.tape import Node

ALIGNMENT = 64  # bytes: a cache line, and the widest vector


@dataclass
class Plan:
    """What an executor carries out.

    Attributes:
        nodes: Of the tape, by id.
        order: Ids of the nodes that are computed, views included.
        roots: For each node the node whose memory it lies in: itself unless it is a view.
        copies: Ids of the views that NumPy can only give as a copy (a reshape of a transpose).
        offsets: For each root in the arena its first byte.
        arena: Bytes of the arena.
        unshared: Bytes that the results would take without sharing memory.
    """

    nodes: list[Node]
    order: list[int]
    roots: dict[int, int]
    copies: set[int]
    offsets: dict[int, int] = field(default_factory=dict)
    arena: int = 0
    unshared: int = 0


def planned(trace: Trace) -> Plan:
    """The plan of a trace."""
    nodes = trace.tape.nodes
    wanted = [*trace.outputs, *[guard.node for guard in trace.tape.guards]]
    live = needed(nodes, wanted)
    order = sorted(live)
    plan = Plan(nodes, order, {}, set())
    resolve(plan)
    return plan


def needed(nodes: list[Node], wanted: list[int]) -> set[int]:
    """The nodes that others need, and those that draw random numbers."""
    todo = wanted + [n.id for n in nodes if n.kind == "call" and n.op == "dropout_mask"]
    live: set[int] = set()
    while todo:
        i = todo.pop()
        if i not in live:
            live.add(i)
            todo.extend(nodes[i].ins)
    return live


def resolve(plan: Plan) -> None:
    """Find the memory that each view lies in, by taking it of an array of the same layout."""
    dummies: dict[int, Any] = {}
    for i in plan.order:
        node = plan.nodes[i]
        if node.kind == "view":
            source = dummies[node.ins[0]]
            dummies[i] = node.attr.function(source)
            if node_size(node) == 0 or np.may_share_memory(source, dummies[i]):
                plan.roots[i] = plan.roots[node.ins[0]]
                continue
            plan.copies.add(i)
        dummies[i] = np.empty(node.shape, node.dtype)
        plan.roots[i] = i


def node_size(node: Node) -> int:
    """How many elements a node has."""
    return math.prod(node.shape)


def node_bytes(node: Node) -> int:
    """Bytes of a node's result, rounded up to whole lines."""
    size = node_size(node) * node.dtype.itemsize
    return -(-size // ALIGNMENT) * ALIGNMENT


def lay_out(plan: Plan, steps: list[tuple[list[int], list[int]]], kept: list[int]) -> None:
    """Give every result its place in the arena; results that never live at once may share.

    Args:
        plan: Gets its offsets and sizes.
        steps: For each step of the schedule the nodes it writes and the nodes it reads.
        kept: Nodes that must last to the end.
    """
    plan.offsets, plan.unshared = {}, 0
    last: dict[int, int] = {}
    for time, (writes, reads) in enumerate(steps):
        for i in (*writes, *reads):
            last[plan.roots[i]] = time
    for i in kept:
        last[plan.roots[i]] = len(steps)
    ends: dict[int, list[int]] = {}
    for root, time in last.items():
        ends.setdefault(time, []).append(root)
    memory = FreeList()
    for time, (writes, _) in enumerate(steps):
        for i in writes:
            size = node_bytes(plan.nodes[i])
            plan.offsets[i] = memory.take(size)
            plan.unshared += size
        for root in ends.get(time, ()):
            if root in plan.offsets:
                memory.give(plan.offsets[root], node_bytes(plan.nodes[root]))
    plan.arena = memory.end


class FreeList:
    """The free pieces of the arena, by address; the smallest that fits is taken."""

    def __init__(self) -> None:
        self.free: list[tuple[int, int]] = []  # (start, size)
        self.end = 0

    def take(self, size: int) -> int:
        """The start of `size` bytes."""
        fitting = [piece for piece in self.free if piece[1] >= size > 0]
        if not fitting:
            self.end += size
            return self.end - size
        start, found = min(fitting, key=lambda piece: piece[1])
        self.free.remove((start, found))
        if found > size:
            self.free.append((start + size, found - size))
        return start

    def give(self, start: int, size: int) -> None:
        """Free the piece again, and join it with its neighbours."""
        for piece in list(self.free):
            if piece[0] + piece[1] == start or start + size == piece[0]:
                self.free.remove(piece)
                start, size = min(start, piece[0]), size + piece[1]
        if size:
            self.free.append((start, size))
