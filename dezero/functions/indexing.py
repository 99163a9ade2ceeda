"""Indexing: elements of an array, and their gradients back in their places."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Array
from ..core import Rule, Variable

__all__ = ["get_item"]

Operand = Any  # a Variable, an array or a number; all but Variables are constants


def plain(index: Any) -> Any:
    """An index without Variables: their arrays instead."""
    if isinstance(index, tuple):
        return tuple([plain(i) for i in index])
    return index.data if isinstance(index, Variable) else index


def is_basic(index: Any) -> bool:
    """Whether an index takes every element at most once: integers, slices, ... and None."""
    parts = index if isinstance(index, tuple) else (index,)
    return all(
        i is None or i is Ellipsis or isinstance(i, slice | int | np.integer)
        for i in parts
        if not isinstance(i, bool)
    ) and not any(isinstance(i, bool) for i in parts)


def scattered(gy: Array, index: Any, shape: tuple[int, ...]) -> Array:
    """Zeros of a shape, with gy added at an index."""
    gx = np.zeros_like(gy, shape=shape)
    if is_basic(index):
        gx[index] = gy
    else:
        np.add.at(gx, index, gy)
    return gx


class GetItem(Rule):
    __slots__ = ("shape", "slices")
    keeps = "nothing"

    def __init__(self, slices: Any) -> None:
        self.slices = plain(slices)

    def forward(self, x):
        self.shape = x.shape
        return x[self.slices]

    def gradient(self, gy):
        if isinstance(gy, Variable):
            return GetItemGrad(self.slices, self.shape).apply1(gy)
        return scattered(gy, self.slices, self.shape)


class GetItemGrad(Rule):
    """The gradient of GetItem: zeros, with gy added at the index."""

    __slots__ = ("shape", "slices")
    fresh = False
    keeps = "nothing"

    def __init__(self, slices: Any, shape: tuple[int, ...]) -> None:
        self.slices = slices
        self.shape = shape

    def forward(self, gy):
        return scattered(gy, self.slices, self.shape)

    def gradient(self, ggx):
        return ggx[self.slices]


def get_item(x: Operand, slices: Any) -> Variable:
    """x[slices], with everything that NumPy indexes with.

    Args:
        x: Of any shape.
        slices: Integers, slices, `...`, None, arrays of integers or truth values (Variables of
            them are read as their arrays), or a tuple of such.

    Returns:
        What NumPy gives for x's array and the same index.

    Raises:
        IndexingError: An index outside its axis, or too many of them.

    Gradient:
        gy at the places that were read, summed where one was read more than once; 0 elsewhere.

    >>> import numpy as np, dezero.functions as F
    >>> F.get_item(np.array([[1.0, 2.0], [3.0, 4.0]]), (0, slice(None)))
    variable([1. 2.])
    """
    return GetItem(slices).apply1(x)
