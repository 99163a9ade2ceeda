"""Winograd's algorithms F(m x m, r x r), and the C of their transforms.

m outputs of a correlation with r weights are m + r - 1 products: y = A ((G w) * (B d)), in two
dimensions with the matrices on both sides. They come from polynomials that are evaluated at
m + r - 2 points and at infinity (Lavin and Gray, arXiv 1509.09308). Small errors in float32 need
points that lie evenly about 1 in magnitude, not the usual 0, 1, -1, 2, -2: with those below,
F(4x4, 2x2), F(4x4, 3x3) and F(2x2, 5x5) are about as exact as the definition.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from .slabs import Slab
from .vectors import element, nested

Matrix = tuple[tuple[Fraction, ...], ...]

POINTS = {
    4: (Fraction(0), Fraction(1), Fraction(-1)),
    5: (Fraction(1, 3), Fraction(-1, 3), Fraction(5, 4), Fraction(-5, 4)),
    6: (Fraction(0), Fraction(2, 3), Fraction(-2, 3), Fraction(3, 2), Fraction(-3, 2)),
}


@dataclass(frozen=True, slots=True)
class Algorithm:
    """F(m x m, r x r): matrices of the inputs, of the weights and of the outputs."""

    m: int
    r: int
    B: Matrix
    G: Matrix
    A: Matrix

    @property
    def n(self) -> int:
        """Inputs of a tile, along an axis."""
        return self.m + self.r - 1


def algorithm(m: int, r: int) -> Algorithm:
    """The algorithm for m outputs and r weights."""
    points = POINTS[m + r - 1]
    inputs, weights = [], []
    for point in points:
        others = [p for p in points if p != point]
        inputs.append((*polynomial(others), Fraction(0)))
        scale = Fraction(1)
        for p in others:
            scale /= point - p
        weights.append(tuple([scale * point**k for k in range(r)]))
    inputs.append(polynomial(points))
    weights.append(tuple([Fraction(k == r - 1) for k in range(r)]))
    outputs = [(*[p**k for p in points], Fraction(k == m - 1)) for k in range(m)]
    return Algorithm(m, r, tuple(inputs), tuple(weights), tuple(outputs))


def polynomial(roots: Sequence[Fraction]) -> tuple[Fraction, ...]:
    """The coefficients of the product of all x - root, the constant first."""
    found = [Fraction(1)]
    for root in roots:
        shifted, scaled = [Fraction(0), *found], [*[root * c for c in found], Fraction(0)]
        found = [a - b for a, b in zip(shifted, scaled, strict=True)]
    return tuple(found)


def transposed(M: Matrix) -> Matrix:
    """The matrix with rows and columns exchanged."""
    return tuple(zip(*M, strict=True))


def both_sides(M: Matrix, kind: str) -> str:
    """C that makes vectors z<i>_<j> = M x M' of vectors x<i>_<j>."""
    text = ""
    for j in range(len(M[0])):
        source = [f"x{k}_{j}" for k in range(len(M[0]))]
        text += product(M, kind, source, [f"t{i}_{j}" for i in range(len(M))])
    for i in range(len(M)):
        source = [f"t{i}_{k}" for k in range(len(M[0]))]
        text += product(M, kind, source, [f"z{i}_{j}" for j in range(len(M))])
    return text


def product(M: Matrix, kind: str, names: list[str], results: list[str]) -> str:
    """C for M times a vector of vectors V; points of opposite sign share their sums."""
    rows, columns = pairs(M), pairs(transposed(M))
    text = ""
    if rows:
        for i in rows:
            even, odd = ([c * (k % 2 == part) for k, c in enumerate(M[i])] for part in (0, 1))
            text += define(f"{results[i]}e", terms(even, names, kind))
            text += define(f"{results[i]}o", terms(odd, names, kind))
            text += define(results[i], f"{results[i]}e + {results[i]}o")
            text += define(results[i + 1], f"{results[i]}e - {results[i]}o")
        for i in range(len(M)):
            if i not in rows and i - 1 not in rows:
                text += define(results[i], terms(M[i], names, kind))
        return text
    for k in columns:
        text += define(f"{results[0]}p{k}", f"{names[k]} + {names[k + 1]}")
        text += define(f"{results[0]}m{k}", f"{names[k]} - {names[k + 1]}")
    kept = [k for k in range(len(names)) if k - 1 not in columns]
    for i, row in enumerate(M):
        used = [f"{results[0]}{'pm'[i % 2]}{k}" if k in columns else names[k] for k in kept]
        text += define(results[i], terms([row[k] for k in kept], used, kind))
    return text


def pairs(M: Matrix) -> list[int]:
    """The rows of points whose negative is that of the next row."""
    found: list[int] = []
    for i in range(len(M) - 1):
        mirrored = tuple([c * (-1) ** k for k, c in enumerate(M[i])])
        if M[i + 1] == mirrored != M[i] and i - 1 not in found:
            found.append(i)
    return found


def terms(coefficients: Sequence[Fraction], names: list[str], kind: str) -> str:
    """The sum of coefficients times variables as C."""
    text = ""
    for c, name in zip(coefficients, names, strict=True):
        if c:
            size = "" if abs(c) == 1 else f"({kind}){float(abs(c))!r} * "
            sign = (" - " if text else "-") if c < 0 else (" + " if text else "")
            text += f"{sign}{size}{name}"
    return text


def define(name: str, value: str) -> str:
    """A variable in C; V is a vector."""
    return f"const V {name} = {value};\n"


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
        split: Pixels of a place along each axis, which are channels of it.
        across: Tiles in a row.
        step: Elements from one place to the next.
    """

    kind: str
    vector: str
    lanes: int
    M: Matrix
    slab: Slab
    m: int
    split: int
    across: int
    step: int

    def text(self, name: str) -> str:
        """The C function NAME(slab, tiles, rows)."""
        steps, n, S = list(self.slab.strides), len(self.M), self.split
        sides = range(len(self.M[0]))
        loads = "".join(
            f"const V x{i}_{j} = *(const V *)(from + {i * S * steps[1] + j * S * steps[2]});\n"
            for i in sides
            for j in sides
        )
        stores = "".join(
            f"*(V *)(to + {(i * n + j) * self.step}) = z{i}_{j};\n"
            for i in range(n)
            for j in range(n)
        )
        C = S * self.slab.channels  # those of a row of pixels lie together
        tile = f"(i0 * rows + i1) * {self.across} + i2"
        at = element(["i0", f"i1 * {self.m * S}", f"i2 * {self.m * S}", "part"], [*steps, steps[1]])
        body = (
            f"const {self.kind} *from = slab + i + {at};\n"
            f"{self.kind} *to = tiles + i + (({tile}) * {S} + part) * {C};\n"
            f"{loads}{both_sides(self.M, self.kind)}{stores}"
        )
        loops = [("i0", self.slab.images), ("i1", "rows"), ("i2", self.across), ("part", S)]
        return (
            f"static void {name}(const {self.kind} *slab, {self.kind} *tiles, int64_t rows) {{\n"
            f"typedef {self.vector} V;\n{nested(loops, over_channels(C, self.lanes, body))}}}\n"
        )


def over_channels(channels: int, lanes: int, body: str) -> str:
    """C that goes through vectors of channels, from i on; the last one overlaps the one before."""
    return (
        f"for (int64_t k = 0; k < {channels}; k += {lanes}) {{\n"
        f"const int64_t i = k < {channels - lanes} ? k : {channels - lanes};\n{body}}}\n"
    )
