"""Recurrent networks, unrolled over 30 steps."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..jaxtraining import jax_step, sgd
from ..row import OURS, Row, Setup, Step
from ..training import dezero_step, torch_step
from ..weights import Arrays, drawn, generator, into_dezero, into_torch

LENGTH, INPUTS, HIDDEN = 30, 32, 128
LR = 0.01
GOALS = {"torch": 0.8, "original": 0.6}
COMPILED_GOALS = {"torch": 0.3, "torch.compile": 0.4, "jax.jit": 0.5}


def flops(gates: int, batch: int) -> float:
    """Those of a step: products with the inputs forward and for the weights, others thrice."""
    return 2 * batch * gates * HIDDEN * LENGTH * (2 * INPUTS + 3 * HIDDEN)


RNN = Row(
    "rnn",
    "RNN 30 steps, batch 32, hidden 128",
    "A training step: a tanh RNN over 30 inputs of 32 features, in one call (the original: one "
    "call a time step; torch.compile, which leaves `nn.RNN` as it is: a loop over `nn.RNNCell`; "
    "JAX: `lax.scan`), Linear on the last state, mean squared error, SGD.",
    goals=GOALS,
    compiled_goals=COMPILED_GOALS,
    flops=flops(1, 32),
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
    compiled_goals=COMPILED_GOALS,
    flops=flops(4, 32),
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


def torch_model(cell: str) -> Any:
    """The network with the module of this name: of a whole sequence, or of a time step."""
    from torch import nn

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.cell = getattr(nn, cell)(INPUTS, HIDDEN)
            self.head = nn.Linear(HIDDEN, 1)

        def forward(self, xs: Any) -> Any:
            if not cell.endswith("Cell"):
                return self.head(self.cell(xs)[0][-1])
            state = None
            for x in xs:
                state = self.cell(x, state)
            return self.head(state[0] if isinstance(state, tuple) else state)

    return Net()


def torch(setup: Setup, cell: str, gates: str) -> Step:
    """A training step with the module of this name; one of its two biases stays zero."""
    import torch
    from torch.nn import functional as F

    weights, *batch = problem(setup, gates)
    model = torch_model(cell)
    into_torch(model, weights)
    with torch.no_grad():
        for name, parameter in model.cell.named_parameters():
            if name.startswith("bias"):
                parameter.zero_().requires_grad_(name.startswith("bias_ih"))
                continue
            source = "x2" if name.startswith("weight_ih") else "h2"
            stacked = [weights[f"cell/{source}{gate}/W"].T for gate in gates]
            parameter.copy_(torch.from_numpy(np.concatenate(stacked)))
    optimizer = torch.optim.SGD(model.parameters(), lr=LR)
    return torch_step(setup, optimizer, lambda xs, t: F.mse_loss(model(xs), t), *batch)


def jax(setup: Setup, gates: str) -> Step:
    """A training step with the gates' weights side by side; a tanh RNN if there is one."""
    import jax
    import jax.numpy as jnp

    def lstm_cell(c: Any, z: Any) -> Any:
        i, f, u, o = jnp.split(z, 4, axis=1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(u)
        return c, jax.nn.sigmoid(o) * jnp.tanh(c)

    def forward(p: Any, xs: Any, t: Any) -> Any:
        def advance(carry: Any, z: Any) -> Any:
            c, h = carry
            z = z + h @ p["h2h"]
            carry = (c, jnp.tanh(z)) if gates == "h" else lstm_cell(c, z)
            return carry, None

        h = jnp.zeros((xs.shape[1], HIDDEN), xs.dtype)
        (_, h), _ = jax.lax.scan(advance, (h, h), xs @ p["x2h"] + p["b"])
        return ((h @ p["head"] + p["head_b"] - t) ** 2).mean()

    weights, xs, t = problem(setup, gates)
    side = {n: np.concatenate([weights[f"cell/{n}{g}/W"] for g in gates], 1) for n in ("x2", "h2")}
    params = {
        "x2h": side["x2"],
        "h2h": side["h2"],
        "b": np.zeros(len(gates) * HIDDEN, np.float32),
        "head": weights["head/W"],
        "head_b": np.zeros(1, np.float32),
    }
    return jax_step(setup, sgd(LR), forward, params, xs, t)


@RNN.on(*OURS, "original")
def rnn_dezero(setup: Setup) -> Step:
    return dezero(setup, "RNN", "h")


@RNN.on("torch")
def rnn_torch(setup: Setup) -> Step:
    return torch(setup, "RNN", "h")


@RNN.on("torch.compile")
def rnn_torch_compile(setup: Setup) -> Step:
    return torch(setup, "RNNCell", "h")


@LSTM.on(*OURS, "original")
def lstm_dezero(setup: Setup) -> Step:
    return dezero(setup, "LSTM", LSTM_GATES)


@LSTM.on("torch")
def lstm_torch(setup: Setup) -> Step:
    return torch(setup, "LSTM", LSTM_GATES)


@LSTM.on("torch.compile")
def lstm_torch_compile(setup: Setup) -> Step:
    return torch(setup, "LSTMCell", LSTM_GATES)


@RNN.on("jax.jit")
def rnn_jax(setup: Setup) -> Step:
    return jax(setup, "h")


@LSTM.on("jax.jit")
def lstm_jax(setup: Setup) -> Step:
    return jax(setup, LSTM_GATES)
