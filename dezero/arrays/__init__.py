"""Arrays: which library they belong to, and the kernels that NumPy lacks."""

from .namespace import Array, ArrayLike, as_array, is_array, namespace

__all__ = ["Array", "ArrayLike", "as_array", "is_array", "namespace"]
