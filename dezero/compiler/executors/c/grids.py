"""Convolutions as ones of stride 1, and which of Winograd's algorithms is best for them.

With a stride S, S x S pixels of x that lie together are one of S*S times the channels, and of k
taps along an axis k/S are left. For the transpose it is y that has S*S times the channels. They
are in the order [row in S][column in S][channel].
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, prod

from ....arrays.patches import Sizes
from .slabs import Phase, Slab, slab_of, visible
from .tiles import Problem
from .transforms import Algorithm, algorithm

CHANNELS = 32  # at least, for transforms to pay
TILES = {4: 96, 5: 64, 6: 48}  # in a slab, by inputs of a tile, so that they stay in the cache
TILED = {2: (4,), 3: (2, 4), 5: (2,)}  # outputs of a tile, by taps
LANES = 16  # in the widest vector


@dataclass(frozen=True, slots=True)
class Grid:
    """A problem as one of stride 1.

    Attributes:
        problem: What it is made from.
        r: Taps along each axis.
        split: The stride if it is x whose pixels are put together, else 1.
        spread: The stride if it is y, else 1.
        firsts: The first pixel of x that result 0 sees, along each axis.
        results: Of this grid, along each axis.
        shift: Where the first pixel of result 0 lies in y, along each axis.
    """

    problem: Problem
    r: int
    split: int
    spread: int
    firsts: Sizes
    results: Sizes
    shift: Sizes

    @property
    def inputs(self) -> int:
        """Channels of x."""
        return self.split**2 * self.problem.inputs

    @property
    def outputs(self) -> int:
        """Channels of y."""
        return self.spread**2 * self.problem.outputs

    def tap(self, output: str, input_: str, tap: str) -> tuple[str, str]:
        """The C of the row and the column of a tap in the kernel."""
        if self.problem.transposed:  # whose taps are mirrored
            tap = f"({self.r**2 - 1} - {tap})"
        row, column = f"{tap} / {self.r}", f"{tap} % {self.r}"
        S = self.split * self.spread
        if S == 1:
            return row, column
        channel, count = input_, self.problem.inputs
        if self.spread > 1:
            channel, count = output, self.problem.outputs
        return (
            f"{row} * {S} + {channel} / {S * count}",
            f"{column} * {S} + {channel} / {count} % {S}",
        )

    def weight(self, output: str, input_: str, tap: str) -> str:
        """An element of W in C, for channels of this grid."""
        p = self.problem
        row, column = self.tap(output, input_, tap)
        output = f"{output} % {p.outputs}" if self.spread > 1 else output
        input_ = f"{input_} % {p.inputs}" if self.split > 1 else input_
        return p.weight("0", output, input_, f"({row}) * {p.kernel[1]} + {column}")


def grid_of(p: Problem) -> Grid | None:
    """The problem as one of stride 1, if it has two axes and a square kernel and stride."""
    if p.groups > 1 or len(p.kernel) != 2 or p.kernel[0] != p.kernel[1]:
        return None
    axes = [axis for phase in p.phases for axis in phase]
    for axis in axes:
        if axis.offsets != tuple(range(axis.first, axis.first + len(axis.taps))) or not axis.taps:
            return None
    k, S = p.kernel[0], axes[0].step if p.transposed else axes[0].advance
    same = all((axis.step if p.transposed else axis.advance) == S for axis in axes)
    if not same or k % S or len(p.phases) != (S * S if p.transposed else 1):
        return None
    r = k // S
    firsts = tuple([axis.first for axis in p.phases[0]])
    if not p.transposed:
        return Grid(p, r, S, 1, firsts, p.results, (0, 0))
    # y lies in the grid as many places on as it has been padded with
    pads = [S * axis.offsets[-1] + axis.taps[-1] for axis in p.phases[0]]
    counts = [(n - 1 + pad) // S - pad // S + 1 for n, pad in zip(p.results, pads, strict=True)]
    firsts = tuple([pad // S - (r - 1) for pad in pads])
    return Grid(p, r, 1, S, firsts, tuple(counts), tuple([-(pad % S) for pad in pads]))


def slab_of_tiles(grid: Grid, F: Algorithm, size: int, tiles: int = 0) -> Slab:
    """The slabs that are transformed at a time, with tiles as what their rows are counted in."""
    p, axes = grid.problem, []
    for first, results in zip(grid.firsts, grid.results, strict=True):
        offsets = tuple(range(first, first + grid.split * F.n))
        axes.append(Phase(0, 1, ceil(results / F.m), grid.split * F.m, offsets, offsets))
    tiles = tiles or TILES[F.n]
    return slab_of(p.images, p.sizes, p.inputs, [tuple(axes)], size, tiles, tiles)


def best_algorithm(grid: Grid) -> tuple[Algorithm, float] | None:
    """That which should take least time, if it takes clearly less than the definition; and that."""
    if not usable(grid):
        return None
    found, least = None, 0.8 * products(grid.problem)
    for m in TILED[grid.r]:
        F = algorithm(m, grid.r)
        tiles = prod(ceil(n / m) for n in grid.results)
        work = grid.inputs * grid.outputs + 8 * (grid.inputs + grid.outputs)
        if tiles * F.n**2 * work < least:
            found, least = (F, tiles * F.n**2 * work), tiles * F.n**2 * work
    return found


def usable(grid: Grid) -> bool:
    """Whether transforms may pay, and vectors lie within what is put together."""
    p = grid.problem
    wide = min(grid.inputs, grid.outputs) >= CHANNELS and grid.split * p.inputs >= LANES
    return grid.r in TILED and wide and (grid.spread == 1 or p.outputs % LANES == 0)


def products(p: Problem) -> int:
    """How many the definition takes for an image, without those with zeros around it."""
    taps = sum(
        prod(
            sum(sum(visible(axis, size, u)) for u in range(axis.count))
            for axis, size in zip(phase, p.sizes, strict=True)
        )
        for phase in p.phases
    )
    return taps * p.inputs * p.outputs
