"""A variational autoencoder."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..jaxtraining import adam, jax_step
from ..row import OURS, Row, Setup, Step
from ..training import dezero_step, torch_step
from ..weights import Arrays, drawn, generator, into_dezero, into_torch, with_biases

PIXELS, HIDDEN, LATENT = 784, 400, 20


def flops(batch: int) -> float:
    """Those of a step: each product forward, for its weights, and for its inputs but the first."""
    first, others = PIXELS * HIDDEN, HIDDEN * (2 * LATENT + LATENT + PIXELS)
    return 2 * batch * (2 * first + 3 * others)


VAE = Row(
    "vae",
    "VAE 784-400-20, batch 100",
    "A training step of the network of Kingma and Welling 2013 (arXiv 1312.6114): encoder and "
    "decoder with a layer of 400 and ReLU, noise that is given, binary cross-entropy and the "
    "divergence from the prior, Adam.",
    compiled_goals={"torch": 0.7, "jax.jit": 0.6},
    threads=(1, 2),
    size=100,
    quick_size=4,
    tolerance=1e-3,
    flops=flops(100),
)

ROWS = [VAE]
SHAPES = {
    "encoder/W": (PIXELS, HIDDEN),
    "mean/W": (HIDDEN, LATENT),
    "spread/W": (HIDDEN, LATENT),
    "decoder/W": (LATENT, HIDDEN),
    "pixels/W": (HIDDEN, PIXELS),
}


def problem(setup: Setup) -> tuple[Arrays, Any, Any]:
    """Weights, images between 0 and 1, noise."""
    rng = generator()
    x = rng.random((setup.size, PIXELS), dtype=np.float32)
    return drawn(rng, SHAPES), x, rng.standard_normal((setup.size, LATENT), dtype=np.float32)


@VAE.on(*OURS, "original")
def vae_dezero(setup: Setup) -> Step:
    import dezero.functions as F
    import dezero.layers as L
    from dezero import optimizers

    class VAE(L.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.encoder, self.decoder = L.Linear(HIDDEN), L.Linear(HIDDEN)
            self.mean, self.spread = L.Linear(LATENT), L.Linear(LATENT)
            self.pixels = L.Linear(PIXELS)

        def forward(self, x: Any, noise: Any) -> Any:
            h = F.relu(self.encoder(x))
            mean, log_var = self.mean(h), self.spread(h)
            z = mean + F.exp(log_var * 0.5) * noise
            y = self.pixels(F.relu(self.decoder(z)))
            divergence = F.sum(mean**2 + F.exp(log_var) - log_var - 1) * (0.5 / len(x))
            return F.sigmoid_cross_entropy(y, x) + divergence

    weights, x, noise = problem(setup)
    model = VAE()
    into_dezero(model, weights)
    return dezero_step(setup, model, optimizers.Adam(), lambda: model(x, noise))


@VAE.on("torch", "torch.compile")
def vae_torch(setup: Setup) -> Step:
    import torch
    from torch import nn
    from torch.nn import functional as F

    class VAE(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder, self.decoder = nn.Linear(PIXELS, HIDDEN), nn.Linear(LATENT, HIDDEN)
            self.mean, self.spread = nn.Linear(HIDDEN, LATENT), nn.Linear(HIDDEN, LATENT)
            self.pixels = nn.Linear(HIDDEN, PIXELS)

        def forward(self, x: Any, noise: Any) -> Any:
            h = F.relu(self.encoder(x))
            mean, log_var = self.mean(h), self.spread(h)
            z = mean + torch.exp(log_var * 0.5) * noise
            y = self.pixels(F.relu(self.decoder(z)))
            divergence = torch.sum(mean**2 + torch.exp(log_var) - log_var - 1) * 0.5
            error = F.binary_cross_entropy_with_logits(y, x, reduction="sum")
            return (error + divergence) / len(x)

    weights, *batch = problem(setup)
    model = VAE()
    into_torch(model, weights)
    return torch_step(setup, torch.optim.Adam(model.parameters()), model, *batch)


@VAE.on("jax.jit")
def vae_jax(setup: Setup) -> Step:
    import jax
    import jax.numpy as jnp

    def forward(p: Any, x: Any, noise: Any) -> Any:
        def linear(name: str, x: Any) -> Any:
            return x @ p[name + "/W"] + p[name + "/b"]

        h = jax.nn.relu(linear("encoder", x))
        mean, log_var = linear("mean", h), linear("spread", h)
        z = mean + jnp.exp(log_var * 0.5) * noise
        y = linear("pixels", jax.nn.relu(linear("decoder", z)))
        divergence = (mean**2 + jnp.exp(log_var) - log_var - 1).sum() * 0.5
        return ((jnp.logaddexp(y, 0) - x * y).sum() + divergence) / len(x)

    weights, x, noise = problem(setup)
    params = with_biases(
        weights, encoder=HIDDEN, mean=LATENT, spread=LATENT, decoder=HIDDEN, pixels=PIXELS
    )
    return jax_step(setup, adam(), forward, params, x, noise)
