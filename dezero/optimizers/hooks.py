"""Hooks: what happens to gradients before an update. `optimizer.add_hook(WeightDecay(1e-4))`.

A hook is called with the list of Parameters that have a gradient. These give Parameters new
gradients and never write into the old ones, which a program may share.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ..core import Parameter, as_variable
from ..errors import DTypeError
from .blocks import blocks
from .settings import at_least_zero

NOTHING = 1e-150  # a norm that is as good as 0, by which one can divide


class WeightDecay:
    """L2 regularisation: g + rate p, the gradient of the loss plus rate / 2 times sum(p^2).

    Args:
        rate: 0 or more.

    >>> from dezero.layers import Linear
    >>> from dezero.optimizers import SGD
    >>> optimizer = SGD(lr=0.1).setup(Linear(2, in_size=3))
    >>> optimizer.add_hook(WeightDecay(1e-4))
    """

    def __init__(self, rate: float) -> None:
        self.rate = at_least_zero(self, "rate", rate)

    def __call__(self, params: list[Parameter]) -> None:
        for param in params:
            decayed = self.rate * param.data
            decayed += gradient(param)
            param.grad = as_variable(decayed)


class ClipGrad:
    """Scales all gradients together so that their common norm is at most max_norm.

    Args:
        max_norm: 0 or more.

    >>> from dezero.layers import Linear
    >>> from dezero.optimizers import SGD
    >>> optimizer = SGD(lr=0.1).setup(Linear(2, in_size=3))
    >>> optimizer.add_hook(ClipGrad(1.0))
    """

    def __init__(self, max_norm: float) -> None:
        self.max_norm = at_least_zero(self, "max_norm", max_norm)

    def __call__(self, params: list[Parameter]) -> None:
        clip_grad_norm(params, self.max_norm)


class FreezeParam:
    """Leaves Parameters as they are: their gradients are dropped.

    Args:
        frozen: Parameters, and Layers whose Parameters are meant.

    Raises:
        DTypeError: One of them is neither.

    >>> from dezero.layers import Linear
    >>> from dezero.optimizers import SGD
    >>> layer = Linear(2, in_size=3)
    >>> optimizer = SGD(lr=0.1).setup(layer)
    >>> optimizer.add_hook(FreezeParam(layer.b))
    """

    def __init__(self, *frozen: Any) -> None:
        for x in frozen:
            if not isinstance(x, Parameter) and not hasattr(x, "params"):
                raise DTypeError(f"FreezeParam: {x!r} is neither a Parameter nor a Layer")
        self.frozen = frozen

    def __call__(self, params: list[Parameter]) -> None:
        for x in self.frozen:
            for param in [x] if isinstance(x, Parameter) else x.params():
                param.grad = None


def clip_grad_norm(params: Iterable[Parameter], max_norm: float) -> float:
    """Scale gradients together so that their common norm is at most max_norm.

    The norm is that of all elements of all gradients as one vector, summed in float64. The
    gradients become g min(1, max_norm / norm).

    Args:
        params: Those without a gradient are passed over.
        max_norm: 0 or more.

    Returns:
        The norm before.

    >>> from dezero import Variable
    >>> p = Parameter(np.zeros(2))
    >>> p.grad = Variable(np.array([3.0, 4.0]))
    >>> float(clip_grad_norm([p], 1.0))
    5.0
    >>> p.grad
    variable([0.6 0.8])
    """
    params = [param for param in params if param.grad is not None]
    total: Any = 0.0
    for param in params:
        for (g,) in blocks([gradient(param)]):
            g = g.astype(np.float64)
            total += (g * g).sum()
    norm = total**0.5
    # without a branch, or a compiled step would go two ways
    share = np.minimum(max_norm / np.maximum(norm, NOTHING), 1.0)
    for param in params:
        g = gradient(param)
        param.grad = as_variable(g * share.astype(g.dtype))
    return norm


def gradient(param: Parameter) -> Any:
    """The array of a Parameter's gradient."""
    assert param.grad is not None
    return param.grad.data
