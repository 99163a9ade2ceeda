"""Function: one operation, and the node of the graph that remembers it."""

from __future__ import annotations

import re
from copy import copy
from typing import Any, ClassVar
from weakref import ref

from numpy import ndarray

from ..arrays import Array, as_array, mixed_devices, namespace, sum_to
from ..errors import GradientError, GraphError, blamed, described, noted
from .config import SETTINGS, recording
from .graph import Gradient
from .variable import Variable, box, clock, constant, new


class Function:
    """An operation on Variables. Subclasses write `forward`, and `backward` for gradients.

    `forward(self, *xs)` gets arrays and returns an array or a tuple of them. `backward(self, *gys)`
    gets the outputs' gradients as Variables and returns the inputs', None where there is none.
    Written with Variables it can be differentiated again; with arrays (`self.input.data`) once.

    >>> import numpy as np
    >>> class Cube(Function):
    ...     def forward(self, x):
    ...         return x**3
    ...     def backward(self, gy):
    ...         return 3 * self.input**2 * gy
    >>> x = Variable(np.array(2.0))
    >>> Cube()(x).backward()
    >>> x.grad
    variable(12.0)
    """

    __slots__ = ("blanks", "clock", "generation", "inputs", "outputs", "witness")
    op: ClassVar[str] = "Function"  # what errors call it
    broadcasts: ClassVar[bool] = False  # gradients may have the broadcast shape: undone here
    fresh: ClassVar[bool] = False  # backward returns new arrays, each of them once
    keeps: ClassVar[str] = "both"  # what backward reads: inputs, outputs, both or nothing

    inputs: tuple[Variable, ...]
    outputs: tuple[ref[Variable], ...]  # weak, or a graph would never be freed
    generation: int  # the largest of its inputs'
    clock: int  # the time of the forward pass
    blanks: list[tuple[tuple[int, ...], Any]]  # shapes and dtypes of several outputs
    witness: Any  # in debug mode: finds the inputs that were written into

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.op = cls.__dict__.get("op", cls.__name__)

    def __call__(self, *inputs: Any) -> Any:
        if hasattr(self, "inputs"):
            self = copy(self)  # a second call is a second node of the graph
        return self.apply(inputs)

    def forward(self, *xs: Array) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no forward(self, *xs)")

    def backward(self, *gys: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no backward(self, *gys)")

    def apply(self, inputs: tuple[Any, ...]) -> Any:
        """self(*inputs), for a Function that is not part of a graph yet."""
        xs = tuple([x if isinstance(x, Variable) else constant(x, inputs) for x in inputs])
        try:
            ys = self.forward(*[x._data for x in xs])
        except Exception as error:
            raise self.explained(error, xs) from None
        generation = max([x.generation for x in xs])
        arrays = ys if type(ys) is tuple else (ys,)
        ys = tuple([self.record(xs, y, generation, recording()) for y in arrays])
        if len(ys) == 1:
            return ys[0]
        self.outputs = tuple([ref(y) for y in ys])
        self.blanks = [(y.shape, y.dtype) for y in ys]
        return ys

    def apply1(self, x: Any) -> Variable:
        """apply((x,)) where forward returns one array, quicker."""
        if not isinstance(x, Variable):
            x = constant(x)
        try:
            data = self.forward(x._data)
        except Exception as error:
            raise self.explained(error, (x,)) from None
        return self.record((x,), data, x.generation, recording())

    def apply2(self, x0: Any, x1: Any) -> Variable:
        """apply((x0, x1)) where forward returns one array, quicker."""
        if not isinstance(x1, Variable):
            if not isinstance(x0, Variable):
                return self.apply((x0, x1))  # type: ignore[no-any-return]
            x1 = constant(x1, (x0,))
        elif not isinstance(x0, Variable):
            x0 = constant(x0, (x1,))
        try:
            data = self.forward(x0._data, x1._data)
        except Exception as error:
            raise self.explained(error, (x0, x1)) from None
        generation = x0.generation if x0.generation > x1.generation else x1.generation
        return self.record((x0, x1), data, generation, recording())

    def record(
        self, inputs: tuple[Variable, ...], data: Array, generation: int, record: bool
    ) -> Variable:
        """An output as a Variable, with its place in the graph."""
        y = new(Variable)  # Variable(data), quicker
        y._data = data if type(data) is ndarray else as_array(data)
        y._changed = 0
        y.grad = y.name = None
        if record:
            if generation < 0:  # of constants only
                return constant(y._data)
            self.inputs = inputs
            self.outputs = (ref(y),)
            self.clock = clock.now
            self.generation = generation
            y.creator = self
            y.generation = generation + 1
            if clock.watch:
                self.witness = clock.watch(inputs)
        else:
            y.creator = None
            y.generation = 0
        return y

    input = property(lambda self: self.inputs[0])
    output = property(lambda self: self.outputs[0]())  # None where the program has dropped it

    def live_outputs(self) -> list[Variable]:
        """The outputs that the program, or the graph, still holds."""
        return [y for link in self.outputs if (y := link()) is not None]

    def needs(self, i: int) -> bool:
        """Whether the gradient of input i is wanted: it is not a constant."""
        return self.inputs[i].generation >= 0

    def pull(self, grads: dict[Any, Gradient], recorded: bool) -> Any:
        """Take the outputs' gradients out of grads and return the inputs'."""
        if self.clock != clock.now or clock.watch:
            self.check_unchanged()
        gys = [g if isinstance(g, Variable) else box(g) for g in self.taken(grads)]
        token = SETTINGS["enable_backprop"].set(recorded)
        try:
            gxs = self.backward(*gys)
        finally:
            SETTINGS["enable_backprop"].reset(token)
        gxs = gxs if isinstance(gxs, tuple | list) else (gxs,)
        gxs = tuple([g._data if isinstance(g, Variable) and not recorded else g for g in gxs])
        return self.fitted(gxs, recorded)

    def taken(self, grads: dict[Any, Gradient]) -> list[Gradient]:
        """The outputs' gradients; zeros for an output that was dropped or not used."""
        if len(self.outputs) == 1:
            return [grads.pop(self.outputs[0]())]
        gys = [grads.pop(y(), None) for y in self.outputs]  # y() is None where y is gone
        zeros = namespace(*[x._data for x in self.inputs]).zeros
        return [zeros(*self.blanks[i]) if g is None else g for i, g in enumerate(gys)]

    def fitted(self, gxs: tuple[Gradient, ...], recorded: bool) -> tuple[Gradient, ...]:
        """The gradients that backward returned: one for each input and fit for it."""
        if len(gxs) != len(self.inputs):
            raise GradientError(
                f"{self.op}.backward returned {len(gxs)} gradients for {len(self.inputs)} "
                "inputs: return one for each, None for an input without a gradient"
            )
        return tuple([g if g is None else self.fit(i, g, recorded) for i, g in enumerate(gxs)])

    def fit(self, i: int, gx: Gradient, recorded: bool) -> Gradient:
        """One gradient, of its input's shape and dtype, or an error."""
        x = self.inputs[i]
        if recorded and not isinstance(gx, Variable) and self.needs(i):
            raise GradientError(
                f"{self.op}.backward returned a plain array, which cannot be differentiated again: "
                "compute it from Variables (self.inputs), or do without create_graph"
            )
        gx = gx if hasattr(gx, "shape") else as_array(gx)
        if self.broadcasts and gx.shape != x.shape:
            gx = sum_to(gx, x.shape)
        inexact = x.dtype.kind in "fc"
        if gx.shape != x.shape or (inexact and gx.dtype.kind not in "fc"):
            raise GradientError(
                f"{self.op}.backward returned a gradient {described(gx)} for input {i}, "
                f"{x.label()}: return one of the input's shape and dtype"
            )
        return gx.astype(x.dtype) if inexact and gx.dtype != x.dtype else gx

    def explained(self, error: Exception, inputs: tuple[Variable, ...]) -> Exception:
        return noted(mixed_devices([x._data for x in inputs]) or error, self, inputs)

    def check_unchanged(self) -> None:
        """Raise GraphError if data that backward reads has changed since forward."""
        xs = self.inputs if self.keeps in ("inputs", "both") else ()
        ys = self.live_outputs() if self.keeps in ("outputs", "both") else ()
        changed = [x for x in (*xs, *ys) if x._changed > self.clock]
        changed += self.witness() if xs and hasattr(self, "witness") else []
        if changed:
            raise GraphError(
                f"{self.op}: the data of {changed[0].label()} was changed between the forward and "
                f"the backward pass of {self.op}: call backward() first, or change a copy"
            )


class Rule(Function):
    """A Function whose derivative is one formula that arrays and Variables both understand.

    Subclasses write `gradient(self, gy, *inputs)`; with `keeps = "outputs"` it gets the output
    instead, with "nothing" only gy. Unless recorded it runs on bare arrays, which is quick.
    """

    __slots__ = ()
    fresh = True
    keeps = "inputs"

    def __init_subclass__(cls, **kwargs: Any) -> None:
        snake_case = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower()
        cls.op = cls.__dict__.get("op", snake_case)
        super().__init_subclass__(**kwargs)

    def gradient(self, *values: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no gradient(self, gy, *inputs)")

    def backward(self, *gys: Any) -> Any:
        read = {"inputs": self.inputs, "outputs": (self.output,), "nothing": ()}
        return self.gradient(*gys, *read[self.keeps])

    def pull(self, grads: dict[Any, Gradient], recorded: bool) -> Any:
        if self.clock != clock.now or clock.watch:
            self.check_unchanged()
        xs = self.inputs
        if len(self.outputs) > 1:
            read = xs if self.keeps == "inputs" else ()
            gxs = self.gradient(*self.taken(grads), *[x if recorded else x._data for x in read])
        else:
            y = self.outputs[0]()
            gy = grads.pop(y)
            if self.keeps == "nothing":
                gxs = self.gradient(gy)
            elif self.keeps == "outputs":
                gxs = self.gradient(gy, y if recorded or y is None else y._data)
            elif len(xs) == 1:
                gxs = self.gradient(gy, xs[0] if recorded else xs[0]._data)
            else:
                gxs = self.gradient(gy, *(xs if recorded else [x._data for x in xs]))
        if type(gxs) is not tuple:
            return (gxs,)
        if self.broadcasts:
            for x in xs:
                if x._data.shape != xs[0]._data.shape:
                    return self.fitted(gxs, recorded)
        return gxs

    def explained(self, error: Exception, inputs: tuple[Variable, ...]) -> Exception:
        return blamed(mixed_devices([x._data for x in inputs]) or error, self, inputs)
