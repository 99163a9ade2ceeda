"""Pooling in C: the kernels of `arrays.pooling` for channels-last arrays.

Every result is folded up, for a vector of channels at a time, from those inputs that its window
sees; so is every gradient, from the windows that see it. Nothing is padded or added into.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

import numpy as np

from ....arrays.patches import Sizes, Window
from .slabs import Phase, backward_axes, clipped, forward_axes, strides
from .vectors import (
    Body,
    Kernel,
    Target,
    element,
    for_targets,
    itemsize,
    kind_of,
    lanes_of,
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
    name = unique_name(op, shapes, window, np.dtype(dtype).name)
    pooling = Pooling(name, FOLDS[op], shapes, window, kind_of(dtype))
    return for_targets(name, ("run",), pooling.body)


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis, with phases that see the same number of taps; writes the C about it.

    In C, result number u of phase r is at `place`, and sees taps from low to high, the first of
    them at `at`.
    """

    number: int
    phases: tuple[Phase, ...]
    size: int  # of what is seen
    results: int
    kernel_step: int  # from a tap to the next one along this axis

    @property
    def taps(self) -> int:
        """How many are seen."""
        return len(self.phases[0].taps)

    @property
    def rows(self) -> int:
        """The most results of a phase."""
        return max(phase.count for phase in self.phases)

    @property
    def clipped(self) -> bool:
        """Whether some results see less than all taps."""
        return any(clipped(phase, self.size) for phase in self.phases)

    def gap(self, taps: bool) -> int:
        """The distance from an offset, or tap, to the next."""
        numbers = self.phases[0].taps if taps else self.phases[0].offsets
        return numbers[1] - numbers[0] if len(numbers) > 1 else 1

    def loops(self, body: str) -> str:
        """C that goes through all results; those of axis 0 have a given u."""
        a, phase = self.number, self.phases[0]
        text = ""
        for name, values in (
            ("place", [p.start for p in self.phases]),
            ("at", [p.first for p in self.phases]),
            ("tap", [p.taps[0] * self.kernel_step if p.taps else 0 for p in self.phases]),
        ):
            numbers = ", ".join(map(str, values))
            text += f"static const int32_t {name}s{a}[] = {{{numbers}}};\n"
        text += (
            f"for (int64_t r{a} = 0; r{a} < {len(self.phases)}; r{a}++) {{\n"
            f"const int64_t place{a} = u{a} * {phase.step} + places{a}[r{a}];\n"
            f"if (place{a} >= {self.results}) continue;\n"
            f"const int64_t at{a} = u{a} * {phase.advance} + ats{a}[r{a}];\n"
            f"const int64_t tap{a} = taps{a}[r{a}];\n{self.bounds()}{body}}}\n"
        )
        return text if a == 0 else nested([(f"u{a}", self.rows)], text)

    def bounds(self) -> str:
        """C that finds which taps lie inside."""
        a, gap = self.number, self.gap(False)
        if not self.clipped:
            return ""
        return (
            f"const int64_t low{a} = at{a} < 0 ? ({gap - 1} - at{a}) / {gap} : 0;\n"
            f"const int64_t room{a} = at{a} < {self.size} ? "
            f"({self.size - 1} - at{a}) / {gap} + 1 : 0;\n"
            f"const int64_t high{a} = room{a} < {self.taps} ? room{a} : {self.taps};\n"
        )

    def tap_loop(self, body: str) -> str:
        """C that goes through the taps inside."""
        a = self.number
        low, high = (f"low{a}", f"high{a}") if self.clipped else ("0", str(self.taps))
        return f"for (int64_t k{a} = {low}; k{a} < {high}; k{a}++) {{\n{body}}}\n"


class Pooling:
    """Writes the kernel of an operation."""

    def __init__(
        self, name: str, fold: Fold, shapes: list[Sizes], window: Window, kind: str
    ) -> None:
        self.name, self.fold, self.kind = name, fold, kind
        (self.images, self.channels, *sizes), (_, _, *results) = shapes[0], shapes[-1]
        self.reads = list(strides(tuple(sizes), self.channels))
        self.writes = list(strides(tuple(results), self.channels))
        self.arrays = len(shapes)
        taps = prod(window.kernel)
        self.number = "uint8_t" if taps <= SMALL else "intptr_t"
        self.last = taps - 1
        find = backward_axes if fold.backward else forward_axes
        kernel_steps = strides(window.kernel, 1)[1:]
        parts = []
        for a, phases in enumerate(find(window, tuple(results))):
            alike: dict[int, list[Phase]] = {}
            for phase in phases:
                alike.setdefault(len(phase.taps), []).append(phase)
            parts.append(
                [Axis(a, tuple(p), sizes[a], results[a], kernel_steps[a]) for p in alike.values()]
            )
        self.parts = list(product(*parts))

    def body(self, target: Target) -> Body:
        """The kernel's text; it needs no scratch memory."""
        lanes = lanes_of(target, self.kind, self.channels)
        rows = max(axes[0].rows for axes in self.parts)
        count = self.images * rows
        results = "".join(f"{{\n{self.row(axes, lanes)}}}\n" for axes in self.parts)
        kind = self.kind if self.fold.result == "s" else self.number
        return Body(
            stage(
                f"{self.name}_run",
                f"{self.types(lanes)}const {self.kind} *x = arrays[0];\n{self.operands()}"
                f"{kind} *y = arrays[{self.arrays - 1}];\n"
                f"const int64_t end = (thread + 1) * {count} / threads;\n"
                f"for (int64_t k = thread * {count} / threads; k < end; k++) {{\n"
                f"const int64_t n = k / {rows}, u0 = k % {rows};\n{results}}}\n",
            )
        )

    def operands(self) -> str:
        """C that names what the folds read apart from x."""
        return f"const {self.number} *taps = arrays[1];\n" if self.fold.taps else ""

    def types(self, lanes: int) -> str:
        """Vectors of reals V, of integers of the same size I, and of taps' numbers N."""
        size = itemsize(self.kind)
        kinds = (
            ("V", self.kind, size),
            ("I", f"int{8 * size}_t", size),
            ("N", self.number, 1 if self.number == "uint8_t" else 8),
        )
        return "".join(vector_type(V, kind, size * lanes, size) for V, kind, size in kinds)

    def row(self, axes: tuple[Axis, ...], lanes: int) -> str:
        """C for the results of some phases with the number u0 in image n."""
        fold, ends = self.fold, self.channels - lanes
        places, at = ["n"], ["n"]
        for axis in axes:
            places.append(f"place{axis.number}")
            at.append(f"at{axis.number}")
        text = (
            f"const int64_t from = {element(at, self.reads)};\n"
            f"const int64_t place = {element(places, self.writes)};\n"
            f"for (int64_t i = 0; i < {self.channels}; i += {lanes}) {{\n"
            f"const int64_t c = i < {ends} ? i : {ends};\n"
        )
        if fold.taps == "result":
            text += CHOSEN.format("place + c")
        text += f"{fold.start}\n{self.inputs(axes)}"
        stored = "*(V *)(y + place + c) = s;\n"
        if fold.result != "s":
            stored = f"*(N *)(y + place + c) = __builtin_convertvector({fold.result}, N);\n"
        text += stored.replace("LAST", str(self.last)) + "}\n"
        for axis in reversed(axes):
            text = axis.loops(text)
        return text

    def inputs(self, axes: tuple[Axis, ...]) -> str:
        """C that goes through all that is seen; without a loop where there are few taps."""
        clipped = [axis for axis in axes if axis.clipped]
        counts = [axis.taps for axis in axes]
        loops = ""
        if clipped or prod(counts) > UNROLLED:
            loops = self.input(axes, [f"k{axis.number}" for axis in axes])
            for axis in reversed(axes):
                loops = axis.tap_loop(loops)
        if prod(counts) > UNROLLED:
            return loops
        taps = product(*[range(n) for n in counts])
        whole = "".join(self.input(axes, [str(k) for k in tap]) for tap in taps)
        if not clipped:
            return whole
        inside = [f"low{axis.number} == 0 && high{axis.number} == {axis.taps}" for axis in clipped]
        return f"if ({' && '.join(inside)}) {{\n{whole}}} else {{\n{loops}}}\n"

    def input(self, axes: tuple[Axis, ...], tap: list[str]) -> str:
        """C for what is seen at one tap, numbered within the phase along each axis."""
        steps = [axis.gap(False) * s for axis, s in zip(axes, self.reads[1:], strict=True)]
        numbers = [axis.gap(True) * axis.kernel_step for axis in axes]
        first = " + ".join(f"tap{axis.number}" for axis in axes)
        bits = 8 * itemsize(self.kind)
        text = (
            f"{{ const int64_t at = from + c + {element(tap, steps)};\n"
            f"const int{bits}_t t = {first} + {element(tap, numbers)};\n"
            "const V v = *(const V *)(x + at);\n"
        )
        if self.fold.taps == "source":
            text += CHOSEN.format("at")
        return f"{text}{self.fold.step} }}\n"
