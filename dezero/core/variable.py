"""Variable: an array that knows which Function made it."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from ..arrays import Array, Operand, as_array, beside, is_array, ones_like
from ..errors import DTypeError, GradientError, GraphError, described
from .config import using_config
from .graph import Gradient, creators, propagate

if TYPE_CHECKING:
    from .function import Function


class Clock:
    """Counts the assignments to any Variable's data."""

    now = 0  # the latest
    watch: Callable[..., Any] | None = None  # set in debug mode: notes what arrays hold
    lock = Lock()

    def tick(self) -> int:
        with self.lock:
            self.now += 1
            return self.now


clock = Clock()


class Variable(Operand):
    """A box for an array that can be differentiated with respect to.

    Args:
        data: The array (NumPy or CuPy), or None for one that is set later; anything else is a
            DTypeError.
        name: What errors and pictures of the graph call it.

    >>> x = Variable(np.array([1.0, 2.0]), name="x")
    >>> (x * x).sum().backward()
    >>> x.grad
    variable([2. 4.])
    """

    __slots__ = ("__weakref__", "_changed", "_data", "creator", "generation", "grad", "name")
    __array_priority__ = 200

    def __init__(self, data: Array, name: str | None = None) -> None:
        if type(data) is not ndarray and data is not None and not is_array(data):
            raise DTypeError(
                f"Variable: data is {described(data)}, a {type(data).__name__}, but must be an "
                "array: write Variable(np.array(...))"
            )
        self._data = data
        self._changed = 0  # when data was last assigned
        self.grad: Variable | None = None  # sums up until cleargrad()
        self.name = name
        self.creator: Function | None = None  # what made it; None for a leaf
        self.generation = 0  # one more than the creator's

    def _set_data(self, data: Array) -> None:
        self._data = data if type(data) is ndarray or data is None else as_array(data)
        self._changed = clock.tick()

    # attrgetter runs in C: half the cost of a property written in Python
    data = property(attrgetter("_data"), _set_data)
    shape = property(attrgetter("_data.shape"))
    ndim = property(attrgetter("_data.ndim"))
    size = property(attrgetter("_data.size"))
    dtype = property(attrgetter("_data.dtype"))

    def set_creator(self, creator: Function) -> None:
        """Link this Variable to the Function that made it."""
        self.creator = creator
        self.generation = creator.generation + 1

    def unchain(self) -> None:
        """Forget the creator: the backward pass stops here."""
        self.creator = None

    def unchain_backward(self) -> None:
        """Cut the graph behind this Variable into single steps, which frees it."""
        for f in list(creators(self)):
            for x in f.inputs:
                x.unchain()

    def cleargrad(self) -> None:
        """Forget the gradient, so that the next backward pass starts from nothing."""
        self.grad = None

    def backward(
        self,
        retain_grad: bool = False,
        create_graph: bool = False,
        gradient: Variable | Array | None = None,
    ) -> None:
        """Add the gradient of this Variable to `.grad` of every leaf it was computed from.

        Args:
            retain_grad: Give the Variables on the way their `.grad` as well.
            create_graph: Record the pass itself, so that gradients can be differentiated.
            gradient: What to start from, of this shape; default: `.grad` if set, else ones.

        Raises:
            GraphError: Nothing made this Variable, or data that the pass needs has changed.
            GradientError: gradient, or what a `backward` method returned, does not fit.
        """
        if self.creator is None:
            raise GraphError(
                f"backward of {self.label()}: no Function made it (a leaf, a constant, or computed "
                "under no_grad()): call backward() on what was computed from Variables"
            )
        seed = self.grad if gradient is None else gradient
        gy: Gradient = ones_like(self._data) if seed is None else as_variable(seed)._data
        if seed is not None and gy.shape != self.shape:
            raise GradientError(f"backward of {self.label()}: gradient has the shape {gy.shape}")
        retained: dict[Variable, Gradient] | None = {} if retain_grad else None
        if create_graph:
            with using_config("enable_backprop", True):
                gy = box(gy) if seed is None else as_variable(seed)
                _hand_out(*propagate(self, gy, True, retained))
        else:
            _hand_out(*propagate(self, gy, False, retained))
        if retained:
            for x in retained:
                x.grad = None
            _hand_out(retained, set())

    def label(self) -> str:
        """Name, shape and dtype: what errors call this Variable."""
        return f"{self.name or 'a Variable'} {described(self._data)}"

    def __repr__(self) -> str:
        return "variable(" + str(self._data).replace("\n", "\n" + " " * 9) + ")"

    def __getstate__(self) -> tuple[Any, ...]:
        # copies and pickles are leaves: the graph stays with the original
        return self._data, self.name, self.grad, getattr(self, "__dict__", {})

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        Variable.__init__(self, *state[:2])
        self.grad = state[2]
        self.generation = -1 if isinstance(self, Constant) else 0
        for name, value in state[3].items():
            setattr(self, name, value)


class Parameter(Variable):
    """A Variable that a Layer learns."""

    __slots__ = ()


class Constant(Variable):
    """An operand that was no Variable: no gradient is computed for it.

    Its generation is -1: what constants alone were computed from is known at once.
    """

    __slots__ = ()


new = object.__new__


def box(data: Array, kind: type[Variable] = Variable, generation: int = 0) -> Any:
    """Variable(data), quicker; a NumPy scalar becomes an array."""
    y = new(kind)
    y._data = data if type(data) is ndarray else as_array(data)
    y._changed = 0
    y.generation = generation
    y.grad = y.name = y.creator = None
    return y


def constant(x: Any, others: tuple[Any, ...] = ()) -> Constant:
    """x as a Constant where the operands are that it meets; a Python number takes their dtype."""
    kind = type(x)
    if kind is float or kind is int or kind is bool or kind is complex:
        dtypes = [other.dtype for other in others if hasattr(other, "dtype")]
        weak = kind is float and len(dtypes) == 1 and dtypes[0].kind == "f"  # the common case
        y = np.array(x, dtypes[0] if weak else np.result_type(x, *dtypes))
    elif is_array(x):
        return box(x, Constant, -1)  # type: ignore[no-any-return]
    else:
        y = as_array(x)
    return box(beside(y, others), Constant, -1)  # type: ignore[no-any-return]


def as_variable(x: Any) -> Variable:
    """x itself if it is a Variable, else a Variable of it."""
    return x if isinstance(x, Variable) else Variable(as_array(x))


def _hand_out(grads: dict[Variable, Gradient], owned: set[Variable]) -> None:
    """Add gradients to .grad in x's dtype, copying those that something else holds as well."""
    for x, gx in grads.items():
        if x not in owned or gx.dtype != x.dtype:  # float32 times float64 gives float64
            gx = gx.astype(x.dtype if x.dtype.kind in "fc" else gx.dtype)
        if x.grad is not None:
            old = as_variable(x.grad)
            gx = old + gx if isinstance(gx, Variable) else old._data + gx
        x.grad = gx if isinstance(gx, Variable) else box(gx)
