"""The ways to run a DeZero program; each has goals, a table and perhaps a chart of its own."""

from __future__ import annotations

from dataclasses import dataclass

from .row import Row


@dataclass(frozen=True)
class Mode:
    """One of our columns, and whom it is compared with."""

    name: str  # of the column
    heading: str
    what: str
    peers: tuple[str, ...]
    picture: str = ""  # the chart's file

    def goals(self, row: Row) -> dict[str, float]:
        """The goals of a row for this way of running it: column and ratio."""
        if self.name == "ours.numpy":
            return {"ours": NUMPY_GOAL} if self.name in row.cases else {}
        return row.goals if self.name == "ours" else row.compiled_goals


NUMPY_GOAL = 0.65
MODES = (
    Mode(
        "ours",
        "Eager",
        "The program as it is written, against libraries that run it as it is written.",
        ("torch", "original", "autograd", "mygrad", "jax", "tinygrad", "numpy"),
        "benchmarks.svg",
    ),
    Mode(
        "ours.compile",
        "Compiled",
        "The same program in `dezero.compile`, against compilers, and against PyTorch without one.",
        ("torch", "torch.compile", "jax.jit", "tinygrad.jit", "ours"),
        "benchmarks-compiled.svg",
    ),
    Mode(
        "ours.numpy",
        "Compiled, without a C compiler",
        'The same in `dezero.compile(step, executor="numpy")`, against running it eagerly.',
        ("ours",),
    ),
)
EAGER, COMPILED, NUMPY = MODES
