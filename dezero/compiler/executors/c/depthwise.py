"""Convolution with a group for every channel, in C: vectors hold channels.

Forward and transposed it is pooling in which every tap has a weight. The gradient to the weights
keeps a sum in a register for every tap, while it goes through the pixels of a slab.
"""

from __future__ import annotations

from math import ceil, prod

from ....arrays.patches import Sizes, Window
from .pooling import Fold, Pooling
from .slabs import slab_of, strides
from .tiles import Problem, offsets_of
from .vectors import (
    Body,
    Target,
    element,
    itemsize,
    lanes_of,
    nested,
    rounded,
    stage,
    vector_type,
)

SUMS = 24  # in registers


class Depthwise(Pooling):
    """Writes the kernel of a convolution, or of its transpose."""

    def __init__(
        self, name: str, backward: bool, shapes: list[Sizes], window: Window, kind: str
    ) -> None:
        self.bias = len(shapes) == 4
        start = "V s = *(const V *)(bias + c);" if self.bias else "V s = {0};"
        step = f"s += v * *(const V *)(weights + t * {shapes[0][1]} + c);"
        super().__init__(name, Fold(backward, start, step), shapes, window, kind)

    def operands(self) -> str:
        """C that names what the folds read apart from x."""
        bias = f"const {self.kind} *bias = arrays[2];\n" if self.bias else ""
        return f"{bias}const {self.kind} *weights = (const {self.kind} *)scratch;\n"

    def body(self, target: Target) -> Body:
        """The kernel's text, with a stage that brings the weights into the order of channels."""
        C, taps = self.channels, self.last + 1
        packing = stage(
            f"{self.name}_pack",
            f"const {self.kind} *W = arrays[1];\n{self.kind} *weights = ({self.kind} *)scratch;\n"
            f"const int64_t end = (thread + 1) * {taps} / threads;\n"
            f"for (int64_t t = thread * {taps} / threads; t < end; t++)\n"
            f"for (int64_t c = 0; c < {C}; c++) weights[t * {C} + c] = W[c * {taps} + t];\n",
        )
        shared = rounded(taps * C * itemsize(self.kind))
        return Body(packing + super().body(target).text, shared)


class DepthwiseGradient:
    """Writes the kernel of the gradient to the weights."""

    def __init__(self, problem: Problem, target: Target) -> None:
        self.problem = p = problem
        self.size = itemsize(p.kind)
        self.lanes = lanes_of(target, p.kind, p.groups)
        self.blocks = ceil(p.groups / self.lanes)
        self.slab = slab_of(p.images, p.sizes, p.groups, p.phases, self.size, 1)
        self.taps = prod(p.kernel)

    def body(self) -> Body:
        """The kernel's text and its scratch memory."""
        p = self.problem
        sums = rounded(self.blocks * self.taps * self.lanes * self.size)
        private = sums + rounded(self.slab.elements * self.size)
        text = vector_type(f"{p.name}_v", p.kind, self.lanes * self.size, self.size)
        text += self.slab.filling(f"{p.name}_fill", p.kind)
        return Body(text + self.run(sums, private) + self.reduction(private), 0, private)

    def run(self, sums: int, private: int) -> str:
        """The stage that adds up the slabs of a thread."""
        p, slab = self.problem, self.slab
        step = strides(p.results, p.groups)
        last = p.groups - self.lanes
        parts = "".join(self.part(t, min(t + SUMS, self.taps)) for t in range(0, self.taps, SUMS))
        units = p.images // slab.images * slab.bands
        return stage(
            f"{p.name}_run",
            f"typedef {p.name}_v V;\n"
            f"const {p.kind} *x = arrays[0], *y = arrays[1];\n"
            f"char *own = scratch + thread * {private};\nmemset(own, 0, {sums});\n"
            f"const int64_t end = (thread + 1) * {units} / threads;\n"
            f"for (int64_t unit = thread * {units} / threads; unit < end; unit++) {{\n"
            f"{slab.opening(f'{p.name}_fill', p.kind, f'own + {sums}')}"
            f"const {p.kind} *ys = y + n * {step[0]} + u0 * {step[1]};\n"
            f"for (int64_t block = 0; block < {self.blocks}; block++) {{\n"
            f"const int64_t c = block < {self.blocks - 1} ? block * {self.lanes} : {last};\n"
            f"{p.kind} *sums = ({p.kind} *)own + block * {self.taps * self.lanes};\n"
            f"{parts}}}\n}}\n",
        )

    def part(self, first: int, end: int) -> str:
        """C that goes through the pixels of a slab for some of the taps."""
        p, phase = self.problem, self.problem.phases[0]
        reads = [self.slab.strides[0]]
        reads += [a.advance * s for a, s in zip(phase, self.slab.strides[1:], strict=True)]
        places = [0]
        for row in offsets_of(phase, self.slab):
            places = [place + offset for place in places for offset in row]
        writes = list(strides(p.results, p.groups))
        at = [f"i{a}" for a in range(len(reads))]
        loads = "".join(
            f"V s{t} = *(const V *)(sums + {t * self.lanes});\n" for t in range(first, end)
        )
        stores = "".join(f"*(V *)(sums + {t * self.lanes}) = s{t};\n" for t in range(first, end))
        body = (
            f"const {p.kind} *from = slab + c + {element(at, reads)};\n"
            f"const V v = *(const V *)(ys + c + {element(at, writes)});\n"
        )
        for t in range(first, end):
            body += f"s{t} += v * *(const V *)(from + {places[t]});\n"
        counts = [self.slab.images, "(u1 - u0)", *[axis.count for axis in phase[1:]]]
        return f"{{ {loads}{nested(list(zip(at, counts, strict=True)), body)}{stores}}}\n"

    def reduction(self, private: int) -> str:
        """The stage that adds up the sums of all threads, in the order of the weights."""
        p, lanes, taps = self.problem, self.lanes, self.taps
        return stage(
            f"{p.name}_reduce",
            f"{p.kind} *W = arrays[2];\n"
            f"const int64_t end = (thread + 1) * {p.groups} / threads;\n"
            f"for (int64_t c = thread * {p.groups} / threads; c < end; c++) {{\n"
            f"const int64_t block = c / {lanes};\n"
            f"const int64_t start = block < {self.blocks - 1} ? block * {lanes} : "
            f"{p.groups - lanes};\n"
            f"const {p.kind} *from = (const {p.kind} *)scratch + block * {taps * lanes} "
            f"+ c - start;\n"
            f"for (int64_t t = 0; t < {taps}; t++) {{\n"
            f"{p.kind} sum = 0;\n"
            f"for (int64_t k = 0; k < threads; k++) "
            f"sum += from[k * {private // self.size} + t * {lanes}];\n"
            f"W[c * {taps} + t] = sum;\n}}\n}}\n",
        )
