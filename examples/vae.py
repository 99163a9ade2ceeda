"""A variational autoencoder: pictures of clothes become points of a plane, and points pictures.

The encoder says where in the plane a picture may lie (a mean and a deviation); the decoder paints
what lies at a point. They are trained together, to paint well and to spread all pictures like a
normal distribution. Where Fashion-MNIST is neither installed nor to be had, Digits takes its
place.
"""

import argparse
from statistics import NormalDist

import matplotlib
import numpy as np

import dezero
import dezero.functions as F
import dezero.layers as L
from dezero import DataLoader, Model
from dezero.datasets import Digits, FashionMNIST
from dezero.datasets.image_grid import image_grid
from dezero.errors import DownloadError
from dezero.optimizers import Adam, WarmupCosine

matplotlib.use("Agg")
import matplotlib.pyplot as plt

GRID = 15


class VAE(Model):
    def __init__(self, pixels, hidden=400, latent=2):
        super().__init__()
        self.latent = latent
        self.read = [L.Linear(hidden), L.Linear(hidden), L.Linear(2 * latent)]
        self.paint = [L.Linear(hidden), L.Linear(hidden), L.Linear(pixels)]

    def encode(self, x):
        """The mean and the logarithm of the variance of each picture's place."""
        for layer in self.read[:-1]:
            x = F.relu(layer(x))
        y = self.read[-1](x)
        return y[:, : self.latent], y[:, self.latent :]

    def decode(self, z):
        """How bright each pixel is, as logits."""
        for layer in self.paint[:-1]:
            z = F.relu(layer(z))
        return self.paint[-1](z)

    def forward(self, x):
        """What a picture costs: its pixels, and the deviation of its place from N(0, 1)."""
        mean, log_variance = self.encode(x)
        noise = np.random.randn(*mean.shape).astype(np.float32)
        pixels = cross_entropy(self.decode(mean + F.exp(0.5 * log_variance) * noise), x)
        spread = 0.5 * F.sum(F.exp(log_variance) + mean**2 - 1 - log_variance)
        return (pixels + spread) / len(x)


def cross_entropy(logits, x):
    """-x log p - (1 - x) log(1 - p) with p = sigmoid(logits), summed."""
    return F.sum(F.softplus(logits) - x * logits)


def load():
    try:
        return FashionMNIST(train=True), FashionMNIST(train=False)
    except DownloadError as error:
        print(f"{error}\nWithout Fashion-MNIST: learning Digits instead.")
        return Digits(train=True), Digits(train=False)


def measure(model, loader):
    """What a picture costs on average, in nats."""
    with dezero.no_grad():
        costs = [float(model(x)) * len(x) for x, _ in loader]
    return sum(costs) / loader.data_size


def cost_of_average(train, test):
    """What a picture costs where each pixel is always as bright as on average."""
    x, t = (data.batch(range(len(data)))[0] for data in (train, test))
    p = np.clip(x.mean(axis=0), 1e-3, 1 - 1e-3)
    return float(cross_entropy(np.log(p / (1 - p)) + np.zeros_like(t), t)) / len(t)


def draw(model, test, cost, picture):
    x, t = test.batch(range(len(test)))
    quantiles = [NormalDist().inv_cdf((i + 0.5) / GRID) for i in range(GRID)]
    places = np.array([(a, b) for b in reversed(quantiles) for a in quantiles], np.float32)
    with dezero.no_grad():
        mean, _ = model.encode(x)
        painted = F.sigmoid(model.decode(places)).data
    figure, (left, right) = plt.subplots(1, 2, figsize=(12.5, 5.8), layout="constrained")
    for label, name in test.labels().items():
        left.scatter(*mean.data[t == label].T, s=3, alpha=0.6, color=f"C{label}", label=name)
    left.set(xlabel="z₀", ylabel="z₁", xlim=(-3.5, 3.5), ylim=(-3.5, 3.5), aspect="equal")
    left.set_title("Where the test images lie")
    left.legend(loc="upper left", markerscale=4, fontsize="small")
    images = painted.reshape(-1, *test.data.shape[1:])
    right.imshow(image_grid(images, GRID, GRID), cmap="gray_r")
    right.axis("off")
    right.set_title(f"What lies there; a test image costs {cost:.1f} nats")
    figure.savefig(picture, dpi=90)


def main(quick, picture):
    np.random.seed(0)
    train, test = load()
    if quick:
        train.data, test.data = train.data[:4000], test.data[:1000]
        train.label, test.label = train.label[:4000], test.label[:1000]
    model = VAE(train[0][0].size, hidden=100 if quick else 400)
    epochs = 4 if quick else 20
    loader = DataLoader(train, batch_size=100)
    in_order = DataLoader(test, batch_size=1000, shuffle=False)
    optimizer = Adam().setup(model)
    total = epochs * len(loader)
    optimizer.add_hook(WarmupCosine(optimizer, peak=2e-3, warmup=total // 20, total=total))
    for epoch in range(1, epochs + 1):
        for x, _ in loader:
            loss = model(x)
            model.cleargrads()
            loss.backward()
            optimizer.update()
        cost = measure(model, in_order)
        if quick or epoch % 4 == 0:
            print(f"epoch {epoch:2}: a test image costs {cost:.1f} nats")
    average = cost_of_average(train, test)
    print(f"with pixels as bright as on average: {average:.1f} nats")
    draw(model, test, cost, picture)
    assert cost < (0.95 if quick else 0.75) * average


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="4 epochs of 4,000 images")
    parser.add_argument("--picture", default="vae.png")
    options = parser.parse_args()
    main(options.quick, options.picture)
