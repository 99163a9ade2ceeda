"""A row of the benchmark: one piece of work, written once for each library that can do it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

Step = Callable[[], Any]
OURS = ("ours", "ours.compile", "ours.numpy")  # one program, run in our three ways


@dataclass(frozen=True)
class Setup:
    """What a case is built with."""

    wrap: Callable[..., Any]  # the column's compiler; eager columns hand the function back.
    # A step must not refer to its Setup: our compiler follows what a step refers to.
    size: int  # nodes, or examples in a batch: the row says which


Build = Callable[[Setup], Step]


@dataclass(frozen=True)
class Row:
    """One piece of work and its cases.

    A case is a function that builds everything once and returns `step`. A call of `step` does the
    work once and returns the value by which the libraries are found to agree (a loss, a gradient).

    >>> ADD = Row("add", "a + b", "Adds two arrays.")
    >>> @ADD.on("ours")
    ... def add(setup):
    ...     return lambda: 1 + 1
    >>> ADD.cases["ours"](Setup(wrap=lambda step: step, size=1))()
    2
    """

    key: str  # what --rows calls it
    title: str
    what: str
    goals: dict[str, float] = field(default_factory=dict)  # column: our eager amount / its
    compiled_goals: dict[str, float] = field(default_factory=dict)  # our compiled amount / its
    peak_goals: dict[str, float] = field(default_factory=dict)  # our compiled peak / its
    at_most: float | None = None  # goal: our compiled amount, in seconds
    threads: tuple[int, ...] = (1,)
    size: int = 1
    quick_size: int = 1
    shared: bool = False  # report the share of one of `size`: a node's cost, not the graph's
    flops: float = 0  # floating-point operations of a step of `size`: 2mkn for each product
    measure: Literal["time", "memory", "told"] = "time"  # told: the step returns the seconds
    peak: bool = False  # report the peak memory as well
    tolerance: float = 1e-4
    absent: dict[str, str] = field(default_factory=dict)  # column: why it has no case here
    note: str = ""  # printed where a goal is missed: why
    cases: dict[str, Build] = field(default_factory=dict)

    def on(self, *columns: str) -> Callable[[Build], Build]:
        """Register the decorated function as the case of these columns."""

        def register(build: Build) -> Build:
            for column in columns:
                self.cases[column] = build
            return build

        return register

    def why_absent(self, column: str) -> str:
        """Why a column without a case has none."""
        if column in self.absent:
            return self.absent[column]
        return f"compared with {', '.join(c for c in self.cases if c not in OURS)} only"
