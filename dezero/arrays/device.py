"""Moving arrays between the CPU (NumPy) and the GPU (CuPy)."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import numpy as np

from ..errors import DeviceError, MissingDependencyError
from .namespace import Array, as_array
from .operand import plain


def import_cupy() -> Any:
    """The CuPy module.

    Raises:
        MissingDependencyError: CuPy is not installed.
    """
    try:
        import cupy
    except ImportError as error:
        raise MissingDependencyError(
            "CuPy is needed for arrays on a GPU and is not installed: pip install cupy-cuda12x "
            "(or the build for your CUDA version)"
        ) from error
    return cupy


def gpu_enable() -> bool:
    """Whether CuPy is installed and sees a GPU."""
    if find_spec("cupy") is None:
        return False
    try:
        return bool(import_cupy().cuda.runtime.getDeviceCount() > 0)
    except Exception:  # CuPy raises errors of its own where the driver is missing
        return False


def as_numpy(x: Any) -> np.ndarray[Any, Any]:
    """x (an array, a Variable or a number) as a NumPy array, copied only from a GPU.

    >>> as_numpy(2.0)
    array(2.)
    """
    x = plain(x)
    return x.get() if hasattr(x, "get") else np.asarray(as_array(x))


def as_cupy(x: Any) -> Array:
    """x (an array, a Variable or a number) as a CuPy array, copied to the GPU if not there.

    Raises:
        MissingDependencyError: CuPy is not installed.
        DeviceError: There is no GPU.
    """
    cupy = import_cupy()
    if not gpu_enable():
        raise DeviceError("CuPy finds no GPU: stay on the CPU, or check the driver")
    return cupy.asarray(plain(x))
