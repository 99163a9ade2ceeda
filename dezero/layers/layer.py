"""Layer: a function with Parameters, and with layers inside it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module
from typing import Any, TypeAlias
from weakref import ref

from ..arrays import Array, is_array
from ..arrays.device import as_cupy, as_numpy
from ..core import Parameter, Variable
from ..errors import DeZeroError, StateError, listed
from .lazy import fitted
from .summary import summary

Member: TypeAlias = "Parameter | Layer"
CONTAINERS = (list, tuple, dict)


class Layer:
    """A callable with Parameters. Subclasses assign them, and sub-layers, and write `forward`.

    Every attribute that is a Parameter or a Layer belongs to it, and so does what stands in an
    attribute's list, tuple or dict. Nothing is registered: a replaced or deleted attribute, or
    list item, is gone. The names of nested Parameters are joined by "/": `l1/W`, `blocks/0/W`.

    Attributes:
        inputs: Weak references to what the last call was given (Variables and arrays).
        outputs: Weak references to what the last call returned.

    >>> import numpy as np, dezero.functions as F, dezero.layers as L
    >>> class Net(Layer):
    ...     def __init__(self):
    ...         self.hidden = [L.Linear(3, in_size=2), L.Linear(3, in_size=3)]
    ...         self.scale = Parameter(np.ones(3))
    ...
    ...     def forward(self, x):
    ...         for layer in self.hidden:
    ...             x = F.tanh(layer(x))
    ...         return x * self.scale
    >>> net = Net()
    >>> net(np.ones((5, 2))).shape
    (5, 3)
    >>> [name for name, _ in net.named_params()]
    ['hidden/0/W', 'hidden/0/b', 'hidden/1/W', 'hidden/1/b', 'scale']
    """

    # outside __dict__: links are no members, and copies and pickles do not have them
    __slots__ = ("__dict__", "__weakref__", "inputs", "outputs")

    inputs: list[ref[Any]]
    outputs: list[ref[Any]]

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        try:
            y = self.forward(*inputs, **options)
        except DeZeroError as error:
            place(error, self)
            raise
        if type(y) is tuple and len(y) == 1:
            y = y[0]
        self.inputs = links(inputs)
        self.outputs = links(y if type(y) is tuple else (y,))
        return y

    def forward(self, *inputs: Any) -> Any:
        """What the layer computes, on Variables; a call of the layer calls it."""
        raise NotImplementedError(f"{type(self).__name__} has no forward(self, *inputs)")

    def members(self) -> dict[Member, str]:
        """Its own Parameters and sub-layers with their names, in order of assignment.

        One that an attribute and a list both hold has the attribute's name.
        """
        found: dict[Member, str] = {}
        for name, value in vars(self).items():
            if isinstance(value, MEMBERS):
                if "/" in found.get(value, "/"):
                    found[value] = name
            elif isinstance(value, CONTAINERS):
                gather(value, name, found)
        return found

    def inside(self) -> dict[Member, str]:
        """Everything inside, at any depth, each once, with its path, in order."""
        found: dict[Member, str] = {self: ""}
        descend(self, "", found)
        del found[self]
        return found

    def params(self) -> Iterator[Parameter]:
        """Its Parameters and those of its sub-layers, in order, each once.

        >>> from dezero.layers import Linear
        >>> [p.shape for p in Linear(3, in_size=2).params()]
        [(2, 3), (3,)]
        """
        found: dict[Member, None] = {self: None}
        collect(vars(self).values(), found)
        return (member for member in found if isinstance(member, Parameter))

    def named_params(self) -> Iterator[tuple[str, Parameter]]:
        """(path, Parameter) for each Parameter, as weight files name them.

        >>> from dezero.layers import Linear
        >>> [name for name, _ in Linear(3).named_params()]
        ['W', 'b']
        """
        inside = self.inside().items()
        return ((path, member) for member, path in inside if isinstance(member, Parameter))

    def cleargrads(self) -> None:
        """Forget the gradients of all Parameters."""
        for param in self.params():
            param.grad = None

    def to_cpu(self) -> None:
        """Move the Parameters into NumPy arrays."""
        self._move(as_numpy)

    def to_gpu(self) -> None:
        """Move the Parameters into CuPy arrays on the GPU.

        Raises:
            MissingDependencyError: CuPy is not installed.
        """
        self._move(as_cupy)

    def _move(self, moved: Callable[[Array], Array]) -> None:
        """Put every Parameter and its gradient where `moved` puts an array."""
        for param in self.params():
            if param.data is not None:
                param.data = moved(param.data)
            if param.grad is not None:
                param.grad = Variable(moved(param.grad.data))

    def state_dict(self) -> dict[str, Array]:
        """The arrays of all Parameters by path: the arrays themselves, not copies.

        Raises:
            StateError: A Parameter has no array yet, or two have the same path.

        >>> from dezero.layers import Linear
        >>> {name: x.shape for name, x in Linear(3, in_size=2).state_dict().items()}
        {'W': (2, 3), 'b': (3,)}
        """
        state: dict[str, Array] = {}
        for path, param in self.named_params():
            if param.data is None:
                raise StateError(
                    f"{type(self).__name__}: {path} has no array yet: call the layer before its "
                    "state is taken, or give in_size"
                )
            if path in state:
                raise StateError(
                    f"{type(self).__name__}: two Parameters have the path {path}: let no key of "
                    'a dict contain "/"'
                )
            state[path] = param.data
        return state

    def load_state_dict(self, state: Mapping[str, Array]) -> None:
        """Copy arrays, by path, into the Parameters: all of them or, on an error, none.

        Floating numbers are converted to the Parameter's dtype; Parameters stay on their device.

        Args:
            state: What `state_dict()` gave.

        Raises:
            StateError: Names are missing or unknown, or an array does not fit.

        >>> from dezero.layers import Linear
        >>> old, new = Linear(3, in_size=2), Linear(3)
        >>> new.load_state_dict(old.state_dict())
        >>> bool((new.W.data == old.W.data).all())
        True
        """
        self.prepared(state)()

    def prepared(self, state: Mapping[str, Array]) -> Callable[[], None]:
        """Check that state fits; return the function that assigns it, which cannot fail."""
        params = dict(self.named_params())
        problems = [f"{name} is missing" for name in params if name not in state]
        problems += [f"{name} is not expected" for name in state if name not in params]
        fits: list[tuple[Parameter, Array]] = []
        for name, param in params.items():
            if name in state:
                try:
                    fits.append((param, fitted(param, state[name])))
                except StateError as error:
                    problems.append(f"{name} {error}")
        if problems:
            raise StateError(
                f"{type(self).__name__}: the state does not fit, nothing was loaded: "
                f"{listed(problems)}"
            )

        def assign() -> None:
            for param, array in fits:
                param.data = array

        return assign

    def save_weights(self, path: str | os.PathLike[str]) -> None:
        """Write all Parameters into one file, which replaces an old one only when complete.

        Args:
            path: Ends in `.npz` (NumPy) or `.safetensors`. Names in the file are paths: `l0/W`.

        Raises:
            StateError: The path ends in anything else, or a Parameter has no array yet.
        """
        above("io.weights").save_arrays(path, self.state_dict())

    def load_weights(self, path: str | os.PathLike[str]) -> None:
        """Read what `save_weights` wrote: all Parameters or, on an error, none.

        Args:
            path: Of a `.npz` or `.safetensors` file. It is data: nothing in it is executed.

        Raises:
            StateError: Names, shapes or dtypes do not fit, or the path ends in anything else.
            DataError: The file is damaged.
            FileNotFoundError: There is no such file.
        """
        self.load_state_dict(above("io.weights").load_arrays(path))

    def __repr__(self) -> str:
        return summary(self)

    def __getstate__(self) -> dict[str, Any]:
        return vars(self)


MEMBERS = (Parameter, Layer)


def gather(container: Any, path: str, found: dict[Member, str]) -> None:
    """Add the Parameters and Layers in a container, and in the containers inside it."""
    items = container.items() if isinstance(container, dict) else enumerate(container)
    for key, value in items:
        if isinstance(value, MEMBERS):
            found.setdefault(value, f"{path}/{key}")
        elif isinstance(value, CONTAINERS):
            gather(value, f"{path}/{key}", found)


def descend(layer: Layer, prefix: str, found: dict[Member, str]) -> None:
    """Add what is inside a layer, and inside the layers in it."""
    for member, name in layer.members().items():
        if member not in found:
            found[member] = prefix + name
            if isinstance(member, Layer):
                descend(member, f"{prefix}{name}/", found)


def collect(values: Iterable[Any], found: dict[Member, None]) -> None:
    """Add the Parameters and Layers among values, and what is inside, in the order of `descend`."""
    for value in values:
        if isinstance(value, MEMBERS):
            if value not in found:
                found[value] = None
                if isinstance(value, Layer):
                    collect(vars(value).values(), found)
        elif isinstance(value, CONTAINERS):
            collect(value.values() if isinstance(value, dict) else value, found)


def links(values: tuple[Any, ...]) -> list[ref[Any]]:
    """Weak references to the Variables and arrays among values."""
    return [ref(x) for x in values if isinstance(x, Variable) or is_array(x)]


def place(error: DeZeroError, layer: Layer) -> None:
    """Say in the error's message which layer failed: `MLP.l1 (Linear): problem`.

    Called by the layer that failed, then by each layer around it: the outermost call stays.
    """
    inner, problem = error.__dict__.setdefault("failed", (layer, str(error)))
    where = type(inner).__name__
    if inner is not layer:
        path = layer.inside().get(inner)
        outer = type(layer).__name__
        where = f"{outer}: {where}" if path is None else f"{outer}.{path} ({where})"
    error.args = (f"{where}: {problem}",)


def above(name: str) -> Any:
    """A module of a floor above, found when a method needs it: no import goes upward."""
    return import_module(f"dezero.{name}")
