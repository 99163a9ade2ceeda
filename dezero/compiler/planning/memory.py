"""Memory: where results lie in one block, the arena, and which are written over what they replace.

Results that never live at once share their bytes. A result may also take the place of an operand
that nobody reads any more, or of the state that it becomes, if it is read and written in step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from ..tracing.tape import Node
from .fuse import Fusion, Nest
from .layout import node_bytes

ALIGNMENT = 64  # bytes: a cache line, and the widest vector


def rounded(size: int) -> int:
    """Bytes rounded up to whole lines."""
    return -(-size // ALIGNMENT) * ALIGNMENT


@dataclass
class Memory:
    """What lies where.

    Attributes:
        owners: For each stored node the node whose memory it has: itself, a slot that it is
            written over, or a result whose place it takes.
        offsets: For each owner in the arena its first byte.
        scratch: Bytes that a nest works with, by its index, if it does with any; where they are
            is in `offsets`, under the negative number -1 - index.
        arena: Bytes of the arena.
        unshared: Bytes that the results would take if each had its own.
    """

    owners: dict[int, int] = field(default_factory=dict)
    offsets: dict[int, int] = field(default_factory=dict)
    scratch: dict[int, int] = field(default_factory=dict)
    arena: int = 0
    unshared: int = 0


class FreeList:
    """The free pieces of the arena, by address; the smallest that fits is taken."""

    def __init__(self) -> None:
        self.free: list[tuple[int, int]] = []  # (start, size)
        self.end = 0

    def take(self, size: int) -> int:
        """The start of `size` bytes."""
        fitting = [piece for piece in self.free if piece[1] >= size > 0]
        if not fitting:
            return self.grow(size)
        start, found = min(fitting, key=lambda piece: piece[1])
        self.free.remove((start, found))
        if found > size:
            self.free.append((start + size, found - size))
        return start

    def grow(self, size: int) -> int:
        """The start of `size` bytes at the end, with the free piece there if there is one."""
        for start, found in self.free:
            if start + found == self.end:
                self.free.remove((start, found))
                self.end = start
                break
        self.end += size
        return self.end - size

    def give(self, start: int, size: int) -> None:
        """Free the piece again, and join it with its neighbours."""
        for piece in list(self.free):
            if piece[0] + piece[1] == start or start + size == piece[0]:
                self.free.remove(piece)
                start, size = min(start, piece[0]), size + piece[1]
        if size:
            self.free.append((start, size))


class Allocator:
    """Gives every stored result its place, nest by nest in the order in which they run.

    Args:
        fusion: The nests.
        schedule: Them in the order in which they run.
        stored: The nodes that leave their nest.
        kept: Roots that must last to the end.
        over: Results that are written over a slot of the state: node and slot node.
        apart: Roots that have memory of their own, outside of the arena.
    """

    def __init__(
        self,
        fusion: Fusion,
        schedule: list[Nest],
        stored: set[int],
        kept: set[int],
        over: dict[int, int],
        apart: set[int],
    ) -> None:
        self.fusion = fusion
        self.nodes = fusion.nodes
        self.roots = fusion.layout.roots
        self.places = fusion.layout.places
        self.stored = stored
        self.kept = kept
        self.over = over
        self.apart = apart
        self.memory = Memory()
        self.free = FreeList()
        self.users: dict[int, set[int]] = {}  # of the memory of each owner, as long as they live
        self.last = last_reads(fusion, schedule, kept)
        self.dying: dict[int, list[int]] = {}
        for i, time in self.last.items():
            self.dying.setdefault(time, []).append(i)

    def run(self, schedule: list[Nest], scratch: dict[int, int]) -> Memory:
        """Allocate everything.

        Args:
            schedule: The nests in order.
            scratch: Bytes that a nest needs while it runs, by its index.
        """
        memory = self.memory
        for time, nest in enumerate(schedule):
            for i in nest.members:
                if i in self.stored:
                    self.place(i, nest, time)
            working = rounded(scratch.get(nest.index, 0))
            if working:
                memory.scratch[nest.index] = working
                memory.offsets[-1 - nest.index] = self.free.take(working)
                self.free.give(memory.offsets[-1 - nest.index], working)
            for i in self.dying.get(time, ()):
                self.release(i)
        memory.arena = self.free.end
        return memory

    def place(self, i: int, nest: Nest, time: int) -> None:
        """Find the memory of a result."""
        memory = self.memory
        if i in memory.owners:  # what is filled is there before its first part
            return
        if i in self.places:
            base = self.places[i].base
            self.place(base, nest, time)
            memory.owners[i] = memory.owners[base]
            self.users[base].add(i)
            return
        memory.unshared += rounded(node_bytes(self.nodes[i]))
        if i in self.over:
            memory.owners[i] = self.over[i]
        elif i in self.apart:
            memory.owners[i] = i
        elif (taken := next(iter(self.replaceable(i, nest, time)), None)) is not None:
            memory.owners[i] = memory.owners[taken]
            self.users[memory.owners[i]].add(i)
        else:
            memory.owners[i] = i
            memory.offsets[i] = self.free.take(rounded(node_bytes(self.nodes[i])))
            self.users[i] = {i}

    def release(self, i: int) -> None:
        """Free the memory of what is read no more, unless somebody else has it too."""
        owner = self.memory.owners.get(i, i)
        users = self.users.get(owner, set())
        if i in users:
            users.remove(i)
            if not users:
                self.free.give(self.memory.offsets[owner], rounded(node_bytes(self.nodes[owner])))

    def replaceable(self, i: int, nest: Nest, time: int) -> Iterable[int]:
        """The operands whose place a result may take."""
        node = self.nodes[i]
        for j in self.read(nest):
            r = self.roots[j]
            mine = self.memory.owners.get(r)
            if r in nest.levels or self.last.get(r) != time or mine not in self.memory.offsets:
                continue
            if r in self.places or not self.alone(r, node):
                continue
            if node_bytes(self.nodes[r]) == node_bytes(node) and self.in_step(i, r, nest):
                yield r

    def alone(self, r: int, node: Node) -> bool:
        """Whether nobody but r, and the parts of what node goes on to fill, has r's memory."""
        others = self.users[self.memory.owners[r]] - {r}
        return not others or (node.kind == "set" and others <= self.places.keys())

    def read(self, nest: Nest) -> list[int]:
        """What a nest reads, each once."""
        return list(dict.fromkeys([j for i in nest.members for j in self.nodes[i].ins]))

    def in_step(self, i: int, r: int, nest: Nest) -> bool:
        """Whether result i may be written over r: all that reads r has done so at that place."""
        return in_step(self.fusion, i, r, nest)


def last_reads(fusion: Fusion, schedule: list[Nest], kept: set[int]) -> dict[int, int]:
    """For each root the time of its last reading; of `kept` the end of the schedule."""
    last: dict[int, int] = {}
    for time, nest in enumerate(schedule):
        for i in nest.members:
            last[i] = max(last.get(i, 0), time)
            for j in fusion.nodes[i].ins:
                last[fusion.layout.roots[j]] = time
    return last | dict.fromkeys(kept, len(schedule))


def in_step(fusion: Fusion, i: int, r: int, nest: Nest) -> bool:
    """Whether member i of a nest may be written over the memory of r, which the nest reads."""
    layout, node = fusion.layout, fusion.nodes[i]
    if node.dtype != fusion.nodes[r].dtype:
        return False
    if not nest.loop:
        if node.kind not in ("set", "at", "matmul") or len(node.ins) < 2 + (node.kind == "matmul"):
            return False
        base = node.ins[2 if node.kind == "matmul" else 0]
        rest = [layout.roots[j] for j in node.ins]
        rest.remove(layout.roots[base])
        same = layout.dummies[base].strides == layout.dummies[i].strides
        return layout.roots[base] == r and r not in rest and same
    return reads_in_step(fusion, i, nest, lambda j: layout.roots[j] == r)


def reads_in_step(fusion: Fusion, i: int, nest: Nest, meets: Callable[[int], bool]) -> bool:
    """Whether a loop nest reads the nodes that meet its member i only where it then writes i."""
    if nest.levels[i] != "element":
        return False
    if not fusion.native:  # one after the other: nobody may read it when it is overwritten
        later = nest.members[nest.members.index(i) + 1 :]
        if any(meets(j) for k in later for j in fusion.nodes[k].ins):
            return False
    mine = fusion.start(i), fusion.read_steps(i, i, nest.bounds, 1)
    for k in nest.members:
        inner = nest.row if nest.walks[k] == "row" else 1
        for j in filter(meets, fusion.nodes[k].ins):
            if (fusion.start(j), fusion.read_steps(k, j, nest.bounds, inner)) != mine:
                return False
    passes = phases(fusion, nest)
    return passes[i] == max(passes.values())


def phases(fusion: Fusion, nest: Nest) -> dict[int, int]:
    """For each member of a nest how many sums along the row must be complete before it."""
    found: dict[int, int] = {}
    for i in nest.members:
        roots = [fusion.layout.roots[j] for j in fusion.nodes[i].ins]
        before = max([found[r] for r in roots if r in nest.levels], default=0)
        sums = fusion.nodes[i].kind == "reduce" and nest.levels[i] == "row"
        found[i] = before + sums
    return found
