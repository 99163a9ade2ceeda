"""The operators and methods of Variable: the one table that joins the core to the ops."""

from __future__ import annotations

from typing import Any

from ..arrays import as_cupy, as_numpy
from ..core import Variable
from . import arithmetic, comparison, indexing, linalg, protocols, reduction, shape


def method_reshape(x: Variable, *shape_: Any) -> Variable:
    """x.reshape(2, 3) or x.reshape((2, 3))."""
    return shape.reshape(x, shape_[0] if len(shape_) == 1 else shape_)


def method_transpose(x: Variable, *axes: Any) -> Variable:
    """x.transpose(), x.transpose(1, 0) or x.transpose((1, 0))."""
    if not axes:
        return shape.transpose(x)
    return shape.transpose(x, axes[0] if len(axes) == 1 else axes)


def to_cpu(x: Variable) -> None:
    """Move the array of a Variable into NumPy."""
    if x.data is not None:
        x.data = as_numpy(x.data)


def to_gpu(x: Variable) -> None:
    """Move the array of a Variable to the GPU, into CuPy."""
    if x.data is not None:
        x.data = as_cupy(x.data)


OPERATORS = {
    "__add__": arithmetic.add,
    "__radd__": lambda x, other: arithmetic.add(other, x),
    "__sub__": arithmetic.sub,
    "__rsub__": lambda x, other: arithmetic.sub(other, x),
    "__mul__": arithmetic.mul,
    "__rmul__": lambda x, other: arithmetic.mul(other, x),
    "__truediv__": arithmetic.div,
    "__rtruediv__": lambda x, other: arithmetic.div(other, x),
    "__pow__": arithmetic.pow,
    "__rpow__": lambda x, other: arithmetic.pow(other, x),
    "__matmul__": linalg.matmul,
    "__rmatmul__": lambda x, other: linalg.matmul(other, x),
    "__neg__": arithmetic.neg,
    "__pos__": arithmetic.pos,
    "__abs__": arithmetic.abs,
    "__lt__": comparison.less,
    "__le__": comparison.less_equal,
    "__gt__": comparison.greater,
    "__ge__": comparison.greater_equal,
    "__getitem__": indexing.get_item,
    "__len__": protocols.length,
    "__iter__": protocols.iterate,
    "__bool__": lambda x: bool(x.data),
    "__float__": lambda x: float(x.data.item()),
    "__int__": lambda x: int(x.data.item()),
    "__index__": lambda x: x.data.__index__(),
    "item": protocols.item,
    "__array__": protocols.array,
    "__array_ufunc__": protocols.array_ufunc,
    "__array_function__": protocols.array_function,
    "reshape": method_reshape,
    "transpose": method_transpose,
    "T": property(shape.transpose),
    "sum": reduction.sum,
    "mean": reduction.mean,
    "max": reduction.max,
    "min": reduction.min,
    "matmul": linalg.matmul,
    "dot": linalg.dot,
    "to_cpu": to_cpu,
    "to_gpu": to_gpu,
    "astype": arithmetic.astype,
}


def setup_variable() -> None:
    """Give Variable its operators and methods; importing `dezero` has done it already."""
    for name, operation in OPERATORS.items():
        setattr(Variable, name, operation)
