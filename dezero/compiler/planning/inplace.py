"""Results that are computed right where they will be written: into a part of a larger array.

A program that fills an array part by part (the states of all time steps, the blocks of a matrix)
is on the tape a chain of versions: an empty array, the same after one write, after two. They lie
in the same memory. What is written is a result of its own; computed in the place that it will
have, it need not be copied there.

So a write happens earlier than the tape says. `misplaced` finds where that would change what
somebody reads; those results get memory of their own, as all others do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..tracing.tape import Node, Shape, View
from .fuse import Fusion
from .layout import ELEMENTWISE, Place, node_size
from .memory import reads_in_step
from .simplify import only_steps

MOST_WORK = 1000  # of finding whether two parts overlap; what takes more is said to
NEVER = 1 << 60  # later than any nest


@dataclass
class Chain:
    """An array that is filled.

    Attributes:
        base: The empty array.
        versions: What it becomes, write by write; the last may be anything that is read.
    """

    base: int
    versions: list[int] = field(default_factory=list)


def places(nodes: list[Node], order: Iterable[int], wanted: list[int]) -> dict[int, Place]:
    """The results that can be computed in place, and where."""
    found: dict[int, Place] = {}
    for chain in chains(nodes, order):
        for i in chain.versions:
            value = nodes[nodes[i].ins[1]]
            if fits(value, nodes[i]) and value.id not in wanted:
                found.setdefault(value.id, Place(chain.base, nodes[i].attr))
    return found


def fits(value: Node, write: Node) -> bool:
    """Whether a result is of a kind that can lie anywhere, and has the form of what is written."""
    kinds = {"matmul": 2} | dict.fromkeys(ELEMENTWISE, len(value.ins))
    if kinds.get(value.kind) != len(value.ins) or node_size(value) < 2:
        return False
    return (value.shape, value.dtype) == (viewed_shape(write), write.dtype)


def chains(nodes: list[Node], order: Iterable[int]) -> list[Chain]:
    """The arrays that are filled by writes into views, one after the other."""
    order = list(order)
    writes = [i for i in order if nodes[i].kind == "set" and isinstance(nodes[i].attr, View)]
    begun = Counter([nodes[i].ins[0] for i in writes])
    found: dict[int, Chain] = {i: Chain(i) for i in order if nodes[i].kind == "empty"}
    for i in writes:
        base = nodes[i].ins[0]
        if base in found and begun[base] == 1 and only_steps(nodes[i].attr):
            found[i] = found.pop(base)
            found[i].versions.append(i)
    return [chain for chain in found.values() if chain.versions]


def viewed_shape(node: Node) -> Shape:
    """The shape of the part that a node writes."""
    shape: Shape = node.attr.function(np.broadcast_to(np.empty((), node.dtype), node.shape)).shape
    return shape


def overlap(x: Any, y: Any) -> bool:
    """Whether two parts of an array have an element in common, or might have."""
    try:
        return np.shares_memory(x, y, max_work=MOST_WORK)  # type: ignore[arg-type]
    except np.exceptions.TooHardError:
        return True


def misplaced(fusion: Fusion, wanted: list[int]) -> set[int]:
    """The results that can't be computed in place after all, as the nests are."""
    chained = chains(fusion.nodes, fusion.layout.order)
    checks = [Check(fusion, chain, wanted) for chain in chained]
    checked = {i for check in checks for i in check.writers}
    return (fusion.layout.places.keys() - checked).union(*[check.run() for check in checks])


class Check:
    """Whether everything that is read of a chain is there when it is read.

    What is written is read from the version on that it makes, until another write meets it. So
    a write that meets another must come after it, and after all that reads an earlier version of
    that part.
    """

    def __init__(self, fusion: Fusion, chain: Chain, wanted: list[int]) -> None:
        self.fusion = fusion
        self.layout = fusion.layout
        self.chain = chain
        self.wanted = wanted
        inside = self.layout.places
        self.version = {chain.base: 0}  # of a root
        self.writers: list[int] = []  # for each version what writes it
        for number, i in enumerate(chain.versions, 1):
            value = fusion.nodes[i].ins[1]
            mine = inside.get(value) == Place(chain.base, fusion.nodes[i].attr)
            self.writers.append(value if mine and value not in self.version else i)
            self.version[i] = number
            if mine:
                self.version.setdefault(value, number)

    def run(self) -> set[int]:
        """The results in the chain that are misplaced."""
        inside = [i for i in self.writers if i in self.layout.places]
        copied = {j for j, _ in self.layout.copied}  # it would be copied from where it is
        return {i for i in inside if i in copied} | self.crossing() | self.overwritten()

    def home(self, i: int) -> int:
        """The nest that writes."""
        return self.fusion.home[i]

    def part(self, i: int) -> Any:
        """The part that a writer writes."""
        x = self.layout.dummies[i]
        return x if i in self.layout.places else self.fusion.nodes[i].attr.function(x)

    def crossing(self) -> set[int]:
        """Results that are written before, or with, an earlier write that they meet."""
        found: set[int] = set()
        latest = -1
        for k, i in enumerate(self.writers):
            if self.home(i) <= latest:
                for j in self.writers[:k]:
                    if self.home(i) <= self.home(j) and overlap(self.part(i), self.part(j)):
                        found.add(i if i in self.layout.places else j)
            latest = max(latest, self.home(i))
        return found

    def overwritten(self) -> set[int]:
        """Results that are written over something that is read later, or read too late."""
        found: set[int] = set()
        homes = [self.home(i) for i in self.writers]
        for root, reader, j in self.readings():
            home = NEVER if reader < 0 else self.fusion.home[reader]
            for k in range(self.version[root], len(homes)):
                i = self.writers[k]
                if homes[k] > home or not overlap(self.part(i), self.layout.dummies[j]):
                    continue
                if homes[k] < home or not self.in_step(i, j):
                    found.update({i, root} & self.layout.places.keys())
        return found

    def readings(self) -> Iterator[tuple[int, int, int]]:
        """What is read of the chain: the root, the node that reads (-1: the program), the view."""
        roots = self.layout.roots
        for reader in self.layout.order:
            if reader in self.fusion.home:
                node = self.fusion.nodes[reader]
                begun = reader in self.version and node.kind == "set"  # from the version before
                for j in node.ins[begun:]:
                    if roots[j] in self.version:
                        yield roots[j], reader, j
        for j in self.wanted:
            if roots[j] in self.version:
                yield roots[j], -1, j

    def in_step(self, i: int, j: int) -> bool:
        """Whether the nest that writes has read j at each place when it writes there."""
        nest = self.fusion.nests[self.home(i)]
        return nest.loop and reads_in_step(self.fusion, i, nest, lambda k: k == j)
