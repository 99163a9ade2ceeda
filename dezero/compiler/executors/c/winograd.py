"""Convolution by Winograd's algorithm in C: 2.25 to 4 times fewer products, for 3x3 and 5x5.

A slab's inputs are transformed, tile by tile; then each of the places in a transformed tile has
a product of matrices, of its tiles and its weights; and their results are transformed back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil, prod

from .direct import Direct
from .slabs import Phase, Slab, slab_of, strides, visible
from .tiles import Problem
from .transforms import Algorithm, Matrix, algorithm, both_sides
from .vectors import Body, Target, element, itemsize, nested, rounded, stage, vector_type

CHANNELS = 32  # at least, for transforms to pay
TILES = {4: 96, 6: 48}  # in a slab, by inputs of a tile, so that they stay in the cache
SKEW = 64  # bytes, so that places of a tile do not share the cache's sets


class Winograd:
    """Writes the kernel of a problem for a target, by some algorithm."""

    def __init__(self, problem: Problem, target: Target, F: Algorithm) -> None:
        self.problem, self.F = problem, F
        p = problem
        self.size = itemsize(p.kind)
        self.lanes = target.width // self.size
        self.slab = slab_of_tiles(p, F, self.size)
        rows = ceil(self.slab.count / self.slab.bands)
        across = ceil(p.results[1] / F.m)
        self.across = across
        least = self.slab.images * (self.slab.count // self.slab.bands) * across
        self.tiles = self.slab.images * rows * across
        # products of matrices are convolutions with one tap, of as many places as there are tiles
        self.product = Direct(*rows_by_weights(p, least), target)
        skew = SKEW // self.size
        self.x_step, self.y_step = self.tiles * p.inputs + skew, self.tiles * p.outputs + skew

    def body(self) -> Body:
        """The kernel's text and its scratch memory."""
        p, E = self.problem, self.F.n**2
        weights = E * self.product.blocks * p.inputs * self.product.width
        parts = (weights, self.slab.elements, E * self.x_step, E * self.y_step)
        shared, slab, x, y = [rounded(part * self.size) for part in parts]
        phase, tile = self.product.problem.phases[0], self.product.tiles[0]
        function = self.product.function(phase, tile).replace("NAME", f"{p.name}_product")
        text = vector_type(f"{p.name}_v", p.kind, self.lanes * self.size, self.size)
        text += self.packing() + self.slab.filling(f"{p.name}_fill", p.kind)
        text += function.replace(self.product.problem.name, p.name)
        M, V = self.F.B, f"{p.name}_v"
        gather = Transform(p.kind, V, self.lanes, M, self.slab, self.F.m, self.across, self.x_step)
        text += gather.text(f"{p.name}_gather")
        text += self.scattering()
        return Body(text + self.run(shared, slab, x, y), shared, slab + x + y)

    def packing(self) -> str:
        """The stage that transforms the weights: [place][block][input][lane]."""
        p, r = self.problem, self.F.r
        width, blocks = self.product.width, self.product.blocks
        # the transpose's taps are mirrored: phases know
        rows, columns = (axis.taps for axis in p.phases[0])
        taps = ", ".join(str(i * r + j) for i in rows for j in columns)
        loads = "".join(
            f"const V x{i}_{j} = *(const V *)(taken[{i * r + j}] + lane);\n"
            for i in range(r)
            for j in range(r)
        )
        stores = "".join(
            f"*(V *)(to + {(i * self.F.n + j) * blocks * p.inputs * width}) = z{i}_{j};\n"
            for i in range(self.F.n)
            for j in range(self.F.n)
        )
        last = max(0, p.outputs - width)
        count = blocks * p.inputs
        return stage(
            f"{p.name}_pack",
            f"typedef {p.name}_v V;\n"
            f"const {p.kind} *W = arrays[1];\n{p.kind} *packed = ({p.kind} *)scratch;\n"
            f"static const int32_t taps[] = {{{taps}}};\n"
            f"const int64_t end = (thread + 1) * {count} / threads;\n"
            f"for (int64_t k = thread * {count} / threads; k < end; k++) {{\n"
            f"const int64_t i = k % {p.inputs}, block = k / {p.inputs};\n"
            f"const int64_t start = block < {blocks - 1} ? block * {width} : {last};\n"
            f"{p.kind} taken[{r * r}][{width}];\n"
            f"for (int64_t lane = 0; lane < {width}; lane++)\n"
            f"for (int64_t t = 0; t < {r * r}; t++)\n"
            f"taken[t][lane] = start + lane < {p.outputs} ? "
            f"{p.weight('0', '(start + lane)', 'i', 'taps[t]')} : 0;\n"
            f"for (int64_t lane = 0; lane < {width}; lane += {self.lanes}) {{\n"
            f"{p.kind} *to = packed + k * {width} + lane;\n"
            f"{loads}{both_sides(self.F.G, p.kind)}{stores}}}\n}}\n",
        )

    def scattering(self) -> str:
        """The C function that transforms tiles of products back, and writes what is inside."""
        p, F, lanes = self.problem, self.F, self.lanes
        steps = list(strides(p.results, p.outputs))
        loads = "".join(
            f"const V x{i}_{j} = *(const V *)(from + {(i * F.n + j) * self.y_step});\n"
            for i in range(F.n)
            for j in range(F.n)
        )
        stores = "const V b = *(const V *)(bias + c);\n" if p.bias else ""
        for i in range(F.m):
            for j in range(F.m):
                value = f"z{i}_{j} + b" if p.bias else f"z{i}_{j}"
                stores += (
                    f"if (i1 * {F.m} + {i} < height && i2 * {F.m} + {j} < {p.results[1]}) "
                    f"*(V *)(to + {i * steps[1] + j * steps[2]}) = {value};\n"
                )
        body = (
            f"{p.kind} *to = y + c + {element(['i0', f'i1 * {F.m}', f'i2 * {F.m}'], steps)};\n"
            f"const {p.kind} *from = products + c + "
            f"((i0 * rows + i1) * {self.across} + i2) * {p.outputs};\n"
            f"{loads}{both_sides(F.A, p.kind)}{stores}"
        )
        return (
            f"static void {p.name}_scatter(const {p.kind} *products, const {p.kind} *bias, "
            f"{p.kind} *y, int64_t rows, int64_t height) {{\ntypedef {p.name}_v V;\n"
            + nested(
                [("i0", self.slab.images), ("i1", "rows"), ("i2", self.across)],
                over_channels(p.outputs, lanes, body),
            )
            + "}\n"
        )

    def run(self, shared: int, slab: int, x: int, y: int) -> str:
        """The stage that computes the slabs of a thread."""
        p, F = self.problem, self.F
        steps = strides(p.results, p.outputs)
        width, blocks = self.product.width, self.product.blocks
        units = p.images // self.slab.images * self.slab.bands
        return stage(
            f"{p.name}_run",
            f"const {p.kind} *x = arrays[0], *weights = (const {p.kind} *)scratch;\n"
            f"{p.kind} *y = arrays[{3 if p.bias else 2}];\n"
            f"const {p.kind} *bias = {'arrays[2]' if p.bias else '0'};\n"
            f"char *own = scratch + {shared} + thread * {slab + x + y};\n"
            f"{p.kind} *inputs = ({p.kind} *)(own + {slab});\n"
            f"{p.kind} *products = ({p.kind} *)(own + {slab + x});\n"
            f"const int64_t end = (thread + 1) * {units} / threads;\n"
            f"for (int64_t unit = thread * {units} / threads; unit < end; unit++) {{\n"
            f"{self.slab.opening(f'{p.name}_fill', p.kind, 'own')}"
            f"const int64_t rows = u1 - u0, tiles = {self.slab.images * self.across} * rows;\n"
            f"{p.name}_gather(slab, inputs, rows);\n"
            f"for (int64_t e = 0; e < {F.n**2}; e++)\n"
            f"for (int64_t block = 0; block < {blocks}; block++) {{\n"
            f"{self.product.block_start()}"
            f"{p.name}_product(inputs + e * {self.x_step}, "
            f"weights + (e * {blocks} + block) * {p.inputs * width}, 0, "
            f"products + e * {self.y_step} + start, 0, tiles);\n}}\n"
            f"{p.name}_scatter(products, bias, y + n * {steps[0]} + u0 * {F.m * steps[1]}, "
            f"rows, {p.results[0]} - u0 * {F.m});\n}}\n",
        )


@dataclass(frozen=True, slots=True)
class Transform:
    """Writes the function that transforms the tiles of a slab: [place][tile][channel].

    Attributes:
        kind: "float" or "double".
        vector: The type of a vector.
        lanes: Numbers in it.
        M: The matrix, for both sides.
        slab: Where tiles are read from.
        m: Places from one tile to the next, along each axis.
        across: Tiles in a row.
        step: Elements from one place to the next.
    """

    kind: str
    vector: str
    lanes: int
    M: Matrix
    slab: Slab
    m: int
    across: int
    step: int

    def text(self, name: str) -> str:
        """The C function NAME(slab, tiles, rows)."""
        steps, n = list(self.slab.strides), len(self.M)
        sides = range(len(self.M[0]))
        loads = "".join(
            f"const V x{i}_{j} = *(const V *)(from + {i * steps[1] + j * steps[2]});\n"
            for i in sides
            for j in sides
        )
        stores = "".join(
            f"*(V *)(to + {(i * n + j) * self.step}) = z{i}_{j};\n"
            for i in range(n)
            for j in range(n)
        )
        C = self.slab.channels
        place = element(["i0", f"i1 * {self.m}", f"i2 * {self.m}"], steps)
        body = (
            f"const {self.kind} *from = slab + c + {place};\n"
            f"{self.kind} *to = tiles + c + ((i0 * rows + i1) * {self.across} + i2) * {C};\n"
            f"{loads}{both_sides(self.M, self.kind)}{stores}"
        )
        loops = [("i0", self.slab.images), ("i1", "rows"), ("i2", self.across)]
        return (
            f"static void {name}(const {self.kind} *slab, {self.kind} *tiles, int64_t rows) {{\n"
            f"typedef {self.vector} V;\n{nested(loops, over_channels(C, self.lanes, body))}}}\n"
        )


def over_channels(channels: int, lanes: int, body: str) -> str:
    """C that goes through vectors of channels; the last one overlaps the one before."""
    return (
        f"for (int64_t i = 0; i < {channels}; i += {lanes}) {{\n"
        f"const int64_t c = i < {channels - lanes} ? i : {channels - lanes};\n{body}}}\n"
    )


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


def best_algorithm(p: Problem) -> Algorithm | None:
    """That which should take least time, if it takes clearly less than the definition."""
    plain = len(p.phases) == 1 and p.groups == 1 and len(p.kernel) == 2
    small = min(p.inputs, p.outputs) < CHANNELS
    if not plain or small or p.kernel not in ((3, 3), (5, 5)):
        return None
    axes = p.phases[0]
    if any(axis.advance > 1 or axis.offsets[-1] - axis.first >= len(axis.taps) for axis in axes):
        return None
    products = prod(
        sum(sum(visible(axis, size, u)) for u in range(axis.count))
        for axis, size in zip(axes, p.sizes, strict=True)
    )
    best, least = None, 0.8 * products * p.inputs * p.outputs
    for m in (2, 4) if p.kernel == (3, 3) else (2,):
        F = algorithm(m, p.kernel[0])
        tiles = prod(ceil(n / m) for n in p.results)
        time = tiles * F.n**2 * (p.inputs * p.outputs + 8 * (p.inputs + p.outputs))
        if time < least:
            best, least = F, time
    return best
