"""Optimizers with a step of its own for each element, from the sizes of its gradients so far."""

from __future__ import annotations

import numpy as np

from ..arrays import Array
from .optimizer import Optimizer
from .settings import at_least_zero, fraction


class AdaGrad(Optimizer):
    """h += g^2, p -= lr g / (sqrt(h) + eps).

    Args:
        lr: The learning rate.
        eps: Keeps the division finite.

    Raises:
        ShapeError: lr or eps is negative.

    Source:
        Duchi, Hazan and Singer 2011, JMLR 12.

    >>> from dezero.layers import Linear
    >>> layer = Linear(2, in_size=3)
    >>> optimizer = AdaGrad(lr=0.1).setup(layer)
    >>> layer(np.ones((1, 3), np.float32)).sum().backward()
    >>> optimizer.update()
    >>> layer.b
    variable([-0.1 -0.1])
    """

    state_names = ("h",)

    def __init__(self, lr: float = 0.001, eps: float = 1e-8) -> None:
        super().__init__()
        self.lr = at_least_zero(self, "lr", lr)
        self.eps = at_least_zero(self, "eps", eps)

    def step(self, p: Array, g: Array, h: Array) -> None:
        h += g * g
        p -= self.lr * g / (np.sqrt(h) + self.eps)


class AdaDelta(Optimizer):
    """Steps in the size of the steps before, so that no learning rate has to be chosen.

    a = rho a + (1 - rho) g^2, d = g sqrt((s + eps) / (a + eps)), s = rho s + (1 - rho) d^2,
    p -= d.

    Args:
        rho: How slowly the averages forget, in [0, 1).
        eps: Sets the size of the first steps.

    Raises:
        ShapeError: rho is not in [0, 1), or eps is negative.

    Source:
        Zeiler 2012, arXiv:1212.5701.

    >>> from dezero.layers import Linear
    >>> layer = Linear(2, in_size=3)
    >>> optimizer = AdaDelta().setup(layer)
    >>> layer(np.ones((1, 3), np.float32)).sum().backward()
    >>> optimizer.update()
    >>> layer.b.data.round(5)
    array([-0.00447, -0.00447], dtype=float32)
    """

    state_names = ("a", "s")

    def __init__(self, rho: float = 0.95, eps: float = 1e-6) -> None:
        super().__init__()
        self.rho = fraction(self, "rho", rho)
        self.eps = at_least_zero(self, "eps", eps)

    def step(self, p: Array, g: Array, a: Array, s: Array) -> None:
        a *= self.rho
        a += (1 - self.rho) * (g * g)
        d = g * np.sqrt((s + self.eps) / (a + self.eps))
        s *= self.rho
        s += (1 - self.rho) * (d * d)
        p -= d


class Adam(Optimizer):
    """Adam: the mean of the gradients over the root of the mean of their squares.

    m += (1 - beta1) (g - m), v += (1 - beta2) (g^2 - v), p -= lr m / (sqrt(v) + eps) with
    lr = alpha sqrt(1 - beta2^t) / (1 - beta1^t) in update t = 1, 2, ...

    eps is added before the correction of v: the form of section 2 of the paper, "eps hat".

    Args:
        alpha: The learning rate.
        beta1: How slowly the mean of the gradients forgets, in [0, 1).
        beta2: The same for their squares.
        eps: Keeps the division finite.

    Raises:
        ShapeError: alpha or eps is negative, or a beta is not in [0, 1).

    Source:
        Kingma and Ba 2014, arXiv:1412.6980.

    >>> from dezero.layers import Linear
    >>> layer = Linear(2, in_size=3)
    >>> optimizer = Adam(alpha=0.1).setup(layer)
    >>> layer(np.ones((1, 3), np.float32)).sum().backward()
    >>> optimizer.update()
    >>> layer.b.data.round(5)
    array([-0.1, -0.1], dtype=float32)
    """

    state_names = ("m", "v")

    def __init__(
        self, alpha: float = 0.001, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8
    ) -> None:
        super().__init__()
        self.alpha = at_least_zero(self, "alpha", alpha)
        self.beta1 = fraction(self, "beta1", beta1)
        self.beta2 = fraction(self, "beta2", beta2)
        self.eps = at_least_zero(self, "eps", eps)

    @property
    def lr(self) -> float:
        """The bias-corrected step of the last update; before the first, that of the first."""
        t = self.updates or 1
        # ** 0.5, not math.sqrt: works on numbers and on arrays that trace a run alike
        return self.alpha * (1 - self.beta2**t) ** 0.5 / (1 - self.beta1**t)

    def step(self, p: Array, g: Array, m: Array, v: Array) -> None:
        m += (1 - self.beta1) * (g - m)
        v += (1 - self.beta2) * (g * g - v)
        p -= self.lr * m / (np.sqrt(v) + self.eps)


class AdamW(Adam):
    """Adam with decoupled weight decay: p -= alpha weight_decay p, then Adam's step.

    Args:
        alpha: The learning rate, of the decay as well.
        beta1: As in Adam.
        beta2: As in Adam.
        eps: As in Adam.
        weight_decay: The part of p that is taken away in each update, times alpha.

    Raises:
        ShapeError: As in Adam, or weight_decay is negative.

    Source:
        Loshchilov and Hutter 2017, arXiv:1711.05101.

    >>> from dezero.layers import Linear
    >>> layer = Linear(2, in_size=3)
    >>> optimizer = AdamW(alpha=0.1, weight_decay=0.5).setup(layer)
    >>> layer(np.ones((1, 3), np.float32)).sum().backward()
    >>> W = layer.W.data.copy()
    >>> optimizer.update()
    >>> bool(np.allclose(layer.W.data, W * (1 - 0.1 * 0.5) - 0.1))
    True
    """

    def __init__(
        self,
        alpha: float = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__(alpha, beta1, beta2, eps)
        self.weight_decay = at_least_zero(self, "weight_decay", weight_decay)

    def step(self, p: Array, g: Array, m: Array, v: Array) -> None:
        p -= self.alpha * self.weight_decay * p
        super().step(p, g, m, v)
