"""Pooling in C: the kernels of `arrays.pooling` for channels-last arrays.

Every result is folded up, for a vector of channels at a time, from those inputs that its window
sees; so is every gradient, from the windows that see it. Nothing is padded or added into.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

from ....arrays.patches import Sizes, Window
from .slabs import Phase, backward_phases, forward_phases, strides
from .vectors import (
    Body,
    Kernel,
    Target,
    element,
    for_targets,
    itemsize,
    kind_of,
    nested,
    stage,
    unique_name,
    vector_type,
)

UNROLLED = 16  # taps for which no loop is made
SMALL = 256  # taps that are numbered by bytes, as in `arrays.pooling`


@dataclass(frozen=True, slots=True)
class Fold:
    """How a result is made of what is seen; in C, v is an input and t the number of its tap.

    Attributes:
        backward: Whether results lie where the windows look, rather than where they stand.
        start: The variables before the first input.
        step: What an input does to them.
        result: What is stored: "s", or a tap's number.
        taps: Whose number of a tap is `chosen`: the "source"'s, the "result"'s, or nobody's.
    """

    backward: bool
    start: str
    step: str
    result: str = "s"
    taps: str = ""


CHOSEN = "const I chosen = __builtin_convertvector(*(const N *)(taps + {}), I);\n"
ZERO = "V s = {0};"
FOLDS = {
    "max_windows": Fold(
        False,
        "V s = (V){0} - __builtin_inff();",
        "I k = (v > s) | (v != v); s = (V)((k & (I)v) | (~k & (I)s));",
    ),
    # not-a-number equals no tap, so none but the last one is left
    "largest_taps": Fold(
        False,
        "V s = (V){0} - __builtin_inff(); I number = {0}, nan = {0};",
        "I k = v > s; s = (V)((k & (I)v) | (~k & (I)s)); "
        "number = (k & t) | (~k & number); nan |= v != v;",
        "(nan & LAST) | (~nan & number)",
    ),
    "take_taps": Fold(False, ZERO, "s = (V)((I)s | ((chosen == t) & (I)v));", taps="result"),
    "put_taps": Fold(True, ZERO, "s += (V)((chosen == t) & (I)v);", taps="source"),
    "sum_windows": Fold(False, ZERO, "s += v;"),
    "spread_windows": Fold(True, ZERO, "s += v;"),
}


def kernel(op: str, shapes: list[Sizes], window: Window, dtype: Any) -> Kernel:
    """The kernel of an operation of `arrays.pooling`.

    Args:
        op: The operation.
        shapes: Of the inputs, then of the output, as NumPy has them: (N, C, *sizes).
        window: The geometry.
        dtype: Of x and y: float32 or float64, a NumPy dtype.
    """
    name = unique_name(op, shapes, window, dtype)
    pooling = Pooling(name, FOLDS[op], shapes, window, kind_of(dtype))
    return for_targets(name, ("run",), pooling.body)


class Pooling:
    """Writes the kernel of an operation."""

    def __init__(
        self, name: str, fold: Fold, shapes: list[Sizes], window: Window, kind: str
    ) -> None:
        self.name, self.fold, self.kind, self.window = name, fold, kind, window
        (self.images, self.channels, *sizes), (_, _, *results) = shapes[0], shapes[-1]
        self.sizes, self.results = tuple(sizes), tuple(results)
        self.reads = strides(self.sizes, self.channels)
        self.writes = strides(self.results, self.channels)
        find = backward_phases if fold.backward else forward_phases
        self.phases = find(window, self.results)
        self.arrays = len(shapes)
        taps = prod(window.kernel)
        self.number = "uint8_t" if taps <= SMALL else "intptr_t"
        self.last = taps - 1

    def body(self, target: Target) -> Body:
        """The kernel's text; it needs no scratch memory."""
        lanes = target.width // itemsize(self.kind)
        while lanes > self.channels:
            lanes //= 2
        rows = max(phase[0].count for phase in self.phases)
        count = self.images * rows
        results = "".join(self.row(phase, lanes) for phase in self.phases)
        taps = f"const {self.number} *taps = arrays[1];\n" if self.fold.taps else ""
        kind = self.kind if self.fold.result == "s" else self.number
        return Body(
            stage(
                f"{self.name}_run",
                f"{self.types(lanes)}const {self.kind} *x = arrays[0];\n{taps}"
                f"{kind} *y = arrays[{self.arrays - 1}];\n"
                f"const int64_t end = (thread + 1) * {count} / threads;\n"
                f"for (int64_t k = thread * {count} / threads; k < end; k++) {{\n"
                f"const int64_t n = k / {rows}, u0 = k % {rows};\n{results}}}\n",
            )
        )

    def types(self, lanes: int) -> str:
        """Vectors of reals V, of integers of the same size I, and of taps' numbers N."""
        size = itemsize(self.kind)
        kinds = (
            ("V", self.kind, size),
            ("I", f"int{8 * size}_t", size),
            ("N", self.number, 1 if self.number == "uint8_t" else 8),
        )
        return "".join(vector_type(V, kind, size * lanes, size) for V, kind, size in kinds)

    def row(self, phase: tuple[Phase, ...], lanes: int) -> str:
        """C for the results of a phase in row u0 of image n."""
        fold, ends = self.fold, self.channels - lanes
        places = [f"u{a} * {axis.step} + {axis.start}" for a, axis in enumerate(phase)]
        text = "".join(self.bounds(axis, a) for a, axis in enumerate(phase))
        text += (
            f"const int64_t from = {self.at(self.reads, [f'at{a}' for a in range(len(phase))])};\n"
            f"const int64_t place = {self.at(self.writes, places)};\n"
            f"for (int64_t i = 0; i < {self.channels}; i += {lanes}) {{\n"
            f"const int64_t c = i < {ends} ? i : {ends};\n"
        )
        if fold.taps == "result":
            text += CHOSEN.format("place + c")
        text += f"{fold.start}\n{self.inputs(phase)}"
        stored = "*(V *)(y + place + c) = s;\n"
        if fold.result != "s":
            stored = f"*(N *)(y + place + c) = __builtin_convertvector({fold.result}, N);\n"
        text += stored.replace("LAST", str(self.last)) + "}\n"
        loops = [(f"u{a}", axis.count) for a, axis in enumerate(phase)][1:]
        return f"if (u0 < {phase[0].count}) {{\n{nested(loops, text)}}}\n"

    def at(self, steps: Sizes, places: list[str]) -> str:
        """The element of image n at these places."""
        return element(["n", *[f"({place})" for place in places]], list(steps))

    def bounds(self, axis: Phase, a: int) -> str:
        """C that finds the first index at<a> that is seen, and the taps from low<a> to high<a>."""
        size, taps, gap = self.sizes[a], len(axis.taps), gap_of(axis.offsets)
        text = f"const int64_t at{a} = u{a} * {axis.advance} + {axis.first};\n"
        if not self.clipped(axis, a):
            return text
        return text + (
            f"const int64_t low{a} = at{a} < 0 ? (-at{a} + {gap - 1}) / {gap} : 0;\n"
            f"const int64_t room{a} = at{a} < {size} ? ({size - 1} - at{a}) / {gap} + 1 : 0;\n"
            f"const int64_t high{a} = room{a} < {taps} ? room{a} : {taps};\n"
        )

    def clipped(self, axis: Phase, a: int) -> bool:
        """Whether some results see less than all taps."""
        if not axis.offsets:
            return False
        last = axis.advance * (axis.count - 1) + axis.offsets[-1]
        return axis.first < 0 or last >= self.sizes[a]

    def inputs(self, phase: tuple[Phase, ...]) -> str:
        """C that goes through all that is seen; without a loop where there are few taps."""
        clipped = [a for a, axis in enumerate(phase) if self.clipped(axis, a)]
        counts = [len(axis.taps) for axis in phase]
        loops = ""
        if clipped or prod(counts) > UNROLLED:
            loops = self.input(phase, [f"k{a}" for a in range(len(phase))])
            for a in reversed(range(len(phase))):
                low, high = (f"low{a}", f"high{a}") if a in clipped else (0, counts[a])
                loops = f"for (int64_t k{a} = {low}; k{a} < {high}; k{a}++) {{\n{loops}}}\n"
        if prod(counts) > UNROLLED:
            return loops
        taps = product(*[range(n) for n in counts])
        whole = "".join(self.input(phase, [str(k) for k in tap]) for tap in taps)
        if not clipped:
            return whole
        inside = " && ".join(f"low{a} == 0 && high{a} == {counts[a]}" for a in clipped)
        return f"if ({inside}) {{\n{whole}}} else {{\n{loops}}}\n"

    def input(self, phase: tuple[Phase, ...], tap: list[str]) -> str:
        """C for what is seen at one tap, numbered within the phase along each axis."""
        steps = [gap_of(axis.offsets) for axis in phase]
        steps = [gap * s for gap, s in zip(steps, self.reads[1:], strict=True)]
        kernel_steps = strides(self.window.kernel, 1)[1:]
        numbers = [gap_of(axis.taps) * s for axis, s in zip(phase, kernel_steps, strict=True)]
        first = sum(a.taps[0] * s for a, s in zip(phase, kernel_steps, strict=True) if a.taps)
        bits = 8 * itemsize(self.kind)
        text = (
            f"{{ const int64_t at = from + c + {element(tap, steps)};\n"
            f"const int{bits}_t t = {first} + {element(tap, numbers)};\n"
            "const V v = *(const V *)(x + at);\n"
        )
        if self.fold.taps == "source":
            text += CHOSEN.format("at")
        return f"{text}{self.fold.step} }}\n"


def gap_of(numbers: Sizes) -> int:
    """The distance of numbers that lie evenly apart."""
    return numbers[1] - numbers[0] if len(numbers) > 1 else 1
