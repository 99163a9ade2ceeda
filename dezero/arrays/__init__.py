"""Arrays: which library they belong to, and the kernels that NumPy lacks."""

from .namespace import Array, as_array, is_array, namespace, ones_like, sum_to

__all__ = ["Array", "as_array", "is_array", "namespace", "ones_like", "sum_to"]
