"""Scatter and gather: numbers added at, or read from, places that an index names."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from .kernels import kernel
from .namespace import Array, namespace


@kernel
def scatter_add(values: Array, index: Any, shape: tuple[int, ...]) -> Array:
    """Zeros of a shape, with values added at an index; summed where it names a place twice.

    Args:
        values: Of the shape of `x[index]`, for an x of `shape`.
        index: What NumPy's arrays are indexed with, lists excepted.
        shape: Of the result.

    >>> scatter_add(np.array([1.0, 2.0, 3.0]), np.array([0, 2, 0]), (4,))
    array([4., 0., 2., 0.])
    """
    xp = namespace(values)
    sums = xp.zeros(shape, values.dtype)  # untouched pages cost nothing, unlike in zeros_like
    parts = index if isinstance(index, tuple) else (index,)
    whole = [getattr(part, "ndim", 0) > 0 and part.dtype.kind in "iu" for part in parts]
    if not any(whole):  # slices, single integers and masks name no place twice
        sums[index] = values
        return sums
    # One flat position for each number: NumPy adds at 1-D positions several times faster.
    # Arrays of integers alone name rows, so that only the rows need to be numbered.
    lead = len(parts) if all(whole) else len(shape)
    rest = prod(shape[lead:])
    rows = xp.arange(prod(shape[:lead])).reshape(shape[:lead])[index]
    positions = rows.reshape(-1, 1) * rest + xp.arange(rest)
    np.add.at(sums.reshape(-1), positions.reshape(-1), values.reshape(-1))
    return sums


@kernel
def gather(values: Array, index: Any) -> Array:
    """values[index], also where the index alone is an array that traces a run.

    >>> gather(np.array([1.0, 2.0, 3.0]), np.array([2, 0]))
    array([3., 1.])
    """
    return values[index]
