"""What is computed for one element of a loop nest: pointers, loads and expressions in C."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from math import prod
from typing import Any

import numpy as np

from ...planning.fuse import Fusion, Nest, Steps
from ...planning.memory import phases
from ...planning.operations import TYPES, dtype_name, expression, is_cheap

DEEPEST = 4  # of what is computed again
Loops = list[tuple[int, int]]  # innermost first: the number and the length of each


@dataclass
class Register:
    """What a reduction collects in while the innermost loop runs.

    Attributes:
        name: Of the variable.
        kind: Its type.
        start: What it begins with.
        sign: How OpenMP calls the reduction.
        nan: The variable that tells whether there was a not-a-number, if one is needed.
        rank: The variable that collects in its place, if that is a rank: see `functions`.
        total: What adds it to a sum of many rows.
    """

    name: str
    kind: str
    start: str
    sign: str
    nan: str = ""
    rank: str = ""
    total: list[str] = field(default_factory=list)

    def opened(self) -> list[str]:
        """What comes before the loop."""
        nan = [f"int {self.nan} = 0;"] if self.nan else []
        if self.rank:
            return [f"rank_{self.kind} {self.rank} = rank_of_{self.kind}({self.start});", *nan]
        return [f"{self.kind} {self.name} = {self.start};", *nan]

    def clauses(self) -> list[str]:
        """What the loop is told."""
        nan = [f"reduction(|:{self.nan})"] if self.nan else []
        return [f"reduction({self.sign}:{self.rank or self.name})", *nan]

    def closed(self) -> list[str]:
        """What comes after it."""
        made = [f"{self.kind} {self.name} = of_rank_{self.kind}({self.rank});"] if self.rank else []
        nan = [f"if ({self.nan}) {self.name} = NAN;"] if self.nan else []
        return made + nan + self.total


@dataclass
class Pass:
    """What is emitted of one pass over a row."""

    loads: list[str] = field(default_factory=list)
    computed: list[str] = field(default_factory=list)
    stores: list[str] = field(default_factory=list)
    registers: list[Register] = field(default_factory=list)
    known: dict[Any, str] = field(default_factory=dict)

    def lines(self) -> list[str]:
        """What is done for each element."""
        return [*self.loads, *self.computed, *self.stores]


class Expressions:
    """Writes the values of a nest's members.

    Args:
        fusion: What the nest is part of.
        nest: What to write.
        stored: The nodes whose results leave their nest.
        owner: Gives the node whose memory a root has.
    """

    def __init__(
        self, fusion: Fusion, nest: Nest, stored: set[int], owner: Callable[[int], int]
    ) -> None:
        self.fusion = fusion
        self.nest = nest
        self.nodes = fusion.nodes
        self.stored = stored
        self.owner = owner
        self.phases = phases(fusion, nest)
        self.bounds = nest.bounds or (1,)
        lows = (1, *self.bounds[:-1])
        self.sizes = [b // a for a, b in zip(lows, self.bounds, strict=True)]
        self.pointers: dict[tuple[int, int], tuple[str, int]] = {}  # owner, offset: name, root
        self.written: set[tuple[int, int]] = set()
        self.hoisted: dict[Any, str] = {}
        self.before: list[str] = []  # ahead of all loops
        self.rows: list[list[tuple[int, str]]] = []  # code of a row, before each pass
        self.row_values: dict[str, str] = {}  # the variables that a row has, and their types
        self.kept: set[int] = set()  # in row buffers
        self.sums: dict[int, int] = {}
        self.scratch = 0
        self.after: list[str] = []
        self.at = {i: k for k, i in enumerate(nest.members)}
        self.current = 0  # the pass that is being written
        self.collapse()

    # --- the loops

    def member_steps(self, i: int) -> Steps:
        """The steps of a member's own result along the domain."""
        inner = self.nest.row if self.nest.walks[i] == "row" else 1
        return self.fusion.read_steps(i, i, self.bounds, inner) or (0,)

    def operand_steps(self, i: int, j: int) -> Steps:
        """The steps of operand j of member i along the domain."""
        inner = self.nest.row if self.nest.walks[i] == "row" else 1
        return self.fusion.read_steps(i, j, self.bounds, inner) or (0,)

    def collapse(self) -> None:
        """Make neighbouring sizes one loop where every array walks through them evenly."""
        walks = [
            self.member_steps(i)
            for i in self.nest.members
            if i in self.stored or self.nest.levels[i] == "sum"
        ]
        for i in self.nest.members:
            for j in self.nodes[i].ins:
                if self.kind(j) == "outside":
                    walks.append(self.operand_steps(i, j))
        edge = self.bounds.index(self.nest.row) + 1 if self.nest.row > 1 else 0
        groups: list[list[int]] = []
        for k in range(len(self.sizes)):
            even = groups and all(w[k] == w[k - 1] * self.sizes[k - 1] for w in walks)
            if even and k != edge:
                groups[-1].append(k)
            else:
                groups.append([k])
        loops = [(g[0], prod(self.sizes[k] for k in g)) for g in groups]  # innermost first
        if edge:
            self.inner = [loop for loop in loops if loop[0] < edge]
        else:
            self.inner = loops[:1]
        self.outer = loops[len(self.inner) :]
        self.split = self.divisible()

    def divisible(self) -> tuple[int, int] | None:
        """The loop that can be divided among threads: the outermost long one."""
        for loop in reversed(self.outer):
            if loop[1] >= 8:
                return loop
        if self.outer:
            return max(self.outer, key=lambda loop: loop[1])
        return self.inner[0] if not self.nest.row else None

    def index(self, steps: Steps, loops: Loops) -> str:
        """The part of an index that these loops move."""
        parts = [f"i{k}" if steps[k] == 1 else f"i{k} * {steps[k]}" for k, _ in loops if steps[k]]
        return " + ".join(parts)

    def own(self, i: int, written: bool = False) -> str:
        """The element of a member's result at the present position."""
        return self.element(i, self.member_steps(i), self.fusion.start(i), written)

    def element(self, i: int, steps: Steps, offset: int, written: bool = False) -> str:
        """An element of the memory of root i at the present position."""
        name = self.pointer(i, offset, written)
        where = [self.index(steps, self.outer), self.index(steps, self.inner)]
        return f"{name}[{' + '.join(w for w in where if w) or '0'}]"

    def pointer(self, i: int, offset: int, written: bool) -> str:
        """The parameter that points into the memory of a root."""
        key = self.owner(i), offset
        if key not in self.pointers:
            self.pointers[key] = f"p{len(self.pointers)}", i
        if written:
            self.written.add(key)
        return self.pointers[key][0]

    # --- values

    def kind(self, j: int) -> str:
        """Where an operand comes from: "inside" the nest, "outside", or a "literal"."""
        root = self.fusion.layout.roots[j]
        if root in self.nest.levels:
            return "inside"
        node = self.nodes[root]
        return "literal" if node.kind == "const" and node.shape == () else "outside"

    def type(self, i: int) -> str:
        """The C type of a node's values while they are computed with."""
        found = TYPES[dtype_name(self.nodes[i].dtype)]
        return "int" if found == "boolean" else found

    def operand(self, i: int, j: int, now: Pass | None, kind: str) -> str:
        """Operand j of member i in a C type; without a pass, as part of the row's code."""
        root = self.fusion.layout.roots[j]
        where = self.kind(j)
        if where == "literal":
            return literal(self.nodes[root].attr, kind)
        if where == "inside":
            row = self.nest.levels[root] == "row"
            name = f"r{root}" if row or now is None else self.value(root, now)
        else:
            name = self.loaded(i, j, now)
        return name if self.type(root) == kind else f"({kind}){name}"

    def loaded(self, i: int, j: int, now: Pass | None) -> str:
        """An element of an array that the nest reads."""
        root, offset = self.fusion.layout.roots[j], self.fusion.start(j)
        steps = self.operand_steps(i, j)
        key = (self.owner(root), steps, offset)
        moves = any(steps[k] for k, _ in self.inner)
        if not moves:
            if key not in self.hoisted:
                name = self.hoisted[key] = f"h{len(self.hoisted)}"
                line = f"const {self.type(root)} {name} = {self.element(root, steps, offset)};"
                if any(steps):
                    self.row_values[name] = self.type(root)
                    self.rows[0].append((-1, line))
                else:
                    self.before.append(line)
            return self.hoisted[key]
        assert now is not None
        if key not in now.known:
            now.known[key] = f"l{len(now.known)}"
            line = f"const {self.type(root)} {now.known[key]} = "
            now.loads.append(f"{line}{self.read(root, steps, offset)};")
        return now.known[key]

    def read(self, root: int, steps: Steps, offset: int) -> str:
        """An element of an array that moves along the row."""
        return self.element(root, steps, offset)

    def value(self, i: int, now: Pass) -> str:
        """The value of a member for an element, in the pass that is being written."""
        if i in now.known:
            return now.known[i]
        now.known[i] = f"v{i}"
        if self.phases[i] < self.current and not self.again(i, 0):
            now.loads.append(f"const {self.type(i)} v{i} = {self.made_before(i)};")
        else:
            text = self.expression(i, now)
            now.computed.append(f"const {self.type(i)} v{i} = {text};")
        return f"v{i}"

    def made_before(self, i: int) -> str:
        """Where the value is that an earlier pass has computed."""
        if i in self.stored:
            return self.own(i)
        self.kept.add(i)
        return f"b{i}[{self.place_in_row()}]"

    def again(self, i: int, depth: int) -> bool:
        """Whether a member's value is cheap enough to be computed again."""
        if depth >= DEEPEST or self.nest.levels[i] != "element" or not is_cheap(self.nodes[i]):
            return False
        roots = [self.fusion.layout.roots[j] for j in self.nodes[i].ins]
        inside = [r for r in roots if r in self.nest.levels]
        return all(self.nest.levels[r] == "row" or self.again(r, depth + 1) for r in inside)

    def place_in_row(self) -> str:
        """The position in a row buffer."""
        parts, step = [], 1
        for k, size in self.inner:
            parts.append(f"i{k}" if step == 1 else f"i{k} * {step}")
            step *= size
        return " + ".join(parts)

    def expression(self, i: int, now: Pass | None) -> str:
        """The C expression of a member."""
        node = self.nodes[i]
        kind = self.type(i)
        if node.kind == "cast":
            source = self.type(node.ins[0])
            if dtype_name(node.dtype) == "bool":
                return f"{self.operand(i, node.ins[0], now, source)} != 0"
            return f"({kind}){self.operand(i, node.ins[0], now, source)}"
        if node.kind == "where":
            condition, a, b = node.ins
            choices = [self.operand(i, j, now, kind) for j in (a, b)]
            return f"{self.operand(i, condition, now, 'int')} ? {choices[0]} : {choices[1]}"
        loop = TYPES[dtype_name(node.attr[0])]
        loop = "int" if loop == "boolean" else loop
        text = expression(node, self.nodes) or ""
        form = template(text, loop)
        terms = {"a": self.operand(i, node.ins[0], now, loop)}
        if "{b}" in form:
            terms["b"] = self.operand(i, node.ins[-1], now, loop)
        return form.format(**terms)


@cache
def template(text: str, loop: str) -> str:
    """The C of an operation in a type, with {a} and {b} for its operands."""
    text = text.replace("_T", f"_{loop}").replace("F(", f"{'f' if loop == 'float' else ''}(")
    terms = {"a": "{a}", "b": "{b}", "T": loop}
    return re.sub(r"\b(a|b|T)\b", lambda m: terms[m[0]], text)


def literal(value: Any, kind: str) -> str:
    """A number as C."""
    if kind in ("float", "double"):
        value = float(value)
        if value != value:
            return f"({kind})NAN"
        if value in (float("inf"), -float("inf")):
            return f"({kind}){'-' if value < 0 else ''}INFINITY"
        return f"({kind}){value.hex()}"
    if kind == "int64_t" and value == np.iinfo(np.int64).min:  # C has no such literal
        return "INT64_MIN"
    return f"({kind}){int(value)}{'LL' if kind == 'int64_t' else ''}"
