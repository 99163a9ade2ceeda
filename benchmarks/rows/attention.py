"""Language models with one and with four transformer blocks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..jaxtraining import adam, cross_entropy, jax_step
from ..row import OURS, Build, Row, Setup, Step
from ..training import dezero_step, torch_step
from ..weights import Arrays, drawn, generator, into_dezero, into_torch

LETTERS, TIME, WIDTH, HEADS = 65, 64, 128, 4
COMPILED_GOALS = {"torch": 0.65, "torch.compile": 0.65, "jax.jit": 0.6}
ABSENT = {"original": "has no layer norm, GELU or batched matmul"}


def flops(blocks: int, batch: int) -> float:
    """Those of a step: each product forward and for both of its factors; masked scores count."""
    token = blocks * (12 * WIDTH * WIDTH + 2 * TIME * WIDTH) + WIDTH * LETTERS
    return 2 * 3 * batch * TIME * token


GPT = Row(
    "gpt",
    "GPT block, batch 8, T 64, C 128",
    "A training step: embeddings of 65 letters and 64 places, layer norm, causal attention with "
    "4 heads, layer norm, GELU network of 512, layer norm, Linear, softmax cross-entropy, Adam.",
    goals={"torch": 1.5},
    compiled_goals=COMPILED_GOALS,
    threads=(1, 2),
    size=8,
    quick_size=2,
    peak=True,
    absent=ABSENT,
    tolerance=1e-3,
    flops=flops(1, 8),
)

GPT4 = Row(
    "gpt-4",
    "GPT of 4 blocks, batch 8, T 64, C 128",
    "The same with four blocks, one after the other.",
    compiled_goals=COMPILED_GOALS,
    peak_goals={"torch": 0.6},
    threads=(1, 2),
    size=8,
    quick_size=2,
    peak=True,
    absent=ABSENT,
    tolerance=1e-3,
    flops=flops(4, 8),
)

ROWS = [GPT, GPT4]
BLOCKS = {"gpt": 1, "gpt-4": 4}
BLOCK = {
    "q/W": (WIDTH, WIDTH),
    "k/W": (WIDTH, WIDTH),
    "v/W": (WIDTH, WIDTH),
    "out/W": (WIDTH, WIDTH),
    "up/W": (WIDTH, 4 * WIDTH),
    "down/W": (4 * WIDTH, WIDTH),
}


def problem(blocks: int, setup: Setup) -> tuple[Arrays, Any, Any]:
    """Weights, letters (N, T), the letters that follow (N * T,)."""
    rng = generator()
    letters = rng.integers(0, LETTERS, (2, setup.size, TIME))
    shapes = {"letters/W": (LETTERS, WIDTH), "places/W": (TIME, WIDTH), "head/W": (WIDTH, LETTERS)}
    for i in range(blocks):
        shapes |= {f"block{i}/{path}": shape for path, shape in BLOCK.items()}
    return drawn(rng, shapes), letters[0], letters[1].reshape(-1)


def dezero_model(blocks: int) -> Any:
    """The model in Layers."""
    import dezero.functions as F
    import dezero.layers as L

    places = np.arange(TIME)

    class Block(L.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.norm0, self.norm1 = L.LayerNorm(), L.LayerNorm()
            self.q, self.k, self.v, self.out = (L.Linear(WIDTH) for _ in range(4))
            self.up, self.down = L.Linear(4 * WIDTH), L.Linear(WIDTH)

        def split(self, x: Any) -> Any:
            x = F.reshape(x, (-1, TIME, HEADS, WIDTH // HEADS))
            return F.transpose(x, (0, 2, 1, 3))  # (N, H, T, D)

        def attend(self, x: Any) -> Any:
            q, k, v = (self.split(layer(x)) for layer in (self.q, self.k, self.v))
            y = F.scaled_dot_product_attention(q, k, v, causal=True)
            return self.out(F.reshape(F.transpose(y, (0, 2, 1, 3)), (-1, TIME, WIDTH)))

        def forward(self, x: Any) -> Any:
            x = x + self.attend(self.norm0(x))
            return x + self.down(F.gelu(self.up(self.norm1(x))))

    class GPT(L.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.letters, self.places = L.EmbedID(LETTERS, WIDTH), L.EmbedID(TIME, WIDTH)
            for i in range(blocks):
                setattr(self, f"block{i}", Block())
            self.norm, self.head = L.LayerNorm(), L.Linear(LETTERS)

        def forward(self, letters: Any) -> Any:
            x = self.letters(letters) + self.places(places)  # (N, T, C)
            for i in range(blocks):
                x = getattr(self, f"block{i}")(x)
            return self.head(F.reshape(self.norm(x), (-1, WIDTH)))

    return GPT()


def dezero(blocks: int, setup: Setup) -> Step:
    import dezero.functions as F
    from dezero import optimizers

    weights, x, t = problem(blocks, setup)
    model = dezero_model(blocks)
    into_dezero(model, weights)
    optimizer = optimizers.Adam()
    return dezero_step(setup, model, optimizer, lambda: F.softmax_cross_entropy(model(x), t))


def torch_model(blocks: int) -> Any:
    """The model in torch modules."""
    import torch
    from torch import nn
    from torch.nn import functional as F

    places = torch.arange(TIME)

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm0, self.norm1 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
            self.q, self.k, self.v, self.out = (nn.Linear(WIDTH, WIDTH) for _ in range(4))
            self.up, self.down = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)

        def split(self, x: Any) -> Any:
            return x.view(-1, TIME, HEADS, WIDTH // HEADS).transpose(1, 2)  # (N, H, T, D)

        def attend(self, x: Any) -> Any:
            q, k, v = (self.split(layer(x)) for layer in (self.q, self.k, self.v))
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            return self.out(y.transpose(1, 2).reshape(-1, TIME, WIDTH))

        def forward(self, x: Any) -> Any:
            x = x + self.attend(self.norm0(x))
            return x + self.down(F.gelu(self.up(self.norm1(x))))

    class GPT(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.letters, self.places = nn.Embedding(LETTERS, WIDTH), nn.Embedding(TIME, WIDTH)
            for i in range(blocks):
                self.add_module(f"block{i}", Block())
            self.norm, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, LETTERS)

        def forward(self, letters: Any) -> Any:
            x = self.letters(letters) + self.places(places)  # (N, T, C)
            for i in range(blocks):
                x = getattr(self, f"block{i}")(x)
            return self.head(self.norm(x).view(-1, WIDTH))

    return GPT()


def torch(blocks: int, setup: Setup) -> Step:
    import torch
    from torch.nn import functional as F

    weights, *batch = problem(blocks, setup)
    model = torch_model(blocks)
    into_torch(model, weights)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    return torch_step(setup, optimizer, lambda x, t: F.cross_entropy(model(x), t), *batch)


def nested(weights: Arrays) -> dict[str, Any]:
    """The parameters as a tree: dicts of the layers, with biases, scales and shifts."""
    tree: dict[str, Any] = {"norm": fresh_norm()}
    for path, array in weights.items():
        *blocks, layer, _ = path.split("/")
        owner = tree
        for block in blocks:
            owner = tree.setdefault(block, {"norm0": fresh_norm(), "norm1": fresh_norm()})
        owner[layer] = {"W": array}
        if layer not in ("letters", "places"):
            owner[layer]["b"] = np.zeros(array.shape[1], np.float32)
    return tree


def fresh_norm() -> dict[str, Any]:
    """Scales and shifts of a layer norm."""
    return {"scale": np.ones(WIDTH, np.float32), "shift": np.zeros(WIDTH, np.float32)}


def jax(blocks: int, setup: Setup) -> Step:
    import jax
    import jax.numpy as jnp

    def linear(p: Any, x: Any) -> Any:
        return x @ p["W"] + p["b"]

    def norm(p: Any, x: Any) -> Any:
        return jax.nn.standardize(x, epsilon=1e-5) * p["scale"] + p["shift"]

    def split(x: Any) -> Any:
        return x.reshape(-1, TIME, HEADS, WIDTH // HEADS).transpose(0, 2, 1, 3)  # (N, H, T, D)

    def attend(p: Any, x: Any) -> Any:
        q, k, v = (split(linear(p[name], x)) for name in ("q", "k", "v"))
        scores = q @ k.swapaxes(2, 3) / np.float32(np.sqrt(WIDTH // HEADS))
        scores = jnp.where(jnp.tri(TIME, dtype=bool), scores, -jnp.inf)
        y = jax.nn.softmax(scores) @ v
        return linear(p["out"], y.transpose(0, 2, 1, 3).reshape(-1, TIME, WIDTH))

    def block(p: Any, x: Any) -> Any:
        x = x + attend(p, norm(p["norm0"], x))
        up = jax.nn.gelu(linear(p["up"], norm(p["norm1"], x)), approximate=False)
        return x + linear(p["down"], up)

    def forward(p: Any, x: Any, t: Any) -> Any:
        x = p["letters"]["W"][x] + p["places"]["W"]  # (N, T, C)
        for i in range(blocks):
            x = block(p[f"block{i}"], x)
        return cross_entropy(linear(p["head"], norm(p["norm"], x)).reshape(-1, LETTERS), t)

    weights, x, t = problem(blocks, setup)
    return jax_step(setup, adam(), forward, nested(weights), x, t)


def sized(case: Callable[[int, Setup], Step], blocks: int) -> Build:
    """The case with so many blocks."""
    return lambda setup: case(blocks, setup)


for row in ROWS:
    row.on(*OURS)(sized(dezero, BLOCKS[row.key]))
    row.on("torch", "torch.compile")(sized(torch, BLOCKS[row.key]))
    row.on("jax.jit")(sized(jax, BLOCKS[row.key]))
