"""Convolution to few channels in C: vectors hold inputs, and their lanes are added up at the end.

A vector of output channels would be empty for the most part where there are only one or three.
"""

from __future__ import annotations

from dataclasses import dataclass

from .direct import Direct
from .slabs import Phase
from .tiles import Problem, Shapes, Tile, Walk
from .vectors import Body, Target


class Dots(Direct):
    """Writes the kernel of a problem for a target."""

    def __init__(self, problem: Problem, target: Target) -> None:
        super().__init__(problem, target)
        old = self.shapes
        self.shapes = DotShapes(target, self.lanes, self.slab, old.groups, old.inputs, old.outputs)
        found = [self.shapes.best(phase) for phase in problem.phases]
        self.tiles = [tile for tile, _ in found]
        self.cycles = sum(cycles for _, cycles in found)
        self.width = problem.outputs
        self.blocks = 1

    def packed_at(self, taps: int) -> str:
        """Where a block has the weight of tap t, input i and a lane; a run is so many taps."""
        inputs = self.problem.inputs
        return f"((t / {taps} * {self.width} + lane) * {taps} + t % {taps}) * {inputs} + i"

    def group(
        self,
        start: int,
        place: int,
        seen: list[int],
        reads: list[int],
        sums: list[list[str]],
        walk: Walk,
    ) -> str:
        """The loop over a group of inputs, whose weights begin at `start`."""
        if not seen:
            return ""
        whole = walk.length // self.lanes * self.lanes
        text = f"for (int64_t j = 0; j < {whole}; j += {self.lanes}) {{\n"
        text += self.step(start, place, seen, reads, sums, walk, self.lanes) + "}\n"
        if walk.length > whole:
            text += f"{{ const int64_t j = {whole};\n"
            text += self.step(start, place, seen, reads, sums, walk, walk.length - whole) + "}\n"
        return text

    def step(
        self,
        start: int,
        place: int,
        seen: list[int],
        reads: list[int],
        sums: list[list[str]],
        walk: Walk,
        count: int,
    ) -> str:
        """C for so many inputs from number j on."""
        text = ""
        for v in range(self.width):
            text += self.part(f"w{v}", f"weights + {start + v * walk.length} + j", count)
        for i in seen:
            products = "".join(f" {s} += v * w{v};" for v, s in enumerate(sums[i]))
            text += f"{{ {self.part('v', f'from + j + {place + reads[i]}', count)}{products} }}\n"
        return text

    def part(self, name: str, place: str, count: int) -> str:
        """C that reads so many elements into a vector."""
        V = f"{self.problem.name}_v"
        if count == self.lanes:
            return f"const {V} {name} = *(const {V} *)({place});\n"
        return f"{V} {name} = {{0}}; memcpy(&{name}, {place}, {count} * sizeof *from);\n"

    def storing(self, writes: list[int], sums: list[list[str]]) -> str:
        """C that writes the sums, with the bias added to them."""
        p = self.problem
        text = ""
        for row, place in zip(sums, writes, strict=True):
            for v, s in enumerate(row):
                bias = f" + bias[{v}]" if p.bias else ""
                text += f"y[{place + v}] = {p.name}_sum({s}){bias};\n"
        return text

    def functions(self) -> str:
        """C that the tiles need: the sum of a vector's lanes, by halves."""
        p = self.problem
        text, width = "", self.lanes
        names = [f"{p.name}_v"]
        while width > 2:
            pass
        return text
