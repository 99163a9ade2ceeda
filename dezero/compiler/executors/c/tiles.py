"""Which pixels and channels are summed up in registers together, and in which order.

A tile is some pixels by some vectors of output channels; or, where outputs are few, by single
outputs, and then the vectors are of inputs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from math import ceil, prod

from ....arrays.patches import Sizes
from .slabs import Phase, Slab, clipped, visible
from .vectors import Target

STATEMENTS = 800  # of a tile at most, so that compiling is quick


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


@dataclass(frozen=True, slots=True)
class Walk:
    """The order in which a tile goes through the taps.

    Attributes:
        starts: Places in the slab, relative to that of the first tap, of an outer loop.
        groups: For each inner tap, or run of taps, its place relative to these, and which of the
            tile's pixels it sees; the others see padding there.
        length: Elements of a group, one after another.
    """

    starts: list[int]
    groups: list[tuple[int, list[int]]]
    length: int


def offsets_of(phase: tuple[Phase, ...], slab: Slab) -> list[list[int]]:
    """For each axis the places of its taps in the slab, relative to the first one."""
    steps = slab.strides[1:]
    return [
        [(o - axis.first) * s for o in axis.offsets] for axis, s in zip(phase, steps, strict=True)
    ]


def plain_walk(phase: tuple[Phase, ...], slab: Slab, pixels: int, groups: int, inputs: int) -> Walk:
    """That in which every tap sees all pixels; taps that lie next to each other are one run."""
    places = offsets_of(phase, slab)
    last = phase[-1]
    if groups == 1 and last.offsets == tuple(range(last.first, last.first + len(last.taps))):
        inputs *= len(last.taps)
        places[-1] = places[-1][:1]
    starts = [sum(tap) for tap in product(*places)]
    return Walk(starts, [(0, list(range(pixels)))], inputs)


def clipped_walk(
    phase: tuple[Phase, ...], slab: Slab, tile: Tile, extents: list[int], inputs: int
) -> Walk | None:
    """That which leaves out what is padding, where a tile spans whole axes; or None."""
    whole = tile.count == extents[tile.axis] and (tile.axis != 1 or slab.bands == 1)
    first = max(0, tile.axis - 1 if whole else tile.axis)  # of the spatial axes
    pairs = list(zip(phase, slab.sizes, strict=True))
    if not any(clipped(axis, size) for axis, size in pairs[first:]):
        return None
    places = offsets_of(phase, slab)
    pixels = list(product(range(tile.count), *[range(n) for n in extents[tile.axis + 1 :]]))
    skipped = first + 1 - tile.axis  # coordinates of a pixel that are not on these axes
    groups = []
    for tap in product(*[range(len(axis.taps)) for axis in phase[first:]]):
        seen = [
            i
            for i, pixel in enumerate(pixels)
            if all(
                visible(axis, size, u)[k]
                for (axis, size), u, k in zip(pairs[first:], pixel[skipped:], tap, strict=True)
            )
        ]
        place = sum(row[k] for row, k in zip(places[first:], tap, strict=True))
        groups.append((place, seen))
    if sum(len(seen) for _, seen in groups) * tile.vectors > STATEMENTS:
        return None
    return Walk([sum(tap) for tap in product(*places[:first])], groups, inputs)


def tile_shapes(extents: list[int], bands: int) -> Iterator[tuple[int, int, int]]:
    """Possible tiles, from small to large: axis, places along it, and pixels."""
    pixels = 1
    for axis in range(len(extents) - 1, -1, -1):
        for count in range(1 if axis == len(extents) - 1 else 2, extents[axis] + 1):
            yield axis, count, count * pixels
        if axis == 1 and bands > 1:
            return
        pixels *= extents[axis]


@dataclass(frozen=True, slots=True)
class Shapes:
    """Finds the tile that should be quickest.

    Attributes:
        target: Whose registers are used.
        lanes: Numbers in a vector.
        slab: From which is read.
        groups: Of channels.
        inputs: Channels in a group.
        outputs: Channels in a group.
    """

    target: Target
    lanes: int
    slab: Slab
    groups: int
    inputs: int
    outputs: int

    def extents(self, phase: tuple[Phase, ...]) -> list[int]:
        """The least number of places along each axis, that of the images first."""
        first = phase[0].count
        if self.slab.bands > 1:
            first -= self.slab.count - self.slab.count // self.slab.bands
        return [self.slab.images, max(1, first), *[p.count for p in phase[1:]]]

    def walk(self, phase: tuple[Phase, ...], tile: Tile) -> Walk:
        """How a tile goes through the taps."""
        extents = self.extents(phase)
        found = clipped_walk(phase, self.slab, tile, extents, self.inputs)
        pixels = tile.count * prod(extents[tile.axis + 1 :])
        return found or plain_walk(phase, self.slab, pixels, self.groups, self.inputs)

    def best(self, phase: tuple[Phase, ...], vectors: int = 0) -> tuple[Tile, float]:
        """The best tile, of so many vectors if that is given, and an idea of its cycles."""
        extents = self.extents(phase)
        best, least = Tile(len(extents) - 1, 1, vectors or 1), float("inf")
        for v in [vectors] if vectors else self.candidates():
            blocks = self.blocks(v)
            for axis, count, pixels in tile_shapes(extents, self.slab.bands):
                if v * (pixels + 1) + 1 > self.target.registers - (v > 1):
                    break
                tile = Tile(axis, count, v)
                tiles = blocks * prod(extents[:axis]) * ceil(extents[axis] / count)
                time = tiles * (self.cycles(self.walk(phase, tile), v) + 2 * v * pixels + 10)
                if time < least:
                    best, least = tile, time
        return best, least

    def candidates(self) -> list[int]:
        """How many vectors a pixel may have."""
        needed = ceil(self.outputs / self.lanes)
        return [v for v in range(1, 7) if v == needed or v * self.lanes <= self.outputs]

    def blocks(self, vectors: int) -> int:
        """Into how many blocks the outputs are cut."""
        return ceil(self.outputs / (vectors * self.lanes))

    def cycles(self, walk: Walk, vectors: int) -> float:
        """About how long it takes to sum up a tile of such vectors."""
        # two products or two loads at a time; sums wait four cycles for the ones before
        steps = [
            max(vectors * len(seen) / 2, (vectors + len(seen)) / 2, 4.0) if seen else 0
            for _, seen in walk.groups
        ]
        return len(walk.starts) * (walk.length * sum(steps) + 2 * len(steps))
