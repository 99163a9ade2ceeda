"""The fully connected layer."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import functions as F
from ..arrays import Array, namespace
from ..core import Parameter, Variable, as_variable
from ..errors import ShapeError
from .layer import Layer
from .lazy import LazyParameter
from .sizes import positive


class Linear(Layer):
    """x W + b, with W drawn from N(0, 1 / in_size) and b = 0.

    W comes from NumPy's global generator, so `np.random.seed(0)` repeats it. It is drawn when the
    layer is made if in_size is given, else at the first call.

    Args:
        out_size: The number of outputs, O.
        nobias: Compute x W only.
        dtype: Of W and b.
        in_size: The number of inputs, I; None takes the length of x's last axis at the first
            call.

    Attributes:
        W: Of shape (I, O).
        b: Of shape (O,), or None.

    A call takes x of shape (..., I), usually (N, I), and returns (..., O).

    Raises:
        ShapeError: A size is below 1, or x's last axis is not I.

    >>> layer = Linear(3)
    >>> layer(np.ones((5, 2), np.float32)).shape
    (5, 3)
    >>> layer
    Linear, 9 parameters: W (2, 3), b (3,)
    """

    def __init__(
        self,
        out_size: int,
        nobias: bool = False,
        dtype: Any = np.float32,
        in_size: int | None = None,
    ) -> None:
        self.out_size = positive("Linear", "out_size", out_size)
        self.in_size = None if in_size is None else positive("Linear", "in_size", in_size)
        self.dtype = dtype
        self.W: Parameter = LazyParameter((self.in_size, self.out_size), dtype, name="W")
        if self.in_size is not None:
            self.W.data = self._drawn(self.in_size)
        self.b = None if nobias else Parameter(np.zeros(self.out_size, dtype), name="b")

    def _drawn(self, in_size: int) -> Array:
        """New weights, of shape (I, O)."""
        normal = np.random.randn(in_size, self.out_size).astype(self.dtype)
        return normal * math.sqrt(1 / in_size)

    def prepare(self, in_size: int, like: Array) -> None:
        """Draw W, unless it is there, for inputs of this size on the device of an array."""
        if self.W.data is None:
            self.in_size = in_size
            self.W.data = namespace(like).asarray(self._drawn(in_size))

    def forward(self, x: Any) -> Variable:
        if self.W.data is None:
            data = as_variable(x).data
            if not data.ndim:
                raise ShapeError("x is one number, but must have the inputs as its last axis")
            self.prepare(data.shape[-1], data)
        return F.linear(x, self.W, self.b)
