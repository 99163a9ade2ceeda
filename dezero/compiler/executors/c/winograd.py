"""Convolution by Winograd's algorithm in C: 2.25 to 4 times fewer products, for 3x3 and 5x5.

For each tile x of the inputs, y = A ((G W G') * (B x B')) A' (Lavin and Gray 2015, arXiv
1509.09308). Inputs are transformed, tile by tile; then each of the places in a transformed tile
has a product of matrices, of its tiles and its weights; and their results are transformed back.
"""

from __future__ import annotations

from dataclasses import replace
from math import ceil, prod

from .direct import Direct
from .slabs import Phase, Slab, slab_of, strides, visible
from .tiles import Problem
from .transforms import Algorithm, Matrix, Transform, algorithm, both_sides, over_channels
from .vectors import Body, Target, element, itemsize, nested, rounded, stage, vector_type

CHANNELS = 32  # at least, for transforms to pay
TILES = {4: 96, 6: 48}  # in a slab, by inputs of a tile, so that they stay in the cache
TILED = {3: (2, 4), 5: (2,)}  # outputs of a tile, by taps
PANEL = 32  # outputs that are computed in one go, where tiles are few
SKEW = 64  # bytes, so that places of a tile do not share the cache's sets


def winograd(problem: Problem, target: Target, F: Algorithm) -> Body:
    """The kernel: that which needs less memory where channels are many and tiles few."""
    tiles = problem.images * prod(ceil(n / F.m) for n in problem.results)
    chosen = ByOutputs if tiles <= problem.outputs else ByTiles
    return chosen(problem, target, F).body()


class Winograd:
    """What both kernels have in common.

    Attributes:
        outputs: How many are computed in one go.
        tiles: How many transformed tiles are in memory together.
    """

    def __init__(
        self, problem: Problem, target: Target, F: Algorithm, outputs: int, together: bool
    ) -> None:
        self.problem, self.F, self.outputs = problem, F, outputs
        p = problem
        self.size = itemsize(p.kind)
        self.lanes = target.width // self.size
        self.slab, self.across = self.tiled()
        self.units = p.images // self.slab.images * self.slab.bands
        self.tiles = self.slab.images * ceil(self.slab.count / self.slab.bands) * self.across
        least = self.slab.images * (self.slab.count // self.slab.bands) * self.across
        if together:
            self.tiles = least = p.images * self.slab.count * self.across
        # products of matrices are convolutions with one tap, of as many places as there are tiles
        self.product = Direct(*rows_by_weights(replace(p, outputs=outputs), least), target)
        skew = SKEW // self.size
        self.x_step, self.y_step = self.tiles * p.inputs + skew, self.tiles * outputs + skew
        self.steps = strides(p.results, p.outputs)
        E = F.n**2
        self.row = self.product.blocks * p.inputs * self.product.width
        parts = (E * self.row, self.slab.elements, E * self.x_step, E * self.y_step)
        self.bytes = [rounded(part * self.size) for part in parts]

    def tiled(self) -> tuple[Slab, int]:
        """Slabs of x, and how many tiles a row has."""
        across = ceil(self.problem.results[1] / self.F.m)
        return slab_of_tiles(self.problem, self.F, self.size), across

    def matrices(self) -> tuple[Matrix, Matrix]:
        """Those that tiles of inputs and of products are transformed with."""
        return self.F.B, self.F.A

    def taps(self) -> list[int]:
        """In which order tiles meet the weights: the transpose's are mirrored."""
        rows, columns = (axis.taps for axis in self.problem.phases[0])
        return [i * self.F.r + j for i in rows for j in columns]

    def functions(self) -> str:
        """The C functions for parts of the work."""
        p, V = self.problem, f"{self.problem.name}_v"
        phase, tile = self.product.problem.phases[0], self.product.tiles[0]
        function = self.product.function(phase, tile).replace("NAME", f"{p.name}_product")
        M = self.matrices()[0]
        gather = Transform(p.kind, V, self.lanes, M, self.slab, self.F.m, self.across, self.x_step)
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
        taps = ", ".join(map(str, self.taps()))
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
            f"static const int32_t taps[] = {{{taps}}};\n"
            f"{self.product.block_start()}{p.kind} taken[{r * r}][{width}];\n"
            f"for (int64_t lane = 0; lane < {width}; lane++)\n"
            f"for (int64_t t = 0; t < {r * r}; t++)\n"
            f"taken[t][lane] = start + lane < {self.outputs} ? "
            f"{p.weight('0', '(first + start + lane)', 'i', 'taps[t]')} : 0;\n"
            f"for (int64_t lane = 0; lane < {width}; lane += {self.lanes}) {{\n"
            f"{p.kind} *to = packed + (block * {p.inputs} + i) * {width} + lane;\n"
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
        body = (
            f"{p.kind} *to = y + c + {element(['i0', f'i1 * {m}', f'i2 * {m}'], steps)};\n"
            f"const {p.kind} *from = products + c + "
            f"((i0 * rows + i1) * {self.across} + i2) * {self.outputs};\n"
            f"{loads}{both_sides(M, p.kind)}{self.stores()}"
        )
        loops = [("i0", self.slab.images), ("i1", "rows"), ("i2", self.across)]
        return (
            f"static void {p.name}_scatter(const {p.kind} *products, const {p.kind} *bias, "
            f"{p.kind} *y, int64_t rows, int64_t height) {{\ntypedef {p.name}_v V;\n"
            f"{nested(loops, over_channels(self.outputs, self.lanes, body))}}}\n"
        )

    def stores(self) -> str:
        """C that writes a tile of results, as far as it lies inside."""
        p, m = self.problem, self.F.m
        text = "const V b = *(const V *)(bias + c);\n" if p.bias else ""
        for i in range(m):
            for j in range(m):
                value = f"z{i}_{j} + b" if p.bias else f"z{i}_{j}"
                place = i * self.steps[1] + j * self.steps[2]
                text += (
                    f"if (i1 * {m} + {i} < height && i2 * {m} + {j} < {p.results[1]}) "
                    f"*(V *)(to + {place}) = {value};\n"
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
            f"block * {self.problem.inputs * width}, 0, "
            f"products + e * {self.y_step} + start, 0, tiles);\n}}\n"
        )

    def scattered(self, products: str, first: str) -> str:
        """C that writes the results of a unit, from output number `first` on."""
        p, step = self.problem, self.F.m * self.steps[1]
        bias = f"bias + {first}" if p.bias else "0"
        return (
            f"{p.name}_scatter({products}, {bias}, "
            f"y + n * {self.steps[0]} + u0 * {step} + {first}, "
            f"u1 - u0, {p.results[0]} - u0 * {self.F.m});\n"
        )


class ByTiles(Winograd):
    """Weights are transformed first; then threads share out the tiles."""

    def __init__(self, problem: Problem, target: Target, F: Algorithm) -> None:
        super().__init__(problem, target, F, problem.outputs, together=False)

    def body(self) -> Body:
        """The kernel's text and its scratch memory."""
        p = self.problem
        shared, slab, x, y = self.bytes
        count = self.product.blocks * p.inputs
        call = f"{p.name}_weights(W, weights, 0, k / {p.inputs}, k % {p.inputs});\n"
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

    def __init__(self, problem: Problem, target: Target, F: Algorithm) -> None:
        super().__init__(problem, target, F, min(PANEL, problem.outputs), together=True)

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
            f"{p.name}_gather(slab, inputs + {tile} * {p.inputs}, u1 - u0);\n"
        )
        text = self.functions()
        text += stage(f"{p.name}_pack", opening + self.over(self.units, "unit", gather))
        panels, last = ceil(p.outputs / self.outputs), p.outputs - self.outputs
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
                f"{nested([('block', self.product.blocks), ('i', p.inputs)], call)}"
                f"{self.products()}"
                f"for (int64_t unit = 0; unit < {self.units}; unit++) {{\n{self.slab.bounds()}"
                f"{self.scattered(f'products + {tile} * {self.outputs}', 'first')}}}\n",
            ),
        )
        return Body(text, shared, private)


def slab_of_tiles(p: Problem, F: Algorithm, size: int, tiles: int = 0) -> Slab:
    """The slabs that are transformed at a time, with tiles as what their rows are counted in."""
    axes = []
    for axis, results in zip(p.phases[0], p.results, strict=True):
        offsets = tuple(range(axis.first, axis.first + F.n))
        axes.append(Phase(0, 1, ceil(results / F.m), F.m, offsets, offsets))
    tiles = tiles or TILES[F.n]
    return slab_of(p.images, p.sizes, p.inputs, [tuple(axes)], size, tiles, tiles)


def rows_by_weights(p: Problem, rows: int) -> tuple[Problem, Slab]:
    """A convolution with one tap, of at least so many places, in place, without a bias."""
    phase = Phase(0, 1, 2 * rows, 1, (0,), (0,))
    slab = Slab(1, 2, 2 * rows, 1, (2 * rows,), (0,), (rows,), p.inputs, True)
    problem = replace(
        p,
        images=1,
        sizes=(2 * rows,),
        results=(2 * rows,),
        phases=[(phase,)],
        kernel=(1,),
        bias=False,
    )
    return problem, slab


def best_algorithm(p: Problem) -> tuple[Algorithm, float] | None:
    """That which should take least time, if it takes clearly less than the definition; and that."""
    if not usable(p):
        return None
    found, least = None, 0.8 * products(p)
    for m in TILED[p.kernel[0]]:
        F = algorithm(m, p.kernel[0])
        tiles = prod(ceil(n / m) for n in p.results)
        time = tiles * F.n**2 * (p.inputs * p.outputs + 8 * (p.inputs + p.outputs))
        if time < least:
            found, least = (F, time), time
    return found


def usable(p: Problem) -> bool:
    """Whether it is a convolution of stride 1 that transforms may pay for."""
    plain = len(p.phases) == 1 and p.groups == 1 and len(p.kernel) == 2
    if not plain or min(p.inputs, p.outputs) < CHANNELS or p.kernel not in ((3, 3), (5, 5)):
        return False
    return all(
        axis.advance == 1 and axis.offsets[-1] - axis.first < len(axis.taps) for axis in p.phases[0]
    )


def products(p: Problem) -> int:
    """How many the definition takes for an image, without those with zeros around it."""
    taps = prod(
        sum(sum(visible(axis, size, u)) for u in range(axis.count))
        for axis, size in zip(p.phases[0], p.sizes, strict=True)
    )
    return taps * p.inputs * p.outputs
