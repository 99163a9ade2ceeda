"""The C of one loop nest: loads, expressions, sums along rows, stores.

Outer loops go over rows (or over everything but the innermost axis); inside of them the row is
passed over once for each sum that must be complete before the next can begin. What a later pass
needs is loaded again, computed again if that is cheap, or kept in a row buffer. All loads of a
position come before its stores, so that a result may lie where an operand did.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np

from ...planning.fuse import Fusion, Nest, Steps
from ...planning.layout import node_size
from ...planning.memory import phases
from ...planning.operations import TYPES, cost, dtype_name, expression, is_cheap
from ...tracing.tape import Node

EXACT = 1 << 12  # terms of float32 that are summed in float32 before they go into a double
DEEPEST = 4  # of what is computed again


@dataclass
class Text:
    """The function of a nest.

    Attributes:
        parameters: Their declarations, after `int64_t lo, int64_t hi, char *sums`.
        body: Its statements.
        arrays: For each parameter the root whose memory it points into, and where it begins.
        sums: The members that are complete only after the nest, and where in `sums` they are.
        scratch: Bytes of `sums`.
        extent: How far lo to hi can go; 1 where the nest can't be divided.
        cost: What it takes, in about a nanosecond's eighth.
    """

    parameters: list[str]
    body: str
    arrays: list[tuple[int, int]]
    sums: dict[int, int]
    scratch: int
    extent: int
    cost: int


@dataclass
class Pass:
    """What is emitted of one pass over a row."""

    loads: list[str] = field(default_factory=list)
    computed: list[str] = field(default_factory=list)
    stores: list[str] = field(default_factory=list)
    opened: list[str] = field(default_factory=list)  # before the loop
    closed: list[str] = field(default_factory=list)  # after it
    clauses: list[str] = field(default_factory=list)
    known: dict[Any, str] = field(default_factory=dict)


class NestText:
    """Writes a nest.

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
        self.kept: set[int] = set()  # in row buffers
        self.sums: dict[int, int] = {}
        self.scratch = 0
        self.after: list[str] = []
        self.at = {i: k for k, i in enumerate(nest.members)}
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

    def index(self, steps: Steps, loops: list[tuple[int, int]]) -> str:
        """The part of an index that these loops move."""
        parts = [f"i{k}" if steps[k] == 1 else f"i{k} * {steps[k]}" for k, _ in loops if steps[k]]
        return " + ".join(parts)

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
        root, offset = self.fusion.layout.roots[j], self.fusion.offset(j)
        steps = self.operand_steps(i, j)
        key = (self.owner(root), steps, offset)
        moves = any(steps[k] for k, _ in self.inner)
        if not moves:
            if key not in self.hoisted:
                name = self.hoisted[key] = f"h{len(self.hoisted)}"
                line = f"const {self.type(root)} {name} = {self.element(root, steps, offset)};"
                if any(steps):
                    self.rows[0].append((-1, line))
                else:
                    self.before.append(line)
            return self.hoisted[key]
        assert now is not None
        if key not in now.known:
            now.known[key] = f"l{len(now.known)}"
            line = f"const {self.type(root)} {now.known[key]} = "
            now.loads.append(f"{line}{self.element(root, steps, offset)};")
        return now.known[key]

    def value(self, i: int, now: Pass) -> str:
        """The value of a member for an element, in the pass that is being written."""
        if i in now.known:
            return now.known[i]
        now.known[i] = f"v{i}"
        if self.phases[i] < self.current and not self.again(i, 0):
            if i in self.stored:
                place = self.element(i, self.member_steps(i), 0)
            else:
                self.kept.add(i)
                place = f"b{i}[{self.place_in_row()}]"
            now.loads.append(f"const {self.type(i)} v{i} = {place};")
        else:
            text = self.expression(i, now)
            now.computed.append(f"const {self.type(i)} v{i} = {text};")
        return f"v{i}"

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
        terms = {"T": loop, "F": "f" if loop == "float" else ""}
        terms["a"] = self.operand(i, node.ins[0], now, loop)
        if re.search(r"\bb\b", text):
            terms["b"] = self.operand(i, node.ins[-1], now, loop)
        text = text.replace("_T", f"_{loop}").replace("F(", f"{terms['F']}(")
        return re.sub(r"\b(a|b|T)\b", lambda m: terms[m[0]], text)

    # --- sums

    def pass_of(self, i: int) -> int:
        """The pass in which a reduction takes in its operand."""
        return self.phases[i] - (self.nest.levels[i] == "row")

    def fold(self, i: int, now: Pass) -> None:
        """A reduction over elements."""
        node = self.nodes[i]
        v = self.operand(i, node.ins[0], now, self.type(i))
        steps = self.member_steps(i)
        if self.nest.levels[i] == "row":
            self.register(i, f"r{i}", v, now)
            if i in self.stored:
                place = self.element(i, steps, 0, True)
                self.rows[self.phases[i]].append((self.at[i], f"{place} = r{i};"))
            return
        if any(steps[k] for k, _ in self.inner):
            self.reserve(i)
            where = [self.index(steps, self.outer), self.index(steps, self.inner)]
            now.stores += folded(node.op, f"a{i}[{' + '.join(w for w in where if w)}]", v, "")
            return
        self.register(i, f"s{i}", v, now)
        now.closed += folded(node.op, self.total(i, steps), f"s{i}", "")

    def register(self, i: int, name: str, v: str, now: Pass) -> None:
        """A reduction along the innermost loops, in a register."""
        node = self.nodes[i]
        terms = prod(size for _, size in self.inner)
        kind = "double" if self.type(i) == "float" and terms > EXACT else self.type(i)
        kind = kind if node.op == "add" else self.type(i)
        now.opened.append(f"{kind} {name} = {literal(identity(node), kind)};")
        sign = {"add": "+", "maximum": "max", "minimum": "min"}[node.op]
        now.clauses.append(f"reduction({sign}:{name})")
        nan = ""
        if node.op != "add" and node.dtype.kind == "f":
            nan = f"n{i}"
            now.opened.append(f"int {nan} = 0;")
            now.clauses.append(f"reduction(|:{nan})")
            now.closed.append(f"if ({nan}) {name} = NAN;")
        now.stores += folded(node.op, name, v, nan)

    def total(self, i: int, steps: Steps) -> str:
        """Where a sum over rows is collected: in memory of its own, or in a register."""
        self.reserve(i)
        if any(steps):
            return f"a{i}[{self.index(steps, self.outer)}]"
        name = f"t{i}"
        if not any(line.startswith(f"{self.wide(i)} {name} ") for line in self.before):
            self.before.append(
                f"{self.wide(i)} {name} = {literal(identity(self.nodes[i]), self.wide(i))};"
            )
            self.after.append(f"a{i}[0] = {name};")
        return name

    def wide(self, i: int) -> str:
        """The type that sums of many rows are collected in: they lose nothing."""
        adds = self.nodes[i].op == "add"
        return "double" if adds and self.type(i) == "float" else self.type(i)

    def reserve(self, i: int) -> None:
        """Memory for a sum."""
        if i in self.sums:
            return
        self.sums[i] = self.scratch
        count, kind = node_size(self.nodes[i]), self.wide(i)
        self.before.append(f"{kind} *restrict a{i} = ({kind} *)(sums + {self.scratch});")
        start = literal(identity(self.nodes[i]), kind)
        self.before.append(f"for (int64_t z = 0; z < {count}; z++) a{i}[z] = {start};")
        self.scratch += -(-count * 8 // 64) * 64

    def row_member(self, i: int) -> None:
        """A member that has one value for each row."""
        node = self.nodes[i]
        if node.kind == "reduce":
            v = self.operand(i, node.ins[0], None, self.type(i))
            lines = folded(node.op, self.total(i, self.member_steps(i)), v, "")
            self.rows[self.phases[i]] += [(self.at[i], line) for line in lines]
            return
        text = f"const {self.type(i)} r{i} = {self.expression(i, None)};"
        if i in self.stored:
            text += f" {self.element(i, self.member_steps(i), 0, True)} = r{i};"
        self.rows[self.phases[i]].append((self.at[i], text))

    # --- everything together

    def write(self) -> Text:
        """The function."""
        last = max(self.phases.values())
        self.rows = [[] for _ in range(last + 1)]
        passes: list[Pass] = []
        for self.current in reversed(range(last + 1)):
            passes.insert(0, self.write_pass(self.current))
        for i in self.nest.members:
            if self.nest.walks[i] == "row":
                self.row_member(i)
        body = renumbered(self.loops(passes))
        price = sum(cost(self.nodes[i]) for i in self.nest.members) * max(1, self.nest.size)
        parameters = [
            f"{'' if key in self.written else 'const '}{TYPES[dtype_name(self.nodes[i].dtype)]} "
            f"*restrict {name}"
            for key, (name, i) in self.pointers.items()
        ]
        arrays = [(i, offset) for (_, offset), (_, i) in self.pointers.items()]
        extent = self.split[1] if self.split else 1
        return Text(parameters, body, arrays, self.sums, self.scratch, extent, price)

    def write_pass(self, number: int) -> Pass:
        """One pass over a row."""
        now = Pass()
        for i in self.nest.members:
            if self.nest.walks[i] == "row":
                continue
            if self.nodes[i].kind == "reduce":
                if self.pass_of(i) == number:
                    self.fold(i, now)
            elif self.phases[i] == number and (i in self.stored or i in self.kept):
                v = self.value(i, now)
                if i in self.stored:
                    place = self.element(i, self.member_steps(i), 0, True)
                    now.stores.append(f"{place} = {v};")
                if i in self.kept:
                    now.stores.append(f"b{i}[{self.place_in_row()}] = {v};")
        return now

    def loops(self, passes: list[Pass]) -> str:
        """All loops around the passes."""
        lines: list[str] = []
        depth = 1 + len(self.outer)
        for number, now in enumerate(passes):
            code = sorted(self.rows[number], key=lambda pair: pair[0])
            lines += [indented(depth, line) for _, line in code]
            if now.loads or now.computed or now.stores:
                lines += [indented(depth, line) for line in now.opened]
                lines += self.inner_loops(now, depth)
                lines += [indented(depth, line) for line in now.closed]
        heads = [indented(1, line) for line in self.before]
        for level, loop in enumerate(reversed(self.outer)):
            heads.append(indented(1 + level, self.head(loop)))
        buffers = [
            indented(depth, f"{self.type(i)} b{i}[{self.nest.row}] __attribute__((aligned(64)));")
            for i in sorted(self.kept)
        ]
        tails = [indented(level, "}") for level in range(len(self.outer), 0, -1)]
        ends = [indented(1, line) for line in self.after]
        return "\n".join([*heads, *buffers, *lines, *tails, *ends])

    def inner_loops(self, now: Pass, depth: int) -> list[str]:
        """The loops over a row."""
        lines = []
        for level, (k, size) in enumerate(reversed(self.inner)):
            if level == len(self.inner) - 1 and size > 1 and self.is_parallel(k):
                clauses = " ".join(["#pragma omp simd", *now.clauses])
                lines.append(indented(depth + level, clauses))
            lines.append(indented(depth + level, self.head((k, size))))
        inside = depth + len(self.inner)
        lines += [indented(inside, line) for line in (*now.loads, *now.computed, *now.stores)]
        return lines + [indented(level, "}") for level in range(inside - 1, depth - 1, -1)]

    def is_parallel(self, k: int) -> bool:
        """Whether no two steps of the innermost loop add to the same place in memory."""
        return all(
            self.member_steps(i)[k] or not any(self.member_steps(i)[m] for m, _ in self.inner)
            for i in self.sums
            if self.nest.walks[i] == "element"
        )

    def head(self, loop: tuple[int, int]) -> str:
        """The head of a loop; the divided one goes from lo to hi."""
        k, size = loop
        ends = ("lo", "hi") if loop == self.split else ("0", str(size))
        return f"for (int64_t i{k} = {ends[0]}; i{k} < {ends[1]}; i{k}++) {{"


def renumbered(text: str) -> str:
    """The text with its variables numbered from 0, so that equal nests are one function."""
    numbers: dict[str, str] = {}

    def name(match: re.Match[str]) -> str:
        return numbers.setdefault(match[0], f"{match[1]}{len(numbers)}")

    return re.sub(r"\b([abnrstv])\d+\b", name, text)


def indented(depth: int, line: str) -> str:
    """A line of C, so many levels deep."""
    return "    " * depth + line


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


def identity(node: Node) -> Any:
    """What a reduction starts from."""
    if node.op == "add":
        return 0
    low = node.op == "maximum"
    if node.dtype.kind == "f":
        return -np.inf if low else np.inf
    return np.iinfo(node.dtype).min if low else np.iinfo(node.dtype).max


def folded(op: str, into: str, value: str, nan: str) -> list[str]:
    """Statements that fold a value into a sum, maximum or minimum."""
    if op == "add":
        return [f"{into} += {value};"]
    sign = ">" if op == "maximum" else "<"
    if nan:
        return [
            f"{into} = {value} {sign} {into} ? {value} : {into};",
            f"{nan} |= {value} != {value};",
        ]
    return [f"{into} = ({value} {sign} {into} || {value} != {value}) ? {value} : {into};"]
