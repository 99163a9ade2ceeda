"""What was measured, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .modes import COMPILED, MODES, Mode
from .row import OURS, Row


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
        return bool(self.differing or self.failures.keys() & set(OURS))

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

    def ratio(self, mode: Mode, column: str) -> Spread | None:
        """Our amount divided by a library's: median and quartiles over the rounds."""
        ours, theirs = self.amounts.get(mode.name), self.amounts.get(column)
        if not ours or not theirs or column == mode.name:
            return None
        return spread([a / b for a, b in zip(ours, theirs, strict=False)])

    def peak_ratio(self, column: str) -> float | None:
        """The peak memory of our compiled step divided by a library's."""
        ours, theirs = self.peaks.get(COMPILED.name), self.peaks.get(column)
        return ours / theirs if ours and theirs else None

    def met(self, mode: Mode, column: str) -> bool | None:
        """Whether the goal against a library is met; None where nothing tells."""
        ratio = self.ratio(mode, column)
        return None if ratio is None else ratio.median <= mode.goals(self.row)[column]

    def met_peak(self, column: str) -> bool | None:
        """The same of the goal for the peak memory."""
        ratio = self.peak_ratio(column)
        return None if ratio is None else ratio <= self.row.peak_goals[column]

    def met_at_most(self) -> bool | None:
        """The same of the goal in seconds."""
        amount = self.amount(COMPILED.name)
        if amount is None or self.row.at_most is None:
            return None
        return amount.median <= self.row.at_most

    @property
    def verdict(self) -> str:
        """Whether all goals are met."""
        verdicts = [self.met(mode, name) for mode in MODES for name in mode.goals(self.row)]
        verdicts += [self.met_peak(name) for name in self.row.peak_goals]
        if self.row.at_most is not None:
            verdicts.append(self.met_at_most())
        if not verdicts:
            return ""
        if False in verdicts:
            return "no"
        return "yes" if None not in verdicts else "not measured"
