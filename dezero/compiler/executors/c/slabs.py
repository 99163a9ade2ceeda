"""How outputs and inputs of a window lie to each other, and slabs: parts of an array with zeros.

A slab is some images, or a band of the rows of one, copied into a thread's scratch memory with
the padding around it, so that the kernels need no conditions and the data lies in the cache.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil, prod

from ....arrays.patches import Sizes, Window
from .vectors import element, nested

SLAB = 1 << 19  # bytes: larger ones are cut into bands
LARGEST = 1 << 20  # bytes: until then images are put together
ROWS = 4  # at least, in a band
UNITS = 16  # slabs at least, to be shared out to threads


@dataclass(frozen=True, slots=True)
class Phase:
    """Outputs start, start + step, ... of an axis, and what they see.

    Output number u, counted within the phase, sees inputs advance*u + offsets, which increase.
    """

    start: int
    step: int
    count: int
    advance: int
    offsets: Sizes
    taps: Sizes  # the index into the kernel's axis that belongs to each of the offsets

    @property
    def first(self) -> int:
        """The offset of the first tap."""
        return self.offsets[0] if self.offsets else 0


def visible(axis: Phase, size: int, u: int) -> list[bool]:
    """Which taps of result u lie inside of an axis."""
    return [0 <= axis.advance * u + offset < size for offset in axis.offsets]


def clipped(axis: Phase, size: int) -> bool:
    """Whether some results see padding."""
    ends = visible(axis, size, 0) + visible(axis, size, axis.count - 1)
    return not all(ends)


def strides(sizes: Sizes, channels: int) -> Sizes:
    """Elements from one image to the next, and from one place to the next on each axis."""
    steps = [channels]
    for n in reversed(sizes):
        steps.append(steps[-1] * n)
    return tuple(reversed(steps))


def forward_axes(window: Window, outputs: Sizes) -> list[list[Phase]]:
    """The phases of a convolution's outputs: a single one for each axis."""
    axes = []
    for k, s, p, d, n in zip(
        window.kernel, window.stride, window.pad, window.dilation, outputs, strict=True
    ):
        axes.append([Phase(0, 1, n, s, tuple([d * i - p for i in range(k)]), tuple(range(k)))])
    return axes


def backward_axes(window: Window, sizes: Sizes) -> list[list[Phase]]:
    """The phases of the transpose's outputs, which are a convolution's inputs."""
    axes = []
    for k, s, p, d, n in zip(
        window.kernel, window.stride, window.pad, window.dilation, sizes, strict=True
    ):
        phases = []
        for a in range(min(s, n)):
            taps = [i for i in reversed(range(k)) if (a + p - d * i) % s == 0]
            offsets = [(a + p - d * i) // s for i in taps]
            phases.append(Phase(a, s, (n - a + s - 1) // s, 1, tuple(offsets), tuple(taps)))
        axes.append(phases)
    return axes


@dataclass(frozen=True, slots=True)
class Slab:
    """Images n, n + 1, ... with zeros around them, from an array (N, *sizes, C).

    Attributes:
        images: How many at a time.
        bands: Into how many parts the first axis is cut.
        count: Of outputs along the first axis, that are shared out to the bands.
        advance: Inputs per output along the first axis.
        sizes: Of the array.
        low: The index, along each axis, of the slab's first element (in the first band).
        extents: Elements along each axis.
        channels: C.
        in_place: Whether it is no copy, since there is no padding.
    """

    images: int
    bands: int
    count: int
    advance: int
    sizes: Sizes
    low: Sizes
    extents: Sizes
    channels: int
    in_place: bool

    @property
    def strides(self) -> Sizes:
        """Elements from one image to the next, and from one place to the next on each axis."""
        shape = self.sizes if self.in_place else self.extents
        steps = [self.channels]
        for n in reversed(shape):
            steps.append(steps[-1] * n)
            # rows and images at a distance of 4 KB would share the cache's sets
            if not self.in_place and len(steps) > 2 and steps[-1] % 512 == 0:
                steps[-1] += 16
        return tuple(reversed(steps))

    @property
    def elements(self) -> int:
        """The memory that it takes."""
        return 0 if self.in_place else self.images * self.strides[0]

    def opening(self, name: str, kind: str, scratch: str) -> str:
        """C that finds `u0`, `u1`, `n` and `slab`, which is filled, for a unit of work."""
        return self.bounds() + self.part("slab", "x", name, kind, scratch)

    def bounds(self) -> str:
        """C that finds which images and outputs belong to a unit of work: from n, and u0 to u1."""
        return (
            f"const int64_t n = unit / {self.bands} * {self.images}, band = unit % {self.bands};\n"
            f"const int64_t u0 = band * {self.count} / {self.bands};\n"
            f"const int64_t u1 = (band + 1) * {self.count} / {self.bands};\n"
        )

    def part(self, slab: str, array: str, name: str, kind: str, scratch: str) -> str:
        """C that makes `slab` point to these images and rows of an array, filled if need be."""
        if self.in_place:
            start = sum(a * s for a, s in zip(self.low, self.strides[1:], strict=True))
            step = self.advance * self.strides[1]
            return (
                f"const {kind} *{slab} = {array} + n * {self.strides[0]} + u0 * {step} + {start};\n"
            )
        return (
            f"{kind} *{slab} = ({kind} *)({scratch});\n"
            f"{name}({array}, n, u0 * {self.advance} + {self.low[0]}, {slab});\n"
        )

    def filling(self, name: str, kind: str) -> str:
        """The C function NAME(x, n, first, slab): copy images from n on, rows from first on."""
        if self.in_place:
            return ""
        ndim = len(self.sizes)
        strides = self.strides
        lines = []
        lows = ["first", *[str(a) for a in self.low[1:]]]
        C = self.channels
        inner = " && ".join(
            f"{lows[i]} + i{i} >= 0 && {lows[i]} + i{i} < {self.sizes[i]}" for i in range(ndim - 1)
        )
        place = element(["m", *[f"i{i}" for i in range(ndim - 1)]], list(strides[:ndim]))
        source = "n + m"
        for i in range(ndim - 1):
            source = f"({source}) * {self.sizes[i]} + {lows[i]} + i{i}"
        last, size = self.extents[-1], self.sizes[-1]
        lines.append(f"{kind} *row = slab + {place};\n")
        lines.append(
            f"if (!({inner or 1})) {{ memset(row, 0, {last * C} * sizeof *row); continue; }}\n"
        )
        lines.append(f"memset(row, 0, left * {C} * sizeof *row);\n")
        lines.append(
            f"memcpy(row + left * {C}, x + (({source}) * {size} + {lows[-1]} + left) * {C}, "
            f"(right - left) * {C} * sizeof *row);\n"
        )
        lines.append(f"memset(row + right * {C}, 0, ({last} - right) * {C} * sizeof *row);\n")
        loops = [("m", self.images), *[(f"i{i}", self.extents[i]) for i in range(ndim - 1)]]
        return (
            f"static void {name}(const {kind} *x, int64_t n, int64_t first, {kind} *slab) {{\n"
            f"int64_t left = {lows[-1]} < 0 ? -({lows[-1]}) : 0;\n"
            f"int64_t right = {size} - ({lows[-1]});\n"
            f"left = left < {last} ? left : {last};\n"
            f"right = right < left ? left : right < {last} ? right : {last};\n"
            f"{nested(loops, ''.join(lines))}}}\n"
        )


def slab_of(
    images: int,
    sizes: Sizes,
    channels: int,
    phases: list[tuple[Phase, ...]],
    size: int,
    pixels: int,
    most: int = 0,
) -> Slab:
    """The slabs in which such an array is worked on.

    Args:
        images: N of the array.
        sizes: Its spatial sizes.
        channels: Its channels.
        phases: Of the outputs that see it.
        size: Bytes of an element.
        pixels: Outputs for which a slab has to suffice, where there are so many.
        most: Outputs of a slab at most, but for a row; 0 where memory alone counts.
    """
    low, high, counts = reach(phases)
    extents = [b - a + 1 for a, b in zip(low, high, strict=True)]
    advance = phases[0][0].advance
    together, bands = shares(images, counts, prod(extents) * channels * size, pixels, most)
    extents[0] -= advance * (counts[0] - -(-counts[0] // bands))
    inside = all(a >= 0 and b < n for a, b, n in zip(low, high, sizes, strict=True))
    return Slab(together, bands, counts[0], advance, sizes, low, tuple(extents), channels, inside)


def like(slab: Slab, sizes: Sizes, channels: int, advance: int) -> Slab:
    """The slabs of another array that holds `advance` places for each output of a slab's."""
    counts = [slab.count, *[ceil(n / advance) for n in sizes[1:]]]
    extents = [advance * n for n in counts]
    inside = extents == list(sizes)
    extents[0] = advance * ceil(slab.count / slab.bands)
    low = (0,) * len(sizes)
    return replace(
        slab,
        advance=advance,
        sizes=sizes,
        low=low,
        extents=tuple(extents),
        channels=channels,
        in_place=inside,
    )


def reach(phases: list[tuple[Phase, ...]]) -> tuple[Sizes, Sizes, Sizes]:
    """For each axis the first and the last index that is seen, and the most outputs."""
    low, high, counts = [], [], []
    for parts in zip(*phases, strict=True):
        seen = [p for p in parts if p.offsets]
        low.append(min([p.first for p in seen], default=0))
        high.append(max([p.advance * (p.count - 1) + p.offsets[-1] for p in seen], default=0))
        counts.append(max(p.count for p in parts))
    return tuple(low), tuple(high), tuple(counts)


def shares(images: int, counts: Sizes, memory: int, pixels: int, most: int) -> tuple[int, int]:
    """How many images are worked on together, or into how many bands one is cut.

    Args:
        images: How many there are.
        counts: Outputs along each axis.
        memory: Bytes that an image takes.
        pixels: How many outputs there should be at least.
        most: How many outputs there should be at most, if not 0.
    """
    together, bands = 1, 1
    if prod(counts) < pixels:
        for n in range(1, images // 4 + 1):
            enough = together * prod(counts) >= pixels
            if images % n == 0 and not enough and n * memory <= LARGEST:
                together = n
    else:
        bands = max(-(-memory // SLAB), -(-UNITS // max(1, images)))
        bands = max(1, min(bands, counts[0] // ROWS))
        if most:
            bands = max(bands, min(counts[0], -(-prod(counts) // most)))
    return together, bands
