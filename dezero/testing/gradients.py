"""Gradients by central differences: the reference that knows no derivative rule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np


def numerical_gradients(
    f: Callable[..., Any], xs: Sequence[np.ndarray], step: float = 1e-3
) -> list[np.ndarray]:
    """df/dx of a number f(*xs) for each float64 array x, elementwise.

    Fourth-order central differences,
    (8 (f(x+h) - f(x-h)) - (f(x+2h) - f(x-2h))) / (12 h): with h = 1e-3 both truncation and
    rounding stay near 1e-12 of f's scale.

    >>> numerical_gradients(lambda x: np.sum(x**3), [np.array([1.0, 2.0])])[0].round(6)
    array([ 3., 12.])
    """
    gradients = []
    for i, x in enumerate(xs):
        gx = np.zeros(x.shape)
        for at in np.ndindex(x.shape):

            def value(offset: float, i: int = i, at: Any = at) -> float:
                moved = [np.array(other, np.float64) for other in xs]
                moved[i][at] += offset
                return float(f(*moved))

            near, far = value(step) - value(-step), value(2 * step) - value(-2 * step)
            gx[at] = (8 * near - far) / (12 * step)
        gradients.append(gx)
    return gradients


def weights_like(y: Any, seed: int = 0) -> np.ndarray:
    """Seeded weights of y's shape and dtype: they turn an array into one number."""
    drawn = np.random.default_rng([seed, *y.shape]).uniform(0.5, 1.5, y.shape)
    return np.asarray(drawn, y.dtype if y.dtype.kind == "f" else np.float64)
