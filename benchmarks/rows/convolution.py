"""A small convolutional network for 28x28 images."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from ..jaxtraining import adam, conv, cross_entropy, hwio, jax_step, max_pool
from ..row import OURS, Row, Setup, Step
from ..training import dezero_step, torch_step
from ..weights import drawn, generator, images, into_dezero, into_torch, with_biases


def flops(batch: int) -> float:
    """Those of a step: each product forward, for its weights, and for its inputs but the first."""
    first, *others = 24 * 24 * 25 * 32, 8 * 8 * 25 * 32 * 64, 1024 * 128, 128 * 10
    return 2 * batch * (2 * first + 3 * sum(others))


CNN = Row(
    "cnn",
    "CNN 28x28, batch 100",
    "A training step: convolution 5x5 to 32 channels, ReLU, max pooling 2x2, convolution 5x5 to "
    "64, ReLU, max pooling 2x2, Linear 128, ReLU, Linear 10, softmax cross-entropy, Adam. "
    "JAX gets images of (N, H, W, C).",
    goals={"torch": 1.5, "original": 0.6},
    compiled_goals={"torch": 0.5, "jax.jit": 0.35},
    flops=flops(100),
    tolerance=5e-3,  # PyTorch's Adam adds eps elsewhere: small gradients make it seen
    threads=(1, 2),
    size=100,
    quick_size=4,
    peak=True,
)

ROWS = [CNN]
SHAPES = {
    "conv0/W": (32, 1, 5, 5),
    "conv1/W": (64, 32, 5, 5),
    "l0/W": (1024, 128),
    "l1/W": (128, 10),
}


def problem(setup: Setup) -> tuple[Any, Any, Any]:
    """Weights, images, labels."""
    rng = generator()
    return drawn(rng, SHAPES), *images(rng, (setup.size, 1, 28, 28), 10)


@CNN.on(*OURS, "original")
def cnn_dezero(setup: Setup) -> Step:
    import dezero.functions as F
    import dezero.layers as L
    from dezero import optimizers

    class CNN(L.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.conv0 = L.Conv2d(32, 5)
            self.conv1 = L.Conv2d(64, 5)
            self.l0 = L.Linear(128)
            self.l1 = L.Linear(10)

        def forward(self, x: Any) -> Any:
            x = F.pooling(F.relu(self.conv0(x)), 2, 2)  # (N, 32, 12, 12)
            x = F.pooling(F.relu(self.conv1(x)), 2, 2)  # (N, 64, 4, 4)
            x = F.relu(self.l0(F.reshape(x, (len(x), -1))))
            return self.l1(x)

    weights, x, t = problem(setup)
    model = CNN()
    into_dezero(model, weights)
    optimizer = optimizers.Adam()
    return dezero_step(setup, model, optimizer, lambda: F.softmax_cross_entropy(model(x), t))


@CNN.on("torch", "torch.compile")
def cnn_torch(setup: Setup) -> Step:
    import torch
    from torch import nn
    from torch.nn import functional as F

    weights, x, t = problem(setup)
    model = nn.Sequential(
        OrderedDict(
            conv0=nn.Conv2d(1, 32, 5),
            relu0=nn.ReLU(),
            pool0=nn.MaxPool2d(2),
            conv1=nn.Conv2d(32, 64, 5),
            relu1=nn.ReLU(),
            pool1=nn.MaxPool2d(2),
            flatten=nn.Flatten(),
            l0=nn.Linear(1024, 128),
            relu2=nn.ReLU(),
            l1=nn.Linear(128, 10),
        )
    )
    into_torch(model, weights)
    optimizer = torch.optim.Adam(model.parameters())
    return torch_step(setup, optimizer, lambda x, t: F.cross_entropy(model(x), t), x, t)


@CNN.on("jax.jit")
def cnn_jax(setup: Setup) -> Step:
    import jax

    def forward(p: Any, x: Any, t: Any) -> Any:
        x = max_pool(jax.nn.relu(conv(x, p["conv0/W"]) + p["conv0/b"]))  # (N, 12, 12, 32)
        x = max_pool(jax.nn.relu(conv(x, p["conv1/W"]) + p["conv1/b"]))  # (N, 4, 4, 64)
        x = jax.nn.relu(x.reshape(len(x), -1) @ p["l0/W"] + p["l0/b"])
        return cross_entropy(x @ p["l1/W"] + p["l1/b"], t)

    weights, x, t = problem(setup)
    channels_last = weights["l0/W"].reshape(64, 16, 128).swapaxes(0, 1).reshape(1024, 128)
    weights = hwio(weights | {"l0/W": channels_last})
    params = with_biases(weights, conv0=32, conv1=64, l0=128, l1=10)
    return jax_step(setup, adam(), forward, params, x.transpose(0, 2, 3, 1), t)
