"""The C of loop nests with short rows: many rows side by side, one in each lane of a vector.

A loop over the ten scores of an example is too short for vectors. So a block of rows is worked on
at a time, and the innermost loop goes over the rows of it: what is read is turned first, so that
the numbers of all rows at one place lie together; what has one value for each row (a maximum, a
sum) becomes an array of the block, which every loop reads into variables and writes back.
"""

from __future__ import annotations

import re
from typing import Any

from ...planning.fuse import Steps
from ...planning.operations import cost
from .expressions import Loops, Pass
from .nest import NestText, Text, indented

LANES = 16  # rows in a block: the widest vectors hold as many float32
LONGEST = 64  # elements: from here on a row's own loop is as quick
ALIGNED = "__attribute__((aligned(64)))"


class RowBlocks(NestText):
    """Writes a nest of short rows."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.turned: dict[Any, tuple[str, str, str]] = {}  # name, type, the element that is read
        self.added: list[str] = []  # what adds values of rows to sums, row after row

    @property
    def lane(self) -> int:
        """The number of the loop over rows."""
        return self.outer[0][0]

    def folding(self) -> tuple[Loops, Loops]:
        """Sums are collected along the rows of a block, for each place in them."""
        return self.outer[:1], self.outer[1:] + self.inner

    def fold_rows(self, i: int, lines: list[str]) -> None:
        """What several rows add to the same place is added in their order, after all else."""
        if self.member_steps(i)[self.lane]:
            super().fold_rows(i, lines)
        else:
            self.added += lines

    def is_alone(self, i: int) -> bool:
        """Whether a reduction has one register, rather than one in each lane."""
        return self.nest.levels[i] != "row"

    def place_in_row(self) -> str:
        """The position in a buffer of a block."""
        place = super().place_in_row()
        return f"{place} * {LANES} + q" if len(self.inner) == 1 else f"({place}) * {LANES} + q"

    def made_before(self, i: int) -> str:
        """What an earlier pass has made is kept turned, also if it is stored elsewhere."""
        self.kept.add(i)
        return f"b{i}[{self.place_in_row()}]"

    def read(self, root: int, steps: Steps, offset: int) -> str:
        """An element of an array, which is turned first unless its rows lie side by side."""
        element = super().read(root, steps, offset)
        if steps[self.lane] in (0, 1):
            return element
        name = f"x{len(self.turned)}"
        found = self.turned.setdefault((root, steps, offset), (name, self.type(root), element))
        return f"{found[0]}[{self.place_in_row()}]"

    def loops(self, passes: list[Pass]) -> str:
        """All loops around the passes; between two of them one over what the rows have."""
        depth = 1 + len(self.outer)
        lines = []
        for name, _, element in self.turned.values():
            turn = f"{name}[{self.place_in_row()}] = {element};"
            lines += self.columns(Pass(stores=[turn]), depth)
        waiting: list[str] = []
        for number, now in enumerate(passes):
            waiting += [line for _, line in sorted(self.rows[number], key=lambda pair: pair[0])]
            if now.lines():
                mine = [r for r in now.registers if r.name in self.row_values]
                waiting += [line for r in mine for line in r.opened()]
                lines += self.block(waiting, depth, "#pragma omp simd")
                lines += self.columns(now, depth)
                waiting = [line for r in mine for line in r.closed()]
        lines += self.block(waiting, depth, "#pragma omp simd")
        lines += self.block(self.added, depth)
        return self.enclosed([*self.buffers(depth), *lines])

    def buffers(self, depth: int) -> list[str]:
        """The declarations of what a block works with."""
        size = self.nest.row * LANES
        found = [f"{kind} {name}[{size}] {ALIGNED};" for name, kind, _ in self.turned.values()]
        found += [f"{self.type(i)} b{i}[{size}] {ALIGNED};" for i in sorted(self.kept)]
        found += [f"{kind} w{name}[{LANES}] {ALIGNED};" for name, kind in self.row_values.items()]
        count = f"const int64_t n = {self.end} - at < {LANES} ? {self.end} - at : {LANES};"
        return [indented(depth, line) for line in (count, *found)]

    def columns(self, now: Pass, depth: int) -> list[str]:
        """The loops over the places in a row."""
        lines = []
        for level, loop in enumerate(reversed(self.inner)):
            lines.append(indented(depth + level, super().head(loop)))
        inside = depth + len(self.inner)
        sums = [r for r in now.registers if r.name not in self.row_values]
        lines += [indented(inside, line) for r in sums for line in r.opened()]
        clauses = [clause for r in sums for clause in r.clauses()]
        lines += self.block(now.lines(), inside, " ".join(["#pragma omp simd", *clauses]))
        lines += [indented(inside, line) for r in sums for line in r.closed()]
        return lines + [indented(level, "}") for level in range(inside - 1, depth - 1, -1)]

    def block(self, lines: list[str], depth: int, pragma: str = "") -> list[str]:
        """A loop over the rows of a block."""
        if not lines:
            return []
        text = "\n".join(lines)
        begin, end = [], []
        for name, kind in self.row_values.items():
            if not re.search(rf"\b{name}\b", text):
                continue
            if not re.search(rf"^(const )?{kind} {name} = ", text, re.MULTILINE):
                begin.append(f"{kind} {name} = w{name}[q];")
            if re.search(rf"\b{name} [|+]?= ", text):
                end.append(f"w{name}[q] = {name};")
        if re.search(rf"\bi{self.lane}\b", text):
            begin.insert(0, f"const int64_t i{self.lane} = at + q;")
        found = [indented(depth, pragma)] if pragma else []
        found.append(indented(depth, "for (int64_t q = 0; q < n; q++) {"))
        found += [indented(depth + 1, line) for line in (*begin, *lines, *end)]
        return [*found, indented(depth, "}")]

    @property
    def end(self) -> str:
        """Where the loop over rows ends."""
        return "hi" if self.outer[0] == self.split else str(self.outer[0][1])

    def head(self, loop: tuple[int, int]) -> str:
        """The head of a loop; that over rows goes from block to block."""
        if loop != self.outer[0]:
            return super().head(loop)
        start = "lo" if loop == self.split else "0"
        return f"for (int64_t at = {start}; at < {self.end}; at += {LANES}) {{"


def nest_text(*args: Any) -> Text:
    """The function of a nest, given what `NestText` takes."""
    text = NestText(*args)
    nest = text.nest
    short = 1 < nest.row < LONGEST and text.outer and text.outer[0][1] >= LANES
    # turning costs more than it gains where numbers are only added or compared
    dear = any(nest.walks[i] == "element" and cost(text.nodes[i]) > 1 for i in nest.members)
    return (RowBlocks(*args) if short and dear else text).write()
