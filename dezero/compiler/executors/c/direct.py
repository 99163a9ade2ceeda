"""Convolution and its transpose in C, straight from their definitions: no patches are copied.

A tile of some pixels by some vectors of output channels is summed up in registers: for every
tap and input channel, a vector of weights times each pixel's input. Weights are packed first,
into the order in which they are read. Where tiles do not divide the pixels or the channels, the
last one overlaps the one before, so that one size of tile is enough.
"""

from __future__ import annotations

from itertools import product
from math import prod

from ....arrays.patches import Sizes
from .slabs import Phase, Slab, clipped, strides
from .tiles import Problem, Shapes, Tile, Walk
from .vectors import Body, Target, element, itemsize, nested, rounded, stage, vector_type


def tap_indices(phase: tuple[Phase, ...], kernel: Sizes) -> list[int]:
    """The taps of a phase, as indices into a flat kernel."""
    flat = []
    for taps in product(*[p.taps for p in phase]):
        index = 0
        for tap, k in zip(taps, kernel, strict=True):
            index = index * k + tap
        flat.append(index)
    return flat


class Direct:
    """Writes the kernel of a problem for a target."""

    kind_of_shapes = Shapes

    def __init__(self, problem: Problem, slab: Slab, target: Target) -> None:
        self.problem = p = problem
        self.size = itemsize(p.kind)
        self.lanes = target.width // self.size
        self.slab = slab
        self.steps = strides(p.results, p.groups * p.outputs)
        self.shapes = self.kind_of_shapes(
            target, self.lanes, self.slab, p.groups, p.inputs, p.outputs
        )
        # weights are packed for one width of block, so all phases have the same one
        self.vectors = max(self.shapes.best(phase)[0].vectors for phase in p.phases)
        found = [self.shapes.best(phase, self.vectors) for phase in p.phases]
        self.tiles = [tile for tile, _ in found]
        self.cycles = sum(cycles for _, cycles in found)
        self.blocks = self.shapes.blocks(self.vectors)

    @property
    def width(self) -> int:
        """Outputs of a block."""
        return self.vectors * self.lanes

    def body(self) -> Body:
        """The kernel's text and its scratch memory."""
        p = self.problem
        packed, places = 0, []
        for phase in p.phases:
            places.append(packed)
            taps = prod(len(axis.taps) for axis in phase)
            packed += p.groups * self.blocks * taps * p.inputs * self.width
        shared, private = rounded(packed * self.size), rounded(self.slab.elements * self.size)
        text = vector_type(f"{p.name}_v", p.kind, self.lanes * self.size, self.size)
        text += self.packing(places)
        text += self.slab.filling(f"{p.name}_fill", p.kind)
        text += self.helpers()
        functions: dict[str, str] = {}
        calls = ""
        for phase, tile, place in zip(p.phases, self.tiles, places, strict=True):
            calls += self.call(functions, phase, tile, place)
        text += "".join(functions.values())
        units = p.images // self.slab.images * self.slab.bands
        scratch = f"scratch + {shared} + thread * {private}"
        opening = self.slab.opening(f"{p.name}_fill", p.kind, scratch)
        last = 3 if p.bias else 2
        text += stage(
            f"{p.name}_run",
            f"const {p.kind} *x = arrays[0];\n"
            f"const {p.kind} *packed = (const {p.kind} *)scratch;\n"
            f"{p.kind} *y = arrays[{last}];\n"
            + (f"const {p.kind} *bias = arrays[2];\n" if p.bias else "")
            + f"const int64_t end = (thread + 1) * {units} / threads;\n"
            f"for (int64_t unit = thread * {units} / threads; unit < end; unit++) {{\n"
            f"{opening}{calls}}}\n",
        )
        return Body(text, shared, private)

    def helpers(self) -> str:
        """C that tiles need."""
        return ""

    def packing(self, places: list[int]) -> str:
        """The stage that packs the weights: of phases, of groups, of blocks."""
        p, width = self.problem, self.width
        count = p.groups * self.blocks * p.inputs
        tables, inner = "", ""
        for i, (phase, tile, place) in enumerate(zip(p.phases, self.tiles, places, strict=True)):
            taps = tap_indices(phase, p.kernel)
            if not taps:
                continue
            tables += f"static const int32_t taps{i}[] = {{{', '.join(map(str, taps))}}};\n"
            run = len(taps) * p.inputs // self.pieces(phase, tile)
            inner += (
                f"{p.kind} *to{i} = packed + {place} + part * {len(taps) * p.inputs * width};\n"
                f"for (int64_t t = 0; t < {len(taps)}; t++)\n"
                f"for (int64_t lane = 0; lane < {width}; lane++)\n"
                f"to{i}[{self.packed_at(run // p.inputs)}] = start + lane < {p.outputs} ? "
                f"{p.weight('group', 'start + lane', 'i', f'taps{i}[t]')} : 0;\n"
            )
        return stage(
            f"{p.name}_pack",
            f"const {p.kind} *W = arrays[1];\n{p.kind} *packed = ({p.kind} *)scratch;\n"
            f"{tables}const int64_t end = (thread + 1) * {count} / threads;\n"
            f"for (int64_t k = thread * {count} / threads; k < end; k++) {{\n"
            f"const int64_t i = k % {p.inputs}, part = k / {p.inputs};\n"
            f"const int64_t group = part / {self.blocks}, block = part % {self.blocks};\n"
            f"{self.block_start()}{inner}}}\n",
        )

    def pieces(self, phase: tuple[Phase, ...], tile: Tile) -> int:
        """How many runs of inputs a tile of a phase goes through."""
        walk = self.shapes.walk(phase, tile)
        return len(walk.starts) * len(walk.groups)

    def packed_at(self, taps: int) -> str:
        """Where a block has the weight of tap t, input i and a lane; a run is so many taps."""
        return f"(t * {self.problem.inputs} + i) * {self.width} + lane"

    def block_start(self) -> str:
        """C that finds the first output of a block; the last one overlaps the one before."""
        last = max(0, self.problem.outputs - self.width)
        return f"const int64_t start = block < {self.blocks - 1} ? block * {self.width} : {last};\n"

    def call(
        self, functions: dict[str, str], phase: tuple[Phase, ...], tile: Tile, place: int
    ) -> str:
        """C that computes a phase of a slab; the function that it calls is added if need be."""
        p = self.problem
        text = self.function(phase, tile)
        name = f"{p.name}_{len(functions)}"
        for known, other in functions.items():
            if other.replace(known, "NAME") == text:
                name = known
        functions[name] = text.replace("NAME", name)
        offset = sum(
            (axis.first - low) * step
            for axis, low, step in zip(phase, self.slab.low, self.slab.strides[1:], strict=True)
        )
        target = sum(a.start * s for a, s in zip(phase, self.steps[1:], strict=True))
        step = phase[0].step * self.steps[1]
        size = prod(len(axis.taps) for axis in phase) * p.inputs * self.width
        bias = f"bias + group * {p.outputs} + start" if p.bias else "0"
        body = (
            f"{self.block_start()}"
            f"{name}(slab + {offset} + group * {p.inputs}, "
            f"packed + {place} + (group * {self.blocks} + block) * {size}, {bias}, "
            f"y + n * {self.steps[0]} + {target} + u0 * {step} + group * {p.outputs} + start, "
            f"u0, (u1 < {phase[0].count} ? u1 : {phase[0].count}) - u0);\n"
        )
        return nested([("group", p.groups), ("block", self.blocks)], body)

    def function(self, phase: tuple[Phase, ...], tile: Tile) -> str:
        """The C function that computes a phase of a slab, for a block of outputs."""
        p = self.problem
        reads = [self.slab.strides[0]]
        reads += [a.advance * s for a, s in zip(phase, self.slab.strides[1:], strict=True)]
        writes = [self.steps[0]]
        writes += [a.step * s for a, s in zip(phase, self.steps[1:], strict=True)]
        counts = [self.slab.images, "rows" if self.slab.bands > 1 else phase[0].count]
        counts += [a.count for a in phase[1:]]
        inner = [int(c) for c in counts[tile.axis + 1 :]]
        places = list(product(range(tile.count), *[range(c) for c in inner]))
        walk = self.shapes.walk(phase, tile)
        body = self.tile(
            [sum(i * s for i, s in zip(q, reads[tile.axis :], strict=True)) for q in places],
            [sum(i * s for i, s in zip(q, writes[tile.axis :], strict=True)) for q in places],
            tile.vectors,
            walk,
        )
        at = [*[f"i{i}" for i in range(tile.axis)], "at"]
        x, y = element(at, reads[: tile.axis + 1]), element(at, writes[: tile.axis + 1])
        extent = counts[tile.axis]
        loop = f"NAME_tile(x + {x}, w, bias, y + {y}, low, high);\n}}\n"
        loop = (
            f"{self.row_bounds(phase[0], tile, walk)}"
            f"for (int64_t i = 0; i < {extent}; i += {tile.count}) {{\n"
            f"const int64_t at = i < {extent} - {tile.count} ? i : {extent} - {tile.count};\n{loop}"
        )
        T = p.kind
        arguments = f"const {T} *x, const {T} *w, const {T} *bias, {T} *y, int64_t"
        return (
            f"static inline void NAME_tile({arguments} low, int64_t high) {{\n{body}}}\n"
            f"static void NAME({arguments} u0, int64_t rows) {{\n"
            f"{nested([(f'i{i}', counts[i]) for i in range(tile.axis)], loop)}}}\n"
        )

    def row_bounds(self, axis: Phase, tile: Tile, walk: Walk) -> str:
        """C that finds the runs from low to high that lie inside of the first axis."""
        runs = len(walk.starts)
        size = self.slab.sizes[0]
        if tile.axis < 2 or not clipped(axis, size):
            return f"const int64_t low = 0, high = {runs};\n"
        taps = len(axis.taps)
        gap = axis.offsets[1] - axis.offsets[0] if taps > 1 else 1
        return (
            f"const int64_t first = (u0 + i1) * {axis.advance} + {axis.first};\n"
            f"const int64_t room = first < {size} ? ({size - 1} - first) / {gap} + 1 : 0;\n"
            f"const int64_t high = (room < {taps} ? room : {taps}) * {runs // taps};\n"
            f"const int64_t out = first < 0 ? ({gap - 1} - first) / {gap} * {runs // taps} : 0;\n"
            "const int64_t low = out < high ? out : high;\n"
        )

    def tile(self, reads: list[int], writes: list[int], vectors: int, walk: Walk) -> str:
        """The innermost loops: a sum in a register for each pixel and vector."""
        p = self.problem
        sums = [[f"s{i}_{v}" for v in range(vectors)] for i in range(len(reads))]
        names = ", ".join([f"{s} = {{0}}" for row in sums for s in row])
        text = f"{p.name}_v {names};\n"
        if walk.starts and walk.groups:
            inner = ""
            for g, (place, seen) in enumerate(walk.groups):
                inner += self.group(g * walk.length * self.width, place, seen, reads, sums, walk)
            step = len(walk.groups) * walk.length * self.width
            text += (
                f"static const int32_t starts[] = {{{', '.join(map(str, walk.starts))}}};\n"
                f"for (int64_t r = low; r < high; r++) {{\n"
                f"const {p.kind} *from = x + starts[r], *weights = w + r * {step};\n{inner}}}\n"
            )
        return text + self.storing(writes, sums)

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
        p, V, lanes = self.problem, f"{self.problem.name}_v", self.lanes
        body = ""
        for v in range(len(sums[0])):
            at = f"weights + {start + v * lanes} + j * {self.width}"
            body += f"const {V} w{v} = *(const {V} *)({at});\n"
        for i in seen:
            terms = "".join(f" {s} += v * w{v};" for v, s in enumerate(sums[i]))
            body += f"{{ const {p.kind} v = from[j + {place + reads[i]}];{terms} }}\n"
        return nested([("j", walk.length)], body)

    def storing(self, writes: list[int], sums: list[list[str]]) -> str:
        """C that writes the sums, with the bias added to them."""
        p, V, lanes = self.problem, f"{self.problem.name}_v", self.lanes
        vectors = len(sums[0])
        last = min(lanes, p.outputs - (vectors - 1) * lanes)
        text = ""
        for v in range(vectors):
            count = last if v == vectors - 1 else lanes
            if p.bias:
                text += load(V, "b", f"bias + {v * lanes}", count, lanes)
            for row, place in zip(sums, writes, strict=True):
                value = f"{row[v]} + b" if p.bias else row[v]
                text += store(V, f"y + {place + v * lanes}", value, count, lanes)
            text += "}\n" if p.bias else ""
        return text


def load(V: str, name: str, place: str, count: int, lanes: int) -> str:
    """Open a block with a vector, of which so many elements are read."""
    if count == lanes:
        return f"{{ const {V} {name} = *(const {V} *)({place});\n"
    return f"{{ {V} {name} = {{0}}; memcpy(&{name}, {place}, {count} * sizeof *({place}));\n"


def store(V: str, place: str, value: str, count: int, lanes: int) -> str:
    """Write the first elements of a vector."""
    if count == lanes:
        return f"*({V} *)({place}) = {value};\n"
    return f"{{ const {V} v = {value}; memcpy({place}, &v, {count} * sizeof *({place})); }}\n"
