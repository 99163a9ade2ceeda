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
from ..arrays import Window
from ..functions.activation import normal_cdf
from ..functions.recurrent import rnn_steps

F: Any = functions


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


def convolution(
    x: Any, W: Any, b: Any = None, stride: Any = 1, pad: Any = 0, dilation: Any = 1, groups: int = 1
) -> Any:
    """The sum over the taps of the kernel, each the product of W's numbers there with a slice."""
    window = Window.of(W.shape[2:], stride, pad, dilation, x.ndim - 2)
    outputs = window.outputs(x.shape[2:])
    x = F.pad(x, ((0, 0), (0, 0), *[(p, p) for p in window.pad]))
    share, out = W.shape[1], len(W) // groups
    parts: list[Any] = [0.0] * groups
    for g in range(groups):
        own, weights = x[:, g * share : (g + 1) * share], W[g * out : (g + 1) * out]
        for tap, seen in window.taps(outputs):
            flat = own[seen].reshape(len(x), share, -1)
            parts[g] = parts[g] + F.matmul(weights[(slice(None), slice(None), *tap)], flat)
    y = F.concat(parts, axis=1).reshape(len(x), len(W), *outputs)
    return y if b is None else y + b.reshape(-1, *[1] * (x.ndim - 2))


def windows(x: Any, fill: float, kernel_size: Any, stride: Any, pad: Any, dilation: Any) -> Any:
    """The slices of padded x at each tap of a window, stacked."""
    window = Window.of(kernel_size, stride, pad, dilation, ndim=x.ndim - 2)
    taps = window.taps(window.outputs(x.shape[2:]))
    x = F.pad(x, ((0, 0), (0, 0), *[(p, p) for p in window.pad]), fill)
    return F.stack([x[seen] for _, seen in taps])


def max_pooling(x: Any, kernel_size: Any, stride: Any = 1, pad: Any = 0, dilation: Any = 1) -> Any:
    """The largest of the slices."""
    return F.max(windows(x, -math.inf, kernel_size, stride, pad, dilation), axis=0)


def average_pooling(
    x: Any, kernel_size: Any, stride: Any = 1, pad: Any = 0, dilation: Any = 1
) -> Any:
    """The mean of the slices."""
    return F.mean(windows(x, 0.0, kernel_size, stride, pad, dilation), axis=0)


def attention(
    q: Any, k: Any, v: Any, mask: Any = None, causal: bool = False, scale: float | None = None
) -> Any:
    """The definition, with keys and values repeated for the heads that share them."""
    if q.ndim > 2:
        k, v = (F.repeat(x, q.shape[-3] // x.shape[-3], axis=-3) for x in (k, v))
    T, S = q.shape[-2], k.shape[-2]
    visible = np.tri(T, S, S - T) if causal else np.ones((T, S))
    scores = q @ F.swapaxes(k, -1, -2) * (q.shape[-1] ** -0.5 if scale is None else scale)
    if mask is not None:
        visible = visible * (mask if mask.dtype == bool else 1)
        scores = scores if mask.dtype == bool else scores + mask
    weights = F.exp(scores) * visible
    total = F.sum(weights, axis=-1, keepdims=True)
    return weights / (total + (total.data == 0)) @ v


def batch_norm(
    x: Any, gamma: Any, beta: Any, mean: Any, var: Any, decay: float = 0.9, eps: float = 2e-5
) -> Any:
    """The definition in training, without the running averages."""
    axes = (0, *range(2, x.ndim))
    shape = (-1, *[1] * (x.ndim - 2))
    centered = x - F.mean(x, axes, keepdims=True)
    std = F.sqrt(F.mean(centered**2, axes, keepdims=True) + eps)
    return gamma.reshape(shape) * centered / std + beta.reshape(shape)


def layer_norm(x: Any, gamma: Any, beta: Any, eps: float = 1e-5) -> Any:
    """The definition."""
    centered = x - F.mean(x, -1, keepdims=True)
    return gamma * centered / F.sqrt(F.mean(centered**2, -1, keepdims=True) + eps) + beta


COMPOSITIONS: dict[str, Callable[..., Any]] = {
    "rnn": lambda *operands: rnn_steps(*operands)[0],
    "scaled_dot_product_attention": attention,
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
    "conv1d": convolution,
    "conv2d": convolution,
    "conv3d": convolution,
    "pooling": max_pooling,
    "average_pooling": average_pooling,
    "batch_norm": batch_norm,
    "layer_norm": layer_norm,
    "rms_norm": lambda x, gamma, eps=1e-6: (
        gamma * x / F.sqrt(F.mean(x**2, -1, keepdims=True) + eps)
    ),
}
