"""Activation functions: what a network puts between its linear layers, and at its end."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..arrays import special
from ..core import Rule, Variable
from ..errors import ShapeError
from .arithmetic import neg
from .elementwise import exp
from .protocols import implements

__all__ = ["gelu", "leaky_relu", "relu", "sigmoid", "sigmoid_simple", "silu", "softplus"]

Operand = Any  # a Variable, an array or a number; all but Variables are constants


class Sigmoid(Rule):
    __slots__ = ()
    keeps = "outputs"

    def forward(self, x):
        return special.sigmoid(x)

    def gradient(self, gy, y):
        return gy * y * (1 - y)


@implements(special.sigmoid)
def sigmoid(x: Operand) -> Variable:
    """1 / (1 + exp(-x)), elementwise, without overflow for any finite x.

    Args:
        x: Of any shape.

    Returns:
        Between 0 and 1, of x's shape and dtype.

    Gradient:
        gy * y * (1 - y).

    >>> import numpy as np, dezero.functions as F
    >>> F.sigmoid(np.array([-1000.0, 0.0, 1.0]))
    variable([0.         0.5        0.73105858])
    """
    return Sigmoid().apply1(x)


def sigmoid_simple(x: Operand) -> Variable:
    """1 / (1 + exp(-x)) as that formula, step by step: a graph of four nodes.

    Far below 0, where exp(-x) overflows, NumPy warns; `sigmoid` does not.

    Args:
        x: Of any shape.

    Returns:
        Between 0 and 1, of x's shape and dtype.

    Gradient:
        That of the steps.

    >>> import numpy as np, dezero.functions as F
    >>> F.sigmoid_simple(np.array([0.0, 1.0]))
    variable([0.5        0.73105858])
    """
    y: Any = exp(neg(x))
    return 1 / (1 + y)


class ReLU(Rule):
    __slots__ = ()
    keeps = "outputs"
    op = "relu"

    def forward(self, x):
        return np.maximum(x, 0)

    def gradient(self, gy, y):
        return gy * (y > 0)


def relu(x: Operand) -> Variable:
    """max(x, 0), elementwise.

    Args:
        x: Of any shape.

    Returns:
        Of x's shape and dtype; integers stay integers.

    Gradient:
        gy where x > 0, else 0, at the kink x = 0 as well.

    >>> import numpy as np, dezero.functions as F
    >>> F.relu(np.array([-1.0, 2.0]))
    variable([0. 2.])
    """
    return ReLU().apply1(x)


class LeakyReLU(Rule):
    __slots__ = ("slope",)
    op = "leaky_relu"

    def __init__(self, slope: float = 0.2) -> None:
        self.slope = float(slope)

    def forward(self, x):
        larger = np.maximum if self.slope <= 1 else np.minimum
        return larger(x, self.slope * x)

    def gradient(self, gy, x):
        return gy * (x > 0) + self.slope * gy * (x <= 0)


def leaky_relu(x: Operand, slope: float = 0.2) -> Variable:
    """x where x > 0, else slope * x, elementwise.

    Args:
        x: Of any shape.
        slope: A number.

    Returns:
        Of x's shape and dtype.

    Gradient:
        gy where x > 0, else slope * gy, at the kink x = 0 as well.

    Source:
        Maas, Hannun, Ng, "Rectifier nonlinearities improve neural network acoustic models" (2013).

    >>> import numpy as np, dezero.functions as F
    >>> F.leaky_relu(np.array([-1.0, 2.0]))
    variable([-0.2  2. ])
    """
    return LeakyReLU(slope).apply1(x)


class Softplus(Rule):
    __slots__ = ()

    def forward(self, x):
        return special.softplus(x)

    def gradient(self, gy, x):
        return gy * special.sigmoid(x)


def softplus(x: Operand) -> Variable:
    """log(1 + exp(x)), elementwise, without overflow for any finite x: a smooth relu.

    Args:
        x: Of any shape.

    Returns:
        Above 0, of x's shape and dtype.

    Gradient:
        gy * sigmoid(x).

    >>> import numpy as np, dezero.functions as F
    >>> F.softplus(np.array([-1000.0, 0.0, 1000.0]))
    variable([0.00000000e+00 6.93147181e-01 1.00000000e+03])
    """
    return Softplus().apply1(x)


class SiLU(Rule):
    __slots__ = ()
    op = "silu"

    def forward(self, x):
        return x * special.sigmoid(x)

    def gradient(self, gy, x):
        s = special.sigmoid(x)
        return gy * s * (1 + x * (1 - s))


def silu(x: Operand) -> Variable:
    """x * sigmoid(x), elementwise; also known as swish.

    Args:
        x: Of any shape.

    Returns:
        Of x's shape and dtype, no less than -0.2785.

    Gradient:
        gy * s * (1 + x * (1 - s)) with s = sigmoid(x).

    Source:
        Hendrycks, Gimpel, "Gaussian error linear units", arXiv 1606.08415.

    >>> import numpy as np, dezero.functions as F
    >>> F.silu(np.array([-1.0, 0.0, 1.0]))
    variable([-0.26894142  0.          0.73105858])
    """
    return SiLU().apply1(x)


class NormalCDF(Rule):
    """The probability that a standard normal number is below x; what GELU is made of."""

    __slots__ = ()
    op = "normal_cdf"

    def forward(self, x):
        return special.normal_cdf(x)

    def gradient(self, gy, x):
        return gy * density(x)


@implements(special.normal_cdf)
def normal_cdf(x: Operand) -> Variable:
    """The standard normal distribution's cumulative function, elementwise."""
    return NormalCDF().apply1(x)


def density(x: Any) -> Any:
    """The standard normal distribution's density, of an array or a Variable."""
    x = np.clip(x, -40.0, 40.0)  # beyond, the density is 0 and x * x may overflow
    return math.sqrt(0.5 / math.pi) * np.exp(-0.5 * x * x)


class GELU(Rule):
    __slots__ = ("slope",)
    op = "gelu"

    def forward(self, x):
        y, self.slope = special.gelu(x)  # kept: it shares the exponential with y
        return y

    def gradient(self, gy, x):
        if isinstance(x, Variable):  # computed again where it must be differentiable itself
            return gy * (special.normal_cdf(x) + x * density(x))
        return gy * self.slope


class GELUTanh(Rule):
    """GELU with the normal distribution approximated by a tanh."""

    __slots__ = ()
    op = "gelu"

    def forward(self, x):
        return 0.5 * x * (1 + self.tanh(np.clip(x, -10.0, 10.0)))

    def tanh(self, x):
        """About the probability of a number within x of 0; x is clipped where this is 1."""
        return np.tanh(math.sqrt(2 / math.pi) * x * (1 + 0.044715 * x * x))

    def gradient(self, gy, x):
        x = np.clip(x, -10.0, 10.0)
        t = self.tanh(x)
        slope = math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * x * x)
        return gy * (0.5 * (1 + t) + 0.5 * x * (1 - t * t) * slope)


def gelu(x: Operand, approximate: str = "none") -> Variable:
    """x times the probability that a standard normal number is below x, elementwise.

    0.5 x (1 + erf(x / sqrt(2))), or approximately
    0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))).

    Args:
        x: Of any shape.
        approximate: "none" or "tanh".

    Returns:
        Of x's shape and dtype.

    Raises:
        ShapeError: approximate is neither.

    Gradient:
        gy times the formula's derivative.

    Source:
        Hendrycks, Gimpel, "Gaussian error linear units", arXiv 1606.08415.

    >>> import numpy as np, dezero.functions as F
    >>> F.gelu(np.array([-1.0, 0.0, 1.0]))
    variable([-0.15865525  0.          0.84134475])
    >>> F.gelu(np.array([-1.0, 0.0, 1.0]), approximate="tanh")
    variable([-0.15880801  0.          0.84119199])
    """
    rules: dict[str, type[Rule]] = {"none": GELU, "tanh": GELUTanh}
    if approximate not in rules:
        raise ShapeError(f'gelu: approximate is {approximate!r}, but must be "none" or "tanh"')
    return rules[approximate]().apply1(x)
