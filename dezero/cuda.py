"""The book's import path of what moves arrays between CPU and GPU.

`cuda.gpu_enable` (a bool) and `cuda.cupy` (the module) are looked up when they are asked for, so
that importing DeZero loads NumPy only.
"""

from typing import Any

from .arrays import device
from .arrays.device import as_cupy, as_numpy
from .arrays.namespace import namespace
from .arrays.operand import plain


def get_array_module(x: Any) -> Any:
    """The module, NumPy or CuPy, of x: an array or a Variable."""
    return namespace(plain(x))


def __getattr__(name: str) -> Any:
    if name == "gpu_enable":
        return device.gpu_enable()
    if name == "cupy":
        return device.import_cupy()
    raise AttributeError(f"module 'dezero.cuda' has no attribute {name!r}")


__all__ = ["as_cupy", "as_numpy", "get_array_module"]
