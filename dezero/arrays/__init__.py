"""Arrays: which library they belong to, and the kernels that NumPy lacks."""

from .device import as_cupy, as_numpy
from .namespace import Array, as_array, is_array, namespace, ones_like, spread, sum_to
from .scatter import scatter_add

__all__ = [
    "Array",
    "as_array",
    "as_cupy",
    "as_numpy",
    "is_array",
    "namespace",
    "ones_like",
    "scatter_add",
    "spread",
    "sum_to",
]
