"""Small matrix products in C: functions of their own, with every size known to the C compiler.

They are over before a call of BLAS has found out what to do. A tile of C, some rows by two vectors
of columns, is summed up in registers. A is read where it lies, and so is B if its rows are whole
vectors; else it is copied to where they are.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import ceil

from .vectors import Body, Target, for_targets, itemsize, unique_name, vector_type

VECTORS = 2  # of columns
LINE = 64  # bytes of the widest vector


@dataclass(frozen=True, slots=True)
class Small:
    """A product C = alpha A B, or C += alpha A B.

    Attributes:
        kind: "float" or "double".
        sizes: Rows of A, columns of B, and terms of a sum.
        a: The steps of A along its rows and columns.
        b: The steps of B.
        step: From one row of C to the next.
        alpha: What the product is multiplied by.
        adds: Whether it is added to C.
    """

    kind: str
    sizes: tuple[int, int, int]
    a: tuple[int, int]
    b: tuple[int, int]
    step: int
    alpha: float
    adds: bool

    @property
    def name(self) -> str:
        """Of the function, of which A, B and C are the arguments."""
        return unique_name("product", self)

    def source(self) -> str:
        """The C of the function."""
        return for_targets(self.name, (), lambda target: Body(self.text(target))).source

    def text(self, target: Target) -> str:
        """The function for a target."""
        kind, (_, n, k) = self.kind, self.sizes
        lanes = target.width // itemsize(kind)
        width = -(-n // lanes) * lanes
        text = vector_type(f"{self.name}_v", kind, target.width, itemsize(kind))
        text += f"void {self.name}(const {kind} *restrict A, const {kind} *restrict B, "
        text += f"{kind} *restrict C)\n{{\n"
        if self.b[1] == 1 and n == width:
            text += f"const {kind} *const b = B;\n"
            row = self.b[0]
        else:
            text += f"{kind} b[{k * width}] __attribute__((aligned({LINE})));\n"
            text += "memset(b, 0, sizeof b);\n" if n < width else ""
            text += f"for (int64_t t = 0; t < {k}; t++)\n#pragma omp simd\n"
            text += f"for (int64_t j = 0; j < {n}; j++) "
            text += f"b[t * {width} + j] = B[t * {self.b[0]} + j * {self.b[1]}];\n"
            row = width
        block = VECTORS * lanes
        for first, count, columns in ((0, n // block, block), (n // block * block, 1, n % block)):
            if count and columns:
                text += f"for (int64_t j = {first}; j < {first + count * block}; j += {block}) {{\n"
                text += self.columns(columns, lanes, row, target.registers) + "}\n"
        return text + "}\n"

    def columns(self, columns: int, lanes: int, row: int, registers: int) -> str:
        """C for so many columns from column j on, in tiles that share the rows evenly.

        Args:
            columns: How many columns.
            lanes: Numbers in a vector.
            row: From one row of B to the next.
            registers: How many there are.
        """
        vectors = ceil(columns / lanes)
        text, i = "", 0
        for height, count in heights(self.sizes[0], (registers - vectors - 1) // vectors).items():
            text += f"for (int64_t i = {i}; i < {i + height * count}; i += {height}) {{\n"
            text += self.tile(columns, lanes, row, height) + "}\n"
            i += height * count
        return text

    def tile(self, columns: int, lanes: int, row: int, height: int) -> str:
        """C for so many rows from row i on; the others are as for `columns`."""
        kind, V, k = self.kind, f"{self.name}_v", self.sizes[2]
        sums = [[f"s{r}_{v}" for v in range(ceil(columns / lanes))] for r in range(height)]
        text = "".join(f"{V} {', '.join(f'{s} = {{0}}' for s in line)};\n" for line in sums)
        text += f"for (int64_t t = 0; t < {k}; t++) {{\n"
        for v in range(len(sums[0])):
            text += f"const {V} b{v} = *(const {V} *)(b + t * {row} + j + {v * lanes});\n"
        for r, line in enumerate(sums):
            adding = "".join(f" {s} += x * b{v};" for v, s in enumerate(line))
            place = f"A[(i + {r}) * {self.a[0]} + t * {self.a[1]}]"
            text += f"{{ const {kind} x = {place};{adding} }}\n"
        text += "}\n"
        for r, line in enumerate(sums):
            for v, s in enumerate(line):
                place = f"C + (i + {r}) * {self.step} + j + {v * lanes}"
                text += self.stored(s, place, columns - v * lanes, lanes)
        return text

    def stored(self, sums: str, place: str, columns: int, lanes: int) -> str:
        """C that writes a vector, or its first columns, to where it belongs."""
        V = f"{self.name}_v"
        text = f"{sums} *= ({self.kind}){self.alpha.hex()};\n" if self.alpha != 1 else ""
        if columns >= lanes:
            return text + f"*({V} *)({place}) {'+=' if self.adds else '='} {sums};\n"
        if not self.adds:
            return text + f"memcpy({place}, &{sums}, {columns} * sizeof *C);\n"
        return text + f"for (int64_t q = 0; q < {columns}; q++) ({place})[q] += {sums}[q];\n"


def heights(m: int, tall: int) -> dict[int, int]:
    """How high the tiles of m rows are, and how many there are of each height.

    One height is compiled in half the time of two: if at all near the tallest, all are alike.
    """
    for height in range(tall, tall // 2, -1):
        if m % height == 0:
            return {height: m // height}
    tiles = ceil(m / tall)
    return Counter(m * (q + 1) // tiles - m * q // tiles for q in range(tiles))
