"""The C of one loop nest: loads, expressions, sums along rows, stores.

Outer loops go over rows (or over everything but the innermost axis); inside of them the row is
passed over once for each sum that must be complete before the next can begin. What a later pass
needs is loaded again, computed again if that is cheap, or kept in a row buffer. All loads of a
position come before its stores, so that a result may lie where an operand did.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from ...planning.fuse import Steps
from ...planning.layout import node_size
from ...planning.operations import TYPES, cost, dtype_name
from ...tracing.tape import Node
from .expressions import Expressions, Loops, Pass, Register, literal

PAIRED = 64  # elements from which on there are enough vectors
# Clang works on one vector at a time, in which operations wait for each other; GCC mixes them
PAIRS = "#pragma clang loop interleave_count(2)"
SIGNS = {"maximum": ">", "minimum": "<"}
EXACT = 1 << 12  # terms of float32 that are summed in float32 before they go into a double


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


class NestText(Expressions):
    """Writes a nest."""

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
            register = self.register(i, f"r{i}", v, now)
            self.row_values |= {register.name: register.kind}
            self.row_values |= {register.nan: "int"} if register.nan else {}
            if i in self.stored:
                place = self.own(i, True)
                self.rows[self.phases[i]].append((self.at[i], f"{place} = r{i};"))
            return
        within, around = self.folding()
        if any(steps[k] for k, _ in within):
            self.reserve(i)
            where = [self.index(steps, self.outer), self.index(steps, self.inner)]
            now.stores += folded(node.op, f"a{i}[{' + '.join(w for w in where if w)}]", v)
            return
        register = self.register(i, f"s{i}", v, now)
        register.total = folded(node.op, self.total(i, steps, around), f"s{i}")

    def folding(self) -> tuple[Loops, Loops]:
        """The loops along which a sum over elements is collected in a register, and the others."""
        return self.inner, self.outer

    def register(self, i: int, name: str, v: str, now: Pass) -> Register:
        """A reduction along the innermost loops, in a register."""
        node = self.nodes[i]
        terms = prod(size for _, size in self.inner)
        kind = "double" if self.type(i) == "float" and terms > EXACT else self.type(i)
        kind = kind if node.op == "add" else self.type(i)
        sign = {"add": "+", "maximum": "max", "minimum": "min"}[node.op]
        nan = f"n{i}" if node.op != "add" and node.dtype.kind == "f" else ""
        rank = f"m{i}" if nan and self.is_alone(i) else ""
        register = Register(name, kind, literal(identity(node), kind), sign, nan, rank)
        now.registers.append(register)
        if nan:
            into, taken = (rank, f"rank_of_{kind}({v})") if rank else (name, v)
            now.stores.append(f"{into} = {taken} {SIGNS[node.op]} {into} ? {taken} : {into};")
            now.stores.append(f"{nan} |= {v} != {v};")
        else:
            now.stores += folded(node.op, name, v)
        return register

    def is_alone(self, i: int) -> bool:
        """Whether a reduction has one register, rather than one in each lane."""
        return True

    def total(self, i: int, steps: Steps, loops: Loops) -> str:
        """Where a sum over rows is collected: in memory of its own, or in a register."""
        self.reserve(i)
        if any(steps):
            return f"a{i}[{self.index(steps, loops)}]"
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
            self.fold_rows(i, folded(node.op, self.total(i, self.member_steps(i), self.outer), v))
            return
        self.row_values[f"r{i}"] = self.type(i)
        text = f"const {self.type(i)} r{i} = {self.expression(i, None)};"
        if i in self.stored:
            text += f" {self.own(i, True)} = r{i};"
        self.rows[self.phases[i]].append((self.at[i], text))

    def fold_rows(self, i: int, lines: list[str]) -> None:
        """The code that folds a row's value into member i, a sum over rows."""
        self.rows[self.phases[i]] += [(self.at[i], line) for line in lines]

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
                    place = self.own(i, True)
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
            if now.lines():
                lines += [indented(depth, line) for r in now.registers for line in r.opened()]
                lines += self.inner_loops(now, depth)
                lines += [indented(depth, line) for r in now.registers for line in r.closed()]
        buffers = [
            indented(depth, f"{self.type(i)} b{i}[{self.nest.row}] __attribute__((aligned(64)));")
            for i in sorted(self.kept)
        ]
        return self.enclosed([*buffers, *lines])

    def enclosed(self, lines: list[str]) -> str:
        """The outer loops around what is done for a row, and what is before and after them."""
        heads = [indented(1, line) for line in self.before]
        for level, loop in enumerate(reversed(self.outer)):
            heads.append(indented(1 + level, self.head(loop)))
        tails = [indented(level, "}") for level in range(len(self.outer), 0, -1)]
        ends = [indented(1, line) for line in self.after]
        return "\n".join([*heads, *lines, *tails, *ends])

    def inner_loops(self, now: Pass, depth: int) -> list[str]:
        """The loops over a row."""
        lines = []
        for level, (k, size) in enumerate(reversed(self.inner)):
            if level == len(self.inner) - 1 and size > 1 and self.is_parallel(k):
                clauses = [clause for r in now.registers for clause in r.clauses()]
                lines.append(indented(depth + level, " ".join(["#pragma omp simd", *clauses])))
                if size >= PAIRED:
                    lines.append(indented(depth + level, PAIRS))
            lines.append(indented(depth + level, self.head((k, size))))
        inside = depth + len(self.inner)
        lines += [indented(inside, line) for line in now.lines()]
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

    return re.sub(r"\b(w?[abmnrstv])\d+\b", name, text)


def indented(depth: int, line: str) -> str:
    """A line of C, so many levels deep."""
    return "    " * depth + line


def identity(node: Node) -> Any:
    """What a reduction starts from."""
    if node.op == "add":
        return 0
    low = node.op == "maximum"
    if node.dtype.kind == "f":
        return -np.inf if low else np.inf
    return np.iinfo(node.dtype).min if low else np.iinfo(node.dtype).max


def folded(op: str, into: str, value: str) -> list[str]:
    """Statements that fold a value into a sum, maximum or minimum."""
    if op == "add":
        return [f"{into} += {value};"]
    sign = SIGNS[op]
    return [f"{into} = ({value} {sign} {into} || {value} != {value}) ? {value} : {into};"]
