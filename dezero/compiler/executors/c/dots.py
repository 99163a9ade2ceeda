"""Convolution to few channels in C: vectors hold inputs, and their lanes are added up at the end.

A vector of output channels would be empty for the most part where there are only one or three.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from .direct import Direct
from .tiles import Shapes, Walk
from .vectors import vector_type


@dataclass(frozen=True, slots=True)
class DotShapes(Shapes):
    """Finds the tile that should be quickest: of so many sums per pixel as there are outputs."""

    def candidates(self) -> list[int]:
        """How many vectors a pixel may have."""
        return [self.outputs]

    def blocks(self, vectors: int) -> int:
        """Into how many blocks the outputs are cut."""
        return 1

    def cycles(self, walk: Walk, vectors: int) -> float:
        """About how long it takes to sum up a tile of such vectors, and their lanes."""
        steps = [
            max(vectors * len(seen) / 2, (vectors + len(seen)) / 2, 4.0) if seen else 0
            for _, seen in walk.groups
        ]
        pixels = max([len(seen) for _, seen in walk.groups], default=0)
        length = ceil(walk.length / self.lanes)
        return len(walk.starts) * length * sum(steps) + 6 * vectors * pixels


class Dots(Direct):
    """Writes the kernel of a problem for a target."""

    kind_of_shapes = DotShapes

    @property
    def width(self) -> int:
        """Outputs of a block."""
        return self.problem.outputs

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

    def helpers(self) -> str:
        """C that tiles need: the sum of a vector's lanes, by halves."""
        p = self.problem
        text, lanes = "", self.lanes
        while lanes > 1:
            lanes //= 2
            half = vector_type(f"V{lanes}", p.kind, lanes * self.size, self.size)
            text += f"{half}const V{lanes} v{lanes} = *(const V{lanes} *)&v{2 * lanes} + "
            text += f"*((const V{lanes} *)&v{2 * lanes} + 1);\n"
        return (
            f"static inline {p.kind} {p.name}_sum(const {p.name}_v v{self.lanes}) {{\n"
            f"{text}return v1[0];\n}}\n"
        )
