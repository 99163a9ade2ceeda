"""Normalisation: numbers brought to mean 0 and variance 1, then scaled and shifted."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import in_pieces
from ..core import Config, Rule, Variable
from ..errors import ShapeError

__all__ = ["batch_norm", "batch_nrom", "layer_norm", "rms_norm"]

Operand = Any  # a Variable, an array or a number; all but Variables are constants


def moments(x, axes):
    """Mean of x, an array or a Variable, over axes that are kept; x less it; the variance."""
    mean = x.mean(axis=axes, keepdims=True)
    centered = x - mean  # subtracted first: the mean of x * x less mean^2 would cancel
    return mean, centered, (centered * centered).mean(axis=axes, keepdims=True)


class BatchNorm(Rule):
    __slots__ = ("axes", "decay", "eps", "inv_std", "mean", "running", "trains")

    def __init__(self, mean: Any, var: Any, decay: float, eps: float) -> None:
        self.running = [a.data if isinstance(a, Variable) else a for a in (mean, var)]
        self.decay = decay
        self.eps = eps

    def forward(self, x, gamma, beta):
        self.check(x, gamma, beta)
        self.axes = (0, *range(2, x.ndim))
        self.trains = Config.train
        averages = []
        if not self.trains:  # copies: they may move on before the backward pass
            averages = [self.spread(a.copy(), x) for a in self.running]
        elif not x.size:
            raise ShapeError("an empty batch has no mean: give at least one example")
        gamma, beta = self.spread(gamma, x), self.spread(beta, x)
        y, self.mean, var = in_pieces(self.normalise, 1, x, gamma, beta, *averages)
        if self.trains:
            self.update(var, x.size // gamma.size)
        self.inv_std = 1 / np.sqrt(var + self.eps)
        return y

    def check(self, x, gamma, beta):
        if x.ndim < 2:
            raise ShapeError("x must be (N, C) or (N, C, H, W)")
        channels = x.shape[1]
        shapes = {a.shape for a in (gamma, beta, *self.running)}
        if shapes != {(channels,)}:
            raise ShapeError(f"gamma, beta, mean and var must all have the shape ({channels},)")

    def spread(self, a, x):
        """One number for each channel, as it broadcasts with x."""
        return a.reshape(1, -1, *[1] * (x.ndim - 2))

    def normalise(self, x, gamma, beta, mean=None, var=None):
        """The result, and the mean and the variance: x's own where none are given."""
        if mean is None:
            mean, y, var = moments(x, self.axes)
        else:
            y = x - mean
        y *= gamma / np.sqrt(var + self.eps)
        y += beta
        return y, mean, var

    def update(self, var, count):
        """Move the running averages towards this batch's mean and unbiased variance."""
        unbiased = var * (count / max(count - 1, 1))
        for average, now in zip(self.running, (self.mean, unbiased), strict=True):
            average *= self.decay
            average += (1 - self.decay) * now.reshape(-1)

    def gradient(self, gy, x, gamma, beta):
        mean, inv_std = self.mean, self.inv_std
        if self.trains and isinstance(x, Variable):  # they depend on x in higher derivatives
            mean, _, var = moments(x, self.axes)
            inv_std = 1 / np.sqrt(var + self.eps)
        gamma = self.spread(gamma, x)
        ggamma, gbeta, *gx = in_pieces(self.slopes, 1, x, gy, gamma, mean, inv_std)
        return gx[0] if gx else None, ggamma.reshape(-1), gbeta.reshape(-1)

    def slopes(self, x, gy, gamma, mean, inv_std):
        """The gradients of gamma and beta, and of x if it is wanted."""
        x_hat = x - mean
        x_hat *= inv_std
        gbeta = gy.sum(axis=self.axes, keepdims=True)
        ggamma = (gy * x_hat).sum(axis=self.axes, keepdims=True)
        if not self.needs(0):
            return ggamma, gbeta
        if not self.trains:
            return ggamma, gbeta, gy * (gamma * inv_std)
        count = x.size // gamma.size
        x_hat *= ggamma / count
        gx = gy - gbeta / count
        gx -= x_hat
        gx *= gamma * inv_std
        return ggamma, gbeta, gx


def batch_norm(
    x: Operand,
    gamma: Operand,
    beta: Operand,
    mean: Any,
    var: Any,
    decay: float = 0.9,
    eps: float = 2e-5,
) -> Variable:
    """Each channel brought to mean 0 and variance 1 over the batch, then scaled and shifted.

    y = gamma (x - m) / sqrt(v + eps) + beta. In training m and v are the mean and the variance
    (of all, not of all but one) of the channel over N and the places, and mean and var become
    decay * mean + (1 - decay) * m, and likewise with v * n / (n - 1) of n numbers. In
    `test_mode()` m and v are mean and var.

    Args:
        x: (N, C), or (N, C, H, W) and the like.
        gamma: The channels' scales, (C,).
        beta: The channels' shifts, (C,).
        mean: The running mean, (C,): an array or a Variable, written into in training.
        var: The running variance, as mean.
        decay: How much of the running averages is kept at each call.
        eps: Added to the variance.

    Returns:
        Of x's shape, in x's dtype (float64 for integers).

    Raises:
        ShapeError: A parameter is not (C,), or there is no example to train with.

    Gradient:
        In training, with x_hat = (x - m) / sqrt(v + eps) and n numbers in a channel, to x
        gamma / sqrt(v + eps) * (gy - sum(gy) / n - x_hat sum(gy x_hat) / n), else only the
        first term; to gamma sum(gy x_hat), to beta sum(gy). None to mean and var.

    Source:
        Ioffe, Szegedy, "Batch normalization", 2015, arXiv:1502.03167.

    >>> import numpy as np, dezero.functions as F
    >>> mean, var = np.zeros(1), np.ones(1)
    >>> F.batch_norm(np.array([[1.0], [3.0]]), np.ones(1), np.zeros(1), mean, var, eps=0.0)
    variable([[-1.]
              [ 1.]])
    >>> mean, var
    (array([0.2]), array([1.1]))
    """
    return BatchNorm(mean, var, decay, eps)(x, gamma, beta)


batch_nrom = batch_norm  # the name that older programs spell


def check_last(x: Any, *parameters: Any) -> None:
    """Raise ShapeError unless the parameters have the shape of x's last axis."""
    if not x.ndim or not x.shape[-1]:
        raise ShapeError("x needs a last axis with something in it")
    for p in parameters:
        if p.shape != x.shape[-1:]:
            raise ShapeError(f"parameters must have the shape {x.shape[-1:]} of x's last axis")


def over_rows(g):
    """g summed over all axes but the last."""
    return g.reshape(-1, g.shape[-1]).sum(axis=0)


def dotted(g, gamma):
    """The mean of g * gamma over the last axis, kept."""
    return np.expand_dims(g @ gamma, -1) / gamma.size


class LayerNorm(Rule):
    __slots__ = ("eps", "inv_std", "mean")

    def __init__(self, eps: float = 1e-5) -> None:
        self.eps = eps

    def forward(self, x, gamma, beta):
        check_last(x, gamma, beta)
        self.mean, y, var = moments(x, -1)
        self.inv_std = 1 / np.sqrt(var + self.eps)
        y *= self.inv_std
        y *= gamma
        y += beta
        return y

    def gradient(self, gy, x, gamma, beta):
        mean, inv_std = self.mean, self.inv_std
        if isinstance(x, Variable):  # they depend on x in higher derivatives
            mean, _, var = moments(x, -1)
            inv_std = 1 / np.sqrt(var + self.eps)
        x_hat = x - mean
        x_hat *= inv_std
        product = gy * x_hat
        gx = None
        if self.needs(0):
            x_hat *= dotted(product, gamma)
            gx = gy * gamma
            gx -= dotted(gy, gamma)
            gx -= x_hat
            gx *= inv_std
        return gx, over_rows(product), over_rows(gy)


def layer_norm(x: Operand, gamma: Operand, beta: Operand, eps: float = 1e-5) -> Variable:
    """Each row (along the last axis) brought to mean 0 and variance 1, then scaled and shifted.

    y = gamma (x - m) / sqrt(v + eps) + beta, m and v being the row's mean and variance.

    Args:
        x: (..., D).
        gamma: Scales, (D,).
        beta: Shifts, (D,).
        eps: Added to the variance.

    Returns:
        Of x's shape, in x's dtype (float64 for integers).

    Raises:
        ShapeError: gamma or beta is not (D,), or D is 0.

    Gradient:
        With g = gy gamma and x_hat = (x - m) / sqrt(v + eps), to x
        (g - mean(g) - x_hat mean(g x_hat)) / sqrt(v + eps), means along the row; to gamma the
        sum of gy x_hat over the rows, to beta that of gy.

    Source:
        Ba, Kiros, Hinton, "Layer normalization", 2016, arXiv:1607.06450.

    >>> import numpy as np, dezero.functions as F
    >>> F.layer_norm(np.array([[1.0, 3.0], [0.0, 8.0]]), np.ones(2), np.zeros(2), eps=0.0)
    variable([[-1.  1.]
              [-1.  1.]])
    """
    return LayerNorm(eps)(x, gamma, beta)


class RMSNorm(Rule):
    __slots__ = ("eps", "inv_rms")
    op = "rms_norm"

    def __init__(self, eps: float = 1e-6) -> None:
        self.eps = eps

    def forward(self, x, gamma):
        check_last(x, gamma)
        self.inv_rms = self.inverse(x)
        y = x * self.inv_rms
        y *= gamma
        return y

    def inverse(self, x):
        """1 / sqrt(mean(x^2) + eps) of each row."""
        return 1 / np.sqrt((x * x).mean(axis=-1, keepdims=True) + self.eps)

    def gradient(self, gy, x, gamma):
        inv_rms = self.inverse(x) if isinstance(x, Variable) else self.inv_rms
        x_hat = x * inv_rms
        product = gy * x_hat
        gx = None
        if self.needs(0):
            gx = (gy * gamma - x_hat * dotted(product, gamma)) * inv_rms
        return gx, over_rows(product)


def rms_norm(x: Operand, gamma: Operand, eps: float = 1e-6) -> Variable:
    """Each row (along the last axis) divided by its root mean square, then scaled.

    y = gamma x / sqrt(mean(x^2) + eps).

    Args:
        x: (..., D).
        gamma: Scales, (D,).
        eps: Added to the mean square.

    Returns:
        Of x's shape, in x's dtype (float64 for integers).

    Raises:
        ShapeError: gamma is not (D,), or D is 0.

    Gradient:
        With g = gy gamma, r = sqrt(mean(x^2) + eps) and x_hat = x / r, to x
        (g - x_hat mean(g x_hat)) / r; to gamma the sum of gy x_hat over the rows.

    Source:
        Zhang, Sennrich, "Root mean square layer normalization", 2019, arXiv:1910.07467.

    >>> import numpy as np, dezero.functions as F
    >>> F.rms_norm(np.array([[3.0, 3.0], [0.0, 4.0]]), np.ones(2), eps=0.0)
    variable([[1.         1.        ]
              [0.         1.41421356]])
    """
    return RMSNorm(eps).apply2(x, gamma)
