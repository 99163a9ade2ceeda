"""Softmax and its logarithm: an axis of scores as probabilities.

A score of -inf has probability 0. Scores that are -inf all along the axis have none: their
softmax is not a number, with NumPy's warning.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import Rule, Variable
from .elementwise import exp
from .reduction import Reduction
from .reduction import sum as sum_

__all__ = ["log_softmax", "logsumexp", "softmax", "softmax_simple"]

Operand = Any  # a Variable, an array or a number; all but Variables are constants
Axis = int | tuple[int, ...] | None


class Softmax(Rule):
    __slots__ = ("axis",)
    keeps = "outputs"

    def __init__(self, axis: int = 1) -> None:
        self.axis = axis

    def forward(self, x):
        y = np.exp(x - x.max(axis=self.axis, keepdims=True))
        y /= y.sum(axis=self.axis, keepdims=True)
        return y

    def gradient(self, gy, y):
        return y * (gy - (gy * y).sum(axis=self.axis, keepdims=True))


def softmax(x: Operand, axis: int = 1) -> Variable:
    """exp(x) / sum(exp(x)) along an axis, without overflow for any finite x.

    Args:
        x: Scores (logits), in nats.
        axis: The axis whose probabilities sum to 1; a tuple of axes works as well.

    Returns:
        Probabilities, of x's shape and dtype; 0 for a score of -inf, not a number where every
        score along the axis is -inf.

    Raises:
        ShapeError: x has no such axis, or nothing along it.

    Gradient:
        y * (gy - sum(gy * y)), with the sum along the axis.

    >>> import numpy as np, dezero.functions as F
    >>> F.softmax(np.array([[0.0, 0.0], [0.0, 1000.0]]))
    variable([[0.5 0.5]
              [0.  1. ]])
    """
    return Softmax(axis).apply1(x)


def softmax_simple(x: Operand, axis: int = 1) -> Variable:
    """exp(x) / sum(exp(x)) as that formula, step by step: a graph of three nodes.

    Large scores overflow, with NumPy's warning; in `softmax` they do not.

    Args:
        x: Scores (logits), in nats.
        axis: The axis whose probabilities sum to 1.

    Returns:
        Probabilities, of x's shape and dtype.

    Gradient:
        That of the steps.

    >>> import numpy as np, dezero.functions as F
    >>> F.softmax_simple(np.array([[0.0, np.log(3.0)]]))
    variable([[0.25 0.75]])
    """
    y: Any = exp(x)
    return y / sum_(y, axis, keepdims=True)


class LogSoftmax(Rule):
    __slots__ = ("axis",)
    keeps = "outputs"

    def __init__(self, axis: int = 1) -> None:
        self.axis = axis

    def forward(self, x):
        y = x - x.max(axis=self.axis, keepdims=True)
        return y - np.log(np.exp(y).sum(axis=self.axis, keepdims=True))

    def gradient(self, gy, y):
        return gy - np.exp(y) * gy.sum(axis=self.axis, keepdims=True)


def log_softmax(x: Operand, axis: int = 1) -> Variable:
    """x - log(sum(exp(x))) along an axis, without overflow for any finite x.

    Args:
        x: Scores (logits), in nats.
        axis: The axis whose probabilities sum to 1; a tuple of axes works as well.

    Returns:
        Logarithms of probabilities, in nats, of x's shape and dtype; -inf for a score of -inf,
        not a number where every score along the axis is -inf.

    Raises:
        ShapeError: x has no such axis, or nothing along it.

    Gradient:
        gy - exp(y) * sum(gy), with the sum along the axis.

    >>> import numpy as np, dezero.functions as F
    >>> F.log_softmax(np.array([[0.0, 1000.0]]))
    variable([[-1000.     0.]])
    """
    return LogSoftmax(axis).apply1(x)


class LogSumExp(Reduction):
    __slots__ = ()
    op = "logsumexp"

    def forward(self, x):
        self.shape = x.shape
        top = x.max(axis=self.axis, keepdims=True)
        top = np.where(np.isfinite(top), top, 0.0)  # where all are -inf, or one is inf
        total = np.exp(x - top).sum(axis=self.axis, keepdims=True)
        with np.errstate(divide="ignore"):  # log(0) is -inf, and right
            y = top + np.log(total)
        return y if self.keepdims else np.squeeze(y, self.axis)

    def gradient(self, gy, x):
        weights = np.exp(x - x.max(axis=self.axis, keepdims=True))
        return weights * (self.kept(gy) / weights.sum(axis=self.axis, keepdims=True))


def logsumexp(x: Operand, axis: Axis = None, keepdims: bool = False) -> Variable:
    """log(sum(exp(x))) along axes, without overflow for any finite x.

    Args:
        x: Of any shape.
        axis: The axis or axes that are summed over; all of them where it is None.
        keepdims: Keep the summed axes, at size 1.

    Returns:
        x's shape without the summed axes, in x's dtype; -inf where every x is -inf.

    Raises:
        ShapeError: x has no such axis, or nothing along it.

    Gradient:
        gy * softmax(x) along the axes; not a number where every x is -inf.

    >>> import numpy as np, dezero.functions as F
    >>> F.logsumexp(np.array([[0.0, 0.0], [1000.0, 1000.0]]), axis=1)
    variable([6.93147181e-01 1.00069315e+03])
    """
    return LogSumExp(axis, keepdims).apply1(x)
