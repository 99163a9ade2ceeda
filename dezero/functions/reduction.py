"""Reductions: sums, means and extremes along axes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from ..arrays import spread
from ..core import Rule, Variable
from .protocols import implements

__all__ = ["average", "max", "mean", "min", "sum", "var"]

Operand = Any  # a Variable, an array or a number; all but Variables are constants
Axis = int | Sequence[int] | None
F = TypeVar("F", bound=Callable[..., Any])


def reduces(*numpy_functions: Any, ufunc: Any = None) -> Callable[[F], F]:
    """Let NumPy's reductions of Variables mean the decorated one, which has no `dtype`.

    In NumPy a third positional argument is `dtype` or `out`, so keepdims goes by name only;
    a ufunc's `reduce` takes axis 0 where none is given.
    """

    def register(ours: F) -> F:
        implements(*numpy_functions)(
            lambda x, axis=None, *, keepdims=False: ours(x, axis, keepdims)
        )
        if ufunc is not None:
            implements((ufunc, "reduce"))(
                lambda x, axis=0, *, keepdims=False: ours(x, axis, keepdims)
            )
        return ours

    return register


class Reduction(Rule):
    """What reductions share: the axes, and the shape that a gradient goes back to."""

    __slots__ = ("axis", "count", "keepdims", "shape")

    def __init__(self, axis: Axis = None, keepdims: bool = False) -> None:
        self.axis = tuple(axis) if isinstance(axis, Sequence) else axis
        self.keepdims = keepdims

    def along(self, x):
        """The axis, as every library takes it: NumPy alone knows axis 0 of a 0-d array."""
        return self.axis if x.ndim or self.axis not in (0, -1) else None

    def kept(self, y):
        """y, of the result's shape, with every reduced axis put back at size 1."""
        if self.keepdims or self.axis is None or not self.shape:
            return y
        axes = self.axis if isinstance(self.axis, tuple) else (self.axis,)
        reduced = {axis % len(self.shape) for axis in axes}
        return y.reshape(tuple([1 if i in reduced else n for i, n in enumerate(self.shape)]))

    def counted(self, x, y):
        """y, after noting x's shape and how many of its elements each of y was made of."""
        self.shape = x.shape
        self.count = x.size // (y.size or 1) or 1
        return y


class Sum(Reduction):
    __slots__ = ()
    fresh = False
    keeps = "nothing"

    def forward(self, x):
        self.shape = x.shape
        return x.sum(axis=self.along(x), keepdims=self.keepdims)

    def gradient(self, gy):
        return spread(self.kept(gy), self.shape)


@reduces(np.sum, ufunc=np.add)
def sum(x: Operand, axis: Axis = None, keepdims: bool = False) -> Variable:
    """The sum of x's elements along axes.

    Args:
        x: Of any shape.
        axis: The axis or axes that are summed over, negative ones counted from the end;
            all of them where it is None.
        keepdims: Keep the summed axes, at size 1.

    Returns:
        x's shape without the summed axes, in x's dtype (integers as NumPy sums them); 0 where
        there is nothing to sum.

    Raises:
        ShapeError: x has no such axis.

    Gradient:
        gy, repeated along the summed axes.

    >>> import numpy as np, dezero.functions as F
    >>> F.sum(np.array([[1.0, 2.0], [3.0, 4.0]]), axis=-1)
    variable([3. 7.])
    """
    return Sum(axis, keepdims).apply1(x)


class Mean(Reduction):
    __slots__ = ()
    fresh = False
    keeps = "nothing"

    def forward(self, x):
        if x.dtype.char not in "fd" or not x.size:
            return self.counted(x, x.mean(axis=self.along(x), keepdims=self.keepdims))
        # as NumPy computes it, without the checks that make np.mean three times slower
        y = self.counted(x, x.sum(axis=self.along(x), keepdims=self.keepdims))
        return y / self.count

    def gradient(self, gy):
        return spread(self.kept(gy) / self.count, self.shape)


@reduces(np.mean)
def mean(x: Operand, axis: Axis = None, keepdims: bool = False) -> Variable:
    """The arithmetic mean of x's elements along axes; `average` is another name of it.

    Args:
        x: Of any shape.
        axis: The axis or axes that are averaged over, negative ones counted from the end;
            all of them where it is None.
        keepdims: Keep the averaged axes, at size 1.

    Returns:
        x's shape without the averaged axes, in x's dtype, float64 for integers; not a number
        (and NumPy's warning) where there is nothing to average.

    Raises:
        ShapeError: x has no such axis.

    Gradient:
        gy divided by the number of elements averaged, repeated along their axes.

    >>> import numpy as np, dezero.functions as F
    >>> F.mean(np.array([[1.0, 2.0], [3.0, 4.0]]), axis=0)
    variable([2. 3.])
    """
    return Mean(axis, keepdims).apply1(x)


average = mean


class Var(Reduction):
    __slots__ = ()

    def forward(self, x):
        return self.counted(x, x.var(axis=self.along(x), keepdims=self.keepdims))

    def gradient(self, gy, x):
        deviation = x - x.mean(axis=self.along(x), keepdims=True)
        return deviation * (self.kept(gy) * (2 / self.count))


@reduces(np.var)
def var(x: Operand, axis: Axis = None, keepdims: bool = False) -> Variable:
    """The variance of x's elements along axes: mean((x - mean(x))^2), divided by their number.

    Args:
        x: Of any shape.
        axis: The axis or axes that are reduced, negative ones counted from the end;
            all of them where it is None.
        keepdims: Keep the reduced axes, at size 1.

    Returns:
        x's shape without the reduced axes, in x's dtype, float64 for integers.

    Raises:
        ShapeError: x has no such axis.

    Gradient:
        gy * 2 (x - mean(x)) / n, for n elements each.

    >>> import numpy as np, dezero.functions as F
    >>> F.var(np.array([1.0, 2.0, 3.0, 6.0]))
    variable(3.5)
    """
    return Var(axis, keepdims).apply1(x)


class Max(Reduction):
    __slots__ = ()

    def extremes(self, x, keepdims):
        """What x is reduced to; the gradient compares x with it."""
        return x.max(axis=self.along(x), keepdims=keepdims)

    def forward(self, x):
        self.shape = x.shape
        return self.extremes(x, self.keepdims)

    def gradient(self, gy, x):
        ties = np.equal(x, self.extremes(x, True))
        shares = self.kept(gy) / ties.sum(axis=self.along(ties), keepdims=True).astype(gy.dtype)
        return ties * shares


@reduces(np.max, np.amax, ufunc=np.maximum)
def max(x: Operand, axis: Axis = None, keepdims: bool = False) -> Variable:
    """The largest of x's elements along axes.

    Args:
        x: Of any shape.
        axis: The axis or axes that are reduced, negative ones counted from the end;
            all of them where it is None.
        keepdims: Keep the reduced axes, at size 1.

    Returns:
        x's shape without the reduced axes, in x's dtype; not a number where x has one.

    Raises:
        ShapeError: x has no such axis, or nothing along it.

    Gradient:
        gy to the largest element, in equal shares where several tie.

    >>> import numpy as np, dezero.functions as F
    >>> F.max(np.array([[1.0, 5.0], [3.0, 4.0]]), axis=1)
    variable([5. 4.])
    """
    return Max(axis, keepdims).apply1(x)


class Min(Max):
    __slots__ = ()

    def extremes(self, x, keepdims):
        return x.min(axis=self.along(x), keepdims=keepdims)


@reduces(np.min, np.amin, ufunc=np.minimum)
def min(x: Operand, axis: Axis = None, keepdims: bool = False) -> Variable:
    """The smallest of x's elements along axes.

    Args:
        x: Of any shape.
        axis: The axis or axes that are reduced, negative ones counted from the end;
            all of them where it is None.
        keepdims: Keep the reduced axes, at size 1.

    Returns:
        x's shape without the reduced axes, in x's dtype; not a number where x has one.

    Raises:
        ShapeError: x has no such axis, or nothing along it.

    Gradient:
        gy to the smallest element, in equal shares where several tie.

    >>> import numpy as np, dezero.functions as F
    >>> F.min(np.array([[1.0, 5.0], [3.0, 4.0]]), axis=1)
    variable([1. 3.])
    """
    return Min(axis, keepdims).apply1(x)
