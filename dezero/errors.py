"""Every exception that DeZero raises.

Each derives from `DeZeroError` and from the built-in exception that fits, so both
`except DeZeroError` and `except ValueError` catch what one would expect.
"""

from __future__ import annotations

from collections.abc import Iterable
from inspect import signature
from typing import Any


class DeZeroError(Exception):
    """Base of every exception that DeZero raises."""


class ShapeError(DeZeroError, ValueError):
    """Operands whose shapes or values do not fit together or with the attributes."""


class DTypeError(DeZeroError, TypeError):
    """An operand of a type or dtype that the operation does not take."""


class IndexingError(DeZeroError, IndexError):
    """An index outside its axis, or of a kind that cannot index."""


class DeviceError(DeZeroError, RuntimeError):
    """Arrays of different devices in one operation, or a device that is not there."""


class NotDifferentiableError(DeZeroError, TypeError):
    """A NumPy function of a Variable for which DeZero has no derivative."""


class GraphError(DeZeroError, RuntimeError):
    """A backward pass that cannot be right: nothing recorded, or data changed since."""


class GradientError(DeZeroError, ValueError):
    """A backward method that returned gradients of the wrong number, shape or dtype."""


class ConfigError(DeZeroError, AttributeError):
    """A configuration name that does not exist."""


class SetupError(DeZeroError, RuntimeError):
    """A method called before what it needs was set up."""


class StateError(DeZeroError, ValueError):
    """Saved weights or state that do not fit the object they are loaded into."""


class DataError(DeZeroError, ValueError):
    """A data file that is missing, damaged, or not what it claims to be."""


class DownloadError(DeZeroError, OSError):
    """A file that could not be fetched whole and verified."""


class CompileError(DeZeroError, RuntimeError):
    """A program that cannot be compiled: it runs eagerly instead."""


class MissingDependencyError(DeZeroError, ImportError):
    """An optional library that is needed here and is not installed."""


def described(x: Any) -> str:
    """An operand as an error names it: shape and dtype of an array, else its repr."""
    if hasattr(x, "shape") and hasattr(x, "dtype"):
        return f"{tuple(x.shape)} {x.dtype}"
    text = repr(x)
    return text if len(text) <= 60 else f"{text[:57]}..."


def listed(problems: list[str]) -> str:
    """Problems in one line, the first five of them."""
    more = f"; and {len(problems) - 5} more" if len(problems) > 5 else ""
    return "; ".join(problems[:5]) + more


def complaint(op: str, operands: Iterable[tuple[str, Any]], problem: object) -> str:
    """`op: x is (3,) float32, W is (4, 5) float32: problem`."""
    names = ", ".join(f"{name} is {described(x)}" for name, x in operands)
    return f"{op}: {names}: {problem}" if names else f"{op}: {problem}"


def operands(function: Any, inputs: Iterable[Any]) -> list[tuple[str, Any]]:
    """A Function's input arrays under their own names, or those that its forward gives them."""
    names = [*signature(function.forward).parameters]
    names += [f"x{i}" for i in range(len(names), len(tuple(inputs)))]
    return [(x.name or name, x.data) for x, name in zip(inputs, names, strict=False)]


def blamed(error: Exception, function: Any, inputs: Iterable[Any]) -> Exception:
    """What a failed Function of ours raises: a DeZeroError that names op and operands."""
    message = complaint(function.op, operands(function, inputs), error)
    if isinstance(error, DeZeroError):
        return type(error)(message)
    # NumPy's AxisError is both of the first two: an axis that does not exist is one of shape
    kinds = {ValueError: ShapeError, IndexError: IndexingError, TypeError: DTypeError}
    for kind, ours in kinds.items():
        if isinstance(error, kind):
            return ours(message)
    return noted(error, function, inputs)


def noted(error: Exception, function: Any, inputs: Iterable[Any]) -> Exception:
    """The error of a user's Function: as it was raised, with a note on the operands."""
    error.add_note(complaint(function.op, operands(function, inputs), "in forward"))
    return error
