"""Arrays: which library they belong to, and the kernels that NumPy lacks."""

from .dispatch import dispatched
from .namespace import Array, as_array, is_array, namespace, ones_like, sum_to
from .scatter import scatter_add

__all__ = [
    "Array",
    "as_array",
    "dispatched",
    "is_array",
    "namespace",
    "ones_like",
    "scatter_add",
    "sum_to",
]
