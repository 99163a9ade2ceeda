"""Convolution by Winograd's algorithm in C: 2.25 to 4 times fewer products, for 3x3 and 5x5.

For each tile x of the inputs, y = A ((G W G') * (B x B')) A' (Lavin and Gray 2015, arXiv
1509.09308). Inputs are transformed, tile by tile; then each of the places in a transformed tile
has a product of matrices, of its tiles and its weights; and their results are transformed back.
"""

from __future__ import annotations

from dataclasses import replace
from math import ceil, prod

from .direct import Direct
from .grids import Grid, slab_of_tiles
from .slabs import Phase, Slab, strides
from .tiles import Problem
from .transforms import Algorithm, Matrix, Transform, both_sides, over_channels
from .vectors import Body, Target, element, itemsize, nested, rounded, stage, vector_type

PANEL = 32  # outputs that are computed in one go, where tiles are few
SKEW = 64  # bytes, so that places of a tile do not share the cache's sets


def winograd(grid: Grid, target: Target, F: Algorithm) -> Body:
    """The kernel: that which needs less memory where channels are many and tiles few."""
    tiles = grid.problem.images * prod(ceil(n / F.m) for n in grid.results)
    chosen = ByOutputs if tiles <= grid.outputs else ByTiles
    return chosen(grid, target, F).body()


class Winograd:
    """What both kernels have in common.

    Attributes:
        outputs: How many are computed in one go.
        tiles: How many transformed tiles are in memory together.
    """

    def __init__(
        self, grid: Grid, target: Target, F: Algorithm, outputs: int, together: bool
    ) -> None:
        self.grid, self.F, self.outputs = grid, F, outputs
        self.problem = p = grid.problem
        self.size = itemsize(p.kind)
        self.lanes = target.width // self.size
        self.slab, self.across = self.tiled()
        self.units = p.images // self.slab.images * self.slab.bands
        self.tiles = self.slab.images * ceil(self.slab.count / self.slab.bands) * self.across
        least = self.slab.images * (self.slab.count // self.slab.bands) * self.across
        if together:
            self.tiles = least = p.images * self.slab.count * self.across
        # products of matrices are convolutions with one tap, of as many places as there are tiles
        self.product = Direct(*rows_by_weights(grid, outputs, least), target)
        skew = SKEW // self.size
        self.x_step, self.y_step = self.tiles * grid.inputs + skew, self.tiles * outputs + skew
        self.steps = strides(p.results, p.outputs)
        E = F.n**2
        self.row = self.product.blocks * grid.inputs * self.product.width
        parts = (E * self.row, self.slab.elements, E * self.x_step, E * self.y_step)
        self.bytes = [rounded(part * self.size) for part in parts]

    def tiled(self) -> tuple[Slab, int]:
        """Slabs of x, and how many tiles a row has."""
        across = ceil(self.grid.results[1] / self.F.m)
        return slab_of_tiles(self.grid, self.F, self.size), across

    def matrices(self) -> tuple[Matrix, Matrix]:
        """Those that tiles of inputs and of products are transformed with."""
        return self.F.B, self.F.A

    def weight(self, output: str, input_: str, tap: str) -> str:
        """The C of a weight, for a tap of a tile."""
        return self.grid.weight(output, input_, tap)

    def functions(self) -> str:
        """The C functions for parts of the work."""
        p, V = self.problem, f"{self.problem.name}_v"
        phase, tile = self.product.problem.phases[0], self.product.tiles[0]
        function = self.product.function(phase, tile).replace("NAME", f"{p.name}_product")
        M, m, S = self.matrices()[0], self.F.m, self.grid.split
        gather = Transform(p.kind, V, self.lanes, M, self.slab, m, S, self.across, self.x_step)
        text = vector_type(V, p.kind, self.lanes * self.size, self.size)
        text += self.slab.filling(f"{p.name}_fill", p.kind)
        text += function.replace(self.product.problem.name, p.name)
        return text + gather.text(f"{p.name}_gather") + self.weights() + self.scattering()

    def weights(self) -> str:
        """The C function that transforms weights: [place][block][input][lane].

        Its arguments are where they are and where to, the first of the outputs, and of which
        block and input they are.
        """
        p, r, n = self.problem, self.F.r, self.F.n
        width = self.product.width
        loads = "".join(
            f"const V x{i}_{j} = *(const V *)(taken[{i * r + j}] + lane);\n"
            for i in range(r)
            for j in range(r)
        )
        stores = "".join(
            f"*(V *)(to + {(i * n + j) * self.row}) = z{i}_{j};\n"
            for i in range(n)
            for j in range(n)
        )
        return (
            f"static void {p.name}_weights(const {p.kind} *W, {p.kind} *packed, int64_t first, "
            f"int64_t block, int64_t i) {{\ntypedef {p.name}_v V;\n"
            f"{self.product.block_start()}{p.kind} taken[{r * r}][{width}];\n"
            f"for (int64_t lane = 0; lane < {width}; lane++) {{\n"
            f"const int64_t o = first + start + lane;\n"
            f"for (int64_t t = 0; t < {r * r}; t++) "
            f"taken[t][lane] = start + lane < {self.outputs} ? {self.weight('o', 'i', 't')} : 0;\n"
            f"}}\n"
            f"for (int64_t lane = 0; lane < {width}; lane += {self.lanes}) {{\n"
            f"{p.kind} *to = packed + (block * {self.grid.inputs} + i) * {width} + lane;\n"
            f"{loads}{both_sides(self.F.G, p.kind)}{stores}}}\n}}\n"
        )

    def scattering(self) -> str:
        """The C function that transforms tiles of products back, and writes what is inside."""
        p, m, n, M = self.problem, self.F.m, self.F.n, self.matrices()[1]
        steps = list(self.steps)
        loads = "".join(
            f"const V x{i}_{j} = *(const V *)(from + {(i * n + j) * self.y_step});\n"
            for i in range(n)
            for j in range(n)
        )
        S, count = self.grid.spread, p.outputs
        part = (f"c / {S * count}", f"c / {count} % {S}", f"c % {count}") if S > 1 else "00c"
        row, column = [f"{part[i]} + {self.grid.shift[i]}" for i in range(2)]
        body = (
            f"const {p.kind} *from = products + i + "
            f"((i0 * rows + i1) * {self.across} + i2) * {self.outputs};\n"
            f"const int64_t c = first + i, o = {part[2]};\n"
            f"const int64_t row = (u0 + i1) * {m * S} + {row};\n"
            f"const int64_t column = i2 * {m * S} + {column};\n"
            f"const int64_t place = {element(['i0', 'row', 'column'], steps)} + o;\n"
            f"{loads}{both_sides(M, p.kind)}{self.stores()}"
        )
        loops = [("i0", self.slab.images), ("i1", "rows"), ("i2", self.across)]
        return (
            f"static void {p.name}_scatter(const {p.kind} *products, const {p.kind} *bias, "
            f"{p.kind} *y, int64_t first, int64_t u0, int64_t rows) {{\ntypedef {p.name}_v V;\n"
            f"{nested(loops, over_channels(self.outputs, self.lanes, body))}}}\n"
        )

    def stores(self) -> str:
        """C that writes a tile of results, as far as it lies inside."""
        p, m, S = self.problem, self.F.m, self.grid.spread
        text = "const V b = *(const V *)(bias + o);\n" if p.bias else ""
        for i in range(m):
            for j in range(m):
                value = f"z{i}_{j} + b" if p.bias else f"z{i}_{j}"
                place = i * S * self.steps[1] + j * S * self.steps[2]
                text += (
                    f"if ((uint64_t)(row + {i * S}) < {p.results[0]} && "
                    f"(uint64_t)(column + {j * S}) < {p.results[1]}) "
                    f"*(V *)(y + place + {place}) = {value};\n"
                )
        return text

    def arrays(self) -> str:
        """C that names the operands."""
        T = self.problem.kind
        bias, y = ("arrays[2]", 3) if self.problem.bias else ("0", 2)
        return (
            f"const {T} *x = arrays[0], *W = arrays[1], *bias = {bias};\n"
            f"{T} *y = arrays[{y}];\n(void)x, (void)W, (void)bias, (void)y;\n"
        )

    def over(self, count: int, variable: str, body: str) -> str:
        """C that goes through a thread's share of so many units of work."""
        return (
            f"const int64_t end = (thread + 1) * {count} / threads;\n"
            f"for (int64_t {variable} = thread * {count} / threads; {variable} < end; "
            f"{variable}++) {{\n{body}}}\n"
        )

    def products(self) -> str:
        """C that multiplies the transformed inputs and weights of each place."""
        width, blocks = self.product.width, self.product.blocks
        return (
            f"for (int64_t e = 0; e < {self.F.n**2}; e++)\n"
            f"for (int64_t block = 0; block < {blocks}; block++) {{\n"
            f"{self.product.block_start()}"
            f"{self.problem.name}_product(inputs + e * {self.x_step}, weights + e * {self.row} + "
            f"block * {self.grid.inputs * width}, 0, "
            f"products + e * {self.y_step} + start, 0, tiles);\n}}\n"
        )

    def scattered(self, products: str, first: str) -> str:
        """C that writes the results of a unit, from output number `first` on."""
        y = f"y + n * {self.steps[0]}"
        return f"{self.problem.name}_scatter({products}, bias, {y}, {first}, u0, u1 - u0);\n"


class ByTiles(Winograd):
    """Weights are transformed first; then threads share out the tiles."""

    def __init__(self, grid: Grid, target: Target, F: Algorithm) -> None:
        super().__init__(grid, target, F, grid.outputs, together=False)

    def body(self) -> Body:
        """The kernel's text and its scratch memory."""
        p = self.problem
        shared, slab, x, y = self.bytes
        inputs = self.grid.inputs
        count = self.product.blocks * inputs
        call = f"{p.name}_weights(W, weights, 0, k / {inputs}, k % {inputs});\n"
        weights = f"{self.arrays()}{p.kind} *weights = ({p.kind} *)scratch;\n"
        text = self.functions()
        text += stage(f"{p.name}_pack", weights + self.over(count, "k", call))
        private = slab + x + y
        text += stage(
            f"{p.name}_run",
            f"{weights}char *own = scratch + {shared} + thread * {private};\n"
            f"{p.kind} *inputs = ({p.kind} *)(own + {slab});\n"
            f"{p.kind} *products = ({p.kind} *)(own + {slab + x});\n"
            + self.over(
                self.units,
                "unit",
                f"{self.slab.opening(f'{p.name}_fill', p.kind, 'own')}"
                f"const int64_t tiles = {self.slab.images * self.across} * (u1 - u0);\n"
                f"{p.name}_gather(slab, inputs, u1 - u0);\n"
                f"{self.products()}{self.scattered('products', '0')}",
            ),
        )
        return Body(text, shared, private)


class ByOutputs(Winograd):
    """All tiles are transformed first; then threads share out the outputs and their weights."""

    def __init__(self, grid: Grid, target: Target, F: Algorithm) -> None:
        super().__init__(grid, target, F, min(PANEL, grid.outputs), together=True)

    def body(self) -> Body:
        """The kernel's text and its scratch memory."""
        p = self.problem
        packed, slab, shared, y = self.bytes
        private = max(slab, packed + y)
        opening = (
            f"{self.arrays()}{p.kind} *inputs = ({p.kind} *)scratch;\n"
            f"char *own = scratch + {shared} + thread * {private};\n"
        )
        tile = f"(n * {self.slab.count} + u0) * {self.across}"
        gather = (
            f"{self.slab.opening(f'{p.name}_fill', p.kind, 'own')}"
            f"{p.name}_gather(slab, inputs + {tile} * {self.grid.inputs}, u1 - u0);\n"
        )
        text = self.functions()
        text += stage(f"{p.name}_pack", opening + self.over(self.units, "unit", gather))
        outputs = self.grid.outputs
        panels, last = ceil(outputs / self.outputs), outputs - self.outputs
        call = f"{p.name}_weights(W, weights, first, block, i);\n"
        text += stage(
            f"{p.name}_run",
            f"{opening}{p.kind} *weights = ({p.kind} *)own;\n"
            f"{p.kind} *products = ({p.kind} *)(own + {packed});\n"
            + self.over(
                panels,
                "k",
                # the last panel overlaps the one before
                f"const int64_t tiles = {self.tiles}, first = k < {panels - 1} ? "
                f"k * {self.outputs} : {last};\n"
                f"{nested([('block', self.product.blocks), ('i', self.grid.inputs)], call)}"
                f"{self.products()}"
                f"for (int64_t unit = 0; unit < {self.units}; unit++) {{\n{self.slab.bounds()}"
                f"{self.scattered(f'products + {tile} * {self.outputs}', 'first')}}}\n",
            ),
        )
        return Body(text, shared, private)


def rows_by_weights(grid: Grid, outputs: int, rows: int) -> tuple[Problem, Slab]:
    """A convolution with one tap, of at least so many places, in place, without a bias."""
    phase = Phase(0, 1, 2 * rows, 1, (0,), (0,))
    slab = Slab(1, 2, 2 * rows, 1, (2 * rows,), (0,), (rows,), grid.inputs, True)
    problem = replace(
        grid.problem,
        images=1,
        inputs=grid.inputs,
        outputs=outputs,
        sizes=(2 * rows,),
        results=(2 * rows,),
        phases=[(phase,)],
        kernel=(1,),
        bias=False,
    )
    return problem, slab
