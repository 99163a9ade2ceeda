"""CuPy's double: arrays that are not NumPy's, and are as strict as a GPU's.

What runs on these runs on CuPy as far as a machine without a GPU can tell: they never mix with
NumPy's arrays, become one only by `get()`, and their sums are 0-d arrays, never scalars.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from ..arrays import Operand


class DuckArray(NDArrayOperatorsMixin):
    """Computes as NumPy does, with DuckArrays, NumPy scalars and numbers only."""

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
        if any(isinstance(x, Operand) for x in inputs):
            return NotImplemented
        given = unmixed(inputs), unmixed(kwargs)
        return wrapped(getattr(ufunc, method)(*given[0], **given[1]))

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if not all(issubclass(t, DuckArray | np.ndarray) for t in types):
            return NotImplemented
        if function.__module__.startswith("dezero"):
            return NotImplemented  # a kernel of ours: it runs on these arrays as it stands
        return wrapped(function(*unmixed(args), **unmixed(kwargs)))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or not hasattr(np.ndarray, name):
            raise AttributeError(name)
        method = getattr(self._data, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            if not self.ndim and kwargs.get("axis") is not None:
                raise np.exceptions.AxisError(kwargs["axis"], 0)
            return wrapped(method(*unmixed(args), **unmixed(kwargs)))

        return call if callable(method) else method

    def __getitem__(self, index: Any) -> Any:
        return wrapped(self._data[unwrapped(index)])

    def __setitem__(self, index: Any, value: Any) -> None:
        self._data[unwrapped(index)] = unmixed(value)

    def __len__(self) -> int:
        return len(self._data)

    def __bool__(self) -> bool:
        return bool(self._data)

    def __float__(self) -> float:
        return float(self._data)

    def __int__(self) -> int:
        return int(self._data)

    def __str__(self) -> str:
        return str(self._data)

    def __repr__(self) -> str:
        return f"DuckArray({self._data})"


def wrapped(x: Any) -> Any:
    """x with every NumPy array (or scalar) in it as a DuckArray."""
    if isinstance(x, tuple | list):
        return type(x)(wrapped(e) for e in x)
    return DuckArray(np.asarray(x)) if isinstance(x, np.ndarray | np.generic) else x


def unwrapped(x: Any) -> Any:
    """x with every DuckArray in it as its NumPy array."""
    return changed(x, lambda e: e)


def unmixed(x: Any) -> Any:
    """Unwrapped, where x has no NumPy arrays in it.

    Raises:
        TypeError: It has, as CuPy says it.
    """

    def refused(e: Any) -> Any:
        if isinstance(e, np.ndarray):
            raise TypeError(f"Unsupported type {type(e)}")
        return e

    return changed(x, refused)


def changed(x: Any, other: Callable[[Any], Any]) -> Any:
    """x with every DuckArray in it as its NumPy array, and `other` of all else."""
    if isinstance(x, tuple | list):
        return type(x)(changed(e, other) for e in x)
    if isinstance(x, dict):
        return {k: changed(v, other) for k, v in x.items()}
    return x._data if isinstance(x, DuckArray) else other(x)


class DuckModule(ModuleType):
    """CuPy's double: NumPy's functions, which give and take DuckArrays."""

    ndarray = DuckArray
    cuda = SimpleNamespace(runtime=SimpleNamespace(getDeviceCount=lambda: 1))

    def __init__(self) -> None:
        super().__init__("cupy")
        self.__spec__ = ModuleSpec("cupy", None)

    def asarray(self, x: Any, dtype: Any = None) -> DuckArray:
        """x on the device, as it is if it is there already."""
        if isinstance(x, DuckArray) and dtype in (None, x.dtype):
            return x
        return self.array(x, dtype)

    def array(self, x: Any, dtype: Any = None) -> DuckArray:
        """A copy of x on the device."""
        return DuckArray(np.array(unwrapped(x), dtype))

    def __getattr__(self, name: str) -> Any:
        function = getattr(np, name)
        if isinstance(function, type) or not callable(function):
            return function
        return lambda *args, **kwargs: wrapped(function(*unmixed(args), **unmixed(kwargs)))


@contextmanager
def double_of_cupy() -> Iterator[DuckModule]:
    """Let `import cupy` give the double, as if this machine had a GPU."""
    real = sys.modules.get("cupy")
    double = DuckModule()
    sys.modules["cupy"] = double
    try:
        yield double
    finally:
        del sys.modules["cupy"]
        if real is not None:
            sys.modules["cupy"] = real
