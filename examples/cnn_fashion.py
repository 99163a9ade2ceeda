"""A convolutional network for Fashion-MNIST: more than 90 % of unseen clothes are right.

Where the pictures are neither installed nor to be had, Digits takes their place. The picture shows
the kernels that the first layer has learned, what they see in one image, and which clothes are
taken for which.
"""

import argparse

import matplotlib
import numpy as np

import dezero
import dezero.functions as F
import dezero.layers as L
from dezero import DataLoader, Model
from dezero.datasets import Digits, FashionMNIST
from dezero.errors import DownloadError
from dezero.optimizers import AdamW, WarmupCosine
from dezero.train import fit
from dezero.transforms import Normalize

matplotlib.use("Agg")
import matplotlib.pyplot as plt


class CNN(Model):
    def __init__(self):
        super().__init__()
        self.conv1 = L.Conv2d(16, kernel_size=3, pad=1)
        self.conv2 = L.Conv2d(32, kernel_size=3, pad=1)
        self.dense = L.Linear(128)
        self.dropout = L.Dropout(0.3)
        self.out = L.Linear(10)

    def forward(self, x):
        x = F.relu(F.pooling(self.conv1(x), 2, stride=2))  # (N, 16, 14, 14)
        x = F.relu(F.pooling(self.conv2(x), 2, stride=2))  # (N, 32, 7, 7)
        x = F.relu(self.dense(F.flatten(x)))
        return self.out(self.dropout(x))


def load():
    try:
        scaled = Normalize(0, 255)
        return FashionMNIST(train=True, transform=scaled), FashionMNIST(False, scaled)
    except DownloadError as error:
        print(f"{error}\nWithout Fashion-MNIST: learning Digits instead.")
        scaled = Normalize(0, 16)
        return Digits(train=True, transform=scaled), Digits(False, scaled)


def confusion(model, loader):
    """How often each true class (row) is taken for each class (column)."""
    counts = np.zeros((10, 10), int)
    with dezero.test_mode(), dezero.no_grad():
        for x, t in loader:
            np.add.at(counts, (t, model(x).data.argmax(axis=1)), 1)
    return counts


def tiled(images):
    """16 images (16, H, W) as one of 4 x 4, with gaps."""
    framed = np.pad(images, ((0, 0), (0, 1), (0, 1)), constant_values=np.nan)
    _, H, W = framed.shape
    return framed.reshape(4, 4, H, W).transpose(0, 2, 1, 3).reshape(4 * H, 4 * W)


def draw(model, test, counts, picture):
    figure, axes = plt.subplots(1, 3, figsize=(13, 4.6), layout="constrained")
    kernels = model.conv1.W.data[:, 0]
    limit = np.abs(kernels).max()
    axes[0].imshow(tiled(kernels), cmap="RdBu", vmin=-limit, vmax=limit)
    axes[0].set_title("The 16 kernels of the first layer")
    with dezero.no_grad():
        seen = F.relu(model.conv1(test[0][0][np.newaxis])).data[0]
    axes[1].imshow(tiled(seen), cmap="gray_r")
    axes[1].set_title("What each of them sees")
    for panel in axes[:2]:
        panel.axis("off")
    axes[2].imshow(np.sqrt(counts), cmap="Blues", vmax=1.4 * np.sqrt(counts.max()))
    for true, taken in np.argwhere(counts > 0):
        axes[2].text(taken, true, counts[true, taken], ha="center", va="center", size=7)
    names = list(test.labels().values())
    axes[2].set_xticks(range(10), names, rotation=60, ha="right", size=8)
    axes[2].set_yticks(range(10), names, size=8)
    axes[2].set(xlabel="taken for", ylabel="true class")
    axes[2].set_title(f"Test accuracy {counts.trace() / counts.sum():.3f}")
    figure.savefig(picture, dpi=100)


def main(quick, compiled, picture):
    np.random.seed(0)
    dezero.random.seed(0)  # of dropout
    train, test = load()
    if quick:
        train.data, train.label = train.data[:2000], train.label[:2000]
        test.data, test.label = test.data[:1000], test.label[:1000]
    model = CNN()
    epochs = 3 if quick else 5
    loader = DataLoader(train, batch_size=50)
    optimizer = AdamW(weight_decay=0.01).setup(model)
    total = epochs * len(loader)
    optimizer.add_hook(WarmupCosine(optimizer, peak=2e-3, warmup=total // 10, total=total))
    in_order = DataLoader(test, batch_size=500, shuffle=False)
    fit(model, optimizer, loader, epochs, test=in_order, compile=compiled)

    counts = confusion(model, in_order)
    accuracy = counts.trace() / counts.sum()
    print(f"{counts.trace():,} of {counts.sum():,} test images are right: {accuracy:.3f}")
    draw(model, test, counts, picture)
    assert accuracy >= (0.6 if quick else 0.90)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="3 epochs of 2,000 images")
    parser.add_argument("--compile", action="store_true", help="run the step as native code")
    parser.add_argument("--picture", default="cnn_fashion.png")
    options = parser.parse_args()
    main(options.quick, options.compile, options.picture)
