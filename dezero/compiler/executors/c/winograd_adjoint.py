"""Gradients of unpadded convolutions to their inputs, by the adjoint of Winograd's algorithm, in C.

With y = A ((G W G') * (B x B')) A' for each tile x of the inputs,

    gx = sum over tiles of B' ((G W G') * (A' gy A)) B,

where tiles overlap. As a convolution, the gradient would see zeros around gy for the most part
where images are small; its adjoint has a tile for each of the convolution's, and none besides.
"""

from __future__ import annotations

from math import prod

from .grids import LANES, TILED, TILES, Grid, products, usable
from .slabs import Phase, Slab, slab_of
from .transforms import Algorithm, Matrix, algorithm, transposed
from .winograd import ByTiles


class Adjoint(ByTiles):
    """Writes the kernel of a problem for a target; x is the gradient of y, and y that of x."""

    def tiled(self) -> tuple[Slab, int]:
        """The tiles of x, and how many there are in a row."""
        p, m = self.problem, self.F.m
        offsets = tuple(range(m))
        phase = tuple([Phase(0, 1, n // m, m, offsets, offsets) for n in p.sizes])
        most = TILES[self.F.n]
        return slab_of(p.images, p.sizes, p.inputs, [phase], self.size, most, most), p.sizes[1] // m

    def matrices(self) -> tuple[Matrix, Matrix]:
        """Those that tiles of x and tiles of products are transformed by."""
        return transposed(self.F.A), transposed(self.F.B)

    def weight(self, output: str, input_: str, tap: str) -> str:
        """The C of a weight, for a tap of a tile."""
        return self.problem.weight("0", output, input_, tap)

    def stores(self) -> str:
        """C that adds a tile to the results."""
        return "".join(
            f"*(V *)(y + place + {i * self.steps[1] + j * self.steps[2]}) += z{i}_{j};\n"
            for i in range(self.F.n)
            for j in range(self.F.n)
        )

    def scattered(self, products: str, first: str) -> str:
        """C that writes the results of a unit."""
        images = f"y + n * {self.steps[0]}"
        size = self.slab.images * self.steps[0] * self.size
        return f"memset({images}, 0, {size});\n{super().scattered(products, first)}"


def adjoint_algorithm(grid: Grid) -> tuple[Algorithm, float] | None:
    """That whose adjoint should take least time, if there is one; and that time."""
    p = grid.problem
    # channels are whole vectors, so that none is added twice
    if not usable(grid) or not p.transposed or p.bias or p.outputs % LANES or grid.spread > 1:
        return None
    if any(axis.first != 1 - len(axis.taps) for axis in p.phases[0]):  # it has been padded
        return None
    found, least = None, 0.8 * products(p)
    for m in TILED[grid.r]:
        F, tiles = algorithm(m, grid.r), prod(n // m for n in p.sizes)
        if any(n % m for n in p.sizes) or tiles >= TILES[F.n]:  # bands would overlap
            continue
        time = tiles * F.n**2 * (p.inputs * p.outputs + 8 * (p.inputs + 3 * p.outputs))
        if time < least:
            found, least = (F, time), time
    return found
