"""An array that is not NumPy's: what ops meet as a CuPy array, or as the trace of a run."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin


class DuckArray(NDArrayOperatorsMixin):
    """Computes as NumPy does, and refuses to become a NumPy array without being asked.

    Everything that it takes part in gives DuckArrays again, so that an op which silently falls
    back to NumPy, or mixes the two, is found on any machine.
    """

    def __init__(self, data: np.ndarray) -> None:
        self._data = data

    shape = property(lambda self: self._data.shape)
    dtype = property(lambda self: self._data.dtype)
    ndim = property(lambda self: self._data.ndim)
    size = property(lambda self: self._data.size)
    T = property(lambda self: DuckArray(self._data.T))

    def get(self) -> np.ndarray:
        """The NumPy array, as CuPy's method of the name gives it."""
        return self._data

    def __array__(self, *args: Any, **kwargs: Any) -> np.ndarray:
        raise TypeError("a DuckArray was turned into a NumPy array without being asked")

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return wrapped(getattr(ufunc, method)(*unwrapped(inputs), **unwrapped(kwargs)))

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if not all(issubclass(t, DuckArray | np.ndarray) for t in types):
            return NotImplemented
        plain = getattr(function, "__wrapped__", function)
        plain = plain if function.__module__.startswith("dezero") else function
        return wrapped(plain(*unwrapped(args), **unwrapped(kwargs)))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or not hasattr(np.ndarray, name):
            raise AttributeError(name)
        method = getattr(self._data, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            return wrapped(method(*unwrapped(args), **unwrapped(kwargs)))

        return call if callable(method) else method

    def __getitem__(self, index: Any) -> Any:
        return wrapped(self._data[unwrapped(index)])

    def __setitem__(self, index: Any, value: Any) -> None:
        self._data[unwrapped(index)] = unwrapped(value)

    def __len__(self) -> int:
        return len(self._data)

    def __bool__(self) -> bool:
        return bool(self._data)

    def __repr__(self) -> str:
        return f"DuckArray({self._data})"


def wrapped(x: Any) -> Any:
    """x with every NumPy array (or scalar) in it as a DuckArray."""
    if isinstance(x, tuple | list):
        return type(x)(wrapped(e) for e in x)
    return DuckArray(np.asarray(x)) if isinstance(x, np.ndarray | np.generic) else x


def unwrapped(x: Any) -> Any:
    """x with every DuckArray in it as its NumPy array."""
    if isinstance(x, tuple | list):
        return type(x)(unwrapped(e) for e in x)
    if isinstance(x, dict):
        return {k: unwrapped(v) for k, v in x.items()}
    return x._data if isinstance(x, DuckArray) else x
