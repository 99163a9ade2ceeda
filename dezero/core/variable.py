"""Variable: an array that knows which Function made it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from operator import attrgetter
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from ..arrays import Array, as_array, is_array
from ..errors import DTypeError, GradientError, GraphError, described
from .config import using_config
from .graph import Gradient, creators, propagate

if TYPE_CHECKING:
    from .function import Function


class Clock:
    """Counts the assignments to any Variable's data; `now` is the latest."""

    __slots__ = ("lock", "now", "watching")

    def __init__(self) -> None:
        self.now = 0
        self.watching = 0  # how many debug_mode() blocks are open
        self.lock = Lock()

    def tick(self) -> int:
        with self.lock:
            self.now += 1
            return self.now


clock = Clock()


@contextmanager
def debug_mode() -> Iterator[None]:
    """Find arrays that were written into (`x.data[0] = 1`) before backward needed them.

    Costs a checksum of every operand; without it, assignments to `.data` are found. Holds for
    all threads.
    """
    clock.watching += 1
    try:
        yield
    finally:
        clock.watching -= 1


class Variable:
    """A box for an array that can be differentiated with respect to.

    Args:
        data: The array (NumPy or CuPy), or None for one that is set later.
        name: What errors and pictures of the graph call it.

    Attributes:
        data: The array. Changing it while a backward pass still needs it is an error there.
        grad: The gradient, a Variable, or None; sums up until `cleargrad()`.
        creator: The Function that made it; None for a leaf.
        generation: 0 for a leaf, else one more than its creator's.

    Raises:
        DTypeError: data is no array.

    >>> x = Variable(np.array([1.0, 2.0]), name="x")
    >>> y = (x * x).sum()
    >>> y.backward()
    >>> x.grad
    variable([2. 4.])
    """

    __slots__ = ("__weakref__", "_changed", "_data", "creator", "generation", "grad", "name")
    __array_priority__ = 200
    is_variable = True  # for floors that cannot import this class

    def __init__(self, data: Array, name: str | None = None) -> None:
        if type(data) is not ndarray and data is not None and not is_array(data):
            raise DTypeError(
                f"Variable: data is {described(data)}, a {type(data).__name__}, but must be an "
                "array: write Variable(np.array(...))"
            )
        self._data = data
        self._changed = 0
        self.grad: Variable | None = None
        self.name = name
        self.creator: Function | None = None
        self.generation = 0

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
        """Record that `creator` made this Variable."""
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
            gradient: What the pass starts from, of this Variable's shape; by default `.grad`
                where the program has set it, else ones.

        Raises:
            GraphError: No Function made this Variable, or data that the pass needs has
                changed since.
            GradientError: gradient, or what a Function's `backward` returned, does not fit.
        """
        if self.creator is None:
            raise GraphError(
                f"backward of {self.label()}: no Function made it (a leaf, a constant, or computed "
                "under no_grad()): call backward() on what was computed from Variables"
            )
        gy = self._seed(self.grad if gradient is None else gradient, create_graph)
        retained: dict[Variable, Gradient] | None = {} if retain_grad else None
        if create_graph:
            with using_config("enable_backprop", True):
                self._collect(gy, True, retained)
        else:
            self._collect(gy, False, retained)

    def _seed(self, gradient: Variable | Array | None, create_graph: bool) -> Gradient:
        """The gradient that the pass starts from: an array, or a Variable."""
        if gradient is None:
            gy = ones_like(self._data)
            return box(gy) if create_graph else gy
        gradient = as_variable(gradient)
        if gradient.shape != self.shape:
            raise GradientError(
                f"backward of {self.label()}: gradient is {described(gradient)}, but must have "
                f"the shape {self.shape}"
            )
        return gradient if create_graph else gradient._data

    def _collect(
        self, gy: Gradient, create_graph: bool, retained: dict[Variable, Gradient] | None
    ) -> None:
        """Run the pass and hand out the gradients."""
        grads, owned = propagate(self, gy, create_graph, retained)
        for x, gx in grads.items():
            gx = finished(gx, x in owned)
            if x.grad is not None:
                old = as_variable(x.grad)
                gx = old + gx if create_graph else box(old._data + gx._data)
            x.grad = gx
        for x, gx in (retained or {}).items():
            x.grad = finished(gx, False)

    def __array__(self, *args: Any, **kwargs: Any) -> ndarray:
        raise DTypeError(
            f"{self.label()} would lose its graph as a plain array: write x.data for the array"
        )

    def label(self) -> str:
        """Name, shape and dtype: what errors call this Variable."""
        return f"{self.name or 'a Variable'} {described(self) if is_array(self._data) else 'None'}"

    def __repr__(self) -> str:
        return "variable(" + str(self._data).replace("\n", "\n" + " " * 9) + ")"

    def __len__(self) -> int:
        return len(self._data)

    def __iter__(self) -> Iterator[Variable]:
        return (self[i] for i in range(len(self)))

    def __bool__(self) -> bool:
        return bool(self._data)

    def __float__(self) -> float:
        return float(self._data.item())

    def __int__(self) -> int:
        return int(self._data.item())

    def __index__(self) -> int:
        return self._data.__index__()  # type: ignore[no-any-return]

    def item(self) -> Any:
        """The one element as a Python number."""
        return self._data.item()

    def __getstate__(self) -> tuple[Any, ...]:
        # copies and pickles are leaves: the graph stays with the original
        return self._data, self.name, self.grad, getattr(self, "__dict__", {})

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        Variable.__init__(self, *state[:2])
        self.grad = state[2]
        self.generation = -1 if isinstance(self, Constant) else 0
        for name, value in state[3].items():
            setattr(self, name, value)

    if TYPE_CHECKING:  # dezero.functions adds these, the other operators and NumPy's protocols

        def __add__(self, other: Any) -> Variable: ...
        def __getitem__(self, index: Any) -> Variable: ...
        def __pos__(self) -> Variable: ...


class Parameter(Variable):
    """A Variable that a Layer learns."""

    __slots__ = ()


class Constant(Variable):
    """An operand that was no Variable: no gradient is computed for it.

    Its generation is -1, so a result of generation 0 was made of constants only.
    """

    __slots__ = ()


new = object.__new__


def box(data: Array) -> Variable:
    """Variable(data), quicker; a NumPy scalar becomes an array."""
    y = new(Variable)
    y._data = data if type(data) is ndarray else as_array(data)
    y._changed = y.generation = 0
    y.grad = y.name = y.creator = None
    return y


def constant(x: Any, *others: Any) -> Constant:
    """x as a Constant; a Python number takes its dtype from the operands that it meets."""
    c = new(Constant)
    kind = type(x)
    if kind is float and len(others) == 1 and others[0].dtype.kind == "f":
        c._data = np.array(x, others[0].dtype)  # the common case, quicker
    elif kind is float or kind is int or kind is bool or kind is complex:
        c._data = np.array(x, np.result_type(x, *[o.dtype for o in others]))
    else:
        c._data = as_array(x)
    c._changed = 0
    c.generation = -1
    c.grad = c.name = c.creator = None
    return c


def as_variable(x: Any) -> Variable:
    """x itself if it is a Variable, else a Variable of it.

    >>> as_variable(3.0)
    variable(3.0)
    """
    return x if isinstance(x, Variable) else Variable(as_array(x))


def finished(g: Gradient, owned: bool) -> Variable:
    """A gradient as a Variable that shares its array with nothing."""
    if isinstance(g, Variable):
        return g if owned else +g
    return box(g if owned else np.array(g))


def ones_like(x: Array) -> Array:
    """numpy.ones_like, quicker."""
    if x.ndim == 0:
        return x.dtype.type(1)
    y = x.copy()
    y.fill(1)
    return y
