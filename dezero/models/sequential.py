"""Layers one after another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ..errors import DTypeError
from ..layers.layer import Layer, Member
from .model import Model


class Sequential(Model):
    """Layers one after another: each is called with what the one before returned.

    Args:
        layers: Layers, and functions of one argument such as `F.relu`.

    Attributes:
        layers: The list of them, which may be changed. Parameters are called `l0/W`, `l1/W`, ...
            after the place of their layer.

    Raises:
        DTypeError: One of the layers cannot be called.

    >>> import numpy as np, dezero.functions as F, dezero.layers as L
    >>> model = Sequential(L.Linear(10), F.relu, L.Linear(2))
    >>> model(np.ones((5, 3), np.float32)).shape
    (5, 2)
    >>> [name for name, _ in model.named_params()]
    ['l0/W', 'l0/b', 'l2/W', 'l2/b']
    """

    def __init__(self, *layers: Callable[[Any], Any]) -> None:
        super().__init__()
        for layer in layers:
            if not callable(layer):
                raise DTypeError(
                    f"Sequential: {layer!r} is a {type(layer).__name__}, but must be a Layer or a "
                    "function: write Sequential(a, b), not Sequential([a, b])"
                )
        self.layers = list(layers)

    def members(self) -> dict[Member, str]:
        """Its layers as l0, l1, ..., then what other attributes hold."""
        found: dict[Member, str] = {}
        for i, layer in enumerate(self.layers):
            if isinstance(layer, Layer):
                found.setdefault(layer, f"l{i}")
        for member, name in super().members().items():
            found.setdefault(member, name)
        return found

    def forward(self, x: Any) -> Any:
        for layer in self.layers:
            x = layer(x)
        return x

    def __len__(self) -> int:
        return len(self.layers)

    def __getitem__(self, index: int) -> Callable[[Any], Any]:
        return self.layers[index]

    def __iter__(self) -> Iterator[Callable[[Any], Any]]:
        return iter(self.layers)
