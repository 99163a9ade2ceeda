"""Two dense layers, ReLU, softmax cross-entropy, a step of stochastic gradient descent."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np

from ..row import Build, Row, Setup, Step
from ..training import dezero_step, torch_step
from ..weights import Arrays, drawn, generator, images, into_dezero, into_torch

Sizes = tuple[int, int, int]
LR = 0.01

SMALL = Row(
    "mlp-small",
    "MLP 64-64-10, batch 32",
    "A training step: Linear, ReLU, Linear, softmax cross-entropy, SGD; float32.",
    goals={"torch": 0.4},
    size=32,
    quick_size=32,
    peak=True,
)

LARGE = Row(
    "mlp-large",
    "MLP 784-1000-10, batch 100",
    "The same step with 794,010 weights.",
    goals={"torch": 1.0},
    threads=(1, 2),
    size=100,
    quick_size=10,
    peak=True,
)

ROWS = [SMALL, LARGE]


def problem(sizes: Sizes, setup: Setup) -> tuple[Arrays, Any, Any]:
    """Weights, inputs, labels."""
    inputs, hidden, outputs = sizes
    rng = generator()
    weights = drawn(rng, {"l0/W": (inputs, hidden), "l1/W": (hidden, outputs)})
    return weights, *images(rng, (setup.size, inputs), outputs)


def plain(sizes: Sizes, setup: Setup) -> tuple[list[Any], Any, Any]:
    """The same with the parameters as a list: W, b, W, b."""
    weights, x, t = problem(sizes, setup)
    biases = [np.zeros(n, np.float32) for n in sizes[1:]]
    return [weights["l0/W"], biases[0], weights["l1/W"], biases[1]], x, t


def dezero(sizes: Sizes, setup: Setup) -> Step:
    import dezero.functions as F
    import dezero.layers as L
    from dezero import optimizers

    class MLP(L.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.l0 = L.Linear(sizes[1])
            self.l1 = L.Linear(sizes[2])

        def forward(self, x: Any) -> Any:
            return self.l1(F.relu(self.l0(x)))

    weights, x, t = problem(sizes, setup)
    model = MLP()
    into_dezero(model, weights)
    optimizer = optimizers.SGD(LR)
    return dezero_step(setup, model, optimizer, lambda: F.softmax_cross_entropy(model(x), t))


def torch(sizes: Sizes, setup: Setup) -> Step:
    import torch
    from torch import nn
    from torch.nn import functional as F

    weights, x, t = problem(sizes, setup)
    layers = OrderedDict(l0=nn.Linear(*sizes[:2]), relu=nn.ReLU(), l1=nn.Linear(*sizes[1:]))
    model = nn.Sequential(layers)
    into_torch(model, weights)
    optimizer = torch.optim.SGD(model.parameters(), lr=LR)
    return torch_step(setup, optimizer, lambda x, t: F.cross_entropy(model(x), t), x, t)


def jax(sizes: Sizes, setup: Setup) -> Step:
    import jax
    import jax.numpy as jnp

    def forward(params: Any, x: Any, t: Any) -> Any:
        W0, b0, W1, b1 = params
        y = jax.nn.relu(x @ W0 + b0) @ W1 + b1
        return -jax.nn.log_softmax(y)[jnp.arange(len(t)), t].mean()

    @setup.wrap
    def update(params: Any, x: Any, t: Any) -> Any:
        loss, grads = jax.value_and_grad(forward)(params, x, t)
        return loss, [p - LR * g for p, g in zip(params, grads, strict=True)]

    params, *batch = plain(sizes, setup)
    params, batch = jax.device_put((params, batch))

    def step() -> Any:
        nonlocal params
        loss, params = update(params, *batch)
        return loss

    return step


def autograd(sizes: Sizes, setup: Setup) -> Step:
    import autograd.numpy as anp
    from autograd import value_and_grad
    from autograd.scipy.special import logsumexp

    params, x, t = plain(sizes, setup)
    rows = np.arange(len(t))

    def forward(params: Any) -> Any:
        W0, b0, W1, b1 = params
        y = anp.dot(anp.maximum(anp.dot(x, W0) + b0, 0), W1) + b1
        return anp.mean(logsumexp(y, axis=1) - y[rows, t])

    both = value_and_grad(forward)

    def step() -> Any:
        loss, grads = both(params)
        for p, g in zip(params, grads, strict=True):
            p -= np.float32(LR) * g
        return loss

    return step


def mygrad(sizes: Sizes, setup: Setup) -> Step:
    import mygrad
    from mygrad.nnet import relu, softmax_crossentropy

    arrays, x, t = plain(sizes, setup)
    params = [mygrad.tensor(p) for p in arrays]

    def step() -> Any:
        W0, b0, W1, b1 = params
        y = mygrad.matmul(relu(mygrad.matmul(x, W0) + b0), W1) + b1
        loss = softmax_crossentropy(y, t)
        loss.backward()
        for p in params:
            p.data -= np.float32(LR) * p.grad
        return loss

    return step


def tinygrad(sizes: Sizes, setup: Setup) -> Step:
    from tinygrad import Context, Tensor
    from tinygrad.nn.optim import SGD

    arrays, x, t = plain(sizes, setup)
    params = [Tensor(p).realize().is_param_() for p in arrays]
    x, t = Tensor(x).realize(), Tensor(t).realize()
    optimizer = SGD(params, lr=LR)

    @setup.wrap
    def update() -> Any:
        W0, b0, W1, b1 = params
        optimizer.zero_grad()
        loss = ((x @ W0 + b0).relu() @ W1 + b1).sparse_categorical_crossentropy(t)
        loss.backward()
        return loss.realize(*optimizer.schedule_step())

    def step() -> Any:
        with Context(TRAINING=1):
            return update()

    return step


CASES: dict[Callable[[Sizes, Setup], Step], tuple[str, ...]] = {
    dezero: ("ours", "original"),
    torch: ("torch", "torch.compile"),
    jax: ("jax", "jax.jit"),
    autograd: ("autograd",),
    mygrad: ("mygrad",),
    tinygrad: ("tinygrad", "tinygrad.jit"),
}


def sized(case: Callable[[Sizes, Setup], Step], sizes: Sizes) -> Build:
    """The case with layers of these sizes."""
    return lambda setup: case(sizes, setup)


for case, columns in CASES.items():
    SMALL.on(*columns)(sized(case, (64, 64, 10)))
    LARGE.on(*columns)(sized(case, (784, 1000, 10)))
