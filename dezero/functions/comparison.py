"""Comparisons: truth values, elementwise. They are constants: no gradient passes.

`==` and `!=` of Variables compare identity, as keys of a dict need it; `equal` and `not_equal`
compare values.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import Variable, as_variable
from ..core.variable import Constant, constant
from ..errors import DTypeError, ShapeError, complaint
from .protocols import implements

__all__ = ["equal", "greater", "greater_equal", "less", "less_equal", "not_equal", "sign"]


def compared(ufunc: Any, x0: Any, x1: Any) -> Constant:
    """A NumPy comparison of the arrays behind the operands."""
    a, b = (x.data if isinstance(x, Variable) else x for x in (x0, x1))
    try:
        return constant(ufunc(a, b))
    except (ValueError, TypeError) as error:
        problem = complaint(ufunc.__name__, [("x0", a), ("x1", b)], error)
        raise (ShapeError if isinstance(error, ValueError) else DTypeError)(problem) from None


@implements(np.less)
def less(x0: Any, x1: Any) -> Constant:
    """x0 < x1, elementwise, as a constant of dtype bool.

    >>> import numpy as np, dezero.functions as F
    >>> F.less(np.array([1.0, 3.0]), 2.0)
    variable([ True False])
    """
    return compared(np.less, x0, x1)


@implements(np.less_equal)
def less_equal(x0: Any, x1: Any) -> Constant:
    """x0 <= x1, elementwise, as a constant of dtype bool.

    >>> import numpy as np, dezero.functions as F
    >>> F.less_equal(np.array([1.0, 2.0]), 2.0)
    variable([ True  True])
    """
    return compared(np.less_equal, x0, x1)


@implements(np.greater)
def greater(x0: Any, x1: Any) -> Constant:
    """x0 > x1, elementwise, as a constant of dtype bool.

    >>> import numpy as np, dezero.functions as F
    >>> F.greater(np.array([1.0, 3.0]), 2.0)
    variable([False  True])
    """
    return compared(np.greater, x0, x1)


@implements(np.greater_equal)
def greater_equal(x0: Any, x1: Any) -> Constant:
    """x0 >= x1, elementwise, as a constant of dtype bool.

    >>> import numpy as np, dezero.functions as F
    >>> F.greater_equal(np.array([1.0, 2.0]), 2.0)
    variable([False  True])
    """
    return compared(np.greater_equal, x0, x1)


@implements(np.equal)
def equal(x0: Any, x1: Any) -> Constant:
    """x0 == x1 by value, elementwise, as a constant of dtype bool.

    >>> import numpy as np, dezero.functions as F
    >>> F.equal(np.array([1.0, 2.0]), 2.0)
    variable([False  True])
    """
    return compared(np.equal, x0, x1)


@implements(np.not_equal)
def not_equal(x0: Any, x1: Any) -> Constant:
    """x0 != x1 by value, elementwise, as a constant of dtype bool.

    >>> import numpy as np, dezero.functions as F
    >>> F.not_equal(np.array([1.0, 2.0]), 2.0)
    variable([ True False])
    """
    return compared(np.not_equal, x0, x1)


@implements(np.sign)
def sign(x: Any) -> Constant:
    """-1, 0 or 1, elementwise: piecewise constant, so a constant for the backward pass.

    >>> import numpy as np, dezero.functions as F
    >>> F.sign(np.array([-2.0, 0.0, 3.0]))
    variable([-1.  0.  1.])
    """
    return constant(np.sign(as_variable(x).data))
