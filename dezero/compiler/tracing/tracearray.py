"""TraceArray: computes on the real value, and writes what it computes on the tape.

It is a duck array, as CuPy's arrays are: the program that it runs through stays as it is. What it
does not know it records as a call of the NumPy function itself, so that every function works.
"""

from __future__ import annotations

import operator
import sys
from functools import cache
from typing import Any
from weakref import ref

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from ...errors import CompileError
from .tape import LIBRARIES, Tape, View, composed, indexed, program_line, reshaped, transposed

NUMBERS = (bool, int, float, complex)
CONSTANT_ATTRIBUTES = {"flags", "strides", "itemsize", "nbytes", "device"}
FORBIDDEN = {"ctypes", "data", "tobytes", "tofile", "dump", "dumps", "sort", "partition", "put"}
FORBIDDEN |= {"resize", "itemset", "setflags", "setfield", "byteswap", "view", "base"}
POWERS = {2: np.square, 0.5: np.sqrt, -1: np.reciprocal}  # as ndarray.__pow__ computes them


class TraceArray(NDArrayOperatorsMixin):
    """An array of a traced run: its value, and the node that says how it was computed.

    A `value` that is a NumPy scalar cannot be written into, as anywhere. A view
    knows its `base` and how it was taken: a write goes to the base, and whoever looks at another
    view of it later sees a new node.
    """

    __slots__ = (
        "__weakref__",
        "_node",
        "base",
        "made",
        "reshaped",
        "tape",
        "value",
        "version",
        "view_of",
    )
    __array_priority__ = 100
    weak = False  # a number, which gives way to the dtype of arrays

    def __init__(
        self,
        value: Any,
        tape: Tape,
        node: int,
        base: TraceArray | None = None,
        view: View | None = None,
        made: str = "",
    ) -> None:
        self.value = value
        self.tape = tape
        self._node = node
        self.base = base
        self.view_of = view
        self.version = 0 if base is None else base.current()
        self.reshaped: int | None = None  # id of whose strides decided if a reshape is a view
        self.made = made or program_line()
        tape.made.append(ref(self))

    shape = property(lambda self: np.shape(self.look()))
    ndim = property(lambda self: np.ndim(self.look()))
    size = property(lambda self: np.size(self.look()))
    dtype = property(lambda self: np.asarray(self.look()).dtype)
    T = property(lambda self: self.transpose())

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        """What `isinstance` sees: to the program the type of the value, to DeZero the truth."""
        if sys._getframe(1).f_code.co_filename.startswith(LIBRARIES):
            return TraceArray
        return type(self.value)

    def look(self) -> Any:
        """The real value, for its shape or dtype; noted, or a slot would count as unread."""
        self.tape.looked.add(self._node)
        return self.value

    def current(self) -> int:
        """Counts the writes into the memory that this array is part of."""
        base = self.base
        return self.version if base is None else base.current()

    def owner(self) -> TraceArray:
        """The array that has the memory of this one."""
        return self if self.base is None else self.base.owner()

    @property
    def node(self) -> int:
        """The node of the present value: taken again from a base that was written into."""
        if self.base is not None and self.version != self.base.current():
            assert self.view_of is not None
            self._node = self.tape.view(self.base.node, self.view_of, self.value)
            self.version = self.base.current()
        return self._node

    def write(self, node: int) -> None:
        """Make `node` the present value; the real array has been written into already."""
        tape = self.tape
        node = tape.cast(node, self.dtype)
        if tape.nodes[node].shape != self.shape:
            shape = self.shape
            view = View("broadcast", shape, lambda x: np.broadcast_to(x, shape))
            node = tape.view(node, view, np.broadcast_to(np.empty((), self.dtype), shape))
        if self.base is None:
            self._node = node
            self.version += 1
            if self.reshaped is not None:
                self.tape.laid.add(self.reshaped)
            return
        views: list[View] = []
        array = self
        while array.base is not None:
            assert array.view_of is not None
            views.insert(0, array.view_of)
            array = array.base
        array.write(
            tape.add("set", "", (array.node, node), composed(views), array.shape, array.dtype)
        )
        self._node = node
        self.version = array.version

    def viewed(self, view: View, value: Any) -> TraceArray:
        """The result of taking a view, which may have been a copy."""
        count = len(self.tape.nodes)
        node = self.tape.view(self.node, view, value)
        shares = isinstance(self.value, np.ndarray) and np.may_share_memory(value, self.value)
        line = self.tape.line_since(count)
        return TraceArray(value, self.tape, node, self if shares else None, view, line)

    # --- what Python code sees of the value

    def seen(self, truth: bool = False) -> Any:
        """The real value, noted as a guard."""
        if self.tape.open:
            self.tape.guard(self.node, self.value, truth)
        return self.value

    def __bool__(self) -> bool:
        return bool(self.seen(truth=True))

    def __int__(self) -> int:
        return int(self.seen())

    def __float__(self) -> float:
        return float(self.seen())

    def __index__(self) -> int:
        return operator.index(self.seen())

    def item(self, *args: Any) -> Any:
        """One element as a Python number."""
        return np.asarray(self.seen()).item(*args)

    def tolist(self) -> Any:
        """The elements as Python numbers."""
        return np.asarray(self.seen()).tolist()

    def __len__(self) -> int:
        return len(self.look())

    def __iter__(self) -> Any:
        return (self[i] for i in range(len(self)))

    def __format__(self, spec: str) -> str:
        return format(np.asarray(self.seen())[()], spec)

    def __repr__(self) -> str:
        return repr(np.asarray(self.seen()))

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        if not self.tape.open:
            return np.array(self.value, *args, **kwargs)
        raise CompileError(
            f"{program_line()}: np.asarray, or code that is not NumPy's, takes a value of the "
            "step: it would be a constant from then on"
        )

    # --- what it computes

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        for x in inputs:
            if type(x) is not TraceArray and hasattr(x, "is_variable"):
                return NotImplemented
        return recorder()(self.tape, ufunc, method, inputs, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        from .functions import record_function

        if any(hasattr(kind, "is_variable") for kind in types):
            return NotImplemented
        return record_function(self.tape, function, args, kwargs)

    def __pow__(self, other: Any) -> Any:
        quick = POWERS.get(other) if type(other) in (int, float) else None
        if quick is not None and self.dtype.kind == "f":
            return quick(self)
        return np.power(self, other)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or not hasattr(np.ndarray, name):
            raise AttributeError(name)
        from .record import record_call

        if not self.tape.open or name in CONSTANT_ATTRIBUTES:
            self.tape.laid.add(id(self.owner()))
            return getattr(np.asarray(self.look()), name)
        if name in FORBIDDEN:
            raise CompileError(f"{program_line()}: .{name} of a value of the step")
        method = getattr(np.ndarray, name)
        if not callable(method):  # real, imag, flat
            return record_call(self.tape, lambda x: getattr(x, name), (self,), {}, name)
        return lambda *args, **kw: record_call(self.tape, method, (self, *args), kw, name)

    def __getitem__(self, index: Any) -> Any:
        from .record import plain, record_call

        if not self.tape.open:
            return self.value[plain(index)]
        index = settled(index)
        if is_basic(index):
            value = self.value[index]
            if isinstance(value, np.ndarray):
                return self.viewed(indexed(index), value)
            node = self.tape.view(self.node, indexed(index), np.asarray(value))
            return TraceArray(value, self.tape, node)
        return record_call(self.tape, operator.getitem, (self, index), {}, "getitem")

    def __setitem__(self, index: Any, new: Any) -> None:
        from .record import node_of, plain, templated

        if not self.tape.open:
            self.value[plain(index)] = plain(new)
            return
        tape, index = self.tape, settled(index)
        own = isinstance(new, TraceArray) and new.base is self and is_basic(index)
        if own and new.view_of == indexed(index):
            return  # the end of x[index] += y, which wrote into the view
        ins: list[int] = [self.node, node_of(tape, new, self.dtype)]
        attr = indexed(index) if is_basic(index) else templated(tape, index, ins)
        self.value[plain(index)] = plain(new)
        self.write(tape.add("set", "", tuple(ins), attr, self.shape, self.dtype, unique=True))

    # --- methods that have a node of their own

    def reshape(self, *shape: Any, **kwargs: Any) -> Any:
        """x.reshape(shape)."""
        order = kwargs.get("order", "C")
        if order in ("A", "K"):
            raise CompileError(f"{program_line()}: order={order!r} asks how a value lies in memory")
        if order == "F":
            from .record import record_call

            return record_call(self.tape, np.ndarray.reshape, (self, *shape), kwargs, "reshape")
        return self.flat_view(np.asarray(self.value).reshape(*shape, **kwargs))

    def flat_view(self, value: Any) -> Any:
        """A reshaped value as a traced array: a view or a copy, as the strides decided."""
        root, result = self.owner(), self.viewed(reshaped(value.shape), value)
        decides = id(root) if root.reshaped is None else root.reshaped
        root.reshaped = result.owner().reshaped = decides
        return result

    def ravel(self, order: str = "C") -> Any:
        """x.ravel(): a view where it is dense."""
        if order != "C":
            return self.reshape(-1, order=order)
        return self.flat_view(np.asarray(self.value).ravel())

    def flatten(self, order: str = "C") -> Any:
        """x.flatten(): a copy."""
        return self.reshape(-1, order=order).copy()

    def squeeze(self, axis: Any = None) -> Any:
        """x.squeeze(axis)."""
        return self.reshape(np.squeeze(self.value, axis).shape)

    def transpose(self, *axes: Any) -> Any:
        """x.transpose(axes)."""
        if len(axes) == 1 and (axes[0] is None or isinstance(axes[0], tuple | list)):
            axes = tuple(axes[0] or ())
        order = tuple(int(a) % self.ndim for a in axes) or tuple(range(self.ndim))[::-1]
        return self.viewed(transposed(order), np.asarray(self.value).transpose(order))

    def swapaxes(self, a: int, b: int) -> Any:
        """x.swapaxes(a, b)."""
        order = list(range(self.ndim))
        order[a], order[b] = order[b], order[a]
        return self.transpose(order)

    def astype(self, dtype: Any, copy: bool = True, **kwargs: Any) -> Any:
        """x.astype(dtype)."""
        if not copy and self.dtype == np.dtype(dtype):
            return self
        value = np.asarray(self.value).astype(dtype, **kwargs)
        return TraceArray(value, self.tape, self.tape.cast(self.node, value.dtype))

    def copy(self, order: str = "C") -> Any:
        """x.copy(order)."""
        return TraceArray(np.array(self.value, order=order), self.tape, self.node)  # type: ignore[call-overload]

    __copy__ = copy

    def __deepcopy__(self, memo: Any) -> Any:
        return self.copy()

    def fill(self, number: Any) -> None:
        """x.fill(number)."""
        self[...] = number

    def sum(self, axis: Any = None, dtype: Any = None, out: Any = None, **kwargs: Any) -> Any:
        """x.sum(axis)."""
        return np.add.reduce(self, axis, dtype, out, **kwargs)

    def prod(self, axis: Any = None, dtype: Any = None, out: Any = None, **kwargs: Any) -> Any:
        """x.prod(axis)."""
        return np.multiply.reduce(self, axis, dtype, out, **kwargs)

    def max(self, axis: Any = None, out: Any = None, **kwargs: Any) -> Any:
        """x.max(axis)."""
        return np.maximum.reduce(self, axis, None, out, **kwargs)

    def min(self, axis: Any = None, out: Any = None, **kwargs: Any) -> Any:
        """x.min(axis)."""
        return np.minimum.reduce(self, axis, None, out, **kwargs)

    def mean(self, axis: Any = None, dtype: Any = None, out: Any = None, **kwargs: Any) -> Any:
        """x.mean(axis), in the steps that NumPy takes."""
        from .record import record_call

        if self.dtype.kind != "f" or self.dtype == np.float16 or dtype or out is not None:
            rest = {"dtype": dtype, "out": out, **kwargs}
            rest = {name: x for name, x in rest.items() if x is not None}
            return record_call(self.tape, np.ndarray.mean, (self, axis), rest, "mean")
        total = self.sum(axis, **kwargs)
        return total / self.dtype.type(self.size // total.size if total.size else 0)

    def var(self, axis: Any = None, **kwargs: Any) -> Any:
        """x.var(axis), in the steps that NumPy takes."""
        from .record import record_call

        if self.dtype.kind != "f" or self.dtype == np.float16 or set(kwargs) - {"keepdims"}:
            return record_call(self.tape, np.ndarray.var, (self, axis), kwargs, "var")
        centred = self - self.mean(axis, keepdims=True)
        return (centred * centred).mean(axis, **kwargs)


@cache
def recorder() -> Any:
    """What records a ufunc: imported late, as it needs this module, but once: that takes time."""
    from .record import record_ufunc

    return record_ufunc


def settled(index: Any) -> Any:
    """An index whose slices have plain numbers: traced ones are seen, so they are guards."""
    if isinstance(index, tuple):
        return tuple([settled(part) for part in index])
    if isinstance(index, slice):
        ends = (index.start, index.stop, index.step)
        return slice(*[None if end is None else operator.index(end) for end in ends])
    return index


def is_basic(index: Any) -> bool:
    """Whether an index gives a view: made of integers, slices, None and `...`."""
    if isinstance(index, tuple):
        return all(is_basic(part) for part in index)
    if isinstance(index, bool | np.bool_):
        return False
    return index is None or index is Ellipsis or isinstance(index, slice | int | np.integer)
