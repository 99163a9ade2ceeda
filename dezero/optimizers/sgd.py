"""Gradient descent, plain and with momentum."""

from __future__ import annotations

from ..arrays import Array
from .optimizer import Optimizer
from .settings import at_least_zero, fraction


class SGD(Optimizer):
    """Stochastic gradient descent: p -= lr g.

    Args:
        lr: The learning rate, an attribute that may be changed at any time.

    Raises:
        ShapeError: lr is negative.

    >>> import numpy as np
    >>> from dezero.layers import Linear
    >>> layer = Linear(2, in_size=3)
    >>> optimizer = SGD(lr=0.1).setup(layer)
    >>> layer(np.ones((1, 3), np.float32)).sum().backward()
    >>> optimizer.update()
    >>> layer.b
    variable([-0.1 -0.1])
    """

    def __init__(self, lr: float = 0.01) -> None:
        super().__init__()
        self.lr = at_least_zero(self, "lr", lr)

    def step(self, p: Array, g: Array) -> None:
        p -= self.lr * g


class MomentumSGD(Optimizer):
    """Gradient descent with momentum: v = momentum v - lr g, p += v.

    Args:
        lr: The learning rate.
        momentum: How much of the last change goes into the next, in [0, 1).

    Raises:
        ShapeError: lr is negative, or momentum is not in [0, 1).

    Source:
        Polyak 1964; Rumelhart, Hinton and Williams 1986.

    >>> import numpy as np
    >>> from dezero.layers import Linear
    >>> layer = Linear(2, in_size=3)
    >>> optimizer = MomentumSGD(lr=0.1).setup(layer)
    >>> layer(np.ones((1, 3), np.float32)).sum().backward()
    >>> optimizer.update()
    >>> optimizer.update()
    >>> layer.b
    variable([-0.29 -0.29])
    """

    state_names = ("v",)

    def __init__(self, lr: float = 0.01, momentum: float = 0.9) -> None:
        super().__init__()
        self.lr = at_least_zero(self, "lr", lr)
        self.momentum = fraction(self, "momentum", momentum)

    def step(self, p: Array, g: Array, v: Array) -> None:
        v *= self.momentum
        v -= self.lr * g
        p += v
