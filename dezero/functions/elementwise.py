"""Elementwise mathematics: one number in, one number out, for each element.

Integer arrays give what NumPy's function of the same name gives, float64 for most.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import Rule, Variable
from .protocols import implements

__all__ = ["cos", "exp", "expm1", "log", "log1p", "sin", "sqrt", "square", "tan", "tanh"]

Operand = Any  # a Variable, an array or a number; all but Variables are constants


class Exp(Rule):
    __slots__ = ()
    keeps = "outputs"

    def forward(self, x):
        return np.exp(x)

    def gradient(self, gy, y):
        return gy * y


@implements(np.exp)
def exp(x: Operand) -> Variable:
    """e ** x, elementwise.

    Infinite, with NumPy's warning, above 709.78 in float64, 88.72 in float32, 11.09 in float16.

    Args:
        x: Of any shape.

    Returns:
        Of x's shape and dtype.

    Gradient:
        gy * e^x.

    >>> import numpy as np, dezero.functions as F
    >>> F.exp(np.array([0.0, 1.0]))
    variable([1.         2.71828183])
    """
    return Exp().apply1(x)


class Expm1(Rule):
    __slots__ = ()

    def forward(self, x):
        return np.expm1(x)

    def gradient(self, gy, x):
        return gy * np.exp(x)  # y + 1 would be rounded to 0 where x is far below 0


@implements(np.expm1)
def expm1(x: Operand) -> Variable:
    """e ** x - 1, elementwise, exact to the last digits near 0 as well.

    Args:
        x: Of any shape.

    Returns:
        Of x's shape and dtype.

    Gradient:
        gy * e^x.

    >>> import numpy as np, dezero.functions as F
    >>> F.expm1(np.array([1e-12, 1.0]))
    variable([1.00000000e-12 1.71828183e+00])
    """
    return Expm1().apply1(x)


class Log(Rule):
    __slots__ = ()

    def forward(self, x):
        return np.log(x)

    def gradient(self, gy, x):
        return gy / x


@implements(np.log)
def log(x: Operand) -> Variable:
    """The natural logarithm of x, elementwise.

    -inf at 0 and not a number below 0, with NumPy's warning.

    Args:
        x: Of any shape.

    Returns:
        Of x's shape and dtype.

    Gradient:
        gy / x.

    >>> import numpy as np, dezero.functions as F
    >>> F.log(np.array([1.0, 10.0]))
    variable([0.         2.30258509])
    """
    return Log().apply1(x)


class Log1p(Rule):
    __slots__ = ()

    def forward(self, x):
        return np.log1p(x)

    def gradient(self, gy, x):
        return gy / (1 + x)


@implements(np.log1p)
def log1p(x: Operand) -> Variable:
    """log(1 + x), elementwise, exact to the last digits near 0 as well.

    -inf at -1 and not a number below -1, with NumPy's warning.

    Args:
        x: Of any shape.

    Returns:
        Of x's shape and dtype.

    Gradient:
        gy / (1 + x).

    >>> import numpy as np, dezero.functions as F
    >>> F.log1p(np.array([1e-12, 1.0]))
    variable([1.00000000e-12 6.93147181e-01])
    """
    return Log1p().apply1(x)


class Sqrt(Rule):
    __slots__ = ()
    keeps = "outputs"

    def forward(self, x):
        return np.sqrt(x)

    def gradient(self, gy, y):
        return 0.5 * gy / y


@implements(np.sqrt)
def sqrt(x: Operand) -> Variable:
    """The square root of x, elementwise; not a number below 0, with NumPy's warning.

    Args:
        x: Of any shape.

    Returns:
        Of x's shape and dtype.

    Gradient:
        gy / (2 * sqrt(x)), infinite at 0.

    >>> import numpy as np, dezero.functions as F
    >>> F.sqrt(np.array([4.0, 9.0]))
    variable([2. 3.])
    """
    return Sqrt().apply1(x)


class Square(Rule):
    __slots__ = ()

    def forward(self, x):
        return np.square(x)

    def gradient(self, gy, x):
        return 2.0 * gy * x


@implements(np.square)
def square(x: Operand) -> Variable:
    """x * x, elementwise; integers stay integers.

    Args:
        x: Of any shape.

    Returns:
        Of x's shape and dtype.

    Gradient:
        2 * gy * x.

    >>> import numpy as np, dezero.functions as F
    >>> F.square(np.array([1.0, -3.0]))
    variable([1. 9.])
    """
    return Square().apply1(x)


class Sin(Rule):
    __slots__ = ()

    def forward(self, x):
        return np.sin(x)

    def gradient(self, gy, x):
        return gy * np.cos(x)


@implements(np.sin)
def sin(x: Operand) -> Variable:
    """The sine of x, elementwise.

    Args:
        x: Radians, of any shape.

    Returns:
        Of x's shape and dtype.

    Gradient:
        gy * cos(x).

    >>> import numpy as np, dezero.functions as F
    >>> F.sin(np.array([0.0, np.pi / 2]))
    variable([0. 1.])
    """
    return Sin().apply1(x)


class Cos(Rule):
    __slots__ = ()

    def forward(self, x):
        return np.cos(x)

    def gradient(self, gy, x):
        return -gy * np.sin(x)


@implements(np.cos)
def cos(x: Operand) -> Variable:
    """The cosine of x, elementwise.

    Args:
        x: Radians, of any shape.

    Returns:
        Of x's shape and dtype.

    Gradient:
        -gy * sin(x).

    >>> import numpy as np, dezero.functions as F
    >>> F.cos(np.array([0.0, np.pi]))
    variable([ 1. -1.])
    """
    return Cos().apply1(x)


class Tan(Rule):
    __slots__ = ()
    keeps = "outputs"

    def forward(self, x):
        return np.tan(x)

    def gradient(self, gy, y):
        return gy * (1 + y * y)


@implements(np.tan)
def tan(x: Operand) -> Variable:
    """The tangent of x, elementwise.

    Args:
        x: Radians, of any shape.

    Returns:
        Of x's shape and dtype.

    Gradient:
        gy * (1 + tan(x)^2).

    >>> import numpy as np, dezero.functions as F
    >>> F.tan(np.array([0.0, 1.0]))
    variable([0.         1.55740772])
    """
    return Tan().apply1(x)


class Tanh(Rule):
    __slots__ = ()
    keeps = "outputs"

    def forward(self, x):
        return np.tanh(x)

    def gradient(self, gy, y):
        return gy * (1 - y * y)


@implements(np.tanh)
def tanh(x: Operand) -> Variable:
    """The hyperbolic tangent of x, elementwise: between -1 and 1, for any finite x.

    Args:
        x: Of any shape.

    Returns:
        Of x's shape and dtype.

    Gradient:
        gy * (1 - tanh(x)^2).

    >>> import numpy as np, dezero.functions as F
    >>> F.tanh(np.array([0.0, 1000.0]))
    variable([0. 1.])
    """
    return Tanh().apply1(x)
