"""The training step in JAX: one jitted function over trees of arrays, as its documentation has it.

JAX itself has no optimizers; these are the same formulas as in the other libraries.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .row import Setup, Step

Tree = Any  # dicts, tuples and lists of arrays


@dataclass(frozen=True)
class Optimizer:
    """How an optimizer begins, and how it goes on."""

    begin: Callable[[Tree], Tree]  # params -> memory
    update: Callable[[Tree, Tree, Tree], tuple[Tree, Tree]]  # params, grads, memory -> the new


def sgd(lr: float) -> Optimizer:
    """p -= lr g."""
    import jax

    def update(params: Tree, grads: Tree, memory: Tree) -> tuple[Tree, Tree]:
        return jax.tree.map(lambda p, g: p - lr * g, params, grads), memory

    return Optimizer(lambda params: (), update)


def momentum(lr: float, kept: float) -> Optimizer:
    """v = kept v - lr g, p += v."""
    import jax
    import jax.numpy as jnp

    def update(params: Tree, grads: Tree, v: Tree) -> tuple[Tree, Tree]:
        v = jax.tree.map(lambda v, g: kept * v - lr * g, v, grads)
        return jax.tree.map(jnp.add, params, v), v

    return Optimizer(lambda params: jax.tree.map(jnp.zeros_like, params), update)


def adam(lr: float = 1e-3, beta1: float = 0.9, beta2: float = 0.999) -> Optimizer:
    """Adam, with eps = 1e-8."""
    import jax
    import jax.numpy as jnp

    def begin(params: Tree) -> Tree:
        return jnp.zeros((), jnp.float32), *(jax.tree.map(jnp.zeros_like, params) for _ in range(2))

    def update(params: Tree, grads: Tree, memory: Tree) -> tuple[Tree, Tree]:
        t, m, v = memory
        t = t + 1
        m = jax.tree.map(lambda m, g: beta1 * m + (1 - beta1) * g, m, grads)
        v = jax.tree.map(lambda v, g: beta2 * v + (1 - beta2) * g * g, v, grads)
        rate = lr * jnp.sqrt(1 - beta2**t) / (1 - beta1**t)
        params = jax.tree.map(lambda p, m, v: p - rate * m / (jnp.sqrt(v) + 1e-8), params, m, v)
        return params, (t, m, v)

    return Optimizer(begin, update)


def jax_step(
    setup: Setup,
    optimizer: Optimizer,
    forward: Callable[..., Any],
    params: Tree,
    *batch: Any,
    averages: Tree = None,
) -> Step:
    """A step of `forward(params, *batch)`, which returns the loss.

    With running averages: of `forward(params, averages, *batch)`, which returns them as well.
    """
    import jax

    def both(params: Tree, averages: Tree, *batch: Any) -> tuple[Any, Tree]:
        if averages is None:
            return forward(params, *batch), None
        loss, averages = forward(params, averages, *batch)
        return loss, averages

    @functools.partial(setup.wrap, donate_argnums=0)
    def update(state: Tree, *batch: Any) -> tuple[Any, Tree]:
        params, memory, averages = state
        gradients = jax.value_and_grad(both, has_aux=True)
        (loss, averages), grads = gradients(params, averages, *batch)
        return loss, (*optimizer.update(params, grads, memory), averages)

    params, averages, batch = jax.device_put((params, averages, batch))
    state = params, optimizer.begin(params), averages

    def step() -> Any:
        nonlocal state
        loss, state = update(state, *batch)
        return loss

    return step


def cross_entropy(y: Any, t: Any) -> Any:
    """Softmax cross-entropy of scores and labels, the mean over the batch."""
    import jax
    import jax.numpy as jnp

    return -jnp.take_along_axis(jax.nn.log_softmax(y), t[:, None], 1).mean()


def sigmoid_cross_entropy(y: Any, t: float) -> Any:
    """The same of one score each, all with the label t."""
    import jax.numpy as jnp

    return (jnp.logaddexp(y, 0) - t * y).sum() / len(y)


def conv(x: Any, W: Any, stride: int = 1, pad: int = 0) -> Any:
    """A convolution of images (N, H, W, C) with weights (height, width, in, out)."""
    from jax import lax

    pads = [(pad, pad)] * 2
    layout = ("NHWC", "HWIO", "NHWC")
    return lax.conv_general_dilated(x, W, (stride, stride), pads, dimension_numbers=layout)


def max_pool(x: Any) -> Any:
    """The largest of each window of 2x2."""
    import jax.numpy as jnp
    from jax import lax

    return lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")


def batch_norm(x: Any, scale: Any, shift: Any, average: Any, eps: float) -> tuple[Any, Any]:
    """Channels, the last axis, normalised over the others; the new running averages as well."""
    from jax import lax

    axes = tuple(range(x.ndim - 1))
    mean, var = x.mean(axes), x.var(axes)
    count = x.size // x.shape[-1]
    seen = (mean, var * count / max(count - 1, 1))
    average = tuple(0.9 * a + 0.1 * new for a, new in zip(average, seen, strict=True))
    return (x - mean) * lax.rsqrt(var + eps) * scale + shift, average


def hwio(weights: Mapping[str, Any]) -> dict[str, Any]:
    """Weights of convolutions in the layout that `conv` takes; others stay as they are."""
    return {k: w.transpose(2, 3, 1, 0) if w.ndim == 4 else w for k, w in weights.items()}
