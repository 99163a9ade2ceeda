"""Indexing: elements of an array, and their gradients back in their places."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import scatter_add
from ..arrays.scatter import gather
from ..core import Rule, Variable
from ..errors import IndexingError
from .protocols import implements
from .shape import checked, reshape

__all__ = ["embed_id", "embedding", "get_item", "take"]

Operand = Any  # a Variable, an array or a number; all but Variables are constants


def plain(index: Any) -> Any:
    """An index of what `scatter_add` takes: arrays in place of Variables and lists."""
    if isinstance(index, tuple):
        return tuple([plain(part) for part in index])
    if isinstance(index, list):
        return np.asarray(index) if index else np.empty(0, np.intp)
    return index.data if isinstance(index, Variable) else index


class GetItem(Rule):
    __slots__ = ("shape", "slices")
    keeps = "nothing"

    def __init__(self, slices: Any) -> None:
        self.slices = plain(slices)

    def forward(self, x):
        self.shape = x.shape
        return x[self.slices]

    def gradient(self, gy):
        return scatter_add(gy, self.slices, self.shape)


class GetItemGrad(Rule):
    """The gradient of GetItem: zeros, with gy added at the index."""

    __slots__ = ("shape", "slices")
    keeps = "nothing"
    fresh = False

    def __init__(self, slices: Any, shape: tuple[int, ...]) -> None:
        self.slices = slices
        self.shape = shape

    def forward(self, gy):
        return scatter_add(gy, self.slices, self.shape)

    def gradient(self, ggx):
        return gather(ggx, self.slices)


implements(scatter_add)(lambda gy, index, shape: GetItemGrad(index, shape).apply1(gy))
implements(gather)(lambda values, index: GetItem(index).apply1(values))


def get_item(x: Operand, slices: Any) -> Variable:
    """x[slices], with everything that NumPy indexes with.

    Args:
        x: Of any shape.
        slices: Integers, slices, `...`, None, arrays of integers or truth values (Variables of
            them are read as their arrays), or a tuple of such.

    Returns:
        What NumPy gives for x's array and the same index.

    Raises:
        IndexingError: An index outside its axis, or too many of them.

    Gradient:
        gy at the places that were read, summed where one was read more than once; 0 elsewhere.

    >>> import numpy as np, dezero.functions as F
    >>> F.get_item(np.array([[1.0, 2.0], [3.0, 4.0]]), (0, slice(None)))
    variable([1. 2.])
    """
    return GetItem(slices).apply1(x)


@implements(np.take)
def take(x: Operand, indices: Operand, axis: int | None = None) -> Variable:
    """The elements of x at indices along an axis.

    Args:
        x: Of any shape.
        indices: Integers, of any shape; negative ones count from the end.
        axis: The axis that is indexed; of x made flat where it is None.

    Returns:
        x's shape with that axis replaced by the shape of `indices`.

    Raises:
        IndexingError: An index outside the axis.

    Gradient:
        gy at the places that were read, summed where one was read more than once; 0 elsewhere.

    >>> import numpy as np, dezero.functions as F
    >>> F.take(np.array([[1.0, 2.0], [3.0, 4.0]]), [1, 1, 0], axis=1)
    variable([[2. 2. 1.]
              [4. 4. 3.]])
    """
    if axis is None:
        return get_item(reshape(x, -1), indices)
    (axis,) = checked("take", axis, x)
    return get_item(x, (*(slice(None),) * axis, indices))


class EmbedID(GetItem):
    __slots__ = ()
    op = "embed_id"

    def forward(self, W):
        kind = getattr(getattr(self.slices, "dtype", None), "kind", None)
        if kind not in ("i", "u"):
            raise IndexingError("x, the ids of rows of W, must be an array of integers")
        return super().forward(W)


def embed_id(x: Operand, W: Operand) -> Variable:
    """The rows of W that x names: W[x]; `embedding` is another name of it.

    Args:
        x: Integers, of any shape: an array, a Variable or a list.
        W: Of shape (V, D): one row for each of V ids.

    Returns:
        Of shape (*x.shape, D), in W's dtype.

    Raises:
        IndexingError: An id that W has no row for, or that is no integer.

    Gradient:
        To W, in W's dtype: gy in the rows that were read, summed where one was read more than
        once; 0 elsewhere.

    >>> import numpy as np, dezero.functions as F
    >>> F.embed_id(np.array([2, 0]), np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]))
    variable([[5. 6.]
              [1. 2.]])
    """
    return EmbedID(x).apply1(W)


embedding = embed_id
