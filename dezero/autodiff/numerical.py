"""Derivatives by central differences: slow, and right whatever a derivative rule says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..arrays import as_array
from ..core import Variable


def numerical_gradients(
    f: Callable[..., Any], xs: Sequence[np.ndarray], step: float = 1e-3
) -> list[np.ndarray]:
    """df/dx of a number f(*xs) for each float64 array x, elementwise.

    Fourth-order central differences,
    (8 (f(x+h) - f(x-h)) - (f(x+2h) - f(x-2h))) / (12 h): with h = 1e-3 both truncation and
    rounding stay near 1e-12 of f's scale.

    >>> numerical_gradients(lambda x: np.sum(x**3), [np.array([1.0, 2.0])])[0].round(6)
    array([ 3., 12.])
    """
    gradients = []
    for i, x in enumerate(xs):
        gx = np.zeros(x.shape)
        for at in np.ndindex(x.shape):

            def value(offset: float, i: int = i, at: Any = at) -> float:
                moved = [np.array(other, np.float64) for other in xs]
                moved[i][at] += offset
                return float(f(*moved))

            near, far = value(step) - value(-step), value(2 * step) - value(-2 * step)
            gx[at] = (8 * near - far) / (12 * step)
        gradients.append(gx)
    return gradients


def numerical_grad(f: Callable[..., Any], x: Any, *args: Any, **kwargs: Any) -> np.ndarray:
    """The gradient of sum(f(x, *args, **kwargs)) with respect to x, by central differences.

    Args:
        f: A function of a Variable.
        x: A Variable or an array; computed with in float64.
        *args: Passed on to f after x.
        **kwargs: Passed on to f.

    Returns:
        A float64 array of x's shape.

    >>> numerical_grad(lambda x: x**2, np.array([1.0, 3.0])).round(6)
    array([2., 6.])
    """

    def total(values: np.ndarray) -> Any:
        return np.sum(f(Variable(values), *args, **kwargs).data)

    return numerical_gradients(total, [as_array(_data(x)).astype(np.float64)])[0]


def gradient_check(
    f: Callable[..., Any],
    x: Any,
    *args: Any,
    rtol: float = 1e-4,
    atol: float = 1e-5,
    **kwargs: Any,
) -> bool:
    """Whether backward gives f the gradient that central differences find.

    Args:
        f: A function of a Variable.
        x: A Variable or an array; computed with in float64.
        *args: Passed on to f after x.
        rtol: Allowed difference, relative to the numerical gradient.
        atol: Allowed difference, absolute.
        **kwargs: Passed on to f.

    Returns:
        True if they agree; else False, after printing both gradients.

    >>> gradient_check(lambda x: x**2, np.array([1.0, 3.0]))
    True
    """
    variable = Variable(as_array(_data(x)).astype(np.float64))
    expected = numerical_grad(f, variable, *args, **kwargs)
    f(variable, *args, **kwargs).backward()
    got = np.zeros(variable.shape) if variable.grad is None else variable.grad.data
    agree = bool(np.allclose(got, expected, rtol=rtol, atol=atol))
    if not agree:
        print(f"gradient_check failed\nnumerical gradient: {expected}\nbackward: {got}")
    return agree


def _data(x: Any) -> Any:
    return x.data if isinstance(x, Variable) else x
