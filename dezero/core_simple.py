"""The core as it is at the end of the book's first half: six operators, gradients as arrays.

Everything here rests on the core, and differs in one thing: the `.grad` of its Variables is an
array, which cannot be differentiated again.
"""

from __future__ import annotations

from typing import Any

from . import core
from .arrays import Array, as_array
from .core import Config, no_grad, using_config
from .functions import arithmetic as full

__all__ = [
    "Add",
    "Config",
    "Div",
    "Function",
    "Mul",
    "Neg",
    "Pow",
    "Power",
    "Sub",
    "Variable",
    "add",
    "as_array",
    "as_variable",
    "div",
    "mul",
    "neg",
    "no_grad",
    "pow",
    "rdiv",
    "rsub",
    "setup_variable",
    "sub",
    "using_config",
]

GRAD: Any = vars(core.Variable)["grad"]  # the slot where the core puts gradients


class Variable(core.Variable):
    """A Variable whose gradient is an array.

    >>> import numpy as np
    >>> x = Variable(np.array(3.0))
    >>> y = x * x
    >>> y.backward()
    >>> x.data -= 0.1 * x.grad
    >>> x
    variable(2.4)
    """

    __slots__ = ()
    __array_ufunc__ = None  # NumPy leaves array + x to x

    @property
    def grad(self) -> Any:
        """The gradient, of the shape of data; None before the backward pass."""
        grad = GRAD.__get__(self)
        return grad.data if isinstance(grad, core.Variable) else grad

    @grad.setter
    def grad(self, grad: Any) -> None:
        GRAD.__set__(self, grad)


class Function(core.Function):
    """A Function whose outputs are Variables of this module.

    >>> import numpy as np
    >>> class Square(Function):
    ...     def forward(self, x):
    ...         return x**2
    ...     def backward(self, gy):
    ...         return 2 * self.inputs[0].data * gy
    >>> x = Variable(np.array(3.0))
    >>> Square()(x).backward()
    >>> x.grad
    array(6.)
    """

    __slots__ = ()

    def record(
        self, inputs: tuple[core.Variable, ...], data: Array, generation: int, record: bool
    ) -> core.Variable:
        y = super().record(inputs, data, generation, record)
        y.__class__ = Variable
        return y


class Add(Function, full.Add):
    __slots__ = ()


class Sub(Function, full.Sub):
    __slots__ = ()


class Mul(Function, full.Mul):
    __slots__ = ()


class Div(Function, full.Div):
    __slots__ = ()


class Neg(Function, full.Neg):
    __slots__ = ()


class Pow(Function, full.Pow):
    __slots__ = ()


class Power(Function, full.Power):
    __slots__ = ()


def add(x0: Any, x1: Any) -> Variable:
    """x0 + x1."""
    return Add()(x0, x1)


def sub(x0: Any, x1: Any) -> Variable:
    """x0 - x1."""
    return Sub()(x0, x1)


def rsub(x0: Any, x1: Any) -> Variable:
    """x1 - x0: what `x1 - x0` calls where only x0 is a Variable."""
    return sub(x1, x0)


def mul(x0: Any, x1: Any) -> Variable:
    """x0 * x1."""
    return Mul()(x0, x1)


def div(x0: Any, x1: Any) -> Variable:
    """x0 / x1."""
    return Div()(x0, x1)


def rdiv(x0: Any, x1: Any) -> Variable:
    """x1 / x0: what `x1 / x0` calls where only x0 is a Variable."""
    return div(x1, x0)


def neg(x: Any) -> Variable:
    """-x."""
    return Neg()(x)


def pow(x: Any, c: Any) -> Variable:
    """x ** c."""
    return Pow(c)(x) if isinstance(c, int | float) else Power()(x, c)


def as_variable(x: Any) -> core.Variable:
    """x itself if it is a Variable, else a Variable of it."""
    return x if isinstance(x, core.Variable) else Variable(as_array(x))


OPERATORS = {
    "__add__": add,
    "__radd__": add,
    "__sub__": sub,
    "__rsub__": rsub,
    "__mul__": mul,
    "__rmul__": mul,
    "__truediv__": div,
    "__rtruediv__": rdiv,
    "__neg__": neg,
    "__pow__": pow,
}


def setup_variable() -> None:
    """Give Variable its operators; importing this module has done it already."""
    for name, operation in OPERATORS.items():
        setattr(Variable, name, operation)


setup_variable()
