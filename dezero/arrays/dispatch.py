"""How a kernel of ours meets arrays that are not NumPy's: as NumPy's own functions do."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import numpy as np

F = TypeVar("F", bound=Callable[..., Any])


def dispatched(kernel: F) -> F:
    """Let a first argument with `__array_function__` (a Variable, a trace) answer for the kernel.

    One that answers NotImplemented, as CuPy's arrays do, leaves the call to the kernel itself.

    >>> @dispatched
    ... def doubled(x):
    ...     return x + x
    >>> doubled(np.array([1.0, 2.0]))
    array([2., 4.])
    """

    @wraps(kernel)
    def call(x: Any, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(x, np.ndarray | np.generic):
            answer = x.__array_function__(call, (type(x),), (x, *args), kwargs)
            if answer is not NotImplemented:
                return answer
        return kernel(x, *args, **kwargs)

    return call  # type: ignore[return-value]
