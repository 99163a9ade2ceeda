"""Convolution and its transpose in C, straight from their definitions: no patches are copied.

A tile of some pixels by some vectors of output channels is summed up in registers: for every
tap and input channel, a vector of weights times each pixel's input. Weights are packed first,
into the order in which they are read. Where tiles do not divide the pixels or the channels, the
last one overlaps the one before, so that one size of tile is enough.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from math import ceil, prod

from ....arrays.patches import Sizes
from .slabs import Phase, Slab, slab_of, strides
from .vectors import Body, Target, element, itemsize, nested, rounded, stage, vector_type

PIXELS = 96  # of a slab, so that weights are not read from memory for a few pixels only


@dataclass(frozen=True, slots=True)
class Problem:
    """What is to be computed: y[n, start + step u, o] = sum of x[n, advance u + offset, c] W.

    Attributes:
        name: Begins all names in C.
        kind: "float" or "double".
        images: N.
        groups: G.
        inputs: Channels of x in a group.
        outputs: Channels of y in a group.
        sizes: Spatial sizes of x.
        results: Spatial sizes of y.
        phases: What is seen from where.
        kernel: Sizes of the window.
        bias: Whether there is one.
        transposed: Whether W is (inputs, outputs, *kernel) rather than (outputs, inputs, *kernel).
    """

    name: str
    kind: str
    images: int
    groups: int
    inputs: int
    outputs: int
    sizes: Sizes
    results: Sizes
    phases: list[tuple[Phase, ...]]
    kernel: Sizes
    bias: bool
    transposed: bool

    def weight(self, group: str, output: str, input_: str, tap: str) -> str:
        """An element of W in C."""
        i, o, k = self.inputs, self.outputs, prod(self.kernel)
        rows, columns = (input_, output) if self.transposed else (output, input_)
        height, width = (i, o) if self.transposed else (o, i)
        return f"W[((({group}) * {height} + {rows}) * {width} + {columns}) * {k} + {tap}]"


@dataclass(frozen=True, slots=True)
class Tile:
    """Pixels by vectors: `count` places along an axis and all places on the axes inside of it.

    Axis 0 is that of the images.
    """

    axis: int
    count: int
    vectors: int


def tap_indices(phase: tuple[Phase, ...], kernel: Sizes) -> list[int]:
    """The taps of a phase, as indices into a flat kernel."""
    flat = []
    for taps in product(*[p.taps for p in phase]):
        index = 0
        for tap, k in zip(taps, kernel, strict=True):
            index = index * k + tap
        flat.append(index)
    return flat


def runs(phase: tuple[Phase, ...], slab: Slab, groups: int, inputs: int) -> tuple[list[int], int]:
    """Where runs of inputs begin that lie one after another, and their length.

    Places are relative to that of the first tap.
    """
    *outer, last = phase
    steps = slab.strides[1:]
    merged = groups == 1 and last.offsets == tuple(range(last.first, last.first + len(last.taps)))
    offsets = [[o - p.first for o in p.offsets] for p in outer]
    offsets.append([o - last.first for o in last.offsets])
    length = inputs
    if merged and last.offsets:
        length *= len(last.offsets)
        offsets[-1] = [0]
    starts = [
        sum(o * s for o, s in zip(places, steps, strict=True)) for places in product(*offsets)
    ]
    return starts, length


class Direct:
    """Writes the kernel of a problem for a target."""

    def __init__(self, problem: Problem, target: Target) -> None:
        self.problem, self.target = problem, target
        p = problem
        self.size = itemsize(p.kind)
        self.lanes = target.width // self.size
        channels = p.groups * p.inputs
        self.slab = slab_of(p.images, p.sizes, channels, p.phases, self.size, PIXELS)
        self.steps = strides(p.results, p.groups * p.outputs)
        self.tiles = [self.best_tile(phase) for phase in p.phases]
        # weights are packed for one width of block, so all phases have the same one
        widest = max(tile.vectors for tile in self.tiles)
        self.tiles = [self.best_tile(phase, widest) for phase in p.phases]
        self.width = widest * self.lanes
        self.blocks = ceil(p.outputs / self.width)

    def extents(self, phase: tuple[Phase, ...]) -> list[int]:
        """The least number of places along each axis, that of the images first."""
        first = phase[0].count
        if self.slab.bands > 1:
            most = self.slab.count // self.slab.bands
            first = most - (self.slab.count - first)
        return [self.slab.images, first, *[p.count for p in phase[1:]]]

    def best_tile(self, phase: tuple[Phase, ...], vectors: int = 0) -> Tile:
        """The tile with which the phase takes the least time, as far as can be foreseen."""
        starts, length = runs(phase, self.slab, self.problem.groups, self.problem.inputs)
        length *= len(starts)
        extents = self.extents(phase)
        needed = ceil(self.problem.outputs / self.lanes)
        best, least = Tile(len(extents) - 1, 1, 1), float("inf")
        for v in [vectors] if vectors else range(1, 7):
            if v > needed or (v < needed and v * self.lanes > self.problem.outputs):
                continue
            blocks = ceil(self.problem.outputs / (v * self.lanes))
            for axis, count, pixels in tile_shapes(extents, self.slab.bands):
                if v * (pixels + 1) + 1 > self.target.registers - (v > 1):
                    break
                step = max(v * pixels / 2, (v + pixels) / 2, 4.0)
                tiles = blocks * prod(extents[:axis]) * ceil(extents[axis] / count)
                time = tiles * (length * step + 2 * len(starts) + 2 * v * pixels + 10)
                if time < least:
                    best, least = Tile(axis, count, v), time
        return best

    def body(self) -> Body:
        """The kernel's text and its scratch memory."""
        p = self.problem
        packed, places = 0, []
        for phase in p.phases:
            places.append(packed)
            taps = prod(len(axis.taps) for axis in phase)
            packed += p.groups * self.blocks * taps * p.inputs * self.width
        shared, private = rounded(packed * self.size), rounded(self.slab.elements * self.size)
        text = vector_type(f"{p.name}_v", p.kind, self.target.width, self.size)
        text += self.packing(places)
        text += self.slab.filling(f"{p.name}_fill", p.kind)
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

    def packing(self, places: list[int]) -> str:
        """The stage that packs the weights: [phase][group][block][tap][input][lane]."""
        p, width = self.problem, self.width
        text = f"const {p.kind} *W = arrays[1];\n{p.kind} *packed = ({p.kind} *)scratch;\n"
        count = p.groups * self.blocks * p.inputs
        inner = ""
        tables = ""
        for i, (phase, place) in enumerate(zip(p.phases, places, strict=True)):
            taps = tap_indices(phase, p.kernel)
            if not taps:
                continue
            tables += f"static const int32_t taps{i}[] = {{{', '.join(map(str, taps))}}};\n"
            inner += (
                f"for (int64_t t = 0; t < {len(taps)}; t++) {{\n"
                f"{p.kind} *to = packed + {place} + "
                f"((part * {len(taps)} + t) * {p.inputs} + i) * {width};\n"
                f"for (int64_t lane = 0; lane < {width}; lane++)\n"
                f"to[lane] = start + lane < {p.outputs} ? "
                f"{p.weight('group', 'start + lane', 'i', f'taps{i}[t]')} : 0;\n}}\n"
            )
        last = max(0, p.outputs - width)
        text += (
            f"{tables}const int64_t end = (thread + 1) * {count} / threads;\n"
            f"for (int64_t k = thread * {count} / threads; k < end; k++) {{\n"
            f"const int64_t i = k % {p.inputs}, part = k / {p.inputs};\n"
            f"const int64_t group = part / {self.blocks}, block = part % {self.blocks};\n"
            f"const int64_t start = block < {self.blocks - 1} ? block * {width} : {last};\n"
            f"{inner}}}\n"
        )
        return stage(f"{p.name}_pack", text)

    def call(
        self, functions: dict[str, str], phase: tuple[Phase, ...], tile: Tile, place: int
    ) -> str:
        """C that computes a phase of a slab; the function that it calls is added if need be."""
        p, width = self.problem, self.width
        starts, length = runs(phase, self.slab, p.groups, p.inputs)
        text = self.function(phase, tile, starts, length)
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
        last = max(0, p.outputs - width)
        size = len(starts) * length * width
        bias = f"bias + group * {p.outputs} + start" if p.bias else "0"
        body = (
            f"const int64_t start = block < {self.blocks - 1} ? block * {width} : {last};\n"
            f"{name}(slab + {offset} + group * {p.inputs}, "
            f"packed + {place} + (group * {self.blocks} + block) * {size}, {bias}, "
            f"y + n * {self.steps[0]} + {target} + u0 * {step} + group * {p.outputs} + start, "
            f"(u1 < {phase[0].count} ? u1 : {phase[0].count}) - u0);\n"
        )
        return nested([("group", p.groups), ("block", self.blocks)], body)

    def function(self, phase: tuple[Phase, ...], tile: Tile, starts: list[int], length: int) -> str:
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
        at = [*[f"i{i}" for i in range(tile.axis)], "at"]
        x, y = element(at, reads[: tile.axis + 1]), element(at, writes[: tile.axis + 1])
        body = self.tile(
            [sum(i * s for i, s in zip(q, reads[tile.axis :], strict=True)) for q in places],
            [sum(i * s for i, s in zip(q, writes[tile.axis :], strict=True)) for q in places],
            tile.vectors,
            starts,
            length,
        )
        extent = counts[tile.axis]
        loop = (
            f"for (int64_t i = 0; i < {extent}; i += {tile.count}) {{\n"
            f"const int64_t at = i < {extent} - {tile.count} ? i : {extent} - {tile.count};\n"
            f"NAME_tile(x + {x}, w, bias, y + {y});\n}}\n"
        )
        loops = [(f"i{i}", counts[i]) for i in range(tile.axis)]
        return (
            f"static inline void NAME_tile(const {p.kind} *x, const {p.kind} *w, "
            f"const {p.kind} *bias, {p.kind} *y) {{\n{body}}}\n"
            f"static void NAME(const {p.kind} *x, const {p.kind} *w, const {p.kind} *bias, "
            f"{p.kind} *y, int64_t rows) {{\n{nested(loops, loop)}}}\n"
        )

    def tile(
        self, reads: list[int], writes: list[int], vectors: int, starts: list[int], length: int
    ) -> str:
        """The innermost loops: a sum in a register for each pixel and vector."""
        p, lanes = self.problem, self.lanes
        V = f"{p.name}_v"
        sums = [[f"s{i}_{v}" for v in range(vectors)] for i in range(len(reads))]
        out = [f"{V} {', '.join([f'{s} = {{0}}' for row in sums for s in row])};\n"]
        if starts:
            inner = "".join(
                f"const {V} w{v} = *(const {V} *)(w + {v * lanes});\n" for v in range(vectors)
            )
            for row, place in zip(sums, reads, strict=True):
                terms = "".join(f" {s} += v * w{v};" for v, s in enumerate(row))
                inner += f"{{ const {p.kind} v = from[j + {place}];{terms} }}\n"
            out.append(
                f"static const int32_t starts[] = {{{', '.join(map(str, starts))}}};\n"
                f"for (int64_t r = 0; r < {len(starts)}; r++) {{\n"
                f"const {p.kind} *from = x + starts[r];\n"
                f"for (int64_t j = 0; j < {length}; j++, w += {vectors * lanes}) {{\n"
                f"{inner}}}\n}}\n"
            )
        last = p.outputs - (vectors - 1) * lanes if p.outputs < vectors * lanes else lanes
        for v in range(vectors):
            count = last if v == vectors - 1 else lanes
            if p.bias:
                out.append(load(V, "b", f"bias + {v * lanes}", count, lanes))
            for row, place in zip(sums, writes, strict=True):
                value = f"{row[v]} + b" if p.bias else row[v]
                out.append(store(V, f"y + {place + v * lanes}", value, count, lanes))
            if p.bias:
                out.append("}\n")
        return "".join(out)


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


def tile_shapes(extents: list[int], bands: int) -> Iterator[tuple[int, int, int]]:
    """Possible tiles, from small to large: axis, places along it, and pixels."""
    pixels = 1
    for axis in range(len(extents) - 1, -1, -1):
        for count in range(1 if axis == len(extents) - 1 else 2, extents[axis] + 1):
            yield axis, count, count * pixels
        if axis == 1 and bands > 1:
            return
        pixels *= extents[axis]


def direct(problem: Problem, target: Target) -> Body:
    """The body of a convolution's or transposed convolution's kernel."""
    return Direct(problem, target).body()
