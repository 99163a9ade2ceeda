"""Kernels: functions of arrays that NumPy lacks, dispatched as NumPy dispatches its own."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import numpy as np

K = TypeVar("K", bound=Callable[..., Any])


def kernel(function: K) -> K:
    """Let arrays that are not NumPy's answer a call of this function first.

    A positional argument with `__array_function__` (a Variable, an array that traces a run) is
    asked as NumPy would ask it. Where it has no answer of its own (CuPy), the function runs.

    >>> @kernel
    ... def double(x):
    ...     return x + x
    >>> double(np.array([1.0, 2.0]))
    array([2., 4.])
    """

    @wraps(function)
    def dispatch(*args: Any, **kwargs: Any) -> Any:
        parts = [part for x in args for part in (x if type(x) is tuple else (x,))]
        for x in parts:  # an index may be a tuple of arrays
            if not isinstance(x, np.ndarray) and hasattr(x, "__array_function__"):
                y = x.__array_function__(dispatch, (type(x),), args, kwargs)
                if y is not NotImplemented:
                    return y
        return function(*args, **kwargs)

    return dispatch  # type: ignore[return-value]
