"""Model: a Layer that can draw itself."""

from __future__ import annotations

import os
from typing import Any

from ..layers import Layer
from ..layers.layer import above


class Model(Layer):
    """A Layer that stands for itself: what a program trains, saves and draws.

    >>> import numpy as np, dezero.functions as F, dezero.layers as L
    >>> class TwoLayers(Model):
    ...     def __init__(self, hidden, out):
    ...         super().__init__()
    ...         self.l1 = L.Linear(hidden)
    ...         self.l2 = L.Linear(out)
    ...
    ...     def forward(self, x):
    ...         return self.l2(F.sigmoid(self.l1(x)))
    >>> TwoLayers(10, 1)(np.ones((5, 3), np.float32)).shape
    (5, 1)
    """

    def plot(self, *inputs: Any, to_file: str | os.PathLike[str] = "model.png") -> Any:
        """Run forward and draw the graph of it, with the Parameters' paths, into a file.

        Args:
            inputs: What the model is called with.
            to_file: Where to write; .png, .svg, .pdf or .dot says in which format.

        Returns:
            The picture, which Jupyter shows.
        """
        y = self(*inputs)
        return above("viz").plot_dot_graph(y, to_file=to_file, names=dict(self.named_params()))
