"""What the array kernels in C have in common: vector types, and what the executor is given.

A kernel is written once for each kind of vector register; the preprocessor picks the text for
the processor that is compiled for. Vectors are those of GCC and Clang, not intrinsics.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .toolchain import digest

FLAGS = ("-ffp-contract=fast",)
"""What the compiler is to be given: products are added without rounding in between."""

KINDS = {"float32": "float", "float64": "double"}
HEADER = "#include <stdint.h>\n#include <string.h>\n"
ALIGN = 64  # bytes


@dataclass(frozen=True, slots=True)
class Target:
    """A kind of vector register: when it is there, its size in bytes, and how many there are."""

    condition: str
    width: int
    registers: int


TARGETS = (
    Target("defined(__AVX512F__)", 64, 32),
    Target("defined(__AVX__)", 32, 16),
    Target("defined(__aarch64__)", 16, 32),
    Target("1", 16, 16),
)


@dataclass(frozen=True, slots=True)
class Kernel:
    """A native kernel.

    Every stage is a C function `void NAME(int64_t thread, int64_t threads, void *const *arrays,
    char *scratch)`. All threads run a stage before any of them runs the next one.

    Attributes:
        source: C text that defines the stages; equal texts are equal kernels.
        stages: The names of the functions, in order.
        shared: Bytes of scratch memory for all threads together.
        private: Bytes of scratch memory for each thread.
    """

    source: str
    stages: tuple[str, ...]
    shared: int = 0
    private: int = 0

    def scratch(self, threads: int) -> int:
        """Bytes of the block that the stages share; it is to begin at a multiple of 64."""
        return self.shared + threads * self.private


@dataclass(frozen=True, slots=True)
class Body:
    """A kernel's text for one target, and the scratch memory that it needs in bytes."""

    text: str
    shared: int = 0
    private: int = 0


def for_targets(name: str, stages: tuple[str, ...], body: Callable[[Target], Body]) -> Kernel:
    """The kernel that has a body of its own for each target."""
    bodies = [body(target) for target in TARGETS]
    text = HEADER
    for target, found, word in zip(TARGETS, bodies, ["#if", *["#elif"] * 3], strict=True):
        text += f"{word} {target.condition}\n{found.text}"
    return Kernel(
        text + "#endif\n",
        tuple([f"{name}_{stage}" for stage in stages]),
        max(found.shared for found in bodies),
        max(found.private for found in bodies),
    )


def vector_type(name: str, kind: str, width: int, size: int) -> str:
    """The definition of a vector of the kind, that may stand at any address; sizes in bytes."""
    attributes = f"vector_size({width}), aligned({size}), may_alias"
    return f"typedef {kind} {name} __attribute__(({attributes}));\n"


def stage(name: str, body: str) -> str:
    """A stage's definition."""
    arguments = "int64_t thread, int64_t threads, void *const *arrays, char *scratch"
    return f"void {name}({arguments}) {{\n{body}}}\n"


def itemsize(kind: str) -> int:
    """Bytes of a "float" or "double"."""
    return 4 if kind == "float" else 8


def lanes_of(target: Target, kind: str, channels: int) -> int:
    """How many numbers a vector should hold: not more than there are channels."""
    lanes = target.width // itemsize(kind)
    while lanes > channels:
        lanes //= 2
    return lanes


def rounded(size: int, unit: int = ALIGN) -> int:
    """The size, up to the next multiple of the unit."""
    return -(-size // unit) * unit


def nested(loops: list[tuple[str, Any]], body: str) -> str:
    """Loops around a text: names of their variables, and how often they run."""
    for variable, count in reversed(loops):
        head = f"for (int64_t {variable} = 0; {variable} < {count}; {variable}++)"
        body = f"{head} {{\n{body}}}\n"
    return body


def element(indices: list[str], steps: list[int]) -> str:
    """The place in an array of the element with these indices."""
    return " + ".join(f"{i} * {s}" for i, s in zip(indices, steps, strict=True))


def unique_name(op: str, *parts: Any) -> str:
    """A name in C for a kernel of this operation and geometry."""
    return f"{op}_{digest(op, *[repr(part) for part in parts])}"


def kind_of(dtype: Any) -> str:
    """The C type of a NumPy dtype: float32 or float64."""
    return KINDS[np.dtype(dtype).name]
