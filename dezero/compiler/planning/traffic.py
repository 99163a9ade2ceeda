"""The bytes that a nest reads and writes, as its operations need them."""

from __future__ import annotations

from .fuse import Nest
from .layout import node_bytes
from .plan import Schedule


def moved(nest: Nest, schedule: Schedule) -> int:
    """Bytes of the results that leave a nest and of the arrays that it reads, each once.

    What is read again is not counted, and not whether it comes from a cache or from memory.
    """
    nodes, roots = schedule.fusion.nodes, schedule.fusion.layout.roots
    members = set(nest.members)
    parts: dict[int, set[int]] = {}  # of what lies outside: the views that are read, by root
    for j in [j for i in nest.members for j in nodes[i].ins if roots[j] not in members]:
        parts.setdefault(roots[j], set()).add(j)
    read = [
        min(node_bytes(nodes[root]), sum(node_bytes(nodes[j]) for j in views))
        for root, views in parts.items()
        if nodes[root].shape  # numbers stand in registers
    ]
    return sum(read) + sum(node_bytes(nodes[i]) for i in members & schedule.stored)
