"""The book's import path of the core of its first half: the same core, gradients as arrays."""

from typing import Any

from .arrays import as_array
from .core import Config, Function, as_variable, no_grad, using_config
from .core import Variable as FullVariable
from .functions import add, div, mul, neg, pow, sub
from .functions.operators import setup_variable


class Variable(FullVariable):
    """A Variable whose gradient is a plain array, as before gradients could be differentiated.

    >>> import numpy as np
    >>> x = Variable(np.array(3.0))
    >>> (x * x).backward()
    >>> x.data -= 0.1 * x.grad
    >>> x
    variable(2.4)
    """

    __slots__ = ()

    def _get_grad(self) -> Any:
        grad = FullVariable.grad.__get__(self)
        return grad.data if isinstance(grad, FullVariable) else grad

    # the core stores gradients in the slot of the same name
    grad = property(_get_grad, FullVariable.grad.__set__)
