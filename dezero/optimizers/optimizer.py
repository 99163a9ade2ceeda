"""Optimizer: what all of them have in common: the target, the hooks, the state."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from numbers import Real
from typing import Any, ClassVar, TypeVar

import numpy as np

from ..arrays import Array, as_numpy
from ..core import Parameter
from ..errors import DTypeError, GradientError, SetupError, StateError, described, listed
from .blocks import blocks
from .state import read_arrays, read_numbers, settle, zeros

Self = TypeVar("Self", bound="Optimizer")
Hook = Callable[[list[Parameter]], Any]


class Optimizer:
    """Changes Parameters by their gradients. Subclasses write `step`, or `update_one`.

    `step(self, p, g, *state)` gets a Parameter's array, its gradient and the arrays of its state
    (one for each name in the class attribute `state_names`, zeros at first), or pieces of them,
    and changes p and the state in place. Every 16 updates, what is next to nothing in the state
    (below 1e-35 in float32) becomes exactly 0, since denormal numbers are slow to compute with.

    Attributes:
        target: What has the Parameters.
        updates: How many there have been.
        hooks: Called in order with the Parameters that have a gradient, before each update.

    >>> from dezero.layers import Linear
    >>> class SignSGD(Optimizer):
    ...     lr = 0.5
    ...
    ...     def step(self, p, g):
    ...         p -= self.lr * np.sign(g)
    >>> layer = Linear(2, in_size=3)
    >>> optimizer = SignSGD().setup(layer)
    >>> layer(np.ones((1, 3), np.float32)).sum().backward()
    >>> optimizer.update()
    >>> layer.b
    variable([-0.5 -0.5])
    """

    state_names: ClassVar[tuple[str, ...]] = ()

    def __init__(self) -> None:
        self.target: Any = None
        self.updates = 0
        self.hooks: list[Hook] = []
        self.states: dict[str, list[Array]] = {}  # by the Parameter's path in the target
        self._paths: dict[Parameter, str] = {}

    def setup(self: Self, target: Any) -> Self:
        """Take the Parameters of target; returns the optimizer itself.

        Args:
            target: A Layer, or anything else with a method `params()`.

        Raises:
            DTypeError: target has no `params()`.
        """
        if not callable(getattr(target, "params", None)):
            raise DTypeError(
                f"{type(self).__name__}.setup: target is a {type(target).__name__}, but must have "
                "a method params(): give it a Layer or a Model"
            )
        if target is not self.target:
            self.target = target
            self.updates = 0
            self.states = {}
        return self

    def add_hook(self, hook: Hook) -> None:
        """Call `hook` with the list of Parameters that have a gradient, before each update."""
        self.hooks.append(hook)

    def update(self) -> None:
        """Change every Parameter that has a gradient, once, after the hooks.

        Raises:
            SetupError: `setup(target)` has not been called.
            GradientError: A gradient has not the shape of its Parameter.
        """
        params = [p for p in self._params() if p.grad is not None]
        for hook in self.hooks:
            hook(params)
            params = [p for p in params if p.grad is not None]
        self.updates += 1
        for param in params:
            self.update_one(param)

    def update_one(self, param: Parameter) -> None:
        """Change one Parameter by its gradient."""
        data, gradient = param.data, param.grad.data  # type: ignore[union-attr]
        if gradient.shape != data.shape:
            raise GradientError(
                f"{type(self).__name__}: the gradient of {self._path(param)} is "
                f"{described(gradient)}, but the parameter is {described(data)}"
            )
        if gradient.dtype.itemsize < 4:  # float16: its square would underflow
            gradient = gradient.astype(np.float32)
        for piece in blocks([data, gradient, *self._state(param)]):
            self.step(*piece)
            for x in piece[2:]:
                settle(x, self.updates)
        param.data = data  # written into: the backward passes that read it must know

    def step(self, p: Array, g: Array, *state: Array) -> None:
        """Change p and its state, in place, by the gradient g."""
        raise NotImplementedError(f"{type(self).__name__} has no step(self, p, g, *state)")

    def _params(self) -> Iterable[Parameter]:
        """The target's Parameters, each once."""
        if self.target is None:
            raise SetupError(
                f"{type(self).__name__}: it has no Parameters yet: call setup(model) first"
            )
        return dict.fromkeys(self.target.params())

    def _named(self) -> dict[Parameter, str]:
        """The target's Parameters, each once, and their paths; numbers where it has no names."""
        self._params()
        return {param: path for path, param in named_params(self.target)}

    def _path(self, param: Parameter) -> str:
        """The path of a Parameter of the target."""
        if param not in self._paths:
            self._paths = self._named()
        if param not in self._paths:
            raise SetupError(
                f"{type(self).__name__}: {param.label()} is no Parameter of the target: call "
                "setup(model) with the model that has it"
            )
        return self._paths[param]

    def _state(self, param: Parameter) -> list[Array]:
        """The arrays of a Parameter's state; zeros at first."""
        if not self.state_names:
            return []
        path = self._path(param)
        if path not in self.states:
            self.states[path] = [zeros(param) for _ in self.state_names]
        return self.states[path]

    def _numbers(self) -> dict[str, Real]:
        """The settings and counters: every attribute that is a number."""
        return {name: x for name, x in vars(self).items() if isinstance(x, Real)}

    def state_dict(self) -> dict[str, np.ndarray[Any, Any]]:
        """All that an update depends on, but for the target and the hooks, as NumPy arrays.

        Returns:
            Settings and counters under their names, as 0-d arrays; copies of the state arrays of
            each Parameter under "path/name".

        >>> from dezero.layers import Linear
        >>> from dezero.optimizers import MomentumSGD
        >>> layer = Linear(2, in_size=3)
        >>> optimizer = MomentumSGD(lr=0.1).setup(layer)
        >>> layer(np.ones((1, 3), np.float32)).sum().backward()
        >>> optimizer.update()
        >>> {name: x.shape for name, x in optimizer.state_dict().items()}
        {'updates': (), 'lr': (), 'momentum': (), 'W/v': (3, 2), 'b/v': (2,)}
        """
        state = {name: np.asarray(number) for name, number in self._numbers().items()}
        for path, arrays in self.states.items():
            for name, array in zip(self.state_names, arrays, strict=True):
                state[f"{path}/{name}"] = np.array(as_numpy(array))
        return state

    def load_state_dict(self, state: Mapping[str, Array]) -> None:
        """Take over what `state_dict()` gave, so that updates go on as if never interrupted.

        Args:
            state: Of an optimizer of the same class, for a target with the same paths.

        Raises:
            StateError: Names are missing or unknown, or an array does not fit; nothing is
                changed then.
            SetupError: `setup(target)` has not been called.
        """
        self.prepared(state)()

    def prepared(self, state: Mapping[str, Array]) -> Callable[[], None]:
        """Check that state fits; return the function that assigns it, which cannot fail."""
        params = {path: param for param, path in self._named().items()}
        numbers, problems = read_numbers(state, self._numbers())
        arrays, more = read_arrays(state, params, self.state_names)
        problems += more
        if problems:
            raise StateError(
                f"{type(self).__name__}: the state does not fit, nothing was loaded: "
                f"{listed(problems)}"
            )

        def assign() -> None:
            vars(self).update(numbers)
            self.states = arrays

        return assign


def named_params(target: Any) -> Iterable[tuple[str, Parameter]]:
    """(path, Parameter) of a target; numbers where it has no names."""
    if hasattr(target, "named_params"):
        return target.named_params()
    return ((str(i), param) for i, param in enumerate(target.params()))
