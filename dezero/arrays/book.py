"""Array functions that programs of the book call by name."""

from __future__ import annotations

from typing import Any

import numpy as np

from .namespace import Array
from .operand import plain

Axis = int | tuple[int, ...] | None


def array_equal(a: Any, b: Any) -> bool:
    """Whether a and b (arrays, Variables or numbers) have the same shape and elements.

    >>> array_equal(np.array([1, 2]), np.array([1, 2]))
    True
    """
    return bool(np.array_equal(plain(a), plain(b)))


def array_allclose(a: Any, b: Any, rtol: float = 1e-4, atol: float = 1e-5) -> bool:
    """Whether a and b (arrays, Variables or numbers) agree within atol + rtol * |b|.

    >>> array_allclose(np.array([1.0]), np.array([1.00001]))
    True
    """
    return bool(np.allclose(plain(a), plain(b), rtol=rtol, atol=atol))


def logsumexp(x: Array, axis: int = 1) -> Array:
    """log(sum(exp(x))) of an array along an axis, which is kept at size 1; without overflow.

    >>> logsumexp(np.array([[1000.0, 1000.0]])).round(4)
    array([[1000.6931]])
    """
    highest = x.max(axis=axis, keepdims=True)
    return highest + np.log(np.exp(x - highest).sum(axis=axis, keepdims=True))


def reshape_sum_backward(gy: Any, x_shape: tuple[int, ...], axis: Axis, keepdims: bool) -> Any:
    """The gradient of a sum, an array or a Variable, with the summed axes back at size 1.

    >>> reshape_sum_backward(np.ones(2), (2, 3), 1, False).shape
    (2, 1)
    """
    if keepdims or axis is None or not x_shape:
        return gy
    return gy.reshape(max_backward_shape(np.empty(x_shape), axis))


def max_backward_shape(x: Any, axis: Axis) -> tuple[int, ...]:
    """x's shape with the reduced axes at size 1.

    >>> max_backward_shape(np.ones((2, 3)), -1)
    (2, 1)
    """
    axes = range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    reduced = {a % x.ndim for a in axes}
    return tuple(1 if i in reduced else n for i, n in enumerate(x.shape))
