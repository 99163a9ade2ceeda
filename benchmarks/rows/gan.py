"""A generator and a discriminator that train against each other."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..row import Row, Setup, Step
from ..weights import Arrays, drawn, generator, into_dezero, into_torch

NOISE, SLOPE, ALPHA, BETA1, EPS = 100, 0.2, 2e-4, 0.5, 2e-5

DCGAN = Row(
    "dcgan",
    "DCGAN 28x28, batch 64",
    "A step of both networks of Radford et al. 2015 (arXiv 1511.06434), made for 28x28: transposed "
    "convolutions and convolutions 4x4 of stride 2 with 128 and 64 channels, batch "
    "normalisation, Adam.",
    goals={"original": 0.6},
    threads=(1, 2),
    size=64,
    quick_size=4,
    peak=True,
    tolerance=1e-3,
)

ROWS = [DCGAN]
GENERATOR = {
    "dense/W": (NOISE, 128 * 7 * 7),
    "deconv0/W": (128, 64, 4, 4),
    "deconv1/W": (64, 1, 4, 4),
}
DISCRIMINATOR = {"conv0/W": (64, 1, 4, 4), "conv1/W": (128, 64, 4, 4), "dense/W": (128 * 7 * 7, 1)}


def problem(setup: Setup) -> tuple[Arrays, Arrays, Any, Any, Any, Any]:
    """Weights of both, noise, real images, labels of the real and of the made ones."""
    rng, n = generator(), setup.size
    z = rng.standard_normal((n, NOISE), dtype=np.float32)
    x = rng.random((n, 1, 28, 28), dtype=np.float32)
    labels = np.ones((n, 1), np.int64), np.zeros((n, 1), np.int64)
    return drawn(rng, GENERATOR), drawn(rng, DISCRIMINATOR), z, x, *labels


def dezero_models() -> tuple[Any, Any]:
    """Generator and discriminator in Layers."""
    import dezero.functions as F
    import dezero.layers as L

    class Generator(L.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.dense = L.Linear(128 * 7 * 7)
            self.norm0 = L.BatchNorm()
            self.deconv0 = L.Deconv2d(64, 4, 2, 1)
            self.norm1 = L.BatchNorm()
            self.deconv1 = L.Deconv2d(1, 4, 2, 1)

        def forward(self, z: Any) -> Any:
            y = F.relu(self.norm0(self.dense(z)))
            y = F.reshape(y, (len(z), 128, 7, 7))
            y = F.relu(self.norm1(self.deconv0(y)))  # (N, 64, 14, 14)
            return F.sigmoid(self.deconv1(y))  # (N, 1, 28, 28)

    class Discriminator(L.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.conv0 = L.Conv2d(64, 4, 2, 1)
            self.conv1 = L.Conv2d(128, 4, 2, 1)
            self.norm1 = L.BatchNorm()
            self.dense = L.Linear(1)

        def forward(self, x: Any) -> Any:
            y = F.leaky_relu(self.conv0(x), SLOPE)  # (N, 64, 14, 14)
            y = F.leaky_relu(self.norm1(self.conv1(y)), SLOPE)  # (N, 128, 7, 7)
            return self.dense(F.reshape(y, (len(x), -1)))

    return Generator(), Discriminator()


@DCGAN.on("ours", "original")
def dcgan_dezero(setup: Setup) -> Step:
    import dezero.functions as F
    from dezero import optimizers

    weights_g, weights_d, z, x, ones, zeros = problem(setup)
    G, D = dezero_models()
    into_dezero(G, weights_g)
    into_dezero(D, weights_d)
    adam_g, adam_d = (optimizers.Adam(ALPHA, BETA1).setup(model) for model in (G, D))

    def update(model: Any, optimizer: Any, loss: Any) -> None:
        model.cleargrads()
        loss.backward()
        optimizer.update()

    def step() -> Any:
        made = G(z)
        loss = F.sigmoid_cross_entropy(D(x), ones) + F.sigmoid_cross_entropy(D(made.data), zeros)
        update(D, adam_d, loss)
        loss = F.sigmoid_cross_entropy(D(made), ones)
        update(G, adam_g, loss)
        return loss

    return setup.wrap(step)


def torch_models() -> tuple[Any, Any]:
    """Generator and discriminator in torch modules."""
    from torch import nn
    from torch.nn import functional as F

    class Generator(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.dense = nn.Linear(NOISE, 128 * 7 * 7)
            self.norm0 = nn.BatchNorm1d(128 * 7 * 7, eps=EPS)
            self.deconv0 = nn.ConvTranspose2d(128, 64, 4, 2, 1)
            self.norm1 = nn.BatchNorm2d(64, eps=EPS)
            self.deconv1 = nn.ConvTranspose2d(64, 1, 4, 2, 1)

        def forward(self, z: Any) -> Any:
            y = F.relu(self.norm0(self.dense(z))).view(-1, 128, 7, 7)
            y = F.relu(self.norm1(self.deconv0(y)))  # (N, 64, 14, 14)
            return self.deconv1(y).sigmoid()  # (N, 1, 28, 28)

    class Discriminator(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv0 = nn.Conv2d(1, 64, 4, 2, 1)
            self.conv1 = nn.Conv2d(64, 128, 4, 2, 1)
            self.norm1 = nn.BatchNorm2d(128, eps=EPS)
            self.dense = nn.Linear(128 * 7 * 7, 1)

        def forward(self, x: Any) -> Any:
            y = F.leaky_relu(self.conv0(x), SLOPE)  # (N, 64, 14, 14)
            y = F.leaky_relu(self.norm1(self.conv1(y)), SLOPE)  # (N, 128, 7, 7)
            return self.dense(y.flatten(1))

    return Generator(), Discriminator()


@DCGAN.on("torch", "torch.compile")
def dcgan_torch(setup: Setup) -> Step:
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

    weights_g, weights_d, *arrays = problem(setup)
    z, x, ones, zeros = (torch.from_numpy(a.astype(np.float32)) for a in arrays)
    G, D = torch_models()
    into_torch(G, weights_g)
    into_torch(D, weights_d)
    make, judge = setup.wrap(G), setup.wrap(D)
    adam_g, adam_d = (
        torch.optim.Adam(model.parameters(), ALPHA, (BETA1, 0.999)) for model in (G, D)
    )

    def update(optimizer: Any, loss: Any) -> None:
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    def step() -> Any:
        made = make(z)
        loss = cross_entropy(judge(x), ones) + cross_entropy(judge(made.detach()), zeros)
        update(adam_d, loss)
        loss = cross_entropy(judge(made), ones)
        update(adam_g, loss)
        return loss

    return step
