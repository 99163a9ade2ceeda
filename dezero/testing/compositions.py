"""Every fused op written once more, as a composition of simpler ops.

The fused op must agree with its composition in value, first and second derivative; where a
formula overflows far from 0, only the composition suffers.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import functions
from ..functions.activation import normal_cdf

F: Any = functions  # Variables get their operators at run time, which no type checker sees


def leaky_relu(x: Any, slope: float = 0.2) -> Any:
    """The two pieces, selected."""
    return F.where(x > 0, x, slope * x)


def gelu(x: Any, approximate: str = "none") -> Any:
    """The definition, with the normal distribution or with tanh."""
    if approximate == "none":
        return x * normal_cdf(x)
    return x * (1 + F.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))) / 2


def log_softmax(x: Any, axis: Any = 1) -> Any:
    """The logarithm of the definition."""
    return x - F.log(F.sum(F.exp(x), axis, keepdims=True))


def logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The definition."""
    return F.log(F.sum(F.exp(x), axis, keepdims))


def sigmoid_cross_entropy(x: Any, t: Any) -> Any:
    """binary_cross_entropy of probabilities."""
    return binary_cross_entropy(1 / (1 + F.exp(-x)), t)


def binary_cross_entropy(p: Any, t: Any) -> Any:
    """The definition."""
    return -F.sum(t * F.log(p) + (1.0 - t) * F.log(1 - p)) / len(p)


def softmax_cross_entropy(x: Any, t: Any) -> Any:
    """The definition, with labels as rows of zeros and a one."""
    onehot = np.eye(x.shape[1])[np.asarray(t)]
    return -F.sum(log_softmax(x) * onehot) / len(x)


COMPOSITIONS: dict[str, Callable[..., Any]] = {
    "sigmoid": F.sigmoid_simple,
    "relu": lambda x: x * (x > 0),
    "leaky_relu": leaky_relu,
    "softplus": lambda x: F.log(1 + F.exp(x)),
    "silu": lambda x: x / (1 + F.exp(-x)),
    "gelu": gelu,
    "softmax": F.softmax_simple,
    "log_softmax": log_softmax,
    "logsumexp": logsumexp,
    "mean_squared_error": lambda x0, x1: F.sum((x0 - x1) * (x0 - x1)) / len(x0),
    "sigmoid_cross_entropy": sigmoid_cross_entropy,
    "binary_cross_entropy": binary_cross_entropy,
    "softmax_cross_entropy": softmax_cross_entropy,
}
