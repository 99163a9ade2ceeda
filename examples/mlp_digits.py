"""Handwritten digits, read by three fully connected layers.

1,437 pictures of 8x8 pixels to learn from and 360 others to test with; they come with DeZero. The
picture shows how the learning went, and which digits are taken for which.
"""

import argparse

import matplotlib
import numpy as np

import dezero
import dezero.functions as F
from dezero import DataLoader
from dezero.datasets import Digits
from dezero.models import MLP
from dezero.optimizers import AdamW
from dezero.train import fit

matplotlib.use("Agg")
import matplotlib.pyplot as plt


def confusion(model, dataset):
    """How often each true digit (row) is taken for each digit (column)."""
    x, t = dataset.batch(range(len(dataset)))
    with dezero.test_mode(), dezero.no_grad():
        taken = model(x).data.argmax(axis=1)
    counts = np.zeros((10, 10), int)
    np.add.at(counts, (t, taken), 1)
    return counts


def draw_curves(axes, history, metric, label):
    for name, values in history.curves(metric).items():
        axes.plot([epoch.number for epoch in history.epochs], values, label=name)
    axes.set(xlabel="epoch", ylabel=label)
    axes.legend()


def draw_confusion(axes, counts):
    axes.imshow(counts, cmap="Blues", vmax=counts.max() * 1.5)
    for true, taken in np.argwhere(counts > 0):
        colour = "black" if true == taken else "#D55E00"
        axes.text(taken, true, counts[true, taken], ha="center", va="center", color=colour)
    axes.set(xlabel="taken for", ylabel="true digit", xticks=range(10), yticks=range(10))


def main(quick, compiled, picture):
    np.random.seed(0)
    train, test = Digits(train=True), Digits(train=False)
    model = MLP((256, 128, 10), activation=F.relu)
    optimizer = AdamW(alpha=2e-3, weight_decay=0.01).setup(model)
    history = fit(
        model,
        optimizer,
        DataLoader(train, batch_size=32),
        epochs=5 if quick else 20,
        compile=compiled,
        test=DataLoader(test, batch_size=360, shuffle=False),
    )
    counts = confusion(model, test)
    accuracy = counts.trace() / counts.sum()
    print(f"{counts.trace()} of {counts.sum()} test digits are right: {accuracy:.3f}")

    figure, axes = plt.subplots(1, 3, figsize=(12.5, 4), layout="constrained")
    draw_curves(axes[0], history, "loss", "cross-entropy [nats]")
    draw_curves(axes[1], history, "accuracy", "accuracy")
    draw_confusion(axes[2], counts)
    axes[2].set_title(f"Test accuracy {accuracy:.3f}")
    figure.savefig(picture, dpi=100)

    assert accuracy >= (0.9 if quick else 0.97)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="5 epochs instead of 20")
    parser.add_argument("--compile", action="store_true", help="run the step as native code")
    parser.add_argument("--picture", default="mlp_digits.png")
    options = parser.parse_args()
    main(options.quick, options.compile, options.picture)
