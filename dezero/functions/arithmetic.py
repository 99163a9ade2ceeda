"""Arithmetic: what the operators of Variables compute."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import Rule, Variable
from .protocols import implements

__all__ = ["abs", "add", "astype", "div", "mul", "neg", "pos", "pow", "sub"]

Operand = Any  # a Variable, an array or a number; all but Variables are constants


class Add(Rule):
    __slots__ = ()
    broadcasts = True
    fresh = False
    keeps = "nothing"

    def forward(self, x0, x1):
        return x0 + x1

    def gradient(self, gy):
        return gy, gy


@implements(np.add)
def add(x0: Operand, x1: Operand) -> Variable:
    """x0 + x1, elementwise.

    Args:
        x0: Of any shape.
        x1: Of a shape that broadcasts with x0's.

    Returns:
        Of the broadcast shape, in the dtype that NumPy gives the sum.

    Raises:
        ShapeError: The shapes do not broadcast.

    Gradient:
        gy to both, summed over the axes along which each was broadcast.

    >>> import numpy as np, dezero.functions as F
    >>> F.add(np.array([1.0, 2.0]), 3.0)
    variable([4. 5.])
    """
    return Add().apply2(x0, x1)


class Sub(Rule):
    __slots__ = ()
    broadcasts = True
    fresh = False
    keeps = "nothing"

    def forward(self, x0, x1):
        return x0 - x1

    def gradient(self, gy):
        return gy, -gy if self.needs(1) else None


@implements(np.subtract)
def sub(x0: Operand, x1: Operand) -> Variable:
    """x0 - x1, elementwise, with broadcasting.

    Args:
        x0: Of any shape.
        x1: Of a shape that broadcasts with x0's.

    Raises:
        ShapeError: The shapes do not broadcast.

    Gradient:
        gy to x0, -gy to x1.

    >>> import numpy as np, dezero.functions as F
    >>> F.sub(5.0, np.array([1.0, 2.0]))
    variable([4. 3.])
    """
    return Sub().apply2(x0, x1)


class Mul(Rule):
    __slots__ = ()
    broadcasts = True

    def forward(self, x0, x1):
        return x0 * x1

    def gradient(self, gy, x0, x1):
        return gy * x1 if self.needs(0) else None, gy * x0 if self.needs(1) else None


@implements(np.multiply)
def mul(x0: Operand, x1: Operand) -> Variable:
    """x0 * x1, elementwise, with broadcasting.

    Args:
        x0: Of any shape.
        x1: Of a shape that broadcasts with x0's.

    Raises:
        ShapeError: The shapes do not broadcast.

    Gradient:
        gy * x1 to x0, gy * x0 to x1.

    >>> import numpy as np, dezero.functions as F
    >>> F.mul(np.array([1.0, 2.0]), 3.0)
    variable([3. 6.])
    """
    return Mul().apply2(x0, x1)


class Div(Rule):
    __slots__ = ()
    broadcasts = True

    def forward(self, x0, x1):
        return x0 / x1

    def gradient(self, gy, x0, x1):
        gx0 = gy / x1
        return gx0 if self.needs(0) else None, -gx0 * (x0 / x1) if self.needs(1) else None


@implements(np.divide)
def div(x0: Operand, x1: Operand) -> Variable:
    """x0 / x1, elementwise, with broadcasting; true division for integers as well.

    Args:
        x0: Of any shape.
        x1: Of a shape that broadcasts with x0's.

    Raises:
        ShapeError: The shapes do not broadcast.

    Gradient:
        gy / x1 to x0, -gy * x0 / x1^2 to x1.

    >>> import numpy as np, dezero.functions as F
    >>> F.div(1.0, np.array([2.0, 4.0]))
    variable([0.5  0.25])
    """
    return Div().apply2(x0, x1)


class Neg(Rule):
    __slots__ = ()
    keeps = "nothing"

    def forward(self, x):
        return -x

    def gradient(self, gy):
        return -gy


@implements(np.negative)
def neg(x: Operand) -> Variable:
    """-x, elementwise.

    Gradient:
        -gy.

    >>> import numpy as np, dezero.functions as F
    >>> F.neg(np.array([1.0, -2.0]))
    variable([-1.  2.])
    """
    return Neg().apply1(x)


class Pos(Rule):
    __slots__ = ()
    fresh = False
    keeps = "nothing"

    def forward(self, x):
        return +x

    def gradient(self, gy):
        return gy


@implements(np.positive)
def pos(x: Operand) -> Variable:
    """+x, elementwise: a copy, as a new node of the graph.

    Gradient:
        gy.

    >>> import numpy as np, dezero.functions as F
    >>> F.pos(np.array([1.0, -2.0]))
    variable([ 1. -2.])
    """
    return Pos().apply1(x)


class Pow(Rule):
    __slots__ = ("c",)

    def __init__(self, c: float) -> None:
        self.c = c

    def forward(self, x):
        return x**self.c

    def gradient(self, gy, x):
        c = float(self.c)
        if c == 2:
            return 2.0 * gy * x
        # x**0 is 1 everywhere, at 0 as well: no slope, where c * x**(c-1) would be 0 * inf
        return gy * (c * x ** (c - 1)) if c else gy * 0.0


class Power(Rule):
    """x0 ** x1 with an exponent that is an array itself."""

    __slots__ = ()
    broadcasts = True

    def forward(self, x0, x1):
        return x0**x1

    def gradient(self, gy, x0, x1):
        gx0 = gx1 = None
        if self.needs(0):
            gx0 = gy * x1 * x0 ** np.where(np.equal(x1, 0), 1, x1 - 1)
        if self.needs(1):
            gx1 = gy * x0**x1 * np.log(np.where(np.equal(x0, 0), 1, x0))
        return gx0, gx1


@implements(np.power)
def pow(x: Operand, c: Operand) -> Variable:
    """x ** c, elementwise.

    Args:
        x: The base.
        c: The exponent: a number, or an array or Variable whose shape broadcasts with x's.

    Raises:
        ShapeError: The shapes do not broadcast.
        DTypeError: An integer array to a negative integer power; make it floating first.

    Gradient:
        gy * c * x^(c-1) to x, 0 where c is 0; gy * x^c * log(x) to an exponent that is a
        Variable, 0 where x is 0. Not a number where x < 0 and the exponent is a Variable.

    >>> import numpy as np, dezero.functions as F
    >>> F.pow(np.array([1.0, 2.0, 3.0]), 2)
    variable([1. 4. 9.])
    """
    if type(c) is int or type(c) is float:
        return Pow(c).apply1(x)
    return Power().apply2(x, c)


class Abs(Rule):
    __slots__ = ()

    def forward(self, x):
        return np.abs(x)

    def gradient(self, gy, x):
        return gy * np.sign(x)


@implements(np.abs)
def abs(x: Operand) -> Variable:
    """|x|, elementwise.

    Gradient:
        gy * sign(x), 0 at the kink x = 0.

    >>> import numpy as np, dezero.functions as F
    >>> F.abs(np.array([-1.5, 2.0]))
    variable([1.5 2. ])
    """
    return Abs().apply1(x)


class AsType(Rule):
    __slots__ = ("dtype", "old")
    fresh = False
    keeps = "nothing"

    def __init__(self, dtype: Any) -> None:
        self.dtype = np.dtype(dtype)

    def forward(self, x):
        self.old = x.dtype
        return x.astype(self.dtype)

    def gradient(self, gy):
        return gy.astype(self.old)


def astype(x: Operand, dtype: Any) -> Variable:
    """x in another dtype.

    Args:
        x: Of any shape and dtype.
        dtype: What `np.dtype` takes.

    Gradient:
        gy in x's dtype.

    >>> import numpy as np, dezero.functions as F
    >>> F.astype(np.array([1.0, 2.0]), np.float32).dtype
    dtype('float32')
    """
    return AsType(dtype).apply1(x)
