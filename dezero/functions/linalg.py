"""Products of matrices."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ..arrays import sum_to
from ..core import Rule, Variable
from ..errors import ShapeError
from .protocols import implements

__all__ = ["linear", "matmul"]

Operand = Any  # a Variable, an array or a number; all but Variables are constants


class MatMul(Rule):
    __slots__ = ()
    op = "matmul"

    def forward(self, x, W):
        try:
            return x @ W
        except ValueError:
            raise ShapeError(product_problem(x.shape, W.shape)) from None

    def gradient(self, gy, x, W):
        gx = gW = None
        if x.ndim == 2 and W.ndim == 2:
            gx = gy @ W.T if self.needs(0) else None
            gW = x.T @ gy if self.needs(1) else None
            return gx, gW
        rows, columns = x, W
        if x.ndim == 1:
            rows = x.reshape(1, -1)
            gy = np.expand_dims(gy, -1 if W.ndim == 1 else -2)
        if W.ndim == 1:
            columns = W.reshape(-1, 1)
            gy = np.expand_dims(gy, -1)
        if self.needs(0):
            gx = sum_to(gy @ np.swapaxes(columns, -1, -2), rows.shape).reshape(x.shape)
        if self.needs(1):
            gW = sum_to(np.swapaxes(rows, -1, -2) @ gy, columns.shape).reshape(W.shape)
        return gx, gW


def product_problem(x: tuple[int, ...], W: tuple[int, ...]) -> str:
    """Why x @ W fails for arrays of these shapes."""
    if not x or not W:
        return "a 0-d operand has no axis to sum over: write x * W"
    axis = "first" if len(W) == 1 else "second last" if len(W) > 2 else "first"
    if x[-1] != W[-2:][0]:
        return f"x's last axis ({x[-1]}) must equal W's {axis} ({W[-2:][0]})"
    return f"the axes before the last two, {x[:-2]} and {W[:-2]}, must broadcast"


@implements(np.matmul)
def matmul(x: Operand, W: Operand) -> Variable:
    """x @ W: matrix products, by NumPy's rules.

    Args:
        x: Of shape (..., N, K), or (K,).
        W: Of shape (..., K, M), or (K,); the axes before the last two broadcast with x's.

    Returns:
        Of shape (..., N, M), without N where x is (K,), without M where W is.

    Raises:
        ShapeError: The axes that are multiplied differ, or the others do not broadcast.

    Gradient:
        gy @ W.T to x, x.T @ gy to W, summed over the axes along which each was broadcast.

    >>> import numpy as np, dezero.functions as F
    >>> F.matmul(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1.0, 1.0]))
    variable([3. 7.])
    """
    return MatMul().apply2(x, W)


class Linear(Rule):
    __slots__ = ()

    def forward(self, x, W, b=None):
        if W.ndim != 2 or not x.ndim or x.shape[-1] != W.shape[0]:
            raise ShapeError(linear_problem(x.shape, W.shape))
        y = x @ W
        if b is None:
            return y
        if b.shape != W.shape[1:]:
            raise ShapeError(f"b must be ({W.shape[1]},), W's last axis")
        if y.dtype != b.dtype or not y.ndim:
            return y + b
        y += b
        return y

    def gradient(self, gy, x, W, b=None):
        gx = gy @ W.T if self.needs(0) else None
        if x.ndim != 2:
            rows = prod(x.shape[:-1])
            x, gy = x.reshape(rows, W.shape[0]), gy.reshape(rows, W.shape[1])
        gW = x.T @ gy if self.needs(1) else None
        if b is None:
            return gx, gW
        return gx, gW, gy.sum(axis=0) if self.needs(2) else None


def linear_problem(x: tuple[int, ...], W: tuple[int, ...]) -> str:
    """Why x @ W fails in a linear layer."""
    if len(W) != 2:
        return "W must be a matrix, (inputs, outputs)"
    if not x:
        return f"x must have W's first axis ({W[0]}) as its last"
    return product_problem(x, W)


def linear(x: Operand, W: Operand, b: Operand = None) -> Variable:
    """x @ W + b: what a fully connected layer computes.

    Args:
        x: Of shape (..., I), usually (N, I).
        W: Of shape (I, O).
        b: Of shape (O,), or None for no bias.

    Returns:
        Of shape (..., O).

    Raises:
        ShapeError: W is no matrix, x's last axis is not W's first, or b is not (O,).

    Gradient:
        gy @ W.T to x, x.T @ gy to W and the sum of gy to b, over all axes but the last.

    >>> import numpy as np, dezero.functions as F
    >>> F.linear(np.array([[1.0, 2.0]]), np.eye(2), np.array([0.0, 10.0]))
    variable([[ 1. 12.]])
    """
    return Linear().apply2(x, W) if b is None else Linear()(x, W, b)
