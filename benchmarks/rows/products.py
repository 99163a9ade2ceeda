"""A matrix product alone: the speed that steps can come near to."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..row import Row, Setup, Step
from ..weights import generator

PRODUCT = Row(
    "product",
    "product of two 1024x1024",
    "A product of two float32 matrices, without gradients.",
    threads=(1, 2),
    size=1024,
    quick_size=128,
    flops=2 * 1024**3,
)

ROWS = [PRODUCT]


def matrices(setup: Setup) -> tuple[Any, Any]:
    """The two factors."""
    rng = generator()
    shape = (setup.size, setup.size)
    return rng.random(shape, dtype=np.float32), rng.random(shape, dtype=np.float32)


@PRODUCT.on("ours")
def product_dezero(setup: Setup) -> Step:
    import dezero.functions as F

    x, y = matrices(setup)
    return lambda: F.matmul(x, y)


@PRODUCT.on("numpy")
def product_numpy(setup: Setup) -> Step:
    x, y = matrices(setup)
    return lambda: np.matmul(x, y)


@PRODUCT.on("torch")
def product_torch(setup: Setup) -> Step:
    import torch

    x, y = map(torch.from_numpy, matrices(setup))
    return lambda: x @ y


@PRODUCT.on("jax.jit")
def product_jax(setup: Setup) -> Step:
    import jax

    x, y = map(jax.device_put, matrices(setup))
    product = setup.wrap(lambda x, y: x @ y)
    return lambda: product(x, y)
