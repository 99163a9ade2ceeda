"""A generator and a discriminator that train against each other."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..jaxtraining import adam, batch_norm, conv, hwio, sigmoid_cross_entropy
from ..row import OURS, Row, Setup, Step
from ..weights import Arrays, drawn, generator, into_dezero, into_torch, with_biases

NOISE, SLOPE, ALPHA, BETA1, EPS = 100, 0.2, 2e-4, 0.5, 2e-5

DCGAN = Row(
    "dcgan",
    "DCGAN 28x28, batch 64",
    "A step of both networks of Radford et al. 2015 (arXiv 1511.06434), made for 28x28: transposed "
    "convolutions and convolutions 4x4 of stride 2 with 128 and 64 channels, batch "
    "normalisation, Adam. JAX gets images of (N, H, W, C).",
    goals={"original": 0.6},
    compiled_goals={"torch": 0.7, "jax.jit": 0.6},
    threads=(1, 2),
    size=64,
    quick_size=4,
    peak=True,
    tolerance=1e-3,
)

ROWS = [DCGAN]
GENERATOR = {
    "dense/W": (NOISE, 128 * 7 * 7),
    "deconv0/W": (128, 64, 4, 4),
    "deconv1/W": (64, 1, 4, 4),
}
G_BIASES = {"dense": 128 * 7 * 7, "deconv0": 64, "deconv1": 1}
D_BIASES = {"conv0": 64, "conv1": 128, "dense": 1}
DISCRIMINATOR = {"conv0/W": (64, 1, 4, 4), "conv1/W": (128, 64, 4, 4), "dense/W": (128 * 7 * 7, 1)}


def problem(setup: Setup) -> tuple[Arrays, Arrays, Any, Any, Any, Any]:
    """Weights of both, noise, real images, labels of the real and of the made ones."""
    rng, n = generator(), setup.size
    z = rng.standard_normal((n, NOISE), dtype=np.float32)
    x = rng.random((n, 1, 28, 28), dtype=np.float32)
    labels = np.ones((n, 1), np.int64), np.zeros((n, 1), np.int64)
    return drawn(rng, GENERATOR), drawn(rng, DISCRIMINATOR), z, x, *labels


def dezero_models() -> tuple[Any, Any]:
    """Generator and discriminator in Layers."""
    import dezero.functions as F
    import dezero.layers as L

    class Generator(L.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.dense = L.Linear(128 * 7 * 7)
            self.norm0 = L.BatchNorm()
            self.deconv0 = L.Deconv2d(64, 4, 2, 1)
            self.norm1 = L.BatchNorm()
            self.deconv1 = L.Deconv2d(1, 4, 2, 1)

        def forward(self, z: Any) -> Any:
            y = F.relu(self.norm0(self.dense(z)))
            y = F.reshape(y, (len(z), 128, 7, 7))
            y = F.relu(self.norm1(self.deconv0(y)))  # (N, 64, 14, 14)
            return F.sigmoid(self.deconv1(y))  # (N, 1, 28, 28)

    class Discriminator(L.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.conv0 = L.Conv2d(64, 4, 2, 1)
            self.conv1 = L.Conv2d(128, 4, 2, 1)
            self.norm1 = L.BatchNorm()
            self.dense = L.Linear(1)

        def forward(self, x: Any) -> Any:
            y = F.leaky_relu(self.conv0(x), SLOPE)  # (N, 64, 14, 14)
            y = F.leaky_relu(self.norm1(self.conv1(y)), SLOPE)  # (N, 128, 7, 7)
            return self.dense(F.reshape(y, (len(x), -1)))

    return Generator(), Discriminator()


@DCGAN.on(*OURS, "original")
def dcgan_dezero(setup: Setup) -> Step:
    import dezero.functions as F
    from dezero import optimizers

    weights_g, weights_d, z, x, ones, zeros = problem(setup)
    G, D = dezero_models()
    into_dezero(G, weights_g)
    into_dezero(D, weights_d)
    adam_g, adam_d = (optimizers.Adam(ALPHA, BETA1).setup(model) for model in (G, D))

    def update(model: Any, optimizer: Any, loss: Any) -> None:
        model.cleargrads()
        loss.backward()
        optimizer.update()

    def step() -> Any:
        made = G(z)
        loss = F.sigmoid_cross_entropy(D(x), ones) + F.sigmoid_cross_entropy(D(made.data), zeros)
        update(D, adam_d, loss)
        loss = F.sigmoid_cross_entropy(D(made), ones)
        update(G, adam_g, loss)
        return loss

    return setup.wrap(step)


def torch_models() -> tuple[Any, Any]:
    """Generator and discriminator in torch modules."""
    from torch import nn
    from torch.nn import functional as F

    class Generator(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.dense = nn.Linear(NOISE, 128 * 7 * 7)
            self.norm0 = nn.BatchNorm1d(128 * 7 * 7, eps=EPS)
            self.deconv0 = nn.ConvTranspose2d(128, 64, 4, 2, 1)
            self.norm1 = nn.BatchNorm2d(64, eps=EPS)
            self.deconv1 = nn.ConvTranspose2d(64, 1, 4, 2, 1)

        def forward(self, z: Any) -> Any:
            y = F.relu(self.norm0(self.dense(z))).view(-1, 128, 7, 7)
            y = F.relu(self.norm1(self.deconv0(y)))  # (N, 64, 14, 14)
            return self.deconv1(y).sigmoid()  # (N, 1, 28, 28)

    class Discriminator(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv0 = nn.Conv2d(1, 64, 4, 2, 1)
            self.conv1 = nn.Conv2d(64, 128, 4, 2, 1)
            self.norm1 = nn.BatchNorm2d(128, eps=EPS)
            self.dense = nn.Linear(128 * 7 * 7, 1)

        def forward(self, x: Any) -> Any:
            y = F.leaky_relu(self.conv0(x), SLOPE)  # (N, 64, 14, 14)
            y = F.leaky_relu(self.norm1(self.conv1(y)), SLOPE)  # (N, 128, 7, 7)
            return self.dense(y.flatten(1))

    return Generator(), Discriminator()


@DCGAN.on("torch", "torch.compile")
def dcgan_torch(setup: Setup) -> Step:
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

    weights_g, weights_d, *arrays = problem(setup)
    z, x, ones, zeros = (torch.from_numpy(a.astype(np.float32)) for a in arrays)
    G, D = torch_models()
    into_torch(G, weights_g)
    into_torch(D, weights_d)
    make, judge = setup.wrap(G), setup.wrap(D)
    adam_g, adam_d = (
        torch.optim.Adam(model.parameters(), ALPHA, (BETA1, 0.999)) for model in (G, D)
    )

    def update(optimizer: Any, loss: Any) -> None:
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    def step() -> Any:
        made = make(z)
        loss = cross_entropy(judge(x), ones) + cross_entropy(judge(made.detach()), zeros)
        update(adam_d, loss)
        loss = cross_entropy(judge(made), ones)
        update(adam_g, loss)
        return loss

    return step


def jax_models() -> tuple[Any, Any]:
    """Generator and discriminator as functions of parameters, running averages and images."""
    import jax
    from jax import lax

    def normed(p: Any, averages: Any, name: str, x: Any) -> tuple[Any, Any]:
        scale, shift = p[name + "/scale"], p[name + "/shift"]
        y, average = batch_norm(x, scale, shift, averages[name], EPS)
        return y, averages | {name: average}

    def deconv(x: Any, W: Any) -> Any:
        layout = ("NHWC", "HWIO", "NHWC")
        pads = [(2, 2), (2, 2)]  # 4 - 1 - 1
        return lax.conv_transpose(x, W, (2, 2), pads, None, layout, transpose_kernel=True)

    def generate(p: Any, averages: Any, z: Any) -> tuple[Any, Any]:
        y, averages = normed(p, averages, "norm0", z @ p["dense/W"] + p["dense/b"])
        y = jax.nn.relu(y).reshape(-1, 7, 7, 128)
        y, averages = normed(p, averages, "norm1", deconv(y, p["deconv0/W"]) + p["deconv0/b"])
        y = deconv(jax.nn.relu(y), p["deconv1/W"]) + p["deconv1/b"]
        return jax.nn.sigmoid(y), averages  # (N, 28, 28, 1)

    def judge(p: Any, averages: Any, x: Any) -> tuple[Any, Any]:
        y = jax.nn.leaky_relu(conv(x, p["conv0/W"], 2, 1) + p["conv0/b"], SLOPE)
        y, averages = normed(p, averages, "norm1", conv(y, p["conv1/W"], 2, 1) + p["conv1/b"])
        y = jax.nn.leaky_relu(y, SLOPE)  # (N, 7, 7, 128)
        return y.reshape(len(y), -1) @ p["dense/W"] + p["dense/b"], averages

    return generate, judge


def jax_state(weights: Arrays, biases: dict[str, int], norms: dict[str, int]) -> tuple[Any, Any]:
    """Parameters and running averages."""
    params = with_biases(hwio(weights), **biases)
    averages = {}
    for name, size in norms.items():
        zeros, ones = np.zeros(size, np.float32), np.ones(size, np.float32)
        params |= {f"{name}/scale": ones, f"{name}/shift": zeros}
        averages[name] = zeros, ones
    return params, averages


def channels_last(weights: Arrays) -> Arrays:
    """The weights for images of (N, H, W, C): the dense ones are those that flatten images."""
    dense = weights["dense/W"]
    if dense.shape[0] == NOISE:
        dense = dense.reshape(NOISE, 128, 49).swapaxes(1, 2).reshape(dense.shape)
    else:
        dense = dense.reshape(128, 49).T.reshape(dense.shape)
    return weights | {"dense/W": dense}


def jax_update(optimizer: Any) -> Any:
    """The step of both networks as one function."""
    import jax

    generate, judge = jax_models()

    def judged(d: Any, averages: Any, x: Any, made: Any) -> tuple[Any, Any]:
        real, averages = judge(d, averages, x)
        fake, averages = judge(d, averages, made)
        return sigmoid_cross_entropy(real, 1) + sigmoid_cross_entropy(fake, 0), averages

    def fooled(g: Any, averages: Any, d: Any, averages_d: Any, z: Any) -> tuple[Any, Any]:
        made, averages = generate(g, averages, z)
        y, averages_d = judge(d, averages_d, made)
        return sigmoid_cross_entropy(y, 1), (averages, averages_d)

    def update(state: Any, z: Any, x: Any) -> tuple[Any, Any]:
        g, d, averages_g, averages_d, memory_g, memory_d = state
        made, _ = generate(g, averages_g, z)
        grads, averages_d = jax.grad(judged, has_aux=True)(d, averages_d, x, made)
        d, memory_d = optimizer.update(d, grads, memory_d)
        gradient = jax.value_and_grad(fooled, has_aux=True)
        (loss, averages), grads = gradient(g, averages_g, d, averages_d, z)
        g, memory_g = optimizer.update(g, grads, memory_g)
        return loss, (g, d, *averages, memory_g, memory_d)

    return update


@DCGAN.on("jax.jit")
def dcgan_jax(setup: Setup) -> Step:
    import jax

    weights_g, weights_d, z, x, *_ = problem(setup)
    parts = (
        *jax_state(channels_last(weights_g), G_BIASES, {"norm0": 128 * 7 * 7, "norm1": 64}),
        *jax_state(channels_last(weights_d), D_BIASES, {"norm1": 128}),
    )
    batch = z, x.transpose(0, 2, 3, 1)
    (g, averages_g, d, averages_d), batch = jax.device_put((parts, batch))
    optimizer = adam(ALPHA, BETA1)
    state = g, d, averages_g, averages_d, optimizer.begin(g), optimizer.begin(d)
    update = setup.wrap(jax_update(optimizer), donate_argnums=0)

    def step() -> Any:
        nonlocal state
        loss, state = update(state, *batch)
        return loss

    return step
