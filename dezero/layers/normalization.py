"""Normalisation layers: their scales and shifts, found in size at the first call."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import functions as F
from ..arrays import Array, namespace
from ..core import Parameter, Variable, as_variable
from ..errors import ShapeError
from .layer import Layer
from .lazy import LazyParameter


def made(param: Parameter, fill: float, like: Array, axis: int, dtype: Any) -> None:
    """Give a Parameter without an array one number for each index into x's axis."""
    if param.data is None:
        if like.ndim <= max(axis, 0):
            raise ShapeError(f"x is {like.shape}, but must have an axis {axis}")
        param.data = namespace(like).full(like.shape[axis], fill, dtype)


class BatchNorm(Layer):
    """Channels brought to mean 0 and variance 1 over the batch, scaled and shifted: `F.batch_norm`.

    The Parameters are made at the first call, for as many channels as x has.

    Args:
        decay: How much of the running averages is kept at each call in training.
        eps: Added to the variance.
        dtype: Of the Parameters.

    Attributes:
        gamma: Scales, (C,), ones at first.
        beta: Shifts, (C,), zeros at first.
        avg_mean: The running mean, (C,), zeros at first. It has no gradient, but is saved.
        avg_var: The running variance, (C,), ones at first; likewise.

    A call takes x of shape (N, C) or (N, C, H, W), and returns x's shape.

    Raises:
        ShapeError: x has no channels, or not as many as before.

    >>> layer = BatchNorm()
    >>> layer(np.ones((5, 3), np.float32)).shape
    (5, 3)
    """

    def __init__(self, *, decay: float = 0.9, eps: float = 2e-5, dtype: Any = np.float32) -> None:
        self.decay = decay
        self.eps = eps
        self.dtype = dtype
        self.gamma: Parameter = LazyParameter((None,), dtype, name="gamma")
        self.beta: Parameter = LazyParameter((None,), dtype, name="beta")
        self.avg_mean: Parameter = LazyParameter((None,), dtype, name="avg_mean")
        self.avg_var: Parameter = LazyParameter((None,), dtype, name="avg_var")

    def forward(self, x: Any) -> Variable:
        data = as_variable(x).data
        for param, fill in (
            (self.gamma, 1),
            (self.beta, 0),
            (self.avg_mean, 0),
            (self.avg_var, 1),
        ):
            made(param, fill, data, 1, self.dtype)
        return F.batch_norm(
            x, self.gamma, self.beta, self.avg_mean, self.avg_var, self.decay, self.eps
        )


class LayerNorm(Layer):
    """Rows (along the last axis) brought to mean 0 and variance 1, scaled and shifted.

    `F.layer_norm` with Parameters that are made at the first call, for rows as long as x's.

    Args:
        eps: Added to the variance.
        dtype: Of the Parameters.

    Attributes:
        gamma: Scales, (D,), ones at first.
        beta: Shifts, (D,), zeros at first.

    A call takes x of shape (..., D), and returns x's shape.

    Raises:
        ShapeError: x has no axes, or its rows are not as long as before.

    >>> layer = LayerNorm()
    >>> layer(np.array([[1.0, 3.0]], np.float32)).data.round(3)
    array([[-1.,  1.]], dtype=float32)
    """

    def __init__(self, *, eps: float = 1e-5, dtype: Any = np.float32) -> None:
        self.eps = eps
        self.dtype = dtype
        self.gamma: Parameter = LazyParameter((None,), dtype, name="gamma")
        self.beta: Parameter = LazyParameter((None,), dtype, name="beta")

    def forward(self, x: Any) -> Variable:
        data = as_variable(x).data
        made(self.gamma, 1, data, -1, self.dtype)
        made(self.beta, 0, data, -1, self.dtype)
        return F.layer_norm(x, self.gamma, self.beta, self.eps)


class RMSNorm(Layer):
    """Rows (along the last axis) divided by their root mean square, then scaled: `F.rms_norm`.

    The Parameter is made at the first call, for rows as long as x's.

    Args:
        eps: Added to the mean square.
        dtype: Of the Parameter.

    Attributes:
        gamma: Scales, (D,), ones at first.

    A call takes x of shape (..., D), and returns x's shape.

    Raises:
        ShapeError: x has no axes, or its rows are not as long as before.

    >>> RMSNorm()(np.array([[2.0, 2.0]], np.float32)).data.round(3)
    array([[1., 1.]], dtype=float32)
    """

    def __init__(self, *, eps: float = 1e-6, dtype: Any = np.float32) -> None:
        self.eps = eps
        self.dtype = dtype
        self.gamma: Parameter = LazyParameter((None,), dtype, name="gamma")

    def forward(self, x: Any) -> Variable:
        made(self.gamma, 1, as_variable(x).data, -1, self.dtype)
        return F.rms_norm(x, self.gamma, self.eps)
