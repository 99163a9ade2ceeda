"""Matrix products in C: C = alpha A B, or C += alpha A B, of matrices that lie in any order.

A tile of C, some rows by two vectors of columns, is summed up in registers: for each column of A
it takes one number of each row, and one row of B. Some rows of A, and a panel of B as wide as a
tile, are copied to where they lie together; so much of them that a panel stays in the L1 cache,
and the rows in the L2 cache, while the panel goes through all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import ceil

from .vectors import Body, Target, for_targets, itemsize, vector_type

VECTORS = 2  # of columns
DEPTH = 256  # terms that are summed up before C is written
PITCH = DEPTH + 16  # from one copied row to the next: they do not meet in one set of the cache
ROWS = 784  # that are copied at a time
THIN = 48  # rows, for which copying B costs more than it brings

HELPERS = """
typedef {kind} T;
{vector}enum {{ LANES = {lanes}, WIDTH = {width}, TALL = {tall}, LOW = {low}, ROWS = {rows} }};
enum {{ DEPTH = {depth}, PITCH = {pitch}, THIN = {thin} }};
#ifdef __clang__
#define SHUFFLED __builtin_shufflevector
#else /* which GCC has from version 12 on */
{numbers}#define SHUFFLED(a, b, ...) __builtin_shuffle(a, b, (N){{__VA_ARGS__}})
#endif

/* y[j][i] = x[i][j] */
static void transpose(int64_t m, int64_t n, const T *x, int64_t from, T *y, int64_t to)
{{
    int64_t i = 0;
    for (; i + LANES <= m; i += LANES) {{
        int64_t j = 0;
        for (; j + LANES <= n; j += LANES) {{
{square}        }}
        for (; j < n; j++)
            for (int64_t r = i; r < i + LANES; r++) y[j * to + r] = x[r * from + j];
    }}
    for (; i < m; i++)
        for (int64_t j = 0; j < n; j++) y[j * to + i] = x[i * from + j];
}}

static void copy_rows(
    int64_t m, int64_t depth, const T *a, int64_t row, int64_t column, T alpha, T *rows)
{{
    if (column != 1) transpose(depth, m, a, column, rows, PITCH);
    else
        for (int64_t i = 0; i < m; i++) memcpy(rows + i * PITCH, a + i * row, depth * sizeof(T));
    if (alpha != 1)
        for (int64_t i = 0; i < m; i++)
            for (int64_t t = 0; t < depth; t++) rows[i * PITCH + t] *= alpha;
}}

static void copy_panel(
    int64_t depth, int64_t n, const T *b, int64_t row, int64_t column, T *panel)
{{
    if (n < WIDTH) memset(panel, 0, depth * WIDTH * sizeof(T));
    if (column != 1) transpose(n, depth, b, column, panel, WIDTH);
    else if (n < WIDTH)
        for (int64_t t = 0; t < depth; t++) memcpy(panel + t * WIDTH, b + t * row, n * sizeof(T));
    else
        for (int64_t t = 0; t < depth; t++)
            memcpy(panel + t * WIDTH, b + t * row, WIDTH * sizeof(T));
}}

static void finish(int64_t m, int64_t n, const T *sums, T *c, int64_t step, int64_t adds)
{{
    for (int64_t i = 0; i < m; i++, c += step, sums += WIDTH)
        for (int64_t j = 0; j < n; j++) c[j] = adds ? c[j] + sums[j] : sums[j];
}}
"""
FUNCTION = """
typedef void (*tile_t)(int64_t, const T *, const T *, int64_t, T *, int64_t, int64_t);
static const tile_t tiles[] = {{{names}}};

static void panel_by_rows(
    int64_t m, int64_t n, int64_t depth, const T *rows, const T *b, int64_t row,
    T *c, int64_t step, int64_t adds)
{{
    const int64_t blocks = (m + TALL - 1) / TALL;
    T sums[TALL * WIDTH];
    for (int64_t q = 0; q < blocks; q++) {{
        const int64_t i = m * q / blocks, height = m * (q + 1) / blocks - i;
        const tile_t tile = tiles[height < LOW ? 0 : height - LOW];
        if (n == WIDTH && height >= LOW)
            tile(depth, rows + i * PITCH, b, row, c + i * step, step, adds);
        else {{
            tile(depth, rows + i * PITCH, b, row, sums, WIDTH, 0);
            finish(height, n, sums, c + i * step, step, adds);
        }}
    }}
}}

/* sizes: m, n, k, the steps of A and of B along both axes, that of C to the next row, whether
   it is added to C, whether lo and hi are rows rather than columns of C */
void {name}(
    int64_t lo, int64_t hi, const int64_t *sizes, double alpha, const T *A, const T *B, T *C)
{{
    static _Thread_local T panel[DEPTH * WIDTH] __attribute__((aligned(64)));
    static _Thread_local T rows[(ROWS + TALL) * PITCH] __attribute__((aligned(64)));
    const int64_t k = sizes[2], row = sizes[5], column = sizes[6], step = sizes[7];
    const int64_t adds = sizes[8], by_rows = sizes[9], chunks = (k + DEPTH - 1) / DEPTH;
    const int64_t top = by_rows ? lo : 0, bottom = by_rows ? hi : sizes[0];
    const int64_t left = by_rows ? 0 : lo, right = by_rows ? sizes[1] : hi;
    for (int64_t chunk = 0; chunk < chunks; chunk++) {{
        const int64_t p = k * chunk / chunks, depth = k * (chunk + 1) / chunks - p;
        for (int64_t i = top; i < bottom; i += ROWS) {{
            const int64_t m = bottom - i < ROWS ? bottom - i : ROWS;
            const T *a = A + i * sizes[3] + p * sizes[4];
            copy_rows(m, depth, a, sizes[3], sizes[4], (T)alpha, rows);
            for (int64_t j = left; j < right; j += WIDTH) {{
                const int64_t n = right - j < WIDTH ? right - j : WIDTH;
                const T *b = B + p * row + j * column;
                const int there = m <= THIN && column == 1 && n == WIDTH;
                if (!there) copy_panel(depth, n, b, row, column, panel);
                panel_by_rows(
                    m, n, depth, rows, there ? b : panel, there ? row : WIDTH,
                    C + i * step + j, step, adds || p);
            }}
        }}
    }}
}}
"""


@dataclass(frozen=True, slots=True)
class Gemm:
    """Writes the function that computes any product of numbers of a kind, for a target."""

    kind: str
    target: Target

    @property
    def lanes(self) -> int:
        """Numbers in a vector."""
        return self.target.width // itemsize(self.kind)

    @property
    def tall(self) -> int:
        """Rows of a tile: its sums, a row of the panel and a number fill the registers."""
        return (self.target.registers - VECTORS - 1) // VECTORS

    @property
    def heights(self) -> range:
        """The rows of tiles where more than two tiles share rows evenly."""
        many = range(2 * self.tall, 4 * self.tall)
        return range(min(m // ceil(m / self.tall) for m in many), self.tall + 1)

    def text(self, name: str) -> str:
        """The C of the function and of what it is made of."""
        size, width = itemsize(self.kind), self.target.width
        helpers = HELPERS.format(
            kind=self.kind,
            vector=vector_type("V", self.kind, width, size),
            numbers=vector_type("N", f"int{8 * size}_t", width, size),
            lanes=self.lanes,
            width=VECTORS * self.lanes,
            tall=self.tall,
            low=self.heights.start,
            rows=ROWS,
            depth=DEPTH,
            pitch=PITCH,
            thin=THIN,
            square=self.square(),
        )
        names = ", ".join(f"tile{height}" for height in self.heights)
        tiles = "".join(self.tile(height) for height in self.heights)
        return helpers + tiles + FUNCTION.format(name=name, names=names)

    def tile(self, height: int) -> str:
        """The C function that sums up a tile of so many rows."""
        names = [[f"s{i}_{v}" for v in range(VECTORS)] for i in range(height)]
        zero = "".join(f"    V {', '.join(f'{s} = {{0}}' for s in line)};\n" for line in names)
        place = " " * 8 + "const V b{0} = *(const V *)(b + {0} * LANES);\n"
        sums = "".join(place.format(v) for v in range(VECTORS))
        for i, line in enumerate(names):
            adding = "".join(f" {s} += x * b{v};" for v, s in enumerate(line))
            sums += f"        {{ const T x = a[{i} * PITCH];{adding} }}\n"
        stores = [
            "".join(
                f"        *(V *)(c + {i} * step + {v} * LANES) {sign} {s};\n"
                for i, line in enumerate(names)
                for v, s in enumerate(line)
            )
            for sign in ("+=", "=")
        ]
        return (
            f"\nstatic void tile{height}(\n    int64_t depth, const T *restrict a, "
            "const T *restrict b, int64_t row, T *restrict c,\n    int64_t step, int64_t adds)\n"
            f"{{\n{zero}    for (int64_t t = 0; t < depth; t++, a++, b += row) {{\n{sums}    }}\n"
            f"    if (adds) {{\n{stores[0]}    }} else {{\n{stores[1]}    }}\n}}\n"
        )

    def square(self) -> str:
        """C that transposes a square: pairs of vectors exchange halves, quarters and so on."""
        lanes, indent = range(self.lanes), " " * 12
        text = "".join(f"{indent}V v{r} = *(const V *)(x + (i + {r}) * from + j);\n" for r in lanes)
        step = 1
        while step < len(lanes):
            for r in [r for r in lanes if not r & step]:
                other = r + step
                text += f"{indent}{{ const V a = v{r}, b = v{other};\n"
                low = [lane + (len(lanes) - step if lane & step else 0) for lane in lanes]
                high = [lane + (len(lanes) if lane & step else step) for lane in lanes]
                for number, order in ((r, low), (other, high)):
                    listed = ", ".join(map(str, order))
                    text += f"{indent}v{number} = SHUFFLED(a, b, {listed});\n"
                text += f"{indent}}}\n"
            step *= 2
        return text + "".join(f"{indent}*(V *)(y + (j + {r}) * to + i) = v{r};\n" for r in lanes)


@cache
def source(kind: str) -> str:
    """The C of `multiply_KIND` for products of "float" or "double"."""
    name = f"multiply_{kind}"
    return for_targets("multiply", (kind,), lambda t: Body(Gemm(kind, t).text(name))).source
