"""Recurrent networks, unrolled over 30 steps."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..row import Row, Setup, Step
from ..training import dezero_step, torch_step
from ..weights import Arrays, drawn, generator, into_dezero, into_torch

LENGTH, INPUTS, HIDDEN = 30, 32, 128
LR = 0.01
GOALS = {"torch": 0.8, "original": 0.6}

RNN = Row(
    "rnn",
    "RNN 30 steps, batch 32, hidden 128",
    "A training step: a tanh RNN over 30 inputs of 32 features, in one call (the original: one "
    "call a time step), Linear on the last state, mean squared error, SGD.",
    goals=GOALS,
    threads=(1, 2),
    size=32,
    quick_size=4,
    peak=True,
)

LSTM = Row(
    "lstm",
    "LSTM 30 steps, batch 32, hidden 128",
    "The same with an LSTM.",
    goals=GOALS,
    threads=(1, 2),
    size=32,
    quick_size=4,
    peak=True,
)

ROWS = [RNN, LSTM]
LSTM_GATES = "ifuo"  # in the order in which torch stacks them


def problem(setup: Setup, gates: str) -> tuple[Arrays, Any, Any]:
    """Weights of the gates, inputs (T, N, D), targets (N, 1)."""
    rng = generator()
    shapes = {f"cell/x2{gate}/W": (INPUTS, HIDDEN) for gate in gates}
    shapes |= {f"cell/h2{gate}/W": (HIDDEN, HIDDEN) for gate in gates}
    weights = drawn(rng, shapes | {"head/W": (HIDDEN, 1)})
    xs = rng.standard_normal((LENGTH, setup.size, INPUTS), dtype=np.float32)
    return weights, xs, rng.standard_normal((setup.size, 1), dtype=np.float32)


def dezero(setup: Setup, cell: str, gates: str) -> Step:
    """A training step with the layer of this name."""
    import dezero.functions as F
    import dezero.layers as L
    from dezero import optimizers

    class Net(L.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.cell = getattr(L, cell)(HIDDEN)
            self.head = L.Linear(1)

        def forward(self, xs: Any) -> Any:
            self.cell.reset_state()
            if hasattr(self.cell, "sequence"):
                return self.head(self.cell.sequence(xs)[-1])
            for x in xs:
                h = self.cell(x)
            return self.head(h)

    weights, xs, t = problem(setup, gates)
    model = Net()
    into_dezero(model, weights)
    optimizer = optimizers.SGD(LR)
    return dezero_step(setup, model, optimizer, lambda: F.mean_squared_error(model(xs), t))


def torch(setup: Setup, cell: str, gates: str) -> Step:
    """A training step with the module of this name; one of its two biases stays zero."""
    import torch
    from torch import nn
    from torch.nn import functional as F

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.cell = getattr(nn, cell)(INPUTS, HIDDEN)
            self.head = nn.Linear(HIDDEN, 1)

        def forward(self, xs: Any) -> Any:
            return self.head(self.cell(xs)[0][-1])

    weights, *batch = problem(setup, gates)
    model = Net()
    into_torch(model, weights)
    with torch.no_grad():
        for name, parameter in (("x2", model.cell.weight_ih_l0), ("h2", model.cell.weight_hh_l0)):
            stacked = [weights[f"cell/{name}{gate}/W"].T for gate in gates]
            parameter.copy_(torch.from_numpy(np.concatenate(stacked)))
        model.cell.bias_ih_l0.zero_()
        model.cell.bias_hh_l0.zero_().requires_grad_(False)
    optimizer = torch.optim.SGD(model.parameters(), lr=LR)
    return torch_step(setup, optimizer, lambda xs, t: F.mse_loss(model(xs), t), *batch)


@RNN.on("ours", "original")
def rnn_dezero(setup: Setup) -> Step:
    return dezero(setup, "RNN", "h")


@RNN.on("torch", "torch.compile")
def rnn_torch(setup: Setup) -> Step:
    return torch(setup, "RNN", "h")


@LSTM.on("ours", "original")
def lstm_dezero(setup: Setup) -> Step:
    return dezero(setup, "LSTM", LSTM_GATES)


@LSTM.on("torch", "torch.compile")
def lstm_torch(setup: Setup) -> Step:
    return torch(setup, "LSTM", LSTM_GATES)
