"""ResNet-18 as it is built for 32x32 images."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..jaxtraining import batch_norm, conv, cross_entropy, hwio, jax_step, momentum
from ..row import OURS, Row, Setup, Step
from ..training import dezero_step, torch_step
from ..weights import drawn, generator, images, into_dezero, into_torch, with_biases

LR, MOMENTUM, EPS = 1e-4, 0.9, 2e-5
STEM = 64
STAGES = [(64, 1), (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1)]


def flops(batch: int) -> float:
    """Those of a step: each product forward, for its weights, and for its inputs but the first."""
    first, total, side, before = 32 * 32 * 27 * STEM, 0, 32, STEM
    for channels, stride in STAGES:
        side //= stride
        taps = 9 * before + 9 * channels + (before if stride != 1 else 0)
        total += side * side * channels * taps
        before = channels
    return 2 * batch * (2 * first + 3 * (total + before * 10))


RESNET = Row(
    "resnet-18",
    "ResNet-18 32x32, batch 32",
    "A training step of the network of He et al. 2015 (arXiv 1512.03385) with a 3x3 stem and no "
    "first pooling, batch normalisation in training mode, SGD with momentum. JAX gets images of "
    "(N, H, W, C).",
    goals={"torch": 1.5, "original": 0.6},
    compiled_goals={"torch": 0.75, "jax.jit": 0.6},
    peak_goals={"torch": 0.6},
    flops=flops(32),
    threads=(1, 2),
    size=32,
    quick_size=2,
    peak=True,
    tolerance=1e-3,
)

ROWS = [RESNET]


def shapes() -> dict[str, tuple[int, ...]]:
    """The weights of all blocks; a block that changes the shape has a projection."""
    shapes: dict[str, tuple[int, ...]] = {"stem/W": (STEM, 3, 3, 3)}
    before = STEM
    for i, (channels, stride) in enumerate(STAGES):
        shapes[f"block{i}/conv0/W"] = (channels, before, 3, 3)
        shapes[f"block{i}/conv1/W"] = (channels, channels, 3, 3)
        if stride != 1:
            shapes[f"block{i}/project/W"] = (channels, before, 1, 1)
        before = channels
    return shapes | {"head/W": (before, 10)}


def problem(setup: Setup) -> tuple[Any, Any, Any]:
    """Weights, images, labels."""
    rng = generator()
    return drawn(rng, shapes()), *images(rng, (setup.size, 3, 32, 32), 10)


def dezero_model() -> Any:
    """The network in Layers."""
    import dezero.functions as F
    import dezero.layers as L

    class Block(L.Layer):
        def __init__(self, channels: int, stride: int) -> None:
            super().__init__()
            self.conv0 = L.Conv2d(channels, 3, stride, 1, nobias=True)
            self.norm0 = L.BatchNorm()
            self.conv1 = L.Conv2d(channels, 3, 1, 1, nobias=True)
            self.norm1 = L.BatchNorm()
            self.stride = stride
            if stride != 1:
                self.project = L.Conv2d(channels, 1, stride, 0, nobias=True)
                self.norm2 = L.BatchNorm()

        def forward(self, x: Any) -> Any:
            y = F.relu(self.norm0(self.conv0(x)))
            y = self.norm1(self.conv1(y))
            return F.relu(y + (x if self.stride == 1 else self.norm2(self.project(x))))

    class ResNet(L.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.stem = L.Conv2d(STEM, 3, 1, 1, nobias=True)
            self.norm = L.BatchNorm()
            for i, (channels, stride) in enumerate(STAGES):
                setattr(self, f"block{i}", Block(channels, stride))
            self.head = L.Linear(10)

        def forward(self, x: Any) -> Any:
            x = F.relu(self.norm(self.stem(x)))
            for i in range(len(STAGES)):
                x = getattr(self, f"block{i}")(x)
            x = F.average_pooling(x, 4)  # (N, C, 1, 1)
            return self.head(F.reshape(x, (len(x), -1)))

    return ResNet()


@RESNET.on(*OURS, "original")
def resnet_dezero(setup: Setup) -> Step:
    import dezero.functions as F
    from dezero import optimizers

    weights, x, t = problem(setup)
    model = dezero_model()
    into_dezero(model, weights)
    optimizer = optimizers.MomentumSGD(LR, MOMENTUM)
    return dezero_step(setup, model, optimizer, lambda: F.softmax_cross_entropy(model(x), t))


def torch_model() -> Any:
    """The network in torch modules."""
    from torch import nn
    from torch.nn import functional as F

    class Block(nn.Module):
        def __init__(self, before: int, channels: int, stride: int) -> None:
            super().__init__()
            self.conv0 = nn.Conv2d(before, channels, 3, stride, 1, bias=False)
            self.norm0 = nn.BatchNorm2d(channels, eps=EPS)
            self.conv1 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
            self.norm1 = nn.BatchNorm2d(channels, eps=EPS)
            self.stride = stride
            if stride != 1:
                self.project = nn.Conv2d(before, channels, 1, stride, bias=False)
                self.norm2 = nn.BatchNorm2d(channels, eps=EPS)

        def forward(self, x: Any) -> Any:
            y = F.relu(self.norm0(self.conv0(x)))
            y = self.norm1(self.conv1(y))
            return F.relu(y + (x if self.stride == 1 else self.norm2(self.project(x))))

    class ResNet(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Conv2d(3, STEM, 3, 1, 1, bias=False)
            self.norm = nn.BatchNorm2d(STEM, eps=EPS)
            before = STEM
            for i, (channels, stride) in enumerate(STAGES):
                self.add_module(f"block{i}", Block(before, channels, stride))
                before = channels
            self.head = nn.Linear(before, 10)

        def forward(self, x: Any) -> Any:
            x = F.relu(self.norm(self.stem(x)))
            for i in range(len(STAGES)):
                x = getattr(self, f"block{i}")(x)
            return self.head(x.mean((2, 3)))

    return ResNet()


@RESNET.on("torch", "torch.compile")
def resnet_torch(setup: Setup) -> Step:
    import torch
    from torch.nn import functional as F

    weights, x, t = problem(setup)
    model = torch_model()
    into_torch(model, weights)
    optimizer = torch.optim.SGD(model.parameters(), lr=LR, momentum=MOMENTUM)
    return torch_step(setup, optimizer, lambda x, t: F.cross_entropy(model(x), t), x, t)


@RESNET.on("jax.jit")
def resnet_jax(setup: Setup) -> Step:
    import jax

    weights, x, t = problem(setup)
    convs = [path.removesuffix("/W") for path, array in weights.items() if array.ndim == 4]
    sizes = {path: weights[path + "/W"].shape[0] for path in convs}
    params = with_biases(hwio(weights), head=10) | {
        f"{path}/{name}": np.full(sizes[path], value, np.float32)
        for path in convs
        for name, value in (("scale", 1), ("shift", 0))
    }
    averages = {
        path: (np.zeros(n, np.float32), np.ones(n, np.float32)) for path, n in sizes.items()
    }

    def forward(p: Any, averages: Any, x: Any, t: Any) -> Any:
        averages = dict(averages)

        def normed(path: str, x: Any, stride: int, pad: int) -> Any:
            y = conv(x, p[path + "/W"], stride, pad)
            scale, shift = p[path + "/scale"], p[path + "/shift"]
            y, averages[path] = batch_norm(y, scale, shift, averages[path], EPS)
            return y

        x = jax.nn.relu(normed("stem", x, 1, 1))
        for i, (_, stride) in enumerate(STAGES):
            y = jax.nn.relu(normed(f"block{i}/conv0", x, stride, 1))
            y = normed(f"block{i}/conv1", y, 1, 1)
            x = jax.nn.relu(y + (x if stride == 1 else normed(f"block{i}/project", x, stride, 0)))
        return cross_entropy(x.mean((1, 2)) @ p["head/W"] + p["head/b"], t), averages

    optimizer = momentum(LR, MOMENTUM)
    x = x.transpose(0, 2, 3, 1)
    return jax_step(setup, optimizer, forward, params, x, t, averages=averages)
