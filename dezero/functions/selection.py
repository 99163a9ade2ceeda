"""Selection: of several operands, or of an operand and bounds, one for each element."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np

from ..core import Rule, Variable
from ..errors import DTypeError, ShapeError, described
from .protocols import implements

__all__ = ["clip", "maximum", "minimum", "where"]

Operand = Any  # a Variable, an array or a number; all but Variables are constants


class Maximum(Rule):
    __slots__ = ()
    broadcasts = True

    def forward(self, x0, x1):
        return np.maximum(x0, x1)

    def gradient(self, gy, x0, x1):
        gx0 = to_winner(gy, x0 > x1, np.equal(x0, x1)) if self.needs(0) else None
        gx1 = to_winner(gy, x1 > x0, np.equal(x0, x1)) if self.needs(1) else None
        return gx0, gx1


def to_winner(gy: Any, wins: Any, ties: Any) -> Any:
    """gy where an operand wins, half of it where the two are equal, else 0."""
    return np.where(ties, 0.5 * gy, gy * wins)


@implements(np.maximum)
def maximum(x0: Operand, x1: Operand) -> Variable:
    """The larger of x0 and x1, elementwise, with broadcasting.

    Args:
        x0: Of any shape.
        x1: Of a shape that broadcasts with x0's.

    Returns:
        Of the broadcast shape; not a number where either operand is none.

    Raises:
        ShapeError: The shapes do not broadcast.

    Gradient:
        gy to the larger; half of it to each where they are equal.

    >>> import numpy as np, dezero.functions as F
    >>> F.maximum(np.array([1.0, 5.0]), 2.0)
    variable([2. 5.])
    """
    return Maximum().apply2(x0, x1)


class Minimum(Rule):
    __slots__ = ()
    broadcasts = True

    def forward(self, x0, x1):
        return np.minimum(x0, x1)

    def gradient(self, gy, x0, x1):
        gx0 = to_winner(gy, x0 < x1, np.equal(x0, x1)) if self.needs(0) else None
        gx1 = to_winner(gy, x1 < x0, np.equal(x0, x1)) if self.needs(1) else None
        return gx0, gx1


@implements(np.minimum)
def minimum(x0: Operand, x1: Operand) -> Variable:
    """The smaller of x0 and x1, elementwise, with broadcasting.

    Args:
        x0: Of any shape.
        x1: Of a shape that broadcasts with x0's.

    Returns:
        Of the broadcast shape; not a number where either operand is none.

    Raises:
        ShapeError: The shapes do not broadcast.

    Gradient:
        gy to the smaller; half of it to each where they are equal.

    >>> import numpy as np, dezero.functions as F
    >>> F.minimum(np.array([1.0, 5.0]), 2.0)
    variable([1. 2.])
    """
    return Minimum().apply2(x0, x1)


class Where(Rule):
    __slots__ = ()
    broadcasts = True

    def forward(self, c, x, y):
        if c.dtype != bool:
            raise DTypeError("c must be of dtype bool: write np.not_equal(c, 0)")
        return np.where(c, x, y)

    def gradient(self, gy, c, x, y):
        gx = np.where(c, gy, 0.0) if self.needs(1) else None
        return None, gx, np.where(c, 0.0, gy) if self.needs(2) else None


@implements(np.where)
def where(c: Operand, x: Operand, y: Operand) -> Variable:
    """x where c is true, y elsewhere, elementwise, with broadcasting.

    Both x and y are computed everywhere: to keep a function off the numbers that it does not
    take, replace them before it as well, as in `where(x > 0, log(where(x > 0, x, 1)), 0)`.

    Args:
        c: Truth values, of any shape, such as `x > 0`.
        x: Of a shape that broadcasts with c's.
        y: Of a shape that broadcasts with both.

    Returns:
        Of the broadcast shape, in the dtype that x and y have together.

    Raises:
        DTypeError: c is not of dtype bool.
        ShapeError: The shapes do not broadcast.

    Gradient:
        gy to x where c is true, to y elsewhere; none to c.

    >>> import numpy as np, dezero.functions as F
    >>> x = np.array([-1.0, 2.0])
    >>> F.where(x > 0, x, 0.0)
    variable([0. 2.])
    """
    return Where()(np.bool_(c) if type(c) is bool else c, x, y)


class Clip(Rule):
    __slots__ = ("x_max", "x_min")

    def __init__(self, x_min: float | None = None, x_max: float | None = None) -> None:
        self.x_min, self.x_max = (bound(b) for b in (x_min, x_max))
        if self.x_min is None and self.x_max is None:
            raise ShapeError("clip: x_min and x_max are both None: give at least one bound")
        if None not in (self.x_min, self.x_max) and self.x_min > self.x_max:
            raise ShapeError(f"clip: x_min ({x_min}) must not exceed x_max ({x_max})")

    def forward(self, x):
        return np.clip(x, self.x_min, self.x_max)

    def gradient(self, gy, x):
        if self.x_min is not None:
            gy = gy * (x >= self.x_min)
        return gy if self.x_max is None else gy * (x <= self.x_max)


def bound(b: Any) -> Any:
    """A bound as a Python number, which leaves the other operand's dtype alone, or None."""
    if b is None or type(b) in (int, float):
        return b
    if isinstance(b, Real) and isinstance(b, np.generic):
        return b.item()
    raise DTypeError(
        f"clip: a bound is {described(b)}, but must be a number or None: for arrays write "
        "minimum(maximum(x, x_min), x_max)"
    )


@implements(np.clip)
def clip(x: Operand, x_min: float | None = None, x_max: float | None = None) -> Variable:
    """min(max(x, x_min), x_max), elementwise.

    Args:
        x: Of any shape.
        x_min: The lower bound, a number; None for no bound below.
        x_max: The upper bound, a number not below x_min; None for no bound above.

    Returns:
        Of x's shape and dtype.

    Raises:
        DTypeError: A bound is no number.
        ShapeError: x_min exceeds x_max, or both are None.

    Gradient:
        gy between the bounds and at them, 0 outside.

    >>> import numpy as np, dezero.functions as F
    >>> F.clip(np.array([-1.0, 0.5, 2.0]), 0, 1)
    variable([0.  0.5 1. ])
    """
    return Clip(x_min, x_max).apply1(x)
