"""A language model with one transformer block."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..row import Row, Setup, Step
from ..training import dezero_step, torch_step
from ..weights import Arrays, drawn, generator, into_dezero, into_torch

LETTERS, TIME, WIDTH, HEADS = 65, 64, 128, 4

GPT = Row(
    "gpt",
    "GPT block, batch 8, T 64, C 128",
    "A training step: embeddings of 65 letters and 64 places, layer norm, causal attention with "
    "4 heads, layer norm, GELU network of 512, layer norm, Linear, softmax cross-entropy, Adam.",
    goals={"torch": 1.5},
    threads=(1, 2),
    size=8,
    quick_size=2,
    peak=True,
    absent={"original": "has no layer norm, GELU or batched matmul"},
    tolerance=1e-3,
)

ROWS = [GPT]
SHAPES = {
    "letters/W": (LETTERS, WIDTH),
    "places/W": (TIME, WIDTH),
    "q/W": (WIDTH, WIDTH),
    "k/W": (WIDTH, WIDTH),
    "v/W": (WIDTH, WIDTH),
    "out/W": (WIDTH, WIDTH),
    "up/W": (WIDTH, 4 * WIDTH),
    "down/W": (4 * WIDTH, WIDTH),
    "head/W": (WIDTH, LETTERS),
}


def problem(setup: Setup) -> tuple[Arrays, Any, Any]:
    """Weights, letters (N, T), the letters that follow (N * T,)."""
    rng = generator()
    letters = rng.integers(0, LETTERS, (2, setup.size, TIME))
    return drawn(rng, SHAPES), letters[0], letters[1].reshape(-1)


@GPT.on("ours")
def gpt_dezero(setup: Setup) -> Step:
    import dezero.functions as F
    import dezero.layers as L
    from dezero import optimizers

    places = np.arange(TIME)

    class GPT(L.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.letters, self.places = L.EmbedID(LETTERS, WIDTH), L.EmbedID(TIME, WIDTH)
            self.norm0, self.norm1, self.norm2 = (L.LayerNorm() for _ in range(3))
            self.q, self.k, self.v, self.out = (L.Linear(WIDTH) for _ in range(4))
            self.up, self.down = L.Linear(4 * WIDTH), L.Linear(WIDTH)
            self.head = L.Linear(LETTERS)

        def split(self, x: Any) -> Any:
            x = F.reshape(x, (-1, TIME, HEADS, WIDTH // HEADS))
            return F.transpose(x, (0, 2, 1, 3))  # (N, H, T, D)

        def attend(self, x: Any) -> Any:
            q, k, v = (self.split(layer(x)) for layer in (self.q, self.k, self.v))
            y = F.scaled_dot_product_attention(q, k, v, causal=True)
            return self.out(F.reshape(F.transpose(y, (0, 2, 1, 3)), (-1, TIME, WIDTH)))

        def forward(self, letters: Any) -> Any:
            x = self.letters(letters) + self.places(places)  # (N, T, C)
            x = x + self.attend(self.norm0(x))
            x = x + self.down(F.gelu(self.up(self.norm1(x))))
            return self.head(F.reshape(self.norm2(x), (-1, WIDTH)))

    weights, x, t = problem(setup)
    model = GPT()
    into_dezero(model, weights)
    optimizer = optimizers.Adam()
    return dezero_step(setup, model, optimizer, lambda: F.softmax_cross_entropy(model(x), t))


@GPT.on("torch", "torch.compile")
def gpt_torch(setup: Setup) -> Step:
    import torch
    from torch import nn
    from torch.nn import functional as F

    places = torch.arange(TIME)

    class GPT(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.letters, self.places = nn.Embedding(LETTERS, WIDTH), nn.Embedding(TIME, WIDTH)
            self.norm0, self.norm1, self.norm2 = (nn.LayerNorm(WIDTH) for _ in range(3))
            self.q, self.k, self.v, self.out = (nn.Linear(WIDTH, WIDTH) for _ in range(4))
            self.up, self.down = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)
            self.head = nn.Linear(WIDTH, LETTERS)

        def split(self, x: Any) -> Any:
            return x.view(-1, TIME, HEADS, WIDTH // HEADS).transpose(1, 2)  # (N, H, T, D)

        def attend(self, x: Any) -> Any:
            q, k, v = (self.split(layer(x)) for layer in (self.q, self.k, self.v))
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            return self.out(y.transpose(1, 2).reshape(-1, TIME, WIDTH))

        def forward(self, letters: Any) -> Any:
            x = self.letters(letters) + self.places(places)  # (N, T, C)
            x = x + self.attend(self.norm0(x))
            x = x + self.down(F.gelu(self.up(self.norm1(x))))
            return self.head(self.norm2(x).view(-1, WIDTH))

    weights, *batch = problem(setup)
    model = GPT()
    into_torch(model, weights)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    return torch_step(setup, optimizer, lambda x, t: F.cross_entropy(model(x), t), *batch)
