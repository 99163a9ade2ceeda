"""NumPy's functions, and our kernels, of traced arrays.

Three ways: what has a node of its own (`np.where`), what NumPy or we compose of other operations
(`np.moveaxis`, `sigmoid`), and everything else, which is recorded as a call.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...arrays import special
from ...errors import CompileError
from .record import kind_of, node_of, plain, record_call, target
from .tape import Tape, broadcasted, program_line
from .tracearray import TraceArray

WRITERS: tuple[Any, ...] = (np.put, np.place, np.putmask, np.fill_diagonal, np.put_along_axis)
STATIC: tuple[Any, ...] = (
    np.shape,
    np.ndim,
    np.size,
    np.result_type,
    np.can_cast,
    np.iscomplexobj,
    np.isrealobj,
)
STATIC += (np.may_share_memory, np.shares_memory)
# composed of methods and ufuncs that a traced array has: NumPy's own code runs on it
COMPOSED: tuple[Any, ...] = (
    np.moveaxis,
    np.swapaxes,
    np.squeeze,
    np.ravel,
    np.transpose,
    np.reshape,
    np.sum,
)
COMPOSED += (np.max, np.min, np.amax, np.amin, np.prod, np.mean, np.var)


def record_function(tape: Tape, function: Any, args: tuple[Any, ...], kwargs: Any) -> Any:
    """`function(*args, **kwargs)` of at least one traced array, on the tape."""
    name = getattr(function, "__name__", "function")
    if not tape.open or function in STATIC:
        return function(*plain(args), **plain(kwargs))
    if function in WRITERS:
        raise CompileError(f"{program_line()}: np.{name} writes into its argument")
    if function in FUNCTIONS and first_is_traced(function, args):
        try:
            return FUNCTIONS[function](*args, **kwargs)
        except Unusual:
            pass
    elif function in COMPOSED and isinstance(args[0], TraceArray):
        return function._implementation(*args, **kwargs)
    elif function.__module__ == special.__name__ and isinstance(args[0], TraceArray):
        return function.__wrapped__(*args)
    return record_call(tape, function, args, kwargs, name)


class Unusual(Exception):
    """Arguments that the function's own node does not cover."""


def first_is_traced(function: Any, args: tuple[Any, ...]) -> bool:
    """Whether the first argument, where it matters, is a traced array."""
    return bool(args) and (isinstance(args[0], TraceArray) or function in (np.where, np.copyto))


def where(condition: Any, *choices: Any) -> Any:
    """np.where(condition, a, b)."""
    if len(choices) != 2:
        raise Unusual
    operands = (condition, *choices)
    tape = next(x.tape for x in operands if isinstance(x, TraceArray))
    values = plain(operands)
    value = np.where(*values)
    kinds = [kind_of(x) for x in values[1:]]
    dtype = np.result_type(*[kind if isinstance(kind, np.dtype) else kind(0) for kind in kinds])
    if all(type(x) in (int, float) for x in values[1:]):
        dtype = value.dtype
    ins = tape.cast(node_of(tape, condition, bool), np.dtype(bool))
    nodes = [tape.cast(node_of(tape, x, dtype), np.dtype(dtype)) for x in choices]
    node = tape.add("where", "", (ins, *nodes), None, value.shape, value.dtype)
    return TraceArray(value, tape, node)


def broadcast_to(x: Any, shape: Any, subok: bool = False) -> Any:
    """np.broadcast_to(x, shape)."""
    value = np.broadcast_to(x.value, shape)
    return x.viewed(broadcasted(value.shape), value)


def filled(number: float) -> Callable[..., Any]:
    """np.zeros_like and np.ones_like: constants, but arrays of the step that can be written to."""

    def like(x: Any, dtype: Any = None, order: str = "K", **kwargs: Any) -> Any:
        shape = kwargs.get("shape") or x.shape
        value = np.full(shape, number, dtype or x.dtype)
        return TraceArray(value, x.tape, x.tape.const(value))

    return like


def empty_like(x: Any, dtype: Any = None, order: str = "K", **kwargs: Any) -> Any:
    """np.empty_like(x): what it holds is nobody's concern."""
    value = np.zeros(kwargs.get("shape") or x.shape, dtype or x.dtype)
    node = x.tape.add("empty", "", (), None, value.shape, value.dtype, unique=True)
    return TraceArray(value, x.tape, node)


def clip(x: Any, low: Any = None, high: Any = None, **kwargs: Any) -> Any:
    """np.clip(x, low, high)."""
    if kwargs:
        raise Unusual
    x = x if low is None else np.maximum(x, low)
    return x if high is None else np.minimum(x, high)


def copyto(into: Any, x: Any, **kwargs: Any) -> None:
    """np.copyto(into, x)."""
    if kwargs or target(into) is None:
        raise CompileError(f"{program_line()}: np.copyto of these arguments")
    into[...] = x


def expand_dims(x: Any, axis: Any) -> Any:
    """np.expand_dims(x, axis)."""
    return x.reshape(np.expand_dims(x.value, axis).shape)


def dot(a: Any, b: Any) -> Any:
    """np.dot of vectors and matrices."""
    if np.ndim(plain(a)) not in (1, 2) or np.ndim(plain(b)) not in (1, 2):
        raise Unusual
    return np.matmul(a, b)


def copied(x: Any, order: str = "K", subok: bool = False) -> Any:
    """np.copy(x)."""
    return x.copy()


FUNCTIONS: dict[Any, Callable[..., Any]] = {
    np.where: where,
    np.broadcast_to: broadcast_to,
    np.zeros_like: filled(0),
    np.ones_like: filled(1),
    np.empty_like: empty_like,
    np.clip: clip,
    np.copyto: copyto,
    np.expand_dims: expand_dims,
    np.dot: dot,
    np.copy: copied,
    np.astype: lambda x, dtype, **kwargs: x.astype(dtype, **kwargs),
}
