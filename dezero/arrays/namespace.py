"""Which library an array belongs to: NumPy, CuPy, or any other duck array.

The array decides, never a global switch. A duck array is anything with `__array_function__`,
`shape` and `dtype` that is not a NumPy scalar: CuPy arrays, and the arrays that trace a run.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from types import ModuleType
from typing import Any, TypeAlias

import numpy as np

from ..errors import DeviceError, DTypeError, described
from .operand import Operand, plain

# A NumPy array or a duck array; static typing cannot say more than the protocols do.
Array: TypeAlias = Any


def is_array(x: object) -> bool:
    """Whether x is an array: a NumPy array, or a duck array of another library."""
    if isinstance(x, np.ndarray):
        return True
    return (
        hasattr(x, "__array_function__")
        and hasattr(x, "dtype")
        and not isinstance(x, np.generic)
        and not isinstance(x, Operand)
    )


def as_array(x: Any) -> Array:
    """x as an array: arrays stay what they are, numbers and NumPy scalars become 0-d arrays.

    Args:
        x: An array, a number, or a nested list of numbers.

    Raises:
        DTypeError: x holds anything but numbers (or truth values).

    >>> from dezero import as_array
    >>> as_array(2.0)
    array(2.)
    """
    if isinstance(x, np.number):  # a result of 0-d arrays: the common case, quicker
        return np.asarray(x)
    if is_array(x):
        return x
    if isinstance(x, Operand):
        raise DTypeError("as_array takes arrays and numbers, not a Variable: write x.data")
    y = np.asarray(x)
    if y.dtype.kind not in "biufc":
        raise DTypeError(f"{described(x)} is no array of numbers; write np.array(...) first")
    return y


def namespace(*arrays: Array) -> ModuleType:
    """The module (NumPy or CuPy) whose functions make arrays like these.

    Raises:
        DeviceError: The arrays are of different devices.
    """
    cupy = sys.modules.get("cupy")
    if cupy is None:
        return np
    gpu = any(isinstance(x, cupy.ndarray) for x in arrays)
    if gpu and any(isinstance(x, np.ndarray) for x in arrays):
        raise DeviceError(
            "some arrays are NumPy's (CPU) and some are CuPy's (GPU): "
            "move them to one device with to_gpu() or to_cpu()"
        )
    return cupy if gpu else np


def mixed_devices(arrays: Iterable[Array]) -> DeviceError | None:
    """The error of arrays that are on the CPU and on the GPU; None where they are on one."""
    try:
        namespace(*arrays)
    except DeviceError as error:
        return error
    return None


def beside(x: Array, others: Iterable[Any]) -> Array:
    """A NumPy array where the others are: arrays, Variables, or what has no place.

    >>> beside(np.array(2.0), [np.ones(3)])
    array(2.)
    """
    return namespace(*map(plain, others)).asarray(x) if "cupy" in sys.modules else x


def ones_like(x: Array) -> Array:
    """numpy.ones_like, quicker."""
    if x.ndim == 0 and namespace(x) is np:
        return x.dtype.type(1)
    y = x.copy()
    y.fill(1)
    return y


def sum_to(x: Any, shape: tuple[int, ...]) -> Any:
    """x, an array or a Variable, summed over the axes along which `shape` was broadcast to it.

    >>> sum_to(np.ones((2, 3)), (3,))
    array([2., 2., 2.])
    """
    if x.shape == shape:
        return x
    lead = x.ndim - len(shape)
    stretched = [i + lead for i, n in enumerate(shape) if n == 1 and x.shape[i + lead] != 1]
    return x.sum(axis=(*range(lead), *stretched)).reshape(shape)


def spread(x: Any, shape: tuple[int, ...]) -> Any:
    """x, an array or a Variable, repeated to a shape that it broadcasts to: undoes `sum_to`.

    np.broadcast_to, except that NumPy arrays are copied: quicker for small ones, and matrix
    products take the result as it is.

    >>> spread(np.array([1.0, 2.0]), (2, 2))
    array([[1., 2.],
           [1., 2.]])
    """
    if not isinstance(x, np.ndarray | np.generic):
        return np.broadcast_to(x, shape)
    y = np.empty(shape, x.dtype)
    y[...] = x
    return y
