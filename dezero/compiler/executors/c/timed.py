"""The C executor with a clock: the same program, with a stamp behind each of its pieces.

Every thread has stamps of its own, so that no barrier is added between kernels: what one thread
waits for another counts as waiting, not as work. Only at the end all wait for the last of them.
"""

from __future__ import annotations

from typing import Any

from ..timed import TimedExecutor
from .executor import CExecutor

STAMP = "    ((void (*)(int64_t *, int64_t))table[{}])((int64_t *)table[{}] + thread * {}, {{}});\n"


class TimedCExecutor(TimedExecutor, CExecutor):
    """Runs a plan in C, and looks at a clock between any two pieces."""

    def most_threads(self) -> int:
        """As many rows of the clock as the program may have threads."""
        return self.most

    def build(self) -> None:
        """Make the program with its stamps."""
        function, clock = self.writer.slot("stamp"), self.writer.slot("clock")
        self.stamp = STAMP.format(function, clock, self.clock.shape[1])
        super().build()

    def named(self, kernels: list[Any]) -> dict[str, int]:
        """The addresses of what has a name in the table, with those of the clock."""
        clock = {"stamp": self.runtime.stamp_at, "clock": self.clock.ctypes.data}
        return super().named(kernels) | clock

    def in_numpy(self) -> set[int]:
        """The numbers of the kernels that NumPy runs in between."""
        ordinary = [nest for nest in self.schedule.ordinary if not self.writer.writes(nest)]
        return {self.numbers[nest.index] for nest in ordinary}
