"""Sizes that layers are made with."""

from __future__ import annotations

from operator import index
from typing import Any

from ..errors import DTypeError, ShapeError


def positive(layer: str, name: str, size: Any) -> int:
    """size as an int, or an error that names the layer and the argument."""
    try:
        number = index(size)
    except TypeError:
        raise DTypeError(
            f"{layer}: {name} is {size!r}, but must be an integer: write {layer}({name}=...)"
        ) from None
    if number < 1:
        raise ShapeError(f"{layer}: {name} is {number}, but must be at least 1")
    return number
