"""The gradient of a convolution to its weights, in C.

For every tap it is the product of two matrices with a column per pixel. A block of it, some rows
by some vectors of columns, is summed up in registers over the pixels of a slab. The vectors hold
channels of y; or inputs, where y has few channels. A column of blocks of y is packed first, as
its pixels lie so far from each other that they share the cache's sets. Every thread has sums of
its own, which the second stage adds up and brings into the order of the weights.
"""

from __future__ import annotations

from dataclasses import replace
from math import ceil, prod

from .blocks import Outer, best_block
from .slabs import slab_of, strides
from .tiles import Problem, plain_walk
from .vectors import Body, Target, itemsize, nested, rounded, stage, vector_type

PIXELS = 96  # over which is summed at a time, so that both operands stay in the L1 cache
MANY_WEIGHTS = 1 << 18  # then sums do not stay in the cache, and the pixels should be more
TOGETHER = 8  # channels whose weights are written in turns
WORTH = 64  # rows at least, for packing y to pay
SLACK = 64  # elements that may be read past the end of a slab


class WeightGradient:
    """Writes the kernel for a target; x and y are those of the problem's convolution."""

    def __init__(self, problem: Problem, target: Target) -> None:
        self.problem, self.target = problem, target
        p = problem
        self.size = itemsize(p.kind)
        self.lanes = target.width // self.size
        weights = p.groups * p.outputs * p.inputs * prod(p.kernel)
        pixels = 512 if weights > MANY_WEIGHTS else PIXELS
        slab = slab_of(p.images, p.sizes, p.groups * p.inputs, p.phases, self.size, pixels)
        self.length = plain_walk(p.phases[0], slab, 1, p.groups, p.inputs).length
        shape = self.length, p.outputs
        found = [best_block(*sides, self.lanes, target) for sides in (shape, shape[::-1])]
        # whether columns are inputs, and rows are channels of y
        self.swapped = found[1][1] < found[0][1]
        self.block, _ = found[self.swapped]
        rows, columns = shape[::-1] if self.swapped else shape
        self.width = self.block.vectors * self.lanes
        self.down, self.across = ceil(rows / self.block.rows), ceil(columns / self.width)
        self.rows, self.columns = rows, columns
        # what is read too far must lie in a slab
        too_far = rows % self.block.rows > 0, columns < self.width
        x_too_far, self.y_copied = reversed(too_far) if self.swapped else too_far
        self.slab = replace(slab, in_place=False) if x_too_far else slab
        self.starts = plain_walk(p.phases[0], self.slab, 1, p.groups, p.inputs).starts
        self.steps = strides(p.results, p.groups * p.outputs)
        many = len(self.starts) * rows >= WORTH
        self.packed = not self.swapped and many and p.groups * p.outputs > self.width
        self.y_copied = self.y_copied and not self.packed

    def body(self) -> Body:
        """The kernel's text and its scratch memory."""
        p = self.problem
        pieces = [p.groups, len(self.starts), self.down, self.across, self.block.rows, self.width]
        sums = rounded(prod(pieces) * self.size)
        x = rounded((self.slab.elements + SLACK) * self.size)
        y = 0
        if self.y_copied:
            y = self.slab.images * ceil(self.slab.count / self.slab.bands) * self.steps[1] + SLACK
        elif self.packed:
            y = self.slab.images * self.chunk() * self.row * self.width
        private = sums + x + rounded(y * self.size)
        text = vector_type(f"{p.name}_v", p.kind, self.target.width, self.size)
        text += self.slab.filling(f"{p.name}_fill", p.kind) + self.product()
        text += self.run(sums, x, private) + self.reduction(private)
        return Body(text, 0, private)

    @property
    def row(self) -> int:
        """Pixels in a row of an image, or in what is like one."""
        return prod([axis.count for axis in self.problem.phases[0][1:]])

    def chunk(self) -> int:
        """How many rows of an image are worked on at a time."""
        return self.slab.count if self.slab.images > 1 else max(1, PIXELS // self.row)

    def product(self) -> str:
        """The C function that adds the products of the pixels of some rows to a block."""
        p, phase = self.problem, self.problem.phases[0]
        x = [a.advance * s for a, s in zip(phase, self.slab.strides[1:], strict=True)]
        y = strides(p.results, self.width) if self.packed else self.steps
        sides = [[self.slab.strides[0], *x], list(y)]
        left, right = reversed(sides) if self.swapped else sides
        loops = [self.slab.images, "rows", *[axis.count for axis in phase[1:]]]
        V = f"{p.name}_v"
        outer = Outer(p.kind, V, self.lanes, self.block, self.width, loops, left, right, False)
        return outer.text(f"{p.name}_product")

    def run(self, sums: int, x: int, private: int) -> str:
        """The stage that adds up the slabs of a thread."""
        p, slab = self.problem, self.slab
        opening = slab.opening(f"{p.name}_fill", p.kind, f"own + {sums}")
        opening += f"const {p.kind} *ys = y + n * {self.steps[0]} + u0 * {self.steps[1]};\n"
        if self.y_copied:
            count = "(u1 - u0)" if slab.bands > 1 else slab.count
            opening += (
                f"ys = memcpy(own + {sums + x}, ys, "
                f"{slab.images} * {count} * {self.steps[1]} * sizeof *ys);\n"
            )
        chunk = self.chunk()
        units = p.images // slab.images * slab.bands
        return stage(
            f"{p.name}_run",
            f"const {p.kind} *x = arrays[0], *y = arrays[1];\n"
            f"char *own = scratch + thread * {private};\n"
            f"{p.kind} *sums = ({p.kind} *)own;\nmemset(sums, 0, {sums});\n"
            f"{p.kind} *panel = ({p.kind} *)(own + {sums + x});\n(void)panel;\n"
            f"static const int32_t starts[] = {{{', '.join(map(str, self.starts))}}};\n"
            f"const int64_t end = (thread + 1) * {units} / threads;\n"
            f"for (int64_t unit = thread * {units} / threads; unit < end; unit++) {{\n{opening}"
            f"for (int64_t u = 0; u < u1 - u0; u += {chunk}) {{\n"
            f"const int64_t rows = u1 - u0 - u < {chunk} ? u1 - u0 - u : {chunk};\n"
            f"{self.products()}}}\n}}\n",
        )

    def products(self) -> str:
        """C that adds the products of a chunk to all blocks of sums."""
        p, block, runs_ = self.problem, self.block, len(self.starts)
        row, column = f"down * {block.rows}", "start"
        at_x, at_y = (column, row) if self.swapped else (row, column)
        step = p.phases[0][0].advance * self.slab.strides[1]
        left = f"slab + starts[r] + u * {step} + group * {p.inputs} + {at_x}"
        right = f"ys + u * {self.steps[1]} + group * {p.outputs} + {at_y}"
        opening = self.column_start()
        if self.packed:
            opening += self.packing(right)
            right = "panel"
        if self.swapped:
            left, right = right, left
        body = (
            f"{p.name}_product({left}, {right}, sums + "
            f"(((group * {runs_} + r) * {self.down} + down) * {self.across} + across) "
            f"* {block.rows * self.width}, rows);\n"
        )
        body = opening + nested([("r", runs_), ("down", self.down)], body)
        return nested([("group", p.groups), ("across", self.across)], body)

    def packing(self, source: str) -> str:
        """C that copies a column of blocks of y, whose pixels lie one after another."""
        p = self.problem
        count = min(self.width, p.outputs) * self.size
        return (
            f"const {p.kind} *from = {source};\n"
            f"for (int64_t i = 0; i < {self.slab.images * self.row} * rows; i++) "
            f"memcpy(panel + i * {self.width}, from + i * {p.groups * p.outputs}, {count});\n"
        )

    def column_start(self) -> str:
        """C that finds where a block's columns start; the last one overlaps the one before."""
        return (
            f"const int64_t start = across < {self.across - 1} ? across * {self.width} : "
            f"{max(0, self.columns - self.width)};\n"
        )

    def column_found(self, column: str) -> str:
        """C that finds the block that a column belongs to."""
        last = self.across - 1
        across = f"{column} / {self.width} < {last} ? {column} / {self.width} : {last}"
        return f"const int64_t across = {across};\n{self.column_start()}"

    def reduction(self, private: int) -> str:
        """The stage that adds up the sums of all threads, in the order of the weights.

        It goes through a few channels of y at a time: their weights may lie so far from each other
        that they share the cache's sets.
        """
        p, m, width = self.problem, self.block.rows, self.width
        taps, runs_ = prod(p.kernel), len(self.starts)
        lanes = 1 if self.swapped else min(TOGETHER, self.lanes)
        count = ceil(p.outputs / lanes)
        row, column = ("o", "at") if self.swapped else ("at", "o")
        found = self.column_found(column)
        place = f"(({row} / {m} * {self.across} + across) * {m} + {row} % {m}) * {width}"
        size = self.down * self.across * m * width
        body = (
            # a run is of several taps
            f"const int64_t at = tap % {taps // runs_} * {p.inputs} + c;\n"
            f"{found if self.swapped else ''}"
            f"const {p.kind} *from = (const {p.kind} *)scratch + {place} + {column} - start + "
            f"(group * {runs_} + tap / {taps // runs_}) * {size};\n"
            f"for (int64_t i = 0; i < lanes; i++) {{\n{p.kind} sum = from[i];\n"
            f"for (int64_t t = 1; t < threads; t++) sum += from[t * {private // self.size} + i];\n"
            f"{p.weight('group', '(o + i)', 'c', 'tap')} = sum;\n}}\n"
        )
        return stage(
            f"{p.name}_reduce",
            f"{p.kind} *W = arrays[2];\n"
            f"const int64_t end = (thread + 1) * {p.groups * count} / threads;\n"
            f"for (int64_t k = thread * {p.groups * count} / threads; k < end; k++) {{\n"
            f"const int64_t group = k / {count}, o = k % {count} * {lanes};\n"
            f"const int64_t lanes = {p.outputs} - o < {lanes} ? {p.outputs} - o : {lanes};\n"
            f"{'' if self.swapped else found}"
            f"{nested([('c', p.inputs), ('tap', taps)], body)}}}\n",
        )
