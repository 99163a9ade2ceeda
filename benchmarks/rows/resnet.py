"""ResNet-18 as it is built for 32x32 images."""

from __future__ import annotations

from typing import Any

from ..row import Row, Setup, Step
from ..training import dezero_step, torch_step
from ..weights import drawn, generator, images, into_dezero, into_torch

RESNET = Row(
    "resnet-18",
    "ResNet-18 32x32, batch 32",
    "A training step of the network of He et al. 2015 (arXiv 1512.03385) with a 3x3 stem and no "
    "first pooling, batch normalisation in training mode, SGD.",
    goals={"torch": 1.5, "original": 0.6},
    threads=(1, 2),
    size=32,
    quick_size=2,
    peak=True,
    tolerance=1e-3,
)

ROWS = [RESNET]
LR = 0.01
STEM = 64
STAGES = [(64, 1), (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1)]


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


@RESNET.on("ours", "original")
def resnet_dezero(setup: Setup) -> Step:
    import dezero.functions as F
    from dezero import optimizers

    weights, x, t = problem(setup)
    model = dezero_model()
    into_dezero(model, weights)
    optimizer = optimizers.SGD(LR)
    return dezero_step(setup, model, optimizer, lambda: F.softmax_cross_entropy(model(x), t))


def torch_model() -> Any:
    """The network in torch modules."""
    from torch import nn
    from torch.nn import functional as F

    class Block(nn.Module):
        def __init__(self, before: int, channels: int, stride: int) -> None:
            super().__init__()
            self.conv0 = nn.Conv2d(before, channels, 3, stride, 1, bias=False)
            self.norm0 = nn.BatchNorm2d(channels, eps=2e-5)
            self.conv1 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
            self.norm1 = nn.BatchNorm2d(channels, eps=2e-5)
            self.stride = stride
            if stride != 1:
                self.project = nn.Conv2d(before, channels, 1, stride, bias=False)
                self.norm2 = nn.BatchNorm2d(channels, eps=2e-5)

        def forward(self, x: Any) -> Any:
            y = F.relu(self.norm0(self.conv0(x)))
            y = self.norm1(self.conv1(y))
            return F.relu(y + (x if self.stride == 1 else self.norm2(self.project(x))))

    class ResNet(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Conv2d(3, STEM, 3, 1, 1, bias=False)
            self.norm = nn.BatchNorm2d(STEM, eps=2e-5)
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
    optimizer = torch.optim.SGD(model.parameters(), lr=LR)
    return torch_step(setup, optimizer, lambda x, t: F.cross_entropy(model(x), t), x, t)
