"""Shapes: the same elements, arranged otherwise."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from .. import arrays
from ..core import Rule, Variable
from ..errors import ShapeError, complaint
from .protocols import implements

__all__ = [
    "broadcast_to",
    "expand_dims",
    "flatten",
    "moveaxis",
    "reshape",
    "squeeze",
    "sum_to",
    "swapaxes",
    "transpose",
]

Operand = Any  # a Variable, an array or a number; all but Variables are constants
Shape = int | Iterable[int]  # also axes; a number stands for a tuple of it


def as_tuple(shape: Shape) -> tuple[int, ...]:
    """A shape, or axes, as a tuple."""
    return tuple(shape) if isinstance(shape, Iterable) else (shape,)


class Reshape(Rule):
    __slots__ = ("old", "shape")
    fresh = False
    keeps = "nothing"

    def __init__(self, shape: Shape) -> None:
        self.shape = shape

    def forward(self, x):
        self.old = x.shape
        return x.reshape(self.shape)

    def gradient(self, gy):
        return gy.reshape(self.old)


@implements(np.reshape)
def reshape(x: Operand, shape: Shape) -> Variable:
    """x's elements, in row-major order, in another shape.

    Args:
        x: Of any shape.
        shape: The new shape, of as many elements; one -1 is worked out from the rest.

    Raises:
        ShapeError: The number of elements differs.

    Gradient:
        gy in x's shape.

    >>> import numpy as np, dezero.functions as F
    >>> F.reshape(np.arange(6.0), (2, -1))
    variable([[0. 1. 2.]
              [3. 4. 5.]])
    """
    return Reshape(shape).apply1(x)


implements(np.ravel)(lambda x: reshape(x, -1))


class Flatten(Reshape):
    __slots__ = ()

    def __init__(self) -> None:
        """Nothing to say: the shape follows from x."""

    def forward(self, x):
        if not x.ndim:
            raise ShapeError("x needs an axis 0 that stays: write x.reshape(1, 1)")
        self.old = x.shape
        return x.reshape(x.shape[0], prod(x.shape[1:]))


def flatten(x: Operand) -> Variable:
    """x as a matrix: axis 0 stays, the others become one.

    Args:
        x: Of shape (N, ...).

    Returns:
        Of shape (N, D), where D is the product of the other axes.

    Raises:
        ShapeError: x has no axis.

    Gradient:
        gy in x's shape.

    >>> import numpy as np, dezero.functions as F
    >>> F.flatten(np.zeros((2, 3, 4))).shape
    (2, 12)
    """
    return Flatten().apply1(x)


class ExpandDims(Reshape):
    __slots__ = ("axis",)

    def __init__(self, axis: Shape) -> None:
        self.axis = as_tuple(axis)

    def forward(self, x):
        self.old = x.shape
        return np.expand_dims(x, self.axis)


@implements(np.expand_dims)
def expand_dims(x: Operand, axis: Shape) -> Variable:
    """x with new axes of size 1.

    Args:
        x: Of any shape.
        axis: Where the new axis, or axes, stand in the result; negative from its end.

    Raises:
        ShapeError: The result has no such axis.

    Gradient:
        gy in x's shape.

    >>> import numpy as np, dezero.functions as F
    >>> F.expand_dims(np.zeros((2, 3)), -1).shape
    (2, 3, 1)
    """
    return ExpandDims(axis).apply1(x)


class Squeeze(Reshape):
    __slots__ = ("axis",)

    def __init__(self, axis: Shape | None = None) -> None:
        self.axis = None if axis is None else as_tuple(axis)

    def forward(self, x):
        self.old = x.shape
        return x.squeeze(self.axis)


@implements(np.squeeze)
def squeeze(x: Operand, axis: Shape | None = None) -> Variable:
    """x without axes of size 1.

    Args:
        x: Of any shape.
        axis: The axis, or axes, to remove; every one of size 1 where it is None.

    Raises:
        ShapeError: An axis does not exist or is not of size 1.

    Gradient:
        gy in x's shape.

    >>> import numpy as np, dezero.functions as F
    >>> F.squeeze(np.zeros((2, 1, 3))).shape
    (2, 3)
    """
    return Squeeze(axis).apply1(x)


class Transpose(Rule):
    __slots__ = ("axes",)
    fresh = False
    keeps = "nothing"

    def __init__(self, axes: Shape | None = None) -> None:
        self.axes = None if axes is None else as_tuple(axes)

    def forward(self, x):
        try:
            return x.transpose(self.axes)
        except ValueError:
            raise ShapeError(f"axes {self.axes} must name each of x's axes once") from None

    def gradient(self, gy):
        axes = self.axes
        if axes is None:
            return gy.transpose()
        n = len(axes)
        return gy.transpose(tuple(sorted(range(n), key=lambda i: axes[i] % n)))


@implements(np.transpose)
def transpose(x: Operand, axes: Shape | None = None) -> Variable:
    """x with its axes in another order.

    Args:
        x: Of any shape.
        axes: Axis i of the result is axis axes[i] of x; reversed where it is None.

    Raises:
        ShapeError: axes does not name every axis of x once.

    Gradient:
        gy with its axes in x's order.

    >>> import numpy as np, dezero.functions as F
    >>> F.transpose(np.zeros((2, 3, 4)), (0, -1, 1)).shape
    (2, 4, 3)
    """
    return Transpose(axes).apply1(x)


@implements(np.swapaxes)
def swapaxes(x: Operand, axis1: int, axis2: int) -> Variable:
    """x with two axes exchanged.

    Args:
        x: Of any shape.
        axis1: One axis; negative from the end.
        axis2: The other.

    Raises:
        ShapeError: x has no such axis.

    Gradient:
        gy with the same axes exchanged.

    >>> import numpy as np, dezero.functions as F
    >>> F.swapaxes(np.zeros((2, 3, 4)), -1, -2).shape
    (2, 4, 3)
    """
    order = list(range(np.ndim(x)))
    (i,), (j,) = checked("swapaxes", axis1, x), checked("swapaxes", axis2, x)
    order[i], order[j] = j, i
    return transpose(x, order)


@implements(np.moveaxis)
def moveaxis(x: Operand, source: Shape, destination: Shape) -> Variable:
    """x with axes moved to other places; the rest keep their order.

    Args:
        x: Of any shape.
        source: The axis, or axes, to move; negative from the end.
        destination: Where each of them goes.

    Raises:
        ShapeError: x has no such axis, one is named twice, or the numbers of them differ.

    Gradient:
        gy with the axes moved back.

    >>> import numpy as np, dezero.functions as F
    >>> F.moveaxis(np.zeros((2, 3, 4)), 0, -1).shape
    (3, 4, 2)
    """
    old, new = checked("moveaxis", source, x), checked("moveaxis", destination, x)
    if len(old) != len(new):
        raise ShapeError(f"moveaxis: source {source} and destination {destination} must pair up")
    order = [i for i in range(np.ndim(x)) if i not in old]
    for to, axis in sorted(zip(new, old, strict=True)):
        order.insert(to, axis)
    return transpose(x, order)


def checked(op: str, axes: Shape, x: Operand) -> tuple[int, ...]:
    """Axes counted from the first, or an error of `op` that says what x has."""
    try:
        return normalize_axis_tuple(as_tuple(axes), np.ndim(x))
    except ValueError as error:
        x = x.data if isinstance(x, Variable) else np.asarray(x)
        raise ShapeError(complaint(op, [("x", x)], error)) from None


class BroadcastTo(Rule):
    __slots__ = ("old", "shape")
    fresh = False
    keeps = "nothing"

    def __init__(self, shape: Shape) -> None:
        self.shape = as_tuple(shape)

    def forward(self, x):
        self.old = x.shape
        check_broadcast(self.old, self.shape)
        return np.broadcast_to(x, self.shape)

    def gradient(self, gy):
        return arrays.sum_to(gy, self.old)


def check_broadcast(small: tuple[int, ...], large: tuple[int, ...]) -> None:
    """Raise ShapeError unless an array of shape `small` broadcasts to `large`."""
    lead = len(large) - len(small)
    if lead < 0 or any(n not in (1, m) for n, m in zip(small, large[lead:], strict=True)):
        raise ShapeError(
            f"{small} does not broadcast to {large}: counted from the last axis, "
            "each size must be 1 or the same"
        )


@implements(np.broadcast_to)
def broadcast_to(x: Operand, shape: Shape) -> Variable:
    """x repeated along new axes and along its axes of size 1, as operators do.

    Args:
        x: Of any shape.
        shape: Of the result.

    Returns:
        A read-only view: repeating takes no memory.

    Raises:
        ShapeError: x's shape does not broadcast to `shape`.

    Gradient:
        gy, summed over the axes along which x was repeated.

    >>> import numpy as np, dezero.functions as F
    >>> F.broadcast_to(np.array([1.0, 2.0]), (2, 2))
    variable([[1. 2.]
              [1. 2.]])
    """
    return BroadcastTo(shape).apply1(x)


class SumTo(Rule):
    __slots__ = ("old", "shape")
    fresh = False
    keeps = "nothing"

    def __init__(self, shape: Shape) -> None:
        self.shape = as_tuple(shape)

    def forward(self, x):
        self.old = x.shape
        check_broadcast(self.shape, self.old)
        return arrays.sum_to(x, self.shape)

    def gradient(self, gy):
        return arrays.spread(gy, self.old)


def sum_to(x: Operand, shape: Shape) -> Variable:
    """x summed down to a shape: what undoes `broadcast_to`.

    Args:
        x: Of any shape.
        shape: Of the result; must broadcast to x's.

    Raises:
        ShapeError: `shape` does not broadcast to x's.

    Gradient:
        gy, repeated along the summed axes.

    >>> import numpy as np, dezero.functions as F
    >>> F.sum_to(np.array([[1.0, 2.0], [3.0, 4.0]]), (1, 2))
    variable([[4. 6.]])
    """
    return SumTo(shape).apply1(x)
