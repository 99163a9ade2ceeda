"""The pieces of a program: each nest as statements of C, with what they read and write."""

from __future__ import annotations

from math import prod
from typing import Any

from numpy.lib.array_utils import byte_bounds

from ...planning.flops import flops
from ...planning.fuse import Nest
from ...planning.layout import called, node_bytes, node_size, same_place
from ...planning.memory import rounded
from ...planning.operations import FLOATS, TYPES, dtype_name
from ...planning.plan import Schedule
from ...tracing.tape import Guard, Node, View, indexed
from ...tracing.tracearray import is_basic
from .expressions import literal
from .indexing import Copy, Indexing, copied, indexing, joined
from .kernels import Kernels
from .masks import mask_function
from .product import Product, product
from .program import LEAST, Piece, Program, Span
from .rows import nest_text

ARENA, TABLE = 0, 2  # spaces: the arena, and the first array of the table
BAD = Span(1, 0, 8)
FLOPS = 150  # of a product in a nanosecond


class Writer:
    """Writes the nests of a schedule.

    Attributes:
        program: The functions so far.
        table: Where in the table of addresses slots, constants, guards and stages are.
        cost: Of all pieces, in about a nanosecond's eighth.
        draws: How many random words each node takes that draws some.
        multiplied: Of which kinds the product in C is called.
        small: The functions of small products: their names, and the C of each.
    """

    def __init__(self, schedule: Schedule, kernels: Kernels, has_blas: bool) -> None:
        self.schedule = schedule
        self.fusion = schedule.fusion
        self.nodes = schedule.fusion.nodes
        self.layout = schedule.fusion.layout
        self.kernels = kernels
        self.has_blas = has_blas
        self.program = Program()
        self.table: dict[int | str, int] = {}
        self.draws: list[int] = []
        self.multiplied: set[str] = set()
        self.small: dict[str, str] = {}
        self.spans: dict[int, Span] = {}
        self.products: dict[int, Product | None] = {}
        self.cost = 0.0
        self.numbers = {nest.index: k for k, nest in enumerate(schedule.nests)}

    def writes(self, nest: Nest) -> bool:
        """Whether there is C for a nest; else NumPy has to compute it."""
        node = self.nodes[nest.members[0]]
        if nest.loop or nest.index in self.kernels.found or node.kind == "empty":
            return True
        if len(nest.members) > 1:
            return False
        if node.kind == "matmul":
            return self.has_blas and self.product(node) is not None
        if node.kind == "set" and isinstance(node.attr, View):
            return True
        return indexing(node, self.layout.dummies) is not None or self.is_called(node)

    def checked(self, nest: Nest) -> frozenset[tuple[int, int]]:
        """Index arrays that a nest finds to be in range, or gives up, and the sizes."""
        node = self.nodes[nest.members[0]]
        rows = None if nest.loop else indexing(node, self.layout.dummies)
        return frozenset() if rows is None else rows.checked

    def pieces(self, nest: Nest) -> list[Piece]:
        """The pieces of a nest."""
        node = self.nodes[nest.members[0]]
        found: list[Piece] = []
        if nest.loop:
            found = self.loop(nest)
        elif nest.index in self.kernels.found:
            found = self.kernel(node, nest)
        elif node.kind == "matmul":
            found = self.matmul(node)
        elif node.kind == "set" and isinstance(node.attr, View):
            found = self.assign(node)
        elif node.kind != "empty":
            rows = indexing(node, self.layout.dummies)
            found = self.call(node) if rows is None else self.index(node, rows)
        self.cost += sum(piece.cost for piece in found)
        for piece in found:
            piece.kernel = self.numbers[nest.index]
        if found:
            found[0].comment = f"{found[0].kernel}: {self.comment(nest.members)}"
        return found

    # --- where things are

    def slot(self, key: int | str) -> int:
        """The place in the table of a slot, a constant, a guard or a stage."""
        return self.table.setdefault(key, TABLE + len(self.table))

    def span(self, i: int) -> Span:
        """The memory of a node, from its first byte to its last."""
        if i not in self.spans:
            self.spans[i] = self.part(i, self.layout.dummies[i])
        return self.spans[i]

    def part(self, i: int, dummy: Any) -> Span:
        """The memory that a dummy of the same memory as a node's sees."""
        owner = self.schedule.owner(self.layout.roots[i])
        offset = self.schedule.memory.offsets.get(owner)
        low, high = (end - self.layout.start for end in byte_bounds(dummy))
        if offset is None:
            return Span(self.slot(owner), low, high)
        return Span(ARENA, offset + low, offset + high)

    def address(self, i: int, constant: bool = True) -> str:
        """The address of a node's first element as C."""
        return self.block(i, constant) + plus(self.fusion.start(i))

    def block(self, i: int, constant: bool) -> str:
        """The address of the memory that a node lies in as C, for elements of its dtype."""
        owner = self.schedule.owner(self.layout.roots[i])
        kind = ("const " if constant else "") + TYPES[dtype_name(self.nodes[i].dtype)]
        start = self.schedule.memory.offsets.get(owner)
        base = f"table[{self.slot(owner)}]" if start is None else f"(arena + {start})"
        return f"({kind} *){base}"

    def comment(self, members: list[int]) -> str:
        """What a piece computes, for which lines of the program."""
        lines: dict[str, list[str]] = {}
        for i in members:
            node = self.nodes[i]
            lines.setdefault(node.line, []).append(node.op or node.kind)
        return "; ".join(f"{line}: {', '.join(ops)}" for line, ops in lines.items())

    def reads(self, node: Node) -> list[Span]:
        """The memory that a node reads."""
        return [self.span(j) for j in node.ins]

    # --- loop nests

    def loop(self, nest: Nest) -> list[Piece]:
        """A loop nest, and what adds up the sums of its threads."""
        text = nest_text(self.fusion, nest, self.schedule.stored, self.schedule.owner)
        parameters = ", ".join(["int64_t lo, int64_t hi, char *sums", *text.parameters])
        name = self.program.function(parameters, text.body)
        divided = text.extent > 1 and text.cost >= LEAST
        scratch = self.schedule.memory.offsets.get(-1 - nest.index, 0)
        sums = f"arena + {scratch}" + (f" + thread * {text.scratch}" if divided else "")
        arrays = [self.block(i, constant=False) + plus(offset) for i, offset in text.arrays]
        call = f"{name}({', '.join(['lo', 'hi', sums, *arrays])});"
        writes = [self.span(i) for i in nest.members if self.leaves(i, nest)]
        reads = [s for i in nest.members for s in self.outside_reads(i, nest)]
        if text.scratch:
            size = text.scratch * (64 if divided else 1)
            writes.append(Span(ARENA, scratch, scratch + size))
        quantum = 16 if text.extent >= 256 else 1
        found = [Piece(call, reads, writes, text.cost, text.extent, quantum)]
        return found + [
            self.finish(i, scratch + start, text.scratch, divided) for i, start in text.sums.items()
        ]

    def leaves(self, i: int, nest: Nest) -> bool:
        """Whether a member is written by the nest itself."""
        return i in self.schedule.stored and nest.levels[i] != "sum"

    def outside_reads(self, i: int, nest: Nest) -> list[Span]:
        """The memory that a member reads, without numbers that stand in the code."""
        roots = {j: self.layout.roots[j] for j in self.nodes[i].ins}
        outside = {j: self.nodes[r] for j, r in roots.items() if r not in nest.levels}
        return [self.span(j) for j, root in outside.items() if root.kind != "const" or root.shape]

    def finish(self, i: int, start: int, stride: int, divided: bool) -> Piece:
        """What adds up the sums of all threads into a result."""
        node = self.nodes[i]
        kind = TYPES[dtype_name(node.dtype)]
        wide = "double" if kind == "float" and node.op == "add" else kind
        merge = {"add": "s + a[z]", "maximum": "(a[z] > s || a[z] != a[z]) ? a[z] : s"}
        merge["minimum"] = "(a[z] < s || a[z] != a[z]) ? a[z] : s"
        body = (
            "    for (int64_t z = lo; z < hi; z++) {\n"
            "        const char *part = sums;\n"
            f"        {wide} s = (({wide} *)part)[z];\n"
            "        for (int64_t q = 1; q < parts; q++) {\n"
            "            part += stride;\n"
            f"            const {wide} *a = (const {wide} *)part;\n"
            f"            s = {merge[node.op]};\n"
            "        }\n"
            f"        y[z] = ({kind})s;\n"
            "    }"
        )
        parameters = (
            f"int64_t lo, int64_t hi, const char *sums, int64_t parts, int64_t stride, {kind} *y"
        )
        name = self.program.function(parameters, body)
        parts = "threads" if divided else "1"
        call = f"{name}(lo, hi, arena + {start}, {parts}, {stride}, {self.address(i, False)});"
        size = node_size(node)
        end = start + stride * (63 if divided else 0) + rounded(size * 8)
        return Piece(call, [Span(ARENA, start, end)], [self.span(i)], 4 * size, size, 16)

    # --- other kinds of nests

    def begin(self, node: Node, base: int) -> list[Piece]:
        """What copies the array that a node begins from, unless it lies there already."""
        root = self.layout.roots[base]
        there = self.address(base) == self.address(node.id)
        if there or self.nodes[root].kind == "empty":
            return []
        size = node_bytes(node)
        text = f"memcpy({self.address(node.id, False)}, {self.address(base)}, {size});"
        return [Piece(text, [self.span(root)], [self.span(node.id)], size / 4)]

    def product(self, node: Node) -> Product | None:
        """How a matrix product is computed; None where NumPy has to."""
        if node.id not in self.products:
            dummies = [self.layout.dummies[j] for j in (*node.ins[:2], node.id)]
            self.products[node.id] = product(node, *dummies)
        return self.products[node.id]

    def matmul(self, node: Node) -> list[Piece]:
        """A matrix product."""
        found = self.product(node)
        assert found is not None
        kind = TYPES[dtype_name(node.dtype)]
        names = zip("AB", node.ins, strict=False)
        pointers = [f"const {kind} *{name} = {self.address(j)};" for name, j in names]
        pointers.append(f"{kind} *C = {self.address(node.id, False)};")
        call = found.text
        if found.small is not None:
            self.small[found.small.name] = found.small.source()
            function = f"(void (*)(const {kind} *, const {kind} *, {kind} *))"
            call = f"({function}table[{self.slot(found.small.name)}])(A, B, C);"
        elif found.own:
            self.multiplied.add(kind)
        text = f"{{ {' '.join(pointers)} {call} }}"
        cost = 8 * flops(node, self.nodes) / FLOPS + 800
        piece = Piece(
            text, self.reads(node), [self.span(node.id)], cost, found.extent, found.quantum
        )
        return [*(self.begin(node, node.ins[2]) if len(node.ins) > 2 else []), piece]

    def copy(self, node: Node, j: int, copy: Copy, part: Span | None = None) -> Piece:
        """What writes operand j into a part of a node's result; which memory it touches."""
        name = self.program.function(copy.parameters, copy.body)
        target = self.address(node.id, False) + plus(copy.start)
        call = f"{name}(lo, hi, {target}, {self.address(j)});"
        return Piece(
            call,
            [self.span(j)],
            [part or self.span(node.id)],
            node_size(self.nodes[j]),
            copy.extent,
        )

    def assign(self, node: Node) -> list[Piece]:
        """What writes into a view."""
        out = self.layout.dummies[node.id]
        view, value = node.attr.function(out), self.layout.dummies[node.ins[1]]
        pieces = self.begin(node, node.ins[0])
        owners = {self.schedule.owner(self.layout.roots[j]) for j in (node.id, node.ins[1])}
        if len(owners) > 1 or not same_place(view, value):
            copy = copied(out, view, value)
            pieces.append(self.copy(node, node.ins[1], copy, self.part(node.id, view)))
        return pieces

    def index(self, node: Node, found: Indexing) -> list[Piece]:
        """Rows that integer arrays name."""
        parameters = f"int64_t lo, int64_t hi, int64_t *bad, {found.parameters}"
        name = self.program.function(parameters, found.body)
        arrays = [self.address(i, i != node.id) for i in found.arrays]
        ends = "lo, hi" if found.begins == "nothing" else f"0, {found.extent}"  # else they may meet
        call = f"{name}({', '.join([ends, 'bad', *arrays])});"
        extent = found.extent if found.begins == "nothing" else 1
        writes = [self.span(node.id), BAD]
        piece = Piece(call, self.reads(node), writes, 2.0 * node_size(node), extent)
        if found.begins == "zeros":
            return [self.zeros(node), piece]
        return [*(self.begin(node, node.ins[0]) if found.begins == "copy" else []), piece]

    def zeros(self, node: Node) -> Piece:
        """What sets a result to zeros."""
        size = node_bytes(node)
        text = f"memset({self.address(node.id, False)}, 0, {size});"
        return Piece(text, [], [self.span(node.id)], size / 8)

    def is_called(self, node: Node) -> bool:
        """Whether a call has C of its own: of drawing what drops out, and of joining."""
        if node.kind != "call":
            return False
        if node.op == "dropout_mask":
            return dtype_name(node.dtype) in FLOATS and len(node.ins) == 1
        if node.op == "scatter_add":
            return is_basic(called(node).args[1])
        return joined(node, self.layout.dummies) is not None

    def call(self, node: Node) -> list[Piece]:
        """The pieces of such a call."""
        if node.op == "dropout_mask":
            return [self.mask(node)]
        if node.op == "scatter_add":
            out, value = self.layout.dummies[node.id], self.layout.dummies[node.ins[0]]
            part = indexed(called(node).args[1]).function(out)
            return [self.zeros(node), self.copy(node, node.ins[0], copied(out, part, value))]
        parts = joined(node, self.layout.dummies) or []
        return [self.copy(node, j, copy) for j, copy in parts]

    def mask(self, node: Node) -> Piece:
        """A mask of dropout: `arrays.random.dropout_mask`, from the words that are reserved."""
        size, kind = node_size(node), TYPES[dtype_name(node.dtype)]
        ratio = called(node).args[1]
        parameters, text = mask_function(kind)
        name = self.program.function(parameters, text)
        self.draws.append((size + 1) // 2)
        numbers = f"{size}, {int(ratio * 2**32)}u, {literal(1 / (1 - ratio), kind)}"
        word = f"*(const uint64_t *)table[{self.slot(f'draw{len(self.draws) - 1}')}]"
        call = f"{name}(lo, hi, {word}, {numbers}, {self.address(node.id, False)});"
        return Piece(call, [], [self.span(node.id)], 8.0 * size, (size + 1) // 2, 16)

    def kernel(self, node: Node, nest: Nest) -> list[Piece]:
        """The stages of a convolution or of pooling."""
        kernel = self.kernels.found[nest.index]
        start = self.schedule.memory.offsets.get(-1 - nest.index, 0)
        work = Span(ARENA, start, start + max(1, self.kernels.sizes.get(nest.index, 0)))
        arrays = [self.address(j, constant=False) for j in (*node.ins, node.id)]
        listed = ", ".join(f"(void *)({a})" for a in arrays)
        pieces = []
        for stage in kernel.stages:
            text = (
                f"{{ void *const a[] = {{{listed}}}; "
                f"((stage_t)table[{self.slot(stage)}])(thread, threads, a, arena + {start}); }}"
            )
            reads = [*self.reads(node), work]
            cost = 8 * flops(node, self.nodes) / FLOPS + 4 * prod(node.shape)
            writes = [self.span(node.id), work]
            pieces.append(Piece(text, reads, writes, cost / len(kernel.stages), everyone=True))
        return pieces

    def checks(self, guards: list[Guard]) -> list[Piece]:
        """What checks the guards, and ends the program where one does not hold."""
        tests, reads = [], []
        for k, guard in enumerate(guards):
            x = self.address(guard.node)
            if guard.truth:
                wrong = f"(*({x}) != 0) != {int(bool(guard.value))}"
            else:
                size = node_bytes(self.nodes[guard.node])
                wrong = f"memcmp({x}, table[{self.slot(-1 - k)}], {size})"
            tests.append(f"if (!*bad && {wrong}) *bad = {k + 1};")
            reads.append(self.span(guard.node))
        lines = ", ".join(dict.fromkeys(guard.line for guard in guards))
        check = [Piece(" ".join(tests), reads, [BAD], comment=lines)] if guards else []
        return [*check, Piece("if (*bad) return 1; bad[1] = 1;", [BAD], [], everyone=True)]


def plus(offset: int) -> str:
    """An offset as C."""
    return f" + {offset}" if offset else ""
