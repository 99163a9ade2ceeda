"""A small convolutional network for 28x28 images."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from ..row import Row, Setup, Step
from ..training import dezero_step, torch_step
from ..weights import drawn, generator, images, into_dezero, into_torch

CNN = Row(
    "cnn",
    "CNN 28x28, batch 100",
    "A training step: convolution 5x5 to 32 channels, ReLU, max pooling 2x2, convolution 5x5 to "
    "64, ReLU, max pooling 2x2, Linear 128, ReLU, Linear 10, softmax cross-entropy, SGD.",
    goals={"torch": 1.5, "original": 0.6},
    threads=(1, 2),
    size=100,
    quick_size=4,
    peak=True,
)

ROWS = [CNN]
LR = 0.01
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


@CNN.on("ours", "original")
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
    optimizer = optimizers.SGD(LR)
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
    optimizer = torch.optim.SGD(model.parameters(), lr=LR)
    return torch_step(setup, optimizer, lambda x, t: F.cross_entropy(model(x), t), x, t)
