"""Two dense layers, ReLU, softmax cross-entropy, a step of an optimizer."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..jaxtraining import adam, jax_step, sgd
from ..row import OURS, Build, Row, Setup, Step
from ..training import dezero_step, torch_step
from ..weights import Arrays, drawn, generator, images, into_dezero, into_torch, with_biases

LR = 0.01


@dataclass(frozen=True)
class Net:
    """The sizes of the layers, and the optimizer."""

    inputs: int
    hidden: int
    outputs: int
    adam: bool = False

    def flops(self, batch: int) -> float:
        """Those of a step; the inputs get no gradient."""
        return 2 * batch * self.hidden * (2 * self.inputs + 3 * self.outputs)


NETS = {
    "mlp-small": Net(64, 64, 10),
    "mlp-small-adam": Net(64, 64, 10, adam=True),
    "mlp-large": Net(784, 1000, 10),
    "mlp-large-adam": Net(784, 1000, 10, adam=True),
    "mlp-wide": Net(1024, 2048, 100),
}
SMALL_GOALS = {"torch": 0.06, "torch.compile": 0.05, "jax.jit": 0.35}
LARGE_GOALS = {"torch": 0.65, "torch.compile": 0.6, "jax.jit": 0.8}

SMALL = Row(
    "mlp-small",
    "MLP 64-64-10, batch 32",
    "A training step: Linear, ReLU, Linear, softmax cross-entropy, SGD; float32.",
    goals={"torch": 0.4},
    compiled_goals=SMALL_GOALS,
    threads=(1, 2),
    size=32,
    quick_size=32,
    peak=True,
    flops=NETS["mlp-small"].flops(32),
)

SMALL_ADAM = Row(
    "mlp-small-adam",
    "MLP 64-64-10, batch 32, Adam",
    "The same step with Adam.",
    compiled_goals=SMALL_GOALS,
    threads=(1, 2),
    size=32,
    quick_size=32,
    tolerance=1e-3,
    flops=NETS["mlp-small"].flops(32),
)

LARGE = Row(
    "mlp-large",
    "MLP 784-1000-10, batch 100",
    "The step with SGD and 794,010 weights.",
    goals={"torch": 1.0},
    compiled_goals=LARGE_GOALS,
    threads=(1, 2),
    size=100,
    quick_size=10,
    peak=True,
    flops=NETS["mlp-large"].flops(100),
)

LARGE_ADAM = Row(
    "mlp-large-adam",
    "MLP 784-1000-10, batch 100, Adam",
    "The same step with Adam.",
    compiled_goals=LARGE_GOALS,
    threads=(1, 2),
    size=100,
    quick_size=10,
    tolerance=1e-3,
    flops=NETS["mlp-large"].flops(100),
)

WIDE = Row(
    "mlp-wide",
    "MLP 1024-2048-100, batch 512",
    "The step with SGD and 2,304,100 weights: matrix products, and little else.",
    compiled_goals=dict.fromkeys(("torch", "torch.compile", "jax.jit"), 0.95),
    threads=(1, 2),
    size=512,
    quick_size=8,
    flops=NETS["mlp-wide"].flops(512),
)

ROWS = [SMALL, SMALL_ADAM, LARGE, LARGE_ADAM, WIDE]


def problem(net: Net, setup: Setup) -> tuple[Arrays, Any, Any]:
    """Weights, inputs, labels."""
    rng = generator()
    weights = drawn(rng, {"l0/W": (net.inputs, net.hidden), "l1/W": (net.hidden, net.outputs)})
    return weights, *images(rng, (setup.size, net.inputs), net.outputs)


def plain(net: Net, setup: Setup) -> tuple[list[Any], Any, Any]:
    """The same with the parameters as a list: W, b, W, b."""
    weights, x, t = problem(net, setup)
    biases = [np.zeros(n, np.float32) for n in (net.hidden, net.outputs)]
    return [weights["l0/W"], biases[0], weights["l1/W"], biases[1]], x, t


def dezero(net: Net, setup: Setup) -> Step:
    import dezero.functions as F
    import dezero.layers as L
    from dezero import optimizers

    class MLP(L.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.l0 = L.Linear(net.hidden)
            self.l1 = L.Linear(net.outputs)

        def forward(self, x: Any) -> Any:
            return self.l1(F.relu(self.l0(x)))

    weights, x, t = problem(net, setup)
    model = MLP()
    into_dezero(model, weights)
    optimizer = optimizers.Adam() if net.adam else optimizers.SGD(LR)
    return dezero_step(setup, model, optimizer, lambda: F.softmax_cross_entropy(model(x), t))


def torch(net: Net, setup: Setup) -> Step:
    import torch
    from torch import nn
    from torch.nn import functional as F

    weights, x, t = problem(net, setup)
    l0, l1 = nn.Linear(net.inputs, net.hidden), nn.Linear(net.hidden, net.outputs)
    model = nn.Sequential(OrderedDict(l0=l0, relu=nn.ReLU(), l1=l1))
    into_torch(model, weights)
    parameters = model.parameters()
    optimizer = torch.optim.Adam(parameters) if net.adam else torch.optim.SGD(parameters, lr=LR)
    return torch_step(setup, optimizer, lambda x, t: F.cross_entropy(model(x), t), x, t)


def jax(net: Net, setup: Setup) -> Step:
    import jax

    from ..jaxtraining import cross_entropy

    def forward(p: Any, x: Any, t: Any) -> Any:
        y = jax.nn.relu(x @ p["l0/W"] + p["l0/b"]) @ p["l1/W"] + p["l1/b"]
        return cross_entropy(y, t)

    weights, x, t = problem(net, setup)
    params = with_biases(weights, l0=net.hidden, l1=net.outputs)
    return jax_step(setup, adam() if net.adam else sgd(LR), forward, params, x, t)


def autograd(net: Net, setup: Setup) -> Step:
    import autograd.numpy as anp
    from autograd import value_and_grad
    from autograd.scipy.special import logsumexp

    params, x, t = plain(net, setup)
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


def mygrad(net: Net, setup: Setup) -> Step:
    import mygrad
    from mygrad.nnet import relu, softmax_crossentropy

    arrays, x, t = plain(net, setup)
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


def tinygrad(net: Net, setup: Setup) -> Step:
    from tinygrad import Context, Tensor
    from tinygrad.nn.optim import SGD

    arrays, x, t = plain(net, setup)
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


def sized(case: Callable[[Net, Setup], Step], net: Net) -> Build:
    """The case with layers of these sizes, and this optimizer."""
    return lambda setup: case(net, setup)


for row in ROWS:
    net = NETS[row.key]
    row.on(*OURS, "original")(sized(dezero, net))
    row.on("torch", "torch.compile")(sized(torch, net))
    row.on("jax.jit")(sized(jax, net))

for row in (SMALL, LARGE):
    net = NETS[row.key]
    row.on("jax")(sized(jax, net))
    row.on("autograd")(sized(autograd, net))
    row.on("mygrad")(sized(mygrad, net))
    row.on("tinygrad", "tinygrad.jit")(sized(tinygrad, net))
