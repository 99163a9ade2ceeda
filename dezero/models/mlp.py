"""Fully connected layers with an activation between them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import functions as F
from ..core import Variable
from ..errors import ShapeError
from ..layers import Linear
from .model import Model


class MLP(Model):
    """A multi-layer perceptron: Linear layers l0, l1, ... with an activation between them.

    Args:
        fc_output_sizes: The number of outputs of each layer.
        activation: Applied after each layer but the last.

    A call takes x of shape (N, I) and returns (N, O), O the last of the sizes.

    Raises:
        ShapeError: There are no sizes, or one of them is below 1.

    >>> model = MLP((10, 2), activation=F.relu)
    >>> model(np.ones((5, 3), np.float32)).shape
    (5, 2)
    >>> model
    MLP, 62 parameters
      l0: Linear, 40 parameters: W (3, 10), b (10,)
      l1: Linear, 22 parameters: W (10, 2), b (2,)
    """

    def __init__(
        self,
        fc_output_sizes: Sequence[int],
        activation: Callable[[Any], Variable] = F.sigmoid,
    ) -> None:
        super().__init__()
        if np.ndim(fc_output_sizes) != 1 or not len(fc_output_sizes):
            raise ShapeError(
                f"MLP: fc_output_sizes is {fc_output_sizes!r}, but must have the size of each "
                "layer: write MLP((100, 10))"
            )
        self.activation = activation
        self.depth = len(fc_output_sizes)
        for i, size in enumerate(fc_output_sizes):
            setattr(self, f"l{i}", Linear(size))

    @property
    def layers(self) -> list[Linear]:
        """The layers in order."""
        return [getattr(self, f"l{i}") for i in range(self.depth)]

    def forward(self, x: Any) -> Variable:
        *hidden, last = self.layers
        for layer in hidden:
            x = self.activation(layer(x))
        return last(x)
