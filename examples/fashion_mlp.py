"""Clothes, told apart by fully connected layers: Fashion-MNIST, 60,000 pictures of 28x28 pixels.

Where the pictures are neither installed nor to be had, Digits takes their place. The picture
shows test images with what the network takes them for; mistakes are framed.
"""

import argparse

import numpy as np

import dezero
import dezero.functions as F
from dezero import DataLoader
from dezero.datasets import Digits, FashionMNIST
from dezero.errors import DownloadError
from dezero.layers import Dropout, Linear
from dezero.models import Sequential
from dezero.optimizers import AdamW, WarmupCosine
from dezero.train import fit
from dezero.viz import plot_predictions


def load():
    try:
        return FashionMNIST(train=True), FashionMNIST(train=False)
    except DownloadError as error:
        print(f"{error}\nWithout Fashion-MNIST: learning Digits instead.")
        return Digits(train=True), Digits(train=False)


def main(quick, compiled, picture):
    np.random.seed(0)
    dezero.random.seed(0)  # of dropout
    train, test = load()
    if quick:
        train.data, train.label = train.data[:6000], train.label[:6000]

    model = Sequential(
        *(Linear(256), F.relu, Dropout(0.2)),
        *(Linear(128), F.relu, Dropout(0.2)),
        Linear(10),
    )
    epochs = 3 if quick else 12
    loader = DataLoader(train, batch_size=64)
    optimizer = AdamW(weight_decay=0.01).setup(model)
    total = epochs * len(loader)
    optimizer.add_hook(WarmupCosine(optimizer, peak=2e-3, warmup=total // 10, total=total))
    in_order = DataLoader(test, batch_size=1000, shuffle=False)
    history = fit(model, optimizer, loader, epochs, test=in_order, compile=compiled)
    accuracy = history.curves("accuracy")["test"][-1]

    shown = 48
    x, t = test.batch(range(shown))
    with dezero.test_mode(), dezero.no_grad():
        taken = model(x).data.argmax(axis=1)
    title = f"The first {shown} test images; {100 * accuracy:.1f} % of all {len(test):,} are right"
    images = test.data[:shown, 0]
    plot_predictions(images, taken, t, test.labels(), title, picture, columns=12)

    assert accuracy > (0.7 if quick else 0.885)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="3 epochs of a tenth of the images")
    parser.add_argument("--compile", action="store_true", help="run the step as native code")
    parser.add_argument("--picture", default="fashion_mlp.png")
    options = parser.parse_args()
    main(options.quick, options.compile, options.picture)
