"""The plan: what of a tape is computed, in which nests, in what order, and where it lies."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..trace import Trace
from ..tracing.tape import Node
from .fuse import Fusion, Nest
from .inplace import misplaced, places
from .layout import KEPT, Layout, node_bytes
from .memory import Allocator, Memory, in_step
from .recompute import recompute
from .simplify import simplified

DRAWS = ("dropout_mask",)  # calls that move the random stream on: they are never left out


@dataclass(frozen=True)
class Gradient:
    """What an output replaces: the gradient of a Variable.

    Attributes:
        owner: The Variable.
        slot: The slot of the array that is replaced, at which the tape never looks; None without.
    """

    owner: Any
    slot: int | None


@dataclass
class Plan:
    """What an executor carries out.

    Attributes:
        nodes: Of the tape, by id.
        order: Ids of the nodes that are computed, views included.
        given: The numbers of the outputs whose arrays the program keeps.
        gradients: Those of them that replace gradients.
        arena: Bytes of the arena, as the executor has laid it out.
        unshared: Bytes that the results would take without sharing memory.
    """

    nodes: list[Node]
    order: list[int]
    given: set[int] = field(default_factory=set)
    gradients: dict[int, Gradient] = field(default_factory=dict)
    arena: int = 0
    unshared: int = 0


def planned(trace: Trace, given: set[int]) -> Plan:
    """The plan of a trace; `given` are the outputs whose arrays the program keeps."""
    nodes = trace.tape.nodes
    return Plan(nodes, sorted(needed(nodes, wanted(trace))), given)


def wanted(trace: Trace) -> list[int]:
    """The nodes whose values leave the tape."""
    return [*trace.outputs, *[guard.node for guard in trace.tape.guards]]


def needed(nodes: list[Node], wanted: Iterable[int]) -> set[int]:
    """The nodes that others need, and those that draw random numbers."""
    todo = [*wanted, *[n.id for n in nodes if n.kind == "call" and n.op in DRAWS]]
    live: set[int] = set()
    while todo:
        i = todo.pop()
        if i not in live:
            live.add(i)
            todo.extend(nodes[i].ins)
    return live


@dataclass
class Schedule:
    """A plan in detail, for one kind of executor.

    Attributes:
        fusion: The nests.
        ordinary: Those that run first.
        final: Those that write over the state: they run when nothing can fail any more.
        stored: The nodes that leave their nest.
        over: Results that are written over the state: node, and slot node.
        memory: Where everything lies.
    """

    fusion: Fusion
    ordinary: list[Nest]
    final: list[Nest]
    stored: set[int]
    over: dict[int, int]
    memory: Memory = field(default_factory=Memory)

    @property
    def nests(self) -> list[Nest]:
        """All of them, in order."""
        return [*self.ordinary, *self.final]

    def allocate(self, kept: set[int], scratch: dict[int, int], apart: set[int]) -> None:
        """Give everything its place; the roots `apart` get memory of their own."""
        allocator = Allocator(self.fusion, self.nests, self.stored, kept, self.over, apart)
        self.memory = allocator.run(self.nests, scratch)

    def owner(self, i: int) -> int:
        """The node whose memory a root has."""
        return self.memory.owners.get(i, i)


def scheduled(trace: Trace, plan: Plan, bound: dict[int, Any], native: bool) -> Schedule:
    """The schedule of a plan.

    Args:
        trace: What was planned.
        plan: Its plan.
        bound: The state arrays, by slot, that are used where they are.
        native: Whether native code will run it: then nests are fused.
    """
    ids = wanted(trace)
    fusion = fused(simplified(plan.nodes, ids, native), ids, native)
    layout = fusion.layout
    stored = leaving(fusion, {layout.roots[i] for i in ids})
    over = written_over(trace, fusion, bound)
    final = {fusion.home[i] for i in over}
    used = [n for n in fusion.nests if any(i in stored for i in n.members)]
    return Schedule(
        fusion,
        [n for n in used if n.index not in final],
        [n for n in used if n.index in final],
        stored,
        over,
    )


def fused(nodes: list[Node], wanted: list[int], native: bool) -> Fusion:
    """The nests, with as many results as can be where they will be written."""
    order = sorted(needed(nodes, wanted))
    inside = places(nodes, order, wanted)
    while True:
        fusion = Fusion(Layout(list(nodes), order, native, inside), native)
        if native:
            recompute(fusion, {fusion.layout.roots[i] for i in wanted})
        wrong = misplaced(fusion, wanted)
        if not wrong:
            return fusion
        inside = {i: place for i, place in inside.items() if i not in wrong}


def kept_roots(trace: Trace, schedule: Schedule) -> set[int]:
    """The roots that must last to the end."""
    roots = schedule.fusion.layout.roots
    return {roots[i] for i in wanted(trace) if roots[i] not in schedule.over}


def lendable(trace: Trace, plan: Plan, schedule: Schedule) -> dict[int, int]:
    """Outputs that can be computed right into arrays that the program keeps: output and root."""
    layout = schedule.fusion.layout
    roots = [layout.roots[i] for i in trace.outputs]
    found = {}
    for k in plan.given:
        i, root = trace.outputs[k], roots[k]
        whole = layout.dummies[i].flags.c_contiguous and layout.dummies[root].flags.c_contiguous
        whole = whole and node_bytes(layout.nodes[i]) == node_bytes(layout.nodes[root]) > 0
        computed = root in schedule.stored and root not in schedule.over
        computed = computed and root not in layout.places
        if whole and computed and roots.count(root) == 1:
            found[k] = root
    return found


def leaving(fusion: Fusion, kept: set[int]) -> set[int]:
    """The nodes whose results are needed outside of the nest that computes them."""
    found = {i for i in kept if i in fusion.home}
    roots = fusion.layout.roots
    for nest in fusion.nests:
        if not nest.loop:
            found.update(nest.members)
        for i in nest.members:
            for j in fusion.nodes[i].ins:
                root = roots[j]
                if root in fusion.home and fusion.home[root] != nest.index:
                    found.add(root)
    return found


def written_over(trace: Trace, fusion: Fusion, bound: dict[int, Any]) -> dict[int, int]:
    """Results that may be written over the state that they replace: node and slot node.

    Their nests run last. So nothing before them may read what they make, no guard may depend on
    it, and the old state may be read by nests that run before, or in step by the same one.
    """
    slots = {node.attr: node.id for node in fusion.nodes if node.kind == "slot"}
    roots = fusion.layout.roots
    found: dict[int, int] = {}
    for effect in trace.effects:
        if effect[0] == "write":
            slot, i = trace.slots.index(effect[1]), trace.outputs[effect[2]]
            if slot in slots and replaces(fusion, i, bound.get(slot)) and i not in found:
                found[i] = slots[slot]
    guards = {roots[guard.node] for guard in trace.tape.guards}
    returned = {roots[i] for i in trace.outputs}
    while True:
        final = {fusion.home[i] for i in found}
        bad = {i for i, s in found.items() if not safe(fusion, i, s, final, guards, returned)}
        if not bad:
            return found
        found = {i: s for i, s in found.items() if i not in bad}


def replaces(fusion: Fusion, i: int, x: Any) -> bool:
    """Whether result i has the form of a state array."""
    node = fusion.nodes[i]
    if x is None or not x.flags.writeable or node.kind in (*KEPT, "view", "reduce", "call"):
        return False
    nest = fusion.nests[fusion.home[i]]
    plain = fusion.layout.orders[i] == tuple(range(len(node.shape)))
    plain = plain and i not in fusion.layout.places
    return nest.loop and plain and (x.shape, x.dtype) == (node.shape, node.dtype)


def safe(
    fusion: Fusion, i: int, slot: int, final: set[int], guards: set[int], returned: set[int]
) -> bool:
    """Whether result i may be written over a slot, if the nests `final` run last."""
    home = fusion.home[i]
    members = set(fusion.nests[home].members)
    if guards & members or slot in returned:
        return False
    for k in fusion.readers.get(slot, ()):
        if k == home and not in_step(fusion, i, slot, fusion.nests[home]):
            return False
        if k != home and k in final:
            return False
    after = [k for m in members for k in fusion.readers.get(m, ()) if k != home]
    return all(k in final and k > home for k in after)


def is_aligned(x: Any) -> bool:
    """Whether an array can be used where it is."""
    return bool(
        isinstance(x, np.ndarray) and x.flags.c_contiguous and x.flags.aligned and x.dtype.isnative
    )
