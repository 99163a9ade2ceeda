"""The gradient of a convolution to its weights by Winograd's algorithm, in C.

With y = A ((G W G') * (B x B')) A' for each tile x of the inputs, it is

    gW = G' (sum over tiles of (B x B') * (A' gy A)) G

(Lavin and Gray 2015, arXiv 1509.09308). For each place in a transformed tile, the sum is a
product of matrices: of channels of x by tiles, and of tiles by channels of y. It is computed for
a panel of channels at a time and transformed back at once, so that the sums of all places are
never in memory together; and many tiles are added up by chunks, so that errors stay small.
"""

from __future__ import annotations

from math import ceil, prod

from .blocks import Outer, best_block
from .grids import Grid, slab_of_tiles
from .slabs import like
from .transforms import Algorithm, Transform, both_sides, transposed
from .vectors import Body, Target, itemsize, rounded, stage, vector_type
from .winograd import SKEW

CHUNK = 64  # tiles at least that are summed up, so that transforming back costs little
PANEL = 64  # channels of x, and of y


def winograd_gradient(grid: Grid, target: Target, F: Algorithm) -> Body:
    """The kernel: that which needs less memory where channels are many and tiles few."""
    tiles = grid.problem.images * prod(ceil(n / F.m) for n in grid.results)
    few = tiles * (grid.inputs + grid.outputs) <= grid.inputs * grid.outputs
    chosen = AtOnce if few else AddedUp
    return chosen(grid, target, F).body()


class WinogradGradient:
    """What both kernels have in common; x and y are those of the problem's convolution."""

    def __init__(self, grid: Grid, target: Target, F: Algorithm) -> None:
        self.grid, self.F = grid, F
        self.problem = p = grid.problem
        self.inputs = grid.inputs
        self.taps = F.r**2
        self.size = itemsize(p.kind)
        self.lanes = target.width // self.size
        self.x_slab = slab_of_tiles(grid, F, self.size, CHUNK)
        self.y_slab = like(self.x_slab, p.results, p.outputs, F.m)
        self.across = ceil(p.results[1] / F.m)
        self.units = p.images // self.x_slab.images * self.x_slab.bands
        most = min(PANEL, self.inputs), min(PANEL, p.outputs)
        self.block, _ = best_block(*most, self.lanes, target)
        # panels are whole blocks: what lies past the channels is computed too, and left out
        self.width = self.block.vectors * self.lanes
        self.rows = rounded(most[0], self.block.rows)
        self.columns = rounded(most[1], self.width)
        tiles, skew = self.tiles(), SKEW // self.size
        self.x_step, self.y_step = tiles * self.inputs + skew, tiles * p.outputs + skew
        places, slack = F.n**2, self.rows + self.columns
        parts = (
            places * self.x_step + slack,
            places * self.y_step + slack,
            self.x_slab.elements,
            self.y_slab.elements,
            places * self.rows * self.columns,
        )
        self.bytes = [rounded(part * self.size) for part in parts]

    def tiles(self) -> int:
        """How many transformed tiles are in memory together: those of a unit of work."""
        rows = ceil(self.x_slab.count / self.x_slab.bands)
        return self.x_slab.images * rows * self.across

    def functions(self, stores: str) -> str:
        """The C functions for parts of the work; the last one ends with these stores."""
        p, F, name, V = self.problem, self.F, self.problem.name, f"{self.problem.name}_v"
        loops, left, right = ["rows"], [self.inputs], [p.outputs]
        step = self.columns
        outer = Outer(p.kind, V, self.lanes, self.block, step, loops, left, right, fresh=True)
        text = vector_type(V, p.kind, self.lanes * self.size, self.size)
        text += outer.text(f"{name}_product")
        for array, slab, M, split, step in (
            ("x", self.x_slab, F.B, self.grid.split, self.x_step),
            ("y", self.y_slab, transposed(F.A), 1, self.y_step),
        ):
            text += slab.filling(f"{name}_fill_{array}", p.kind)
            transform = Transform(p.kind, V, self.lanes, M, slab, F.m, split, self.across, step)
            text += transform.text(f"{name}_transform_{array}")
        return text + self.back(stores)

    def back(self, stores: str) -> str:
        """The C function that transforms the sums of a panel back."""
        p, n = self.problem, self.F.n
        step = self.rows * self.columns
        loads = "".join(
            f"const V x{i}_{j} = *(const V *)(from + {(i * n + j) * step});\n"
            for i in range(n)
            for j in range(n)
        )
        return (
            f"static void {p.name}_back(const {p.kind} *panel, {p.kind} *W, "
            f"int64_t c0, int64_t c1, int64_t o0, int64_t o1) {{\ntypedef {p.name}_v V;\n"
            f"for (int64_t o = o0; o < o1; o += {self.lanes})\n"
            f"for (int64_t c = c0; c < c1; c++) {{\n"
            f"const {p.kind} *from = panel + (c - c0) * {self.columns} + o - o0;\n"
            f"{loads}{both_sides(transposed(self.F.G), p.kind)}{stores}}}\n}}\n"
        )

    def names(self) -> list[str]:
        """The elements of a transformed block of weights."""
        return [f"z{i}_{j}" for i in range(self.F.r) for j in range(self.F.r)]

    def over_units(self, x: str, y: str, first: str, rest: str = "") -> str:
        """C that transforms the tiles of a thread's units of work.

        Args:
            x: Where a thread has its slabs of x.
            y: And of y.
            first: The number of a unit's first tile.
            rest: What is done with a unit then.
        """
        p, name = self.problem, self.problem.name
        return (
            f"const {p.kind} *x = arrays[0], *y = arrays[1];\n"
            f"const int64_t end = (thread + 1) * {self.units} / threads;\n"
            f"for (int64_t unit = thread * {self.units} / threads; unit < end; unit++) {{\n"
            f"{self.x_slab.bounds()}"
            f"{self.x_slab.part('x_slab', 'x', f'{name}_fill_x', p.kind, x)}"
            f"{self.y_slab.part('y_slab', 'y', f'{name}_fill_y', p.kind, y)}"
            f"{name}_transform_x(x_slab, xs + {first} * {self.inputs}, u1 - u0);\n"
            f"{name}_transform_y(y_slab, ys + {first} * {p.outputs}, u1 - u0);\n{rest}}}\n"
        )

    def panel(self, gradient: str) -> str:
        """C that computes the gradient for the panel of channels from c0 by those from o0 on."""
        p = self.problem
        return (
            f"const int64_t c1 = c0 + {self.rows} < {self.inputs} ? "
            f"c0 + {self.rows} : {self.inputs};\n"
            f"const int64_t o1 = o0 + {self.columns} < {p.outputs} ? "
            f"o0 + {self.columns} : {p.outputs};\n"
            f"for (int64_t e = 0; e < {self.F.n**2}; e++)\n"
            f"for (int64_t o = o0; o < o1; o += {self.width})\n"
            f"for (int64_t c = c0; c < c1; c += {self.block.rows})\n"
            f"{p.name}_product(xs + e * {self.x_step} + c, ys + e * {self.y_step} + o, "
            f"panel + (e * {self.rows} + c - c0) * {self.columns} + o - o0, tiles);\n"
            f"{p.name}_back(panel, {gradient}, c0, c1, o0, o1);\n"
        )

    def lanes_left(self) -> str:
        """C that finds how many channels of y there are from o on, up to those of a vector."""
        left = f"{self.problem.outputs} - o"
        return f"const int64_t lanes = {left} < {self.lanes} ? {left} : {self.lanes};\n"


class AddedUp(WinogradGradient):
    """Every thread adds up the gradients of some tiles, [vector of y][input][tap][lane]."""

    def body(self) -> Body:
        """The kernel's text and its scratch memory."""
        p = self.problem
        self.vectors = ceil(p.outputs / self.lanes)
        sums = rounded(self.vectors * self.inputs * self.taps * self.lanes * self.size)
        place = f"((o / {self.lanes} * {self.inputs} + c) * {self.taps}"
        stores = "".join(
            f"*(V *)(W + {place} + {tap}) * {self.lanes}) += {z};\n"
            for tap, z in enumerate(self.names())
        )
        private = sums + sum(self.bytes)
        text = self.functions(stores) + self.run(sums, private) + self.reduction(private)
        return Body(text, 0, private)

    def run(self, sums: int, private: int) -> str:
        """The stage that adds up the gradients of a thread."""
        p = self.problem
        places = [sums]
        for size in self.bytes:
            places.append(places[-1] + size)
        xs, ys, x, y, panel, _ = places
        panels = (
            f"const int64_t tiles = {self.x_slab.images * self.across} * (u1 - u0);\n"
            f"for (int64_t c0 = 0; c0 < {self.inputs}; c0 += {self.rows})\n"
            f"for (int64_t o0 = 0; o0 < {p.outputs}; o0 += {self.columns}) {{\n"
            f"{self.panel('sums')}}}\n"
        )
        return stage(
            f"{p.name}_run",
            f"char *own = scratch + thread * {private};\n"
            f"{p.kind} *sums = ({p.kind} *)own;\nmemset(sums, 0, {sums});\n"
            f"{p.kind} *xs = ({p.kind} *)(own + {xs}), *ys = ({p.kind} *)(own + {ys});\n"
            f"{p.kind} *panel = ({p.kind} *)(own + {panel});\n"
            f"{self.over_units(f'own + {x}', f'own + {y}', '0', panels)}",
        )

    def reduction(self, private: int) -> str:
        """The stage that adds up the sums of all threads, in the order of the weights."""
        p = self.problem
        count = self.vectors * self.inputs
        return stage(
            f"{p.name}_reduce",
            f"typedef {p.name}_v V;\n{p.kind} *W = arrays[2];\n"
            f"const int64_t end = (thread + 1) * {count} / threads;\n"
            f"for (int64_t k = thread * {count} / threads; k < end; k++) {{\n"
            f"const int64_t o = k / {self.inputs} * {self.lanes}, c = k % {self.inputs};\n"
            f"{self.lanes_left()}"
            f"for (int64_t tap = 0; tap < {self.taps}; tap++) {{\n"
            f"const {p.kind} *from = (const {p.kind} *)scratch + "
            f"(k * {self.taps} + tap) * {self.lanes};\n"
            f"V sum = *(const V *)from;\n"
            f"for (int64_t t = 1; t < threads; t++) "
            f"sum += *(const V *)(from + t * {private // self.size});\n"
            f"for (int64_t lane = 0; lane < lanes; lane++)\n"
            f"{self.grid.weight('(o + lane)', 'c', 'tap')} = sum[lane];\n}}\n}}\n",
        )


class AtOnce(WinogradGradient):
    """All tiles are transformed first; then threads share out the panels."""

    def tiles(self) -> int:
        """All of them."""
        return self.problem.images * self.x_slab.count * self.across

    def body(self) -> Body:
        """The kernel's text and its scratch memory."""
        p = self.problem
        xs, ys, x, y, panel = self.bytes
        shared, private = xs + ys, max(x + y, panel)
        stores = (
            f"{self.lanes_left()}const V z[] = {{{', '.join(self.names())}}};\n"
            f"for (int64_t lane = 0; lane < lanes; lane++)\n"
            f"for (int64_t tap = 0; tap < {self.taps}; tap++)\n"
            f"{self.grid.weight('(o + lane)', 'c', 'tap')} = z[tap][lane];\n"
        )
        opening = (
            f"char *own = scratch + {shared} + thread * {private};\n"
            f"{p.kind} *xs = ({p.kind} *)scratch, *ys = ({p.kind} *)(scratch + {xs});\n"
        )
        first = f"(n * {self.x_slab.count} + u0) * {self.across}"
        text = self.functions(stores)
        text += stage(f"{p.name}_run", opening + self.over_units("own", f"own + {x}", first))
        down, across = ceil(self.inputs / self.rows), ceil(p.outputs / self.columns)
        text += stage(
            f"{p.name}_reduce",
            f"{opening}{p.kind} *W = arrays[2], *panel = ({p.kind} *)own;\n"
            f"const int64_t tiles = {self.tiles()};\n"
            f"const int64_t end = (thread + 1) * {down * across} / threads;\n"
            f"for (int64_t k = thread * {down * across} / threads; k < end; k++) {{\n"
            f"const int64_t c0 = k % {down} * {self.rows}, o0 = k / {down} * {self.columns};\n"
            f"{self.panel('W')}}}\n",
        )
        return Body(text, shared, private)
