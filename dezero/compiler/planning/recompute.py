"""Recomputation: what is cheap to compute again is not kept, or not even written to memory.

A result that one nest writes and another reads takes memory in between, and time to be moved. An
elementwise result can be had in another way: the nest that reads it computes it from what it was
made of. (What is no loop nest, such as a convolution, gets one in front of it.) This is done
where it moves no more bytes than before, as between the passes of a batch normalisation; and for
results that wait for the backward pass over the moment at which most memory is taken, where each
byte that this frees at that moment costs the moving of few others.

A value has the same bits wherever it is computed: the operations are those of the tape.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from math import prod

import numpy as np

from ..tracing.tape import Node
from .fuse import MOST_MEMBERS, Fusion, Nest
from .layout import ELEMENTWISE, KEPT, node_bytes, node_size
from .operations import cost

LEAST = 1 << 16  # bytes of a result that is worth it
WORTH = 6  # bytes that may be moved for each byte that is freed when most memory is taken
ARITHMETIC = 0.5  # bytes that could be moved in the time of a unit of `cost`
SMALL = 8  # times smaller than the result: operands that are kept rather than computed again
MOST = 16  # operations that are computed again for one result
ROUNDS = 3
NOTHING = 64  # times less than the result: bytes that more may be taken


class Impossible(Exception):
    """A result can't be computed again where it is read."""


@dataclass
class Trial:
    """A change that may be taken back.

    Attributes:
        times: The nests that it is about.
        length: Of the order of the layout, before.
        nests: The nests that it changes, as they were; None for those that are new.
        nodes: The nodes that it changes, as they were.
        views: Of what it computes again, by what they are views of.
        moved: Results of which it changes when they are in use.
    """

    times: list[int]
    length: int
    nests: dict[int, Nest | None] = field(default_factory=dict)
    nodes: dict[int, Node] = field(default_factory=dict)
    views: dict[tuple[int, int], int] = field(default_factory=dict)
    moved: set[int] = field(default_factory=set)


def recompute(fusion: Fusion, wanted: set[int]) -> None:
    """Change the nests of a fusion so that they move and keep less; the roots `wanted` last."""
    Recomputation(fusion, wanted).run()


class Recomputation:
    """Looks for results that are better computed again.

    Times are the numbers of nests while they are changed: odd for those that there were, and the
    even one before for what is computed again for that one.
    """

    def __init__(self, fusion: Fusion, wanted: set[int]) -> None:
        self.fusion = fusion
        self.layout = fusion.layout
        self.nodes = fusion.nodes
        self.roots = fusion.layout.roots
        self.wanted = wanted
        self.at = {2 * nest.index + 1: nest for nest in fusion.nests}
        self.home: dict[int, int] = {}
        self.reads: dict[int, set[int]] = {}  # by time: the roots that a nest reads
        self.readers: dict[int, set[int]] = {}  # by root: when it is read
        self.live = np.zeros(2 * len(fusion.nests) + 2, np.int64)  # by time: bytes in use
        self.counted: dict[int, tuple[int, int]] = {}  # when results are in use
        self.made = len(self.nodes)  # the first node that is computed again
        self.hopeless: set[int] = set()  # what has been found to be impossible
        self.trial = Trial([], 0)
        for time, nest in self.at.items():
            nest.index = time
            self.home.update(dict.fromkeys(nest.members, time))
            self.refresh(time)
        for i in self.home:
            self.count(i)

    def run(self) -> None:
        """Try every result that may be worth it, the first ones first, until nothing changes."""
        for _ in range(ROUNDS):
            found = [i for time in sorted(self.at) for i in self.at[time].members]
            if not sum(self.improve(i) for i in found if self.is_candidate(i)):
                break
        self.renumber()

    def renumber(self) -> None:
        """Number the nests from 0 again, and tell the fusion."""
        fusion = self.fusion
        fusion.nests[:] = [self.at[time] for time in sorted(self.at)]
        fusion.home, fusion.readers = {}, {}
        for k, nest in enumerate(fusion.nests):
            nest.index = k
            fusion.home.update(dict.fromkeys(nest.members, k))
            for r in self.read(nest):
                fusion.readers.setdefault(r, []).append(k)

    # --- what there is

    def read(self, nest: Nest) -> set[int]:
        """The roots that a nest reads, its own included."""
        return {self.roots[j] for i in nest.members for j in self.nodes[i].ins}

    def later(self, i: int) -> list[int]:
        """When other nests than its own read a result."""
        return sorted(self.readers.get(i, set()) - {self.home[i]})

    def is_elementwise(self, i: int) -> bool:
        """Whether a loop nest computes a node, element by element."""
        nest = self.at[self.home[i]] if i in self.home else None
        elementwise = self.nodes[i].kind in ELEMENTWISE
        return nest is not None and nest.loop and elementwise and nest.levels[i] == "element"

    def is_candidate(self, i: int) -> bool:
        """Whether it may be worth it to compute a result again."""
        large = node_bytes(self.nodes[i]) >= LEAST and i < self.made
        free = i not in self.layout.places and i not in self.wanted and i not in self.hopeless
        return large and free and self.is_elementwise(i) and bool(self.later(i))

    def count(self, i: int) -> None:
        """Count the bytes of a result while it is in use; no longer as it was before.

        A loop nest may write its own result over what it reads for the last time.
        """
        begin, end = self.counted.pop(i, (0, 0))
        self.live[begin:end] -= node_bytes(self.nodes[i])
        times = self.later(i) if i in self.home and i not in self.wanted else []
        if times:
            begin, end = self.home[i], times[-1] + (not self.at[times[-1]].loop)
            self.live[begin:end] += node_bytes(self.nodes[i])
            self.counted[i] = begin, end

    def price(self, times: Iterable[int]) -> float:
        """What loop nests take, in bytes that could be moved in that time."""
        total = 0.0
        for nest in [self.at[time] for time in times if time in self.at]:
            if nest.loop:
                moved = [r for r in self.reads[nest.index] if r not in nest.levels]
                moved += [i for i in nest.members if i in self.wanted or self.later(i)]
                total += sum(node_bytes(self.nodes[r]) for r in moved)
                for i in nest.members:
                    total += ARITHMETIC * cost(self.nodes[i]) * prod(self.fusion.frame(i)[1])
        return total

    # --- one result

    def improve(self, i: int) -> bool:
        """Have those that read a result compute it again, if that is better."""
        times = self.later(i)
        peak = int(self.live.argmax())
        behind = [time for time in times if time > peak > self.home[i]]
        if all(self.at[time].loop for time in times) and self.attempt(i, times):
            return True
        return 0 < len(behind) < len(times) and self.attempt(i, behind)

    def attempt(self, i: int, times: list[int]) -> bool:
        """Have the nests of these times compute a result again, if that is better."""
        self.trial = Trial(times, len(self.layout.order))
        about = {self.home[i], *times, *[time - 1 for time in times]}
        most, peak, price = self.live.max(), self.live.argmax(), self.price(about)
        try:
            self.change(i)
            possible = True
        except Impossible:
            possible = False
            self.hopeless.add(i)
        self.recount()
        if possible and self.live.max() <= most + node_bytes(self.nodes[i]) // NOTHING:
            more = self.price(about) - price
            if more < 0 or 0 < more <= WORTH * (most - self.live[peak]):
                return True
        self.take_back()
        return False

    def change(self, i: int) -> None:
        """Have nests compute a result again: those before and behind one that is no loop share."""
        shared = None
        home = self.home[i]
        for time in self.trial.times:
            again = shared
            if again is None:
                loop = self.at[time].loop
                again = self.grown(i, self.ahead(time))
                shared = None if loop else again
            self.redirect(time, i, again)
        for time in (home, *self.trial.times):
            self.prune(time)

    def grown(self, i: int, time: int) -> int:
        """The node that has the value of node i in the nest of a time."""
        parts = list(self.parts(i, i, time, {}))
        if len(parts) > MOST or len(parts) + len(self.at[time].members) > MOST_MEMBERS:
            raise Impossible
        made: dict[int, int] = {}

        def now(j: int) -> int:
            if self.roots[j] == j:
                return made.get(j, j)
            below = self.nodes[j].ins[0]
            return self.viewed(j, below, now(below))

        for k in parts:
            node = self.nodes[k]
            made[k] = self.joined(replace(node, ins=tuple(map(now, node.ins))), time)
        return made[i]

    def parts(self, i: int, top: int, time: int, found: dict[int, None]) -> dict[int, None]:
        """Add what is to be computed again for node i, a part of `top`: each after its operands."""
        if not self.is_elementwise(i):
            raise Impossible
        for r in [self.roots[j] for j in self.nodes[i].ins]:
            if r not in found and not self.is_at_hand(r, top, time):
                self.parts(r, top, time, found)
        if len(found) > MOST:
            raise Impossible
        found[i] = None
        return found

    def is_at_hand(self, i: int, top: int, time: int) -> bool:
        """Whether an operand is in memory at that time anyway, or is to be kept until then."""
        if self.nodes[i].kind in KEPT:
            return True
        if node_size(self.nodes[i]) * SMALL <= node_size(self.nodes[top]):
            return True
        times = self.later(i)
        return bool(times) and (times[-1] >= time or not self.is_elementwise(i))

    def joined(self, node: Node, time: int) -> int:
        """The id of a new member of a nest, or of the equal one that there is."""
        nest, described = self.at[time], node.describe()
        for k in nest.members:
            if self.nodes[k].op == node.op and self.nodes[k].describe() == described:
                return k
        axes, i = self.layout.orders[node.id], next(self.layout.ids)
        self.nodes.append(replace(node, id=i))
        self.layout.add(i, axes)
        if not self.fusion.join(i, nest):
            raise Impossible
        self.trial.moved.add(i)
        self.home[i] = time
        nest.arrays.update(self.fusion.outside(i, nest))
        for r in [self.roots[j] for j in node.ins]:
            self.trial.moved.add(r)
            self.reads[time].add(r)
            self.readers.setdefault(r, set()).add(time)
        return i

    def viewed(self, i: int, old: int, new: int) -> int:
        """View i of node `old` as one of another node that has the same value."""
        if old == new:
            return i
        if (i, new) not in self.trial.views:
            k = next(self.layout.ids)
            self.nodes.append(replace(self.nodes[i], id=k, ins=(new,)))
            self.layout.place(k)
            self.trial.views[i, new] = k
        return self.trial.views[i, new]

    def ahead(self, time: int) -> int:
        """The time of the loop nest in which the one of a time has something computed again."""
        if not self.at[time].loop:
            time -= 1
        self.save(time)
        if time not in self.at:
            self.at[time], self.reads[time] = Nest(time, True), set()
        return time

    def redirect(self, time: int, i: int, again: int) -> None:
        """Let the nest of a time read another node in place of node i."""
        self.save(time)
        nest = self.at[time]

        def instead(j: int) -> int:
            if self.roots[j] != i:
                return j
            below = self.nodes[j].ins[0] if j != i else i
            return again if j == i else self.viewed(j, below, instead(below))

        for k in nest.members:
            ins = tuple([instead(j) for j in self.nodes[k].ins])
            if ins != self.nodes[k].ins:
                self.trial.nodes.setdefault(k, self.nodes[k])
                self.nodes[k] = replace(self.nodes[k], ins=ins)
                if nest.loop and not self.fusion.reads_in_place(
                    k, nest, nest.walks[k], nest.bounds, nest.row
                ):
                    raise Impossible
        self.settle(time)

    def prune(self, time: int) -> None:
        """Take out what nobody reads any more."""
        nest = self.at[time]
        if not nest.loop:
            return
        self.save(time)
        used = set(self.wanted)
        for i in reversed(nest.members):
            if i in used or self.later(i):
                used.update([self.roots[j] for j in self.nodes[i].ins])
            else:
                self.trial.moved.add(i)
                del self.home[i], nest.levels[i], nest.walks[i]
        nest.members = [i for i in nest.members if i in nest.levels]
        if not nest.members:
            del self.at[time]
        self.settle(time)

    # --- what follows from a change

    def save(self, time: int) -> None:
        """Remember a nest as it was before the trial."""
        if time not in self.trial.nests:
            nest = self.at.get(time)
            self.trial.nests[time] = nest and replace(
                nest,
                members=[*nest.members],
                levels={**nest.levels},
                walks={**nest.walks},
            )

    def settle(self, time: int) -> None:
        """Bring up to date what is known of a nest whose members have changed."""
        nest = self.at.get(time)
        if nest is not None and nest.loop:
            order: dict[int, None] = {}
            for i in nest.members:
                self.visit(i, nest, order)
            nest.members = list(order)
            nest.arrays = set().union(*[self.fusion.outside(i, nest) for i in order])
        self.refresh(time)

    def visit(self, i: int, nest: Nest, order: dict[int, None]) -> None:
        """Add a member to an order, after those that it reads."""
        if i not in order:
            for r in [self.roots[j] for j in self.nodes[i].ins]:
                if r in nest.levels:
                    self.visit(r, nest, order)
            order[i] = None

    def refresh(self, time: int) -> None:
        """Bring up to date what the nest of a time reads."""
        nest, before = self.at.get(time), self.reads.get(time, set())
        self.reads[time] = now = self.read(nest) if nest is not None else set()
        for r in before ^ now:
            self.trial.moved.add(r)
            found = self.readers.setdefault(r, set())
            found.add(time) if r in now else found.discard(time)

    def recount(self) -> None:
        """Count what the trial has changed."""
        for i in self.trial.moved:
            self.count(i)

    def take_back(self) -> None:
        """Make everything as it was before the trial."""
        for i, node in self.trial.nodes.items():
            self.nodes[i] = node
        for time, nest in self.trial.nests.items():
            for i in self.at[time].members if time in self.at else ():
                del self.home[i]
            self.at.pop(time, None)
            if nest is not None:
                self.at[time] = nest
                self.home.update(dict.fromkeys(nest.members, time))
        for time in self.trial.nests:
            self.refresh(time)
        self.recount()
        del self.layout.order[self.trial.length :]
