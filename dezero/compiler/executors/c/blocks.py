"""Blocks of a sum of outer products in C: some rows by some vectors of columns, in registers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from .vectors import Target, element, nested

WIDEST = 8  # vectors of a block
LOOP = 1  # cycles that a turn of it costs, apart from the products


@dataclass(frozen=True, slots=True)
class Block:
    """So many rows, by so many vectors of columns."""

    rows: int
    vectors: int

    def cycles(self) -> float:
        """About how long it takes to add an outer product."""
        # two products or two loads at a time; sums wait four cycles for the ones before
        return LOOP + max(self.vectors * self.rows / 2, (self.vectors + self.rows) / 2, 4.0)


def best_block(rows: int, columns: int, lanes: int, target: Target) -> tuple[Block, float]:
    """The block with which such a matrix takes the least time, and an idea of its cycles."""
    best, least = Block(1, 1), float("inf")
    needed = ceil(columns / lanes)
    for v in range(1, min(needed, WIDEST) + 1):
        if v < needed and v * lanes > columns:
            continue
        for m in range(1, min(rows, target.registers) + 1):
            if v * (m + 1) + 1 > target.registers - (v > 1):
                break
            block = Block(m, v)
            time = ceil(rows / m) * ceil(columns / (v * lanes)) * block.cycles()
            if time < least:
                best, least = block, time
    return best, least


@dataclass(frozen=True, slots=True)
class Outer:
    """Writes the function that adds outer products of rows a and columns b to a block of sums.

    Attributes:
        kind: "float" or "double".
        vector: The type of a vector.
        lanes: Numbers in a vector.
        block: What is summed up.
        step: Elements from one row of the sums to the next.
        loops: How often each of the loops over products runs.
        left: Elements of a from one turn of these loops to the next.
        right: Elements of b.
        fresh: Whether the sums begin as zeros, rather than with what they hold.
    """

    kind: str
    vector: str
    lanes: int
    block: Block
    step: int
    loops: Sequence[Any]
    left: Sequence[int]
    right: Sequence[int]
    fresh: bool

    def text(self, name: str) -> str:
        """The C function NAME(a0, b0, sums, rows); `rows` may be the count of a loop."""
        V = self.vector
        opening, closing = "", ""
        for i in range(self.block.rows):
            for v in range(self.block.vectors):
                place = f"*({V} *)(sums + {i * self.step + v * self.lanes})"
                opening += f"{V} s{i}_{v} = {'{0}' if self.fresh else place};\n"
                closing += f"{place} = s{i}_{v};\n"
        at = [f"i{k}" for k in range(len(self.loops))]
        a, b = element(at, list(self.left)), element(at, list(self.right))
        inner = f"const {self.kind} *a = a0 + {a}, *b = b0 + {b};\n"
        for v in range(self.block.vectors):
            inner += f"const {V} b_{v} = *(const {V} *)(b + {v * self.lanes});\n"
        for i in range(self.block.rows):
            terms = "".join(f" s{i}_{v} += v * b_{v};" for v in range(self.block.vectors))
            inner += f"{{ const {self.kind} v = a[{i}];{terms} }}\n"
        return (
            f"static void {name}(const {self.kind} *a0, const {self.kind} *b0, "
            f"{self.kind} *sums, int64_t rows) {{\n"
            f"{opening}{nested(list(zip(at, self.loops, strict=True)), inner)}{closing}}}\n"
        )
