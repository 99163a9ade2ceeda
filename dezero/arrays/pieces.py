"""Formulas of several passes, computed for a part of their arrays after the other.

Every operator of a formula reads and writes whole arrays, and makes a new one. Part by part these
stay in the processor's cache; as large as the activations of a network they would go through main
memory for each operator.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .namespace import Array

PIECE = 1 << 15  # numbers


def in_pieces(function: Callable[..., Any], axis: int, *arrays: Array) -> Any:
    """function(*arrays), where places along an axis have nothing to do with each other.

    Args:
        function: Of the arrays, or of the same slice of each; returns an array or a tuple of
            them. All it takes and returns have that axis, of the same size.
        axis: Counted from the first.
        arrays: The first is as large as any. Those that are not NumPy's are computed at once:
            on a GPU every operator is a launch, and a traced run is to see all of them.

    >>> in_pieces(lambda x: x - x.max(axis=1, keepdims=True), 0, np.array([[1.0, 3.0], [2.0, 2.0]]))
    array([[-2.,  0.],
           [ 0.,  0.]])
    """
    x = arrays[0]
    if x.size <= PIECE or any(type(a) is not np.ndarray for a in arrays):
        return function(*arrays)
    length = x.shape[axis]
    step = max(1, PIECE * length // x.size)
    whole: list[Array] = []
    for start in range(0, length, step):
        piece = (*[slice(None)] * axis, slice(start, start + step))
        parts = function(*[a[piece] for a in arrays])
        several = type(parts) is tuple
        parts = parts if several else (parts,)
        if not whole:
            shapes = [(*p.shape[:axis], length, *p.shape[axis + 1 :]) for p in parts]
            whole = [np.empty(s, p.dtype) for s, p in zip(shapes, parts, strict=True)]
        for y, part in zip(whole, parts, strict=True):
            y[piece] = part
    return tuple(whole) if several else whole[0]
