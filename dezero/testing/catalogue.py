"""The sample catalogue: what every op is tried on, and what it must give.

A module `samples/<family>.py` lists `OPS`, one `Op` for each public function of
`dezero/functions/<family>.py`. One parametrised suite (`tests/functions/test_catalogue.py`) derives
from them: value, first and second derivative, dtypes, layouts, empty arrays, aliasing, errors.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..arrays import is_array
from . import samples


@dataclass(frozen=True)
class Sample:
    """One call of an op.

    Args:
        args: Positional arguments. Every float64 array among them becomes a Variable that is
            differentiated; a `Fixed` array is passed as a plain array (labels, masks).
        kwargs: Keyword arguments, passed as they are.
        twice: Whether the second derivative is checked (False only where it is documented
            as not defined, e.g. at a tie).
    """

    args: tuple[Any, ...]
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    twice: bool = True


@dataclass(frozen=True)
class Fixed:
    """An array argument that is not differentiated."""

    data: np.ndarray


@dataclass(frozen=True)
class Refusal:
    """A call that must raise an error naming these words."""

    args: tuple[Any, ...]
    error: type[Exception]
    words: tuple[str, ...]
    kwargs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Op:
    """A public function, its independent reference and what it is tried on.

    Args:
        name: The function's name in `dezero.functions`.
        reference: NumPy/SciPy/mpmath in float64: takes what the function takes, as arrays, and
            returns an array, or a tuple of them.
        samples: Calls that succeed.
        refusals: Calls that must fail, and how.
        differentiable: False for ops whose result is a constant (comparisons, accuracy).
        integers: What integer arrays give: "float" (like np.exp), "same" (like np.add), or None
            where the op refuses them or they make no sense.
        tolerance: Of float32 results, relative to the largest magnitude.
        empty: Arguments with a zero-size array and the shape of the result, or None where zero
            size has no meaning and is among the refusals.
    """

    name: str
    reference: Callable[..., Any]
    samples: tuple[Sample, ...]
    refusals: tuple[Refusal, ...] = ()
    differentiable: bool = True
    integers: str | None = "float"
    tolerance: float = 1e-5
    empty: tuple[Sample, tuple[int, ...]] | None = None

    @property
    def function(self) -> Callable[..., Any]:
        """The public function."""
        return getattr(importlib.import_module("dezero.functions"), self.name)


def catalogue() -> dict[str, Op]:
    """Every op of every family, by name."""
    ops: dict[str, Op] = {}
    for module in pkgutil.iter_modules(samples.__path__):
        family = importlib.import_module(f"{samples.__name__}.{module.name}")
        for op in family.OPS:
            if op.name in ops:
                raise ValueError(f"{op.name} has samples in two families")
            ops[op.name] = op
    return ops


def drawn(*shape: int, seed: int = 0, low: float = -1.0, high: float = 1.0) -> np.ndarray:
    """A float64 array of seeded uniform numbers, away from each other (no ties)."""
    return np.random.default_rng([seed, *shape]).uniform(low, high, shape)


def mapped(args: tuple[Any, ...], change: Callable[[np.ndarray], Any]) -> list[Any]:
    """A sample's arguments with every differentiated array changed, inside lists of them too.

    >>> mapped((np.ones(2), 3, Fixed(np.zeros(1))), lambda x: x + 1)
    [array([2., 2.]), 3, array([0.])]
    """
    out: list[Any] = []
    for x in args:
        if is_operand(x):
            out.append(change(x))
        elif isinstance(x, Fixed):
            out.append(x.data)
        elif isinstance(x, list) and x and is_operand(x[0]):
            out.append([change(e) for e in x])
        else:
            out.append(x)
    return out


def is_operand(x: Any) -> bool:
    """Whether an argument of a sample is an array that is differentiated."""
    return is_array(x) and x.dtype == np.float64
