"""The training step as both kinds of users write it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .row import Setup, Step


def dezero_step(setup: Setup, model: Any, optimizer: Any, forward: Callable[[], Any]) -> Step:
    """Loss, backward, update, in our words and the original's."""
    optimizer.setup(model)

    def step() -> Any:
        loss = forward()
        model.cleargrads()
        loss.backward()
        optimizer.update()
        return loss

    return setup.wrap(step)


def torch_step(setup: Setup, optimizer: Any, forward: Callable[..., Any], *batch: Any) -> Step:
    """The same in PyTorch's words; its compiler gets the forward part."""
    import torch

    tensors = [torch.from_numpy(array) for array in batch]
    compiled = setup.wrap(forward)

    def step() -> Any:
        optimizer.zero_grad()
        loss = compiled(*tensors)
        loss.backward()
        optimizer.step()
        return loss

    return step
