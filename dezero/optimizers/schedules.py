"""Schedules: hooks that set the learning rate before each update, from the number of updates.

They have no state of their own: an optimizer whose state was loaded goes on where it was.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..errors import DTypeError, ShapeError
from .optimizer import Optimizer
from .settings import at_least_zero


class Schedule:
    """Sets `optimizer.lr` (`alpha` where it has one). Subclasses write `factor(t)`.

    Args:
        optimizer: What it is a hook of.
        peak: The learning rate where the factor is 1.

    Raises:
        DTypeError: The optimizer has no learning rate.
        ShapeError: peak is negative.
    """

    def __init__(self, optimizer: Optimizer, peak: float) -> None:
        self.optimizer = optimizer
        self.peak = at_least_zero(self, "peak", peak)
        names = [name for name in ("alpha", "lr") if name in vars(optimizer)]
        if not names:
            raise DTypeError(
                f"{type(self).__name__}: {type(optimizer).__name__} has no learning rate: neither "
                "an attribute lr nor alpha"
            )
        self.name = names[0]

    def factor(self, t: int) -> float:
        """What the peak is multiplied with in update t = 0, 1, 2, ..."""
        raise NotImplementedError(f"{type(self).__name__} has no factor(self, t)")

    def rate(self, t: int) -> float:
        """The learning rate of update t = 0, 1, 2, ..."""
        return self.peak * self.factor(t)

    def __call__(self, params: Any) -> None:
        setattr(self.optimizer, self.name, self.rate(self.optimizer.updates))


class WarmupCosine(Schedule):
    """Up in a straight line, then down along half a cosine, then constant.

    Args:
        optimizer: What it is a hook of.
        peak: The highest learning rate.
        warmup: The number of updates on the way up: rate(t) = peak (t + 1) / warmup.
        total: The number of updates until the rate is floor.
        floor: The part of peak that remains, in [0, 1].

    Raises:
        DTypeError: The optimizer has no learning rate.
        ShapeError: peak is negative, warmup is not in [0, total), or floor not in [0, 1].

    Source:
        Loshchilov and Hutter 2016, arXiv:1608.03983, without restarts.

    >>> from dezero.optimizers import Adam
    >>> optimizer = Adam()
    >>> schedule = WarmupCosine(optimizer, peak=0.1, warmup=2, total=6)
    >>> [round(schedule.rate(t), 3) for t in range(8)]
    [0.05, 0.1, 0.1, 0.085, 0.05, 0.015, 0.0, 0.0]
    >>> optimizer.add_hook(schedule)
    """

    def __init__(
        self, optimizer: Optimizer, peak: float, warmup: int, total: int, floor: float = 0.0
    ) -> None:
        super().__init__(optimizer, peak)
        if not 0 <= warmup < total:
            raise ShapeError(
                f"WarmupCosine: warmup is {warmup} and total is {total}, but must be "
                "0 <= warmup < total"
            )
        if not 0 <= floor <= 1:
            raise ShapeError(f"WarmupCosine: floor is {floor}, but must be in [0, 1]")
        self.warmup = warmup
        self.total = total
        self.floor = floor

    def factor(self, t: int) -> float:
        if t < self.warmup:
            return (t + 1) / self.warmup
        progress = min(1.0, (t - self.warmup) / (self.total - self.warmup))
        return self.floor + (1 - self.floor) * (1 + cosine(math.pi * progress)) / 2


def cosine(x: Any) -> Any:
    """The cosine of a number, also of one that traces a run, which math would look at."""
    return math.cos(x) if type(x) is float else np.cos(x)


class StepDecay(Schedule):
    """Multiplies the learning rate by a number every so many updates.

    Args:
        optimizer: What it is a hook of.
        peak: The learning rate at first.
        every: The number of updates between the changes.
        decay: The number, in [0, 1].

    Raises:
        DTypeError: The optimizer has no learning rate.
        ShapeError: peak is negative, every is below 1, or decay is not in [0, 1].

    >>> from dezero.optimizers import SGD
    >>> schedule = StepDecay(SGD(), peak=0.1, every=2, decay=0.5)
    >>> [schedule.rate(t) for t in range(5)]
    [0.1, 0.1, 0.05, 0.05, 0.025]
    """

    def __init__(self, optimizer: Optimizer, peak: float, every: int, decay: float = 0.1) -> None:
        super().__init__(optimizer, peak)
        if every < 1:
            raise ShapeError(f"StepDecay: every is {every}, but must be at least 1")
        if not 0 <= decay <= 1:
            raise ShapeError(f"StepDecay: decay is {decay}, but must be in [0, 1]")
        self.every = every
        self.decay = decay

    def factor(self, t: int) -> float:
        return self.decay ** (t // self.every)
