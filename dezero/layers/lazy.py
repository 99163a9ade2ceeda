"""Parameters whose arrays are made at the first call, when the input's size is known."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Array, as_array, as_numpy, namespace
from ..core import Parameter
from ..errors import DeZeroError, StateError, described


class LazyParameter(Parameter):
    """A Parameter without an array, and what its array will be.

    Args:
        template: Its shape, with None for the sizes that are not known yet.
        template_dtype: Its dtype.
        name: As of any Variable.
    """

    def __init__(
        self, template: tuple[int | None, ...], template_dtype: Any, name: str | None = None
    ) -> None:
        super().__init__(None, name)
        self.template = template
        self.template_dtype = np.dtype(template_dtype)


def anticipated(param: Parameter) -> tuple[tuple[int | None, ...], np.dtype[Any]] | None:
    """The shape and dtype that a Parameter has or will have; None where nothing is known."""
    if param.data is not None:
        return tuple(param.shape), param.dtype
    if isinstance(param, LazyParameter):
        return param.template, param.template_dtype
    return None


def shown(shape: tuple[int | None, ...]) -> str:
    """A shape as text, "?" for a size that is not known yet."""
    sizes = ["?" if size is None else str(size) for size in shape]
    return f"({', '.join(sizes)}{',' if len(sizes) == 1 else ''})"


def fitted(param: Parameter, array: Any) -> Array:
    """A copy of array as the data of param: of its dtype, on its device.

    Raises:
        StateError: The shape or the kind of number differs from what param has or will have.
    """
    try:
        array = as_array(array)
    except DeZeroError as error:
        raise StateError(f"is no array of numbers: {error}") from None
    known = anticipated(param)
    if known is None:
        return np.array(as_numpy(array))
    shape, dtype = known
    fits = len(shape) == array.ndim and all(
        size in (None, found) for size, found in zip(shape, array.shape, strict=True)
    )
    if not fits or array.dtype.kind != dtype.kind:
        raise StateError(f"is {described(array)}, but must be {shown(shape)} {dtype}")
    return namespace(param.data).array(as_numpy(array), dtype)
