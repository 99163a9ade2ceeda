"""What was measured, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .row import Row


@dataclass(frozen=True)
class Spread:
    """A median between its quartiles."""

    median: float
    low: float
    high: float


def spread(samples: list[float]) -> Spread:
    """Median and quartiles."""
    low, median, high = np.percentile(samples, [25, 50, 75])
    return Spread(float(median), float(low), float(high))


@dataclass
class Result:
    """A row, measured with one number of threads; everything else by column."""

    row: Row
    threads: int
    amounts: dict[str, list[float]] = field(default_factory=dict)  # a sample a round
    peaks: dict[str, int] = field(default_factory=dict)  # bytes
    versions: dict[str, str] = field(default_factory=dict)
    values: dict[str, list[float]] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)  # why a library has no part in it
    failures: dict[str, str] = field(default_factory=dict)  # what went wrong
    differing: list[str] = field(default_factory=list)  # who computes something else

    @property
    def broken(self) -> bool:
        """Whether the benchmark itself, or DeZero, needs mending."""
        return "ours" in self.failures or bool(self.differing)

    @property
    def name(self) -> str:
        """The row's title, with the threads where they vary."""
        if len(self.row.threads) == 1:
            return self.row.title
        return f"{self.row.title}, {self.threads} thread{'s' if self.threads > 1 else ''}"

    def amount(self, column: str) -> Spread | None:
        """Seconds or bytes of a library."""
        samples = self.amounts.get(column)
        return spread(samples) if samples else None

    def ratio(self, column: str) -> Spread | None:
        """Our amount divided by a library's: median and quartiles over the rounds."""
        ours, theirs = self.amounts.get("ours"), self.amounts.get(column)
        if not ours or not theirs or column == "ours":
            return None
        return spread([a / b for a, b in zip(ours, theirs, strict=False)])

    def met(self, column: str) -> bool | None:
        """Whether the goal against a library is met; None where nothing tells."""
        ratio = self.ratio(column)
        if ratio is None or column not in self.row.goals:
            return None
        return ratio.median <= self.row.goals[column]

    @property
    def verdict(self) -> str:
        """Whether all goals are met."""
        if not self.row.goals:
            return ""
        verdicts = [self.met(column) for column in self.row.goals]
        if False in verdicts:
            return "no"
        return "yes" if None not in verdicts else "not measured"
