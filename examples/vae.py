"""A variational autoencoder: pictures of clothes become points of a plane, and points pictures.

The encoder says where in the plane a picture may lie (a mean and a deviation); the decoder paints
what lies at a point. They are trained together, to paint well and to spread all pictures like a
normal distribution. Where Fashion-MNIST is not to be had, Digits takes its place.
"""

import argparse
from itertools import chain, islice, repeat
from statistics import NormalDist

import matplotlib
import numpy as np

import dezero
import dezero.functions as F
from dezero import DataLoader, Model
from dezero.arrays.random import normal
from dezero.datasets import Digits, FashionMNIST
from dezero.datasets.image_grid import image_grid
from dezero.errors import DownloadError
from dezero.layers import Linear
from dezero.models import Sequential
from dezero.optimizers import Adam, WarmupCosine

matplotlib.use("Agg")
import matplotlib.pyplot as plt

GRID = 14


class VAE(Model):
    def __init__(self, pixels, hidden):
        super().__init__()
        self.encoder = Sequential(Linear(hidden), F.relu, Linear(hidden), F.relu, Linear(4))
        self.decoder = Sequential(Linear(hidden), F.relu, Linear(hidden), F.relu, Linear(pixels))

    def encode(self, x):
        """The mean and the logarithm of the variance of each picture's place: (N, 2) each."""
        y = self.encoder(x)
        return y[:, :2], y[:, 2:]

    def decode(self, z):
        """How bright each pixel is, from 0 to 1."""
        return F.sigmoid(self.decoder(z))

    def forward(self, x, noise):
        """What a picture costs, in nats: the negative of the evidence lower bound (ELBO)."""
        mean, log_variance = self.encode(x)
        z = mean + F.exp(0.5 * log_variance) * noise
        logits = self.decoder(z)
        pixels = F.sum(F.softplus(logits) - x * logits)  # -x log p - (1 - x) log(1 - p)
        spread = 0.5 * F.sum(F.exp(log_variance) + mean**2 - 1 - log_variance)
        return (pixels + spread) / len(x)


def load():
    try:
        return FashionMNIST(train=True), FashionMNIST(train=False)
    except DownloadError as error:
        print(f"{error}\nWithout Fashion-MNIST: learning Digits instead.")
        return Digits(train=True), Digits(train=False)


def cost(model, loader):
    """What a picture costs on average."""
    with dezero.no_grad():
        costs = [model(x, normal((len(x), 2), np.float32)) * len(x) for x, _ in loader]
    return float(sum(costs)) / loader.data_size


def cost_of_means(means, t):
    """What pictures t cost a model that draws one of the mean pictures (K, pixels) at random."""
    p = np.clip(means, 1e-3, 1 - 1e-3).astype(np.float64)
    likelihoods = t @ np.log(p).T + (1 - t) @ np.log(1 - p).T  # (N, K)
    return np.log(len(p)) - np.logaddexp.reduce(likelihoods, axis=1).mean()


def train_vae(model, train, test, steps, compiled):
    loader = DataLoader(train, batch_size=100)
    in_order = DataLoader(test, batch_size=1000, shuffle=False)
    optimizer = Adam().setup(model)
    optimizer.add_hook(WarmupCosine(optimizer, peak=4e-3, warmup=steps // 20, total=steps))

    def learn(x, noise):
        loss = model(x, noise)
        model.cleargrads()
        loss.backward()
        optimizer.update()

    if compiled:
        learn = dezero.compile(learn)
    batches = islice(chain.from_iterable(repeat(loader)), steps)
    for step, (x, _) in enumerate(batches, start=1):
        learn(x, normal((len(x), 2), np.float32))
        if step % (steps // 4) == 0:
            print(f"step {step}: an unseen picture costs {cost(model, in_order):.2f} nats")
    return cost(model, in_order)


def draw(model, test, picture):
    x, t = test.batch(range(len(test)))
    quantiles = [NormalDist().inv_cdf((i + 0.5) / GRID) for i in range(GRID)]
    plane = np.array([(a, b) for b in reversed(quantiles) for a in quantiles], np.float32)
    with dezero.no_grad():
        mean = model.encode(x)[0].data
        places = mean[:24], normal((24, 2), np.float32), plane
        again, samples, painted = (model.decode(z).data for z in places)
    figure, axes = plt.subplots(1, 3, figsize=(15, 5), layout="constrained")
    for label, name in test.labels().items():
        axes[0].scatter(*mean[t == label].T, s=3, alpha=0.6, color=f"C{label}", label=name)
    axes[0].set(xlabel="z₀", ylabel="z₁", xlim=(-3.5, 3.5), ylim=(-3.5, 3.5), aspect="equal")
    axes[0].set_title("Unseen pictures")
    axes[0].legend(loc="upper left", markerscale=4, fontsize="x-small")
    pairs = np.stack([x[:24].reshape(3, 8, -1), again.reshape(3, 8, -1)], axis=1)
    rows = np.concatenate([pairs.reshape(48, -1), samples])
    grids = (
        ("What lies in the plane", painted, GRID, GRID),
        ("Given, painted again; at the end invented", rows, 9, 8),
    )
    for panel, (title, images, row, col) in zip(axes[1:], grids, strict=True):
        images = images.reshape(-1, *test.data.shape[1:])
        panel.imshow(image_grid(images, row, col), cmap="gray_r")
        panel.set_title(title)
        panel.axis("off")
    figure.savefig(picture, dpi=80)


def main(quick, compiled, picture):
    np.random.seed(0)
    dezero.random.seed(0)
    train, test = load()
    model = VAE(train[0][0].size, hidden=128 if quick else 256)
    ours = train_vae(model, train, test, 1200 if quick else 5000, compiled)
    x, t = train.batch(range(len(train)))
    unseen, _ = test.batch(range(len(test)))
    average = cost_of_means(x.mean(axis=0, keepdims=True), unseen)
    by_class = cost_of_means(np.array([x[t == k].mean(axis=0) for k in range(10)]), unseen)
    print(f"with the mean of all pictures {average:.2f}, of each class {by_class:.2f}")
    draw(model, test, picture)
    assert ours < (average if quick else by_class)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="1,200 steps of small networks")
    parser.add_argument("--compile", action="store_true", help="run the step as native code")
    parser.add_argument("--picture", default="vae.png")
    options = parser.parse_args()
    main(options.quick, options.compile, options.picture)
