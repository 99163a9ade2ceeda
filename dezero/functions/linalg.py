"""Products of matrices."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ..arrays import sum_to
from ..core import Rule, Variable
from ..errors import NotDifferentiableError, ShapeError
from .arithmetic import mul
from .protocols import implements

__all__ = ["linear", "linear_simple", "matmul"]

Operand = Any  # a Variable, an array or a number; all but Variables are constants


def flat(x):
    """x, an array or a Variable, as a matrix: its rows are x along the last axis."""
    return x if x.ndim == 2 else x.reshape(prod(x.shape[:-1]), x.shape[-1])


def product(x, W):
    """x @ W, as one product of matrices where W is one: quicker than one for each of x's."""
    if x.ndim > 2 and W.ndim == 2:
        return (flat(x) @ W).reshape((*x.shape[:-1], W.shape[1]))
    return x @ W


class MatMul(Rule):
    __slots__ = ()
    op = "matmul"

    def forward(self, x, W):
        try:
            return product(x, W)
        except ValueError:
            raise ShapeError(mismatch(x.shape, W.shape)) from None

    def gradient(self, gy, x, W):
        if W.ndim == 2:
            return self.of_matrix(gy, x, W)
        if W.ndim == 1:
            gx = np.expand_dims(gy, -1) * W if self.needs(0) else None
            return gx, flat(x).T @ gy.reshape(-1) if self.needs(1) else None
        rows = x
        if x.ndim == 1:
            rows, gy = x.reshape(1, -1), np.expand_dims(gy, -2)
        gx = gW = None
        if self.needs(0):
            gx = sum_to(gy @ np.swapaxes(W, -1, -2), rows.shape).reshape(x.shape)
        if self.needs(1):
            gW = sum_to(np.swapaxes(rows, -1, -2) @ gy, W.shape)
        return gx, gW

    def of_matrix(self, gy, x, W):
        """The gradients where W is a matrix, whatever x is."""
        gx = product(gy, W.T) if self.needs(0) else None
        return gx, flat(x).T @ flat(gy) if self.needs(1) else None


def mismatch(x: tuple[int, ...], W: tuple[int, ...]) -> str:
    """Why arrays of these shapes have no matrix product."""
    if not x or not W:
        return "an operand without axes has nothing to sum over: write x * W"
    if x[-1] != W[-2:][0]:
        axis = "second last" if len(W) > 2 else "first"
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


@implements(np.dot)
def dot(x: Operand, W: Operand) -> Variable:
    """np.dot of Variables: for vectors and matrices it is `matmul`."""
    if np.ndim(x) > 2 or np.ndim(W) > 2:
        raise NotDifferentiableError(
            "np.dot of Variables takes vectors and matrices: write matmul for more axes"
        )
    return mul(x, W) if 0 in (np.ndim(x), np.ndim(W)) else matmul(x, W)


class Linear(MatMul):
    __slots__ = ()
    op = "linear"

    def forward(self, x, W, b=None):
        if W.ndim != 2:
            raise ShapeError("W must be a matrix, (inputs, outputs)")
        if not x.ndim or x.shape[-1] != W.shape[0]:
            raise ShapeError(mismatch(x.shape, W.shape))
        y = product(x, W)
        if b is None:
            return y
        if b.shape != W.shape[1:]:
            raise ShapeError(f"b must be {W.shape[1:]}: one number for each column of W")
        if y.dtype != b.dtype:
            return y + b
        y += b
        return y

    def gradient(self, gy, x, W, b=None):
        gx, gW = self.of_matrix(gy, x, W)
        if b is None:
            return gx, gW
        return gx, gW, flat(gy).sum(axis=0) if self.needs(2) else None


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
    return Linear().apply2(x, W) if b is None else Linear().apply((x, W, b))


def linear_simple(x: Operand, W: Operand, b: Operand = None) -> Variable:
    """x @ W + b, composed of `matmul` and `add`: `linear` computes the same as one op.

    Args:
        x: Of shape (..., I).
        W: Of shape (I, O).
        b: Of shape (O,), or None for no bias.

    Raises:
        ShapeError: The shapes do not fit.

    >>> import numpy as np, dezero.functions as F
    >>> F.linear_simple(np.array([[1.0, 2.0]]), np.eye(2), np.array([0.0, 10.0]))
    variable([[ 1. 12.]])
    """
    y = matmul(x, W)
    return y if b is None else y + b
