"""NumPy's and Python's protocols for Variables: `np.exp(x)`, `len(x)`, `float(x)`.

Ops register themselves with `@implements(np.exp)`: that is what lets one derivative rule be read
by arrays and by Variables. A NumPy function that we lack is an error, never a silent conversion.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from inspect import signature
from operator import getitem
from typing import Any, TypeVar

import numpy as np

from ..core import Variable
from ..errors import DTypeError, NotDifferentiableError

F = TypeVar("F", bound=Callable[..., Any])

NUMPY_FUNCTIONS: dict[Any, Callable[..., Any]] = {}


def implements(*numpy_functions: Any) -> Callable[[F], F]:
    """Let a NumPy function (or `(ufunc, method)`) of Variables mean the decorated one."""

    def register(ours: F) -> F:
        NUMPY_FUNCTIONS.update(dict.fromkeys(numpy_functions, ours))
        return ours

    return register


def numpy_call(function: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """A NumPy function of Variables, as ours."""
    ours = NUMPY_FUNCTIONS.get(function)
    if ours is None:
        raise NotDifferentiableError(
            f"{named(function)} of a Variable has no derivative here: write x.data for the plain "
            "array, or compose it from dezero.functions"
        )
    if kwargs.pop("out", None) is not None:
        raise NotDifferentiableError(
            f"{named(function)}: a result of Variables cannot be written into an existing array, "
            "which would lose the graph: write y = a + x instead of a += x or out=a"
        )
    try:
        return ours(*args, **kwargs)
    except TypeError:
        takes = signature(ours)
        try:
            takes.bind(*args, **kwargs)
        except TypeError as error:
            raise NotDifferentiableError(
                f"{named(function)} of a Variable: {error}: here it takes {takes}"
            ) from None
        raise


def named(function: Any) -> str:
    """A NumPy function, or a ufunc and its method, as a program writes it."""
    parts = function if isinstance(function, tuple) else (function,)
    return ".".join(["np", *[str(getattr(part, "__name__", part)) for part in parts]])


def array_ufunc(self: Variable, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
    """`Variable.__array_ufunc__`."""
    return numpy_call(ufunc if method == "__call__" else (ufunc, method), inputs, kwargs)


def array_function(self: Variable, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
    """`Variable.__array_function__`."""
    return numpy_call(function, args, dict(kwargs))


implements(np.shape)(lambda x: x.shape)
implements(np.ndim)(lambda x: x.ndim)
implements(np.size)(lambda x: x.size)


def array(self: Variable, *args: Any, **kwargs: Any) -> np.ndarray:
    """`Variable.__array__`."""
    raise DTypeError(
        f"{self.label()} would lose its graph as a plain array: write x.data for the array"
    )


def length(self: Variable) -> int:
    """`len(x)`: the size of the first axis."""
    return len(self.data)


def iterate(self: Variable) -> Iterator[Variable]:
    """`iter(x)`: along the first axis."""
    return (getitem(self, i) for i in range(len(self.data)))


def item(self: Variable) -> Any:
    """The one element as a Python number."""
    return self.data.item()
