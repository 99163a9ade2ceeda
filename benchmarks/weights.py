"""The same data and initial weights for every library.

Weights are named by their path in the model, `stem/W`: `W` of the Layer that is the attribute
`stem`, `weight` of the torch module `stem`. Biases start at 0 and scales at 1 in every library.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

Arrays = dict[str, Any]


def generator() -> np.random.Generator:
    """The one generator of a case, always in the same state."""
    return np.random.default_rng(0)


def drawn(rng: np.random.Generator, shapes: Mapping[str, tuple[int, ...]]) -> Arrays:
    """Weights of these shapes, as large as the number of inputs asks for.

    A matrix is (in, out), a convolution (out, in, height, width), a transposed one
    (in, out, height, width).
    """
    return {
        path: (rng.standard_normal(shape) / np.sqrt(fan_in(shape))).astype(np.float32)
        for path, shape in shapes.items()
    }


def fan_in(shape: tuple[int, ...]) -> int:
    """How many inputs an output sums up; of a transposed convolution about so many."""
    return shape[0] if len(shape) == 2 else int(np.prod(shape[1:]))


def images(rng: np.random.Generator, shape: tuple[int, ...], classes: int) -> tuple[Any, Any]:
    """A batch of random inputs and labels."""
    return rng.standard_normal(shape, dtype=np.float32), rng.integers(0, classes, shape[0])


def into_dezero(model: Any, weights: Arrays) -> None:
    """Give a model of ours, or of the original, these weights."""
    for path, array in weights.items():
        owner = model
        *layers, name = path.split("/")
        for layer in layers:
            owner = getattr(owner, layer)
        getattr(owner, name).data = array.copy()


def into_torch(model: Any, weights: Arrays) -> None:
    """Give a torch module these weights, and zero biases."""
    import torch

    with torch.no_grad():
        for path, module in model.named_modules():
            bias = getattr(module, "bias", None)
            if isinstance(bias, torch.Tensor):
                bias.zero_()
            array = weights.get(path.replace(".", "/") + "/W")
            if array is not None:
                matrix = isinstance(module, torch.nn.Linear)
                module.weight.copy_(torch.from_numpy(array.T if matrix else array))


def with_biases(weights: Arrays, **sizes: int) -> Arrays:
    """The weights, and zeros `layer/b` for each layer of the given sizes: a tree for JAX."""
    return weights | {f"{layer}/b": np.zeros(size, np.float32) for layer, size in sizes.items()}
