"""Executors that note what each of their kernels takes; this one is NumPy's."""

from __future__ import annotations

from time import perf_counter_ns
from typing import Any

import numpy as np

from ..planning.fuse import Nest
from .numpy import Executor, Step


class TimedExecutor(Executor):
    """Runs a plan as its executor does, and looks at a clock before and after every kernel.

    Attributes:
        clock: For each thread a row of nanoseconds, to be 0 before a run: its last stamp, the time
            that belongs to no kernel, then that of each kernel in the order of the outline.
    """

    def prepare(self) -> None:
        """Give every result its place, and every kernel one in the clock."""
        nests = self.schedule.nests
        self.numbers = {nest.index: k for k, nest in enumerate(nests)}
        self.clock = np.zeros((self.most_threads(), 2 + len(nests)), np.int64)
        self.begun = 0
        super().prepare()

    def most_threads(self) -> int:
        """How many threads there may be."""
        return 1

    def nest_steps(self, nest: Nest) -> list[Step]:
        """The calls of a nest, timed."""
        number = self.numbers[nest.index]
        return [(self.begin, (), None), *super().nest_steps(nest), (self.end, (number,), None)]

    def begin(self, out: Any) -> None:
        """A kernel begins."""
        self.begun = perf_counter_ns()

    def end(self, number: int, out: Any) -> None:
        """A kernel has ended."""
        self.clock[0, 2 + number] += perf_counter_ns() - self.begun

    def in_numpy(self) -> set[int]:
        """The numbers of the kernels that NumPy runs."""
        return set(range(len(self.schedule.nests)))
