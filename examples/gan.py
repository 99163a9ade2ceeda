"""A generative adversarial network: a painter learns what a critic takes for real clothes.

The painter makes images of random numbers, the critic tells them from real ones, and each learns
from the mistakes of the other. Who judges them both is a classifier of real images: in its
features, the painted images must be distributed like unseen real ones. Where Fashion-MNIST is not
to be had, Digits takes its place.
"""

import argparse
from copy import deepcopy
from itertools import chain, islice, repeat

import matplotlib
import numpy as np

import dezero
import dezero.functions as F
from dezero import DataLoader
from dezero.arrays.random import normal
from dezero.datasets import Digits, FashionMNIST
from dezero.datasets.image_grid import image_grid
from dezero.errors import DownloadError
from dezero.layers import BatchNorm, Dropout, Linear
from dezero.models import Sequential
from dezero.optimizers import Adam
from dezero.train import Silent, fit
from dezero.transforms import Compose, Flatten, Normalize

matplotlib.use("Agg")
import matplotlib.pyplot as plt

LATENT = 32  # random numbers for an image
SHOWN = 12


def load():
    """Images as rows from -1 to 1."""
    try:
        scaled = Compose([Flatten(), Normalize(127.5, 127.5)])
        return FashionMNIST(True, scaled), FashionMNIST(False, scaled)
    except DownloadError as error:
        print(f"{error}\nWithout Fashion-MNIST: painting Digits instead.")
        scaled = Compose([Flatten(), Normalize(8, 8)])
        return Digits(True, scaled), Digits(False, scaled)


def networks(pixels, hidden):
    widths = hidden, 2 * hidden
    upward = [layer for n in widths for layer in (Linear(n), BatchNorm(), F.relu)]
    downward = [layer for n in widths[::-1] for layer in (Linear(n), F.leaky_relu, Dropout(0.3))]
    return Sequential(*upward, Linear(pixels), F.tanh), Sequential(*downward, Linear(1))


def output(network, x):
    with dezero.no_grad(), dezero.test_mode():
        return network(x).data


def train_both(painter, critic, loader, steps, compiled):
    """The average painter of the last hundred steps, both losses, and what it painted when."""
    optimizers = [Adam(1e-3, beta1=0.5).setup(network) for network in (painter, critic)]
    watched = normal((SHOWN, LATENT), np.float32)  # while the painter learns
    output(painter, watched)  # makes its weights
    average, losses, seen = deepcopy(painter), [], {}

    def learn(real, z):
        fake = painter(z)
        doubt = F.mean(F.softplus(-critic(real)) + F.softplus(critic(fake.data)))
        critic.cleargrads()
        doubt.backward()
        optimizers[1].update()
        fame = F.mean(F.softplus(-critic(fake)))
        painter.cleargrads()
        fame.backward()
        optimizers[0].update()
        for mean, p in zip(average.params(), painter.params(), strict=True):
            mean.data += 0.01 * (p.data - mean.data)
        return doubt, fame

    if compiled:
        learn = dezero.compile(learn)
    batches = islice(chain.from_iterable(repeat(loader)), steps)
    for step, (real, _) in enumerate(batches, start=1):
        z = normal((len(real), LATENT), np.float32)
        losses.append([float(loss) for loss in learn(real, z)])
        if step in (1, steps // 16, steps // 8, steps // 4, steps // 2, steps):
            seen[step] = output(average, watched)
            print(f"step {step:4}: critic {losses[-1][0]:.3f}, painter {losses[-1][1]:.3f}")
    return average, np.array(losses), seen


def frechet_distance(judge, x, y):
    """Between normal distributions fitted to the judge's features (arXiv:1706.08500)."""
    features = Sequential(*judge.layers[:-1])
    a, b = (output(features, images).astype(np.float64) for images in (x, y))
    difference, A, B = a.mean(axis=0) - b.mean(axis=0), np.cov(a.T), np.cov(b.T)
    values, directions = np.linalg.eigh(A)
    root = directions * np.sqrt(np.maximum(values, 0)) @ directions.T
    shared = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ B @ root), 0)).sum()
    return difference @ difference + A.trace() + B.trace() - 2 * shared


def draw(losses, seen, shape, picture):
    figure, (left, right) = plt.subplots(1, 2, figsize=(12.5, 4.2), layout="constrained")
    rows = np.concatenate(list(seen.values())).reshape(-1, *shape)
    left.imshow(image_grid(rows, len(seen), SHOWN), cmap="gray_r")
    left.set_yticks([shape[1] * (i + 0.5) for i in range(len(seen))], seen, size=8)
    left.set(xticks=[], ylabel="step", title="The same random numbers, painted")
    window = len(losses) // 50
    for loss, name in zip(losses.T, ("critic", "painter"), strict=True):
        right.plot(np.convolve(loss, np.ones(window) / window, mode="valid"), label=name)
    right.set(xlabel="step", ylabel="loss", title="Neither wins")
    right.legend()
    figure.savefig(picture, dpi=90)


def main(quick, compiled, picture):
    np.random.seed(0)
    dezero.random.seed(0)
    train, test = load()
    x, y = (data.batch(range(len(data)))[0] for data in (train, test))
    judge = Sequential(Linear(128), F.relu, Linear(32), F.relu, Linear(10))
    loader, epochs = DataLoader(train, 100), max(2, 30000 // len(train))
    fit(judge, Adam().setup(judge), loader, epochs, progress=Silent(), compile=compiled)
    painter, critic = networks(x.shape[1], 128 if quick else 256)
    steps = 1200 if quick else 3200
    average, losses, seen = train_both(painter, critic, DataLoader(train, 64), steps, compiled)

    images = output(average, normal((2000, LATENT), np.float32))
    rarest = np.bincount(output(judge, images).argmax(axis=1), minlength=10).min() / 2000
    # pixels with the means and covariances of real ones: all there is but shapes
    moments = x.mean(axis=0), np.cov(x[:10000].T)
    noise = np.random.default_rng(0).multivariate_normal(*moments, 2000, "ignore", method="eigh")
    compared = x, noise.clip(-1, 1), images
    real, shapeless, ours = (frechet_distance(judge, some, y) for some in compared)
    print(f"distance from unseen images: {ours:.2f}")
    print(f"of the training images {real:.2f}, of shapeless ones {shapeless:.2f}")
    print(f"the rarest class makes {rarest:.1%} of what is painted")
    draw(losses, seen, train.data.shape[1:], picture)
    assert ours < shapeless * (2 / 3 if quick else 1 / 3)
    assert rarest > (0.01 if quick else 0.03)  # of ten that are equally frequent


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="1,200 steps of small networks")
    parser.add_argument("--compile", action="store_true", help="run the step as native code")
    parser.add_argument("--picture", default="gan.png")
    options = parser.parse_args()
    main(options.quick, options.compile, options.picture)
