"""Noise: what is random while a network trains."""

from __future__ import annotations

from typing import Any

from ..arrays.random import dropout_mask
from ..core import Config, Rule, Variable
from ..core.variable import constant

__all__ = ["dropout"]

Operand = Any  # a Variable, an array or a number; all but Variables are constants


class Dropout(Rule):
    __slots__ = ("mask", "ratio")
    keeps = "nothing"

    def __init__(self, dropout_ratio: float = 0.5) -> None:
        self.ratio = dropout_ratio

    def forward(self, x):
        self.mask = dropout_mask(x, self.ratio)
        return x * self.mask

    def gradient(self, gy):
        return gy * self.mask


def dropout(x: Operand, dropout_ratio: float = 0.5) -> Variable:
    """x with elements set to 0 at random and the others enlarged, so that its mean stays.

    Each element is dropped with probability dropout_ratio, else multiplied by
    1 / (1 - dropout_ratio). Under `test_mode()` x passes unchanged. The draws are repeated by
    `dezero.random.seed`.

    Args:
        x: Of any shape.
        dropout_ratio: At least 0 and below 1.

    Returns:
        Of x's shape and dtype; x itself under `test_mode()`.

    Raises:
        ShapeError: dropout_ratio is not in [0, 1).

    Gradient:
        gy / (1 - dropout_ratio) where x was kept, 0 where it was dropped.

    Source:
        Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting"
        (2014).

    >>> import numpy as np, dezero, dezero.functions as F
    >>> x = np.array([1.0, 2.0, 3.0])
    >>> dezero.random.seed(0)
    >>> F.dropout(x)
    variable([0. 4. 6.])
    >>> with dezero.test_mode():
    ...     print(F.dropout(x))
    variable([1. 2. 3.])
    """
    if not Config.train:
        return x if isinstance(x, Variable) else constant(x)
    return Dropout(dropout_ratio).apply1(x)
