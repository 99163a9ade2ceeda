"""Moving arrays between the CPU (NumPy) and the GPU (CuPy)."""

from __future__ import annotations

from importlib.util import find_spec
from types import ModuleType
from typing import Any

import numpy as np

from ..errors import DeviceError, MissingDependencyError
from .namespace import Array


def cupy() -> ModuleType:
    """The CuPy module.

    Raises:
        MissingDependencyError: CuPy is not installed.
    """
    if find_spec("cupy") is None:
        raise MissingDependencyError(
            "to_gpu needs CuPy, which is not installed: pip install cupy-cuda12x (or the build "
            "for your CUDA version), or stay on the CPU"
        )
    import cupy

    return cupy  # type: ignore[no-any-return]


def gpu_enable() -> bool:
    """Whether CuPy is installed and sees a GPU."""
    if find_spec("cupy") is None:
        return False
    try:
        return bool(cupy().cuda.runtime.getDeviceCount() > 0)
    except Exception:  # CuPy raises its own errors where the driver is missing
        return False


def as_numpy(x: Any) -> np.ndarray:
    """x (an array of any device, a Variable, or a number) as a NumPy array on the CPU.

    >>> as_numpy(2.0)
    array(2.)
    """
    x = getattr(x, "data", x) if getattr(x, "is_variable", False) else x
    return x.get() if hasattr(x, "get") and hasattr(x, "device") else np.asarray(x)


def as_cupy(x: Any) -> Array:
    """x (an array of any device, a Variable, or a number) as a CuPy array on the GPU.

    Raises:
        MissingDependencyError: CuPy is not installed.
        DeviceError: There is no GPU.
    """
    library = cupy()
    if not gpu_enable():
        raise DeviceError("to_gpu: CuPy finds no GPU; stay on the CPU, or check the driver")
    return library.asarray(getattr(x, "data", x) if getattr(x, "is_variable", False) else x)
