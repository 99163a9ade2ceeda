"""Dropout as a layer."""

from __future__ import annotations

from typing import Any

from .. import functions as F
from ..core import Variable
from ..errors import ShapeError
from .layer import Layer


class Dropout(Layer):
    """Sets elements to 0 at random while training, and scales up the others.

    Under `test_mode()` it passes everything as it is.

    Args:
        ratio: The probability with which an element is set to 0, in [0, 1).

    Raises:
        ShapeError: ratio is not in [0, 1).

    >>> import numpy as np
    >>> from dezero import test_mode
    >>> with test_mode():
    ...     Dropout(0.5)(np.ones(3))
    variable([1. 1. 1.])
    """

    def __init__(self, ratio: float = 0.5) -> None:
        if not 0 <= ratio < 1:
            raise ShapeError(f"Dropout: ratio is {ratio}, but must be in [0, 1)")
        self.ratio = ratio

    def forward(self, x: Any) -> Variable:
        return F.dropout(x, self.ratio)
