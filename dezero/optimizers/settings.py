"""Settings that optimizers and hooks are made with."""

from __future__ import annotations

from math import isfinite

from ..errors import ShapeError


def at_least_zero(owner: object, name: str, value: float) -> float:
    """value, or an error that names the setting."""
    if not (isfinite(value) and value >= 0):
        raise ShapeError(f"{type(owner).__name__}: {name} is {value}, but must be 0 or more")
    return value


def fraction(owner: object, name: str, value: float) -> float:
    """value, or an error that names the setting."""
    if not 0 <= value < 1:
        raise ShapeError(f"{type(owner).__name__}: {name} is {value}, but must be in [0, 1)")
    return value
