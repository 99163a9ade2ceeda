"""C for the fused loops, matrix products and indexed rows of a plan."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from ...planning.fuse import ANY, FEW, REAL, TYPES, Group, collapsed, element_strides
from ...tracing.tape import Node, Ref


class Generator:
    """Writes the functions of one path.

    Args:
        nodes: Of the tape.
        arrays: For each node its array: C gets their strides as numbers, their addresses in a
            table.
        stored: The nodes whose results leave their loop.
        gemm_bits: The size of the integers that BLAS takes; 0 where there is no BLAS.
        over: Results that are written over an array of the state: node, and the state's node.
    """

    def __init__(
        self,
        nodes: list[Node],
        arrays: dict[int, Any],
        stored: set[int],
        gemm_bits: int,
        over: dict[int, int],
    ) -> None:
        self.nodes = nodes
        self.arrays = arrays
        self.stored = stored
        self.gemm_bits = gemm_bits
        self.over = over
        self.table: dict[int, int] = {}  # node: its place in the table of addresses

    def pointer(self, i: int, constant: bool = True) -> str:
        """An array's address as C."""
        k = self.table.setdefault(i, len(self.table))
        return f"({'const ' if constant else ''}{TYPES[str(self.nodes[i].dtype)]} *)t[{k}]"

    def comment(self, members: list[int]) -> str:
        """What a piece of code computes, and for which lines of the program."""
        lines: dict[str, list[str]] = {}
        for i in members:
            node = self.nodes[i]
            lines.setdefault(node.line, []).append(node.op or node.kind)
        return "".join(f"    /* {line}: {', '.join(ops)} */\n" for line, ops in lines.items())

    # --- loops

    def loop(self, group: Group) -> str:
        """A fused loop."""
        assert group.domain is not None
        return Loop(self, group).text()

    # --- matrix products

    def product(self, node: Node) -> str | None:
        """A matrix product by BLAS, or None where its operands don't fit."""
        kind = TYPES.get(str(node.dtype))
        if not self.gemm_bits or kind not in ("float", "double") or not np.prod(node.shape):
            return None
        a, b = (self.arrays[j] for j in node.ins)
        out = self.arrays[node.id]
        if a.dtype != out.dtype or b.dtype != out.dtype:
            return None
        m, n = a.shape[-2] if a.ndim > 1 else 1, b.shape[-1] if b.ndim > 1 else 1
        a, b = a[np.newaxis] if a.ndim == 1 else a, b[:, np.newaxis] if b.ndim == 1 else b
        sides = [orientation(x[(0,) * (x.ndim - 2)]) for x in (a, b)]
        if None in sides or a.shape[-1] == 0:
            return None
        batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        steps = [batch_strides(x, batch) for x in (a, b)]
        steps.append(batch_strides(out.reshape(*batch, m, n), batch))
        names = [self.pointer(j, k < 2) for k, j in enumerate((*node.ins, node.id))]
        (ta, lda), (tb, ldb) = sides  # type: ignore[misc]
        lines = [self.comment([node.id])]
        for d, size in enumerate(batch):
            lines.append(f"    for (int64_t b{d} = 0; b{d} < {size}; b{d}++)\n")
        left, right, into = (
            name + "".join([f" + b{d} * {s}" for d, s in enumerate(step) if s])
            for name, step in zip(names, steps, strict=True)
        )
        sizes = f"101, {ta}, {tb}, {m}, {n}, {a.shape[-1]}"
        lines.append(
            f"    gemm_{kind}({sizes}, 1, {left}, {lda}, {right}, {ldb}, 0, {into}, {n});\n"
        )
        return "".join(lines)

    # --- rows that integer arrays name

    def rows(self, node: Node) -> str | None:
        """x[i], x[i, j] and writing there, of integer arrays on the first axes."""
        if node.kind == "call" and node.op == "getitem":
            index = node.attr[2].args[1]
        elif node.kind == "set":
            index = node.attr
        else:
            return None
        index = index if isinstance(index, tuple) else (index,)
        parts = [node.ins[e.position] for e in index if isinstance(e, Ref)]
        x, out = self.arrays[node.ins[0]], self.arrays[node.id]
        arrays = [self.arrays[j] for j in parts]
        fits = len(parts) == len(index) and x.flags.c_contiguous and x.dtype == out.dtype
        fits = fits and str(x.dtype) in TYPES and all(n > 0 for n in (*x.shape, *out.shape))
        fits = fits and all(
            i.dtype == np.int64 and i.flags.c_contiguous and i.shape == arrays[0].shape
            for i in arrays
        )
        if not fits:
            return None
        if node.kind == "set":
            value = self.arrays[node.ins[1]]
            if value.dtype != x.dtype or value.shape != (*arrays[0].shape, *x.shape[len(parts) :]):
                return None
            if not value.flags.c_contiguous:
                return None
        return self.row_loop(node, parts)

    def row_loop(self, node: Node, parts: list[int]) -> str:
        """The code of `rows`; an index out of range sets *bad, and the run is given up."""
        x = self.arrays[node.ins[0]]
        width = int(np.prod(x.shape[len(parts) :], dtype=np.int64))
        kind = TYPES[str(node.dtype)]
        lines = [f"const {kind} *x = {self.pointer(node.ins[0])};"]
        lines.append(f"{kind} *y = {self.pointer(node.id, False)};")
        if node.kind == "set":
            lines.append(f"const {kind} *v = {self.pointer(node.ins[1])};")
            lines.append(f"memcpy(y, x, {x.nbytes});")
        for d, j in enumerate(parts):
            lines.append(f"const int64_t *i{d} = {self.pointer(j)};")
        lines.append(f"for (int64_t n = 0; n < {self.arrays[parts[0]].size}; n++) {{")
        lines.append("    int64_t row = 0;")
        for d in range(len(parts)):
            size = x.shape[d]
            lines.append(f"    int64_t k{d} = i{d}[n] + (i{d}[n] < 0 ? {size} : 0);")
            lines.append(f"    if (k{d} < 0 || k{d} >= {size}) {{ *bad = 1; k{d} = 0; }}")
            lines.append(f"    row = row * {size} + k{d};")
        to, source = ("y + row", "v + n") if node.kind == "set" else ("y + n", "x + row")
        size = width * node.dtype.itemsize
        lines.append(f"    memcpy({to} * {width}, {source} * {width}, {size});")
        lines.append("}")
        body = "\n        ".join(lines)
        return f"{self.comment([node.id])}    {{\n        {body}\n    }}\n"


def batch_strides(x: Any, batch: tuple[int, ...]) -> tuple[int, ...]:
    """The steps, in elements, from one matrix to the next along each axis of the batch."""
    return element_strides(x, (*batch, *x.shape[-2:]))[: len(batch)]


def orientation(x: Any) -> tuple[int, int] | None:
    """How BLAS reads a matrix: (112 if transposed else 111, leading size), or None."""
    rows, columns = (s // x.itemsize for s in x.strides)
    m, n = x.shape
    if (columns == 1 or n == 1) and (rows >= n or m == 1):
        return 111, max(rows if m > 1 else n, n)
    if (rows == 1 or m == 1) and (columns >= m or n == 1):
        return 112, max(columns if n > 1 else m, m)
    return None


def literal(value: Any, kind: str) -> str:
    """A number as C."""
    if kind in ("float", "double"):
        value = float(value)
        if value != value:
            return f"({kind})NAN"
        if value in (float("inf"), -float("inf")):
            return f"({kind}){'-' if value < 0 else ''}INFINITY"
        return f"({kind}){value.hex()}"
    if kind == "int64_t" and value == np.iinfo(np.int64).min:  # C has no such literal
        return "INT64_MIN"
    return f"({kind}){int(value)}{'LL' if kind == 'int64_t' else ''}"


class Loop:
    """The text of one fused loop: loads, expressions, stores and sums."""

    def __init__(self, generator: Generator, group: Group) -> None:
        self.generator = generator
        self.nodes = generator.nodes
        self.group = group
        self.shape = group.domain or ()
        self.members = set(group.members)
        self.results = [i for i in group.members if self.nodes[i].kind == "reduce"]
        self.stores = [i for i in group.members if i in generator.stored and i not in self.results]
        self.loads: list[int] = []
        for i in group.members:
            for j in self.nodes[i].ins:
                if j not in self.members and j not in self.loads and not self.is_literal(j):
                    self.loads.append(j)
        # one pointer for what is read and written over: `restrict` promises that it is alone
        over = generator.over
        self.over = {i: over[i] for i in self.stores if over.get(i) in self.loads}
        alone = [i for i in self.stores if i not in self.over]
        self.used = [*self.loads, *alone, *self.results]
        steps = [element_strides(generator.arrays[i], self.shape) for i in self.used]
        self.axes = collapsed(self.shape, steps) or [(1, tuple([0] * len(self.used)))]

    def is_literal(self, j: int) -> bool:
        """Whether an operand is a number that stands in the code."""
        return self.nodes[j].kind == "const" and self.nodes[j].shape == ()

    def place(self, i: int) -> str:
        """The element of an array at the present position."""
        k = self.used.index(self.over.get(i, i))
        terms = []
        for d, (_, steps) in enumerate(self.axes):
            if steps[k]:
                terms.append(f"i{d}" if steps[k] == 1 else f"i{d} * {steps[k]}")
        return f"p{k}[{' + '.join(terms) or '0'}]"

    def local(self, i: int) -> bool:
        """Whether a sum stays the same along the innermost axis: it is kept in a register."""
        return self.axes[-1][1][self.used.index(i)] == 0

    def value(self, j: int, kind: str) -> str:
        """An operand in a type."""
        if self.is_literal(j):
            return literal(self.nodes[j].attr, kind)
        own = TYPES[str(self.nodes[j].dtype)]
        return f"v{j}" if own == kind else f"({kind}){'!!' if kind == 'boolean' else ''}v{j}"

    def expression(self, i: int) -> str:
        """The C expression of a node."""
        node = self.nodes[i]
        kind = TYPES[str(node.dtype)]
        if node.kind == "cast":
            if kind == "boolean":
                return f"{self.value(node.ins[0], TYPES[str(self.nodes[node.ins[0]].dtype)])} != 0"
            return self.value(node.ins[0], kind)
        if node.kind == "where":
            condition, a, b = node.ins
            first, second = self.value(a, kind), self.value(b, kind)
            return f"{self.value(condition, 'boolean')} ? {first} : {second}"
        loop = TYPES[str(node.attr[0])]
        operands = {"a": self.value(node.ins[0], loop), "T": loop}
        operands["b"] = self.value(node.ins[-1], loop)
        operands["F"] = "f" if loop == "float" else ""
        text = (
            (ANY | REAL | FEW)[node.op].replace("_T", f"_{loop}").replace("F(", f"{operands['F']}(")
        )
        return re.sub(r"\b(a|b|T)\b", lambda m: operands[m[0]], text)

    def body(self) -> tuple[list[str], list[str]]:
        """The statements for one element, and those that fold it into the sums."""
        lines = []
        for j in self.loads:
            lines.append(f"const {TYPES[str(self.nodes[j].dtype)]} v{j} = {self.place(j)};")
        folds = []
        for i in self.group.members:
            node = self.nodes[i]
            if node.kind != "reduce":
                lines.append(f"const {TYPES[str(node.dtype)]} v{i} = {self.expression(i)};")
            else:
                into = f"s{i}" if self.local(i) else self.place(i)
                v = self.value(node.ins[0], TYPES[str(node.dtype)])
                folds += fold(node.op, into, v, f"n{i}" if self.real(i) else "")
        for i in self.stores:
            lines.append(f"{self.place(i)} = v{i};")
        return lines, folds

    def real(self, i: int) -> bool:
        """Whether a maximum or minimum has to look for not-a-number: in a register only."""
        node = self.nodes[i]
        return node.op != "add" and node.dtype.kind == "f" and self.local(i)

    def text(self) -> str:
        """The whole loop nest, in a block of its own."""
        out = [self.generator.comment(self.group.members), "    {\n"]
        for k, i in enumerate(self.used):
            read_only = i in self.loads and i not in self.over.values()
            kind, const = TYPES[str(self.nodes[i].dtype)], "const " if read_only else ""
            out.append(
                f"        {const}{kind} *restrict p{k} = "
                f"{self.generator.pointer(i, bool(const))};\n"
            )
        for i in self.results:
            size = int(np.prod(self.nodes[i].shape, dtype=np.int64))
            start = literal(identity(self.nodes[i]), TYPES[str(self.nodes[i].dtype)])
            k = self.used.index(i)
            out.append(f"        for (int64_t i = 0; i < {size}; i++) p{k}[i] = {start};\n")
        whole = [i for i in self.results if self.local(i) and self.alone(i)]
        rows = [i for i in self.results if self.local(i) and i not in whole]
        out += [f"        {line}\n" for i in whole for line in self.opened(i)]
        for d, (size, _) in enumerate(self.axes[:-1]):
            out.append(f"        for (int64_t i{d} = 0; i{d} < {size}; i{d}++) {{\n")
        out += [f"        {line}\n" for i in rows for line in self.opened(i)]
        out += self.innermost([*whole, *rows])
        out += [f"        {line}\n" for i in rows for line in self.closed(i)]
        out.append("        }\n" * (len(self.axes) - 1))
        out += [f"        {line}\n" for i in whole for line in self.closed(i)]
        return "".join([*out, "    }\n"])

    def alone(self, i: int) -> bool:
        """Whether a sum is the same along all axes: its register outlives all loops."""
        k = self.used.index(i)
        return not any(steps[k] for _, steps in self.axes)

    def wide(self, i: int) -> str:
        """The type of a register: double for sums of float, which then lose nothing."""
        kind = TYPES[str(self.nodes[i].dtype)]
        return "double" if self.nodes[i].op == "add" and kind == "float" else kind

    def opened(self, i: int) -> list[str]:
        """The register of a sum, maximum or minimum, and that for not-a-number."""
        lines = [f"{self.wide(i)} s{i} = {literal(identity(self.nodes[i]), self.wide(i))};"]
        return [*lines, f"int n{i} = 0;"] if self.real(i) else lines

    def closed(self, i: int) -> list[str]:
        """What brings a register into memory."""
        lines = [f"if (n{i}) s{i} = NAN;"] if self.real(i) else []
        return lines + fold(self.nodes[i].op, self.place(i), f"s{i}", "")

    def innermost(self, registers: list[int]) -> list[str]:
        """The innermost loop."""
        clauses = ""
        for i in registers:
            sign = {"add": "+", "maximum": "max", "minimum": "min"}[self.nodes[i].op]
            clauses += f" reduction({sign}:s{i})" + (f" reduction(|:n{i})" if self.real(i) else "")
        d = len(self.axes) - 1
        head = f"for (int64_t i{d} = 0; i{d} < {self.axes[d][0]}; i{d}++) {{"
        lines, folds = self.body()
        body = ["    " + line for line in (*lines, *folds)]
        return [f"        {line}\n" for line in (f"#pragma omp simd{clauses}", head, *body, "}")]


def identity(node: Node) -> Any:
    """What a reduction starts from."""
    if node.op == "add":
        return 0
    low = node.op == "maximum"
    if node.dtype.kind == "f":
        return -np.inf if low else np.inf
    return np.iinfo(node.dtype).min if low else np.iinfo(node.dtype).max


def fold(op: str, into: str, value: str, nan: str) -> list[str]:
    """Statements that fold a value into a sum, maximum or minimum."""
    if op == "add":
        return [f"{into} += {value};"]
    sign = ">" if op == "maximum" else "<"
    if nan:
        return [
            f"{into} = {value} {sign} {into} ? {value} : {into};",
            f"{nan} |= {value} != {value};",
        ]
    return [f"{into} = ({value} {sign} {into} || {value} != {value}) ? {value} : {into};"]
