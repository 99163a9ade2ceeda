"""Recording: what a ufunc, a reduction or any other call of traced arrays writes on the tape."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from ...core.graph import propagate
from ...errors import CompileError
from .tape import Call, Ref, Tape, View, innermost, program_line, reshaped
from .tracearray import NUMBERS, TraceArray
from .tracenumber import TraceNumber

GRAPH = propagate.__code__.co_filename
COMPARISONS = (np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal)
REDUCTIONS = ("add", "multiply", "maximum", "minimum", "logical_and", "logical_or")


def plain(x: Any) -> Any:
    """X with the real value in place of every traced array."""
    if isinstance(x, TraceArray):
        return x.look()
    if isinstance(x, tuple | list):
        return type(x)([plain(e) for e in x])
    if isinstance(x, dict):
        return {k: plain(v) for k, v in x.items()}
    return x


def arrays_in(x: Any) -> list[np.ndarray[Any, Any]]:
    """The real arrays in what `plain` gave."""
    if isinstance(x, np.ndarray):
        return [x]
    if isinstance(x, tuple | list):
        return [a for e in x for a in arrays_in(e)]
    return [a for e in x.values() for a in arrays_in(e)] if isinstance(x, dict) else []


def templated(tape: Tape, x: Any, ins: list[int]) -> Any:
    """X with a Ref in place of every array, whose nodes are added to `ins`."""
    if isinstance(x, tuple | list):
        return type(x)([templated(tape, e, ins) for e in x])
    if isinstance(x, dict):
        return {k: templated(tape, v, ins) for k, v in x.items()}
    if isinstance(x, TraceNumber):
        return x.seen()
    if isinstance(x, TraceArray | np.ndarray):
        ins.append(x.node if isinstance(x, TraceArray) else tape.const(x))
        return Ref(len(ins) - 1)
    return x


def node_of(tape: Tape, x: Any, dtype: Any) -> int:
    """The node of an operand that an operation reads in a dtype if it is a Python number."""
    if isinstance(x, TraceArray):
        return tape.scalar(x.entry, np.dtype(dtype)) if isinstance(x, TraceNumber) else x.node
    if type(x) in NUMBERS:
        return tape.const(np.asarray(x).astype(dtype))
    return tape.const(x)


def kind_of(x: Any) -> Any:
    """A value's dtype, or its type where it is a Python number and gives way to the others."""
    if isinstance(x, np.ndarray):
        return x.dtype
    if isinstance(x, bool):
        return np.dtype(bool)
    return type(x) if type(x) in NUMBERS else np.asarray(x).dtype


@lru_cache(maxsize=1 << 10)
def computed_in(ufunc: Any, *kinds: Any) -> tuple[np.dtype[Any], ...]:
    """The dtypes that a ufunc computes in, and that of its result."""
    if ufunc in COMPARISONS and kinds == (int, int):  # NumPy compares Python's as objects
        kinds = (np.dtype(np.int64),) * 2
    dtypes: tuple[np.dtype[Any], ...] = ufunc.resolve_dtypes((*kinds, None))
    return dtypes


def target(out: Any) -> TraceArray | None:
    """The traced array that `out=` names; None where a new one is made."""
    out = out[0] if isinstance(out, tuple) else out
    if out is None:
        return None
    if not isinstance(out, TraceArray):
        raise CompileError(
            f"{program_line()}: a value of the step is written into an array that the compiler "
            "does not see: make it an attribute of the model, or an argument"
        )
    return out if isinstance(out.value, np.ndarray) else None


def adds_gradients(out: Any) -> bool:
    """Whether the core is adding up gradients, the first of which is a constant."""
    return isinstance(out, np.ndarray) and innermost() == GRAPH


def record_ufunc(
    tape: Tape, ufunc: Any, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """`getattr(ufunc, method)(*inputs, **kwargs)`, on the tape."""
    if not tape.open:
        if kwargs.get("out") is not None:
            kwargs["out"] = plain(kwargs["out"])
        return getattr(ufunc, method)(*plain(inputs), **kwargs)
    if method == "reduce" and ufunc.__name__ in REDUCTIONS:
        return record_reduction(tape, ufunc, *inputs, **kwargs)
    if method == "at":
        return record_at(tape, ufunc, *inputs)
    out = kwargs.pop("out", None)
    # the core adds to gradients that it owns: nothing else can see that the sum is a new array
    out = None if out is not None and adds_gradients(out[0]) else target(out)
    if method != "__call__" or kwargs or ufunc.nout > 1 or ufunc.nin > 2:
        result = record_call(tape, getattr(ufunc, method), inputs, kwargs, ufunc.__name__)
        return stored(out, result)
    count = len(tape.nodes)
    values = [plain(x) for x in inputs]
    dtypes = computed_in(ufunc, *[kind_of(x) for x in values])
    value = ufunc(*values) if out is None else ufunc(*values, out=out.value)
    ins = tuple([node_of(tape, x, d) for x, d in zip(inputs, dtypes, strict=False)])
    if ufunc is np.matmul:
        node = tape.add("matmul", "", ins, None, np.shape(value), dtypes[-1])
        return stored(out, value, tape, node, count)
    shape = np.shape(value) if out is None else np.broadcast_shapes(*map(np.shape, values))
    if all(tape.constant(i) is not None for i in ins):
        with np.errstate(all="ignore"):
            node = tape.const(ufunc(*[tape.constant(i) for i in ins]))
    else:
        node = tape.add("ufunc", ufunc.__name__, ins, dtypes, shape, dtypes[-1])
    return stored(out, value, tape, node, count)


def stored(
    out: TraceArray | None, value: Any, tape: Tape | None = None, node: int = -1, count: int = 0
) -> Any:
    """A result as a new traced array, or in the place that `out=` named.

    `count` are the nodes that there were when the operation began.
    """
    if tape is None:  # already a traced array
        if out is None:
            return value
        out[...] = value
        return out
    if out is None:
        return TraceArray(value, tape, node, made=tape.line_since(count))
    out.write(node)
    return out


def record_reduction(
    tape: Tape,
    ufunc: Any,
    x: Any,
    axis: Any = 0,
    dtype: Any = None,
    out: Any = None,
    keepdims: bool = False,
    **kwargs: Any,
) -> Any:
    """`ufunc.reduce(x, axis)`, on the tape; the node always keeps the axes."""
    out = target(out)
    given = {"axis": axis, "keepdims": keepdims} | ({"dtype": dtype} if dtype else {})
    kwargs = {k: v for k, v in kwargs.items() if v is not np._NoValue}
    if kwargs or not isinstance(x, TraceArray):
        return stored(out, record_call(tape, ufunc.reduce, (x,), given | kwargs, "reduce"))
    count = len(tape.nodes)
    value = ufunc.reduce(np.asarray(x.value), **given)
    axes = range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    axes = tuple(sorted([int(a) % x.ndim for a in axes if x.ndim]))
    kept = tuple([1 if i in axes else n for i, n in enumerate(x.shape)])
    if axes:
        node = tape.add("reduce", ufunc.__name__, (x.node,), axes, kept, value.dtype)
    else:
        node = tape.cast(x.node, value.dtype)
    node = tape.view(node, reshaped(np.shape(value)), np.asarray(value))
    if out is not None:
        out.value[...] = value
    return stored(out, value, tape, node, count)


def record_at(tape: Tape, ufunc: Any, x: Any, index: Any, value: Any = None) -> None:
    """`ufunc.at(x, index, value)`, on the tape."""
    if target(x) is None or value is None:
        raise CompileError(f"{program_line()}: np.{ufunc.__name__}.at of these arguments")
    ins = [x.node, node_of(tape, value, x.dtype)]
    attr = templated(tape, index, ins)
    ufunc.at(x.value, plain(index), plain(value))
    x.write(tape.add("at", ufunc.__name__, tuple(ins), attr, x.shape, x.dtype, unique=True))


def record_call(
    tape: Tape, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Any, name: str
) -> Any:
    """`function(*args, **kwargs)`, on the tape as it is."""
    out = target(kwargs.get("out"))
    kwargs = {k: v for k, v in kwargs.items() if k != "out"}
    ins: list[int] = []
    template = templated(tape, args, ins), templated(tape, kwargs, ins)
    values, options = plain(args), plain(kwargs)
    given = arrays_in((values, options))
    before = [x.tobytes() for x in given]
    result = function(*values, **options)
    if before != [x.tobytes() for x in given]:
        raise CompileError(f"{program_line()}: {name} writes into its arguments")
    tape.calls += 1
    call = Call(name, function, *template)
    several = isinstance(result, tuple | list)
    results = [
        recorded(tape, call, tuple(ins), k, r, args, given)
        for k, r in enumerate(result if several else (result,))
    ]
    if several:
        return type(result)(results) if type(result) in (tuple, list) else tuple(results)
    return stored(out, results[0])


def recorded(
    tape: Tape, call: Call, ins: tuple[int, ...], k: int, result: Any, args: Any, given: Any
) -> Any:
    """One result of a call as a traced array; a Python value is seen, so it is a guard."""
    if not isinstance(result, np.ndarray | np.generic | bool | int | float):
        raise CompileError(f"{program_line()}: {call.name} gives a {type(result).__name__}")
    first = args[0] if args else None
    array = np.asarray(result)
    if isinstance(result, np.ndarray) and any(np.may_share_memory(result, x) for x in given):
        if not isinstance(first, TraceArray) or len(ins) > 1:
            raise CompileError(f"{program_line()}: {call.name} gives a view of its arguments")
        args, kwargs, function = call.args[1:], call.kwargs, call.function

        def taken(x: Any) -> Any:
            y = function(x, *args, **kwargs)
            return y[k] if isinstance(y, tuple | list) else y

        return first.viewed(View(call.name, (k, repr(args), repr(kwargs)), taken), result)
    node = tape.add("call", call.name, ins, (tape.calls, k, call), array.shape, array.dtype, True)
    traced = TraceArray(result, tape, node, made=tape.nodes[node].line)
    return traced if isinstance(result, np.ndarray | np.generic) else traced.seen()
