"""Three interleaved spirals, told apart by a network with ten hidden units.

The picture shows the training points and the decision boundary that the network has learned.
"""

import argparse

import matplotlib
import numpy as np

import dezero
import dezero.functions as F
from dezero import DataLoader, optimizers
from dezero.datasets import Spiral
from dezero.models import MLP

matplotlib.use("Agg")
import matplotlib.pyplot as plt


def accuracy(model, dataset):
    with dezero.no_grad():
        return float(F.accuracy(model(dataset.data), dataset.label))


def main(quick, compiled, picture):
    np.random.seed(0)
    train, test = Spiral(train=True), Spiral(train=False)
    loader = DataLoader(train, batch_size=30)
    model = MLP((10, 3))
    optimizer = optimizers.SGD(1.0).setup(model)

    def learn(x, t):
        loss = F.softmax_cross_entropy(model(x), t)
        model.cleargrads()
        loss.backward()
        optimizer.update()
        return loss

    if compiled:
        learn = dezero.compile(learn)
    for epoch in range(60 if quick else 300):
        total = 0.0
        for x, t in loader:
            total += float(learn(x, t)) * len(t) / len(train)
        if (epoch + 1) % 60 == 0:
            print(f"epoch {epoch + 1:3}: loss {total:.3f}, test {accuracy(model, test):.3f}")

    grid = np.linspace(-1.1, 1.1, 300, dtype=np.float32)
    x, y = np.meshgrid(grid, grid)
    with dezero.no_grad():
        scores = model(np.stack([x.ravel(), y.ravel()], axis=1)).data
    figure, axes = plt.subplots(figsize=(6, 5.5), layout="constrained")
    colours = matplotlib.colors.ListedColormap(["#0072B2", "#E69F00", "#009E73"])
    axes.contourf(x, y, scores.argmax(axis=1).reshape(x.shape), cmap=colours, alpha=0.3)
    for label, marker in enumerate("ox^"):
        points = train.data[train.label == label]
        axes.scatter(*points.T, marker=marker, s=22, color=colours(label), label=f"class {label}")
    axes.set(xlabel="x₀", ylabel="x₁", title=f"Test accuracy {accuracy(model, test):.3f}")
    axes.legend(loc="upper left")
    figure.savefig(picture, dpi=120)

    assert accuracy(model, test) > (0.6 if quick else 0.94)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="60 epochs instead of 300")
    parser.add_argument("--compile", action="store_true", help="run the step as native code")
    parser.add_argument("--picture", default="spiral.png")
    options = parser.parse_args()
    main(options.quick, options.compile, options.picture)
